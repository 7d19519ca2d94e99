//! What the store's thread may do for each space: its work is the space's own use of the processor.
//!
//! It is a bucket for each space, as networks shape traffic: work is owed, time pays for it at the space's share, and who
//! owes more than a burst waits. So a space that stores without a pause leaves the processor to those beside it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Work that may be owed before a space waits.
const BURST: Duration = Duration::from_millis(250);
/// For how long a space waits at most: what a single request costs beyond that is given to it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Thousandths of a processor that pay for a space that states no more.
pub const SHARE: u32 = 20;

/// What is owed for a space.
struct Account {
    owed: Duration,
    /// When that was so.
    at: Instant,
    /// The start of the space that was told that it waits.
    told: Option<u32>,
}

/// The accounts of a topology's spaces.
#[derive(Default)]
pub struct Pace(BTreeMap<String, Account>);

impl Pace {
    /// When a space is served that has this share, in thousandths of a processor, if not now.
    pub fn due(&mut self, space: &str, share: u32, now: Instant) -> Option<Instant> {
        let account = self.0.get_mut(space)?;
        let paid = now.saturating_duration_since(account.at) * share / 1000;
        let most = BURST + PATIENCE * share / 1000;
        (account.owed, account.at) = (account.owed.saturating_sub(paid).min(most), now);
        let more = account.owed.checked_sub(BURST).filter(|more| !more.is_zero())?;
        Some(now + more * 1000 / share.max(1))
    }

    /// The thread has worked for a space.
    pub fn charge(&mut self, space: &str, work: Duration, now: Instant) {
        match self.0.get_mut(space) {
            Some(account) => account.owed += work,
            None => {
                self.0.insert(space.to_owned(), Account { owed: work, at: now, told: None });
            }
        }
    }

    /// Whether a start of a space that waits is to be told so: once.
    pub fn tells(&mut self, space: &str, start: u32) -> bool {
        let account = self.0.get_mut(space);
        account.is_some_and(|account| account.told.replace(start) != Some(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_owes_more_than_a_burst_waits_until_it_is_paid() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.due("greedy", SHARE, now), None);
        pace.charge("greedy", BURST, now);
        assert_eq!(pace.due("greedy", SHARE, now), None, "a burst is free");
        pace.charge("greedy", Duration::from_millis(1), now);
        let due = now + Duration::from_millis(50);
        assert_eq!(pace.due("greedy", SHARE, now), Some(due), "a millisecond at its share");
        assert_eq!(pace.due("greedy", 500, now), Some(now + Duration::from_millis(2)), "who has a share");
        assert_eq!(pace.due("honest", SHARE, now), None);
        pace.charge("slow", Duration::from_secs(10), now);
        assert_eq!(pace.due("slow", SHARE, now), Some(now + PATIENCE), "a request that costs much");
        assert_eq!(pace.due("greedy", SHARE, due), None);
        assert!(pace.tells("greedy", 1) && !pace.tells("greedy", 1) && pace.tells("greedy", 2));
    }

    #[test]
    fn the_share_is_what_is_worked_in_the_long_run() {
        let (mut pace, began) = (Pace::default(), Instant::now());
        let (mut now, mut worked) = (began, Duration::ZERO);
        while now < began + Duration::from_secs(100) {
            now = pace.due("greedy", SHARE, now).unwrap_or(now);
            let work = Duration::from_micros(130);
            pace.charge("greedy", work, now);
            (now, worked) = (now + work, worked + work);
        }
        let share = worked.saturating_sub(BURST).as_millis() * 1000 / (now - began).as_millis();
        assert!((19..=21).contains(&share), "{share}");
    }
}
