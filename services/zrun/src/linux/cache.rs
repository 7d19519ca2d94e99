//! The intelligence cache of a space in a file: one in memory, of which the file is a copy.

use super::disk::{Disk, DiskError};
use super::machine::{CACHE_BYTES, CACHE_ENTRIES};
use crate::cache::{Cache, Counts, Exact, Vector, end};
use crate::data::Store as _;
use sci::guest::ErrorCode;
use std::path::Path;

/// Bytes before a value: when it ends, in nanoseconds since 1970; 0 where it has no time.
const END_BYTES: usize = 8;
/// The bit of these that says that it is known what the key means: the model, the bytes of a vector, and the vector follow.
const HAS_VECTOR: u64 = 1 << 63;

/// A cache that outlives the process. Unlike others it is told nanoseconds since 1970: no other clock goes on while nobody
/// runs.
#[derive(Debug)]
pub struct Kept {
    exact: Exact,
    disk: Disk,
}

impl Kept {
    /// Of a file, which is made if it is not there. What is over or damaged is removed.
    pub fn open(path: &Path, now: u64) -> Result<Self, DiskError> {
        let disk = Disk::open(path, u64::MAX)?;
        let mut kept = Self { exact: Exact::new(CACHE_BYTES, CACHE_ENTRIES), disk };
        let mut key = String::new();
        while let Ok(Some(next)) = kept.disk.next("", &key) {
            key = next;
            if kept.load(&key, now).is_none() {
                let _ = kept.disk.delete(&key);
            }
        }
        Ok(kept)
    }

    fn load(&mut self, key: &str, now: u64) -> Option<()> {
        let stored = self.disk.get(key).ok()??;
        let (end, mut value) = stored.split_first_chunk::<END_BYTES>()?;
        let end = u64::from_le_bytes(*end);
        if end & HAS_VECTOR != 0 {
            let (vector, rest) = vector(value)?;
            self.exact.learn(key, vector);
            value = rest;
        }
        let end = Some(end & !HAS_VECTOR).filter(|end| *end > 0);
        if end.is_some_and(|end| end <= now) {
            return None;
        }
        self.exact.keep_until(key, value, end, now).ok().map(drop)
    }

    /// As [`Exact::be_like`].
    pub fn be_like(&mut self, similarity_thousandths: u32, model: u32) {
        self.exact.be_like(similarity_thousandths, model);
    }

    /// As [`Exact::wants`].
    pub fn wants(&self, key: &str, is_kept: bool, now: u64) -> bool {
        self.exact.wants(key, is_kept, now)
    }

    /// As [`Exact::learn`].
    pub fn learn(&mut self, key: &str, vector: Vector) {
        self.exact.learn(key, vector);
    }

    /// What it has done since it was opened.
    pub fn counts(&self) -> Counts {
        self.exact.counts()
    }
}

/// What a key means, and the rest of what is stored.
fn vector(stored: &[u8]) -> Option<(Vector, &[u8])> {
    let (model, rest) = stored.split_first_chunk()?;
    let (bytes, rest) = rest.split_first_chunk()?;
    let (vector, rest) = rest.split_at_checked(u32::from_le_bytes(*bytes) as usize)?;
    Some((Vector::read(u32::from_le_bytes(*model), vector)?, rest))
}

impl Cache for Kept {
    fn lookup(&mut self, key: &str, now: u64) -> Result<Vec<u8>, ErrorCode> {
        if self.exact.is_over(key, now) {
            self.disk.delete(key)?;
        }
        self.exact.lookup(key, now)
    }

