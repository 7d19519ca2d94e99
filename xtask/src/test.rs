//! `cargo xtask test`: everything that must hold.

use std::process::Command;

use crate::shell::{cargo, has, root, step};
use crate::{Failure, apt, bench, boot_check, demo, differential, modules};

/// Random programs that are compared.
const PROGRAMS: &str = "20000";

/// Seed of the modules that are compared in several engines.
const SEED: u64 = 1;

/// Those modules.
const MODULES: u64 = 20_000;

/// The target of the command as one file without libraries.
const STATIC: &str = "x86_64-unknown-linux-musl";

/// An optimized test of the packages that have such: of all with the command, whose features they then share, so that
/// what they have in common is built once.
fn optimized(test: &str, arguments: &[&str]) -> Command {
    let mut command = cargo(&["test", "--release", "--package", "cli"]);
    command
        .args(["--package", "tests-contract", "--package", "tests-oracle", "--test", test])
        .args(arguments);
    command
}

/// Builds the command for [`STATIC`] and starts it.
fn static_build() -> Result<(), Failure> {
    let installed = Command::new("rustup").args(["target", "add", STATIC]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("== static build: left out, `rustup target add {STATIC}` fails here");
        return Ok(());
    }
    step(
        "static build",
        &mut cargo(&["build", "--quiet", "--workspace", "--bin", "space", "--target", STATIC]),
    )?;
    let space = root().join("target").join(STATIC).join("debug/space");
    step("static build starts", Command::new(space).arg("--version"))
}

/// Runs every check, cheapest first.
pub fn run(_: &[String]) -> Result<(), Failure> {
    apt::qemu()?;
    apt::chromium()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    step(
        "lints",
        &mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    )?;
    let kernel = ["clippy", "--package", "nanokernel-x86_64", "--features", "bare", "--profile", "kernel"];
    step("lints of the kernel", cargo(&kernel).args(["--quiet", "--", "-D", "warnings"]))?;
    modules::fetch();
    if has("cargo-nextest") {
        step("tests", &mut cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]))?;
        step("documentation tests", &mut cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    } else {
        step("tests", &mut cargo(&["test", "--workspace", "--quiet"]))?;
    }
    step("mutated images and bundles", &mut optimized("suite", &["fuzz"]))?;
    let mut oracle = optimized("programs", &["--", "--nocapture"]);
    step("random programs against the interpreter", oracle.env("SPACE_ORACLE_PROGRAMS", PROGRAMS))?;
    differential::compare(MODULES, SEED)?;
    differential::bytes()?;
    if has("cargo-deny") {
        step("dependencies", &mut cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"]))?;
    }
    static_build()?;
    boot_check::run(&[])?;
    bench::run(&["boot", "calls", "sizes"].map(str::to_owned))?;
    demo::run(&[])
}
