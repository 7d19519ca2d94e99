//! Random WebAssembly modules in several engines, by `tests/differential`, which is a workspace of its own.

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::shell::{cargo, root, step};

/// The workspace's folder.
const FOLDER: &str = "tests/differential";

/// Compares so many modules, the first of them that of the seed.
pub fn compare(modules: u64, seed: u64) -> Result<(), Failure> {
    run("tests-differential", |compare| {
        compare.args(["--modules", &modules.to_string(), "--seed", &seed.to_string()]);
        step(&format!("differential: {modules} modules from seed {seed}"), compare)
    })
}

/// Measures beside other engines, with options of the program that does it.
pub fn measure(options: &[String]) -> Result<(), Failure> {
    run("tests-differential-bench", |measure| step("beside other engines", measure.args(options)))
}

/// Builds the workspace, and runs one of its programs. Built one by one, the programs would have the engines compiled
/// for each, since they ask for other features of what they share.
fn run(program: &str, with: impl FnOnce(&mut Command) -> Result<(), Failure>) -> Result<(), Failure> {
    let folder = root().join(FOLDER);
    let mut build = cargo(&["build", "--release", "--quiet", "--locked", "--workspace", "--manifest-path"]);
    build.arg(folder.join("Cargo.toml"));
    step("differential: build", &mut build)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder.join("target"), Into::into);
    with(Command::new(Path::new(&target).join("release").join(program)).current_dir(root()))
}

/// Runs what random bytes make: the target of cargo fuzz, as a test.
pub fn bytes() -> Result<(), Failure> {
    let mut test = cargo(&["test", "--release", "--quiet", "--locked", "--workspace", "--manifest-path"]);
    test.arg(root().join(FOLDER).join("Cargo.toml")).arg("fuzz");
    step("differential: modules of random bytes", &mut test)
}
