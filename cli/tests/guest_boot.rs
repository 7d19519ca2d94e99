//! Guests on the nanokernel: they do what they do on Linux. QEMU must be installed.

mod common;

use common::Place;

/// Uses what the library of a guest serves, and checks it: memories, tables, values, calls by reference and in cells,
/// the end of a start from deep inside.
const MANY: &str = include_str!("guests/many.wat");
/// What `MANY` needs.
const MANY_GRANTS: &str = "data.read,data.write,data.list,data.delete,node.info";

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
    let (run, boot) = (call("run"), call("boot"));
    assert_eq!((boot.code, &boot.out, &boot.err), (run.code, &run.out, &run.err));
    boot
}

#[test]
fn everything_that_a_guest_may_ask_for_is_served() {
    let said = same(MANY, &["--grant", MANY_GRANTS], &[]);
    assert_eq!(said.succeeds(), "start\nby table\ninit\nclose\n");
}

#[test]
fn a_guest_without_a_topology_gets_its_own_messages() {
    let said = same(include_str!("guests/mail.wat"), &["--grant", "net.emit_to,net.recv_next"], &[]);
    let info = |id: u32, answers: &str| {
        format!("{{\"from\":\"@self\",\"path\":\"\",\"id\":\"{id}\",\"answers\":{answers},\"time\":0}}\n")
    };
    let (first, second, answer) = (info(1, "null"), info(2, "null"), info(3, "\"1\""));
    assert_eq!(said.succeeds(), format!("init\nfirst\n{first}second\n{second}answer\n{answer}close\n"));
}

#[test]
fn what_a_guest_may_not_have_is_refused_in_the_same_words() {
    let memory =
        |pages: u32| format!(r#"(module (memory (export "memory") {pages}) (func (export "on_init")))"#);
    let large = same(&memory(40_000), &[], &[]);
    large.refuses(1, "error[guest-memory]: a memory begins with 2621440000 bytes; 1073741824 are allowed");
    same(&memory(2), &["--memory", "64KiB"], &[]).refuses(1, "131072 bytes; 65536 are allowed");
    let log = r#"(module (import "sys" "log" (func (param i32 i32) (result i32))) (memory 1)
        (func (export "on_init") (drop (call 0 (i32.const 0) (i32.const 0)))))"#;
    same(log, &[], &[])
        .refuses(1, "`sys.log` takes addresses, and the module exports no memory named `memory`");
}

#[test]
fn fuel_and_time_end_a_guest_in_the_same_words() {
    let line = |body: &str| {
        format!(
            r#"(module (import "sys" "log" (func $log (param i32 i32) (result i32)))
              (memory (export "memory") 1) (data (i32.const 0) "begun")
              (func (export "on_init") (drop (call $log (i32.const 0) (i32.const 5))) {body}))"#
        )
    };
    let none = same(&line(""), &["--fuel", "0"], &[]);
    assert_eq!((none.code, none.out.as_str()), (Some(3), ""));
    let late = same(&line("(loop (br 0))"), &["--timeout", "3s"], &[]);
    assert_eq!((late.code, late.out.as_str()), (Some(3), "begun\n"));
    assert!(
        late.err.contains("error[guest-trap]: the guest trapped: interrupted: its time is over"),
        "{}",
        late.err
    );
}

#[test]
fn the_time_without_its_capability_is_that_of_the_start() {
    let text = r#"(module
      (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (drop (call $time (i32.const 0) (i64.const 0) (i32.const 8)))
        (if (i64.lt_u (i64.load (i32.const 8)) (i64.const 1700000000000000000))
          (then (call $exit (i32.const 9))))))"#;
    same(text, &[], &[]).succeeds();
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

