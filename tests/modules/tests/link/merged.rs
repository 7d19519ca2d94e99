//! Small modules, merged and run.

use compiler_merge::Input;
use space_host::Trap;
use tests_conformance::image;
use tests_modules::guest::{Guest, Surroundings};

fn merge(main: &str, linked: &[(&str, &str)]) -> Vec<u8> {
    let assemble = |text: &str| wat::parse_str(text).expect("the module is text");
    let linked: Vec<(&str, Vec<u8>)> = linked.iter().map(|(name, text)| (*name, assemble(text))).collect();
    let inputs: Vec<Input<'_>> =
        linked.iter().map(|(name, bytes)| Input { name, file: name, bytes }).collect();
    let main = Input { name: "main", file: "main", bytes: &assemble(main) };
    compiler_merge::merge(main, &inputs).expect("they fit together")
}

fn open_in(with: &Surroundings, main: &str, linked: &[(&str, &str)]) -> Guest {
    let image = image::compile(&merge(main, linked)).expect("compiles");
    with.instantiate(&image).expect("instantiates")
}

fn open(main: &str, linked: &[(&str, &str)]) -> Guest {
    open_in(&Surroundings::new().expect("a store"), main, linked)
}

#[track_caller]
fn gives(guest: &Guest, name: &str, arguments: &[u64], expected: u64) {
    assert_eq!(guest.call(name, arguments).expect("answers"), expected, "{name}");
}

#[test]
fn every_kind_is_bound() {
    let env = r#"(module
        (memory (export "memory") 1)
        (table (export "table") 2 funcref)
        (global (export "constant") i32 (i32.const 40))
        (global $variable (export "variable") (mut i64) (i64.const 7))
        (func $f (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.load (i32.const 8))))
        (func (export "read") (result i64) (global.get $variable))
        (elem (i32.const 1) func $f)
        (data (i32.const 8) "\02"))"#;
    let main = r#"(module
        (type $other (func (result i64)))
        (type $f (func (param i32) (result i32)))
        (import "env" "f" (func $f (param i32) (result i32)))
        (import "env" "read" (func $read (result i64)))
        (import "env" "memory" (memory 1))
        (import "env" "table" (table 1 funcref))
        (import "env" "constant" (global $constant i32))
        (import "env" "variable" (global $variable (mut i64)))
        (global $further i32 (i32.add (global.get $constant) (i32.const 2)))
        (export "memory" (memory 0))
        (export "given" (func $f))
        (func (export "call") (result i32) (call $f (global.get $constant)))
        (func (export "through") (result i32) (call_indirect (type $f) (i32.const 50) (i32.const 1)))
        (func (export "wrong") (call_indirect (i32.const 1)))
        (func (export "further") (result i32) (global.get $further))
        (func (export "store") (i32.store (i32.const 8) (i32.const 100)))
        (func (export "set") (result i64) (global.set $variable (i64.const 9)) (call $read)))"#;
    let guest = open(main, &[("env", env)]);
    gives(&guest, "call", &[], 42);
    gives(&guest, "given", &[5], 7);
    gives(&guest, "through", &[], 52);
    gives(&guest, "further", &[], 42);
    gives(&guest, "set", &[], 9);
    guest.call("store", &[]).expect("stores");
    gives(&guest, "call", &[], 140);
    assert_eq!(guest.read(8, 1).expect("is the export"), [100]);
    let trap = guest.call("wrong", &[]).expect_err("is of another type").to_string();
    assert!(trap.contains("indirect call type mismatch in `wrong`"), "{trap}");
}

#[test]
fn modules_call_each_other() {
    let even = r#"(module
        (import "odd" "odd" (func $odd (param i32) (result i32)))
        (func (export "even") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1)))))"#;
    let odd = r#"(module
        (import "main" "even" (func $even (param i32) (result i32)))
        (func (export "odd") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (return_call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0)))))"#;
    let guest = open(even, &[("odd", odd)]);
    gives(&guest, "even", &[1000], 1);
    gives(&guest, "even", &[77], 0);
}

#[test]
fn a_linked_module_takes_the_main_modules_name() {
    let user = r#"(module (import "main" "f" (func $f (result i32))) (export "f" (func $f)))"#;
    let main = r#"(module (import "user" "f" (func $f (result i32))) (export "f" (func $f))
        (func (export "unused") (result i32) (i32.const 1)))"#;
    let taker = r#"(module (func (export "f") (result i32) (i32.const 2)))"#;
    gives(&open(main, &[("user", user), ("main", taker)]), "f", &[], 2);
}

/// Keeps what `add` is given as digits of a number.
const DIARY: &str = r#"(module
    (global $digits (mut i32) (i32.const 0))
    (func (export "add") (param i32)
        (global.set $digits (i32.add (i32.mul (global.get $digits) (i32.const 10)) (local.get 0))))
    (func (export "read") (result i32) (global.get $digits)))"#;

/// A module whose start adds one digit, and whose initialiser adds another one.
fn starts(items: &str, digit: u32) -> String {
    format!(
        r#"(module (import "diary" "add" (func $add (param i32))) {items}
            (func $start (call $add (i32.const {digit}))) (start $start)
            (func (export "_initialize") (call $add (i32.const {}))))"#,
        digit + 1
    )
}