    fn keep(&mut self, key: &str, value: &[u8], seconds: u32, now: u64) -> Result<(), ErrorCode> {
        let end = end(seconds, now);
        let gone = self.exact.keep_until(key, value, end, now)?;
        let mut stored = end.unwrap_or(0).to_le_bytes().to_vec();
        if let Some(vector) = self.exact.vector(key) {
            let numbers = vector.write();
            stored = (end.unwrap_or(0) | HAS_VECTOR).to_le_bytes().to_vec();
            stored.extend(vector.model().to_le_bytes());
            stored.extend((numbers.len() as u32).to_le_bytes());
            stored.extend(numbers);
        }
        stored.extend(value);
        let written = gone.iter().try_for_each(|key| self.disk.delete(key).map(drop));
        let written = written.and_then(|()| self.disk.put(key, &stored));
        written.map_err(|error| {
            self.exact.forget(key);
            error.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn values_outlive_the_process_until_their_time() {
        let folder = folder();
        let path = folder.path().join("cache");
        let open = |now| Kept::open(&path, now).unwrap();
        let mut kept = open(0);
        assert_eq!(kept.keep("a", b"1", 0, 0), Ok(()));
        assert_eq!((kept.keep("b", b"2", 5, 0), kept.keep("c", b"3", 9, 0)), (Ok(()), Ok(())));
        assert_eq!(kept.keep("c", b"4", 9, 0), Ok(()));
        drop(kept);
        let mut kept = open(5 * SECOND);
        assert_eq!(kept.lookup("a", 5 * SECOND), Ok(b"1".to_vec()));
        assert_eq!(kept.lookup("b", 5 * SECOND), Err(ErrorCode::NotFound), "its time passed meanwhile");
        assert_eq!(kept.lookup("c", 5 * SECOND), Ok(b"4".to_vec()));
        assert_eq!(kept.lookup("c", 9 * SECOND), Err(ErrorCode::NotFound));
        assert_eq!(kept.counts(), Counts { hits: 2, near: 0, misses: 2, dropped: 0 });
        drop(kept);
        // Whatever the clock says, what was over is gone.
        let mut kept = open(0);
        assert_eq!(kept.lookup("c", 0), Err(ErrorCode::NotFound));
        assert_eq!(kept.lookup("b", 0), Err(ErrorCode::NotFound));
    }

    #[test]
    fn what_keys_mean_outlives_the_process() {
        let folder = folder();
        let path = folder.path().join("cache");
        let open = || {
            let mut kept = Kept::open(&path, 0).unwrap();
            kept.be_like(900, 7);
            kept
        };
        let vector = |numbers: [f32; 2]| Vector::new(7, numbers.to_vec()).unwrap();
        let mut kept = open();
        kept.learn("a", vector([1.0, 0.0]));
        assert_eq!((kept.keep("a", b"1", 9, 0), kept.keep("b", b"2", 0, 0)), (Ok(()), Ok(())));
        drop(kept);
        let mut kept = open();
        assert!(!kept.wants("a", true, 0) && kept.wants("b", true, 0));
        kept.learn("c", vector([5.0, 1.0]));
        assert_eq!(kept.lookup("c", 0), Ok(b"1".to_vec()));
        assert_eq!((kept.lookup("a", 0), kept.lookup("b", 0)), (Ok(b"1".to_vec()), Ok(b"2".to_vec())));
        assert_eq!(kept.lookup("c", 9 * SECOND), Err(ErrorCode::NotFound));
        assert_eq!(kept.counts(), Counts { hits: 2, near: 1, misses: 1, dropped: 0 });
    }

    #[test]
    fn what_made_room_is_gone_from_the_file_too() {
        let folder = folder();
        let path = folder.path().join("cache");
        let mut kept = Kept::open(&path, 0).unwrap();
        kept.exact = Exact::new(10, 2);
        for key in ["a", "b", "c"] {
            assert_eq!(kept.keep(key, b"1", 0, 0), Ok(()));
        }
        assert_eq!(kept.keep("d", &[0; 20], 0, 0), Err(ErrorCode::Quota));
        drop(kept);
        let mut kept = Kept::open(&path, 0).unwrap();
        assert_eq!(kept.lookup("a", 0), Err(ErrorCode::NotFound));
        assert_eq!((kept.lookup("b", 0), kept.lookup("c", 0)), (Ok(b"1".to_vec()), Ok(b"1".to_vec())));
        assert_eq!(kept.lookup("d", 0), Err(ErrorCode::NotFound));
    }
}
