//! An application that works without an end takes no more memory, descriptors and disk as time goes by. `SPACE_SOAK_SECONDS`
//! is how long it is looked at.

mod common;

use common::Place;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const SECONDS: u64 = 6;
/// Looks at what is used.
const LOOKS: u32 = 120;
/// Bytes of memory that are no growth: what is kept for a while by some hundred messages in a second.
const CHANCE: u64 = 8 << 20;
/// Seconds after which every file has been as long as it gets: journals are written anew, and logs in two halves.
const LONG: u64 = 600;
/// Bytes on the disk: lines, events, the journal at its longest twice, values, the package.
const DISK_MAX: u64 = 96 << 20;

const MANIFEST: &str = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: mill\n  version: 1.0.0\n  \
                        publisher: tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  \
                        spaces:\n    - flaky\n    - keeper\n    - source\n";
const TOPOLOGY: &str = "apiVersion: samoza/v1
kind: Topology
metadata:
  name: mill
spaces:
  - name: flaky
    type: DATA
    capabilities: [net.recv_next]
    restart:
      policy: always
      attempts: 1000
      window: 1s
      backoff: 100ms
      backoffMax: 100ms
  - name: keeper
    type: DATA
    capabilities: [data.read, data.write, data.delete, sys.log, net.recv_next, net.emit_to]
  - name: source
    type: DATA
    capabilities: [sys.sleep, net.recv_next, net.emit_to]
paths:
  - from: source
    to: keeper
    name: values
  - from: source
    to: flaky
    name: trouble
";

/// Sends some hundred messages in a second, each 64th to who fails, and takes the answers.
const SOURCE: &str = r#"(module
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "valuestrouble")
  (global $count (mut i32) (i32.const 0))
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process")
    ;; An answer is longer than what it sends itself.
    (if (i32.ne (call $next (i32.const 64) (i32.const 2048)) (i32.const 1)) (then (return)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store (i32.const 64) (global.get $count))
    (drop (call $emit (i32.const 0) (i32.const 6) (i32.const 64) (i32.const 1024)))
    (if (i32.eqz (i32.and (global.get $count) (i32.const 63)))
      (then (drop (call $emit (i32.const 6) (i32.const 7) (i32.const 64) (i32.const 4)))))
    (drop (call $sleep (i32.const 2)))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_close")))"#;

/// Keeps what comes under one of 64 keys, deletes another, says so, and answers.
const KEEPER: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "data" "delete" (func $delete (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "@senderkept, and said so at some length")
  (func (export "on_init"))
  (func (export "on_process") (local $bytes i32)
    (local.set $bytes (call $next (i32.const 64) (i32.const 2048)))
    (i32.store8 (i32.const 48) (i32.add (i32.const 48) (i32.and (i32.load (i32.const 64)) (i32.const 63))))
    (i32.store8 (i32.const 49) (i32.sub (i32.const 111) (i32.and (i32.load (i32.const 64)) (i32.const 63))))
    (if (i32.eqz (i32.and (i32.load (i32.const 64)) (i32.const 15))) (then
      (drop (call $delete (i32.const 49) (i32.const 1)))
      (drop (call $put (i32.const 48) (i32.const 1) (i32.const 64) (local.get $bytes)))))
    (drop (call $log (i32.const 7) (i32.const 32)))
    (drop (call $emit (i32.const 0) (i32.const 7) (i32.const 64) (local.get $bytes))))
  (func (export "on_close")))"#;

/// Fails at each message.
const FLAKY: &str = r#"(module
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init"))
  (func (export "on_process") (drop (call $next (i32.const 0) (i32.const 64))) unreachable)
  (func (export "on_close")))"#;

/// An application's folder, and the parent that is gone with it.
struct Mill(Place);

/// What is used at a time.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    memory: u64,
    descriptors: u64,
    threads: u64,
    disk: u64,
}

