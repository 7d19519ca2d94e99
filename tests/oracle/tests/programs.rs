//! Random programs, interpreted and as machine code.

use tests_oracle::compare::{Outcome, Pair, Verdict};
use tests_oracle::coverage::Coverage;
use tests_oracle::front;
use tests_oracle::generate::{self, Size};
use tests_oracle::random::Random;

/// Programs of one run where the environment does not say.
const PROGRAMS: u64 = 2000;
/// Calls of each entry.
const CALLS: usize = 4;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Compiles and compares the program of a seed; gives what to report.
fn examine(seed: u64, coverage: &mut Coverage) -> Result<(), String> {
    let generated = generate::program(seed, Size::default());
    coverage.merge(&generated.coverage);
    let described = |what: String| format!("seed {seed}: {what}");
    let front =
        front::compile(&generated.text).map_err(|error| described(format!("{error}\n{}", generated.text)))?;
    let mut random = Random::new(!seed);
    let optimize = seed.is_multiple_of(4);
    let mut roots = Vec::new();
    for name in &generated.entries {
        roots.push(
            front::function(&front.program, name).ok_or_else(|| described(format!("{name} is not there")))?,
        );
    }
    let pair = Pair::new(&front.program, &roots, optimize).map_err(|error| described(error.to_string()))?;
    coverage.add("(functions)", front.program.functions.len() as u64);
    coverage.add("(bytes of code)", pair.text_bytes() as u64);
    for root in roots {
        for _ in 0..CALLS {
            let arguments = [random.interesting(), random.interesting()];
            match pair.compare(root, &arguments).map_err(|error| described(error.to_string()))? {
                Verdict::Same(outcome, same_place) => match outcome {
                    Outcome::Value(_) => coverage.count("(values)"),
                    Outcome::Trap(fault) => {
                        coverage.count(&format!("(trap {})", fault.name()));
                        if !same_place {
                            coverage.count("(trap at another place)");
                        }
                    }
                    Outcome::Unexplained { .. } => coverage.count("(signals)"),
                },
                Verdict::Skipped => coverage.count("(skipped)"),
                Verdict::Different(divergence) => {
                    return Err(described(format!("{divergence}\n{}", generated.text)));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn interpreter_and_machine_code_agree_on_random_programs() {
    let programs = number("SPACE_ORACLE_PROGRAMS", PROGRAMS);
    let first = number("SPACE_ORACLE_SEED", 1);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let results: Vec<(Coverage, Vec<String>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut coverage = Coverage::default();
                    let mut failures = Vec::new();
                    for seed in (first..first + programs).filter(|seed| seed % threads == thread) {
                        if let Err(failure) = examine(seed, &mut coverage) {
                            failures.push(failure);
                            if failures.len() == 5 {
                                break;
                            }
                        }
                    }
                    (coverage, failures)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker ends")).collect()
    });
    let mut coverage = Coverage::default();
    let mut failures = Vec::new();
    for (part, failed) in results {
        coverage.merge(&part);
        failures.extend(failed);
    }
    println!("{programs} programs: {coverage}");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
