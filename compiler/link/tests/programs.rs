//! The programs of this repository, from source: their MIR is well-formed and reads back from its text.

use compiler_check::ParsedPackage;
use compiler_mir::ir::Program;
use compiler_mir::{parse, print, verify};
use compiler_syntax::span::{Sources, Span};
use std::fs;
use std::path::{Path, PathBuf};

/// Projects below the repository's root: a folder, or one file that is a package of its own.
const PROJECTS: [&str; 5] = [
    "examples/hello",
    "examples/multicomponent",
    "examples/offender",
    "services/os/console.in",
    "services/os/root.in",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Parses a file, or a folder and those below it, a package each.
fn read(at: &Path, path: &[String], sources: &mut Sources, packages: &mut Vec<ParsedPackage>) {
    let mut entries = vec![at.to_path_buf()];
    if at.is_dir() {
        let inside = fs::read_dir(at).expect("a folder of sources");
        entries = inside.map(|entry| entry.expect("an entry").path()).collect();
        entries.sort();
    }
    let mut files = Vec::new();
    for entry in &entries {
        let name = entry.file_name().expect("entries have names").to_string_lossy().into_owned();
        if entry.is_dir() && name != "build" {
            let below: Vec<String> = path.iter().cloned().chain([name]).collect();
            read(entry, &below, sources, packages);
        } else if entry.extension().is_some_and(|extension| extension == "in") {
            let text = fs::read_to_string(entry).expect("sources are text");
            let file = sources.add(name, text.clone());
            let (tree, diagnostics) = compiler_syntax::parse(file, &text);
            assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", entry.display());
            files.push((file, tree));
        }
    }
    if let Some((first, _)) = files.first() {
        let span = Span::new(*first, 0, 0);
        let files = files.into_iter().map(|(_, tree)| tree).collect();
        packages.push(ParsedPackage { path: path.join("."), files, span, library: false, native: false });
    }
}

/// The programs of every project, with a name for people.
fn programs() -> Vec<(String, Program)> {
    let mut programs = Vec::new();
    for project in PROJECTS {
        let mut sources = Sources::default();
        let mut all = Vec::new();
        read(&root().join(project), &[], &mut sources, &mut all);
        let before = all.len();
        read(&root().join("runtime/guest/std"), &["space".into(), "text".into()], &mut sources, &mut all);
        all[before..].iter_mut().for_each(|package| package.library = true);
        let checked = compiler_check::check(&all);
        assert!(checked.diagnostics.is_empty(), "{project}: {:?}", checked.diagnostics);
        for unit in checked.units {
            programs.push((format!("{project} {}", unit.package), unit.program));
        }
    }
    assert!(programs.len() >= 7, "every component is a program");
    programs
}

#[test]
fn programs_are_well_formed() {
    for (name, program) in programs() {
        if let Err(defects) = verify::verify(&program) {
            let lines: Vec<String> = defects.iter().map(ToString::to_string).collect();
            panic!("{name}:\n{}", lines.join("\n"));
        }
    }
}

#[test]
fn programs_read_back_from_their_text() {
    for (name, program) in programs() {
        let text = print::Text(&program).to_string();
        let read = parse::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        assert_eq!(format!("{program:?}"), format!("{read:?}"), "{name}");
    }
}
