//! Ticks: kills, deadlines, preemption, migration.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]

mod common;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Guest, function, int, live, mappings, mix, mix_typed, mixed, resident, returned, typed};
use space_host::machine::{Activation, Imports, Interruption, Outcome, Pool, Worker};

const TICK: Duration = Duration::from_micros(50);

/// Calls `then` once another thread has seen the guest of `spin` run.
fn while_spinning(guest: &Guest, activation: &Activation, then: impl FnOnce() + Send) -> Outcome {
    let counter = activation.slab().base() + sci::layout::LINEAR_MEMORY + 64;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let counter = std::ptr::with_exposed_provenance::<AtomicU64>(counter as usize);
            // SAFETY: the guest counts there, and its memory stands until the scope ends.
            let counter = unsafe { &*counter };
            let before = counter.load(Ordering::Relaxed);
            while counter.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
            then();
        });
        guest.call(activation, "spin", &[])
    })
}

#[test]
fn another_thread_kills_an_endless_loop() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let mut activation = guest.activation(Imports::new());
    for round in 0..100 {
        let interrupter = activation.interrupter();
        let outcome = while_spinning(&guest, &activation, || interrupter.kill(round));
        assert_eq!(outcome, Outcome::Interrupted(Interruption::Killed(round)));
        // It stays dead until it is made anew, whatever else is said.
        interrupter.kill(1000);
        assert_eq!(guest.call(&activation, "add", &[]), outcome);
        activation.reset().unwrap();
        interrupter.kill(1000);
        assert_eq!(returned(guest.call(&activation, "add", &[1, 2])), 3);
    }
}

#[test]
fn a_kill_ends_whom_the_guest_called() {
    let (_worker, guest) = (Worker::new().unwrap(), Arc::new(Guest::new()));
    let (inner, second) = (Arc::clone(&guest), Mutex::new(guest.activation(Imports::new())));
    let seen = Arc::new(AtomicBool::new(false));
    let interrupted = Arc::clone(&seen);
    let first = guest.activation(function(move |activation, registers| {
        let interrupter = activation.interrupter();
        let second = second.lock().unwrap();
        let outcome = while_spinning(&inner, &second, || interrupter.kill(5));
        interrupted.store(outcome == Outcome::Interrupted(Interruption::Killed(5)), Ordering::Relaxed);
        // The second instance itself is not dead, but nothing runs below the first any more.
        registers.results = int(0);
    }));
    let outcome = guest.call(&first, "ping", &[1_000]);
    assert_eq!(outcome, Outcome::Interrupted(Interruption::Killed(5)));
    assert!(seen.load(Ordering::Relaxed));
}

#[test]
fn a_deadline_ends_a_guest() {
    let (worker, guest) = (Worker::new().unwrap(), Guest::new());
    let mut activation = guest.activation(Imports::new());
    worker.arm(TICK).unwrap();
    activation.set_deadline(Some(Duration::from_millis(3)));
    assert_eq!(guest.call(&activation, "spin", &[]), Outcome::Interrupted(Interruption::Deadline));
    activation.set_deadline(None);
    assert_eq!(returned(guest.call(&activation, "count", &[1_000_000])), 499_999_500_000);
    // One that host functions and guest share.
    activation.set_deadline(Some(Duration::from_millis(3)));
    activation.reset().unwrap();
    let activation = guest.activation(typed(mix_typed as *const ()));
    activation.set_deadline(Some(Duration::from_millis(3)));
    let outcome = guest.call(&activation, "ping", &[u64::MAX]);
    assert_eq!(outcome, Outcome::Interrupted(Interruption::Deadline));
    worker.disarm().unwrap();
}

