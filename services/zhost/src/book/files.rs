//! The files of a book: the newer one is written to; where it is full, both become the older one, of which each space has
//! its share.

use super::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Bytes of a file.
pub(super) const FILE_BYTES_MAX: u64 = 8 << 20;

/// The newer file and its bytes, once it is open.
#[derive(Debug, Default)]
pub(super) struct Files(Option<(File, u64)>);

impl Files {
    pub fn write(&mut self, path: &Path, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let (mut file, mut bytes) = match self.0.take() {
            Some(open) => open,
            None => open(path)?,
        };
        if bytes + line.len() as u64 > FILE_BYTES_MAX {
            join(path)?;
            (file, bytes) = open(path)?;
        }
        file.write_all(&line)?;
        self.0 = Some((file, bytes + line.len() as u64));
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

/// The space of a line: a name, of which no letter is written in another way.
fn space(line: &[u8]) -> &[u8] {
    const BEFORE: &[u8] = b"\"space\":\"";
    let Some(at) = line.windows(BEFORE.len()).position(|part| part == BEFORE) else { return b"" };
    let name = line.get(at + BEFORE.len()..).unwrap_or_default();
    name.split(|byte| *byte == b'"').next().unwrap_or_default()
}

/// The bytes that each may have so that all together have no more than there are: who wants less than its share leaves the
/// rest to others.
fn share(wanted: impl Iterator<Item = u64>, mut left: u64) -> u64 {
    let mut wanted: Vec<u64> = wanted.collect();
    wanted.sort_unstable();
    for (before, bytes) in wanted.iter().enumerate() {
        let share = left / (wanted.len() - before) as u64;
        if *bytes > share {
            return share;
        }
        left -= bytes;
    }
    u64::MAX
}

fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        file => Some(BufReader::new(file?)),
    };
    Ok(file.into_iter().flat_map(|file| file.split(b'\n')))
}

/// Makes both files the older one. Of what there is no room for, each space loses its oldest lines, and none more than it has
/// beyond its share.
fn join(path: &Path) -> io::Result<()> {
    let paths = [older(path), path.to_owned()];
    let mut bytes: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for path in &paths {
        for line in lines(path)? {
            let line = line?;
            let name = space(&line);
            let more = line.len() as u64 + 1;
            match bytes.get_mut(name) {
                Some(bytes) => *bytes += more,
                None => drop(bytes.insert(name.to_owned(), more)),
            }
        }
    }
    let share = share(bytes.values().copied(), FILE_BYTES_MAX);
    let new = path.with_extension("new");
    let mut file = BufWriter::new(File::create(&new)?);
    for path in &paths {
        for line in lines(path)? {
            let line = line?;
            // Lines are as many and as long as they were a moment ago.
            let Some(left) = bytes.get_mut(space(&line)) else { continue };
            let is_kept = *left <= share;
            *left = left.saturating_sub(line.len() as u64 + 1);
            if is_kept {
                file.write_all(&line)?;
                file.write_all(b"\n")?;
            }
        }
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?;
    fs::rename(new, older(path))?;
    fs::remove_file(path)
}

/// What the files in an application's folder hold, oldest first; what is no entry is left out, such as a line that was
/// cut off with the process that wrote it.
pub fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let path = folder.join("log");
    let mut entries: Vec<Entry> = Vec::new();
    let mut known = BTreeSet::new();
    // The newer one is opened first: what it had is in the older one where that was made of both meanwhile.
    let newer = lines(&path)?;
    for line in lines(&older(&path))?.chain(newer) {
        // A parent that was killed may have left in both files what was in one, too.
        let entry = serde_json::from_slice::<Entry>(&line?).ok();
        entries.extend(entry.filter(|one| one.number == 0 || known.insert((one.time, one.number))));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_little_gets_it_and_the_rest_is_shared() {
        let of = |wanted: &[u64]| share(wanted.iter().copied(), 100);
        assert_eq!(of(&[]), u64::MAX);
        assert_eq!(of(&[50, 50]), u64::MAX);
        assert_eq!(of(&[10, 1000]), 90);
        assert_eq!(of(&[1000, 20, 1000]), 40);
        assert_eq!(of(&[10, 20, 1000, 30]), 40);
    }

    #[test]
    fn whoever_reads_while_files_are_joined_misses_nothing_between() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let entry = |number: u64| {
            let (space, text) = if number % 50 == 1 { ("quiet", 1) } else { ("loud", 4000) };
            let (space, text) = (space.to_owned(), "x".repeat(text));
            Entry { number, time: 1, space, kind: crate::book::Kind::Line, text }
        };
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut files = Files::default();
                (1..15_000).try_for_each(|number| files.write(&path, &entry(number)))
            });
            while !writer.is_finished() {
                let quiet = read(folder.path()).unwrap().into_iter().filter(|one| one.space == "quiet");
                let numbers: Vec<u64> = quiet.map(|one| one.number).collect();
                let all: Vec<u64> = (0..numbers.len() as u64).map(|at| at * 50 + 1).collect();
                assert_eq!(numbers, all);
            }
            writer.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_line_says_whose_it_is() {
        assert_eq!(
            space(br#"{"number":1,"time":2,"space":"one","kind":"line","text":"\"space\":\"two\""}"#),
            b"one"
        );
        assert_eq!(space(b"{"), b"");
    }
}
