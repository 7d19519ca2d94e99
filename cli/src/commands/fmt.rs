//! `space fmt`

use std::fs;
use std::path::{Path, PathBuf};

use compiler_driver::project::{SOURCE_BYTES_MAX, SourceFile};
use compiler_driver::{Error, Project, files};
use compiler_syntax::span::Sources;

use crate::print;
use crate::report::{Exit, Failure, color, say};

/// Formats files and projects; with `check`, changes nothing and names what would change. A file that cannot be read
/// is left as it is, and the others are formatted all the same.
pub fn run(paths: &[PathBuf], check: bool) -> Result<(), Failure> {
    let mut changed = Vec::new();
    let mut failed = None;
    for path in paths {
        for (shown, file, text) in sources(path)? {
            match format(&shown, &text) {
                Err(failure) => failed = failed.or(Some(failure)),
                Ok(formatted) if formatted != text => {
                    if !check {
                        files::replace(&file, formatted.as_bytes())?;
                        print::text(&format!("formatted {shown}\n"))?;
                    }
                    changed.push(shown);
                }
                Ok(_) => {}
            }
        }
    }
    if check {
        say(&changed.iter().map(|name| format!("{name}\n")).collect::<String>());
    }
    match (failed, changed.first()) {
        (Some(failure), _) => Err(failure),
        (None, Some(first)) if check => {
            let message = match changed.len() {
                1 => "1 file is not formatted".to_owned(),
                count => format!("{count} files are not formatted"),
            };
            Err(Failure::new(Exit::Refused, "not-formatted", message)
                .at(first.clone())
                .help("`space fmt` formats them"))
        }
        _ => Ok(()),
    }
}

/// The sources that a path stands for: the name to show, the file, its text.
fn sources(path: &Path) -> Result<Vec<(String, PathBuf, String)>, Failure> {
    if fs::metadata(path).map_err(Error::io("read", path))?.is_dir() {
        let project = Project::read(path)?;
        let file = |file: &SourceFile| {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            (file.name.clone(), path.join(&file.name), text)
        };
        return Ok(project.source.files().filter(|file| file.is_in()).map(file).collect());
    }
    let bytes = files::read(path, SOURCE_BYTES_MAX)?;
    let shown = path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|_| Error::NotText { place: shown.clone() })?;
    Ok(vec![(shown, path.to_path_buf(), text)])
}

fn format(name: &str, text: &str) -> Result<String, Failure> {
    compiler_syntax::format(text).map_err(|diagnostics| {
        let mut sources = Sources::default();
        sources.add(name, text);
        say(&compiler_syntax::render(&diagnostics, &sources, color()));
        Failure::new(Exit::Refused, "not-formatted", format!("{name} cannot be read, so it is left as it is"))
            .help("mend the errors above first")
    })
}
