//! The disk of a machine that runs an application: a file in which its spaces' values outlive the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use compiler_driver::keys;
use services_store::{Broken, Disk as Sectors, Limits, SECTOR, Volume, format};

use crate::arguments::BootArguments;
use crate::commands::apps::parent;
use crate::report::{Exit, Failure, say};

/// What `--disk` says for none.
const NONE: &str = "none";
/// Bytes of a disk that is made. The file takes what is stored, and no more.
const BYTES: u64 = 64 << 20;
/// The folder of disks below the state's.
const FOLDER: &str = "machines";

/// A disk that this process has for itself.
#[derive(Debug)]
pub struct Disk {
    /// Its file.
    pub path: PathBuf,
    /// Holds the lock.
    _file: File,
}

/// A file's sectors.
struct InFile<'f>(&'f File, u64);

impl Sectors for InFile<'_> {
    fn sectors(&self) -> u64 {
        self.1 / SECTOR as u64
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), Broken> {
        self.0.read_exact_at(into, sector * SECTOR as u64).map_err(|_| Broken)
    }

    fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), Broken> {
        self.0.write_all_at(bytes, sector * SECTOR as u64).map_err(|_| Broken)
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.0.sync_all().map_err(|_| Broken)
    }
}

/// The disk of an application, made if there is none yet; `None` where there is to be none.
pub fn open(arguments: &BootArguments, name: &str, stores: bool) -> Result<Option<Disk>, Failure> {
    let machine = ::boot::Machine::from(arguments.machine);
    let asked = arguments.disk.as_deref();
    if asked.is_some_and(|asked| asked == Path::new(NONE)) || asked.is_none() && !stores {
        return Ok(None);
    }
    if !machine.has_disk() {
        let message = format!("`{}` has no disk that components drive; `microvm` has", machine.name());
        if asked.is_some() {
            return Err(
                Failure::new(Exit::Usage, "no-disk", message).help("leave out `--machine` or `--disk`")
            );
        }
        say(&format!("{message}: what spaces store lasts as long as the machine runs\n"));
        return Ok(None);
    }
    let path = match asked {
        Some(path) => path.to_owned(),
        None => {
            let home = parent::home()?;
            let folder = home.folder().join(FOLDER);
            home.make(&folder).map_err(|error| Failure::new(Exit::Io, "io", error.to_string()))?;
            folder.join(format!("{name}.disk"))
        }
    };
    let at = |failure: Failure| failure.at(path.display().to_string());
    // A link that leads nowhere is somebody's, too.
    if path.symlink_metadata().is_err() {
        make(&path).map_err(|error| at(failed("made", &error)))?;
        say(&format!("{} was made for what spaces store\n", path.display()));
    }
    let file = taken(&path).map_err(at)?;
    let bytes = file.metadata().map_err(|error| at(failed("read", &error)))?.len();
    if bytes < BYTES {
        let message =
            format!("the disk is refused: it has {bytes} bytes of the {BYTES} that it is made with");
        return Err(at(Failure::new(Exit::Io, "disk-refused", message))
            .help("another `--disk` begins anew, `--disk none` keeps nothing"));
    }
    let checked = Volume::open(InFile(&file, bytes), Limits::NONE).and_then(|mut volume| volume.check());
    checked.map_err(|error| {
        at(Failure::new(Exit::Io, "disk-refused", format!("the disk is refused: {error}")))
            .help("nothing was changed; another `--disk` begins anew, `--disk none` keeps nothing")
    })?;
    Ok(Some(Disk { path, _file: file }))
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Io, "io", format!("the disk cannot be {what}: {error}"))
}

/// Makes an empty store in a file that is there when it is whole.
fn make(path: &Path) -> io::Result<()> {
    let salt = keys::random().map_err(io::Error::other)?;
    let mut begun = path.as_os_str().to_owned();
    begun.push(format!(".{}", std::process::id()));
    let begun = PathBuf::from(begun);
    let made = (|| {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&begun)?;
        file.set_len(BYTES)?;
        format(&mut InFile(&file, BYTES), salt).map_err(io::Error::other)?;
        // Another machine may have made it meanwhile, and have values in it.
        match fs::hard_link(&begun, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    })();
    // Whatever came of it.
    fs::remove_file(&begun).ok();
    made
}

/// Opens the file for this machine alone.
fn taken(path: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let file = opened.map_err(|error| failed("opened", &error))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(Failure::new(Exit::Usage, "no-disk", "a disk is a file").help("name one, or one to make"));
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::new(Exit::Environment, "disk-in-use", "another machine runs with this disk")
                .help("wait until it ends, or name another one with `--disk`"))
        }
        Err(TryLockError::Error(error)) => Err(failed("locked", &error)),
    }
}
