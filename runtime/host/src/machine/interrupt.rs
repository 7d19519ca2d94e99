//! Ending a guest from outside: kill, deadlines.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::record::Level;
use super::signal::tick_signal;

/// Why a guest was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// [`Interrupter::kill`], with its reason.
    Killed(u32),
    /// The time set by [`Activation::set_deadline`](super::Activation::set_deadline) is past.
    Deadline,
    /// The time set by [`Activation::set_cpu_budget`](super::Activation::set_cpu_budget) is used up.
    CpuBudget,
}

/// Set in [`Control::kill`] beside the reason, so that reason 0 is one.
const KILLED: u64 = 1 << 32;

/// What an activation shares with its interrupters.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// `KILLED | reason`, or 0.
    kill: AtomicU64,
    /// The kernel's number of the thread that entered last. Never cleared: a poke too many is only a look too many,
    /// and so an entry on the same thread needs no fence.
    thread: AtomicU64,
}

impl Control {
    /// Says which thread to poke, before it reads the kill word.
    #[inline]
    pub(super) fn set_thread(&self, thread: u64) {
        if self.thread.load(Ordering::Relaxed) != thread {
            self.thread.store(thread, Ordering::SeqCst);
        }
    }

    /// The reason of a kill.
    #[inline]
    pub(super) fn killed(&self) -> Option<Interruption> {
        let word = self.kill.load(Ordering::SeqCst);
        if word == 0 { None } else { Some(Interruption::Killed(word as u32)) }
    }
}

/// Ends an activation from any thread.
#[derive(Clone, Debug)]
pub struct Interrupter(Arc<Control>);

impl Interrupter {
    /// Ends the activation's guest, now and whenever it is entered, until
    /// [`Activation::reset`](super::Activation::reset). The first reason stays.
    pub fn kill(&self, reason: u32) {
        let _ =
            self.0.kill.compare_exchange(0, KILLED | u64::from(reason), Ordering::SeqCst, Ordering::SeqCst);
        let thread = self.0.thread.load(Ordering::SeqCst);
        if thread != 0 {
            // SAFETY: a signal to a thread of this process, whose handler is installed since that thread became a
            // worker. If the thread has ended, nothing happens, or its successor looks once too often.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread as i32, tick_signal()) };
        }
    }
}

/// When an activation ends.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Shared with the interrupters.
    control: Arc<Control>,
    /// On the monotonic clock, in nanoseconds; 0 for never.
    deadline: Cell<u64>,
    /// Nanoseconds of processor time left; 0 for no limit.
    cpu_left: Cell<u64>,
    /// On this thread's processor clock, in nanoseconds, while entered; 0 for never.
    cpu_deadline: Cell<u64>,
}

impl Limits {
    /// A handle for other threads.
    pub(super) fn interrupter(&self) -> Interrupter {
        Interrupter(Arc::clone(&self.control))
    }

    /// What is shared.
    #[inline]
    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// Ends at a time from now.
    pub(super) fn set_deadline(&self, after: Option<Duration>) {
        self.deadline
            .set(after.map_or(0, |after| now(libc::CLOCK_MONOTONIC).saturating_add(nanoseconds(after))));
    }

    /// Ends after processor time.
    pub(super) fn set_cpu_budget(&self, budget: Option<Duration>, is_entered: bool) {
        self.cpu_left.set(budget.map_or(0, nanoseconds));
        self.cpu_deadline.set(0);
        if is_entered {
            self.start_clock();
        }
    }

    /// At entry: translates what is left to this thread's clock.
    #[inline]
    pub(super) fn start_clock(&self) {
        if self.cpu_left.get() != 0 {
            self.cpu_deadline.set(now(libc::CLOCK_THREAD_CPUTIME_ID).saturating_add(self.cpu_left.get()));
        }
    }

    /// After the outermost level: keeps what is left. Something is always left, so that "none" is not "no limit".
    #[inline]
    pub(super) fn stop_clock(&self) {
        if self.cpu_deadline.get() != 0 {
            let left = self.cpu_deadline.get().saturating_sub(now(libc::CLOCK_THREAD_CPUTIME_ID));
            self.cpu_left.set(left.max(1));
            self.cpu_deadline.set(0);
        }
    }

    fn due(&self) -> Option<Interruption> {
        let is_past = |deadline: u64, clock| deadline != 0 && now(clock) >= deadline;
        if let Some(killed) = self.control.killed() {
            Some(killed)
        } else if is_past(self.deadline.get(), libc::CLOCK_MONOTONIC) {
            Some(Interruption::Deadline)
        } else if is_past(self.cpu_deadline.get(), libc::CLOCK_THREAD_CPUTIME_ID) {
            Some(Interruption::CpuBudget)
        } else {
            None
        }
    }
}

/// What a tick looks for: why the innermost of `level` and its outer ones should end. Safe in a signal handler.
pub(super) fn due(level: &Level) -> Option<Interruption> {
    let mut level: *const Level = level;
    // SAFETY: levels lie on this thread's stack, in frames that wait for the inner ones; so do their activations.
    while let Some(Level { activation, outer, .. }) = unsafe { level.as_ref() } {
        // SAFETY: as above.
        let activation = unsafe { &**activation };
        if let Some(interruption) = activation.record.limits.due() {
            return Some(interruption);
        }
        level = *outer;
    }
    None
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Nanoseconds on a clock.
pub(super) fn now(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `time`, and is safe in a signal handler. Both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
