//! `cargo xtask bench`: figures, each beside a peer or with the command that gives it.

#![forbid(unsafe_code)]

mod program;
mod spaces;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use xtask::Failure;
use xtask::demo::Space;
use xtask::scratch::Scratch;
use xtask::shell::{cargo, has, root};

/// Gate: instructions from entry to ring 3, without signature and hashes. Gates are only tightened.
const RING3_MAX: u64 = 150_000;
/// Gate: instructions from entry to root ready, with one signature.
const READY_MAX: u64 = 5_000_000;
/// Gate: instructions from a kernel entry to its exit, but for the signature's check.
const STAY_MAX: u64 = 100_000;
/// Gate: instructions of the cheapest call.
const NULL_CALL_MAX: u64 = 32;
/// Gate: instructions of a call to another realm and its answer.
const ROUND_TRIP_MAX: u64 = 320;
/// Gate: loaded bytes of the kernel without cryptography.
const KERNEL_MAX: u64 = 128 << 10;
/// Lines of the generated program.
const LINES: usize = 20_000;
/// Boots that are measured.
const BOOTS: usize = 5;
/// Builds of which the fastest counts.
const BUILDS: usize = 3;
/// Calls that the example's client makes.
const CALLS: u64 = 100_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error[bench]: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Prints all figures, or those that are named: `compile`, `boot`, `calls`, `sizes`, `spaces`.
fn run(arguments: &[String]) -> Result<(), Failure> {
    type Part = fn(&Space) -> Result<(), Failure>;
    let parts: [(&str, Part); 5] =
        [("compile", compile), ("boot", boot), ("calls", calls), ("sizes", sizes), ("spaces", spaces::run)];
    if let Some(unknown) = arguments.iter().find(|name| parts.iter().all(|(known, _)| known != name)) {
        return Err(format!(
            "there is no figure `{unknown}`; there are compile, boot, calls, sizes, spaces, and alone wasm"
        ));
    }
    // Of another build, such as that of an earlier version.
    let space = match std::env::var_os("SPACE_BENCH_COMMAND") {
        Some(command) => Space(command.into()),
        None => Space::build()?,
    };
    for (name, part) in parts {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            println!("\n== {name}");
            part(&space)?;
        }
    }
    Ok(())
}

/// Prints a figure that may not exceed its gate.
fn gate(name: &str, figure: u64, most: u64) -> Result<(), Failure> {
    println!("{name}: {figure} (gate {most})");
    if figure <= most { Ok(()) } else { Err(format!("{name}: {figure}, the gate is {most}")) }
}

/// Compiles one program as `.in` and, translated line by line, as C.
fn compile(space: &Space) -> Result<(), Failure> {
    let scratch = Scratch::new("bench")?;
    let sources = program::generate(LINES);
    scratch.write("bench.in", &sources.space)?;
    scratch.write("bench.c", &sources.c)?;
    let lines = sources.space.lines().count();
    println!("{:<12} {:>8} {:>12} {:>10}", "compiler", "lines", "CPU time", "lines/s");
    let ours = fastest(|| {
        let build = scratch.path().join("build");
        if build.exists() {
            fs::remove_dir_all(&build).map_err(|error| error.to_string())?;
        }
        let mut command = Command::new(&space.0);
        command.arg("build").arg(scratch.path());
        Ok(command)
    })?;
    row("space", lines, ours);
    for peer in ["gcc", "clang"] {
        if !has(peer) {
            println!("{peer:<12} not installed");
            continue;
        }
        let time = fastest(|| {
            let mut command = Command::new(peer);
            command.args(["-O0", "-c", "-o", "bench.o", "bench.c"]).current_dir(scratch.path());
            Ok(command)
        })?;
        row(&format!("{peer} -O0"), sources.c.lines().count(), time);
        if peer == "gcc" {
            gate(
                "CPU time beside gcc, in percent",
                (ours.as_millis() * 100 / time.as_millis().max(1)) as u64,
                100,
            )?;
        }
    }
    Ok(())
}

fn row(name: &str, lines: usize, time: Duration) {
    let millis = time.as_millis().max(1);
    println!("{name:<12} {lines:>8} {millis:>9} ms {:>10}", lines as u128 * 1000 / millis);
}

/// The least CPU time of several runs.
fn fastest(mut command: impl FnMut() -> Result<Command, Failure>) -> Result<Duration, Failure> {
    let mut least = Duration::MAX;
    for _ in 0..BUILDS {
        let mut command = command()?;
        let before = children()?;
        quiet(&mut command)?;
        least = least.min(children()?.saturating_sub(before));
    }
    Ok(least)
}

