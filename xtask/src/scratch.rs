//! A folder for a task's own files; removed when dropped.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;

/// The folder.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty folder in the system's temporary place.
    pub fn new(name: &str) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("space-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // In the temporary place the system clears up what stays.
        fs::remove_dir_all(&self.0).ok();
    }
}
