//! What a space may use: more than was stated ends it, by a rule that is named, and those beside it go on.

mod common;

use common::crowd::{Crowd, IDLE};

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

/// Never comes to an end of its first activation.
const BEGINNING: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "on_init") (loop $on (br $on)))
  (func (export "on_process")) (func (export "on_close")))"#;

/// Never comes to an end of its last activation.
const CLOSING: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "on_init")) (func (export "on_process"))
  (func (export "on_close") (loop $on (br $on))))"#;

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

#[test]
fn a_use_beyond_what_is_stated_ends_the_space_by_a_rule() {
    let greedy = [
        ("memory", MEMORY, "memory: 256KiB"),
        ("processor", PROCESSOR, "cpu: 0.1"),
        ("storage", STORAGE, "storage: 2KiB"),
        ("witness", WITNESS, ""),
    ];
    let house = Crowd::new(&greedy.map(|(name, module, resources)| (name.to_owned(), module, resources)));
    // A space that fails at once is told by `up`, too.
    house.0.call("app", &["up", "--detach"]);
    for (space, rule) in
        [("memory", "[quota-memory]"), ("processor", "[quota-cpu]"), ("storage", "[quota-storage]")]
    {
        let is_ended = |house: &Crowd| {
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
fn an_activation_that_takes_too_long_ends_the_space_alone() {
    let spaces = [
        ("begins", BEGINNING, "cpu: 0.05"),
        ("processes", PROCESSOR, "cpu: 0.05"),
        ("closes", CLOSING, ""),
        ("stuck", BEGINNING, ""),
        ("witness", WITNESS, ""),
    ];
    let house = Crowd::new(&spaces.map(|(name, module, resources)| (name.to_owned(), module, resources)));
    house.0.call("app", &["up", "--detach"]);
    for space in ["begins", "processes"] {
        house.until(&format!("`{space}` is ended"), |house| {
            house.space(space)["reason"].as_str().is_some_and(|reason| reason.contains("[quota-cpu]"))
        });
        assert_eq!(house.space(space)["state"], "failed");
    }
    // What is asked to end, and does not, is ended; what it was asked for follows.
    let first = house.space("closes")["instance"].clone();
    house.0.call("app", &["restart", "closes"]).succeeds();
    house.until("it is ended by its rule", |house| {
        let events = house.0.call("app", &["events"]).succeeds();
        events.lines().any(|line| line.starts_with("closes ") && line.contains("[deadline-close]"))
    });
    house.until("it runs again", |house| house.space("closes")["state"] == "running");
    assert_ne!(house.space("closes")["instance"], first);
    // Nothing is stated of what does not begin: it waits for whoever ends it.
    assert_eq!(
        (house.space("stuck")["state"].clone(), house.space("stuck")["reason"].clone()),
        ("pending".into(), "it begins".into())
    );
    house.0.call("app", &["kill", "stuck"]).succeeds();
    house.until("it is ended", |house| house.space("stuck")["state"] == "failed");
    let before = house.sent();
    house.until("the witness goes on", |house| house.sent() > before + 10);
    assert_eq!(house.space("witness")["state"], "running");
}

#[test]
fn what_is_not_stated_is_refused_and_ends_nobody() {
    let house = Crowd::new(&[
        ("greedy".to_owned(), PROCESSOR, ""),
        ("memory".to_owned(), MEMORY, ""),
        ("steady".to_owned(), PROCESSOR, "cpu: 1"),
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
    for space in ["greedy", "memory", "steady", "witness"] {
        assert_eq!(house.space(space)["state"], "running", "{space}");
    }
    // Who has a share may use it, and goes before those who have none.
    let events = house.0.call("app", &["events"]).succeeds();
    let last = |space: &str| events.lines().any(|line| line.starts_with(space) && line.contains("go first"));
    assert!(last("greedy ") && !last("steady "), "{events}");
}

#[test]
fn a_thousand_spaces_run_each_with_its_memory() {
    let spaces: Vec<_> = (0..1000).map(|number| (format!("space-{number}"), IDLE, "")).collect();
    let house = Crowd::new(&spaces);
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
