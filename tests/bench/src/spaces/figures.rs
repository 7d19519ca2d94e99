//! Starts, checks, sizes.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use super::application::{Member, Place};
use crate::{children, quiet};
use services_topology::graph::Graph;
use services_topology::{check, read};
use xtask::Failure;
use xtask::shell::{has, root};

/// Waits for messages that never come.
const IDLE: &str = r#"(module (memory (export "memory") 1)
  (func (export "on_init")) (func (export "on_process")) (func (export "on_close")))"#;
/// Spaces that are brought up at once.
const SPACES: usize = 100;
/// Spaces of the topology that is validated.
const VALIDATED: usize = 10_000;
/// Gate: seconds of that.
const VALIDATION_SECONDS: f64 = 1.0;
/// Gate: bytes of an idle space.
const IDLE_BYTES: u64 = 64 << 10;
/// Lines that a space writes.
const LINES: u32 = 20_000;
/// Bytes of the package that is verified.
const PACKAGE_BYTES: usize = 32 << 20;

fn idle(spaces: usize) -> Vec<Member<'static>> {
    let member = |number| Member { name: format!("space-{number}"), module: IDLE, rest: "" };
    (0..spaces).map(member).collect()
}

/// Prints a figure and whether its gate holds.
fn gate(text: &str, holds: bool) {
    println!("{text}: {}", if holds { "holds" } else { "does not hold" });
}

/// Brings many spaces up, and looks at what each costs while it has nothing to do.
pub fn many(place: &Place<'_>) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for spaces in [SPACES, 2 * SPACES] {
        place.make("many", &idle(spaces), &[])?;
        // So that what is measured is not the build.
        place.call(&["mex", "build", &place.path("many").to_string_lossy(), "--output", &package(place)])?;
        let began = Instant::now();
        place.call(&["up", "--detach", &package(place)])?;
        println!("space up, {spaces} spaces of a package: {:.2} s", began.elapsed().as_secs_f64());
        bytes.push(memory(place)?);
        place.down("many")?;
    }
    let each = bytes[1].saturating_sub(bytes[0]) / SPACES as u64;
    gate(
        &format!("an idle space, of its process and its parent: {each} bytes (gate {IDLE_BYTES})"),
        each <= IDLE_BYTES,
    );
    Ok(())
}

fn package(place: &Place<'_>) -> String {
    place.path("many.mex").to_string_lossy().into_owned()
}

/// Bytes that the parent and its children have for themselves.
fn memory(place: &Place<'_>) -> Result<u64, Failure> {
    let parent = place.parent().ok_or("there is no parent")?;
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).map_err(|error| error.to_string())?;
    let mut processes = vec![parent.to_string()];
    for task in tasks.flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        processes.extend(children.split_whitespace().map(str::to_owned));
    }
    let of = |process: &String| {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
        let fields = rollup.lines().filter(|line| line.starts_with("Private_Dirty:"));
        fields.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>() * 1024
    };
    Ok(processes.iter().map(of).sum())
}

