//! What a guest's work is counted in.

use sci::status::Fault;
use space_host::{Instance, Module, Store, Trap, Value};
use tests_conformance::image;

/// Much at once: each function does one of it with as many bytes, or elements, as it is told.
const BULK: &str = r#"(module
  (memory (export "memory") 16)
  (table $t 65536 funcref) (table $shared (export "shared") 65536 funcref)
  (elem $functions func $f $f $f $f $f $f $f $f $f $f $f $f $f $f $f $f)
  (data $bytes "DATA")
  (func $f)
  (func (export "memory.fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
  (func (export "memory.copy") (param i32) (memory.copy (i32.const 8) (i32.const 0) (local.get 0)))
  (func (export "memory.init") (param i32) (memory.init $bytes (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "table.fill") (param i32) (table.fill $t (i32.const 0) (ref.func $f) (local.get 0)))
  (func (export "table.copy") (param i32) (table.copy $t $t (i32.const 8) (i32.const 0) (local.get 0)))
  (func (export "table.init") (param i32) (table.init $t $functions (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "shared.fill") (param i32) (table.fill $shared (i32.const 0) (ref.func $f) (local.get 0)))
  (func (export "shared.copy") (param i32) (table.copy $shared $t (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "shared.init") (param i32) (table.init $shared $functions (i32.const 0) (i32.const 0) (local.get 0))))"#;

fn instance(store: &Store) -> Instance {
    let text = BULK.replace("DATA", &"d".repeat(6400));
    let bytes = wat::parse_str(text).expect("the module is text");
    let options = compiler_wasm::Options { fuel: true, ..compiler_wasm::Options::default() };
    let image = image::compile_with(&bytes, options).expect("it compiles");
    let module = Module::load(&image, &[sci::sign::public_key(&image::SEED)]).expect("it loads");
    Instance::new(store, &module, &[]).expect("an instance")
}

/// What a call takes of a thousand units.
fn cost(instance: &Instance, name: &str, count: i32) -> Result<i64, Fault> {
    instance.set_fuel(1000);
    match instance.function(name).expect("it is exported").call(&[Value::I32(count)]) {
        Ok(_) => Ok(1000 - instance.fuel().expect("it is counted")),
        Err(Trap::Fault { fault, .. }) => Err(fault),
        Err(other) => panic!("{name}: {other}"),
    }
}

#[test]
fn what_is_done_at_once_costs_by_its_bytes() {
    let store = Store::new().expect("a store");
    let instance = instance(&store);
    for (name, count, units) in [
        ("memory.fill", 6400, 100),
        ("memory.copy", 6400, 100),
        ("memory.init", 6400, 100),
        ("table.fill", 1600, 100),
        ("table.copy", 1600, 100),
        ("table.init", 16, 1),
        ("shared.fill", 1600, 100),
        ("shared.copy", 1600, 100),
        ("shared.init", 16, 1),
    ] {
        let none = cost(&instance, name, 0).expect("there is fuel");
        assert_eq!(cost(&instance, name, count), Ok(none + units), "{name}");
    }
}

#[test]
fn what_is_too_much_at_once_is_not_begun() {
    let store = Store::new().expect("a store");
    let instance = instance(&store);
    for (name, count) in [("memory.fill", 1 << 20), ("table.fill", 65536), ("shared.fill", 65536)] {
        assert_eq!(cost(&instance, name, count), Err(Fault::OutOfFuel), "{name}");
    }
    let mut byte = [9];
    instance.memory("memory").expect("it is exported").read(0, &mut byte).expect("it is there");
    assert_eq!(byte, [0]);
    let beyond = cost(&instance, "memory.fill", -1);
    assert_eq!(beyond, Err(Fault::MemoryBounds), "what is not there is not counted");
}
