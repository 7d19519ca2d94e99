//! Lines and events of a topology: the latest in memory, more in files, all of it bounded. Where there is no room for all
//! of it, who said most loses its oldest.

mod files;

use files::Files;
pub use files::read;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Entries that are kept in memory.
const ENTRIES_MAX: usize = 4096;
/// Bytes of their texts.
const BYTES_MAX: usize = 4 << 20;
/// Entries, and bytes of their texts, that a space may write in a second, for long.
const ENTRIES_A_SECOND: u64 = 1000;
const BYTES_A_SECOND: u64 = 128 << 10;
/// Before it has to wait, it may write as much as in so long a time.
const AHEAD: Duration = Duration::from_secs(64);

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

/// What is kept of a space in memory, and how much it wrote.
#[derive(Debug, Default)]
struct Page {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// When all that it wrote would have been written, had it kept to what it may write in a second.
    due: Option<Instant>,
    /// It is ahead by more than it may be, and this was said.
    waits: bool,
}

#[derive(Debug, Default)]
struct Pages {
    /// By space.
    spaces: BTreeMap<String, Page>,
    /// Of all of them.
    entries: usize,
    bytes: usize,
    last: u64,
    files: Files,
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
        let mut pages = self.pages();
        pages.add(&self.path, space, kind, text);
        if pages.count(space, text.len(), Instant::now()) {
            let says = format!(
                "it writes more than {ENTRIES_A_SECOND} lines or {} KiB a second: from now on it waits [quota-log]",
                BYTES_A_SECOND >> 10
            );
            pages.add(&self.path, space, Kind::Event, &says);
        }
        drop(pages);
        self.changed.notify_all();
    }

    /// Whether a space wrote so much that it has to wait.
    pub fn must_wait(&self, space: &str) -> bool {
        self.pages().must_wait(space, Instant::now())
    }

    /// The entries after a number, of one space or all; waits so long for the first.
    pub fn after(&self, number: u64, space: Option<&str>, wait: Duration) -> Vec<Entry> {
        let waited = self
            .changed
            .wait_timeout_while(self.pages(), wait, |pages| !pages.closed && !pages.has_new(number, space));
        let (pages, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut entries: Vec<Entry> = pages.of(space).flat_map(|page| page.after(number)).cloned().collect();
        entries.sort_unstable_by_key(|entry| entry.number);
        entries
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

impl Page {
    fn after(&self, number: u64) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().take_while(move |entry| entry.number > number)
    }
}

impl Pages {
    fn of<'p>(&'p self, space: Option<&'p str>) -> impl Iterator<Item = &'p Page> {
        self.spaces
            .iter()
            .filter(move |(name, _)| space.is_none_or(|space| space == *name))
            .map(|(_, page)| page)
    }

    fn has_new(&self, number: u64, space: Option<&str>) -> bool {
        self.of(space).any(|page| page.after(number).next().is_some())
    }

    fn add(&mut self, path: &Path, space: &str, kind: Kind, text: &str) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
        self.last += 1;
        let entry = Entry { number: self.last, time, space: space.to_owned(), kind, text: text.to_owned() };
        if !self.failed
            && let Err(error) = self.files.write(path, &entry)
        {
            // Spaces go on without it: nobody was promised that a line lasts.
            self.failed = true;
            let text = format!("the log is no longer written to {}: {error}", path.display());
            self.last += 1;
            self.keep(Entry { number: self.last, time, space: space.to_owned(), kind: Kind::Event, text });
        }
        self.keep(entry);
    }

    fn keep(&mut self, entry: Entry) {
        self.entries += 1;
        self.bytes += entry.text.len();
        if !self.spaces.contains_key(&entry.space) {
            self.spaces.insert(entry.space.clone(), Page::default());
        }
        if let Some(page) = self.spaces.get_mut(&entry.space) {
            page.bytes += entry.text.len();
            page.entries.push_back(entry);
        }
        while self.entries > ENTRIES_MAX || self.bytes > BYTES_MAX {
            let of_bytes = self.bytes > BYTES_MAX;
            let most = |page: &&mut Page| if of_bytes { page.bytes } else { page.entries.len() };
            let Some(page) = self.spaces.values_mut().max_by_key(most) else { break };
            let Some(oldest) = page.entries.pop_front() else { break };
            page.bytes -= oldest.text.len();
            self.entries -= 1;
            self.bytes -= oldest.text.len();
        }
    }

    /// Counts what a space wrote; whether it has to wait from now on, and did not before.
    fn count(&mut self, space: &str, bytes: usize, now: Instant) -> bool {
        let Some(page) = self.spaces.get_mut(space) else { return false };
        let due = page.due.filter(|due| *due > now);
        // It has waited long enough.
        page.waits &= due.is_some();
        let nanoseconds = (1_000_000_000 / ENTRIES_A_SECOND)
            .max((bytes as u64).saturating_mul(1_000_000_000) / BYTES_A_SECOND);
        page.due = due.unwrap_or(now).checked_add(Duration::from_nanos(nanoseconds));
        let is_first = !page.waits && page.is_ahead(now);
        page.waits |= is_first;
        is_first
    }

    fn must_wait(&self, space: &str, now: Instant) -> bool {
        self.spaces.get(space).is_some_and(|page| page.is_ahead(now))
    }
}

