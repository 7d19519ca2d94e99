//! Calls: values in and out, host functions, nesting, parking.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]
#![allow(clippy::float_cmp, reason = "values pass through unchanged, and the sums are exact")]

mod common;

use std::cell::Cell;
use std::ptr;
use std::sync::{Arc, Mutex};

use common::{Guest, function, int, mappings, mix, mix_registers, mix_typed, mixed, returned, typed};
use space_host::machine::{
    Activation, Arguments, Imports, NotSuspendable, NotSuspended, Outcome, Registers, Results, Worker,
};

fn float(value: f64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&value.to_bits().to_le_bytes());
    bytes
}

fn low(bytes: [u8; 16]) -> f64 {
    f64::from_bits(u64::from_le_bytes(*bytes.first_chunk().unwrap()))
}

fn arguments() -> Arguments {
    Arguments {
        ints: [1, 20, 300, 4_000, 50_000, 600_000],
        floats: [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.25].map(float),
    }
}

#[test]
fn values_go_in_and_come_back() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(Imports::new());
    for value in [0, 1, u64::MAX, 1 << 63] {
        assert_eq!(returned(guest.call(&activation, "add", &[value, 7])), value.wrapping_add(7));
    }
    let Outcome::Returned(results) = guest.call_floats(&activation, "floats", &arguments()) else {
        panic!("did not return");
    };
    assert_eq!(results.ints, [50_301, 604_020]);
    assert_eq!(results.floats.map(low), [0.5 + 2.5 + 4.5 + 6.5, 1.5 + 3.5 + 5.5 + 7.25]);
}

#[test]
fn both_kinds_of_host_function_serve_a_guest() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    for imports in [typed(mix_typed as *const ()), function(mix_registers)] {
        let activation = guest.activation(imports);
        assert_eq!(returned(guest.call(&activation, "ping", &[1000])), mixed(1000));
    }
}

/// What the typed function of the next test saw.
static SEEN: Mutex<Option<([u64; 6], [f64; 8])>> = Mutex::new(None);

extern "sysv64" fn all_registers(
    i0: u64,
    i1: u64,
    i2: u64,
    i3: u64,
    i4: u64,
    i5: u64,
    f0: f64,
    f1: f64,
    f2: f64,
    f3: f64,
    f4: f64,
    f5: f64,
    f6: f64,
    f7: f64,
) -> u64 {
    *SEEN.lock().unwrap() = Some(([i0, i1, i2, i3, i4, i5], [f0, f1, f2, f3, f4, f5, f6, f7]));
    Activation::with_current(Activation::import_data).unwrap() as u64
}

#[test]
fn all_fourteen_arguments_reach_host_functions() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let results = Results { ints: [11, 22], floats: [float(0.125), float(8.5)] };
    let activation = guest.activation(function(move |_, registers: &mut Registers| {
        let sent = arguments();
        assert_eq!(registers.ints, sent.ints);
        assert_eq!(registers.floats.map(low), sent.floats.map(low));
        assert_eq!(registers.results, Results::default());
        registers.results = results;
    }));
    let Outcome::Returned(back) = guest.call_floats(&activation, "wide", &arguments()) else {
        panic!("did not return");
    };
    assert_eq!((back.ints, back.floats.map(low)), (results.ints, [0.125, 8.5]));

    let mut imports = Imports::new();
    // SAFETY: `wide` passes six integers and eight floats; the data is a number, never followed.
    unsafe { imports.push_typed(all_registers as *const (), ptr::without_provenance_mut(0x55)) };
    let activation = guest.activation(imports);
    let Outcome::Returned(back) = guest.call_floats(&activation, "wide", &arguments()) else {
        panic!("did not return");
    };
    assert_eq!(back.ints[0], 0x55);
    let (ints, floats) = SEEN.lock().unwrap().unwrap();
    assert_eq!((ints, floats), (arguments().ints, arguments().floats.map(low)));
}

#[test]
fn a_host_function_calls_its_own_instance() {
    let (_worker, guest) = (Worker::new().unwrap(), Arc::new(Guest::new()));
    let inner = Arc::clone(&guest);
    let activation = guest.activation(function(move |activation, registers| {
        let [step, sum, ..] = registers.ints;
        let result = if step > 0 && step < 5 {
            // A nested level that calls the host again, and one that faults.
            assert!(matches!(inner.call(activation, "divide", &[1, 0]), Outcome::Trapped(_)));
            assert!(matches!(inner.call(activation, "recurse", &[1]), Outcome::Trapped(trap) if trap.is_stack_overflow));
            returned(inner.call(activation, "ping", &[1]))
        } else {
            mix(step, sum)
        };
        registers.results = int(result);
    }));
    let expected = (0..20).fold(0u64, |sum, step| {
        sum.wrapping_add(if (1..5).contains(&step) { mixed(1) } else { mix(step, sum) })
    });
    assert_eq!(returned(guest.call(&activation, "ping", &[20])), expected);
    assert!(Activation::with_current(|_| ()).is_none());
}

#[test]
fn nesting_ends_at_the_stack_guard() {
    let (_worker, guest) = (Worker::new().unwrap(), Arc::new(Guest::new()));
    let inner = Arc::clone(&guest);
    let depth = Arc::new(Mutex::new(0));
    let reached = Arc::clone(&depth);
    let activation = guest.activation(function(move |activation, registers| {
        *reached.lock().unwrap() += 1;
        match inner.call(activation, "deep", &[50]) {
            Outcome::Returned(results) => registers.results = results,
            Outcome::Trapped(trap) => {
                assert!(trap.is_stack_overflow);
                registers.results = int(1_000_000);
            }
            other => panic!("{other:?}"),
        }
    }));
    let levels = returned(guest.call(&activation, "deep", &[50]));
    let depth = *depth.lock().unwrap();
    assert!(depth > 3, "{depth} levels");
    assert_eq!(levels, 1_000_000 + depth * (1..=50).sum::<u64>());
}

