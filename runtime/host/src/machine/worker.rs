//! Threads that run guests.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

use super::gate;
use super::mapping::{Access, MapError, Mapping};
use super::signal::{install, tick_signal};

/// Room on the signal stack beside the kernel's frame.
const HANDLER_BYTES: u64 = 64 << 10;
/// The kernel's frame where it does not say.
const FRAME_BYTES_MIN: u64 = 4096;

thread_local! {
    /// The signal stack of the worker that this thread was, still in use: it may become one again.
    static SPARE: Cell<Option<SignalStack>> = const { Cell::new(None) };
    /// The kernel's number of this thread, once it was asked for.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// The kernel's number of this thread.
fn number() -> u64 {
    if NUMBER.get() == 0 {
        // SAFETY: the call only asks.
        NUMBER.set(unsafe { libc::gettid() } as u64);
    }
    NUMBER.get()
}

/// The thread of a process that was forked has another number than the one that it is a copy of.
extern "C" fn forked() {
    NUMBER.set(0);
}

/// A signal stack, in use by this thread since it was first a worker.
#[derive(Debug)]
struct SignalStack(Mapping);

impl Drop for SignalStack {
    fn drop(&mut self) {
        let mut current = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        let none = current;
        // SAFETY: asks, then ends the use of a stack that is about to go.
        unsafe {
            libc::sigaltstack(ptr::null(), &raw mut current);
            if current.ss_sp.addr() as u64 == self.0.start() {
                libc::sigaltstack(&raw const none, ptr::null_mut());
            }
        }
    }
}

/// Why a thread did not become a worker, or has no tick.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It is one.
    #[error("this thread is a worker already")]
    Already,
    /// The kernel refused.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// Makes this thread able to enter guests, while it is held. The thread keeps its signal stack until it ends.
#[derive(Debug)]
pub struct Worker {
    stack: Option<SignalStack>,
    timer: Cell<Option<libc::timer_t>>,
    of_this_thread: PhantomData<*mut ()>,
}

impl Worker {
    /// Gives this thread a signal stack, and the process its handlers.
    pub fn new() -> Result<Self, WorkerError> {
        if gate::thread() != 0 {
            return Err(WorkerError::Already);
        }
        install()?;
        notice_forks()?;
        let bytes = frame_bytes() as u64 + HANDLER_BYTES;
        let stack = match SPARE.take() {
            Some(stack) => stack,
            None => signal_stack(bytes)?,
        };
        let start = ptr::with_exposed_provenance_mut(stack.0.start() as usize);
        let new = libc::stack_t { ss_sp: start, ss_flags: 0, ss_size: bytes as usize };
        // SAFETY: the stack is mapped until the thread no longer uses it, see `SignalStack`.
        if unsafe { libc::sigaltstack(&raw const new, ptr::null_mut()) } != 0 {
            return Err(MapError::last("set the signal stack").into());
        }
        gate::set_pending(0);
        gate::set_thread(number());
        let timer = Cell::new(None);
        Ok(Self { stack: Some(stack), timer, of_this_thread: PhantomData })
    }

    /// Ticks from now on. Without a tick no deadline is noticed and nothing preempted.
    pub fn arm(&self, period: Duration) -> Result<(), WorkerError> {
        self.set_timer(period.max(Duration::from_nanos(1)))
    }

    /// Ends ticking: an idle thread is not woken.
    pub fn disarm(&self) -> Result<(), WorkerError> {
        if self.timer.get().is_some() { self.set_timer(Duration::ZERO) } else { Ok(()) }
    }

    fn set_timer(&self, period: Duration) -> Result<(), WorkerError> {
        let timer = match self.timer.get() {
            Some(timer) => timer,
            None => new_timer()?,
        };
        self.timer.set(Some(timer));
        let period =
            libc::timespec { tv_sec: period.as_secs() as _, tv_nsec: period.subsec_nanos() as libc::c_long };
        let setting = libc::itimerspec { it_interval: period, it_value: period };
        // SAFETY: the timer is this worker's.
        if unsafe { libc::timer_settime(timer, 0, &raw const setting, ptr::null_mut()) } != 0 {
            return Err(MapError::last("set a timer").into());
        }
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        assert!(gate::activation() == 0, "a worker ends outside its guests");
        if let Some(timer) = self.timer.get() {
            // SAFETY: the timer is this worker's.
            unsafe { libc::timer_delete(timer) };
        }
        gate::set_thread(0);
        let stack = self.stack.take();
        // Where the thread's values are gone already, it is unmapped.
        let _ = SPARE.try_with(|spare| spare.set(stack));
    }
}

/// Once in a process.
fn notice_forks() -> Result<(), MapError> {
    static NOTICED: OnceLock<bool> = OnceLock::new();
    // SAFETY: the function may run in a process that was just forked: it writes one word of its thread.
    let noticed = NOTICED.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(forked)) } == 0);
    if *noticed { Ok(()) } else { Err(MapError::last("be told of a fork")) }
}

fn signal_stack(bytes: u64) -> Result<SignalStack, MapError> {
    let stack = Mapping::reserve(bytes)?;
    stack.protect(0, bytes, Access::ReadWrite)?;
    Ok(SignalStack(stack))
}

/// A timer that sends the tick to this thread. Timers of processor time fire at the kernel's own rate only.
fn new_timer() -> Result<libc::timer_t, MapError> {
    // SAFETY: all zero is a valid `sigevent`.
    let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = tick_signal();
    event.sigev_notify_thread_id = number() as libc::pid_t;
    let mut timer: libc::timer_t = ptr::null_mut();
    // SAFETY: both point to locals.
    if unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) } == 0 {
        Ok(timer)
    } else {
        Err(MapError::last("create a timer"))
    }
}

/// Bytes of the kernel's signal frame, whole pages: the processor's state decides.
pub(super) fn frame_bytes() -> usize {
    // SAFETY: reads what the kernel told the process at its start.
    let bytes = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) };
    bytes.max(FRAME_BYTES_MIN).next_multiple_of(FRAME_BYTES_MIN) as usize
}
