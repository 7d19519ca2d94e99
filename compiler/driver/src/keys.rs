//! Signing keys of one user.
//!
//! They live in `$SPACE_HOME/keys`, by default in `space/keys` of the user's data folder (XDG). A key is one
//! text file `<name>.key`, mode 0600:
//!
//! ```text
//! space-key 1
//! kind development
//! seed <64 hexadecimal digits>
//! ```
//!
//! Its public half, which `space key export` prints and others may hold, is
//!
//! ```text
//! space-public-key 1
//! kind development
//! key <64 hexadecimal digits>
//! ```
//!
//! The key named `development` is made by the first build. It is trusted on this machine by `space verify` and
//! `space boot`, and nowhere else.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files;
use crate::project::is_package_name;

/// Name of the key that the first build makes.
pub const DEVELOPMENT: &str = "development";
/// Bytes of a key file that is read.
const KEY_FILE_BYTES_MAX: u64 = 1024;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This user's own builds; a release policy refuses it.
    Development,
    /// What is handed to others.
    Release,
}

impl Kind {
    /// The word in files and listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Release => "release",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Development, Self::Release].into_iter().find(|kind| kind.name() == word)
    }
}

/// A signing key.
#[derive(Clone)]
pub struct Key {
    /// Its name in the store.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    seed: [u8; 32],
}

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What it is for.
    pub kind: Kind,
    /// The Ed25519 point.
    pub bytes: [u8; 32],
}

impl PublicKey {
    /// The first 16 digits: enough to tell keys apart in a listing.
    pub fn short(&self) -> String {
        files::hex(&self.bytes[..8])
    }

    /// The file that `space key export` prints.
    pub fn text(&self) -> String {
        format!("space-public-key 1\nkind {}\nkey {}\n", self.kind.name(), files::hex(&self.bytes))
    }

    /// Reads a file that `space key export` made.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let (kind, bytes) = parse(path, "space-public-key 1", "key")?;
        Ok(Self { kind, bytes })
    }
}

impl Key {
    /// The 32 bytes that the signature is made with.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey { kind: self.kind, bytes: sci::sign::public_key(&self.seed) }
    }
}

/// The folder of keys.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The user's store; nothing is made yet.
    pub fn open() -> Result<Self, Error> {
        Ok(Self { folder: home()?.join("keys") })
    }

    /// A store below the given home.
    pub fn at(home: &Path) -> Self {
        Self { folder: home.join("keys") }
    }

    /// The user's folder, in which the store lies.
    pub fn home(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The development key, made if there is none yet; and whether this call made it.
    pub fn development(&self) -> Result<(Key, bool), Error> {
        match self.load(DEVELOPMENT) {
            // Another build that made the key meanwhile made it for us as well.
            Err(Error::KeyMissing { .. }) => match self.create(DEVELOPMENT) {
                Err(Error::KeyExists { .. }) => Ok((self.load(DEVELOPMENT)?, false)),
                made => Ok((made?, true)),
            },
            loaded => Ok((loaded?, false)),
        }
    }

    /// Makes a key: for releases, unless it has the development key's name.
    pub fn create(&self, name: &str) -> Result<Key, Error> {
        let path = self.path(name)?;
        let kind = if name == DEVELOPMENT { Kind::Development } else { Kind::Release };
        let seed = random()?;
        files::create_private_folder(&self.folder)?;
        let text = format!("space-key 1\nkind {}\nseed {}\n", kind.name(), files::hex(&seed));
        if !files::create_secret(&path, text.as_bytes())? {
            return Err(Error::KeyExists { name: name.to_owned() });
        }
        Ok(Key { name: name.to_owned(), kind, seed })
    }

    /// The key of a name.
    pub fn load(&self, name: &str) -> Result<Key, Error> {
        let path = self.path(name)?;
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() && exposed(&metadata) => {
                return Err(Error::KeyExposed { path });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::KeyMissing { name: name.to_owned() });
            }
            _ => {}
        }
        let (kind, seed) = parse(&path, "space-key 1", "seed")?;
        Ok(Key { name: name.to_owned(), kind, seed })
    }

    /// Every key, by name; and what is wrong with files that should be keys and are not.
    pub fn list(&self) -> Result<(Vec<Key>, Vec<Error>), Error> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.folder.is_symlink() => {
                return Ok((Vec::new(), Vec::new()));
            }
            entries => entries.map_err(Error::io("read", &self.folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(Error::io("read", &self.folder))?.path();
            if path.extension().is_some_and(|ending| ending == "key")
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
                && is_package_name(name)
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        let (mut keys, mut wrong) = (Vec::new(), Vec::new());
        for name in names {
            match self.load(&name) {
                Ok(key) => keys.push(key),
                Err(error) => wrong.push(error),
            }
        }
        Ok((keys, wrong))
    }

    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        if !is_package_name(name) {
            return Err(Error::KeyName { name: name.to_owned() });
        }
        Ok(self.folder.join(format!("{name}.key")))
    }
}

