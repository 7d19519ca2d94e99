//! Guests that end themselves with 0, the same modules on both hosts: nothing more of them is called, they are stopped, and
//! a machine on which nothing is left to run ends well. QEMU must be installed.

mod common;

use common::house::PATIENCE;
use common::{Place, Said};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Instant;

/// Says a word in each function of its life, and ends in one of them.
fn module(ends: &str, before: &str) -> String {
    let end = |function: &str| if function == ends { "(call $exit (i32.const 0))" } else { "" };
    let [init, process] = ["on_init", "on_process"].map(end);
    format!(
        r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "begunmoreclosed") {before}
  (func (export "on_init")
    (drop (call $again (i32.const 0) (i32.const 5)))
    (drop (call $log (i32.const 0) (i32.const 5))) {init})
  (func (export "on_process") (drop (call $log (i32.const 5) (i32.const 4))) {process})
  (func (export "on_close") (drop (call $log (i32.const 9) (i32.const 6)))))"#
    )
}

/// One ends as it begins; the other's program has ended before, and it ends with its first message.
fn application(place: &Place) {
    let head = "apiVersion: samoza/v1\nkind: ";
    let program = r#"(func (export "_start") (call $exit (i32.const 0)))"#;
    let spaces = [("once", "on_init", "", "never"), ("later", "on_process", program, "on-failure")];
    let mut described = String::new();
    for (name, ends, before, policy) in spaces {
        let space = format!("{head}Space\nmetadata:\n  name: {name}\ntype: DATA\npersistence: {{}}\n");
        place.write(&format!("app/spaces/{name}/space.yaml"), space);
        let module = wat::parse_str(module(ends, before)).expect("the module is text");
        place.write(&format!("app/spaces/{name}/core.wasm"), module);
        writeln!(
            described,
            "  - name: {name}\n    type: DATA\n    capabilities: [sys.log, net.emit_to]\n    restart:\n      policy: {policy}"
        )
        .expect("a string takes it");
    }
    let manifest = format!(
        "{head}MEX\nmetadata:\n  name: ending\n  version: 1.0.0\n  publisher: tests\n  \
         created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n    - once\n    - later\n"
    );
    place.write("app/manifest.yaml", manifest);
    place.write(
        "app/topology.yaml",
        format!("{head}Topology\nmetadata:\n  name: ending\nspaces:\n{described}"),
    );
}

/// What a space said.
fn said<'o>(out: &'o str, space: &str) -> Vec<&'o str> {
    let parts = out.lines().filter_map(|one| one.split_once('|'));
    parts.filter(|(who, _)| who.trim() == space).map(|(_, what)| what.trim()).collect()
}

fn judge(out: &str) {
    assert_eq!((said(out, "once"), said(out, "later")), (vec!["begun"], vec!["begun", "more"]), "{out}");
}

#[test]
fn spaces_that_ended_with_0_are_stopped_on_linux() {
    let place = Place::new();
    application(&place);
    place.call("app", &["up", "--detach"]).succeeds();
    let until = Instant::now() + PATIENCE;
    let application = loop {
        let said = place.call("app", &["ps", "--json"]).succeeds();
        let all: Value = serde_json::from_str(&said).expect("it is JSON");
        if all["applications"][0]["state"] == "stopped" {
            break all["applications"][0].clone();
        }
        assert!(Instant::now() < until, "not in time:\n{}", place.call("app", &["status"]).out);
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let out = place.call("app", &["logs"]).succeeds();
    place.kill_parent();
    for space in application["spaces"].as_array().expect("spaces") {
        assert_eq!((&space["state"], &space["reason"]), (&"stopped".into(), &"it ended".into()), "{space}");
    }
    judge(&out);
}

#[test]
fn a_machine_whose_spaces_ended_with_0_ends_well() {
    let place = Place::new();
    application(&place);
    let Said { code, out, err } = place.call("", &["boot", "--timeout", "2m", "app"]);
    assert_eq!(code, Some(0), "{out}{err}");
    for space in ["once", "later"] {
        assert!(out.contains(&format!("zrms: {space} stopped: it ended\n")), "{out}");
    }
    assert!(!err.contains("status"), "{err}");
    judge(&out);
}

#[test]
fn a_guest_that_ended_with_0_is_not_called_again() {
    let place = Place::new();
    let module = r#"(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const 0)))
      (func (export "on_init") (call $exit (i32.const 0)))
      (func (export "on_close") (result i32) (i32.const -9)))"#;
    place.write("guest.wasm", wat::parse_str(module).expect("the module is text"));
    for command in ["run", "boot"] {
        place.call("", &[command, "guest.wasm"]).succeeds();
    }
}
