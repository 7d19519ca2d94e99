//! Compares modules in several engines.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tests_differential::survey::Survey;
use tests_differential::{compiled, regression};

const USAGE: &str = "Usage: tests-differential [--modules N] [--seed S] [--first K] [--jobs J] [--most M] \
    [--folder F]\n       tests-differential FILE...";

/// Differences of wasmi's own that are shown.
const DOUBTS: usize = 3;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let works = arguments.first().is_some_and(|first| first == "work");
    if works {
        arguments.remove(0);
    } else if arguments.first().is_some_and(|first| !first.starts_with("--")) {
        return files(&arguments);
    }
    let survey = match options(&arguments) {
        Ok(survey) => survey,
        Err(why) => {
            eprintln!("error[usage]: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if works {
        survey.work();
        return ExitCode::SUCCESS;
    }
    match all(&survey) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error[differential]: {why}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: &[String]) -> Result<Survey, String> {
    let mut survey = Survey {
        modules: 1_000,
        seed: 1,
        first: 0,
        jobs: std::thread::available_parallelism().map_or(1, |jobs| jobs.get() as u64),
        most: 10,
        folder: PathBuf::from("target/differential"),
    };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
        let number = || value.parse().map_err(|_| format!("`{value}` is not a number"));
        match name.as_str() {
            "--modules" => survey.modules = number()?,
            "--seed" => survey.seed = number()?,
            "--first" => survey.first = number()?,
            "--jobs" => survey.jobs = number()?,
            "--most" => survey.most = number()?,
            "--folder" => survey.folder = PathBuf::from(value),
            _ => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok(survey)
}

fn all(survey: &Survey) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let regressions = regression::run(&folder)?;
    println!("{regressions} regressions are none");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let start = Instant::now();
    let mut report = survey.run(&program);
    let seconds = start.elapsed().as_secs_f64();
    let figures = report.figures.each().map(|(name, figure)| format!("{figure} {name}"));
    println!("seed {}: {} in {seconds:.1} s", survey.seed, figures.join(", "));
    for doubt in report.doubts.iter().take(DOUBTS) {
        println!("{doubt}");
    }
    if report.findings.is_empty() { Ok(()) } else { Err(report.findings.join("\n")) }
}

fn files(paths: &[String]) -> ExitCode {
    let engine = compiled::engine();
    let mut code = ExitCode::SUCCESS;
    for path in paths {
        if let Err(why) = regression::file(&engine, Path::new(path)) {
            eprintln!("{path}: {why}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
