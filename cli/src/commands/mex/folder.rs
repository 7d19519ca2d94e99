//! A folder from which files are taken into a package: no link in it leads anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use compiler_driver::{Error, files};
use services_mex::limits::{ENTRIES_MAX, FILE_BYTES_MAX, TOTAL_BYTES_MAX};

use crate::report::{Exit, Failure};

/// Files of a package by their names in it, no more than a package may have.
#[derive(Default)]
pub struct Files {
    by_name: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

impl Files {
    /// Each, in the order of the names.
    pub fn each(&self) -> Vec<(&str, &[u8])> {
        self.by_name.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect()
    }

    /// The content of one.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.by_name.get(name).map(Vec::as_slice)
    }

    /// Puts one in; answers whether another file of that name was there.
    pub fn put(&mut self, name: String, content: Vec<u8>) -> Result<bool, Failure> {
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        if self.bytes > TOTAL_BYTES_MAX || self.by_name.len() >= ENTRIES_MAX {
            let message = format!("a package has at most {ENTRIES_MAX} files and {TOTAL_BYTES_MAX} bytes");
            return Err(Failure::new(Exit::Usage, "package-too-large", message)
                .at(name)
                .help("the first file that is too many is named; leave files out"));
        }
        let before = self.by_name.get(&name).is_some_and(|before| *before != content);
        self.by_name.insert(name, content);
        Ok(before)
    }
}

/// A folder.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at a path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a file is there.
    pub fn has_file(&self, below: &str) -> bool {
        self.root.join(below).is_file()
    }

    /// Whether a folder is there.
    pub fn has_folder(&self, below: &str) -> bool {
        self.root.join(below).is_dir()
    }

    /// The path of what lies in it; what would lead out of it, or could, is refused.
    pub fn path(&self, below: &str) -> Result<PathBuf, Failure> {
        let mut path = self.root.clone();
        for component in Path::new(below).components() {
            match component {
                Component::CurDir => continue,
                Component::Normal(name) => path.push(name),
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(Failure::new(
                        Exit::Usage,
                        "package-link",
                        format!("`{below}` leads out of the folder"),
                    )
                    .at(self.root.display().to_string())
                    .help("name a file in the folder, or below it"));
                }
            }
            if path.is_symlink() {
                return Err(Failure::new(
                    Exit::Usage,
                    "package-link",
                    "a package is made of files, and this is a link",
                )
                .at(path.display().to_string())
                .help("put what it leads to there"));
            }
        }
        Ok(path)
    }

    /// The content of a file.
    pub fn read(&self, below: &str, limit: u64) -> Result<Vec<u8>, Failure> {
        let path = self.path(below)?;
        files::read(&path, limit).map_err(|error| match error {
            Error::TooLarge { .. } => Failure::new(
                Exit::Usage,
                "package-too-large",
                format!("the file has more than {limit} bytes"),
            )
            .at(path.display().to_string())
            .help("make it smaller, or leave it out"),
            other => other.into(),
        })
    }

    /// The names in a folder, in their order; none where it is not there. Hidden ones do not count.
    pub fn names(&self, below: &str) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let path = self.path(below)?;
        let entries = match fs::read_dir(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(names);
            }
            entries => entries.map_err(Error::io("read", &path))?,
        };
        for entry in entries {
            let name = entry.map_err(Error::io("read", &path))?.file_name().into_string().map_err(|_| {
                Failure::new(Exit::Image, "name-not-utf8", "a file's name is not UTF-8")
                    .at(path.display().to_string())
                    .help("a package's names have letters, digits and `._-+@`: rename the file")
            })?;
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Takes a file, where it is there.
    pub fn take(&self, below: &str, named: String, files: &mut Files) -> Result<(), Failure> {
        if self.has_file(below) {
            files.put(named, self.read(below, FILE_BYTES_MAX)?)?;
        }
        Ok(())
    }

    /// Takes every file below a folder.
    pub fn take_all(&self, below: &str, named: &str, files: &mut Files) -> Result<(), Failure> {
        for name in self.names(below)? {
            let (from, to) = (format!("{below}/{name}"), format!("{named}/{name}"));
            if self.path(&from)?.is_dir() {
                self.take_all(&from, &to, files)?;
            } else {
                files.put(to, self.read(&from, FILE_BYTES_MAX)?)?;
            }
        }
        Ok(())
    }
}
