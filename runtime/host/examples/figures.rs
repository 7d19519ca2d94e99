//! What entering, leaving, trapping and resetting cost: `cargo run --release --example figures -p runtime-host`.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use common::{Guest, function, mix_registers, mix_typed, mixed, returned, typed};
use space_host::machine::{Activation, Arguments, Imports, Outcome, Pool, Slab, Worker};

/// The best of five, in nanoseconds a turn.
fn measure(what: &str, turns: u64, mut run: impl FnMut(u64)) {
    let best = (0..5).map(|_| {
        let begun = Instant::now();
        run(turns);
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(turns as u32)
    });
    println!("{what:44} {:8.2} ns", best.fold(f64::MAX, f64::min));
}

fn main() {
    const MANY: u64 = 10_000_000;
    let (worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(typed(mix_typed as *const ()));
    let add = guest.entry("add");
    measure("host, guest, host: integers", MANY, |turns| {
        for turn in 0..turns {
            // SAFETY: `add` takes two integers.
            let outcome = unsafe { activation.call(add, &[turn, 1, 0, 0, 0, 0]) };
            assert!(black_box(returned(outcome)) == turn + 1);
        }
    });
    let arguments = Arguments::default();
    measure("host, guest, host: floats", MANY, |turns| {
        for _ in 0..turns {
            // SAFETY: `add` takes two integers.
            black_box(unsafe { activation.call_floats(add, &arguments) });
        }
    });
    measure("guest, host, guest: typed", MANY, |turns| {
        assert_eq!(returned(guest.call(&activation, "ping", &[turns])), mixed(turns));
    });
    let memory = guest.activation(function(mix_registers));
    measure("guest, host, guest: from memory", MANY, |turns| {
        assert_eq!(returned(guest.call(&memory, "ping", &[turns])), mixed(turns));
    });
    let parking = guest.activation(function(|activation, registers| {
        mix_registers(activation, registers);
        activation.park().unwrap();
    }));
    measure("guest, host, parked, resumed", MANY / 10, |turns| {
        let mut outcome = guest.call(&parking, "ping", &[turns]);
        while outcome == Outcome::Parked {
            outcome = parking.resume().unwrap();
        }
        assert_eq!(returned(outcome), mixed(turns));
    });
    measure("trap", 100_000, |turns| {
        for _ in 0..turns {
            assert!(matches!(guest.call(&activation, "load", &[1 << 30]), Outcome::Trapped(_)));
        }
    });
    let pool = Pool::new(Arc::clone(&guest.program), 4);
    let imports = Arc::clone(memory.imports());
    measure("take, call that writes a page, reset, put", 100_000, |turns| {
        for turn in 0..turns {
            let slab = pool.take().unwrap();
            let activation = Activation::new(slab, Arc::clone(&imports), Box::new(())).unwrap();
            assert_eq!(returned(guest.call(&activation, "store", &[turn % 16 * 4096, turn])), turn);
            pool.put(activation.into_slab()).unwrap();
        }
    });
    measure("map and unmap a slab", 10_000, |turns| {
        for _ in 0..turns {
            black_box(Slab::new(&guest.program).unwrap());
        }
    });
    drop((worker, Imports::new()));
}
