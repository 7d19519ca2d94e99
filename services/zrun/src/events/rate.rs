//! How many events a recognizer may emit.

use sci::guest::ErrorCode;

/// Events in a minute where nothing is said, and at most.
pub(super) const PER_MINUTE: u32 = 60;
const PER_MINUTE_MAX: u32 = 6000;
/// Milliseconds of a minute.
const MINUTE: u64 = 60_000;

/// Events of a minute.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    most: u32,
    /// When the minute began, and how many there were.
    minute: (u64, u32),
    /// Events that were too many.
    lost: u64,
}

impl Rate {
    pub fn new(most: u32) -> Result<Self, ErrorCode> {
        let is_bounded = (1..=PER_MINUTE_MAX).contains(&most);
        is_bounded.then_some(Self { most, minute: (0, 0), lost: 0 }).ok_or(ErrorCode::Invalid)
    }

    /// Counts an event at a time in milliseconds, if there may be one more: how many were lost before it.
    pub fn admit(&mut self, time: u64) -> Option<u64> {
        if time.saturating_sub(self.minute.0) >= MINUTE {
            self.minute = (time, 0);
        }
        if self.minute.1 == self.most {
            self.lost += 1;
            return None;
        }
        self.minute.1 += 1;
        Some(core::mem::take(&mut self.lost))
    }
}
