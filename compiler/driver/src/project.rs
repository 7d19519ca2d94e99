//! A project: a folder of `.in` files. There is no manifest file; the tree says it all.
//!
//! The root folder is the root package. Every folder below it that holds `.in` files is a package named after
//! its path. Hidden folders, `build` and `target` are skipped. Everything read here is bounded, so that a
//! command in the wrong folder ends with a sentence.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Bytes of one source file.
pub const SOURCE_BYTES_MAX: u64 = compiler_syntax::limits::SOURCE_BYTES_MAX as u64;
/// Bytes of all source files.
pub const PROJECT_BYTES_MAX: u64 = 64 << 20;
/// Source files of one project.
pub const SOURCES_MAX: u64 = 4096;
/// Entries looked at while searching for sources.
pub const ENTRIES_MAX: u64 = 100_000;
/// The package that the runtime's library lives below.
const RUNTIME: &str = "space";
/// What makes a folder with a component block a crate.
const CARGO: &str = "Cargo.toml";
/// The component block of a crate.
const COMPONENT: &str = "component.in";
/// Folders between the root and a source.
pub const DEPTH_MAX: u64 = 16;

/// One source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the project's root, with `/`; shown in diagnostics.
    pub name: String,
    /// Its bytes, valid UTF-8.
    pub bytes: Vec<u8>,
}

impl SourceFile {
    /// Whether it is source text of ours.
    pub fn is_in(&self) -> bool {
        Path::new(&self.name).extension().is_some_and(|ending| ending == "in")
    }
}

/// The sources of one package; `Cargo.toml` is one of them where it stands beside `component.in`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSource {
    /// Folders below the root; empty for the root package.
    pub path: Vec<String>,
    /// Files, ordered by name.
    pub files: Vec<SourceFile>,
}

impl PackageSource {
    /// Whether the package's component is a crate.
    pub fn is_crate(&self) -> bool {
        self.files.iter().any(|file| Path::new(&file.name).file_name().is_some_and(|name| name == CARGO))
    }
}

/// The sources of a project, ordered by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectSource {
    /// Packages, ordered by path.
    pub packages: Vec<PackageSource>,
}

impl ProjectSource {
    /// Every file, package by package.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.packages.iter().flat_map(|package| &package.files)
    }
}

/// A project on disk, read.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its root folder.
    pub root: PathBuf,
    /// Its sources.
    pub source: ProjectSource,
}

impl Project {
    /// Reads the project in a folder.
    pub fn read(root: &Path) -> Result<Self, Error> {
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => {}
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("read", root)(error)),
            _ => return Err(Error::NoProject { path: root.to_path_buf() }),
        }
        let mut walk = Walk { root, packages: Vec::new(), above: Vec::new(), entries: 0, files: 0, bytes: 0 };
        walk.folder(root, &[])?;
        let mut packages = walk.packages;
        if packages.is_empty() {
            return Err(Error::NoSources { path: root.to_path_buf() });
        }
        packages.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { root: root.to_path_buf(), source: ProjectSource { packages } })
    }

    /// The folder that outputs go to.
    pub fn build_folder(&self) -> PathBuf {
        self.root.join("build")
    }
}

