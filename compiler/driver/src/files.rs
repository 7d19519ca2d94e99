//! Reading files within bounds, and writing them so that a reader sees the old content or the new, never half of
//! it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use crate::error::Error;

/// Everything in a regular file of at most `limit` bytes. A pipe or device, which might never end, is refused.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_path_buf() });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(Error::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { what: path.display().to_string(), limit, unit: "bytes" });
    }
    Ok(bytes)
}

/// A file's new content, which lies beside it until it takes its place.
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    path: PathBuf,
    shown: PathBuf,
}

/// Writes a file's new content beside it. What is a link stays one: its target gets the content, and keeps its
/// mode and, where that is allowed, its owner.
pub fn stage(path: &Path, bytes: &[u8]) -> Result<Staged, Error> {
    let wrong = |source| Error::io("write", path)(source);
    let target = if path.is_symlink() { fs::canonicalize(path).map_err(wrong)? } else { path.to_path_buf() };
    if target.is_dir() {
        return Err(wrong(ErrorKind::IsADirectory.into()));
    }
    // A device or a pipe would be gone, and others may need it.
    if fs::metadata(&target).is_ok_and(|data| !data.is_file()) {
        return Err(wrong(std::io::Error::other("it is no regular file")));
    }
    let staged = Staged { temporary: beside(&target), path: target, shown: path.to_path_buf() };
    File::create(&staged.temporary)
        .and_then(|mut file| {
            if let Ok(old) = fs::metadata(&staged.path) {
                file.set_permissions(old.permissions())?;
                keep_owner(&file, &old);
            }
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(wrong)?;
    Ok(staged)
}

impl Staged {
    /// Puts the content into its place.
    pub fn commit(self) -> Result<(), Error> {
        fs::rename(&self.temporary, &self.path).map_err(Error::io("write", &self.shown))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit there is nothing left to remove.
        fs::remove_file(&self.temporary).ok();
    }
}

/// Replaces a file's content.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    stage(path, bytes)?.commit()
}

/// Whether two paths lead to one file.
pub fn same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether files can be made in a folder; the error says why not.
pub fn is_writable(folder: &Path) -> Result<(), Error> {
    let probe = stage(&folder.join("probe"), b"");
    probe.map(drop).map_err(|error| match error {
        Error::Io { source, .. } => Error::io("write into", folder)(source),
        other => other,
    })
}

/// Removes what writers that were killed left in a folder an hour ago or earlier.
pub fn sweep(folder: &Path) {
    const LEFT: Duration = Duration::from_hours(1);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let left = entry.file_name().as_encoded_bytes().starts_with(STAGED.as_bytes())
            && entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|modified| {
                SystemTime::now().duration_since(modified).is_ok_and(|since| since > LEFT)
            });
        if left {
            fs::remove_file(entry.path()).ok();
        }
    }
}

#[cfg(unix)]
fn keep_owner(file: &File, old: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    // Only the superuser may give files away; for everyone else the owner is the same already.
    fchown(file, Some(old.uid()), Some(old.gid())).ok();
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) {}

/// Makes a file that only its owner reads. Answers whether it was made: false means that it existed.
pub fn create_secret(path: &Path, bytes: &[u8]) -> Result<bool, Error> {
    let temporary = beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        // A link, unlike a rename, fails if the name is taken: whoever comes second loses.
        .and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary).ok();
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.exists() => Ok(false),
        Err(error) => Err(Error::io("write", path)(error)),
    }
}

/// Makes a folder that only its owner enters, and those above it.
pub fn create_private_folder(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io("make", path))
}

/// How the name of a file begins that has not taken its place yet.
const STAGED: &str = ".space-";

/// A name in the same folder that nothing else uses.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{STAGED}{}-{next}", std::process::id()))
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(&sci::digest::sha256(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).expect("a half byte is a digit"));
        }
        text
    })
}

/// Bytes from hexadecimal, if the text is exactly that.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high << 4 | low) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_both_ways() {
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
        assert_eq!(unhex::<3>("00ff10"), Some([0, 255, 16]));
        for bad in ["", "00ff1", "00ff1g", "00FF10", "00ff1000"] {
            assert_eq!(unhex::<3>(bad), None, "{bad}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_and_a_mode_outlive_a_replacement() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_staged_and_not_committed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"old").unwrap();
        drop(stage(&path, b"new").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(stage(folder.path(), b"x").unwrap_err().id(), "io");
    }

    #[test]
    fn reading_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"four").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"four");
        assert_eq!(read(&path, 3).unwrap_err().id(), "project-too-large");
        assert_eq!(read(folder.path(), 3).unwrap_err().id(), "not-a-file");
        assert_eq!(read(&folder.path().join("none"), 3).unwrap_err().id(), "io");
    }

    #[test]
    fn a_secret_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(create_secret(&path, b"one").unwrap());
        assert!(!create_secret(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
