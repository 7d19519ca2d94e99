//! `cargo xtask soak [rounds]`: what finds more the longer it runs.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::shell::{cargo, has, root, step};
use crate::{Failure, differential};

/// Programs of one round.
const PROGRAMS: u64 = 100_000;
/// Seeds that rounds begin at lie below this.
const SEEDS: u64 = 1 << 40;

/// Modules of one round.
const MODULES: u64 = 100_000;

/// Lives of a mesh of one round, and how often its process is killed.
const MESHES: u64 = 100_000;
const KILLS: u64 = 1_000;
/// Hours of one mesh's life.
const HOURS: u64 = 24;

/// Lives of zrms, the same in each round.
const CONTROLS: u64 = 100_000;

/// How often processes of applications are killed.
const APPLICATION_KILLS: u64 = 1_000;

/// Seconds that one application works for.
const WORK: u64 = 3_600;

/// Mutated images and bundles of one round.
const EXECUTIONS: u64 = 10_000_000;
/// Mutated modules of one round: those that are sound are compiled.
const MUTATED: u64 = 100_000;
/// Targets by coverage: the folder, the target, and how many executions of one round go to it.
const TARGETS: [(&str, &str, u64); 4] = [
    ("tests/contract/fuzz", "read", EXECUTIONS),
    ("tests/differential/fuzz", "translate", MUTATED),
    ("tests/differential/fuzz", "compile", MUTATED),
    ("tests/differential/fuzz", "run", MUTATED),
];

/// Compares random programs, interpreted and as machine code, and random modules in several engines, reads mutated
/// images and bundles, compiles mutated modules, crashes meshes, zrms and applications, and looks for an hour whether one
/// grows, round after round with new seeds. Where cargo-fuzz and a nightly toolchain are, it goes on from there by coverage.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let rounds = match arguments {
        [] => 1,
        [rounds] => rounds.parse().map_err(|_| format!("`{rounds}` is not a number of rounds"))?,
        _ => return Err("it takes a number of rounds".to_owned()),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    for round in 0..rounds {
        let seed = now.wrapping_mul(PROGRAMS) % SEEDS + round * PROGRAMS;
        let mut test = cargo(&["test", "--release", "--package", "tests-oracle", "--", "--nocapture"]);
        test.env("SPACE_ORACLE_PROGRAMS", PROGRAMS.to_string()).env("SPACE_ORACLE_SEED", seed.to_string());
        step(&format!("round {} of {rounds}: programs from seed {seed}", round + 1), &mut test)?;
        differential::compare(MODULES, seed)?;
        let fuzz = ["test", "--release", "--package", "tests-contract", "--test", "suite", "fuzz"];
        let mut fuzz = cargo(&fuzz);
        fuzz.env("SPACE_FUZZ_EXECUTIONS", EXECUTIONS.to_string()).env("SPACE_FUZZ_SEED", seed.to_string());
        step(&format!("round {} of {rounds}: {EXECUTIONS} mutated files", round + 1), &mut fuzz)?;
        let mut modules = cargo(&["test", "--release", "--package", "tests-conformance", "--test", "fuzz"]);
        modules.env("SPACE_FUZZ_EXECUTIONS", MUTATED.to_string()).env("SPACE_FUZZ_SEED", seed.to_string());
        step(&format!("round {} of {rounds}: {MUTATED} mutated modules", round + 1), &mut modules)?;
        let mut meshes = cargo(&["test", "--release", "--package", "services-zmesh", "--", "--nocapture"]);
        meshes.env("SPACE_MESH_SEEDS", MESHES.to_string()).env("SPACE_MESH_FIRST_SEED", seed.to_string());
        meshes.env("SPACE_MESH_KILLS", KILLS.to_string()).env("SPACE_MESH_HOURS", HOURS.to_string());
        step(&format!("round {} of {rounds}: {MESHES} meshes, {KILLS} kills", round + 1), &mut meshes)?;
        let mut control = cargo(&["test", "--release", "--package", "services-zrms", "--test", "simulation"]);
        control.env("ZRMS_SEEDS", CONTROLS.to_string());
        step(&format!("round {} of {rounds}: {CONTROLS} lives of zrms", round + 1), &mut control)?;
        let mut kills =
            cargo(&["test", "--release", "--package", "cli", "--test", "kill", "--", "--nocapture"]);
        kills.env("SPACE_KILLS", APPLICATION_KILLS.to_string());
        let heading = format!("round {} of {rounds}: {APPLICATION_KILLS} kills of applications", round + 1);
        step(&heading, &mut kills)?;
        let mut work =
            cargo(&["test", "--release", "--package", "cli", "--test", "soak", "--", "--nocapture"]);
        work.env("SPACE_SOAK_SECONDS", WORK.to_string());
        step(&format!("round {} of {rounds}: {WORK} seconds of an application", round + 1), &mut work)?;
    }
    by_coverage(rounds)
}

/// The golden images as bytes: what mutations begin with.
fn plant(corpus: &Path) -> io::Result<()> {
    fs::create_dir_all(corpus)?;
    for entry in fs::read_dir(root().join("tests/contract/tests/suite/golden"))? {
        let path = entry?.path();
        // Each line is an offset and up to sixteen bytes.
        let text = fs::read_to_string(&path)?;
        let words = text.lines().flat_map(|line| line.split_whitespace().skip(1));
        let bytes: Vec<u8> = words.filter_map(|word| u8::from_str_radix(word, 16).ok()).collect();
        fs::write(corpus.join(path.file_stem().unwrap_or_default()), bytes)?;
    }
    Ok(())
}

/// Lets libFuzzer look for what random changes do not reach.
fn by_coverage(rounds: u64) -> Result<(), Failure> {
    let nightly = Command::new("rustup").args(["run", "nightly", "rustc", "--version"]).output();
    if !has("cargo-fuzz") || !nightly.is_ok_and(|output| output.status.success()) {
        println!("== by coverage: left out, it needs cargo-fuzz and a nightly toolchain");
        return Ok(());
    }
    let corpora = root().join("target/fuzz-corpus");
    for (folder, target, executions) in TARGETS {
        let corpus = corpora.join(target);
        let planted = if target == "read" { plant(&corpus) } else { fs::create_dir_all(&corpus) };
        planted.map_err(|error| format!("{}: {error}", corpus.display()))?;
        let mut fuzz = Command::new("cargo");
        fuzz.current_dir(root()).args(["+nightly", "fuzz", "run", "--fuzz-dir", folder, target]);
        fuzz.arg(corpus).arg("--").arg(format!("-runs={}", rounds.saturating_mul(executions)));
        step(&format!("by coverage: {target}"), &mut fuzz)?;
    }
    Ok(())
}