struct Walk<'a> {
    root: &'a Path,
    packages: Vec<PackageSource>,
    /// Canonical paths of the folders on the way here.
    above: Vec<PathBuf>,
    entries: u64,
    files: u64,
    bytes: u64,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, path: &[String]) -> Result<(), Error> {
        let canonical = fs::canonicalize(folder).map_err(Error::io("read", folder))?;
        if self.above.contains(&canonical) {
            return Err(Error::LinkLoop { path: folder.to_path_buf() });
        }
        if path.len() as u64 > DEPTH_MAX {
            return Err(self.too_large(folder, DEPTH_MAX, "folders above it"));
        }
        self.above.push(canonical);
        let mut files = Vec::new();
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
            let entry = entry.map_err(Error::io("read", folder))?.path();
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(self.too_large(self.root, ENTRIES_MAX, "entries"));
            }
            let Some(name) = entry.file_name() else { continue };
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let is_source = entry.extension().is_some_and(|ending| ending == "in");
            // A link without a target is no concern of ours unless it claims to be a source.
            let Ok(metadata) = fs::metadata(&entry) else {
                if is_source {
                    fs::metadata(&entry).map_err(Error::io("read", &entry))?;
                }
                continue;
            };
            if metadata.is_dir() {
                if name != "build" && name != "target" {
                    folders.push(entry);
                }
            } else if is_source {
                if !metadata.is_file() {
                    return Err(Error::NotAFile { path: entry });
                }
                files.push(entry);
            }
        }
        if files.iter().any(|file| file.ends_with(COMPONENT)) && folder.join(CARGO).is_file() {
            files.push(folder.join(CARGO));
        }
        files.sort();
        folders.sort();
        if !files.is_empty() {
            if let Some(name) = path.iter().find(|name| !is_package_name(name)) {
                return Err(Error::PackageName { name: name.clone() });
            }
            if path.first().is_some_and(|name| name == RUNTIME) {
                return Err(Error::ReservedPackage { name: path.join("/") });
            }
            let files = files.iter().map(|file| self.read(file)).collect::<Result<_, _>>()?;
            self.packages.push(PackageSource { path: path.to_vec(), files });
        }
        for folder in folders {
            let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let below: Vec<String> = path.iter().cloned().chain([name]).collect();
            self.folder(&folder, &below)?;
        }
        self.above.pop();
        Ok(())
    }

    fn read(&mut self, path: &Path) -> Result<SourceFile, Error> {
        self.files += 1;
        if self.files > SOURCES_MAX {
            return Err(self.too_large(self.root, SOURCES_MAX, "source files"));
        }
        let name = self.name(path)?;
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(Error::io("read", path))?;
        if bytes.len() as u64 > SOURCE_BYTES_MAX {
            return Err(self.too_large(path, SOURCE_BYTES_MAX, "bytes"));
        }
        self.bytes += bytes.len() as u64;
        if self.bytes > PROJECT_BYTES_MAX {
            return Err(self.too_large(self.root, PROJECT_BYTES_MAX, "bytes of source"));
        }
        if let Err(error) = std::str::from_utf8(&bytes) {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            return Err(Error::NotText { place: format!("{name}:{line}") });
        }
        Ok(SourceFile { name, bytes })
    }

    fn name(&self, path: &Path) -> Result<String, Error> {
        let relative = path.strip_prefix(self.root).unwrap_or(path);
        let plain = |name: &&str| !name.contains(char::is_control);
        let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str().filter(plain)).collect();
        parts.map(|parts| parts.join("/")).ok_or_else(|| Error::NotUtf8Name { path: path.to_path_buf() })
    }

    fn too_large(&self, path: &Path, limit: u64, unit: &'static str) -> Error {
        let relative = path.strip_prefix(self.root).unwrap_or(path);
        let what = if relative.as_os_str().is_empty() { path } else { relative };
        Error::TooLarge { what: what.display().to_string(), limit, unit }
    }
}

/// Whether a folder's or a project's name can be written in source.
pub fn is_package_name(name: &str) -> bool {
    let mut parts = name.split('-');
    name.len() <= 64
        && parts.next().is_some_and(starts_with_letter)
        && parts.all(starts_with_letter)
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// `-` joins words only before a letter.
fn starts_with_letter(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn packages_are_folders_in_order() {
        let folder = project(&[
            ("b.in", b"b"),
            ("a.in", b"a"),
            ("zoo/x.in", b"x"),
            ("counter/deep/y.in", b"y"),
            ("build/old.in", b"no"),
            (".space/hidden.in", b"no"),
            ("notes.txt", b"no"),
        ]);
        let project = Project::read(folder.path()).unwrap();
        let names: Vec<_> = project.source.files().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.in", "b.in", "counter/deep/y.in", "zoo/x.in"]);
        assert_eq!(project.source.packages[1].path, ["counter", "deep"]);
    }

    #[test]
    fn an_empty_folder_has_no_sources() {
        let error = Project::read(project(&[]).path()).unwrap_err();
        assert_eq!(error.id(), "no-sources");
    }

    #[test]
    fn binary_is_refused_by_line() {
        let folder = project(&[("a.in", b"one\n\xff\xfe")]);
        let error = Project::read(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "a.in:2 is not UTF-8 text");
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_above_is_not() {
        let folder = project(&[("a.in", &vec![b' '; SOURCE_BYTES_MAX as usize])]);
        assert!(Project::read(folder.path()).is_ok());
        let folder = project(&[("a.in", &vec![b' '; SOURCE_BYTES_MAX as usize + 1])]);
        let error = Project::read(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "a.in has more than 4194304 bytes");
    }

    #[test]
    fn a_folder_that_is_no_package_name_is_refused() {
        let folder = project(&[("Big Name/a.in", b"")]);
        assert_eq!(Project::read(folder.path()).unwrap_err().id(), "package-name");
        for (name, good) in
            [("a", true), ("a-b2", true), ("2a", false), ("a-2", false), ("a-", false), ("", false)]
        {
            assert_eq!(is_package_name(name), good, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_loop_is_refused() {
        let folder = project(&[("a.in", b"a")]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        assert_eq!(Project::read(folder.path()).unwrap_err().id(), "link-loop");
    }
}
