//! What several commands begin with: read the project, compile it, show what the compiler said.

use std::path::Path;

use compiler_driver::build::{self, Built, Outcome, Settings};
use compiler_driver::keys::{Key, Store};
use compiler_driver::{Compilation, Options, OsImage, Project};
use compiler_syntax::diagnostic::Severity;

use crate::explanations;
use crate::progress::Progress;
use crate::report::{Exit, Failure, color, say};

/// What the compiler is told.
pub fn options(tests: bool) -> Options {
    Options { tests, os: ::boot::OS.iter().map(|(name, bytes)| OsImage { name, bytes }).collect() }
}

/// A name for a folder, for people.
pub fn name(folder: &Path) -> String {
    let full = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    full.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Compiles a project without writing anything. What the compiler says is printed; a refused program is a
/// failure.
pub fn compile(folder: &Path, tests: bool) -> Result<Compilation, Failure> {
    let project = Project::read(folder)?;
    let progress = Progress::of(format!("compiling {}", name(folder)));
    let compilation = build::compile(&project, &options(tests))?;
    drop(progress);
    show(&compilation);
    if compilation.refused() { Err(refused(folder, &compilation)) } else { Ok(compilation) }
}

/// The key that builds sign with, made if there is none.
pub fn key() -> Result<Key, Failure> {
    let store = Store::open()?;
    let (key, made) = store.development()?;
    if made {
        say(&format!("made the development key {} in {}\n", key.public().short(), store.folder().display()));
    }
    Ok(key)
}

/// Builds a project. What the compiler says is printed.
pub fn build(folder: &Path) -> Result<Built, Failure> {
    let project = Project::read(folder)?;
    let key = key()?;
    let progress = Progress::of(format!("compiling {}", name(folder)));
    let options = options(false);
    let outcome = build::build(&project, &Settings { options: &options, key: &key, compiler: &identity() })?;
    drop(progress);
    match outcome {
        Outcome::Built(built) => {
            say(&built.warnings);
            Ok(built)
        }
        Outcome::Refused(compilation) => {
            show(&compilation);
            Err(refused(folder, &compilation))
        }
    }
}

fn show(compilation: &Compilation) {
    say(&compiler_syntax::render(&compilation.diagnostics, &compilation.sources, color()));
}

fn refused(folder: &Path, compilation: &Compilation) -> Failure {
    let errors =
        || compilation.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let count = errors().count();
    let plural = if count == 1 { "" } else { "s" };
    let failure = Failure::new(
        Exit::Refused,
        "refused",
        format!("{} has {count} error{plural}; nothing was written", name(folder)),
    );
    match errors().find(|error| explanations::all().iter().any(|(id, _)| *id == error.id)) {
        Some(first) => failure.help(format!("`space explain {}` says more", first.id)),
        None => failure,
    }
}

/// Which compiler this is: another version, or another build of it, builds anew.
pub fn identity() -> String {
    let built = std::env::current_exe().and_then(std::fs::metadata).and_then(|metadata| {
        let time = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(format!("{} {}", metadata.len(), time.as_nanos()))
    });
    format!("{} {}", crate::arguments::VERSION, built.unwrap_or_default())
}