#[test]
fn instances_call_each_other() {
    let (_worker, guest) = (Worker::new().unwrap(), Arc::new(Guest::new()));
    thread_local! {
        /// The second calls back into the first, whose guest waits.
        static FIRST: Cell<*const Activation> = const { Cell::new(ptr::null()) };
    }
    let inner = Arc::clone(&guest);
    let second = Mutex::new(guest.activation(function(move |_, registers| {
        // SAFETY: the first stands until the end of this test.
        let first = unsafe { &*FIRST.get() };
        registers.results = int(returned(inner.call(first, "add", &registers.ints[..2])));
    })));
    let inner = Arc::clone(&guest);
    let first = guest.activation(function(move |_, registers| {
        let second = second.lock().unwrap();
        assert!(matches!(inner.call(&second, "load", &[u64::from(u32::MAX)]), Outcome::Trapped(_)));
        registers.results = int(returned(inner.call(&second, "ping", &registers.ints[..1])));
    }));
    FIRST.set(&raw const first);
    let add = |steps: u64| (0..steps).fold(0u64, |sum, step| sum + step + sum);
    let step = |sum: u64, steps: u64| sum + if steps == 0 { 0 } else { add(steps) };
    let expected = (0..6).fold(0, |sum, steps| step(sum, steps.max(1)));
    assert_eq!(returned(guest.call(&first, "ping", &[6])), expected);
}

#[test]
fn a_host_function_ends_its_guest() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(function(|activation, registers| {
        if registers.ints[0] == 3 {
            activation.trap(42);
        }
        registers.results = int(mix(registers.ints[0], registers.ints[1]));
    }));
    for _ in 0..1000 {
        assert_eq!(guest.call(&activation, "ping", &[10]), Outcome::HostTrap(42));
    }
    assert_eq!(returned(guest.call(&activation, "ping", &[3])), mixed(3));
}

#[test]
fn a_parked_guest_goes_on_anywhere() {
    let guest = Arc::new(Guest::new());
    let activation = guest.activation(function(|activation, registers| {
        activation.park().unwrap();
        registers.results = int(mix(registers.ints[0], registers.ints[1]));
    }));
    let worker = Worker::new().unwrap();
    let mut outcome = guest.call(&activation, "ping", &[8]);
    drop(worker);
    let mut activation = activation;
    for _ in 0..7 {
        assert_eq!(outcome, Outcome::Parked);
        let run = move || {
            let _worker = Worker::new().unwrap();
            let outcome = activation.resume().unwrap();
            (activation, outcome)
        };
        (activation, outcome) = std::thread::spawn(run).join().unwrap();
    }
    let _worker = Worker::new().unwrap();
    assert_eq!(outcome, Outcome::Parked);
    assert_eq!(returned(activation.resume().unwrap()), mixed(8));
    assert_eq!(activation.resume(), Err(NotSuspended));
}

#[test]
fn a_parked_guest_gets_results_later() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(function(|activation, _| activation.park().unwrap()));
    assert_eq!(guest.call_floats(&activation, "wide", &arguments()), Outcome::Parked);
    let results = Results { ints: [5, 6], floats: [float(7.5), float(8.5)] };
    assert_eq!(activation.resume_with(results), Ok(Outcome::Returned(results)));
    assert_eq!(activation.resume_with(results), Err(NotSuspended));
}

#[test]
fn calls_beside_a_suspended_guest_leave_it_alone() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(function(|activation, registers| {
        if activation.is_suspended() {
            assert_eq!(activation.park(), Err(NotSuspendable));
        } else {
            activation.park().unwrap();
        }
        registers.results = int(mix(registers.ints[0], registers.ints[1]));
    }));
    assert_eq!(activation.park(), Err(NotSuspendable));
    let mut outcome = guest.call(&activation, "ping", &[5]);
    while outcome == Outcome::Parked {
        assert_eq!(returned(guest.call(&activation, "ping", &[9])), mixed(9));
        assert!(matches!(guest.call(&activation, "recurse", &[9]), Outcome::Trapped(_)));
        outcome = activation.resume().unwrap();
    }
    assert_eq!(returned(outcome), mixed(5));
    assert_eq!(guest.call(&activation, "ping", &[5]), Outcome::Parked);
    assert_eq!(activation.abandon(), Ok(()));
    assert_eq!(activation.abandon(), Err(NotSuspended));
}

#[test]
fn too_few_host_functions_are_refused() {
    let guest = Guest::new();
    let slab = space_host::machine::Slab::new(&guest.program).unwrap();
    let refused = Activation::new(slab, Arc::new(typed(mix_typed as *const ())), Box::new(()));
    assert!(refused.is_err());
}

#[test]
fn nothing_stays_mapped() {
    let worker = Worker::new().unwrap();
    let guest = Guest::new();
    let before = mappings();
    for _ in 0..100 {
        let activation = guest.activation(typed(mix_typed as *const ()));
        assert_eq!(returned(guest.call(&activation, "ping", &[3])), mixed(3));
    }
    assert_eq!(mappings(), before);
    drop((worker, guest));
    let before = mappings();
    drop((Worker::new().unwrap(), Guest::new()));
    assert_eq!(mappings(), before);
}

#[test]
#[should_panic(expected = "holds a worker")]
fn a_thread_without_a_worker_does_not_enter() {
    let guest = Guest::new();
    let _ = guest.call(&guest.activation(Imports::new()), "add", &[]);
}
