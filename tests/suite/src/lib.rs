//! The language's own suite: programs that the compiler refuses and how it says so, and programs that it accepts
//! and whose `test` blocks hold.
//!
//! Cases are data. `refused/<topic>.txt` holds many cases; each is
//!
//! ```text
//! --- unknown-name: what it shows
//! === first.in
//! the source
//! === counter/second.in
//! a file of the package `counter`
//! ----
//! the exact report
//! ```
//!
//! A case of one file needs no `===` line. `BLESS=1 cargo test -p tests-suite` writes the reports anew.
//! `accepted/*.in` are projects, of one file or of several in the same form.
#![forbid(unsafe_code)]

use compiler_driver::{Compilation, Options, OsImage, PackageSource, ProjectSource, SourceFile, pipeline};
use compiler_syntax::render;

/// One program that is refused, or warned about.
#[derive(Clone, Debug)]
pub struct Case {
    /// The id that it shows.
    pub id: String,
    /// What it shows, in a few words.
    pub what: String,
    /// Its sources as they stand in the file.
    pub source: String,
    /// The report.
    pub report: String,
}

/// The cases of a file.
pub fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for section in format!("\n{text}").split("\n--- ").skip(1) {
        let (head, body) = section.split_once('\n').unwrap_or((section, ""));
        let (id, what) = head.split_once(": ").unwrap_or((head, ""));
        let body = format!("\n{body}\n");
        let (source, report) = body.split_once("\n----\n").unwrap_or((&body, ""));
        cases.push(Case {
            id: id.to_owned(),
            what: what.to_owned(),
            source: format!("{}\n", source.trim_matches('\n')),
            report: format!("{}\n", report.trim_matches('\n')),
        });
    }
    cases
}

/// The file of some cases.
pub fn written(cases: &[Case]) -> String {
    let one = |case: &Case| {
        format!("--- {}: {}\n{}----\n{}", case.id, case.what, case.source, case.report.trim_start())
    };
    cases.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// The files of a source: what stands below each line of `mark` and a name, or one file `case.in`.
fn files<'s>(source: &'s str, mark: &str) -> Vec<(&'s str, String)> {
    let mut files: Vec<(&str, String)> = Vec::new();
    for line in source.lines() {
        if let Some(name) = line.strip_prefix(mark) {
            files.push((name, String::new()));
            continue;
        }
        if files.is_empty() {
            files.push(("case.in", String::new()));
        }
        if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    files
}

/// A project of the files in a source: folders are packages.
pub fn project(source: &str) -> ProjectSource {
    let mut project = ProjectSource::default();
    for (name, text) in files(source, "=== ") {
        let mut path: Vec<String> = name.split('/').map(str::to_owned).collect();
        path.pop();
        let file = SourceFile { name: name.to_owned(), bytes: text.into_bytes() };
        match project.packages.iter_mut().find(|package| package.path == path) {
            Some(package) => package.files.push(file),
            None => project.packages.push(PackageSource { path, files: vec![file] }),
        }
    }
    project
}

/// Compiles the files in a source, without the operating system, and runs its tests.
pub fn compile(source: &str) -> Compilation {
    pipeline::compile(&project(source), &Options { tests: true, os: Vec::new() })
}

/// What the compiler says of a program.
pub fn report(compilation: &Compilation) -> String {
    render(&compilation.diagnostics, &compilation.sources, false)
}

/// The OS components that a system is linked with, compiled from their sources.
pub fn os() -> Vec<(&'static str, Vec<u8>)> {
    let sources = [
        ("root", include_str!("../../../services/os/root.in")),
        ("console", include_str!("../../../services/os/console.in")),
    ];
    let compiled = |(name, text): (&'static str, &str)| {
        let component = pipeline::compile(&project(text), &Options::default()).components.pop();
        component.map(|component| (name, component.image))
    };
    sources.into_iter().filter_map(compiled).collect()
}

/// Compiles the files in a source and links them with OS components.
pub fn link(source: &str, os: &[(&'static str, Vec<u8>)]) -> Compilation {
    let os = os.iter().map(|(name, image)| OsImage { name, bytes: image.clone().leak() }).collect();
    pipeline::compile(&project(source), &Options { tests: false, os })
}
