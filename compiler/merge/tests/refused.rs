//! Modules that do not fit together: refused by name, with the files.

use compiler_merge::{Error, Input, Reason, merge};

fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the module is text")
}

/// Merges a main module with linked ones, by name.
fn link(main: &str, linked: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
    let linked: Vec<_> =
        linked.iter().map(|(name, text)| (*name, format!("{name}.wasm"), assemble(text))).collect();
    let inputs: Vec<Input<'_>> =
        linked.iter().map(|(name, file, bytes)| Input { name, file, bytes }).collect();
    merge(Input { name: "main", file: "main.wasm", bytes: &assemble(main) }, &inputs)
}

/// Why they are refused.
#[track_caller]
fn reason(main: &str, linked: &[(&str, &str)]) -> String {
    link(main, linked).expect_err("is refused").to_string()
}

#[test]
fn what_is_missing() {
    let main = r#"(module (import "env" "f" (func)) (import "env" "g" (func)) (import "host" "h" (func)))"#;
    assert_eq!(
        reason(main, &[("env", r#"(module (func (export "f")))"#)]),
        "main.wasm imports `env.g`, but env.wasm exports no `g`"
    );
    let asks_main = r#"(module (import "main" "memory" (memory 1)))"#;
    assert_eq!(
        reason("(module)", &[("env", asks_main)]),
        "env.wasm imports `main.memory`, but main.wasm exports no `memory`"
    );
}

#[test]
fn what_has_another_type() {
    for (wanted, given, expected) in [
        (
            "(func (param i32))",
            "(func (param i64))",
            "`(func (param i32))`, but env.wasm exports `(func (param i64))`",
        ),
        ("(func (result i32))", "(func)", "`(func (result i32))`, but env.wasm exports `(func)`"),
        ("(memory 2)", "(memory 1)", "`(memory 2)`, but env.wasm exports `(memory 1)`"),
        ("(memory 1 2)", "(memory 1)", "`(memory 1 2)`, but env.wasm exports `(memory 1)`"),
        ("(memory 1 2)", "(memory 1 3)", "`(memory 1 2)`, but env.wasm exports `(memory 1 3)`"),
        (
            "(table 2 funcref)",
            "(table 1 funcref)",
            "`(table 2 funcref)`, but env.wasm exports `(table 1 funcref)`",
        ),
        (
            "(table 1 2 funcref)",
            "(table 1 funcref)",
            "`(table 1 2 funcref)`, but env.wasm exports `(table 1 funcref)`",
        ),
        (
            "(table 1 funcref)",
            "(table 1 externref)",
            "`(table 1 funcref)`, but env.wasm exports `(table 1 externref)`",
        ),
        ("(global i32)", "(global i64 (i64.const 0))", "`(global i32)`, but env.wasm exports `(global i64)`"),
        (
            "(global i32)",
            "(global (mut i32) (i32.const 0))",
            "`(global i32)`, but env.wasm exports `(global (mut i32))`",
        ),
        (
            "(global (mut i32))",
            "(global i32 (i32.const 0))",
            "`(global (mut i32))`, but env.wasm exports `(global i32)`",
        ),
        ("(func)", "(memory 1)", "`(func)`, but env.wasm exports `(memory 1)`"),
        ("(memory 1)", "(func)", "`(memory 1)`, but env.wasm exports `(func)`"),
    ] {
        let main = format!(r#"(module (import "env" "x" {wanted}))"#);
        let (open, rest) = given.split_once(' ').unwrap_or((given.trim_end_matches(')'), ")"));
        let env = format!(r#"(module {open} (export "x") {rest})"#);
        assert_eq!(reason(&main, &[("env", &env)]), format!("main.wasm imports `env.x` as {expected}"));
    }
    for (wanted, given) in [
        ("(memory 1)", r#"(memory (export "x") 2 3)"#),
        ("(memory 1 3)", r#"(memory (export "x") 2 3)"#),
        ("(table 1 funcref)", r#"(table (export "x") 2 2 funcref)"#),
        ("(global (mut i32))", r#"(global (export "x") (mut i32) (i32.const 0))"#),
    ] {
        let main = format!(r#"(module (import "env" "x" {wanted}))"#);
        link(&main, &[("env", &format!("(module {given})"))]).expect("they fit");
    }
}

#[test]
fn an_item_that_is_handed_on_has_the_type_of_its_definition() {
    let middle = r#"(module (import "end" "x" (memory 1)) (export "x" (memory 0)))"#;
    let end = r#"(module (memory (export "x") 5))"#;
    link(r#"(module (import "middle" "x" (memory 5)))"#, &[("middle", middle), ("end", end)]).expect("fits");
    let main = r#"(module (import "middle" "x" (memory 6)))"#;
    assert_eq!(
        reason(main, &[("middle", middle), ("end", end)]),
        "main.wasm imports `middle.x` as `(memory 6)`, but end.wasm exports `(memory 5)`"
    );
}

#[test]
fn two_modules_of_one_name() {
    let linked = [("env", "(module)"), ("lib", "(module)"), ("env", "(module)")];
    let error = link("(module)", &linked).expect_err("is refused");
    assert_eq!(error.to_string(), "env.wasm is linked as `env`, and so is env.wasm");
    assert!(error.help().is_some());
}

#[test]
fn imports_that_lead_back_to_themselves() {
    let one = r#"(module (import "two" "f" (func $f)) (export "f" (func $f)))"#;
    let two = r#"(module (import "one" "f" (func $f)) (export "f" (func $f)))"#;
    assert_eq!(
        reason("(module)", &[("one", one), ("two", two)]),
        "one.wasm imports `two.f`, which leads back to this import: no module defines it"
    );
}

#[test]
fn first_values_that_follow_from_themselves() {
    let one = r#"(module (import "two" "g" (global i32)) (global (export "g") i32 (global.get 0)))"#;
    let two = r#"(module (import "one" "g" (global i32)) (global (export "g") i32 (global.get 0)))"#;
    assert_eq!(
        reason("(module)", &[("one", one), ("two", two)]),
        "two.wasm has a global, number 1, whose first value follows from itself"
    );
}

#[test]
fn first_values_that_grow_without_bound() {
    // Each is the sum of the one before it with itself: the last would have 2^40 terms.
    let texts: Vec<(String, String)> = (0..40)
        .map(|number| {
            let before = number - 1;
            let text = if number == 0 {
                r#"(module (global (export "g") i32 (i32.const 1)))"#.to_owned()
            } else {
                format!(
                    r#"(module (import "m{before}" "g" (global i32))
                        (global (export "g") i32 (i32.add (global.get 0) (global.get 0))))"#
                )
            };
            (format!("m{number}"), text)
        })
        .collect();
    let linked: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let reason = reason("(module)", &linked);
    assert!(
        reason.ends_with("names constants of other modules whose values take more than 67108864 bytes"),
        "{reason}"
    );
}

const WRITES: &str =
    r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;

#[test]
fn host_calls_with_a_memory_of_its_own() {
    let main = r#"(module (memory (export "memory") 1))"#;
    let shim = format!("(module {WRITES} (memory 1))");
    let error = link(main, &[("env", &shim)]).expect_err("is refused");
    assert_eq!(
        error.to_string(),
        "env.wasm calls the host by `wasi_snapshot_preview1.fd_write`, but its memory is not the export `memory` of \
         main.wasm, where the host reads and writes"
    );
    assert_eq!(
        error.help().expect("there is help"),
        "one memory for both: env.wasm imports what main.wasm exports as `memory`, or main.wasm imports the memory of \
         env.wasm and exports it so"
    );
    // The main module exports no memory, or has another one than it exports.
    assert!(matches!(
        *link("(module)", &[("env", &shim)]).expect_err("is refused").reason,
        Reason::ForeignMemory { .. }
    ));
    let lends = r#"(module (memory (export "memory") 1))"#;
    let main =
        format!(r#"(module {WRITES} (import "env" "memory" (memory 1)) (export "memory" (memory 0)))"#);
    link(&main, &[("env", lends)]).expect("the memory is lent");
    let two = format!(r#"(module {WRITES} (import "env" "memory" (memory 1)) (memory (export "memory") 1))"#);
    let error = link(&two, &[("env", lends)]).expect_err("is refused");
    assert_eq!(error.file, "main.wasm");
}

#[test]
fn a_host_call_that_is_handed_on_with_a_memory_of_its_own() {
    let main = r#"(module (memory (export "memory") 1))"#;
    let hands_on =
        r#"(module (import "sys" "log" (func (param i32 i32) (result i32))) (export "log" (func 0)))"#;
    let caller = r#"(module (import "hands-on" "log" (func (param i32 i32) (result i32))) (memory 1))"#;
    assert!(
        reason(main, &[("hands-on", hands_on), ("caller", caller)])
            .starts_with("caller.wasm calls the host by `hands-on.log`")
    );
    link(main, &[("hands-on", hands_on)]).expect("it has no memory of its own");
}

#[test]
fn an_initialiser_of_another_type() {
    let linked = r#"(module (func (export "_initialize") (param i32)))"#;
    assert_eq!(
        reason("(module)", &[("env", linked)]),
        "env.wasm exports `_initialize` as `(func (param i32))`; it is to be `(func)`"
    );
}

#[test]
fn a_module_that_is_bad_by_itself() {
    let main = assemble("(module)");
    let bad = [&assemble("(module)")[..], &[1, 2]].concat();
    let linked = [Input { name: "env", file: "shims/bad.wasm", bytes: &bad }];
    let error =
        merge(Input { name: "main", file: "main.wasm", bytes: &main }, &linked).expect_err("is refused");
    assert_eq!(error.file, "shims/bad.wasm");
    assert!(error.to_string().starts_with("at offset 0xa: "), "{error}");
    // The body of a function is judged, too.
    let error = link("(module)", &[("env", "(module (func (result i32)))")]).expect_err("is refused");
    assert!(error.file == "env.wasm" && error.to_string().contains("type mismatch"), "{error}");
    let garbage = "(module (type (struct)))";
    let error = link("(module)", &[("env", garbage)]).expect_err("is refused");
    assert!(error.to_string().contains("garbage collection"), "{error}");
}