/// From nothing to the first page of the example.
pub fn cold(place: &Place<'_>) -> Result<(), Failure> {
    let began = Instant::now();
    let said = place.call(&["up", "--detach", &root().join("examples/hello-samoza").to_string_lossy()])?;
    let url = said.lines().find_map(|line| line.strip_prefix("desk: http://"));
    let (address, path) = url.and_then(|url| url.split_once('/')).ok_or("`space up` says no address")?;
    let failed = |error: std::io::Error| format!("the desk: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    let ask = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).map_err(failed)?;
    let mut page = String::new();
    stream.read_to_string(&mut page).map_err(failed)?;
    let status = page.lines().next().unwrap_or_default();
    println!(
        "examples/hello-samoza, from nothing to the desk's first answer ({status}): {:.2} s",
        began.elapsed().as_secs_f64()
    );
    place.down("hello-samoza")
}

/// Reads and checks a large topology.
pub fn validation(_: &Place<'_>) -> Result<(), Failure> {
    let mut text = String::from("apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: large\nspaces:\n");
    for number in 0..VALIDATED {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  - name: s{number}\n    type: CALL");
    }
    text += "paths:\n";
    for number in 1..VALIDATED {
        let _ = writeln!(text, "  - from: s{number}\n    to: s{}\n    name: up", number / 2);
    }
    let began = Instant::now();
    let first = |violations: Vec<services_topology::violation::Violation>| {
        violations.first().map_or_else(String::new, ToString::to_string)
    };
    let topology = read::topology(text.as_bytes(), "topology.yaml").map_err(first)?;
    let violations = check::check_alone(&topology);
    if !violations.is_empty() {
        return Err(first(violations));
    }
    let graph = Graph::of(&topology, |_| services_topology::capabilities::Capabilities::default());
    let hash = graph.hash();
    let seconds = began.elapsed().as_secs_f64();
    gate(
        &format!(
            "reading, checking and hashing {VALIDATED} spaces, {} KiB: {seconds:.3} s (gate {VALIDATION_SECONDS} s; {:02x}{:02x})",
            text.len() >> 10,
            hash[0],
            hash[1]
        ),
        seconds <= VALIDATION_SECONDS,
    );
    Ok(())
}

/// Verifies a package, beside tools that do a part of it.
pub fn verification(place: &Place<'_>) -> Result<(), Failure> {
    place.make("large", &idle(2), &[])?;
    // What cannot be compressed is what takes time.
    let mut state: u64 = 1;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    place.write(
        "large/spaces/space-0/assets/noise.bin",
        (0..PACKAGE_BYTES).map(|_| word()).collect::<Vec<u8>>(),
    )?;
    let (folder, file) = (place.path("large"), place.path("large.mex"));
    let (folder, file) = (folder.to_string_lossy(), file.to_string_lossy());
    place.call(&["mex", "build", &folder, "--output", &file])?;
    let cpu = |command: &mut Command| -> Result<Duration, Failure> {
        let before = children()?;
        quiet(command)?;
        Ok(children()?.saturating_sub(before))
    };
    let ours = cpu(&mut place.command(&["mex", "verify", &file]))?;
    println!("space mex verify, {} MiB: {} ms of processor time", PACKAGE_BYTES >> 20, ours.as_millis());
    if !has("unzip") && Command::new("unzip").arg("-v").output().is_err() {
        println!("beside unzip and sha256sum: left out, there is no unzip");
        return Ok(());
    }
    let script = format!("unzip -p '{file}' | sha256sum");
    let theirs = cpu(Command::new("sh").args(["-c", &script]))?;
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64().max(0.01);
    println!("beside `unzip -p | sha256sum`: {} ms; ours / theirs: {ratio:.2}", theirs.as_millis());
    Ok(())
}

/// How fast a space writes lines.
pub fn lines(place: &Place<'_>) -> Result<(), Failure> {
    let module = format!(
        r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "beginend")
  (data (i32.const 64) "a line as long as the lines that programs write, most of the time")
  (func (export "on_init") (local i32)
    (drop (call $log (i32.const 0) (i32.const 5)))
    (loop $again
      (drop (call $log (i32.const 64) (i32.const 65)))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get 0) (i32.const {LINES}))))
    (drop (call $log (i32.const 5) (i32.const 3))))
  (func (export "on_process")) (func (export "on_close")))"#
    );
    place.up("lines", &[Member { name: "writer".to_owned(), module: &module, rest: "" }], &[])?;
    let (end, begin) = (place.said("lines", "writer", "end")?, place.said("lines", "writer", "begin")?);
    place.down("lines")?;
    println!(
        "lines of a space, each in the log before it goes on: {} lines/s",
        u64::from(LINES) * 1000 / (end - begin).max(1)
    );
    Ok(())
}
