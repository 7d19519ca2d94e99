//! What the last build read and wrote, so that a build with nothing to do does nothing.
//!
//! `build/.stamp` is text:
//!
//! ```text
//! space-stamp 2
//! seal <SHA-256 of everything below>
//! input <SHA-256 of sources, names, compiler and key>
//! output <SHA-256> <file name in build/>
//! warnings
//! <what the compiler said, to be said again>
//! ```

use std::path::Path;

use crate::build::{BUNDLE_ENDING, IMAGE_ENDING, OUTPUT_BYTES_MAX};
use crate::error::Error;
use crate::files;
use crate::project::ProjectSource;

const FILE: &str = ".stamp";
const HEAD: &str = "space-stamp 2";
/// Bytes of a stamp that is read.
const STAMP_BYTES_MAX: u64 = 16 << 20;

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
    /// The stamp that the last build left, if there is one. Whatever else lies there is no stamp: a stamp from
    /// elsewhere names no file outside `build/`, and a damaged one says nothing.
    pub fn read(build: &Path) -> Option<Self> {
        let text = String::from_utf8(files::read(&build.join(FILE), STAMP_BYTES_MAX).ok()?).ok()?;
        let rest = text.strip_prefix(HEAD)?.strip_prefix("\nseal ")?;
        let (seal, sealed) = rest.split_once('\n')?;
        if files::digest(sealed.as_bytes()) != seal {
            return None;
        }
        let (head, warnings) = sealed.split_once("\nwarnings\n")?;
        let mut lines = head.lines();
        let input = lines.next()?.strip_prefix("input ")?.to_owned();
        let outputs = lines
            .map(|line| line.strip_prefix("output ")?.split_once(' '))
            .map(|output| output.map(|(digest, name)| (name.to_owned(), digest.to_owned())))
            .collect::<Option<Vec<_>>>()?;
        if !outputs.iter().all(|(name, _)| is_output(name)) {
            return None;
        }
        Some(Self { input, outputs, warnings: warnings.to_owned() })
    }

    /// Leaves the stamp for the next build.
    pub fn write(&self, build: &Path) -> Result<(), Error> {
        let mut text = format!("input {}\n", self.input);
        for (name, digest) in &self.outputs {
            text.extend(["output ", digest, " ", name, "\n"]);
        }
        text += "warnings\n";
        text += &self.warnings;
        let sealed = format!("{HEAD}\nseal {}\n{text}", files::digest(text.as_bytes()));
        files::replace(&build.join(FILE), sealed.as_bytes())
    }

    /// Whether every output is still there as it was written.
    pub fn outputs_stand(&self, build: &Path) -> bool {
        self.outputs.iter().all(|(name, digest)| {
            files::read(&build.join(name), OUTPUT_BYTES_MAX)
                .is_ok_and(|bytes| files::digest(&bytes) == *digest)
        })
    }
}

/// Whether a name is one that a build gives its outputs: a plain file name with one of their endings.
fn is_output(name: &str) -> bool {
    let plain = Path::new(name).file_name().is_some_and(|file| file == name);
    plain && !name.starts_with('.') && (name.ends_with(IMAGE_ENDING) || name.ends_with(BUNDLE_ENDING))
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
    use std::fs;

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
    fn a_stamp_that_names_other_files_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["../a.sci", "/a.sci", "a/b.sci", "a.in", ".a.sci", "", "..", "a.sci/"] {
            let outputs = vec![(name.to_owned(), files::digest(b"x"))];
            Stamp { input: "ab".into(), outputs, warnings: String::new() }.write(folder.path()).unwrap();
            assert_eq!(Stamp::read(folder.path()), None, "{name}");
        }
    }

    #[test]
    fn a_damaged_stamp_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let outputs = vec![("a.sci".to_owned(), files::digest(b"x"))];
        Stamp { input: "ab".into(), outputs, warnings: String::new() }.write(folder.path()).unwrap();
        let place = folder.path().join(FILE);
        let text = fs::read_to_string(&place).unwrap();
        let shorter: Vec<&str> = text.lines().filter(|line| !line.starts_with("output")).collect();
        fs::write(&place, shorter.join("\n")).unwrap();
        assert_eq!(Stamp::read(folder.path()), None);
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