#[test]
fn starts_run_in_the_order_of_instantiation_and_the_main_one_last() {
    // The first one imports a global of the third; the second one a memory of the main module.
    let first = starts(r#"(import "third" "g" (global i32))"#, 1);
    let second = starts(r#"(import "main" "memory" (memory 1))"#, 3);
    let third = starts(r#"(global (export "g") i32 (i32.const 0))"#, 5);
    let main = r#"(module
        (import "diary" "add" (func $add (param i32)))
        (import "diary" "read" (func $read (result i32)))
        (memory (export "memory") 1)
        (func $start (call $add (i32.const 7)))
        (start $start)
        (export "read" (func $read)))"#;
    let linked = [("diary", DIARY), ("first", &*first), ("second", &*second), ("third", &*third)];
    gives(&open(main, &linked), "read", &[], 5_612_347);
}

#[test]
fn an_initialiser_that_the_main_module_exports_is_left_to_the_host() {
    let library = r#"(module (import "diary" "add" (func $add (param i32)))
        (func (export "_initialize") (call $add (i32.const 1))))"#;
    let hands_on = r#"(module (import "library" "_initialize" (func $f)) (export "_initialize" (func $f)))"#;
    let main = r#"(module
        (import "diary" "read" (func $read (result i32)))
        (import "library" "_initialize" (func $initialize))
        (export "read" (func $read))"#;
    let linked = [("diary", DIARY), ("library", library), ("hands-on", hands_on)];
    gives(&open(&format!("{main})"), &linked), "read", &[], 1);
    let exports = format!(r#"{main} (export "_initialize" (func $initialize)))"#);
    let guest = open(&exports, &linked);
    gives(&guest, "read", &[], 0);
    guest.call("_initialize", &[]).expect("runs");
    gives(&guest, "read", &[], 1);
}

#[test]
fn segments_keep_their_modules() {
    let env = r#"(module
        (memory (export "memory") 1)
        (table (export "table") 8 funcref)
        (data $first "first") (data (i32.const 100) "active") (data $second "second")
        (func $f (result i32) (i32.const 11))
        (elem $passive funcref (ref.func $f) (ref.null func))
        (func (export "fill") (memory.init $second (i32.const 0) (i32.const 0) (i32.const 6)) (data.drop $first))
        (func (export "put") (table.init $passive (i32.const 2) (i32.const 0) (i32.const 1))))"#;
    let main = r#"(module
        (import "env" "memory" (memory 1))
        (import "env" "table" (table 8 funcref))
        (import "env" "fill" (func $fill)) (import "env" "put" (func $put))
        (export "memory" (memory 0)) (export "fill" (func $fill)) (export "put" (func $put))
        (data $mine "mine") (data (i32.const 104) "ve")
        (func $g (result i32) (i32.const 22))
        (elem $passive func $g) (elem (i32.const 5) func $g)
        (func (export "fill_mine") (memory.init $mine (i32.const 32) (i32.const 0) (i32.const 4)))
        (func (export "put_mine") (table.init $passive (i32.const 3) (i32.const 0) (i32.const 1)))
        (func (export "drop_mine") (elem.drop $passive) (data.drop $mine))
        (func (export "at") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#;
    let guest = open(main, &[("env", env)]);
    for name in ["fill", "fill_mine", "put", "put_mine", "drop_mine"] {
        guest.call(name, &[]).expect("runs");
    }
    assert_eq!(guest.read(0, 6).expect("a range"), *b"second");
    assert_eq!(guest.read(32, 4).expect("a range"), *b"mine");
    // The main module comes later, and writes over what is there.
    assert_eq!(guest.read(100, 6).expect("a range"), *b"active");
    for (at, expected) in [(2, 11), (3, 22), (5, 22)] {
        gives(&guest, "at", &[at], expected);
    }
    for name in ["fill_mine", "put_mine"] {
        guest.call(name, &[]).expect_err("was dropped");
    }
    guest.call("put", &[]).expect("was not dropped");
}

#[test]
fn references_to_functions_mean_the_same_everywhere() {
    // `g` is declared for `ref.func` by nothing but an export that the result does not have.
    let env = r#"(module
        (type $unused (func (param f64))) (type $f (func (param i32) (result i32)))
        (func $f (export "f") (type $f) (i32.mul (local.get 0) (i32.const 3)))
        (func $g (export "g") (type $f) (i32.mul (local.get 0) (i32.const 4)))
        (global (export "constant") funcref (ref.func $f))
        (func (export "reference") (result funcref) (ref.func $g)))"#;
    let main = r#"(module
        (import "env" "reference" (func $reference (result funcref)))
        (import "env" "f" (func $f (param i32) (result i32)))
        (import "env" "constant" (global $constant funcref))
        (table $table 3 funcref)
        (global $mine funcref (global.get $constant))
        (elem (table $table) (i32.const 0) funcref (global.get $constant) (ref.func $f))
        (func (export "call") (param i32 i32) (result i32)
            (call_indirect $table (param i32) (result i32) (local.get 1) (local.get 0)))
        (func (export "set") (table.set $table (i32.const 2) (call $reference)))
        (func (export "set_mine") (table.set $table (i32.const 2) (global.get $mine))))"#;
    let guest = open(main, &[("env", env)]);
    gives(&guest, "call", &[0, 5], 15);
    gives(&guest, "call", &[1, 6], 18);
    for (name, expected) in [("set", 28), ("set_mine", 21)] {
        guest.call(name, &[]).expect("runs");
        gives(&guest, "call", &[2, 7], expected);
    }
}

