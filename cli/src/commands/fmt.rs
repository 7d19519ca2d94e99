//! `space fmt`

use std::fs;
use std::path::{Path, PathBuf};

use compiler_driver::{Error, Project, files};
use compiler_syntax::span::Sources;

use crate::print;
use crate::report::{Exit, Failure, color, say};

/// Formats files and projects; with `check`, changes nothing and names what would change.
pub fn run(paths: &[PathBuf], check: bool) -> Result<(), Failure> {
    let mut changed = Vec::new();
    for path in paths {
        for (shown, file, text) in sources(path)? {
            let formatted = format(&shown, &text)?;
            if formatted != text {
                if !check {
                    files::replace(&file, formatted.as_bytes())?;
                }
                changed.push(shown);
            }
        }
    }
    if !check {
        return print::text(&changed.iter().map(|name| format!("formatted {name}\n")).collect::<String>());
    }
    match changed.first() {
        None => Ok(()),
        Some(first) => {
            let message = match changed.len() {
                1 => "1 file is not formatted".to_owned(),
                count => format!("{count} files are not formatted"),
            };
            say(&changed.iter().map(|name| format!("{name}\n")).collect::<String>());
            Err(Failure::new(Exit::Refused, "not-formatted", message)
                .at(first.clone())
                .help("`space fmt` formats them"))
        }
    }
}

/// The sources that a path stands for: the name to show, the file, its text.
fn sources(path: &Path) -> Result<Vec<(String, PathBuf, String)>, Failure> {
    if path.is_file() {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let shown = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|_| Error::NotText { place: shown.clone() })?;
        return Ok(vec![(shown, path.to_path_buf(), text)]);
    }
    let project = Project::read(path)?;
    Ok(project
        .source
        .files()
        .map(|file| {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            (file.name.clone(), path.join(&file.name), text)
        })
        .collect())
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
