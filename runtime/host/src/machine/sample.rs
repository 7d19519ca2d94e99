//! Samples: what a tick finds guests at.
//!
//! A sample is a run of words: nanoseconds of processor time since the one before; the number of places, with
//! [`IN_HOST`] set where the guest waited for a host function; then the places, offsets in text, innermost first. A
//! place of a caller lies in its call. Compiled code keeps frame pointers, so that callers are found; a guest that
//! waits for the host has its own place only, for the host's code keeps none.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::context::Context;
use super::interrupt::now;
use super::record::Record;

/// In a sample's second word: the guest waited for a host function.
const IN_HOST: u32 = 1 << 31;
/// Places of one sample at most.
const DEPTH_MAX: usize = 60;
/// Words that are kept.
const WORDS: usize = 1 << 22;
/// Words of a sample before its places.
const HEAD: usize = 2;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'w> {
    /// Nanoseconds of processor time since the sample before.
    pub nanoseconds: u32,
    /// Whether the guest waited for a host function.
    pub is_in_host: bool,
    /// Offsets in text, innermost first.
    pub places: &'w [u32],
}

/// The samples that words hold, up to what is none.
pub fn samples(words: &[u32]) -> impl Iterator<Item = Sample<'_>> {
    let mut rest = words;
    std::iter::from_fn(move || {
        let [nanoseconds, count, ..] = *rest else { return None };
        let end = HEAD + (count & !IN_HOST) as usize;
        let places = rest.get(HEAD..end)?;
        rest = &rest[end..];
        Some(Sample { nanoseconds, is_in_host: count & IN_HOST != 0, places })
    })
}

/// Where guests of one thread were when ticks came. When there is no room left, no more are taken.
#[derive(Debug)]
pub struct Samples {
    used: AtomicUsize,
    /// The thread's processor time at the last sample, in nanoseconds.
    seen: AtomicU64,
    words: Box<[AtomicU32]>,
}

impl Samples {
    /// None yet. Processor time of this thread counts from now on.
    pub(crate) fn new() -> Self {
        let seen = AtomicU64::new(now(libc::CLOCK_THREAD_CPUTIME_ID));
        let words = (0..WORDS).map(|_| AtomicU32::new(0)).collect();
        Self { used: AtomicUsize::new(0), seen, words }
    }

    /// What was taken until now: [`samples`] reads it.
    pub fn words(&self) -> Vec<u32> {
        let used = self.used.load(Ordering::Acquire);
        self.words[..used].iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }

    /// Takes one. Safe in a signal handler, on the thread whose processor time it is.
    fn take(&self, is_in_host: bool, places: impl Iterator<Item = u32>) {
        let at = self.used.load(Ordering::Relaxed);
        let Some(room) = self.words.get(at..at + HEAD + DEPTH_MAX) else { return };
        let now = now(libc::CLOCK_THREAD_CPUTIME_ID);
        let since = now.saturating_sub(self.seen.swap(now, Ordering::Relaxed));
        let mut count = 0;
        for (place, word) in places.zip(&room[HEAD..]) {
            word.store(place, Ordering::Relaxed);
            count += 1;
        }
        room[0].store(u32::try_from(since).unwrap_or(u32::MAX), Ordering::Relaxed);
        room[1].store(count | if is_in_host { IN_HOST } else { 0 }, Ordering::Relaxed);
        self.used.store(at + HEAD + count as usize, Ordering::Release);
    }
}

/// Takes a sample, if the activation is to be sampled. Safe in a signal handler that met the thread in the
/// activation, in guest text or outside.
pub(super) fn take(record: &Record, guest: &Context) {
    let Some(samples) = record.samples.get() else { return };
    let stack = record.guard.end..record.stack_end;
    let instruction = guest.instruction();
    if let Some(place) = offset(record, instruction) {
        let callers = Callers { record, stack, frame: guest.frame() };
        samples.take(false, std::iter::once(place).chain(callers));
    } else {
        // What called the host is on the stack's top.
        let caller = word(&stack, record.stack.get()).and_then(|address| offset(record, address - 1));
        samples.take(true, caller.into_iter());
    }
}

fn offset(record: &Record, address: u64) -> Option<u32> {
    record.text.contains(&address).then(|| (address - record.text.start) as u32)
}

/// The word at an address of the guest's stack, if it is one.
fn word(stack: &Range<u64>, address: u64) -> Option<u64> {
    let limit = address.checked_add(8)?;
    if !address.is_multiple_of(8) || address < stack.start || limit > stack.end {
        return None;
    }
    let place = ptr::with_exposed_provenance::<u64>(address as usize);
    // SAFETY: the whole range is mapped readable while its activation stands, and the thread that writes there is this
    // one, which is in the handler.
    Some(unsafe { place.read_volatile() }).filter(|word| *word != 0)
}

/// The places of callers, along the frame pointers of a stack.
struct Callers<'r> {
    record: &'r Record,
    stack: Range<u64>,
    frame: u64,
}

impl Iterator for Callers<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let back = word(&self.stack, self.frame.checked_add(8)?)?;
        let place = offset(self.record, back - 1)?;
        let outer = word(&self.stack, self.frame).filter(|outer| *outer > self.frame);
        self.frame = outer.unwrap_or(0);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_no_samples_end_them() {
        let words = [5, 2, 10, 11, 6, IN_HOST | 1, 12, 7, 3, 1];
        let read: Vec<Sample<'_>> = samples(&words).collect();
        let first = Sample { nanoseconds: 5, is_in_host: false, places: &[10, 11] };
        assert_eq!(read, [first, Sample { nanoseconds: 6, is_in_host: true, places: &[12] }]);
        assert_eq!(samples(&[1, u32::MAX, 3]).count(), 0);
    }

    #[test]
    fn a_full_room_takes_no_more() {
        let taken = Samples::new();
        for _ in 0..WORDS / HEAD {
            taken.take(true, [1, 2, 3].into_iter());
        }
        let words = taken.words();
        assert!(words.len() <= WORDS && words.len() > WORDS - 2 * (HEAD + DEPTH_MAX));
        assert!(samples(&words).all(|sample| sample.is_in_host && sample.places == [1, 2, 3]));
    }
}
