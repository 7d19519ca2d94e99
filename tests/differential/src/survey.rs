//! Many modules, shared among processes: one that dies is a finding, not the end of the report.

use crate::compare::{self, Figures};
use crate::generate::{self, Generated};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// Which modules are compared.
#[derive(Clone, Debug)]
pub struct Survey {
    /// How many.
    pub modules: u64,
    /// The seed of the first is this one and `first`.
    pub seed: u64,
    /// Modules that are passed over.
    pub first: u64,
    /// Processes.
    pub jobs: u64,
    /// Differences after which a process stops.
    pub most: u64,
    /// Where modules that differ are written to.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Figures.
    pub figures: Figures,
    /// Differences, and ends of processes, in words.
    pub findings: Vec<String>,
    /// Differences in which wasmi stands alone.
    pub doubts: Vec<String>,
}

impl Survey {
    /// Compares the modules here, and prints what the process that reads it understands.
    ///
    /// Every module is announced, so that it is known where the process died.
    pub fn work(&self) {
        let engine = crate::compiled::engine();
        let mut figures = Figures::default();
        let mut found = 0;
        for number in self.first..self.first + self.modules {
            if number.is_multiple_of(100) {
                tell(&mut figures);
            }
            say(&format!("at {number}"));
            let Ok(mut generated) = generate::module(self.seed.wrapping_add(number)) else {
                figures.none += 1;
                continue;
            };
            let compared = compare::generated(&engine, &mut generated, &mut figures);
            let (word, difference) = match compared {
                Ok(None) => continue,
                Ok(Some(difference)) => ("doubt", difference),
                Err(difference) => ("found", difference),
            };
            let path = self.write(number, &generated);
            let options = generated.case.options;
            let text = format!("module {number} of seed {}, {options:?}, {path}: {difference}", self.seed);
            say(&format!("{word} {}", text.replace('\n', "\u{1}")));
            found += u64::from(word == "found");
            if found >= self.most {
                break;
            }
        }
        tell(&mut figures);
    }

    fn write(&self, number: u64, generated: &Generated) -> String {
        let name = |ending| format!("seed-{}-module-{number}{ending}.wasm", self.seed);
        let path = self.folder.join(name(""));
        let written = fs::create_dir_all(&self.folder).and_then(|()| {
            fs::write(&path, &generated.case.bytes)?;
            let second = generated.second.as_ref();
            second.map_or(Ok(()), |second| fs::write(self.folder.join(name("-second")), &second.bytes))
        });
        match written {
            Ok(()) => path.display().to_string(),
            Err(error) => format!("{}: {error}", path.display()),
        }
    }

    /// Shares the modules among processes of this program.
    pub fn run(&self, program: &Path) -> Report {
        let share = self.modules.div_ceil(self.jobs.max(1));
        let parts = (0..self.jobs).map(|job| {
            let passed = (job * share).min(self.modules);
            Self { first: self.first + passed, modules: share.min(self.modules - passed), ..self.clone() }
        });
        let mut report = Report::default();
        let threads: Vec<_> = parts
            .map(|part| {
                let program = program.to_owned();
                thread::spawn(move || part.watch(&program))
            })
            .collect();
        for thread in threads {
            let Ok(mut part) = thread.join() else {
                report.findings.push("a thread panicked".into());
                continue;
            };
            report.figures.add(&mut part.figures);
            report.findings.extend(part.findings);
            report.doubts.extend(part.doubts);
        }
        report
    }

    /// Lets processes work until the part is done; where one dies, the next goes on behind.
    fn watch(mut self, program: &Path) -> Report {
        let mut report = Report::default();
        while self.modules > 0 && (report.findings.len() as u64) < self.most {
            let (last, died) = match self.one(program, &mut report) {
                Ok(end) => end,
                Err(error) => {
                    report.findings.push(format!("a process could not work: {error}"));
                    break;
                }
            };
            let Some(why) = died else { break };
            let module = generate::module(self.seed.wrapping_add(last));
            let path = module.map_or_else(|error| error.to_string(), |module| self.write(last, &module));
            report.findings.push(format!("module {last} of seed {}, {path}: {why}", self.seed));
            let done = last + 1 - self.first;
            self.modules = self.modules.saturating_sub(done);
            self.first += done;
        }
        report
    }

    /// One process: the module that it was at, and why it died, if it did.
    fn one(&self, program: &Path, report: &mut Report) -> std::io::Result<(u64, Option<String>)> {
        let options = [
            ("--modules", self.modules.to_string()),
            ("--seed", self.seed.to_string()),
            ("--first", self.first.to_string()),
            ("--most", self.most.to_string()),
            ("--folder", self.folder.display().to_string()),
        ];
        let mut command = Command::new(program);
        command.arg("work").args(options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut last = self.first;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line?;
                match line.split_once(' ') {
                    Some(("at", number)) => last = number.parse().unwrap_or(last),
                    Some(("found", text)) => {
                        let text = text.replace('\u{1}', "\n");
                        report.findings.push(text);
                    }
                    Some(("doubt", text)) => {
                        report.doubts.push(text.replace('\u{1}', "\n"));
                    }
                    Some(("figure", rest)) => {
                        let (name, value) = rest.rsplit_once(' ').unwrap_or((rest, "0"));
                        for (known, sum) in report.figures.each() {
                            *sum += if known == name { value.parse().unwrap_or(0) } else { 0 };
                        }
                    }
                    _ => {}
                }
            }
        }
        let status = child.wait()?;
        Ok((last, (!status.success()).then(|| format!("the process died: {status}"))))
    }
}

/// Hands figures over to the process that reads.
fn tell(figures: &mut Figures) {
    for (name, figure) in std::mem::take(figures).each() {
        say(&format!("figure {name} {figure}"));
    }
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // Whoever reads may be gone; then nobody waits for the rest.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
