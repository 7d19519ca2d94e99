//! A journal in a file: one write for each append, a new file in the place of the old one where it is begun anew.

use crate::{DeclareError, Instance, Journal, JournalError, Mesh, RecoverError, Recovery, Tail, Time};
use alloc::boxed::Box;
use alloc::vec::Vec;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// When what was written is made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// When the system likes: nothing is lost when a process is killed, something may be when the power fails.
    Never,
    /// Before each append is acknowledged.
    Each,
}

/// What a mesh in a file is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'o> {
    /// Its topology.
    pub topology: &'o str,
    /// Its host.
    pub host: &'o str,
    /// Which run of the host a new mesh is: higher than any before. One that is recovered stays the run that it was.
    pub incarnation: u64,
    /// When what is written is made durable.
    pub fsync: Fsync,
    /// Instances on this host that did not end with it; most often none.
    pub running: &'o [Instance<'o>],
    /// Now.
    pub time: Time,
}

/// A mesh that keeps its journal in a file.
pub struct Opened {
    /// The mesh.
    pub mesh: Mesh,
    /// Whether it was there before.
    pub is_recovered: bool,
    /// Bytes of a write that was not complete when the host ended, which are cut: nobody was told of what they say.
    pub cut: u64,
}

/// Why there is no mesh.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process has it.
    #[error("{}: another process uses this journal; stop it first", path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// It cannot be recovered.
    #[error("{}: {error}", path.display())]
    Recover {
        /// The journal.
        path: PathBuf,
        /// Why not.
        error: RecoverError,
    },
    /// It cannot be written.
    #[error("{}: {error}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Why not.
        error: JournalError,
    },
    /// The topology's or the host's name is none.
    #[error(transparent)]
    Name(#[from] DeclareError),
}

