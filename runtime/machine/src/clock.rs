//! Time: the processor's counter, which components read themselves.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long the counter's rate is measured.
const MEASURED: Duration = Duration::from_millis(20);
/// The tick's period, that of the bare machine.
const PERIOD: Duration = Duration::from_millis(1);
/// What a process gets as a tick. One that is untraced ignores it: the number of a process that has just ended may
/// be another's.
const TICK: Signal = Signal::SIGURG;

static HZ: LazyLock<u64> = LazyLock::new(|| {
    let (counter, time) = (now(), Instant::now());
    thread::sleep(MEASURED);
    let (counter, time) = (now().wrapping_sub(counter), time.elapsed());
    (u128::from(counter) * 1_000_000_000 / time.as_nanos().max(1)) as u64
});

/// The time-stamp counter.
pub fn now() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and Linux lets programs use it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// How often it counts in a second.
pub fn hz() -> u64 {
    *HZ
}

/// How long it takes until the counter is there.
pub fn until(counter: u64) -> Duration {
    let ticks = counter.saturating_sub(now());
    Duration::from_nanos((u128::from(ticks) * 1_000_000_000 / u128::from(hz().max(1))) as u64)
}

/// Interrupts the process that runs, each [`PERIOD`]. Dropping it ends that.
#[derive(Debug)]
pub struct Ticker {
    running: Arc<Mutex<Option<Pid>>>,
}

impl Ticker {
    /// Starts ticking; nothing runs yet.
    pub fn start() -> Self {
        let running = Arc::new(Mutex::new(None));
        let watched = Arc::downgrade(&running);
        thread::spawn(move || {
            while let Some(running) = watched.upgrade() {
                if let Some(process) = *running.lock().unwrap_or_else(PoisonError::into_inner) {
                    // It runs no more, or is about to stop by itself.
                    let _ = kill(process, TICK);
                }
                drop(running);
                thread::sleep(PERIOD);
            }
        });
        Self { running }
    }

    /// Says which process runs from now on, if one does.
    pub fn set(&self, process: Option<Pid>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = process;
    }
}
