//! Taps: copies of a path's messages for an observer, who never slows the path.

use crate::flow::PathId;
use crate::limits;
use crate::message::Message;
use alloc::collections::VecDeque;

/// Names a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TapId(pub(crate) u64);

/// Why a path cannot be observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapError {
    /// There is no such path.
    #[error("there is no such path")]
    NoPath,
    /// Others observe already, as many as may.
    #[error("{} observe paths already, the most that may", limits::TAPS_MAX)]
    TooMany,
}

/// What an observer sees next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// How many messages passed unseen before this one, since the observer was too slow.
    pub missed: u64,
    /// Whether it went back along the path: an answer.
    pub is_answer: bool,
    /// The message, with the bytes that its receiver gets.
    pub message: Message,
}

pub(crate) struct Tap {
    pub path: PathId,
    waiting: VecDeque<Observed>,
    bytes: usize,
    missed: u64,
}

impl Tap {
    pub fn new(path: PathId) -> Self {
        Self { path, waiting: VecDeque::new(), bytes: 0, missed: 0 }
    }

    pub fn copy(&mut self, message: &Message, is_answer: bool) {
        let bytes = self.bytes + message.body.len();
        if self.waiting.len() == limits::TAP_MESSAGES_MAX || bytes > limits::TAP_BYTES_MAX {
            self.missed += 1;
            return;
        }
        self.bytes = bytes;
        let missed = core::mem::take(&mut self.missed);
        self.waiting.push_back(Observed { missed, is_answer, message: message.clone() });
    }

    pub fn next(&mut self) -> Option<Observed> {
        let observed = self.waiting.pop_front()?;
        self.bytes -= observed.message.body.len();
        Some(observed)
    }
}
