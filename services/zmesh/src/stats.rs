//! What a path did: counts, a rate, latencies.

use crate::limits::RATE_SECONDS;
use serde::{Deserialize, Serialize};

/// Upper ends of the latency buckets in nanoseconds: powers of four from a microsecond. The last bucket has none.
pub const LATENCY_NANOSECONDS: [u64; 12] = {
    let mut ends = [1_000; 12];
    let mut at = 1;
    while at < ends.len() {
        ends[at] = ends[at - 1] * 4;
        at += 1;
    }
    ends
};

/// One way of a path, as this host saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStats {
    /// Messages that senders on this host gave.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages that the receiver on this host took for the first time.
    pub taken: u64,
    /// Their bytes.
    pub taken_bytes: u64,
    /// Messages given again after the receiver ended with them.
    pub redelivered: u64,
    /// Messages that became dead letters here.
    pub dropped: u64,
    /// How often a sender had no credit.
    pub blocked: u64,
    /// Messages that wait or are processed: the sender's host has them until they are done.
    pub queued: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Messages sent or taken here in the last [`RATE_SECONDS`].
    pub recent: u64,
    /// From sending to taking, by [`LATENCY_NANOSECONDS`].
    pub latency: [u64; LATENCY_NANOSECONDS.len() + 1],
}

/// Both ways of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStats {
    /// Messages.
    pub messages: FlowStats,
    /// Answers.
    pub answers: FlowStats,
}

/// Counts as they happen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    pub stats: FlowStats,
    window: Window,
}

impl Counter {
    pub fn sent(&mut self, bytes: usize, now: u64) {
        self.stats.sent += 1;
        self.stats.sent_bytes += bytes as u64;
        self.window.add(now);
    }

    pub fn taken(&mut self, bytes: usize, age: u64, local: bool, now: u64) {
        self.stats.taken += 1;
        self.stats.taken_bytes += bytes as u64;
        let bucket = LATENCY_NANOSECONDS.partition_point(|end| *end < age);
        self.stats.latency[bucket] += 1;
        // What was sent here was counted then.
        if !local {
            self.window.add(now);
        }
    }

    /// What was counted stays; of the time of the last messages nothing is known any more.
    pub fn begin_anew(&mut self) {
        self.window = Window::default();
    }

    pub fn read(&self, now: u64) -> FlowStats {
        FlowStats { recent: self.window.sum(now), ..self.stats }
    }
}

/// Counts of the last seconds, one a second.
#[derive(Clone, Debug, Default)]
struct Window {
    counts: [u64; RATE_SECONDS],
    second: u64,
}

impl Window {
    fn add(&mut self, now: u64) {
        let second = now / 1_000_000_000;
        if second > self.second {
            let passed = (second - self.second).min(RATE_SECONDS as u64);
            (0..passed).for_each(|back| self.counts[slot(second - back)] = 0);
            self.second = second;
        }
        self.counts[slot(self.second)] += 1;
    }

    fn sum(&self, now: u64) -> u64 {
        let passed = (now / 1_000_000_000).saturating_sub(self.second);
        let live = (RATE_SECONDS as u64).saturating_sub(passed).min(self.second + 1);
        (0..live).map(|back| self.counts[slot(self.second - back)]).sum()
    }
}

fn slot(second: u64) -> usize {
    (second % RATE_SECONDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_rate_forgets() {
        let mut counter = Counter::default();
        counter.sent(1, 0);
        counter.sent(1, 5 * SECOND);
        assert_eq!(counter.read(5 * SECOND).recent, 2);
        assert_eq!(counter.read(10 * SECOND).recent, 1);
        counter.sent(1, 12 * SECOND);
        assert_eq!(counter.read(12 * SECOND).recent, 2);
        assert_eq!(counter.read(1 << 60).recent, 0);
        counter.sent(1, 1 << 60);
        assert_eq!((counter.read(1 << 60).recent, counter.read(1 << 60).sent), (1, 4));
    }

    #[test]
    fn latencies_have_buckets() {
        let mut counter = Counter::default();
        for age in [0, 1_000, 1_001, 4_000, u64::MAX] {
            counter.taken(7, age, true, 0);
        }
        let stats = counter.read(0);
        assert_eq!((stats.latency[0], stats.latency[1], stats.latency[12]), (2, 2, 1));
        assert_eq!((stats.taken, stats.taken_bytes, stats.recent), (5, 35, 0));
    }
}
