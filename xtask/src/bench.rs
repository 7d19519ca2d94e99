//! `cargo xtask bench`: the figures of `tests/bench`, and those beside other engines.

use crate::shell::{cargo, step};
use crate::{Failure, apt, differential, modules};

/// Prints all figures, or those that are named; `wasm` is named alone, as it takes minutes.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(("wasm", options)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        modules::fetch();
        return differential::measure(options);
    }
    apt::qemu()?;
    step("figures", cargo(&["run", "--quiet", "--package", "tests-bench", "--"]).args(arguments))
}
