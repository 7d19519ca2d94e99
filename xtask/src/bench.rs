//! `cargo xtask bench`: the figures of `tests/bench`.

use crate::shell::{cargo, step};
use crate::{Failure, qemu};

/// Prints all figures, or those that are named.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    qemu::ensure()?;
    step("figures", cargo(&["run", "--quiet", "--package", "tests-bench", "--"]).args(arguments))
}