/// The folder for what belongs to the user and not to a project.
fn home() -> Result<PathBuf, Error> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("SPACE_HOME")
        .or_else(|| set("XDG_DATA_HOME").filter(|path| path.is_absolute()).map(|path| path.join("space")))
        .or_else(|| set("HOME").map(|path| path.join(".local/share/space")))
        .ok_or(Error::NoKeyHome)?;
    std::path::absolute(&home).map_err(Error::io("find", &home))
}

fn parse(path: &Path, head: &str, field: &str) -> Result<(Kind, [u8; 32]), Error> {
    let wrong = |why| Error::KeyFormat { path: path.to_path_buf(), why };
    let bytes = files::read(path, KEY_FILE_BYTES_MAX).map_err(|error| match error {
        Error::TooLarge { .. } => wrong("it is too long"),
        Error::NotAFile { .. } => wrong("it is not a regular file"),
        other => other,
    })?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not text"))?;
    let mut lines = text.lines();
    if lines.next() != Some(head) {
        return Err(wrong("its first line is not that of a key"));
    }
    let kind = lines.next().and_then(|line| line.strip_prefix("kind ")).and_then(Kind::parse);
    let kind = kind.ok_or_else(|| wrong("its second line names no known kind"))?;
    let bytes = lines
        .next()
        .and_then(|line| line.strip_prefix(field)?.strip_prefix(' '))
        .and_then(files::unhex)
        .ok_or_else(|| wrong("its third line is not 64 hexadecimal digits"))?;
    if lines.next().is_some() {
        return Err(wrong("something follows the third line"));
    }
    Ok((kind, bytes))
}

#[cfg(unix)]
fn exposed(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn exposed(_: &fs::Metadata) -> bool {
    false
}

/// Random bytes from the system.
pub fn random() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_key_is_made_once_and_private() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(&home.path().join("new"));
        assert!(store.list().unwrap().0.is_empty());
        let (made, new) = store.development().unwrap();
        assert!(new);
        assert_eq!(store.development().unwrap().0.public(), made.public());
        assert_eq!(store.list().unwrap().0.len(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(store.folder()), 0o700);
            assert_eq!(mode(&store.folder().join("development.key")), 0o600);
            fs::set_permissions(store.folder().join("development.key"), fs::Permissions::from_mode(0o644))
                .unwrap();
            assert_eq!(store.load(DEVELOPMENT).err().unwrap().id(), "key-exposed");
        }
    }

    #[test]
    fn a_public_key_goes_through_its_file() {
        let home = tempfile::tempdir().unwrap();
        let key = Store::at(home.path()).create("release").unwrap().public();
        let path = home.path().join("release.pub");
        fs::write(&path, key.text()).unwrap();
        assert_eq!(PublicKey::read(&path).unwrap(), key);
        for bad in ["", "space-public-key 2\n", "space-public-key 1\nkind x\n", &format!("{}x", key.text())] {
            fs::write(&path, bad).unwrap();
            assert_eq!(PublicKey::read(&path).unwrap_err().id(), "key-format");
        }
    }

    #[test]
    fn a_name_is_taken_once_and_is_a_plain_word() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path());
        store.create("mine").unwrap();
        assert_eq!(store.create("mine").err().unwrap().id(), "key-exists");
        for name in ["../up", "", "A", "a/b"] {
            assert_eq!(store.create(name).err().unwrap().id(), "key-name");
        }
        assert_eq!(store.load("other").err().unwrap().id(), "key-missing");
    }
}
