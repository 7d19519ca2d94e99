//! The proof of the tick: one at every instruction of entry, gate, host function, resume and return.
//!
//! The thread runs in single steps. At one of them the handler of the step raises a tick, which it itself masks: the
//! kernel delivers it when the handler returns, before the next instruction.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]

mod common;

use std::arch::asm;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use common::{Guest, function, int, mix, mix_registers, mix_typed, mixed, returned, typed};
use space_host::machine::{Activation, Imports, Outcome, Worker, tick_signal};

const PINGS: u64 = 2;

/// How far from guest or thunk a step is still near: the gate is no longer, and most of what is beyond is the test.
const NEAR: usize = 60;
const STEPS_MAX: usize = 1 << 16;

/// Steps so far.
static STEPS: AtomicUsize = AtomicUsize::new(0);
/// The step at which to raise a tick; none is 0.
static AT: AtomicUsize = AtomicUsize::new(0);
/// Where each step was.
static TRACE: [AtomicU64; STEPS_MAX] = [const { AtomicU64::new(0) }; STEPS_MAX];

extern "C" fn step(_: i32, _: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    let number = STEPS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the kernel's context of this signal.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    if let Some(place) = TRACE.get(number) {
        place.store(registers[libc::REG_RIP as usize] as u64, Ordering::Relaxed);
    }
    if number + 1 == AT.load(Ordering::Relaxed) {
        // SAFETY: a signal to this thread, which is masked here.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), tick_signal()) };
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

/// Runs in single steps until the one numbered `at`.
fn stepping(at: usize, run: impl FnOnce() -> Outcome) -> Outcome {
    STEPS.store(0, Ordering::Relaxed);
    AT.store(at, Ordering::Relaxed);
    // SAFETY: sets the trap flag of this thread.
    unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
    let outcome = run();
    stop();
    outcome
}

/// Ends stepping. A guest that was suspended in a step brings it back.
fn stop() {
    // SAFETY: clears the trap flag of this thread.
    unsafe { asm!("pushfq", "and qword ptr [rsp], -257", "popfq") };
}

/// Where thunks and guest code lie, which are mapped from a memory file.
fn images() -> Vec<Range<u64>> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let images = maps.lines().filter(|line| line.contains("r-xp") && line.contains("space-image"));
    let range = |line: &str| {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        u64::from_str_radix(start, 16).unwrap()..u64::from_str_radix(end, 16).unwrap()
    };
    images.map(range).collect()
}

/// The steps of `run` that are near one of `images`.
fn near(images: &[Range<u64>], run: impl FnOnce() -> Outcome) -> (Outcome, Vec<usize>) {
    let outcome = stepping(0, run);
    let steps = STEPS.load(Ordering::Relaxed);
    assert!(steps < STEPS_MAX);
    let is_guest = |at: &usize| {
        let place = TRACE[*at].load(Ordering::Relaxed);
        images.iter().any(|image| image.contains(&place))
    };
    let mut near = vec![false; steps];
    for at in (0..steps).filter(is_guest) {
        near[at.saturating_sub(NEAR)..(at + NEAR).min(steps)].fill(true);
    }
    (outcome, (0..steps).filter(|at| near[*at]).map(|at| at + 1).collect())
}

/// Goes on until the guest returns.
fn finish(activation: &Activation, mut outcome: Outcome) {
    AT.store(0, Ordering::Relaxed);
    while matches!(outcome, Outcome::Preempted | Outcome::Parked) {
        outcome = activation.resume().unwrap();
    }
    stop();
    assert_eq!(returned(outcome), mixed(PINGS));
}

/// A tick at each step; where that suspends the guest, a second one at every `stride`th step of going on, each time
/// beginning elsewhere.
fn proves(imports: Imports, stride: usize) {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    install();
    let activation = guest.activation(imports);
    activation.set_preemptible(true);
    let images = images();
    let call = || guest.call(&activation, "ping", &[PINGS]);
    // A tick after the last guest waits for the next one, whose steps it would shift.
    let settle = || assert_eq!(returned(guest.call(&activation, "add", &[1, 2])), 3);
    let (outcome, steps) = near(&images, call);
    finish(&activation, outcome);
    let (mut ticks, mut preemptions) = (0, 0);
    for at in steps {
        settle();
        let mut outcome = stepping(at, call);
        ticks += 1;
        if outcome == Outcome::Preempted {
            preemptions += 1;
            let again;
            (outcome, again) = near(&images, || activation.resume().unwrap());
            for second in again.into_iter().filter(|second| (second + at).is_multiple_of(stride)) {
                finish(&activation, outcome);
                settle();
                assert_eq!(stepping(at, call), Outcome::Preempted);
                outcome = stepping(second, || activation.resume().unwrap());
                ticks += 1;
                preemptions += u64::from(outcome == Outcome::Preempted);
            }
        }
        finish(&activation, outcome);
    }
    println!("{ticks} ticks, {preemptions} preemptions");
    assert!(preemptions > 10);
}

#[test]
fn a_tick_anywhere_with_a_typed_host_function() {
    proves(typed(mix_typed as *const ()), 97);
}

#[test]
fn a_tick_anywhere_with_a_host_function_from_memory() {
    proves(function(mix_registers), 307);
}

#[test]
fn a_tick_anywhere_with_a_host_function_that_parks() {
    let imports = function(|activation, registers| {
        activation.park().unwrap();
        registers.results = int(mix(registers.ints[0], registers.ints[1]));
    });
    proves(imports, 7);
}

/// Both at every step: takes minutes.
#[test]
#[ignore = "slow"]
fn two_ticks_anywhere() {
    proves(typed(mix_typed as *const ()), 1);
}
