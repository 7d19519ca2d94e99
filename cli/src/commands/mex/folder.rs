//! The files of a folder that is laid out as a package. What a package has no place for, sources and scripts, is left.

use std::fs;
use std::path::Path;

use compiler_driver::files;
use services_mex::layout::{MODULE, PAGE, SPACE, WORLD};
use services_mex::limits::FILE_BYTES_MAX;
use services_mex::{MANIFEST, TOPOLOGY};

use crate::report::{Exit, Failure};

/// Folders whose files all belong to the package, of a space and of the whole.
const ASSETS: &str = "assets";
const RECOGNIZERS: &str = "recognizers";
const SPACES: &str = "spaces";

/// The manifest's text, and the other files by their names in the package.
pub struct Files {
    /// The text.
    pub manifest: String,
    /// The others, in the order of their names.
    pub others: Vec<(String, Vec<u8>)>,
}

/// Reads a folder.
pub fn read(folder: &Path) -> Result<Files, Failure> {
    let manifest = folder.join(MANIFEST);
    if !manifest.is_file() {
        return Err(Failure::new(Exit::Usage, "no-package", format!("there is no {}", manifest.display()))
            .help(
                "a package's folder has `manifest.yaml`, `topology.yaml` and `spaces/`: see `docs/mex.md`",
            ));
    }
    let manifest = files::read(&manifest, FILE_BYTES_MAX)?;
    let manifest = String::from_utf8(manifest).map_err(|_| {
        Failure::new(Exit::Image, "not-utf8", "the manifest is not UTF-8")
            .at(folder.join(MANIFEST).display().to_string())
    })?;
    let mut others = Vec::new();
    for name in [TOPOLOGY, WORLD] {
        if folder.join(name).is_file() {
            others.push((name.to_owned(), files::read(&folder.join(name), FILE_BYTES_MAX)?));
        }
    }
    all(folder, RECOGNIZERS, &mut others)?;
    for space in names(&folder.join(SPACES))? {
        let place = format!("{SPACES}/{space}");
        for name in [MODULE, PAGE, SPACE] {
            let path = folder.join(&place).join(name);
            if path.is_file() {
                others.push((format!("{place}/{name}"), files::read(&path, FILE_BYTES_MAX)?));
            }
        }
        all(folder, &format!("{place}/{ASSETS}"), &mut others)?;
    }
    others.sort();
    Ok(Files { manifest, others })
}

/// The names in a folder, in their order; none where it is not there. Hidden ones do not count.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(names) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| {
            Failure::new(Exit::Image, "name-not-utf8", "a file's name is not UTF-8")
                .at(folder.display().to_string())
        })?;
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Every file below a folder.
fn all(root: &Path, below: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
    let folder = root.join(below);
    for name in names(&folder)? {
        let (path, place) = (folder.join(&name), format!("{below}/{name}"));
        // A link could lead out of the folder, or around in it.
        if path.is_symlink() {
            return Err(Failure::new(
                Exit::Usage,
                "package-link",
                "a package holds files, and this is a link",
            )
            .at(path.display().to_string())
            .help("put the file itself there"));
        }
        if path.is_dir() {
            all(root, &place, files)?;
        } else {
            files.push((place, files::read(&path, FILE_BYTES_MAX)?));
        }
    }
    Ok(())
}
