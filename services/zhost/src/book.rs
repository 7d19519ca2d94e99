//! Lines and events of a topology: the latest in memory, more in files, all of it bounded.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Entries that are kept in memory.
const ENTRIES_MAX: usize = 4096;
/// Bytes of their texts.
const BYTES_MAX: usize = 4 << 20;
/// Bytes of a file; then it becomes the older one of two.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// What kind of entry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A line that a space wrote.
    Line,
    /// Something that happened to a space.
    Event,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the parent's life, from 1.
    #[serde(default)]
    pub number: u64,
    /// Milliseconds since 1970.
    pub time: u64,
    /// The space.
    pub space: String,
    /// What kind it is.
    pub kind: Kind,
    /// What it says.
    pub text: String,
}

#[derive(Debug, Default)]
struct Pages {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: u64,
    file: Option<(File, u64)>,
    /// No more is written to the file: why was said once.
    failed: bool,
    closed: bool,
}

/// A topology's book.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    pages: Mutex<Pages>,
    changed: Condvar,
}

impl Book {
    /// A book whose file goes on where it was.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("log"), pages: Mutex::default(), changed: Condvar::new() }
    }

    /// Writes a line of a space.
    pub fn line(&self, space: &str, text: &str) {
        self.add(space, Kind::Line, text);
    }

    /// Writes what happened to a space.
    pub fn event(&self, space: &str, text: &str) {
        self.add(space, Kind::Event, text);
    }

    fn add(&self, space: &str, kind: Kind, text: &str) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
        let mut pages = self.pages();
        pages.last += 1;
        let entry = Entry { number: pages.last, time, space: space.to_owned(), kind, text: text.to_owned() };
        if !pages.failed
            && let Err(error) = pages.write(&self.path, &entry)
        {
            // Spaces go on without it: nobody was promised that a line lasts.
            pages.failed = true;
            let text = format!("the log is no longer written to {}: {error}", self.path.display());
            pages.last += 1;
            let number = pages.last;
            pages.keep(Entry { number, time, space: space.to_owned(), kind: Kind::Event, text });
        }
        pages.keep(entry);
        drop(pages);
        self.changed.notify_all();
    }

    /// The entries after a number, of one space or all; waits so long for the first.
    pub fn after(&self, number: u64, space: Option<&str>, wait: Duration) -> Vec<Entry> {
        let is_new = |entry: &&Entry| entry.number > number && space.is_none_or(|space| entry.space == space);
        let nothing =
            |pages: &mut Pages| !pages.closed && !pages.entries.iter().rev().any(|one| is_new(&one));
        let waited = self.changed.wait_timeout_while(self.pages(), wait, nothing);
        let (pages, _) = waited.unwrap_or_else(PoisonError::into_inner);
        pages.entries.iter().filter(is_new).cloned().collect()
    }

    /// The number of the last entry.
    pub fn last(&self) -> u64 {
        self.pages().last
    }

    /// Nobody waits for more.
    pub fn close(&self) {
        self.pages().closed = true;
        self.changed.notify_all();
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn keep(&mut self, entry: Entry) {
        self.bytes += entry.text.len();
        self.entries.push_back(entry);
        while self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX {
            self.bytes -= self.entries.pop_front().map_or(self.bytes, |entry| entry.text.len());
        }
    }

    fn write(&mut self, path: &Path, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let (mut file, mut bytes) = match self.file.take() {
            Some(open) => open,
            None => open(path)?,
        };
        if bytes + line.len() as u64 > FILE_BYTES_MAX {
            fs::rename(path, older(path))?;
            (file, bytes) = open(path)?;
        }
        file.write_all(&line)?;
        self.file = Some((file, bytes + line.len() as u64));
        Ok(())
    }
}

/// A file to be appended to, and its bytes; a line that was cut off is ended, so that the next one is a line of its own.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
    let mut bytes = file.metadata()?.len();
    if bytes > 0 {
        let mut last = [0];
        file.read_exact_at(&mut last, bytes - 1)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            bytes += 1;
        }
    }
    Ok((file, bytes))
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("old")
}

/// What the files in an application's folder hold, oldest first; what is no entry is left out, such as a line that was
/// cut off with the process that wrote it.
pub fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let path = folder.join("log");
    let mut entries = Vec::new();
    for path in [older(&path), path] {
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        for line in BufReader::new(file).split(b'\n') {
            entries.extend(serde_json::from_slice::<Entry>(&line?));
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_numbered_kept_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = Book::new(folder.path());
        book.line("one", "first");
        book.event("two", "it began");
        let all = book.after(0, None, Duration::ZERO);
        assert_eq!(all.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(book.after(0, Some("two"), Duration::ZERO), all[1..]);
        assert_eq!(book.after(2, None, Duration::ZERO), []);
        assert_eq!(read(folder.path()).expect("files"), all);
        fs::write(folder.path().join("log"), b"{\"time\":1,\"spa").expect("a torn line");
        assert_eq!(read(folder.path()).expect("files"), []);
        let book = Book::new(folder.path());
        book.line("one", "after it");
        assert_eq!(read(folder.path()).expect("files"), book.after(0, None, Duration::ZERO));
    }

    #[test]
    fn files_and_memory_are_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = Book::new(folder.path());
        let text = "x".repeat(1 << 20);
        (0..20).for_each(|_| book.line("loud", &text));
        assert!(book.after(0, None, Duration::ZERO).len() <= 4);
        let bytes = |name| fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
        assert!(bytes("log") <= FILE_BYTES_MAX && bytes("log.old") <= FILE_BYTES_MAX);
        let last = read(folder.path()).expect("files").last().map(|entry| entry.number);
        assert_eq!(last, Some(20));
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_once() {
        let book = Book::new(Path::new("/nowhere/at/all"));
        book.line("one", "first");
        book.line("one", "second");
        let texts: Vec<_> = book.after(0, None, Duration::ZERO).into_iter().map(|entry| entry.text).collect();
        assert_eq!(texts.len(), 3);
        assert!(texts[0].starts_with("the log is no longer written to /nowhere/at/all/log: "), "{texts:?}");
    }
}
