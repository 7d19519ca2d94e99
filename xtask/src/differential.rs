//! Random WebAssembly modules in several engines, by `tests/differential`, which is a workspace of its own.

use crate::Failure;
use crate::shell::{cargo, step};

const MANIFEST: &str = "tests/differential/Cargo.toml";

/// Compares so many modules, the first of them that of the seed.
pub fn compare(modules: u64, seed: u64) -> Result<(), Failure> {
    let mut run = cargo(&["run", "--release", "--quiet", "--locked", "--manifest-path", MANIFEST, "--"]);
    run.args(["--modules", &modules.to_string(), "--seed", &seed.to_string()]);
    step(&format!("differential: {modules} modules from seed {seed}"), &mut run)
}

/// Runs what random bytes make: the target of cargo fuzz, as a test.
pub fn bytes() -> Result<(), Failure> {
    let test = ["test", "--release", "--quiet", "--locked", "--manifest-path", MANIFEST, "fuzz"];
    step("differential: modules of random bytes", &mut cargo(&test))
}
