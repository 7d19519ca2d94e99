//! What a space may use: more than was stated ends it, by a rule that is named, and those beside it go on.

mod common;

use common::Place;
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks for a page of memory for each message, and says what it was told.
const MEMORY: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process")
    (drop (call $next (i32.const 0) (i32.const 8)))
    (drop (memory.grow (i32.const 1)))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_close")))"#;

/// Stores 600 bytes under one key after another.
const STORAGE: &str = r#"(module
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (local $key i32)
    (loop $more
      (i32.store (i32.const 0) (local.get $key))
      (i32.store8 (i32.const 4) (i32.const 97))
      (i32.store (i32.const 0) (i32.add (i32.const 0x61616161) (local.get $key)))
      (drop (call $put (i32.const 0) (i32.const 5) (i32.const 64) (i32.const 600)))
      (local.set $key (i32.add (local.get $key) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $key) (i32.const 8)))))
  (func (export "on_process"))
  (func (export "on_close")))"#;

/// Computes for ever.
const PROCESSOR: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process") (loop $on (br $on)))
  (func (export "on_close")))"#;

/// Sends itself one message after another.
const WITNESS: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "on")
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process")
    (drop (call $next (i32.const 0) (i32.const 8)))
    (drop (call $log (i32.const 8) (i32.const 2)))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_close")))"#;

/// Waits for what never comes.
const IDLE: &str = r#"(module (memory (export "memory") 1)
  (func (export "on_init")) (func (export "on_process")) (func (export "on_close")))"#;

struct House(Place);

impl Drop for House {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

impl House {
    /// An application of spaces: their names, their modules, and what they may use.
    fn new(spaces: &[(String, &str, &str)]) -> Self {
        let house = Self(Place::new());
        let mut manifest = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: quota\n  version: 1.0.0\n  publisher: \
                            tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n"
            .to_owned();
        let mut topology =
            "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: quota\nspaces:\n".to_owned();
        for (name, module, resources) in spaces {
            let of = format!("app/spaces/{name}");
            let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name:";
            house.0.write(
                &format!("{of}/space.yaml"),
                format!("{head} {name}\ntype: DATA\npersistence: {{}}\n"),
            );
            house.0.write(&format!("{of}/core.wasm"), wat::parse_str(module).expect("the module is text"));
            writeln!(manifest, "    - {name}").expect("a string takes it");
            writeln!(
                topology,
                "  - name: {name}\n    type: DATA\n    capabilities: [data.write, sys.log, net.emit_to, \
                 net.recv_next]\n    restart:\n      policy: never"
            )
            .expect("a string takes it");
            if !resources.is_empty() {
                writeln!(topology, "    placement:\n      resources:\n        {resources}")
                    .expect("a string takes it");
            }
        }
        house.0.write("app/manifest.yaml", manifest);
        house.0.write("app/topology.yaml", topology);
        house
    }

    fn application(&self) -> Value {
        let said = self.0.call("app", &["ps", "--json"]).succeeds();
        let all: Value = serde_json::from_str(&said).expect("it is JSON");
        all["applications"][0].clone()
    }

    fn space(&self, name: &str) -> Value {
        let spaces = self.application()["spaces"].as_array().expect("spaces").clone();
        spaces.into_iter().find(|space| space["name"] == name).unwrap_or_default()
    }

    #[track_caller]
    fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "not in time: {what}\n{}", self.0.call("app", &["status"]).out);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How often the witness sent itself a message.
    fn sent(&self) -> u64 {
        let witness = self.space("witness");
        let uses = witness["capabilities"].as_array().expect("capabilities").iter();
        let mut sent = uses.filter(|one| one["name"] == "net.emit_to");
        sent.next().and_then(|one| one["used"].as_u64()).expect("it is counted")
    }
}

#[test]
fn a_use_beyond_what_is_stated_ends_the_space_by_a_rule() {
    let greedy = [
        ("memory", MEMORY, "memory: 256KiB"),
        ("processor", PROCESSOR, "cpu: 0.1"),
        ("storage", STORAGE, "storage: 2KiB"),
        ("witness", WITNESS, ""),
    ];
    let house = House::new(&greedy.map(|(name, module, resources)| (name.to_owned(), module, resources)));
    // A space that fails at once is told by `up`, too.
    house.0.call("app", &["up", "--detach"]);
    for (space, rule) in
        [("memory", "[quota-memory]"), ("processor", "[quota-cpu]"), ("storage", "[quota-storage]")]
    {
        let is_ended = |house: &House| {
            let shown = house.space(space);
            shown["state"] == "failed" && shown["reason"].as_str().is_some_and(|reason| reason.contains(rule))
        };
        house.until(&format!("`{space}` is ended by {rule}"), is_ended);
        let why = house.0.call("app", &["why", space]).succeeds();
        assert!(why.contains(rule), "{why}");
    }
    let before = house.sent();
    house.until("the witness goes on", |house| house.sent() > before + 10);
    assert_eq!(house.space("witness")["state"], "running");
}

#[test]
fn what_is_not_stated_is_refused_and_ends_nobody() {
    let house = House::new(&[
        ("greedy".to_owned(), PROCESSOR, ""),
        ("memory".to_owned(), MEMORY, ""),
        ("witness".to_owned(), WITNESS, ""),
    ]);
    house.0.call("app", &["up", "--detach"]).succeeds();
    house.until("the greedy one goes last", |house| {
        house.0.call("app", &["events"]).succeeds().contains("others go first from now on")
    });
    // 256 MiB, in pages of 64 KiB.
    house.until("the memory is as large as it may be", |house| house.space("memory")["memory"] == 256 << 20);
    let before = house.sent();
    house.until("the witness goes on", |house| house.sent() > before + 10);
    for space in ["greedy", "memory", "witness"] {
        assert_eq!(house.space(space)["state"], "running", "{space}");
    }
}

#[test]
fn a_thousand_spaces_run_each_with_its_memory() {
    let spaces: Vec<_> = (0..1000).map(|number| (format!("space-{number}"), IDLE, "")).collect();
    let house = House::new(&spaces);
    let said = house.0.call("app", &["up", "--detach"]);
    assert!(matches!(said.code, Some(0 | 3)), "{}{}", said.out, said.err);
    house.until("all of them run", |house| house.application()["state"] == "running");
    let application = house.application();
    let spaces = application["spaces"].as_array().expect("spaces");
    assert_eq!(spaces.len(), 1000);
    assert!(spaces.iter().all(|space| space["state"] == "running" && space["memory"] == 64 << 10));
    let said = house.0.call("app", &["ps"]).succeeds();
    assert!(said.contains("1000/1000") && said.contains("64000 KiB"), "{said}");
    // One in the middle goes alone.
    house.0.call("app", &["kill", "space-500"]).succeeds();
    house.until("it is gone", |house| house.space("space-500")["state"] == "failed");
    assert_eq!(house.space("space-501")["state"], "running");
}
