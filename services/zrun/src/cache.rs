//! The intelligence cache: answers of models, found again by what was asked, or by what is like it.

mod alike;

pub use alike::Vector;

use crate::memory::copied;
use alike::Alike;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// A space's cache. `now` is what [`World::monotonic`](crate::World::monotonic) tells.
pub trait Cache {
    /// The value of a key; `not-found` where there is none, or none any more.
    fn lookup(&mut self, key: &str, now: u64) -> Result<Vec<u8>, ErrorCode>;
    /// Keeps a value for so many seconds; 0 is until the room is needed.
    fn keep(&mut self, key: &str, value: &[u8], seconds: u32, now: u64) -> Result<(), ErrorCode>;
}

/// What a cache has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Values found by their keys.
    pub hits: u64,
    /// Values found by keys that are alike.
    pub near: u64,
    /// Values not found.
    pub misses: u64,
    /// Values dropped, before their time, for others.
    pub dropped: u64,
}

/// A cache in memory whose keys match byte by byte, and by what they mean where [embeddings](Exact::learn) tell.
///
/// A value with a time stays until the time has passed. One without a time goes when another needs the room, the one
/// first that was used least lately.
#[derive(Clone, Debug)]
pub struct Exact {
    entries: BTreeMap<String, Entry>,
    /// Keys of entries, by their last use.
    uses: BTreeMap<u64, String>,
    next_use: u64,
    bytes_left: u64,
    entries_max: usize,
    alike: Alike,
    counts: Counts,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Vec<u8>,
    /// What its key means, if that is known.
    vector: Option<Vector>,
    /// When it ends.
    end: Option<u64>,
    last_use: u64,
}

impl Entry {
    fn is_over(&self, now: u64) -> bool {
        self.end.is_some_and(|end| end <= now)
    }
}

fn size(key: &str, value: &[u8], vector: Option<&Vector>) -> u64 {
    (key.len() + value.len()) as u64 + vector.map_or(0, Vector::bytes)
}

impl Exact {
    /// An empty cache that takes so many bytes of keys and values, and so many of them.
    pub fn new(bytes: u64, entries: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            uses: BTreeMap::new(),
            next_use: 0,
            bytes_left: bytes,
            entries_max: entries,
            alike: Alike::default(),
            counts: Counts::default(),
        }
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.uses.remove(&entry.last_use);
            self.bytes_left += size(key, &entry.value, entry.vector.as_ref());
        }
    }

    fn remove_over(&mut self, now: u64) -> Vec<String> {
        let over = self.entries.iter().filter(|(_, entry)| entry.is_over(now));
        let over: Vec<String> = over.map(|(key, _)| key.clone()).collect();
        for key in &over {
            self.remove(key);
        }
        over
    }

    fn has_room(&self, needed: u64) -> bool {
        needed <= self.bytes_left && self.entries.len() < self.entries_max
    }

    /// Whether there is room beside what stays. What can never fit costs nobody a place, nor its key the old value.
    fn could_have_room(&self, key: &str, needed: u64, now: u64) -> bool {
        let goes = |other: &str, entry: &Entry| other == key || entry.end.is_none() || entry.is_over(now);
        let (mut bytes, mut stay) = (self.bytes_left, 0);
        for (other, entry) in &self.entries {
            if goes(other, entry) {
                bytes += size(other, &entry.value, entry.vector.as_ref());
            } else {
                stay += 1;
            }
        }
        needed <= bytes && stay < self.entries_max
    }

    /// Makes room for so many bytes; entries with a time stay. The keys that went for it.
    fn make_room(&mut self, needed: u64, now: u64) -> Result<Vec<String>, ErrorCode> {
        if self.has_room(needed) {
            return Ok(Vec::new());
        }
        let mut gone = self.remove_over(now);
        while !self.has_room(needed) {
            let has_no_time = |key: &&String| self.entries.get(*key).is_some_and(|entry| entry.end.is_none());
            let oldest = self.uses.values().find(has_no_time).cloned().ok_or(ErrorCode::Quota)?;
            self.remove(&oldest);
            gone.push(oldest);
            self.counts.dropped += 1;
        }
        Ok(gone)
    }

    fn new_use(&mut self) -> u64 {
        self.next_use += 1;
        self.next_use
    }

    /// From now on, answers to questions that are so alike for a model are found: a thousand times the cosine of the two.
    pub fn be_like(&mut self, similarity_thousandths: u32, model: u32) {
        self.alike.be(similarity_thousandths, model);
    }

    /// Whether the embedding of a key would help to find an answer, or to find it later if `is_kept`.
    pub fn wants(&self, key: &str, is_kept: bool, now: u64) -> bool {
        let known = self.entries.get(key).filter(|entry| !entry.is_over(now));
        !self.alike.knows(key)
            && known.is_none_or(|entry| is_kept && !self.alike.is_of_now(entry.vector.as_ref()))
    }

    /// The embedding of a key that is looked up or kept next.
    pub fn learn(&mut self, key: &str, vector: Vector) {
        self.alike.learn(key, vector);
    }

    /// What a key means, if that is known.
    pub fn vector(&self, key: &str) -> Option<&Vector> {
        self.entries.get(key)?.vector.as_ref()
    }

    /// The key whose answer suits another one best, if any is alike enough.
    fn nearest(&self, key: &str, now: u64) -> Option<String> {
        let entries = self.entries.iter().filter(|(_, entry)| !entry.is_over(now));
        let known = entries.filter_map(|(key, entry)| Some((key, entry.vector.as_ref()?)));
        self.alike.nearest(key, known).cloned()
    }

    /// As [`Cache::keep`], until a time; the keys that went for it.
    pub(crate) fn keep_until(
        &mut self,
        key: &str,
        value: &[u8],
        end: Option<u64>,
        now: u64,
    ) -> Result<Vec<String>, ErrorCode> {
        let copy = copied(value).ok_or(ErrorCode::Quota)?;
        let vector = self.alike.take(key).or_else(|| self.vector(key).cloned());
        let needed = size(key, value, vector.as_ref());
        if !self.could_have_room(key, needed, now) {
            return Err(ErrorCode::Quota);
        }
        self.remove(key);
        let gone = self.make_room(needed, now)?;
        let this_use = self.new_use();
        self.bytes_left -= needed;
        self.uses.insert(this_use, key.into());
        self.entries.insert(key.into(), Entry { value: copy, vector, end, last_use: this_use });
        Ok(gone)
    }

    /// Whether a key's time has passed.
    #[cfg(feature = "linux")]
    pub(crate) fn is_over(&self, key: &str, now: u64) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.is_over(now))
    }

    /// Forgets a key.
    #[cfg(feature = "linux")]
    pub(crate) fn forget(&mut self, key: &str) {
        self.remove(key);
    }
}

