//! The project's own commands: `cargo xtask <name>`. One table.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use xtask::{Failure, bench, boot_check, demo, install, soak, test};

/// A task.
struct Task {
    name: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
    help: &'static str,
}

const TASKS: &[Task] = &[
    Task { name: "demo", run: demo::run, help: "build the demonstration systems and boot them" },
    Task { name: "test", run: test::run, help: "format, lints, every test, boot checks and the demo" },
    Task {
        name: "boot-check",
        run: boot_check::run,
        help: "boot the examples on every machine and read what they say",
    },
    Task { name: "bench", run: bench::run, help: "print figures: compile, boot, calls, sizes, spaces, wasm" },
    Task {
        name: "soak",
        run: soak::run,
        help: "random programs against the interpreter, for as long as you like",
    },
    Task { name: "install", run: install::install, help: "install `space` into ~/.cargo/bin" },
    Task { name: "uninstall", run: install::uninstall, help: "remove it again" },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("error[usage]: there is no task `{name}`\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error[{}]: {why}", task.name);
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let tasks: Vec<String> = TASKS.iter().map(|task| format!("  {:<12} {}", task.name, task.help)).collect();
    format!("Usage: cargo xtask <task>\n\nTasks:\n{}", tasks.join("\n"))
}