/// Opens the mesh of a file, or makes a new one where there is no file. One process has it at a time.
pub fn open(path: &Path, opening: &Opening<'_>) -> Result<Opened, OpenError> {
    let at = || path.to_path_buf();
    let failed = |error| OpenError::Io { path: at(), error };
    let mut file = lock(path)?;
    // What a process left that was killed before this file was in its place.
    match fs::remove_file(next_to(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    let mut journal = FileJournal::new(file, path, opening.fsync);
    let written = |error| OpenError::Journal { path: at(), error };
    if bytes.is_empty() {
        let mut mesh = Mesh::new(opening.topology, opening.host, opening.incarnation)?;
        mesh.advance(opening.time);
        mesh.keep_in(Box::new(journal)).map_err(written)?;
        return Ok(Opened { mesh, is_recovered: false, cut: 0 });
    }
    let Opening { topology, host, running, time, .. } = *opening;
    let tail = match opening.fsync {
        Fsync::Never => Tail::Short,
        Fsync::Each => Tail::Any,
    };
    let recovered = Mesh::recover(&bytes, Recovery { topology, host, tail, running, time })
        .map_err(|error| OpenError::Recover { path: at(), error })?;
    let cut = bytes.len() as u64 - recovered.end;
    drop(bytes);
    journal.end = recovered.end;
    journal.file.set_len(journal.end).map_err(failed)?;
    let mesh = recovered.go_on_in(Box::new(journal)).map_err(written)?;
    Ok(Opened { mesh, is_recovered: true, cut })
}

/// The file, which nobody else has.
fn lock(path: &Path) -> Result<File, OpenError> {
    loop {
        let failed = |error| OpenError::Io { path: path.to_path_buf(), error };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Who had it may have put another in its place meanwhile.
        if file.metadata().map_err(failed)?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Where a new journal is written before it takes the place of the old one.
fn next_to(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}

/// A journal in a file.
struct FileJournal {
    file: File,
    path: PathBuf,
    fsync: Fsync,
    /// Where it ends; what is after that is of a write that failed.
    end: u64,
    is_torn: bool,
    /// The file has its name, but not durably.
    is_renamed: bool,
}

impl FileJournal {
    fn new(file: File, path: &Path, fsync: Fsync) -> Self {
        Self { file, path: path.to_path_buf(), fsync, end: 0, is_torn: false, is_renamed: false }
    }

    fn try_append(&mut self, frames: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.end)?;
            self.is_torn = false;
        }
        self.keep_name()?;
        self.is_torn = true;
        self.file.write_all_at(frames, self.end)?;
        if self.fsync == Fsync::Each {
            self.file.sync_data()?;
        }
        self.is_torn = false;
        Ok(())
    }

    fn keep_name(&mut self) -> io::Result<()> {
        if self.is_renamed && self.fsync == Fsync::Each {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        self.is_renamed = false;
        Ok(())
    }

    fn try_replace(&mut self, next: &Path, frames: &mut dyn Iterator<Item = Vec<u8>>) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(next)?;
        file.try_lock()?;
        let mut writer = BufWriter::new(&file);
        let mut end = 0;
        for frame in frames {
            writer.write_all(&frame)?;
            end += frame.len() as u64;
        }
        writer.flush()?;
        drop(writer);
        if self.fsync == Fsync::Each {
            file.sync_all()?;
        }
        fs::rename(next, &self.path)?;
        (self.file, self.end, self.is_torn, self.is_renamed) = (file, end, false, true);
        Ok(())
    }
}

impl Journal for FileJournal {
    fn append(&mut self, frames: &[u8]) -> Result<(), JournalError> {
        let written = self.try_append(frames);
        if written.is_err() && self.is_torn {
            // At once, so that what was refused is not there after a crash; else before the next.
            self.is_torn = self.file.set_len(self.end).is_err();
        }
        written.map_err(|error| reason(&error))?;
        self.end += frames.len() as u64;
        Ok(())
    }

    fn replace(&mut self, frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), JournalError> {
        let next = next_to(&self.path);
        let replaced = self.try_replace(&next, frames);
        if replaced.is_err() {
            fs::remove_file(&next).unwrap_or_default();
        }
        replaced.map_err(|error| reason(&error))
    }
}

fn reason(error: &io::Error) -> JournalError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => JournalError::Full,
        _ => JournalError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Declaration, EmitError, Emitted, PathDeclaration, PathRules};
    use std::string::ToString;

    const TIME: Time = Time { monotonic: 1, realtime: 2 };
    const OPENING: Opening<'_> = Opening {
        topology: "app",
        host: "here",
        incarnation: 7,
        fsync: Fsync::Never,
        running: &[],
        time: TIME,
    };

    /// A folder that is gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(std::format!("zmesh-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn journal(&self) -> PathBuf {
            self.0.join("mesh")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    fn start(mesh: &mut Mesh, space: &str) -> u64 {
        let number = mesh.next_instance(space).unwrap();
        mesh.start(Instance { space, number }, TIME).unwrap();
        number
    }

    fn opened(folder: &Folder, fsync: Fsync) -> Opened {
        let mut opened = open(&folder.journal(), &Opening { fsync, ..OPENING }).unwrap();
        let rules = PathRules::default();
        let path = PathDeclaration { from: "a".into(), name: "p".into(), to: "b".into(), rules };
        let spaces = ["a".into(), "b".into()].into();
        let declaration = Declaration { revision: 0, spaces, paths: [path].into(), events: Vec::new() };
        opened.mesh.declare(&declaration, TIME).unwrap();
        opened
    }

    fn send(mesh: &mut Mesh, number: u64, body: &[u8]) -> Result<Emitted, EmitError> {
        mesh.emit(Instance { space: "a", number }, "p", body, TIME)
    }

    #[test]
    fn a_file_has_what_was_accepted() {
        for fsync in [Fsync::Never, Fsync::Each] {
            let folder = Folder::new("accepted");
            let mut first = opened(&folder, fsync);
            assert!(!first.is_recovered);
            let a = start(&mut first.mesh, "a");
            send(&mut first.mesh, a, b"1").unwrap();
            first.mesh.compact().unwrap();
            send(&mut first.mesh, a, b"2").unwrap();
            drop(first);
            let mut second = opened(&folder, fsync);
            assert_eq!((second.is_recovered, second.cut), (true, 0));
            assert_eq!((start(&mut second.mesh, "a"), start(&mut second.mesh, "b")), (2, 1));
            let b = Instance { space: "b", number: 1 };
            for body in [b"1", b"2"] {
                assert_eq!(&*second.mesh.take(b, 9, TIME).unwrap().body, body);
            }
        }
    }

    #[test]
    fn a_write_that_is_there_in_part_is_cut() {
        let folder = Folder::new("cut");
        let mut first = opened(&folder, Fsync::Never);
        let a = start(&mut first.mesh, "a");
        send(&mut first.mesh, a, b"kept").unwrap();
        let sound = fs::metadata(folder.journal()).unwrap().len();
        send(&mut first.mesh, a, b"cut").unwrap();
        drop(first);
        let bytes = fs::read(folder.journal()).unwrap();
        fs::write(folder.journal(), &bytes[..bytes.len() - 1]).unwrap();
        fs::write(next_to(&folder.journal()), b"left by another").unwrap();
        let mut second = opened(&folder, Fsync::Never);
        assert_eq!(second.cut, bytes.len() as u64 - 1 - sound);
        assert!(!next_to(&folder.journal()).exists());
        start(&mut second.mesh, "b");
        assert_eq!(second.mesh.waiting("b"), 1);
        drop(second);
        assert_eq!(opened(&folder, Fsync::Never).cut, 0);
    }

    #[test]
    fn damage_is_named_and_nothing_is_touched() {
        let folder = Folder::new("damage");
        drop(opened(&folder, Fsync::Never));
        let mut bytes = fs::read(folder.journal()).unwrap();
        bytes[20] ^= 1;
        fs::write(folder.journal(), &bytes).unwrap();
        for fsync in [Fsync::Never, Fsync::Each] {
            let error = open(&folder.journal(), &Opening { fsync, ..OPENING }).err().unwrap();
            assert!(error.to_string().contains("damaged at byte 0"), "{error}");
            assert_eq!(fs::read(folder.journal()).unwrap(), bytes);
        }
    }

    #[test]
    fn one_has_it_at_a_time() {
        let folder = Folder::new("lock");
        let mut first = opened(&folder, Fsync::Never);
        let in_use =
            |folder: &Folder| matches!(open(&folder.journal(), &OPENING), Err(OpenError::InUse { .. }));
        assert!(in_use(&folder));
        first.mesh.compact().unwrap();
        assert!(in_use(&folder), "the new file is locked, too");
        drop(first);
        assert!(!in_use(&folder));
    }

    #[test]
    fn a_device_without_room_is_full() {
        let folder = Folder::new("full");
        let mut mesh = opened(&folder, Fsync::Never).mesh;
        let a = start(&mut mesh, "a");
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        mesh.go_on_in(Box::new(FileJournal::new(full, &folder.journal(), Fsync::Never)), 0);
        assert_eq!(send(&mut mesh, a, b"1"), Err(EmitError::Journal(JournalError::Full)));
        // Beginning anew finds another place.
        mesh.compact().unwrap();
        send(&mut mesh, a, b"1").unwrap();
    }
}
