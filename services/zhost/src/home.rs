//! Where the state of a machine is kept, and that one parent has it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// The file that names the parent's process, which has it locked.
const PROCESS: &str = "zhost.pid";
/// How often the file is tried to be locked, and the pause between.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);
/// The socket.
const SOCKET: &str = "zhost.sock";

/// The folder of the state.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

/// Why a parent cannot have the folder.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Another one has it.
    #[error("a parent is running already, as process {0}")]
    Taken(String),
    /// The folder cannot be used.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

/// The folder is this process's.
#[derive(Debug)]
pub struct Lock(File);

impl Home {
    /// A folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where zrms keeps what it knows.
    pub fn control(&self) -> PathBuf {
        self.0.join("zrms.redb")
    }

    /// Where the machine's sensors and actuators are described, if it has any.
    pub fn devices(&self) -> PathBuf {
        self.0.join("devices.json")
    }

    /// Where the secrets are that applications name, if there are any.
    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets.json")
    }

    /// Where the certificates of issuers are that are trusted beside the public ones, if there are any.
    pub fn certificates(&self) -> PathBuf {
        self.0.join("certificates.pem")
    }

    /// Where what a parent says goes that has no terminal.
    pub fn output(&self) -> PathBuf {
        self.0.join("zhost.log")
    }

    /// Where a package is.
    pub fn package(&self, digest: &[u8; 32]) -> PathBuf {
        self.packages().join(format!("{}.mex", hex(digest)))
    }

    /// Where packages are.
    pub fn packages(&self) -> PathBuf {
        self.0.join("packages")
    }

    /// Where the state of an application is.
    pub fn application(&self, name: &str) -> PathBuf {
        self.0.join("applications").join(name)
    }

    /// Makes a folder that only its owner may look into, and those above it.
    pub fn make(&self, folder: &Path) -> Result<(), HomeError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| HomeError::Io(folder.to_owned(), error))
    }

    /// The file that names the process that has the folder.
    pub fn process_file(&self) -> PathBuf {
        self.0.join(PROCESS)
    }

    /// Takes the folder for this process.
    pub fn lock(&self) -> Result<Lock, HomeError> {
        self.make(&self.0)?;
        let path = self.process_file();
        let wrong = |error| HomeError::Io(path.clone(), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(wrong)?;
        let mut attempts = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Whoever only asks who has it holds it for a moment.
                Err(TryLockError::WouldBlock) if attempts < ATTEMPTS => {
                    attempts += 1;
                    thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(HomeError::Taken(self.process().unwrap_or_default()));
                }
                Err(TryLockError::Error(error)) => return Err(wrong(error)),
            }
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(wrong)?;
        Ok(Lock(file))
    }

    /// The number of the process that has the folder, if one has.
    pub fn process(&self) -> Option<String> {
        let mut file = File::open(self.process_file()).ok()?;
        if file.try_lock_shared().is_ok() {
            return None;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        Some(text.trim().to_owned())
    }

    /// The path of the socket, however long the folder's is: valid as long as the file is open.
    pub(crate) fn socket(&self) -> io::Result<(File, PathBuf)> {
        let folder = File::open(&self.0)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
        Ok((folder, path))
    }
}

impl Lock {
    /// Whoever reads the file finds no process any more. The lock itself goes with the process.
    pub(crate) fn leave(&self) {
        // A number that stays is that of a process that is gone.
        let _ = self.0.set_len(0);
    }
}

/// Bytes as digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
    }
    text
}
