//! Few descriptors: what runs goes on, what was stored is there, and what does not go says what to allow.

mod common;

use common::crowd::{Crowd, IDLE};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Sends itself one message after another.
const WITNESS: &str = r#"(module
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_process")
    (drop (call $next (i32.const 0) (i32.const 8)))
    (drop (call $again (i32.const 0) (i32.const 1))))
  (func (export "on_close")))"#;

/// Says whether it stored something before, and else stores it, and says whether it could.
const KEEPER: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "key found kept refused")
  (func (export "on_init")
    (if (i32.gt_s (call $get (i32.const 0) (i32.const 3) (i32.const 64) (i32.const 8)) (i32.const 0))
      (then (drop (call $log (i32.const 4) (i32.const 5))))
      (else (if (i32.eqz (call $put (i32.const 0) (i32.const 3) (i32.const 4) (i32.const 5)))
        (then (drop (call $log (i32.const 10) (i32.const 4))))
        (else (drop (call $log (i32.const 15) (i32.const 7))))))))
  (func (export "on_process")) (func (export "on_close")))"#;

/// As many as may be open: fewer than there are spaces.
const FEW: &str = "ulimit -n 64";

/// A call of `space` that may have few descriptors open.
fn with_few(house: &Crowd, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{FEW} && exec {} {arguments}", env!("CARGO_BIN_EXE_space"))]);
    command.current_dir(house.0.path("app")).env("SPACE_HOME", house.0.path("home"));
    command
}

fn up_with_few(house: &Crowd) -> String {
    let output = with_few(house, "up --detach").output().expect("it starts");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn nothing_panicked(house: &Crowd) {
    let said = fs::read_to_string(house.0.path("home/zhost.log")).expect("it is there");
    assert!(!said.contains("panicked"), "{said}");
}

fn crowd(module: &str, others: &[(&str, &str)]) -> Crowd {
    let mut spaces: Vec<_> = (0..100).map(|number| (format!("space-{number}"), module, "")).collect();
    spaces.extend(others.iter().map(|(name, module)| ((*name).to_owned(), *module, "")));
    Crowd::new(&spaces)
}

#[test]
fn more_spaces_run_than_descriptors_may_be_open() {
    let house = crowd(IDLE, &[("witness", WITNESS)]);
    let said = up_with_few(&house);
    house.until(&format!("all of them run: {said}"), |house| house.application()["state"] == "running");
    let limits = fs::read_to_string(format!("/proc/{}/limits", house.0.parent())).expect("it runs");
    let most = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("it is told");
    assert_eq!(most.split_ascii_whitespace().next(), Some("64"), "it has few");
    let before = house.sent();
    house.until("the witness goes on", |house| house.sent() > before + 10);
    // Those whose replies go another way are ended and asked like others.
    house.0.call("app", &["kill", "space-99"]).succeeds();
    house.until("it is gone", |house| house.space("space-99")["state"] == "failed");
    for space in ["space-98", "space-2"] {
        let instance = house.space(space)["instance"].clone();
        house.0.call("app", &["restart", space]).succeeds();
        house.until("it runs anew", |house| {
            let shown = house.space(space);
            shown["state"] == "running" && shown["instance"] != instance
        });
    }
    house.0.call("app", &["down"]).succeeds();
    nothing_panicked(&house);
}

#[test]
fn what_was_stored_with_few_descriptors_is_there_and_the_rest_says_what_to_allow() {
    let house = crowd(KEEPER, &[("witness", WITNESS)]);
    let said = up_with_few(&house);
    house.until(&format!("all of them run: {said}"), |house| house.application()["state"] == "running");
    let lines = |house: &Crowd, word: &str| -> Vec<String> {
        let said = house.0.call("app", &["logs"]).succeeds();
        let of = said.lines().filter_map(|line| line.split_once(" | ")).filter(|(_, text)| *text == word);
        of.map(|(space, _)| space.trim().to_owned()).collect()
    };
    let (kept, refused) = (lines(&house, "kept"), lines(&house, "refused"));
    assert_eq!(kept.len() + refused.len(), 100);
    assert!(!kept.is_empty() && !refused.is_empty(), "{} were kept", kept.len());
    let events = house.0.call("app", &["events"]).succeeds();
    for space in &refused {
        let said = events
            .lines()
            .find(|line| line.starts_with(&format!("{space} ")) && line.contains("[descriptors]"));
        let said = said.unwrap_or_else(|| panic!("{space} says nothing: {events}"));
        assert!(said.contains("64 files open") && said.contains("`ulimit -n 4096`"), "{said}");
    }
    nothing_panicked(&house);
    house.0.call("app", &["down"]).succeeds();
    // The parent that may have few goes with its last application.
    house.until("it is gone", |house| house.0.parent().is_empty());
    house.0.call("app", &["up", "--detach"]).succeeds();
    house.until("all of them run", |house| house.application()["state"] == "running");
    let found = lines(&house, "found");
    assert!(kept.iter().all(|space| found.contains(space)), "{kept:?} {found:?}");
    assert_eq!(found.len(), kept.len(), "nobody else had stored anything");
}

#[test]
fn modules_beyond_the_descriptors_say_what_to_allow() {
    // Each has a module of its own, which takes a descriptor where it runs.
    let modules: Vec<String> = (1..=100)
        .map(|pages| format!("{} (data (i32.const 0) \"{pages}\"))", &IDLE[..IDLE.len() - 1]))
        .collect();
    let mut spaces: Vec<_> = modules
        .iter()
        .enumerate()
        .map(|(number, module)| (format!("space-{number}"), module.as_str(), ""))
        .collect();
    spaces.push(("witness".to_owned(), WITNESS, ""));
    let house = Crowd::new(&spaces);
    let said = up_with_few(&house);
    let settled = |house: &Crowd| -> Vec<Value> {
        let application = house.application();
        let spaces = application["spaces"].as_array().cloned().unwrap_or_default();
        let is_settled = |space: &Value| space["state"] == "running" || space["state"] == "failed";
        if spaces.len() == 101 && spaces.iter().all(is_settled) { spaces } else { Vec::new() }
    };
    house.until(&format!("each runs, or says why not: {said}"), |house| !settled(house).is_empty());
    let (run, failed): (Vec<_>, Vec<_>) =
        settled(&house).into_iter().partition(|space| space["state"] == "running");
    assert!(!run.is_empty());
    for space in &failed {
        let reason = space["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("[descriptors]") && reason.contains("`ulimit -n 4096`"), "{space}");
    }
    nothing_panicked(&house);
}
