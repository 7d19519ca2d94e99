//! Dead letters: messages that reach nobody, each with its reason.

use crate::limits;
use alloc::collections::VecDeque;
use alloc::string::String;
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($variant:ident $name:literal $doc:literal;)+) => {
        /// Why a message reached nobody.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason { $(#[doc = $doc] $variant),+ }
        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable kebab-case name.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
            /// What it means, one sentence.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$variant => $doc),+ } }
        }
    };
}

reasons! {
    NoSuchPath "no-such-path" "No path of the sender leads there, or the path was removed with the message in it.";
    ReceiverStopped "receiver-stopped" "The receiver was stopped for good; it may have seen the message.";
    InstanceGone "instance-gone" "It was for one instance, which is no more: an answer, or an address with `#`.";
    Expired "expired" "Nobody took it in the time that its path allows.";
    TooLarge "too-large" "It is larger than a message may be.";
    QueueFull "queue-full" "There was no room, and its path drops what has none.";
    Undeliverable "undeliverable" "Its receiver ended with it as often as its path allows.";
    Unshown "unshown" "Its receiver is a user interface, and no page that shows it took the message in time.";
}

/// Reasons whose counts a journal keeps: the first ones. Whoever lets pages see messages loses those at its end without a
/// record, too.
pub(crate) const KEPT_REASONS: usize = Reason::Unshown as usize;
/// Letters among the latest with which another one is compared.
const ALIKE_AMONG: usize = 16;

/// What is known of a dead letter. Its bytes are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Who sent it: `name#instance`.
    pub from: String,
    /// The address that could not be resolved, or the path.
    pub to: String,
    /// Why it reached nobody.
    pub reason: Reason,
    /// Nanoseconds since 1970 when the last of them died.
    pub time: u64,
    /// Bytes of the last of them.
    pub bytes: u64,
    /// How many like it there were one after the other, or with few others between them, which are kept as one.
    pub times: u64,
}

/// The latest dead letters, and counts of all.
#[derive(Clone, Debug, Default)]
pub struct DeadLetters {
    pub(crate) letters: VecDeque<DeadLetter>,
    pub(crate) counts: [u64; Reason::ALL.len()],
    pub(crate) forgotten: u64,
}

impl DeadLetters {
    /// Adds one; how many like it there are now.
    pub(crate) fn add(&mut self, mut letter: DeadLetter) -> u64 {
        self.counts[letter.reason as usize] += letter.times;
        let is_alike = |known: &DeadLetter| {
            (&known.from, &known.to, known.reason) == (&letter.from, &letter.to, letter.reason)
        };
        let first = self.letters.len().saturating_sub(ALIKE_AMONG);
        // One sender that repeats itself pushes nobody else's out.
        let alike = self.letters.iter().skip(first).position(is_alike);
        if let Some(known) = alike.and_then(|at| self.letters.remove(first + at)) {
            letter.times += known.times;
        } else if self.letters.len() == limits::DEAD_LETTERS_MAX {
            self.forgotten += self.letters.pop_front().map_or(0, |oldest| oldest.times);
        }
        let times = letter.times;
        self.letters.push_back(letter);
        times
    }

    /// The latest, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.letters.iter()
    }

    /// How many there were for a reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }

    /// How many are counted, but no longer kept.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(to: usize) -> DeadLetter {
        let to = std::format!("to-{to}");
        DeadLetter { from: "a#1".into(), to, reason: Reason::NoSuchPath, time: 1, bytes: 2, times: 1 }
    }

    #[test]
    fn they_are_bounded_and_counted() {
        let mut dead = DeadLetters::default();
        for to in 0..limits::DEAD_LETTERS_MAX + 3 {
            assert_eq!(dead.add(letter(to)), 1);
        }
        assert_eq!(dead.iter().count(), limits::DEAD_LETTERS_MAX);
        assert_eq!((dead.forgotten(), dead.iter().next()), (3, Some(&letter(3))));
        assert_eq!(dead.count(Reason::NoSuchPath), limits::DEAD_LETTERS_MAX as u64 + 3);
        assert_eq!(dead.count(Reason::Expired), 0);
    }

    #[test]
    fn the_same_again_is_one_letter() {
        let mut dead = DeadLetters::default();
        assert_eq!((0..5000).map(|_| dead.add(letter(0))).last(), Some(5000));
        assert_eq!(dead.iter().map(|letter| letter.times).collect::<Vec<_>>(), [5000]);
        assert_eq!(dead.count(Reason::NoSuchPath), 5000);
        // So is what comes in turns.
        let told: Vec<u64> = (0..40).map(|at| dead.add(letter(1 + at % 2))).collect();
        assert_eq!(told.iter().filter(|times| **times == 1).count(), 2);
        assert_eq!(
            dead.iter().map(|letter| (letter.to.as_str(), letter.times)).collect::<Vec<_>>(),
            [("to-0", 5000), ("to-1", 20), ("to-2", 20)]
        );
    }
}