impl Mill {
    fn new() -> Self {
        let mill = Self(Place::new());
        mill.0.write("app/manifest.yaml", MANIFEST);
        mill.0.write("app/topology.yaml", TOPOLOGY);
        for (space, module) in [("flaky", FLAKY), ("keeper", KEEPER), ("source", SOURCE)] {
            let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name:";
            mill.0.write(
                &format!("app/spaces/{space}/space.yaml"),
                format!("{head} {space}\ntype: DATA\npersistence: {{}}\n"),
            );
            let bytes = wat::parse_str(module).expect("the module is text");
            mill.0.write(&format!("app/spaces/{space}/core.wasm"), bytes);
        }
        mill
    }

    /// What the parent and its processes use.
    fn usage(&self) -> Use {
        let parent = self.0.parent();
        let children = Command::new("pgrep").args(["-P", &parent]).output().expect("pgrep runs");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let mut all = Use { disk: bytes(&self.0.path("home")), ..Use::default() };
        for process in children.split_whitespace().chain([parent.as_str()]) {
            // A child may be gone by now.
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let number = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
            };
            all.memory += number("VmRSS:") << 10;
            all.threads += number("Threads:");
            all.descriptors +=
                fs::read_dir(format!("/proc/{process}/fd")).map_or(0, |all| all.count() as u64);
        }
        all
    }

    /// Messages that the keeper has taken.
    fn taken(&self) -> u64 {
        let application = self.0.application("app");
        let paths = application["paths"].as_array().expect("paths");
        let path = paths.iter().find(|path| path["name"] == "values").expect("it is there");
        path["taken"].as_u64().expect("a number")
    }

    /// What an operator does beside it.
    fn look_around(&self, round: u32) {
        for command in [["ps", "--json"].as_slice(), &["status"], &["graph"], &["top", "--once"]] {
            self.holds(command);
        }
        if round.is_multiple_of(5) {
            let other = TOPOLOGY.replace("backoff: 100ms", "backoff: 90ms");
            self.0.write("app/topology.yaml", if round.is_multiple_of(2) { TOPOLOGY } else { &other });
            self.holds(&["topo", "submit"]);
        }
    }

    /// A command succeeds, or says that a space is not well just now, as one never is for long.
    fn holds(&self, command: &[&str]) {
        let said = self.0.call("app", command);
        assert!(matches!(said.code, Some(0 | 3)), "{command:?}: {}{}", said.out, said.err);
    }
}

impl Drop for Mill {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

/// Bytes of the files under a folder.
fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // A file may be replaced meanwhile.
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// The most of each that these used.
fn most(looks: &[Use]) -> Use {
    looks.iter().fold(Use::default(), |most, one| Use {
        memory: most.memory.max(one.memory),
        descriptors: most.descriptors.max(one.descriptors),
        threads: most.threads.max(one.threads),
        disk: most.disk.max(one.disk),
    })
}

#[test]
fn nothing_grows_as_time_goes_by() {
    let seconds = env::var("SPACE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let mill = Mill::new();
    mill.holds(&["up", "--detach"]);
    let (began, time) = (Instant::now(), Duration::from_secs(seconds));
    let (mut looks, mut taken) = (Vec::new(), Vec::new());
    for look in 1..=LOOKS {
        mill.look_around(look);
        looks.push(mill.usage());
        if look.is_multiple_of(LOOKS / 3) {
            taken.push(mill.taken());
        }
        let due = began + time * look / LOOKS;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let third = looks.len() / 3;
    let (before, after) = (most(&looks[third..2 * third]), most(&looks[2 * third..]));
    println!("{seconds} s: at most {before:?} in the second third, {after:?} in the last one");
    let top = mill.0.call("app", &["top", "--once"]).succeeds();
    let events = mill.0.call("app", &["events"]).succeeds();
    assert!(events.contains("unreachable"), "nobody failed:\n{events}");
    assert!(taken.windows(2).all(|pair| pair[0] < pair[1]), "it stands still: {taken:?}");
    assert!(after.memory <= before.memory + before.memory / 10 + CHANCE, "memory grows:\n{top}");
    let grown = after.disk > before.disk + before.disk / 10;
    assert!(seconds < LONG || !grown, "files grow:\n{top}");
    assert!(after.descriptors <= before.descriptors + 8, "descriptors are left open:\n{top}");
    assert!(after.threads <= before.threads + 8, "threads are left:\n{top}");
    assert!(after.disk <= DISK_MAX, "{} bytes lie in files", after.disk);
}