/// Loads: operator and bytes.
const LOADS: &[(&str, u64)] = &[
    ("i32.load8_u", 1),
    ("i32.load16_s", 2),
    ("i32.load", 4),
    ("i64.load8_s", 1),
    ("i64.load32_u", 4),
    ("i64.load", 8),
    ("f32.load", 4),
    ("f64.load", 8),
    ("v128.load", 16),
    ("v128.load8x8_s", 8),
    ("v128.load32_splat", 4),
    ("v128.load64_zero", 8),
];
/// Stores: operator, value and bytes.
const STORES: &[(&str, &str, u64)] = &[
    ("i32.store8", "i32.const 7", 1),
    ("i32.store16", "i32.const 7", 2),
    ("i32.store", "i32.const 7", 4),
    ("i64.store8", "i64.const 7", 1),
    ("i64.store32", "i64.const 7", 4),
    ("i64.store", "i64.const 7", 8),
    ("f32.store", "f32.const 7", 4),
    ("f64.store", "f64.const 7", 8),
    ("v128.store", "v128.const i64x2 7 7", 16),
];
/// Bodies that try to leave in other ways, and how they are stopped.
const OTHERS: &[(&str, &[&str])] = &[
    (
        "out of bounds memory access",
        &[
            "(memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))",
            "(memory.fill (i32.const -1) (i32.const 1) (i32.const -1))",
            "(memory.copy (i32.const 0) (i32.const 65535) (i32.const 2))",
            "(memory.copy (i32.const -1) (i32.const 0) (i32.const 1))",
            "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 5))",
            "(memory.init $d (i32.const 0) (i32.const 4) (i32.const -1))",
            "(memory.init $d (i32.const 65535) (i32.const 0) (i32.const 2))",
        ],
    ),
    (
        "out of bounds table access",
        &[
            "(table.fill $t (i32.const 3) (ref.null func) (i32.const 2))",
            "(table.copy $t $t (i32.const 0) (i32.const -1) (i32.const 2))",
            "(table.init $t $e (i32.const 0) (i32.const 1) (i32.const 1))",
            "(drop (table.get $t (i32.const 4)))",
            "(table.set $t (i32.const -1) (ref.null func))",
            "(call_indirect $t (type $plain) (i32.const 4))",
            "(call_indirect $t (type $plain) (i32.const -1))",
            "(call_indirect $t (type $plain) (i32.const 0x40000001))",
        ],
    ),
    ("uninitialized element", &["(call_indirect $t (type $plain) (i32.const 0))"]),
    ("indirect call type mismatch", &["(drop (call_indirect $t (type $one) (i64.const 1) (i32.const 1)))"]),
    // Of functions that call each other, the one that meets the stack's end is each host's own.
    ("call stack exhausted", &["(call $deep)", "(drop (call $wide (v128.const i64x2 1 2)))"]),
];

/// An index and an offset with which an access of so many bytes does not stay in one page of memory.
fn outside(number: usize, width: u64) -> (u64, u64) {
    const BYTES: u64 = 65_536;
    let most = u64::from(u32::MAX);
    let places = [
        (BYTES - width + 1, 0),
        (0, BYTES - width + 1),
        (BYTES / 2, BYTES / 2),
        (BYTES, 0),
        (most, 0),
        (0, most),
        (most, most),
        (most - width + 1, 1),
        (1 << 31, 1 << 31),
        (0x7fff_ffff, 0x7fff_ffff),
    ];
    places[number % places.len()]
}

#[test]
fn guests_that_try_to_leave_are_stopped_as_on_linux() {
    let loads = LOADS.iter().enumerate().map(|(number, (operator, width))| {
        let (index, offset) = outside(number, *width);
        format!("(drop ({operator} offset={offset} (i32.const {index})))")
    });
    let stores = STORES.iter().enumerate().map(|(number, (operator, value, width))| {
        let (index, offset) = outside(number, *width);
        format!("({operator} offset={offset} (i32.const {index}) ({value}))")
    });
    let accesses = loads.chain(stores).map(|body| ("out of bounds memory access", body));
    let others =
        OTHERS.iter().flat_map(|(words, bodies)| bodies.iter().map(|body| (*words, (*body).to_owned())));
    let mut stopped = 0;
    for (words, body) in accesses.chain(others) {
        let text = format!(
            r#"(module
              (type $plain (func)) (type $one (func (param i64) (result f64)))
              (memory (export "memory") 1 1) (data $d "abcd")
              (table $t 4 4 funcref) (elem (table $t) (i32.const 1) func $plain) (elem $e func $plain)
              (func $plain)
              (func $deep (call $deep))
              (func $wide (param v128) (result v128)
                (i8x16.add (call $wide (i8x16.neg (local.get 0))) (local.get 0)))
              (func $leave {body})
              (func (export "_start") (call $leave)))"#
        );
        let said = same(&text, &[], &[]);
        assert!(said.code == Some(3) && said.err.contains(words), "{body}: {}", said.err);
        stopped += 1;
    }
    assert!(stopped >= 30, "{stopped}");
}
