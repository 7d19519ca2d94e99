//! What an application's folder looks like: whether something was saved in it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use crate::report::{Exit, Failure};

/// Files that are looked at.
const FILES_MAX: usize = 10_000;
/// Folders of tools.
const NO_SOURCES: [&str; 3] = ["node_modules", "target", "values"];
/// What builds leave where they have a script: they are no change of the sources.
const SCRIPT: &str = "build.sh";
const SUMS: &str = "sums";

/// Names, sizes and times of all files in a folder, as a number that another state has not.
pub fn state(folder: &Path) -> Result<u64, Failure> {
    let mut hasher = DefaultHasher::new();
    let mut left = FILES_MAX;
    look(folder, &mut hasher, &mut left)?;
    Ok(hasher.finish())
}

fn look(folder: &Path, hasher: &mut DefaultHasher, left: &mut usize) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        Failure::new(Exit::Io, "io", format!("cannot look into the folder: {error}"))
            .at(folder.display().to_string())
    };
    let mut entries = fs::read_dir(folder).map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let is_built = entries.iter().any(|entry| entry.file_name() == SCRIPT);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_output = is_built && (name == SUMS || name.ends_with(".wasm"));
        if name.starts_with('.') || name.ends_with(".mex") || NO_SOURCES.contains(&&*name) || is_output {
            continue;
        }
        if *left == 0 {
            let message = format!("there are more than {FILES_MAX} files");
            return Err(Failure::new(Exit::Usage, "no-package", message)
                .at(folder.display().to_string())
                .help("put the application into a folder of its own"));
        }
        *left -= 1;
        let path = entry.path();
        // A file that is replaced meanwhile is seen at the next look.
        let Ok(about) = path.symlink_metadata() else { continue };
        path.hash(hasher);
        if about.is_dir() {
            look(&path, hasher, left)?;
        } else {
            about.len().hash(hasher);
            about.modified().ok().hash(hasher);
        }
    }
    Ok(())
}