#[test]
fn a_budget_of_processor_time_ends_a_guest() {
    let (worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(Imports::new());
    activation.set_cpu_budget(Some(Duration::from_millis(5)));
    let mut calls = 0;
    // It is shared by all calls, and what happens between them is free.
    let outcome = loop {
        // Under ticks as short as the timer's slack a sleep would never end: each restart adds the slack again.
        worker.disarm().unwrap();
        std::thread::sleep(Duration::from_millis(1));
        worker.arm(TICK).unwrap();
        match guest.call(&activation, "count", &[1_000_000]) {
            Outcome::Returned(_) => calls += 1,
            other => break other,
        }
    };
    assert_eq!(outcome, Outcome::Interrupted(Interruption::CpuBudget));
    assert!(calls < 1000);
    assert_eq!(guest.call(&activation, "spin", &[]), outcome);
    activation.set_cpu_budget(None);
    assert_eq!(returned(guest.call(&activation, "count", &[1_000_000])), 499_999_500_000);
}

#[test]
fn a_preempted_guest_keeps_its_registers() {
    const TURNS: u64 = 50_000;
    let (worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activations = [guest.activation(Imports::new()), guest.activation(Imports::new())];
    worker.arm(TICK).unwrap();
    let mut preemptions = 0;
    for round in 0..20 {
        // Both in turn, so that each finds the other's values in the registers.
        let mut outcomes = [0, 1].map(|at: usize| {
            activations[at].set_preemptible(true);
            guest.call(&activations[at], "live", &[TURNS, round * 10 + at as u64])
        });
        while outcomes.contains(&Outcome::Preempted) {
            for (activation, outcome) in activations.iter().zip(&mut outcomes) {
                if *outcome == Outcome::Preempted {
                    preemptions += 1;
                    *outcome = activation.resume().unwrap();
                }
            }
        }
        for (at, outcome) in (0..).zip(outcomes) {
            assert_eq!(returned(outcome), live(TURNS, round * 10 + at));
        }
    }
    assert!(preemptions > 0);
}

#[test]
fn a_guest_that_is_waited_for_is_not_preempted() {
    let (worker, guest) = (Worker::new().unwrap(), Arc::new(Guest::new()));
    let inner = Arc::clone(&guest);
    let activation = guest.activation(function(move |activation, registers| {
        registers.results = int(returned(inner.call(activation, "count", &[200_000])));
    }));
    activation.set_preemptible(true);
    worker.arm(TICK).unwrap();
    let mut outcome = guest.call(&activation, "ping", &[50]);
    let mut preemptions = 0;
    while outcome == Outcome::Preempted {
        preemptions += 1;
        // Nor one that is called beside it.
        assert_eq!(returned(guest.call(&activation, "count", &[200_000])), 19_999_900_000);
        outcome = activation.resume().unwrap();
    }
    assert_eq!(returned(outcome), 50 * 19_999_900_000);
    assert!(preemptions > 0);
}

#[test]
fn guests_migrate_between_workers() {
    const GUESTS: u64 = 6;
    const PINGS: u64 = 3000;
    const TURNS: u64 = 20_000;
    const ROUNDS: u64 = 40;
    let guest = Guest::new();
    let queue = Mutex::new(VecDeque::new());
    for number in 0..GUESTS {
        let activation = guest.activation(function(|activation, registers| {
            let [step, sum, ..] = registers.ints;
            if step % 16 == 0 {
                std::hint::black_box(format!("{step} {sum}"));
            }
            if step % 5 == 0 {
                activation.park().unwrap();
            }
            registers.results = int(mix(step, sum));
        }));
        activation.set_preemptible(true);
        queue.lock().unwrap().push_back((number, activation, None, 0));
    }
    let (running, preemptions) = (AtomicU64::new(GUESTS), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let worker = Worker::new().unwrap();
                worker.arm(TICK).unwrap();
                while running.load(Ordering::Relaxed) > 0 {
                    let Some((number, activation, outcome, round)) = queue.lock().unwrap().pop_front() else {
                        std::thread::yield_now();
                        continue;
                    };
                    let (outcome, round) = match outcome {
                        None if number % 2 == 0 => (guest.call(&activation, "ping", &[PINGS]), round),
                        None => (guest.call(&activation, "live", &[TURNS, number + round]), round),
                        Some(Outcome::Preempted | Outcome::Parked) => (activation.resume().unwrap(), round),
                        Some(outcome) => {
                            let expected =
                                if number % 2 == 0 { mixed(PINGS) } else { live(TURNS, number + round) };
                            assert_eq!(returned(outcome), expected);
                            if round == ROUNDS {
                                running.fetch_sub(1, Ordering::Relaxed);
                                continue;
                            }
                            queue.lock().unwrap().push_back((number, activation, None, round + 1));
                            continue;
                        }
                    };
                    preemptions.fetch_add(u64::from(outcome == Outcome::Preempted), Ordering::Relaxed);
                    queue.lock().unwrap().push_back((number, activation, Some(outcome), round));
                }
            });
        }
    });
    assert!(preemptions.load(Ordering::Relaxed) > 0);
}

#[test]
fn ticks_without_a_guest_do_nothing() {
    let guest = Guest::new();
    let worker = Worker::new().unwrap();
    assert!(Worker::new().is_err());
    worker.disarm().unwrap();
    worker.arm(TICK).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    let activation = guest.activation(typed(mix_typed as *const ()));
    for _ in 0..10_000 {
        assert_eq!(returned(guest.call(&activation, "ping", &[5])), mixed(5));
    }
    worker.disarm().unwrap();
    drop(worker);
    drop(Worker::new().unwrap());
}

#[test]
fn a_pool_recovers_from_guests_that_end_early() {
    let (worker, guest) = (Worker::new().unwrap(), Guest::new());
    worker.arm(TICK).unwrap();
    let pool = Pool::new(Arc::clone(&guest.program), 4);
    let mut before = None;
    for round in 0..1000 {
        // What ended early is not handed out again as it was left.
        let served = Guest::activation_of(pool.take().unwrap(), Imports::new());
        assert_eq!(returned(guest.call(&served, "add", &[round, 5])), round + 5);
        let ended = Guest::activation_of(pool.take().unwrap(), Imports::new());
        match round % 4 {
            0 => {
                ended.set_deadline(Some(Duration::from_micros(100)));
                let outcome = guest.call(&ended, "spin", &[]);
                assert_eq!(outcome, Outcome::Interrupted(Interruption::Deadline));
            }
            1 => {
                let interrupter = ended.interrupter();
                let outcome = while_spinning(&guest, &ended, || interrupter.kill(7));
                assert_eq!(outcome, Outcome::Interrupted(Interruption::Killed(7)));
            }
            2 => assert!(matches!(guest.call(&ended, "load", &[0xffff_ffff]), Outcome::Trapped(_))),
            _ => assert!(matches!(guest.call(&ended, "recurse", &[9]), Outcome::Trapped(_))),
        }
        for activation in [ended, served] {
            pool.put(activation.into_slab()).unwrap();
        }
        if round == 100 {
            before = Some((mappings(), resident()));
        }
    }
    let (count, kib) = before.unwrap();
    assert_eq!((pool.free_slabs(), mappings()), (2, count));
    assert!(resident() <= kib + 256, "{kib} KiB grew to {}", resident());
}