/// What a library for dynamic linking asks for.
#[test]
fn places_come_from_globals_of_another_module() {
    let env = r#"(module
        (import "base" "base" (global $base i32))
        (memory (export "memory") 1)
        (table (export "__indirect_function_table") 4 funcref)
        (global (export "__memory_base") i32 (global.get $base))
        (global (export "__table_base") i32 (i32.const 1))
        (global (export "__stack_pointer") (mut i32) (i32.const 65536)))"#;
    let base = r#"(module (global (export "base") i32 (i32.const 1024)))"#;
    let library = r#"(module
        (import "env" "memory" (memory 1))
        (import "env" "__indirect_function_table" (table 2 funcref))
        (import "env" "__memory_base" (global $base i32))
        (import "env" "__table_base" (global $table i32))
        (import "env" "__stack_pointer" (global $stack (mut i32)))
        (data (global.get $base) "zero")
        (data (i32.add (global.get $base) (i32.const 8)) "eight")
        (func $f (result i32) (global.get $stack))
        (elem (global.get $table) func $f)
        (func (export "call") (result i32) (call_indirect (result i32) (global.get $table))))"#;
    let main = r#"(module
        (import "env" "memory" (memory 1)) (import "library" "call" (func $call (result i32)))
        (export "memory" (memory 0)) (export "call" (func $call)))"#;
    let guest = open(main, &[("library", library), ("env", env), ("base", base)]);
    assert_eq!(guest.read(1024, 13).expect("a range"), *b"zero\0\0\0\0eight");
    gives(&guest, "call", &[], 65_536);
}

#[test]
fn what_several_modules_import_from_the_host_is_one_import() {
    let env = r#"(module (import "host" "f" (func $f (result i32))) (import "host" "f" (func $wide (result i64)))
        (func (export "f") (result i32) (i32.add (call $f) (i32.wrap_i64 (call $wide)))))"#;
    let main = r#"(module (import "env" "f" (func $g (result i32))) (import "host" "f" (func $f (result i32)))
        (func (export "sum") (result i32) (i32.add (call $f) (call $g))))"#;
    let with = Surroundings::new().expect("a store").serve("host.f", |_, _| Ok(5));
    let guest = open_in(&with, main, &[("env", env)]);
    assert_eq!(guest.instance.module().imports().count(), 2);
    gives(&guest, "sum", &[], 15);
}

#[test]
fn modules_keep_memories_of_their_own() {
    let library = r#"(module (memory 1) (data (i32.const 0) "private")
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "grow") (result i32) (drop (memory.grow (i32.const 2))) (memory.size)))"#;
    let main = r#"(module
        (import "library" "load" (func $load (param i32) (result i32)))
        (import "library" "grow" (func $grow (result i32)))
        (memory $other 1) (memory (export "memory") 1) (data (memory 1) (i32.const 0) "lent")
        (export "load" (func $load)) (export "grow" (func $grow))
        (func (export "size") (result i32) (memory.size 1)))"#;
    let guest = open(main, &[("library", library)]);
    gives(&guest, "load", &[0], u64::from(b'p'));
    gives(&guest, "grow", &[], 3);
    gives(&guest, "size", &[], 1);
    assert_eq!(guest.read(0, 4).expect("a range"), *b"lent");
}

#[test]
fn a_trap_names_the_module() {
    let env = r#"(module
        (func $skipped) (func $inner (unreachable)) (func (export "outer") (call $inner))
        (func (export "exported") (unreachable)) (func (unreachable)) (func (export "last") (call 4)))"#;
    // Without the names that the text gives, exports and numbers are what is left.
    let bare = r#"(module (func) (func (export "exported") (unreachable)) (func (unreachable))
        (func (export "last") (call 2)))"#;
    let main = r#"(module
        (import "env" "outer" (func $outer)) (import "bare" "exported" (func $exported)) (import "bare" "last" (func $last))
        (export "outer" (func $outer)) (export "exported" (func $exported)) (export "last" (func $last))
        (func $own (unreachable)) (func (export "own") (call $own)))"#;
    let guest = open(main, &[("env", env), ("bare", bare)]);
    let trap = |name: &str| match guest.call(name, &[]).expect_err("traps") {
        trap @ Trap::Fault { .. } => trap.to_string(),
        other => panic!("{other}"),
    };
    for (name, expected) in [
        ("outer", "in `env.inner`"),
        ("exported", "in `bare.exported`"),
        ("last", "in `bare.function[2]`"),
        ("own", "in `own`"),
    ] {
        assert!(trap(name).contains(expected), "{}", trap(name));
    }
}
