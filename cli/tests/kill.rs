//! The parent and the process of spaces are killed at random points under load: what was acknowledged is there, in order.
//! `SPACE_KILLS` is how often.

mod common;

use common::Place;
use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const KILLS: u64 = 6;
/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

const MANIFEST: &str = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: chain\n  version: 1.0.0\n  \
                        publisher: tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  \
                        spaces:\n    - sink\n    - source\n";
const TOPOLOGY: &str = "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: chain\nspaces:\n  \
                        - name: sink\n    type: DATA\n    capabilities: [sys.log]\n    restart:\n      policy: always\n      attempts: 1000\n      window: 1s\n      backoff: 1ms\n      backoffMax: 10ms\n  \
                        - name: source\n    type: DATA\n    \
                        capabilities: [data.read, data.write, sys.log, net.recv_next]\n    restart:\n      policy: always\n      attempts: 1000\n      window: 1s\n      backoff: 1ms\n      backoffMax: 10ms\n\
                        paths:\n  - from: source\n    to: sink\n    name: values\n";

/// Sends the next number, and says so when it is taken: what it says it was told. What it sends next it keeps, so that no
/// number is sent twice.
const SOURCE: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "values")
  (data (i32.const 16) "sent 00000000")
  (global $number (mut i32) (i32.const 0))
  (global $batch (mut i32) (i32.const 0))
  ;; The number as eight letters from `a` on, at 21.
  (func $write (local $at i32)
    (loop $each
      (i32.store8 (i32.add (i32.const 21) (local.get $at))
        (i32.add (i32.const 97) (i32.and (i32.const 15)
          (i32.shr_u (global.get $number) (i32.sub (i32.const 28) (i32.mul (i32.const 4) (local.get $at)))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $at) (i32.const 8)))))
  (func (export "on_init")
    (drop (call $get (i32.const 0) (i32.const 1) (i32.const 64) (i32.const 4)))
    (global.set $number (i32.load (i32.const 64)))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process")
    (drop (call $next (i32.const 128) (i32.const 16)))
    ;; Numbers are reserved many at a time.
    (if (i32.eqz (global.get $batch)) (then
      (global.set $batch (i32.const 64))
      (i32.store (i32.const 64) (i32.add (global.get $number) (i32.const 64)))
      (if (call $put (i32.const 0) (i32.const 1) (i32.const 64) (i32.const 4)) (then unreachable))))
    (call $write)
    (if (i32.eqz (call $emit (i32.const 0) (i32.const 6) (i32.const 21) (i32.const 8))) (then
      (drop (call $log (i32.const 16) (i32.const 13)))
      (global.set $batch (i32.sub (global.get $batch) (i32.const 1)))
      (global.set $number (i32.add (global.get $number) (i32.const 1)))))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_close")))"#;

/// Says what it gets.
const SINK: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "got ")
  (func (export "on_init"))
  (func (export "on_process")
    (drop (call $log (i32.const 0) (i32.add (i32.const 4) (call $next (i32.const 4) (i32.const 64))))))
  (func (export "on_close")))"#;

/// An application's folder, and the parent that is gone with it.
struct House(Place);

impl House {
    fn new() -> Self {
        let house = Self(Place::new());
        house.0.write("app/manifest.yaml", MANIFEST);
        house.0.write("app/topology.yaml", TOPOLOGY);
        for (space, module) in [("sink", SINK), ("source", SOURCE)] {
            let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name:";
            let manifest = format!("{head} {space}\ntype: DATA\npersistence: {{}}\n");
            house.0.write(&format!("app/spaces/{space}/space.yaml"), manifest);
            let bytes = wat::parse_str(module).expect("the module is text");
            house.0.write(&format!("app/spaces/{space}/core.wasm"), bytes);
        }
        house
    }

    fn up(&self) {
        self.0.call("app", &["up", "--detach"]).succeeds();
    }

