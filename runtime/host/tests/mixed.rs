//! Calls of every kind, out of guests and into them, under a tick of 20 kHz: nothing is lost.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Guest, WASM_PAGE, function, int, live, mix, mix_typed, mixed, returned, typed};
use space_host::machine::{Activation, Arguments, Outcome, Worker};

const TICK: Duration = Duration::from_micros(50);
/// Calls of the host in one call of the guest.
const STEPS: u64 = 6_000;
/// Steps after which memory grows.
const GROWS: u64 = 200;
const ROUNDS: u64 = 5;
/// Kinds of what a step does.
const KINDS: u64 = 9;
/// What a step that ended early counts for.
const ENDED: u64 = 1_000;

/// What the host answers at a step.
fn expected(step: u64, sum: u64) -> u64 {
    match step % KINDS {
        0 => mix(step, sum),
        1 => step.wrapping_add(sum),
        2 => mixed(20),
        3..6 => ENDED + step % KINDS,
        6 => pages(step) * WASM_PAGE,
        7 => live(200, step),
        _ => (0..=13).sum(),
    }
}

/// Pages of the outer guest's memory at a step.
fn pages(step: u64) -> u64 {
    1 + step / GROWS
}

/// Guests that the outer one's host function calls.
struct Inner {
    guest: Guest,
    /// Calls a function that takes registers.
    typed: Activation,
    /// Calls a closure, which ends it.
    ended: Activation,
}

impl Inner {
    fn new() -> Self {
        let guest = Guest::new();
        let typed = guest.activation(typed(mix_typed as *const ()));
        let ended = guest.activation(function(|activation, _| activation.trap(7)));
        Self { guest, typed, ended }
    }

    fn answer(&self, outer: &Guest, activation: &Activation, step: u64, sum: u64) -> u64 {
        let is_trap = |outcome| matches!(outcome, Outcome::Trapped(_));
        match step % KINDS {
            0 => mix(step, sum),
            // The guest that waits, below itself.
            1 => returned(outer.call(activation, "add", &[step, sum])),
            2 => returned(self.guest.call(&self.typed, "ping", &[20])),
            3 => ended(step, is_trap(self.guest.call(&self.typed, "divide", &[step, 0]))),
            4 => ended(step, is_trap(outer.call(activation, "load", &[0xffff_ffff]))),
            5 => ended(step, self.guest.call(&self.ended, "ping", &[1]) == Outcome::HostTrap(7)),
            6 => {
                activation.slab().grow_memory(pages(step) * WASM_PAGE).unwrap();
                returned(outer.call(activation, "memory_bytes", &[]))
            }
            7 => returned(self.guest.call(&self.typed, "live", &[200, step])),
            _ => self.floats(),
        }
    }

    fn floats(&self) -> u64 {
        let float = |value: u32| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&f64::from(value).to_le_bytes());
            bytes
        };
        let arguments =
            Arguments { ints: [0, 1, 2, 3, 4, 5], floats: std::array::from_fn(|at| float(at as u32 + 6)) };
        let Outcome::Returned(results) = self.guest.call_floats(&self.typed, "floats", &arguments) else {
            return 0;
        };
        let floats = results.floats.map(|bytes| f64::from_le_bytes(*bytes.first_chunk().unwrap()) as u64);
        results.ints.iter().chain(&floats).sum()
    }
}

fn ended(step: u64, is_so: bool) -> u64 {
    if is_so { ENDED + step % KINDS } else { 0 }
}

#[test]
fn mixed_calls_lose_nothing_at_20_khz() {
    let outer = Arc::new(Guest::with_memory(WASM_PAGE, (1 + STEPS / GROWS) * WASM_PAGE));
    let worker = Worker::new().unwrap();
    let wanted = (0..STEPS).fold(0u64, |sum, step| sum.wrapping_add(expected(step, sum)));
    worker.arm(TICK).unwrap();
    let (mut preemptions, mut parked) = (0, 0);
    for round in 0..ROUNDS {
        let (inner, called) = (Mutex::new(Inner::new()), Arc::clone(&outer));
        let activation = outer.activation(function(move |activation, registers| {
            let [step, sum, ..] = registers.ints;
            registers.results = int(inner.lock().unwrap().answer(&called, activation, step, sum));
            if step % 1_000 == 999 {
                activation.park().unwrap();
            }
        }));
        activation.set_preemptible(true);
        let mut outcome = outer.call(&activation, "ping", &[STEPS]);
        while let Outcome::Preempted | Outcome::Parked = outcome {
            preemptions += u64::from(outcome == Outcome::Preempted);
            parked += u64::from(outcome == Outcome::Parked);
            outcome = activation.resume().unwrap();
        }
        assert_eq!(returned(outcome), wanted, "round {round}");
    }
    worker.disarm().unwrap();
    println!("{preemptions} preemptions in {} calls", ROUNDS * STEPS);
    assert!(preemptions > 0);
    assert_eq!(parked, ROUNDS * STEPS / 1_000);
}
