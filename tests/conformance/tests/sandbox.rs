//! Guests that try to leave: each is stopped, or gets an error, and the host goes on.
#![allow(
    clippy::format_collect,
    reason = "the guests are written as text, which is plainest as a sum of lines"
)]

use sci::guest::{ErrorCode, GuestCapability};
use sci::status::Fault;
use services_zrun::linux::{Limits, RunError, Settings, run};
use services_zrun::{Grants, InMemory};
use space_host::{Error, Instance, Module, Store, Trap, Value};
use tests_conformance::image;

fn module(text: &str) -> Module {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let image = image::compile(&bytes).expect("the module compiles");
    Module::load(&image, &[sci::sign::public_key(&image::SEED)]).expect("the image loads")
}

/// What calling `f` of a module ends in.
fn call(store: &Store, text: &str) -> Result<Vec<Value>, Trap> {
    match Instance::new(store, &module(text), &[]) {
        Ok(instance) => instance.function("f").expect("it exports `f`").call(&[]),
        Err(Error::Trap(trap)) => Err(trap),
        Err(error) => panic!("{error}"),
    }
}

fn fault(result: &Result<Vec<Value>, Trap>) -> Option<Fault> {
    match result {
        Err(Trap::Fault { fault, .. }) => Some(*fault),
        _ => None,
    }
}

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

/// Bytes of the one page that the guests have.
const BYTES: u64 = 65_536;

/// Accesses whose last byte lies outside: index and offset.
fn outside(width: u64) -> Vec<(u64, u64)> {
    let most = u64::from(u32::MAX);
    vec![
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
    ]
}

#[test]
fn no_access_leaves_memory_at_any_width_and_offset() {
    let store = Store::new().expect("a store");
    let mut tried = 0;
    for (operator, width) in LOADS {
        for (index, offset) in outside(*width) {
            let text = format!(
                "(module (memory 1 1) (func (export \"f\") (drop ({operator} offset={offset} (i32.const {index})))))"
            );
            assert_eq!(fault(&call(&store, &text)), Some(Fault::MemoryBounds), "{text}");
            tried += 1;
        }
        let inside = BYTES - width;
        let text =
            format!("(module (memory 1) (func (export \"f\") (drop ({operator} (i32.const {inside})))))");
        assert!(call(&store, &text).is_ok(), "{text}");
    }
    for (operator, value, width) in STORES {
        for (index, offset) in outside(*width) {
            let text = format!(
                "(module (memory 1 1) (func (export \"f\") ({operator} offset={offset} (i32.const {index}) ({value}))))"
            );
            assert_eq!(fault(&call(&store, &text)), Some(Fault::MemoryBounds), "{text}");
            tried += 1;
        }
    }
    assert!(tried >= 200);
}

#[test]
fn bulk_operations_check_before_the_first_byte() {
    let store = Store::new().expect("a store");
    for body in [
        "memory.fill (i32.const 65535) (i32.const 1) (i32.const 2)",
        "memory.fill (i32.const -1) (i32.const 1) (i32.const -1)",
        "memory.copy (i32.const 0) (i32.const 65535) (i32.const 2)",
        "memory.copy (i32.const -1) (i32.const 0) (i32.const 1)",
        "memory.init 0 (i32.const 0) (i32.const 0) (i32.const 5)",
        "memory.init 0 (i32.const 0) (i32.const 4) (i32.const -1)",
        "memory.init 0 (i32.const 65535) (i32.const 0) (i32.const 2)",
    ] {
        let text = format!("(module (memory 1) (data \"abcd\") (func (export \"f\") ({body})))");
        assert_eq!(fault(&call(&store, &text)), Some(Fault::MemoryBounds), "{text}");
    }
    for body in [
        "table.fill 0 (i32.const 3) (ref.null func) (i32.const 2)",
        "table.copy (i32.const 0) (i32.const -1) (i32.const 2)",
        "table.init 0 (i32.const 0) (i32.const 1) (i32.const 1)",
        "drop (table.get 0 (i32.const 4))",
        "table.set 0 (i32.const -1) (ref.null func)",
    ] {
        let text =
            format!("(module (table 4 funcref) (elem func $g) (func $g) (func (export \"f\") ({body})))");
        assert_eq!(fault(&call(&store, &text)), Some(Fault::TableBounds), "{text}");
    }
}