    fn kill_child(&self) {
        let children = Command::new("pgrep").args(["-P", &self.0.parent()]).output().expect("pgrep runs");
        for child in String::from_utf8_lossy(&children.stdout).split_whitespace() {
            // It may have ended meanwhile.
            let _ = Command::new("kill").args(["-KILL", child]).stderr(Stdio::null()).status();
        }
    }
}

/// What the spaces have said, followed in the log, whose file becomes an older one when it is full.
struct Said {
    path: PathBuf,
    file: Option<File>,
    /// What was read of a line whose end is not there yet.
    begun: Vec<u8>,
    sent: Vec<String>,
    got: Vec<String>,
}

impl Said {
    fn new(house: &House) -> Self {
        let path = house.0.path("home/applications/chain/log");
        Self { path, file: None, begun: Vec::new(), sent: Vec::new(), got: Vec::new() }
    }

    /// Reads what is new.
    fn read(&mut self) {
        self.read_file();
        let inode = |file: &File| file.metadata().map_or(0, |data| data.ino());
        let Ok(now) = File::open(&self.path) else { return };
        if self.file.as_ref().is_none_or(|file| inode(file) != inode(&now)) {
            // The older one may have got its last lines meanwhile.
            self.read_file();
            self.file = Some(now);
            self.read_file();
        }
    }

    fn read_file(&mut self) {
        let Some(file) = &mut self.file else { return };
        file.read_to_end(&mut self.begun).expect("the log is read");
        let end = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.begun.drain(..end).collect();
        for line in lines.split(|byte| *byte == b'\n') {
            // A line that was cut off with the parent is none.
            let Ok(entry) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
            let text = entry["text"].as_str().unwrap_or_default();
            if let Some(number) = text.strip_prefix("sent ") {
                self.sent.push(number.to_owned());
            } else if let Some(number) = text.strip_prefix("got ") {
                self.got.push(number.to_owned());
            }
        }
    }

    /// How many were sent, by now.
    fn count(&mut self) -> usize {
        self.read();
        self.sent.len()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

#[test]
fn what_was_acknowledged_outlives_any_process() {
    let kills = env::var("SPACE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let house = House::new();
    let mut said = Said::new(&house);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64) | 1;
    let mut random = seed;
    let mut below = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut before = 0;
    for kill in 0..kills {
        house.up();
        let end = Instant::now() + PATIENCE;
        let least = before + 1 + below(20) as usize;
        // Under load: it goes on after each kill.
        while said.count() < least {
            assert!(Instant::now() < end, "it does not go on after {kill} kills, seed {seed}");
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_micros(below(20_000)));
        if kill % 2 == 0 {
            house.0.kill_parent();
        } else {
            house.kill_child();
        }
        before = said.count();
        if kill % 2 == 1 {
            // The parent itself starts them again.
            let end = Instant::now() + PATIENCE;
            while said.count() == before {
                assert!(Instant::now() < end, "spaces do not run again after {kill} kills, seed {seed}");
                thread::sleep(Duration::from_millis(5));
            }
            house.0.kill_parent();
            before = said.count();
        }
    }
    house.up();
    said.read();
    let sent = said.sent.clone();
    let end = Instant::now() + PATIENCE;
    while sent.iter().max() > said.got.iter().max() {
        assert!(Instant::now() < end, "what was sent does not arrive, seed {seed}");
        thread::sleep(Duration::from_millis(20));
        said.read();
    }
    let got = said.got;
    let mut seen = BTreeSet::new();
    let first: Vec<&String> = got.iter().filter(|one| seen.insert((*one).clone())).collect();
    assert!(first.is_sorted(), "out of order, seed {seed}: {first:?}");
    let lost: Vec<&String> = sent.iter().filter(|one| !seen.contains(*one)).collect();
    assert!(lost.is_empty(), "lost, seed {seed}: {lost:?}");
    println!(
        "{kills} kills: {} sent, {} given, {} of them again",
        sent.len(),
        got.len(),
        got.len() - first.len()
    );
    assert!(sent.len() as u64 > kills, "it was killed before it did anything");
}
