//! Spaces that write without end: what others say is not lost for it, and nothing grows beyond its bound.

mod common;

use common::crowd::Crowd;
use common::house::PATIENCE;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What each of them has; `BODY` is done over and over.
const FLOOD: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $to (mut i32) (i32.const 0))
  (func (export "on_init")
    (memory.fill (i32.const 64) (i32.const 97) (i32.const 4096))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process") (loop $on BODY (br $on)))
  (func (export "on_close")))"#;

/// Writes how many lines it has written, a hundred times a second at most.
const NEIGHBOUR: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $lines (mut i32) (i32.const 0))
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process") (local $left i32) (local $at i32)
    (drop (call $next (i32.const 0) (i32.const 8)))
    (drop (call $sleep (i32.const 10)))
    (global.set $lines (i32.add (global.get $lines) (i32.const 1)))
    (local.set $left (global.get $lines))
    (local.set $at (i32.const 48))
    (loop $more
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $left) (i32.const 10))))
      (br_if $more (local.tee $left (i32.div_u (local.get $left) (i32.const 10)))))
    (drop (call $log (local.get $at) (i32.sub (i32.const 48) (local.get $at))))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_close")))"#;

/// The bound of a file of the log.
const FILE_BYTES: u64 = 8 << 20;
/// Entries that a space may write in a second, for long.
const A_SECOND: u64 = 1000;
const BYTES_A_SECOND: u64 = 128 << 10;

/// The numbers that the neighbour wrote, of lines as `space logs` shows them.
fn numbers(said: &str) -> Vec<u64> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("neighbour"));
    lines.filter_map(|line| line.split_once("| ")?.1.parse().ok()).collect()
}

fn are_all_there(numbers: &[u64]) -> bool {
    numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// What the files of the log hold, each line an entry.
fn lines_of(folder: &Path) -> Vec<String> {
    let text = ["log.old", "log"].map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default());
    text.iter().flat_map(|text| text.lines().map(str::to_owned)).collect()
}

fn entry(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}

fn number(entry: &Value, name: &str) -> u64 {
    entry[name].as_u64().expect("a number")
}

/// Waits until so many spaces were told to wait: the number of what was said to each.
fn told(folder: &Path, spaces: usize) -> BTreeMap<String, u64> {
    let end = Instant::now() + 2 * PATIENCE;
    let mut told = BTreeMap::new();
    // What a space says afterwards takes what it was told out of the files some time later.
    while told.len() < spaces {
        assert!(Instant::now() < end, "only these were told: {told:?}");
        for line in lines_of(folder).iter().filter(|line| line.contains("[quota-log]")) {
            if let Some(entry) = entry(line) {
                told.insert(entry["space"].as_str().unwrap_or_default().to_owned(), number(&entry, "number"));
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    told
}

/// The most memory that a process had, in bytes.
fn most_memory(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[test]
fn who_writes_without_end_waits_and_takes_nothing_from_others() {
    // Short lines, long ones, and messages to nobody: one name after the other, so that an event tells of each.
    let floods = [
        ("lines", "(drop (call $log (i32.const 0) (i32.const 1)))"),
        ("bytes", "(drop (call $log (i32.const 64) (i32.const 4000)))"),
        ("more-bytes", "(drop (call $log (i32.const 64) (i32.const 4096)))"),
        (
            "events",
            "(global.set $to (i32.rem_u (i32.add (global.get $to) (i32.const 1)) (i32.const 26)))
             (i32.store8 (i32.const 0) (i32.add (i32.const 97) (global.get $to)))
             (drop (call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)))",
        ),
    ];
    let modules = floods.map(|(_, body)| FLOOD.replace("BODY", body));
    let named =
        floods.iter().zip(&modules).map(|((name, _), module)| ((*name).to_owned(), module.as_str(), ""));
    let mut spaces: Vec<_> = named.collect();
    spaces.push(("neighbour".to_owned(), NEIGHBOUR, ""));
    let house = Crowd::new(&spaces);
    house.0.call("app", &["up", "--detach"]).succeeds();
    let followed = house.0.path("followed");
    let mut follower = house.0.command("app", &["logs", "-f", "neighbour"]);
    let out = File::create(&followed).expect("a file");
    let mut follower = follower.stdout(out).stderr(Stdio::null()).spawn().expect("it starts");
    let folder = house.0.path("home/applications/quota");
    let told = told(&folder, floods.len());
    let written = |house: &Crowd| {
        numbers(&house.0.call("app", &["logs", "neighbour", "--lines", "1000000"]).succeeds())
    };
    let before = written(&house).last().copied().unwrap_or_default();
    house.until("the neighbour goes on", |house| {
        written(house).last().is_some_and(|last| *last > before + 50)
    });
    let numbers_now = written(&house);
    assert_eq!(numbers_now.first(), Some(&1), "its first lines are there");
    assert!(are_all_there(&numbers_now), "all of its lines are there");
    let was_followed = || numbers(&fs::read_to_string(&followed).expect("it is there"));
    house.until("the follower has them", |_| was_followed().last() >= numbers_now.last());
    follower.kill().expect("it ran");
    follower.wait().expect("it ends");
    assert!(are_all_there(&was_followed()), "who follows it misses none: {:?}", was_followed());

    for name in ["log", "log.old"] {
        let bytes = fs::metadata(folder.join(name)).map_or(0, |file| file.len());
        assert!((1..=FILE_BYTES).contains(&bytes), "{name}: {bytes}");
    }
    let memory = most_memory(&house.0.parent());
    assert!(memory < 256 << 20, "the parent took {} MiB", memory >> 20);
    let entries: Vec<Value> = lines_of(&folder).iter().filter_map(|line| entry(line)).collect();
    for (space, _) in floods {
        assert_eq!(house.space(space)["state"], "running", "{space}");
        let of_it = entries.iter().filter(|entry| entry["space"] == space);
        let since: Vec<_> = of_it.filter(|entry| number(entry, "number") >= told[space]).collect();
        let (Some(first), Some(last)) = (since.first(), since.last()) else {
            panic!("{space} says nothing more")
        };
        let seconds = (number(last, "time") - number(first, "time")) / 1000 + 2;
        let bytes: usize = since.iter().map(|entry| entry["text"].as_str().map_or(0, str::len)).sum();
        let written = (since.len() as u64, bytes as u64);
        assert!(written.0 <= seconds * A_SECOND, "{space}: {written:?} in {seconds} s");
        assert!(written.1 <= seconds * BYTES_A_SECOND, "{space}: {written:?} in {seconds} s");
    }
}
