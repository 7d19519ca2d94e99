//! Beside other engines, in one run: run time, compilation, instances, calls. `cargo xtask bench wasm`.
//!
//! | module | settles |
//! |---|---|
//! | `engine.rs`, `ours.rs`, `peer.rs` | what is measured of engines, and how each does it |
//! | `programs.rs` | what is run |
//! | `worker.rs`, `child.rs` | engines in processes of their own |
//! | `native.rs` | C by gcc, and modules by wasm2c |
//! | `survey.rs`, `figures.rs`, `clock.rs` | rounds, medians, processor time |
//! | `report.rs`, `machine.rs` | tables, gates, the machine |
#![forbid(unsafe_code)]

mod child;
mod clock;
mod engine;
mod figures;
mod machine;
mod native;
mod ours;
mod peer;
mod programs;
mod report;
mod survey;
mod worker;

use engine::Failure;
use std::process::ExitCode;
use survey::{Engines, Extent};

const USAGE: &str = "Usage: cargo xtask bench wasm [--quick] [--write] [--gate]\n\n  \
    --quick  few rounds\n  --write  write docs/performance.md\n  --gate   fail if a gate does not hold";

const FULL: Extent = Extent { rounds: 9, compilations: 5, large: true };
const QUICK: Extent = Extent { rounds: 3, compilations: 1, large: false };

/// The document: `{{…}}` are the measurements.
const DOCUMENT: &str = include_str!("performance.md");
/// What begins the part of it that is measured by others.
const ELSEWHERE: &str = "\n## Applications\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["work", "space"] => worker::serve(&mut ours::Ours::new()),
        ["work", "wasmtime"] => peer::Wasmtime::new().and_then(|mut engine| worker::serve(&mut engine)),
        _ => bench(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error[bench]: {why}");
            ExitCode::FAILURE
        }
    }
}

fn bench(words: &[&str]) -> Result<(), Failure> {
    if let Some(unknown) = words.iter().find(|word| !["--quick", "--write", "--gate"].contains(word)) {
        return Err(format!("there is no option `{unknown}`\n\n{USAGE}"));
    }
    let extent = if words.contains(&"--quick") { QUICK } else { FULL };
    let load = machine::load();
    let mut engines = Engines::start(&programs::root().join("target/bench-wasm"))?;
    let survey = engines.survey(extent)?;
    let gates = report::gates(&survey);
    let parts = [
        ("machine", machine::describe(&load)),
        ("run", report::run(&survey)),
        ("compile", report::compile(&survey)),
        ("figures", report::figures(&survey)),
        ("gates", report::gate_table(&gates)),
    ];
    for (_, text) in &parts {
        println!("\n{text}");
    }
    if words.contains(&"--write") {
        let mut document = DOCUMENT.to_owned();
        for (name, text) in &parts {
            document = document.replace(&format!("{{{{{name}}}}}"), text.trim_end());
        }
        let path = programs::root().join("docs/performance.md");
        // What is measured elsewhere stays.
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(at) = before.find(ELSEWHERE) {
            document.push_str(&before[at..]);
        }
        std::fs::write(&path, document).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let failed = gates.iter().filter(|gate| !gate.holds()).count();
    if words.contains(&"--gate") && failed > 0 {
        return Err(format!("{failed} gates do not hold"));
    }
    Ok(())
}
