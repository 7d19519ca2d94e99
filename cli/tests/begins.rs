//! A space runs once it has begun, on both hosts. QEMU must be installed.

mod common;

use common::crowd::{Crowd, IDLE};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Never comes out of its beginning.
const BLOCKED: &str = r#"(module
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (loop $on (drop (call $sleep (i32.const 100))) (br $on)))
  (func (export "on_process")) (func (export "on_close")))"#;

fn application() -> Crowd {
    Crowd::new(&[("blocked".to_owned(), BLOCKED, ""), ("idle".to_owned(), IDLE, "")])
}

#[test]
fn a_space_that_never_begins_does_not_run_on_linux() {
    let house = application();
    let mut up = house.0.command("app", &["up"]);
    let mut up = up.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    house.until("the other runs", |house| house.space("idle")["state"] == "running");
    let blocked = house.space("blocked");
    up.kill().expect("it waits for the space that never begins");
    up.wait().expect("it ends");
    assert_eq!((&blocked["state"], &blocked["reason"]), (&"pending".into(), &"it begins".into()));
}

#[test]
fn a_space_that_never_begins_does_not_run_on_the_nanokernel() {
    let house = application();
    let mut boot = house.0.command("", &["boot", "app"]);
    let mut boot = boot.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let lines = BufReader::new(boot.stdout.take().expect("it is piped")).lines();
    let mut said = Vec::new();
    for line in lines.map(|line| line.expect("it is text")) {
        said.push(line);
        if said.last().is_some_and(|line| line.contains("zrms: idle running")) {
            break;
        }
    }
    boot.kill().expect("it goes on");
    boot.wait().expect("it ends");
    // The other is told of first.
    assert!(said.iter().any(|line| line == "zrms: blocked pending: it begins"), "{said:?}");
    assert!(said.last().is_some_and(|line| line == "zrms: idle running: it runs"), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("zrms: blocked running")), "{said:?}");
}
