//! Signals: faults of guests become traps, ticks interrupt them.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, siginfo_t};

use super::activation::Activation;
use super::context::Context;
use super::gate;
use super::interrupt::due;
use super::mapping::MapError;
use super::record::{Level, Record, Trap, event};
use super::sample;

/// Signals that a fault raises.
const FAULTS: [i32; 4] = [SIGSEGV, SIGBUS, SIGILL, SIGFPE];
/// Which real-time signal is the tick, after those that C libraries and profilers like to take.
const TICK_AFTER_FIRST: i32 = 5;

/// The signal by which a worker is made to look for kills and deadlines. It is this library's alone.
pub fn tick_signal() -> i32 {
    libc::SIGRTMIN() + TICK_AFTER_FIRST
}

/// What handled the faults before, in the order of [`FAULTS`].
struct Previous([libc::sigaction; FAULTS.len()]);

static PREVIOUS: OnceLock<Previous> = OnceLock::new();
static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();

/// Installs the handler, once for the process.
pub(super) fn install() -> Result<(), MapError> {
    let installed = INSTALLED.get_or_init(|| {
        // SAFETY: all zero is a valid `sigaction`.
        let mut previous = [unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() }; FAULTS.len()];
        for (signal, action) in FAULTS.iter().zip(&mut previous) {
            // SAFETY: reads the action into `action`.
            unsafe { libc::sigaction(*signal, ptr::null(), action) };
        }
        PREVIOUS.get_or_init(|| Previous(previous));
        let mut action = previous[0];
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        // SAFETY: fills the mask of `action`; a trap comes before a tick.
        unsafe {
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaddset(&raw mut action.sa_mask, tick_signal());
        }
        for signal in FAULTS.into_iter().chain([tick_signal()]) {
            // SAFETY: the handler is async-signal-safe, and passes on what it does not know.
            if unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } != 0 {
                return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or_default());
            }
        }
        Ok(())
    });
    installed.map_err(|code| MapError::io("install signal handlers")(std::io::Error::from_raw_os_error(code)))
}

/// Everything here is async-signal-safe: no allocation, no lock, no panic.
extern "C" fn handle(signal: i32, info: *mut siginfo_t, context: *mut Context) {
    // SAFETY: the kernel gave both for this signal, on the stack that the handler runs on.
    let (details, guest) = unsafe { (&*info, &mut *context) };
    let activation = ptr::with_exposed_provenance::<Activation>(gate::activation() as usize);
    // SAFETY: the word is null or the activation that this thread is in, borrowed by the frame that entered.
    let record = unsafe { activation.as_ref() }.map(|activation| &activation.record);
    if signal == tick_signal() {
        tick(record, guest);
        return;
    }
    // A positive code is the processor's; the others come from processes.
    let is_fault = details.si_code > 0;
    // SAFETY: faults have an address.
    let address = unsafe { details.si_addr() } as u64;
    match record {
        Some(record) if is_fault && trap(record, signal, address, guest) => {}
        _ => pass_on(signal, info, context),
    }
}

/// Ends the guest if the fault is its own.
fn trap(record: &Record, signal: i32, address: u64, guest: &mut Context) -> bool {
    let instruction = guest.instruction();
    let is_text = record.text.contains(&instruction);
    let is_stack_overflow = signal == SIGSEGV && record.guard.contains(&address);
    // The gate pushes on the guest's stack.
    let is_push = is_stack_overflow && gate::contains(instruction);
    if !is_text && !is_push {
        return false;
    }
    let offset = is_text.then(|| instruction - record.text.start);
    record.trap.set(Some(Trap { signal, offset, address, is_stack_overflow }));
    leave(record, event::TRAPPED, guest);
    true
}

/// A tick means: look.
fn tick(record: Option<&Record>, guest: &mut Context) {
    if let Some(record) = record {
        sample::take(record, guest);
    }
    let instruction = guest.instruction();
    match record {
        Some(record) if record.text.contains(&instruction) => tick_in_guest(record, guest),
        _ => {
            gate::set_pending(1);
            if let Some(tail) = gate::tail(instruction) {
                guest.redirect(tail.check, gate::stack());
            }
        }
    }
}

fn tick_in_guest(record: &Record, guest: &mut Context) {
    // SAFETY: while its text runs, an activation has a level, on this thread's stack.
    let level: &Level = unsafe { &*record.level.get() };
    level.ticked.set(true);
    if let Some(interruption) = due(level) {
        record.interruption.set(Some(interruption));
        leave(record, event::INTERRUPTED, guest);
    } else if record.is_preemptible.get() && record.is_suspendable.get() {
        // SAFETY: the context is this signal's, met in guest text; the frame is the activation's, and free: nothing
        // is suspended while the innermost level is suspendable.
        if unsafe { guest.save(record.frame.get(), record.frame_lines.get()) } {
            record.stack.set(guest.stack());
            leave(record, event::PREEMPTED, guest);
        }
    }
}

fn leave(record: &Record, event: u32, guest: &mut Context) {
    record.event.set(event);
    // SAFETY: both callers met the thread in guest text or in the gate.
    unsafe { guest.leave_guest() };
}

/// A fault of the host: what would have happened without this handler.
fn pass_on(signal: i32, info: *mut siginfo_t, context: *mut Context) {
    let position = FAULTS.iter().position(|fault| *fault == signal);
    let previous = position.zip(PREVIOUS.get()).and_then(|(position, previous)| previous.0.get(position));
    let handler = previous.map_or(libc::SIG_DFL, |previous| previous.sa_sigaction);
    match previous {
        Some(previous) if handler != libc::SIG_DFL && handler != libc::SIG_IGN => {
            if previous.sa_flags & libc::SA_SIGINFO != 0 {
                // SAFETY: that is the signature of a handler with SA_SIGINFO.
                let handler: extern "C" fn(i32, *mut siginfo_t, *mut Context) =
                    unsafe { std::mem::transmute(handler) };
                handler(signal, info, context);
            } else {
                // SAFETY: that is the signature of a handler without SA_SIGINFO.
                let handler: extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
                handler(signal);
            }
        }
        _ => {
            // SAFETY: both calls are async-signal-safe. The signal, blocked here, ends the process on return.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
            }
        }
    }
}
