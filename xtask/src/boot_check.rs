//! `cargo xtask boot-check`: the examples boot on every machine, say what they should, and end as they should.

use crate::demo::Space;
use crate::{Failure, qemu};

const MACHINES: [&str; 3] = ["microvm", "q35", "pc"];

/// An example, its exit code, and words that its console must have.
const EXAMPLES: &[(&str, i32, &[&str])] = &[
    ("hello", 0, &["hello from ring 3"]),
    ("multicomponent", 0, &["the sum is 4999950000"]),
    ("offender", 3, &["peer: still here", "overflow.in:10"]),
];

/// Boots each example on each machine.
pub fn run(_: &[String]) -> Result<(), Failure> {
    qemu::ensure()?;
    let space = Space::build()?;
    for (example, code, words) in EXAMPLES {
        let folder = format!("examples/{example}");
        for machine in MACHINES {
            println!("\n== {example} on {machine}");
            space.expect(&["boot", "--machine", machine, &folder], *code, words)?;
        }
    }
    println!("\n{} passed, 0 failed", EXAMPLES.len() * MACHINES.len());
    Ok(())
}
