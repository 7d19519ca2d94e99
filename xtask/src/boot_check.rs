//! `cargo xtask boot-check`: the examples boot on every machine, say what they should, and end as they should.

use crate::demo::Space;
use crate::{Failure, apt};

const MACHINES: [&str; 3] = ["microvm", "q35", "pc"];

/// An example, its exit code, and words that its console must have.
const EXAMPLES: &[(&str, i32, &[&str])] = &[
    ("boot-check", 0, LINES),
    ("hello", 0, &["hello from ring 3"]),
    ("multicomponent", 0, &["the sum is 4999950000"]),
    ("offender", 3, &["peer: still here", "overflow.in:10"]),
];

/// What the parts of the system say when they have proved themselves.
const LINES: &[&str] = &[
    "kernel root entered",
    "object arena: bootstrap realm 1",
    "interrupts enabled: vectors 256",
    "timer ticks (5 samples)",
    "supervisor loaded, component enforcing",
    "scheduler quiesced after 3 round-robin passes",
    "channel demo complete: messages 64, remaining 0",
    "preemptive workers interleaved",
];

/// Boots each example on each machine.
pub fn run(_: &[String]) -> Result<(), Failure> {
    apt::qemu()?;
    let space = Space::build()?;
    for (example, code, words) in EXAMPLES {
        let folder = format!("examples/{example}");
        for machine in MACHINES {
            println!("\n== {example} on {machine}");
            let check = ["boot", "--kernel-argument", "check", "--machine", machine, &folder];
            space.expect(&check, *code, words)?;
        }
    }
    println!("\n{} passed, 0 failed", EXAMPLES.len() * MACHINES.len());
    Ok(())
}
