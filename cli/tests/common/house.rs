//! An application of three spaces whose guests are text, and the parent that runs it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use super::{Place, Said};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long something may take that is waited for.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub const MANIFEST: &str = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: clockwork\n  version: 1.0.0\n  \
                        publisher: tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  \
                        spaces:\n    - page\n    - store\n    - ticker\n";
pub const TOPOLOGY: &str = "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: clockwork\nspaces:\n  \
                        - name: page\n    type: UI\n  - name: store\n    type: DATA\n    \
                        capabilities: [data.read, data.write, sys.log]\n  - name: ticker\n    type: IO\n    \
                        capabilities: [sys.log, sys.sleep, net.recv_next]\npaths:\n  - from: ticker\n    to: store\n    \
                        name: values\n  - from: ticker\n    to: page\n    name: readings\n";

/// Says what it kept, and keeps whatever comes.
pub const STORE: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "kept ")
  (data (i32.const 100) "closing")
  (func (export "on_init") (local i32)
    (local.set 0 (call $get (i32.const 0) (i32.const 4) (i32.const 5) (i32.const 32)))
    (if (i32.gt_s (local.get 0) (i32.const 0))
      (then (drop (call $log (i32.const 0) (i32.add (local.get 0) (i32.const 5)))))
      (else (drop (call $log (i32.const 0) (i32.const 4))))))
  (func (export "on_process")
    (drop (call $put (i32.const 0) (i32.const 4) (i32.const 200)
      (call $next (i32.const 200) (i32.const 32)))))
  (func (export "on_close") (drop (call $log (i32.const 100) (i32.const 7)))))"#;

/// Sends a message to both others, and to itself, over and over.
pub const TICKER: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "valuesreadingstick")
  (func (export "on_init")
    (drop (call $log (i32.const 14) (i32.const 4)))
    (drop (call $again (i32.const 14) (i32.const 4))))
  (func (export "on_process") (local i32)
    (local.set 0 (call $next (i32.const 64) (i32.const 32)))
    (drop (call $sleep (i32.const 20)))
    (drop (call $emit (i32.const 0) (i32.const 6) (i32.const 64) (local.get 0)))
    (drop (call $emit (i32.const 6) (i32.const 8) (i32.const 64) (local.get 0)))
    (drop (call $again (i32.const 64) (local.get 0))))
  (func (export "on_close")))"#;

/// An application's folder, and the parent that is gone with it.
pub struct House(pub Place);

impl House {
    pub fn new() -> Self {
        let house = Self(Place::new());
        let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name:";
        house.0.write("app/manifest.yaml", MANIFEST);
        house.0.write("app/topology.yaml", TOPOLOGY);
        house.0.write("app/spaces/page/index.html", "<!doctype html><title>page</title>");
        house
            .0
            .write("app/spaces/store/space.yaml", format!("{head} store\ntype: DATA\npersistence: {{}}\n"));
        let sensors = "sensors:\n  - id: clock\n    type: clock\n";
        house.0.write("app/spaces/ticker/space.yaml", format!("{head} ticker\ntype: IO\n{sensors}"));
        house.module("store", STORE);
        house.module("ticker", TICKER);
        house
    }

    pub fn module(&self, space: &str, text: &str) {
        let bytes = wat::parse_str(text).expect("the module is text");
        self.0.write(&format!("app/spaces/{space}/core.wasm"), bytes);
    }

    pub fn call(&self, arguments: &[&str]) -> Said {
        self.0.call("app", arguments)
    }

    pub fn up(&self) -> String {
        self.call(&["up", "--detach"]).succeeds()
    }

    /// The application as `space ps` tells it.
    pub fn application(&self) -> Value {
        self.0.application("app")
    }

    pub fn space(&self, name: &str) -> Value {
        let application = self.application();
        let spaces = application["spaces"].as_array().expect("spaces").clone();
        spaces.into_iter().find(|space| space["name"] == name).unwrap_or_default()
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "not in time: {what}\n{}", self.call(&["status"]).out);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}
