//! What the measurements were made on and with.

use std::fs;
use std::process::Command;

fn first_line(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_else(|| "none".into())
}

fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// wasmtime's version, by the lock file.
pub fn wasmtime() -> &'static str {
    let rest = include_str!("../../Cargo.lock").split("name = \"wasmtime\"\nversion = \"").nth(1);
    rest.and_then(|rest| rest.split('"').next()).unwrap_or("?")
}

/// The load of the last minute.
pub fn load() -> String {
    file("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned()
}

/// The machine, in a sentence; `load` is what it was before.
pub fn describe(load: &str) -> String {
    let processors = file("/proc/cpuinfo");
    let model = processors.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = file("/proc/sys/kernel/osrelease");
    let virtual_machine = if processors.contains(" hypervisor") { ", in a virtual machine" } else { "" };
    format!(
        "{model}, {cores} processors{virtual_machine}, Linux {kernel}; wasmtime {}, {}, wasm2c {}, Space {}; load \
         average {load} before, {} after.",
        wasmtime(),
        first_line("gcc"),
        first_line("wasm2c"),
        env!("CARGO_PKG_VERSION"),
        self::load(),
    )
}
