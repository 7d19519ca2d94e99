//! Processor time.

use rustix::time::{ClockId, clock_gettime};

/// What this process has used, in nanoseconds.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// What a piece of work uses, and what it gives.
pub fn time<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let start = now();
    let given = work();
    (now() - start, given)
}
