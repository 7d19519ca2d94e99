//! `cargo xtask soak [rounds]`: what finds more the longer it runs.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Failure;
use crate::shell::{cargo, step};

/// Programs of one round.
const PROGRAMS: u64 = 100_000;
/// Seeds that rounds begin at lie below this.
const SEEDS: u64 = 1 << 40;

/// Compares random programs, interpreted and as machine code, round after round with new seeds.
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
        step(&format!("round {} of {rounds}, from seed {seed}", round + 1), &mut test)?;
    }
    Ok(())
}
