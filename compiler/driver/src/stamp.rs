//! What the last build read and wrote, so that a build with nothing to do does nothing.
//!
//! `build/.stamp` is text:
//!
//! ```text
//! space-stamp 1
//! input <SHA-256 of sources, names, compiler and key>
//! output <SHA-256> <file name in build/>
//! warnings
//! <what the compiler said, to be said again>
//! ```

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::files;
use crate::project::ProjectSource;

const FILE: &str = ".stamp";
const HEAD: &str = "space-stamp 1";

/// A build, by the content of what it read and wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Digest of everything that the outputs depend on.
    pub input: String,
    /// Outputs: file name and digest.
    pub outputs: Vec<(String, String)>,
    /// Warnings as the compiler rendered them.
    pub warnings: String,
}

impl Stamp {
    /// The stamp that the last build left, if there is one.
    pub fn read(build: &Path) -> Option<Self> {
        let text = fs::read_to_string(build.join(FILE)).ok()?;
        let (head, warnings) = text.split_once("\nwarnings\n")?;
        let mut lines = head.lines();
        if lines.next()? != HEAD {
            return None;
        }
        let input = lines.next()?.strip_prefix("input ")?.to_owned();
        let outputs = lines
            .map(|line| line.strip_prefix("output ")?.split_once(' '))
            .map(|output| output.map(|(digest, name)| (name.to_owned(), digest.to_owned())))
            .collect::<Option<_>>()?;
        Some(Self { input, outputs, warnings: warnings.to_owned() })
    }

    /// Leaves the stamp for the next build.
    pub fn write(&self, build: &Path) -> Result<(), Error> {
        let mut text = format!("{HEAD}\ninput {}\n", self.input);
        for (name, digest) in &self.outputs {
            text.extend(["output ", digest, " ", name, "\n"]);
        }
        text += "warnings\n";
        text += &self.warnings;
        files::replace(&build.join(FILE), text.as_bytes())
    }

    /// Whether every output is still there as it was written.
    pub fn outputs_stand(&self, build: &Path) -> bool {
        self.outputs.iter().all(|(name, digest)| {
            fs::read(build.join(name)).is_ok_and(|bytes| files::digest(&bytes) == *digest)
        })
    }
}

/// The digest of everything that a build's outputs depend on.
pub fn input(project: &ProjectSource, compiler: &str, key: &[u8]) -> String {
    let mut hash = sci::digest::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(compiler.as_bytes());
    part(key);
    for file in project.files() {
        part(file.name.as_bytes());
        part(&file.bytes);
    }
    files::hex(&hash.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{PackageSource, SourceFile};

    #[test]
    fn a_stamp_reads_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Stamp::read(folder.path()), None);
        let stamp = Stamp {
            input: "ab".into(),
            outputs: vec![("a b.sci".into(), files::digest(b"x"))],
            warnings: "warning: one\nwarnings\nmore\n".into(),
        };
        stamp.write(folder.path()).unwrap();
        assert_eq!(Stamp::read(folder.path()), Some(stamp.clone()));
        assert!(!stamp.outputs_stand(folder.path()));
        fs::write(folder.path().join("a b.sci"), b"x").unwrap();
        assert!(stamp.outputs_stand(folder.path()));
        fs::write(folder.path().join("a b.sci"), b"y").unwrap();
        assert!(!stamp.outputs_stand(folder.path()));
    }

    #[test]
    fn every_part_of_the_input_counts() {
        let file = |name: &str, bytes: &[u8]| SourceFile { name: name.into(), bytes: bytes.into() };
        let project = |files| ProjectSource { packages: vec![PackageSource { path: Vec::new(), files }] };
        let inputs = [
            input(&project(vec![file("a.in", b"1")]), "c", b"k"),
            input(&project(vec![file("b.in", b"1")]), "c", b"k"),
            input(&project(vec![file("a.in", b"2")]), "c", b"k"),
            input(&project(vec![file("a.in", b"1")]), "d", b"k"),
            input(&project(vec![file("a.in", b"1")]), "c", b"l"),
            input(&project(vec![file("a.i", b"n1")]), "c", b"k"),
        ];
        for (at, one) in inputs.iter().enumerate() {
            assert!(inputs[..at].iter().all(|other| other != one), "{at}");
        }
    }
}