impl Page {
    fn is_ahead(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due.saturating_duration_since(now) > AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::files::FILE_BYTES_MAX;
    use super::*;
    use std::fs;

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
        assert!(book.after(0, None, Duration::ZERO).len() <= 5);
        let bytes = |name| fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
        assert!(bytes("log") <= FILE_BYTES_MAX && bytes("log.old") <= FILE_BYTES_MAX);
        let last = read(folder.path()).expect("files").last().map(|entry| entry.number);
        assert_eq!(last, Some(21), "twenty lines, and that it waits");
    }

    #[test]
    fn who_says_most_loses_its_oldest() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = Book::new(folder.path());
        let text = "x".repeat(1 << 16);
        // Twice what files and memory hold, three times over.
        for number in 0..600 {
            if number % 100 == 0 {
                book.line("quiet", &number.to_string());
            }
            book.line("loud", &text);
            if number % 2 == 0 {
                (0..20).for_each(|_| book.line("many", ""));
            }
        }
        let quiet = |entries: Vec<Entry>| -> Vec<String> {
            entries.into_iter().filter(|entry| entry.space == "quiet").map(|entry| entry.text).collect()
        };
        let all = ["0", "100", "200", "300", "400", "500"];
        assert_eq!(quiet(book.after(0, None, Duration::ZERO)), all);
        assert_eq!(quiet(read(folder.path()).expect("files")), all);
        let numbers = |entries: &[Entry]| entries.iter().map(|entry| entry.number).collect::<Vec<_>>();
        for entries in [book.after(0, None, Duration::ZERO), read(folder.path()).expect("files")] {
            assert!(numbers(&entries).is_sorted(), "they are in order");
            assert!(entries.iter().any(|entry| entry.space == "loud"));
        }
        let bytes = |name| fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
        assert!(bytes("log") <= FILE_BYTES_MAX && bytes("log.old") <= FILE_BYTES_MAX);
        assert!(!folder.path().join("log.new").exists());
    }

    #[test]
    fn what_two_files_have_is_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = Book::new(folder.path());
        (0..3).for_each(|_| book.line("one", "the same"));
        fs::copy(folder.path().join("log"), folder.path().join("log.old")).expect("two files");
        assert_eq!(read(folder.path()).expect("files"), book.after(0, None, Duration::ZERO));
    }

    #[test]
    fn who_writes_too_much_waits_and_is_told_once() {
        let mut pages = Pages::default();
        let entry = |text: &str| Entry {
            number: 1,
            time: 1,
            space: "loud".to_owned(),
            kind: Kind::Line,
            text: text.to_owned(),
        };
        pages.keep(entry(""));
        let now = Instant::now();
        let ahead = ENTRIES_A_SECOND * AHEAD.as_secs();
        assert!((0..ahead).all(|_| !pages.count("loud", 0, now)));
        assert!(!pages.must_wait("loud", now) && !pages.must_wait("quiet", now));
        assert!(pages.count("loud", 0, now), "it is told");
        assert!(!pages.count("loud", 0, now), "and not again");
        assert!(pages.must_wait("loud", now));
        assert!(!pages.must_wait("loud", now + Duration::from_millis(3)));
        let later = now + 2 * AHEAD;
        assert!(!pages.count("loud", (BYTES_A_SECOND * AHEAD.as_secs()) as usize, later));
        assert!(pages.count("loud", 1, later), "bytes count, too, and it is told anew");
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_once() {
        let book = Book::new(Path::new("/nowhere/at/all"));
        book.line("one", "first");
        book.line("one", "second");
        let texts: Vec<_> = book.after(0, None, Duration::ZERO).into_iter().map(|entry| entry.text).collect();
        assert_eq!(texts.len(), 3);
        assert!(texts[1].starts_with("the log is no longer written to /nowhere/at/all/log: "), "{texts:?}");
    }
}
