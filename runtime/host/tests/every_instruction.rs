//! The proof of the tick: one at every instruction of entry, gate, host function, resume and return.
//!
//! The thread runs in single steps. At one of them the handler of the step raises a tick, which it itself masks: the
//! kernel delivers it when the handler returns, before the next instruction.

mod common;

use std::arch::asm;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{Guest, function, int, mix, mix_registers, mix_typed, mixed, typed};
use space_host::machine::{Activation, Imports, Outcome, Worker, tick_signal};

const PINGS: u64 = 2;
const TRAP_FLAG: i64 = 1 << 8;

/// Steps so far.
static STEPS: AtomicU64 = AtomicU64::new(0);
/// The step at which to raise a tick.
static AT: AtomicU64 = AtomicU64::new(0);

extern "C" fn step(_: i32, _: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    if STEPS.fetch_add(1, Ordering::Relaxed) + 1 == AT.load(Ordering::Relaxed) {
        // SAFETY: the kernel's context of this signal; the tick is masked here.
        unsafe {
            (*context).uc_mcontext.gregs[libc::REG_EFL as usize] &= !TRAP_FLAG;
            libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), tick_signal());
        }
    }
}

fn install() {
    // SAFETY: all zero is a valid action; the handler only counts and raises a signal.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = step as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaddset(&raw mut action.sa_mask, tick_signal());
        assert_eq!(libc::sigaction(libc::SIGTRAP, &raw const action, std::ptr::null_mut()), 0);
    }
}

/// Runs in single steps until the one numbered `at`; says whether it came so far.
fn stepping(at: u64, run: impl FnOnce() -> Outcome) -> (Outcome, bool) {
    STEPS.store(0, Ordering::Relaxed);
    AT.store(at, Ordering::Relaxed);
    // SAFETY: sets the trap flag of this thread.
    unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
    let outcome = run();
    // SAFETY: clears it.
    unsafe { asm!("pushfq", "and qword ptr [rsp], -257", "popfq") };
    (outcome, STEPS.load(Ordering::Relaxed) >= at)
}

/// A tick at each step of the first entry; where that suspended the guest, a second at each of the first steps of
/// going on. Returns ticks and preemptions.
fn prove(guest: &Guest, activation: &Activation, second: u64) -> (u64, u64) {
    let (mut ticks, mut preemptions) = (0, 0);
    for at in 1.. {
        let mut reached = false;
        for again in 1.. {
            let (mut outcome, came) = stepping(at, || guest.call(activation, "ping", &[PINGS]));
            reached = came;
            ticks += u64::from(came);
            let is_preempted = outcome == Outcome::Preempted;
            preemptions += u64::from(is_preempted);
            let mut more = false;
            if is_preempted {
                let came;
                (outcome, came) = stepping(again, || activation.resume().unwrap());
                ticks += u64::from(came);
                preemptions += u64::from(outcome == Outcome::Preempted);
                more = came && again < second;
            }
            while matches!(outcome, Outcome::Preempted | Outcome::Parked) {
                outcome = activation.resume().unwrap();
            }
            assert_eq!(common::returned(outcome), mixed(PINGS), "ticks at {at} and {again}");
            if !more {
                break;
            }
        }
        if !reached {
            break;
        }
    }
    (ticks, preemptions)
}

fn proves(imports: Imports, second: u64) {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    install();
    let activation = guest.activation(imports);
    activation.set_preemptible(true);
    let (ticks, preemptions) = prove(&guest, &activation, second);
    println!("{ticks} ticks, {preemptions} preemptions");
    assert!(preemptions > 40);
}

#[test]
fn a_tick_anywhere_with_a_typed_host_function() {
    proves(typed(mix_typed as *const ()), 400);
}

#[test]
fn a_tick_anywhere_with_a_host_function_from_memory() {
    proves(function(mix_registers), 1);
}

#[test]
fn a_tick_anywhere_with_a_host_function_that_parks() {
    let imports = function(|activation, registers| {
        activation.park().unwrap();
        registers.results = int(mix(registers.ints[0], registers.ints[1]));
    });
    proves(imports, 1);
}