/// When a value ends that is kept for so many seconds.
pub(crate) fn end(seconds: u32, now: u64) -> Option<u64> {
    (seconds > 0).then(|| now.saturating_add(u64::from(seconds) * SECOND))
}

impl Cache for Exact {
    fn lookup(&mut self, key: &str, now: u64) -> Result<Vec<u8>, ErrorCode> {
        if self.entries.get(key).is_some_and(|entry| entry.is_over(now)) {
            self.remove(key);
        }
        let this_use = self.new_use();
        let alike = if self.entries.contains_key(key) { None } else { self.nearest(key, now) };
        let Some(entry) = self.entries.get_mut(alike.as_deref().unwrap_or(key)) else {
            self.counts.misses += 1;
            return Err(ErrorCode::NotFound);
        };
        let value = copied(&entry.value).ok_or(ErrorCode::Quota)?;
        if let Some(key) = self.uses.remove(&entry.last_use) {
            self.uses.insert(this_use, key);
        }
        entry.last_use = this_use;
        match alike {
            Some(_) => self.counts.near += 1,
            None => self.counts.hits += 1,
        }
        Ok(value)
    }

    fn keep(&mut self, key: &str, value: &[u8], seconds: u32, now: u64) -> Result<(), ErrorCode> {
        self.keep_until(key, value, end(seconds, now), now).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_until_their_time_has_passed() {
        let mut cache = Exact::new(100, 10);
        assert_eq!(cache.lookup("a", 0), Err(ErrorCode::NotFound));
        assert_eq!((cache.keep("a", b"1", 2, 0), cache.keep("b", b"2", 0, 0)), (Ok(()), Ok(())));
        assert_eq!(cache.lookup("a", 2 * SECOND - 1), Ok(b"1".to_vec()));
        assert_eq!(cache.lookup("a", 2 * SECOND), Err(ErrorCode::NotFound));
        assert_eq!(cache.lookup("b", u64::MAX), Ok(b"2".to_vec()));
        assert_eq!(cache.counts(), Counts { hits: 2, near: 0, misses: 2, dropped: 0 });
        assert_eq!(cache.bytes_left, 98, "what is over takes no room");
    }

    #[test]
    fn what_has_no_time_makes_room_the_least_used_first() {
        let mut cache = Exact::new(6, 10);
        for key in ["a", "b", "c"] {
            cache.keep(key, b"1", 0, 0).unwrap();
        }
        cache.lookup("a", 0).unwrap();
        assert_eq!(cache.keep("d", b"2", 0, 0), Ok(()));
        assert_eq!(cache.lookup("b", 0), Err(ErrorCode::NotFound));
        assert_eq!((cache.lookup("a", 0), cache.lookup("c", 0)), (Ok(b"1".to_vec()), Ok(b"1".to_vec())));
        assert_eq!(cache.counts().dropped, 1);
    }

    #[test]
    fn what_has_a_time_stays_and_what_cannot_fit_changes_nothing() {
        let mut cache = Exact::new(8, 3);
        cache.keep("a", b"123", 9, 0).unwrap();
        cache.keep("b", b"1", 0, 0).unwrap();
        assert_eq!(cache.keep("b", b"12345", 0, 0), Err(ErrorCode::Quota));
        assert_eq!(cache.lookup("b", 0), Ok(b"1".to_vec()), "the old value is still there");
        assert_eq!(cache.keep("c", b"123", 0, 0), Ok(()));
        assert_eq!(cache.lookup("b", 0), Err(ErrorCode::NotFound));
        assert_eq!(cache.keep("c", b"1234567", 1, 9 * SECOND), Ok(()), "the time of `a` has passed");
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let mut cache = Exact::new(1000, 2);
        assert_eq!((cache.keep("a", b"", 9, 0), cache.keep("b", b"", 9, 0)), (Ok(()), Ok(())));
        assert_eq!(cache.keep("c", b"", 9, 0), Err(ErrorCode::Quota));
        assert_eq!(cache.keep("b", b"1", 9, 0), Ok(()), "it takes its own place");
    }

    fn vector(numbers: &[f32]) -> Vector {
        Vector::new(1, numbers.to_vec()).unwrap()
    }

    #[test]
    fn what_is_alike_enough_is_found_the_nearest_first() {
        let mut cache = Exact::new(1000, 10);
        cache.be_like(900, 1);
        for (key, numbers) in [("east", [1.0, 0.0]), ("north-east", [3.0, 3.0]), ("north", [0.0, 2.0])] {
            assert!(cache.wants(key, true, 0));
            cache.learn(key, vector(&numbers));
            assert!(!cache.wants(key, true, 0), "it is known already");
            cache.keep(key, key.as_bytes(), 0, 0).unwrap();
        }
        assert!(!cache.wants("east", false, 0) && !cache.wants("east", true, 0));
        cache.learn("mostly east", vector(&[10.0, 1.0]));
        assert_eq!(cache.lookup("mostly east", 0), Ok(b"east".to_vec()));
        cache.learn("between", vector(&[1.0, 0.4]));
        assert_eq!(
            cache.lookup("between", 0),
            Ok(b"east".to_vec()),
            "a cosine of 0.93, and of 0.92 to the other"
        );
        cache.learn("west", vector(&[-1.0, 0.0]));
        assert_eq!(cache.lookup("west", 0), Err(ErrorCode::NotFound));
        assert_eq!(cache.lookup("east", 0), Ok(b"east".to_vec()));
        assert_eq!(cache.counts(), Counts { hits: 1, near: 2, misses: 1, dropped: 0 });
        cache.be_like(990, 1);
        cache.learn("between", vector(&[1.0, 0.4]));
        assert_eq!(cache.lookup("between", 0), Err(ErrorCode::NotFound));
    }

    #[test]
    fn what_is_over_or_means_nothing_here_is_not_alike() {
        let mut cache = Exact::new(1000, 10);
        cache.be_like(500, 1);
        cache.learn("a", vector(&[1.0, 0.0]));
        cache.keep("a", b"1", 2, 0).unwrap();
        cache.learn("b", vector(&[1.0, 0.0]));
        assert_eq!(cache.lookup("b", 2 * SECOND), Err(ErrorCode::NotFound), "its time has passed");
        cache.keep("a", b"1", 0, 0).unwrap();
        cache.learn("b", Vector::new(2, vec![1.0, 0.0]).unwrap());
        assert_eq!(cache.lookup("b", 0), Err(ErrorCode::NotFound), "another model's");
        cache.learn("b", vector(&[1.0, 0.0, 0.0]));
        assert_eq!(cache.lookup("b", 0), Err(ErrorCode::NotFound), "of another length");
        assert_eq!(cache.lookup("c", 0), Err(ErrorCode::NotFound), "nothing is known of it");
        cache.learn("b", vector(&[1.0, 0.0]));
        assert_eq!(cache.lookup("b", 0), Ok(b"1".to_vec()));
        cache.be_like(500, 2);
        assert!(cache.wants("a", true, 0), "what it means is another model's");
    }

    #[test]
    fn what_a_key_means_takes_room() {
        let mut cache = Exact::new(20, 10);
        cache.be_like(900, 1);
        cache.learn("a", vector(&[1.0; 4]));
        assert_eq!(cache.keep("a", b"12345", 0, 0), Err(ErrorCode::Quota), "1 and 5 and 16");
        cache.learn("a", vector(&[1.0; 4]));
        assert_eq!(cache.keep("a", b"123", 0, 0), Ok(()));
        assert_eq!(cache.keep("b", b"", 0, 0), Ok(()), "in place of the first");
        assert_eq!((cache.counts().dropped, cache.bytes_left), (1, 19));
    }
}
