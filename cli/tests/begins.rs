//! A space runs once it has begun, on both hosts. QEMU must be installed.

mod common;

use common::crowd::{Crowd, IDLE};
use std::process::Stdio;

/// Never comes out of its beginning.
const STUCK: &str = r#"(module
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (loop $on (drop (call $sleep (i32.const 100))) (br $on)))
  (func (export "on_process")) (func (export "on_close")))"#;

fn application() -> Crowd {
    Crowd::new(&[("idle".to_owned(), IDLE, ""), ("stuck".to_owned(), STUCK, "")])
}

#[test]
fn a_space_that_never_begins_does_not_run_on_linux() {
    let house = application();
    let mut up = house.0.command("app", &["up"]);
    let mut up = up.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    house.until("the other runs", |house| house.space("idle")["state"] == "running");
    let stuck = house.space("stuck");
    up.kill().expect("it waits for the space that never begins");
    up.wait().expect("it ends");
    assert_eq!((&stuck["state"], &stuck["reason"]), (&"pending".into(), &"it begins".into()));
}

#[test]
fn a_space_that_never_begins_does_not_run_on_the_nanokernel() {
    let house = application();
    let out = house.0.call("", &["boot", "--for", "3s", "app"]).succeeds();
    assert!(out.contains("zrms: idle running: it runs\n"), "{out}");
    assert!(out.contains("zrms: stuck pending: it begins\n"), "{out}");
    assert!(!out.contains("zrms: stuck running"), "{out}");
}
