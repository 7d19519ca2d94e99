//! `cargo xtask bench`: the figures of `tests/bench`, and those beside other engines.

use crate::shell::{cargo, step};
use crate::{Failure, modules, qemu};

/// Prints all figures, or those that are named; `wasm` is named alone, as it takes minutes.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(("wasm", options)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return wasm(options);
    }
    qemu::ensure()?;
    step("figures", cargo(&["run", "--quiet", "--package", "tests-bench", "--"]).args(arguments))
}

/// Beside other engines, in the workspace that has them.
fn wasm(options: &[String]) -> Result<(), Failure> {
    modules::fetch();
    let run = ["run", "--release", "--quiet", "--locked", "--manifest-path", "tests/differential/Cargo.toml"];
    step(
        "beside other engines",
        cargo(&run).args(["--package", "tests-differential-bench", "--"]).args(options),
    )
}