#[test]
fn calls_through_tables_meet_their_type_or_nothing() {
    let store = Store::new().expect("a store");
    let with = |index: &str, ty: &str| {
        format!(
            "(module (type $plain (func)) (type $one (func (param i64) (result f64)))
             (table (export \"t\") 8 funcref) (elem (i32.const 1) func $g) (func $g)
             (func (export \"f\") {ty} (i32.const {index}))))"
        )
    };
    let plain = "(call_indirect (type $plain)";
    let other = "(drop (call_indirect (type $one) (i64.const 1)";
    let other = |index: &str| with(index, other).replace("))))", ")))))");
    assert_eq!(fault(&call(&store, &with("0", plain))), Some(Fault::NullElement));
    assert_eq!(fault(&call(&store, &with("8", plain))), Some(Fault::TableBounds));
    assert_eq!(fault(&call(&store, &with("-1", plain))), Some(Fault::TableBounds));
    assert_eq!(fault(&call(&store, &with("0x40000001", plain))), Some(Fault::TableBounds));
    assert_eq!(fault(&call(&store, &other("1"))), Some(Fault::TypeMismatch));
    assert!(call(&store, &with("1", plain)).is_ok());
}

#[test]
fn recursion_of_every_shape_ends_at_the_stack() {
    let store = Store::new().expect("a store");
    for text in [
        "(module (func $f (export \"f\") (call $f)))",
        "(module (func $f (export \"f\") (call $g)) (func $g (call $f)))",
        "(module (table 1 funcref) (elem (i32.const 0) $f) (func $f (export \"f\") (call_indirect (i32.const 0))))",
        "(module (func $f (export \"f\") (result i64 i64 i64 i64 i64 i64) (call $f)))",
    ] {
        assert_eq!(fault(&call(&store, text)), Some(Fault::StackOverflow), "{text}");
    }
    let locals: String = (0..900).map(|_| "(local v128)").collect();
    let uses: String =
        (0..900).map(|local| format!("(local.set {local} (v128.load (i32.const {local})))")).collect();
    let kept: String =
        (0..900).map(|local| format!("(v128.store (i32.const 0) (local.get {local}))")).collect();
    let wide = format!("(module (memory 1) (func $f (export \"f\") {locals} {uses} (call $f) {kept}))");
    assert_eq!(fault(&call(&store, &wide)), Some(Fault::StackOverflow));
    assert!(call(&store, "(module (func (export \"f\")))").is_ok(), "the next request is served");
}

/// Runs a guest whose `on_init` leaves a call's answer as its own, and gives the answer.
fn answer(import: &str, ty: &str, arguments: &[i64]) -> i32 {
    let (from, item) = import.split_once('.').expect("module and item");
    let values: String = arguments.iter().map(|value| format!("(i32.const {value})")).collect();
    let text = format!(
        "(module (import \"{from}\" \"{item}\" (func $h {ty})) (memory (export \"memory\") 1)
         (func (export \"on_init\") (result i32) (i32.sub (call $h {values}) (i32.const 1000))))"
    );
    let grants = GuestCapability::ALL.iter().fold(Grants::default(), |grants, one| grants.with(*one));
    let settings = Settings {
        name: "sandbox".into(),
        grants,
        arguments: Vec::new(),
        environment: Vec::new(),
        seed: 1,
        log: Box::new(|_| ()),
        values: Box::new(InMemory::new(1 << 20)),
        limits: Limits::default(),
        profile: None,
    };
    match run(&module(&text), settings) {
        Err(RunError::Status(status)) => status + 1000,
        other => panic!("{import}: {other:?}"),
    }
}

#[test]
fn pointers_of_calls_stay_inside() {
    const ONE: &str = "(param i32 i32) (result i32)";
    const TWO: &str = "(param i32 i32 i32 i32) (result i32)";
    const THREE: &str = "(param i32 i32 i32 i32 i32 i32) (result i32)";
    let fault = ErrorCode::Fault.number();
    for pointer in [65_536, 65_533, -1, -4, i64::from(i32::MIN)] {
        for (import, ty, arguments) in [
            ("sys.log", ONE, vec![pointer, 4]),
            ("node.info", ONE, vec![pointer, 4]),
            ("data.put", TWO, vec![pointer, 4, 0, 4]),
            ("data.put", TWO, vec![0, 4, pointer, 4]),
            ("data.get", TWO, vec![0, 4, pointer, 4]),
            ("data.list", THREE, vec![0, 0, 0, 0, pointer, 4]),
        ] {
            assert_eq!(answer(import, ty, &arguments), fault, "{import} {arguments:?}");
        }
    }
    // Lengths that wrap are lengths beyond every limit, or ranges beyond memory.
    assert_eq!(answer("sys.log", ONE, &[16, -16]), ErrorCode::TooLarge.number());
    assert_eq!(answer("data.put", TWO, &[16, -1, 0, 4]), ErrorCode::TooLarge.number());
    assert_eq!(answer("node.info", ONE, &[16, -16]), fault);
    assert_eq!(answer("data.list", THREE, &[0, 0, 0, 0, 16, -1]), fault);
    // At the very edge all is well: the answer is what the buffer would need.
    assert!(answer("node.info", ONE, &[65_536, 0]) > 0);
    assert_eq!(answer("data.get", TWO, &[0, 1, 65_536, 0]), ErrorCode::NotFound.number());
}
