//! Guests on the nanokernel: they do what they do on Linux. QEMU must be installed.

mod common;

use common::Place;

/// Uses what the library of a guest serves, and checks it: memories, tables, values, calls by reference and in cells,
/// the end of a start from deep inside.
const MANY: &str = include_str!("guests/many.wat");
/// What `MANY` needs.
const MANY_GRANTS: &str = "data.read,data.write,data.list,data.delete,node.info";

/// How the kernel's own report of a fault begins.
const FAULT_LINE: &str = "space: fault ";

fn line_after(text: String, line: &str) -> String {
    text + line + "\n"
}

/// Runs a module on Linux and on the nanokernel, which say the same and end the same; gives what they said.
#[track_caller]
fn same(text: &str, options: &[&str], arguments: &[&str]) -> common::Said {
    same_module(&wat::parse_str(text).expect("the module is text"), options, arguments)
}

#[track_caller]
fn same_module(module: &[u8], options: &[&str], arguments: &[&str]) -> common::Said {
    let place = Place::new();
    place.write("guest.wasm", module);
    let call = |command: &str| {
        let mut all = vec![command];
        all.extend(options);
        all.push("guest.wasm");
        if !arguments.is_empty() {
            all.push("--");
            all.extend(arguments);
        }
        place.call("", &all)
    };
    // The first one compiles, and says so.
    call("run");
    let (run, mut boot) = (call("run"), call("boot"));
    boot.out = boot.out.lines().filter(|line| !line.starts_with(FAULT_LINE)).fold(String::new(), line_after);
    assert_eq!((boot.code, &boot.out, &boot.err), (run.code, &run.out, &run.err));
    boot
}

#[test]
fn everything_that_a_guest_may_ask_for_is_served() {
    let said = same(MANY, &["--grant", MANY_GRANTS], &[]);
    assert_eq!(said.succeeds(), "start\nby table\ninit\nclose\n");
}

#[test]
fn a_guest_ends_as_it_does_on_linux() {
    let start = |rest: &str, body: &str| {
        format!(
            r#"(module
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1) (table $t 2 2 funcref) (elem $e func $exit)
              (data (i32.const 8) "whole\n{rest}") (data (i32.const 64) "\08\00\00\00\09\00\00\00")
              (func (export "_start")
                (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 80)))
                {body})
              (func (export "on_init") (result i32) (i32.const -9)))"#
        )
    };
    // What no newline ends is written where the library ends the guest, and where it comes to its end.
    for body in ["(call $exit (i32.const 3))", "(call $exit (i32.const 0))", ""] {
        let said = same(&start("not", body), &[], &[]);
        assert_eq!((said.code, said.out.as_str()), (Some(3), "whole\nnot\n"), "{body}");
    }
    // A trap in the guest's own code ends it at once.
    for body in [
        "(table.init $t $e (i32.const 1) (i32.const 0) (i32.const 2))",
        "(drop (table.grow $t (ref.null func) (i32.const 1)))",
        "(call_indirect (i32.const 0))",
        "(unreachable)",
        "(drop (i32.load (i32.const 65536)))",
    ] {
        let said = same(&start("or\\n", body), &[], &[]);
        assert_eq!((said.code, said.out.as_str()), (Some(3), "whole\nor\n"), "{body}");
    }
}

#[test]
fn arguments_and_environment_arrive() {
    let text = r#"(module
      (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
      (import "sys" "log" (func $log (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (drop (call $args (i32.const 0) (i32.const 100)))
        (drop (call $environ (i32.const 0) (i32.const 120)))
        (drop (call $log (i32.const 106) (i32.const 7)))
        (drop (call $log (i32.const 120) (i32.const 8)))))"#;
    let said = same(text, &["--env", "NAME=you"], &["one", "two"]);
    assert_eq!(said.succeeds(), "one\0two\nNAME=you\n");
}

#[test]
fn a_trap_has_the_line_that_it_has_on_linux() {
    let said = same_module(include_bytes!("../../tests/conformance/lines/divide.wasm"), &[], &[]);
    assert!(said.code == Some(3) && said.err.contains(", divide.c:6:15"), "{}", said.err);
}