/// CPU time of the children that have ended; counted in steps of 10 ms.
fn children() -> Result<Duration, Failure> {
    let stat = fs::read_to_string("/proc/self/stat").map_err(|error| format!("CPU time: {error}"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    Ok(Duration::from_millis((ticks(13) + ticks(14)) * 10))
}

/// Runs a command whose words nobody needs unless it fails.
fn quiet(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Boots the smallest example: the whole of `space boot`, from the call to its end.
fn boot(space: &Space) -> Result<(), Failure> {
    let folder = root().join("examples/hello");
    quiet(Command::new(&space.0).arg("build").arg(&folder))?;
    let mut times = Vec::new();
    for _ in 0..BOOTS {
        let start = Instant::now();
        quiet(Command::new(&space.0).arg("boot").arg(&folder))?;
        times.push(start.elapsed().as_millis());
    }
    times.sort_unstable();
    let [least, .., most] = times[..] else { return Err("no boot was measured".to_owned()) };
    println!(
        "space boot examples/hello: min {least} ms, median {} ms, max {most} ms of {BOOTS}",
        times[times.len() / 2]
    );
    let figures = figures(space, &folder)?;
    println!("instructions from entry to ring 3: {}", figures.ring3);
    gate("longest stay in the kernel", figures.longest, STAY_MAX)?;
    let unsigned = figures.ring3.saturating_sub(figures.checks);
    gate("instructions from entry to ring 3, without signature and hashes", unsigned, RING3_MAX)?;
    gate("instructions from entry to root ready", figures.ready, READY_MAX)
}

/// The kernel's own cost of a call, then a typed call and its answer with the client's loop around it.
fn calls(space: &Space) -> Result<(), Failure> {
    let test = ["test", "--quiet", "--package", "nanokernel-x86_64", "--test", "machine", "calls_reach"];
    let text = quiet(cargo(&test).args(["--", "--nocapture"]))?;
    let thousandths = |name: &str| {
        let rest = text.split(name).nth(1)?;
        rest.trim_start().split(' ').next()?.parse::<u64>().ok()
    };
    let (Some(null), Some(trip)) = (thousandths("null call"), thousandths("round trip")) else {
        return Err(format!("the calls were not measured: {text}"));
    };
    gate("instructions of a null call", null.div_ceil(1000), NULL_CALL_MAX)?;
    gate("instructions of a round trip", trip.div_ceil(1000), ROUND_TRIP_MAX)?;
    let figures = figures(space, &root().join("examples/multicomponent"))?;
    let each = figures.total.saturating_sub(figures.ready) / CALLS;
    println!("instructions of a call and its answer, with both components' code: {each}");
    Ok(())
}

/// Instructions that the kernel counts under `-icount`.
struct Figures {
    checks: u64,
    ring3: u64,
    ready: u64,
    longest: u64,
    total: u64,
}

fn figures(space: &Space, folder: &Path) -> Result<Figures, Failure> {
    let text =
        quiet(Command::new(&space.0).args(["boot", "--icount", "--kernel-argument", "bench"]).arg(folder))?;
    let line =
        text.lines().find(|line| line.contains("bench checks=")).ok_or("the kernel printed no figures")?;
    let field = |name: &str| {
        let value = line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.trim().parse().ok()).ok_or_else(|| format!("no `{name}` in `{line}`"))
    };
    Ok(Figures {
        checks: field("checks")?,
        ring3: field("ring3")?,
        ready: field("root-ready")?,
        longest: field("longest")?,
        total: field("total")?,
    })
}

/// Bytes of the kernel that are loaded, and how many of them are cryptography, by the tools of the C compiler.
fn kernel_sizes() -> Result<(), Failure> {
    const CRYPTOGRAPHY: [&str; 6] = ["curve25519", "ed25519", "sha2::", "sha512", "subtle::", "sci::sign"];
    let target = root().join("target/bench");
    let build =
        ["build", "--quiet", "--package", "nanokernel-x86_64", "--features", "bare", "--profile", "kernel"];
    let mut build = cargo(&build);
    build.env("RUSTFLAGS", "--cfg curve25519_dalek_backend=\"serial\"").arg("--target-dir").arg(&target);
    quiet(&mut build)?;
    let kernel = target.join("kernel/nanokernel");
    let text = quiet(Command::new("size").arg(&kernel))?;
    let row: Vec<u64> = text
        .lines()
        .nth(1)
        .map(|row| row.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .unwrap_or_default();
    let [code, data, ..] = row[..] else { return Err(format!("`size` printed {text}")) };
    let symbols = quiet(Command::new("nm").args(["--print-size", "--demangle"]).arg(&kernel))?;
    let cryptography: u64 = symbols
        .lines()
        .filter(|line| CRYPTOGRAPHY.iter().any(|name| line.contains(name)))
        .filter_map(|line| u64::from_str_radix(line.split(' ').nth(1)?, 16).ok())
        .sum();
    println!("kernel, cryptography: {cryptography} bytes");
    gate("kernel without cryptography, bytes", code + data - cryptography, KERNEL_MAX)
}

/// Bytes of the kernel, and of what the examples' builds leave.
fn sizes(space: &Space) -> Result<(), Failure> {
    kernel_sizes()?;
    for example in ["hello", "multicomponent"] {
        let build = root().join("examples").join(example).join("build");
        quiet(Command::new(&space.0).arg("build").arg(root().join("examples").join(example)))?;
        let entries = fs::read_dir(&build).map_err(|error| error.to_string())?;
        let mut files: Vec<(String, u64)> = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| error.to_string())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                files.push((name, entry.metadata().map_err(|error| error.to_string())?.len()));
            }
        }
        files.sort();
        for (name, bytes) in files {
            println!("examples/{example}: {name:<24} {bytes:>8} bytes");
        }
    }
    Ok(())
}
