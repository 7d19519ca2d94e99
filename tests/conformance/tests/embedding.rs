//! Calls whose types the host's program states, and address spaces that are used again.

use space_host::{Extern, Function, FunctionType, Instance, Module, Store, Trap, Value, ValueType};
use tests_conformance::image;

fn load(text: &str) -> Module {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let image = image::compile(&bytes).expect("the module compiles");
    Module::load(&image, &[sci::sign::public_key(&image::SEED)]).expect("the image loads")
}

fn store() -> Store {
    Store::new().expect("a store")
}

fn function(instance: &Instance, name: &str) -> Function {
    instance.function(name).expect("it is exported")
}

const GUEST: &str = r#"(module
  (import "host" "sum" (func $sum (param i32 i64 i32 i64 i32 i64) (result i64)))
  (import "host" "half" (func $half (param f64 i32) (result f64)))
  (import "host" "refuse" (func $refuse))
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (table funcref (elem $sum))
  (func (export "nothing") (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
  (func (export "calls") (result i32) (global.get $calls))
  (func (export "mixed") (param f32 i32 f64 i64 f32 i32) (result f64)
    (f64.add
      (f64.add (f64.promote_f32 (f32.sub (local.get 0) (local.get 4))) (local.get 2))
      (f64.convert_i64_s
        (i64.sub (local.get 3) (i64.extend_i32_s (i32.sub (local.get 1) (local.get 5)))))))
  (func (export "six") (param i32 i64 i32 i64 i32 i64) (result i64)
    (call $sum (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)))
  (func (export "indirect") (result i64)
    (call_indirect (param i32 i64 i32 i64 i32 i64) (result i64)
      (i32.const -1) (i64.const 2) (i32.const 3) (i64.const 4) (i32.const 5) (i64.const 6) (i32.const 0)))
  (func (export "half") (param f64 i32) (result f64) (call $half (local.get 0) (local.get 1)))
  (func (export "refuse") (call $refuse))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2))
  (export "sum" (func $sum)))"#;

type Six = (i32, i64, i32, i64, i32, i64);

fn weighted((one, two, three, four, five, six): Six) -> i64 {
    i64::from(one)
        + 10 * two
        + 100 * i64::from(three)
        + 1000 * four
        + 10_000 * i64::from(five)
        + 100_000 * six
}

fn imports(store: &Store) -> [Extern; 3] {
    [
        Extern::Function(store.typed_function(|_, six: Six| Ok(weighted(six)))),
        Extern::Function(store.typed_function(|caller, (value, more): (f64, i32)| {
            assert!(caller.instance().is_some());
            Ok(value / 2.0 + f64::from(more))
        })),
        Extern::Function(store.typed_function(|_, ()| Err::<(), _>(Trap::Host("not today".into())))),
    ]
}

#[test]
fn values_cross_as_their_types() {
    let store = store();
    let guest = Instance::new(&store, &load(GUEST), &imports(&store)).expect("an instance");
    let nothing = function(&guest, "nothing").typed::<(), ()>().expect("its type");
    nothing.call(()).expect("returns");
    nothing.call(()).expect("returns");
    let calls = function(&guest, "calls").typed::<(), u32>().expect("its type");
    assert_eq!(calls.call(()).expect("returns"), 2);

    let mixed = function(&guest, "mixed").typed::<(f32, i32, f64, i64, f32, u32), f64>().expect("its type");
    let given = mixed.call((1.5, -7, 0.25, i64::from(i32::MIN), 4.0, 3)).expect("returns");
    assert_eq!(given.to_bits(), (-2.5 + 0.25 + f64::from(i32::MIN) + 10.0).to_bits());

    let six: Six = (-1, 2, i32::MIN, -4, i32::MAX, 6);
    for name in ["six", "sum"] {
        let typed = function(&guest, name).typed::<Six, i64>().expect("its type");
        assert_eq!(typed.call(six).expect("returns"), weighted(six), "{name}");
        let values = [
            Value::I32(six.0),
            Value::I64(six.1),
            Value::I32(six.2),
            Value::I64(six.3),
            Value::I32(six.4),
            Value::I64(six.5),
        ];
        let given = function(&guest, name).call(&values).expect("returns");
        assert!(matches!(given[..], [Value::I64(sum)] if sum == weighted(six)), "{name}: {given:?}");
    }
    let indirect = function(&guest, "indirect").typed::<(), i64>().expect("its type");
    assert_eq!(indirect.call(()).expect("returns"), weighted((-1, 2, 3, 4, 5, 6)));

    let half = function(&guest, "half").typed::<(f64, i32), f64>().expect("its type");
    assert_eq!(half.call((5.0, -1)).expect("returns").to_bits(), 1.5f64.to_bits());
}

#[test]
fn other_types_are_refused_and_traps_come_through() {
    let store = store();
    let guest = Instance::new(&store, &load(GUEST), &imports(&store)).expect("an instance");
    for (name, wanted) in [("divide", "(i32, i32) -> (i32)"), ("two", "() -> (i32, i32)"), ("sum", "")] {
        let refused = function(&guest, name).typed::<(i32,), i32>().expect_err("another type").to_string();
        assert!(refused.contains(wanted), "{name}: {refused}");
    }
    let divide = function(&guest, "divide").typed::<(i32, i32), i32>().expect("its type");
    assert!(divide.call((1, 0)).expect_err("traps").to_string().contains("divi"));
    assert_eq!(divide.call((-7, 2)).expect("returns"), -3);
    let refuse = function(&guest, "refuse").typed::<(), ()>().expect("its type");
    for _ in 0..2 {
        assert_eq!(
            refuse.call(()).expect_err("traps").to_string(),
            Trap::Host("not today".into()).to_string()
        );
    }
    let other =
        store.function(FunctionType { parameters: vec![ValueType::F32], results: vec![] }, |_, _| Ok(vec![]));
    let mut given = imports(&store);
    given[2] = Extern::Function(other);
    assert!(Instance::new(&store, &load(GUEST), &given).is_err());
}

#[test]
fn typed_calls_nest_to_the_same_depth_as_others() {
    let text = r#"(module
      (import "host" "again" (func $again (param i32) (result i32)))
      (func (export "run") (param i32) (result i32) (call $again (local.get 0))))"#;
    let store = store();
    let again = store.typed_function(|caller, (depth,): (i32,)| {
        let instance = caller.instance().ok_or_else(|| Trap::Host("nobody calls".into()))?;
        let run = instance.function("run").ok_or_else(|| Trap::Host("there is no `run`".into()))?;
        if depth == 0 { Ok(0) } else { Ok(run.typed::<(i32,), i32>()?.call((depth - 1,))? + 1) }
    });
    let guest = Instance::new(&store, &load(text), &[Extern::Function(again)]).expect("an instance");
    let run = function(&guest, "run").typed::<(i32,), i32>().expect("its type");
    assert_eq!(run.call((200,)).expect("returns"), 200);
    assert!(run.call((300,)).expect_err("too deep").to_string().contains("call stack exhausted"));
    assert_eq!(run.call((200,)).expect("returns"), 200);
}

#[test]
fn a_kept_address_space_is_as_new() {
    let text = r#"(module
      (memory (export "memory") 1 8) (data (i32.const 8) "first")
      (global $g (export "g") (mut i32) (i32.const 3))
      (table $t 2 4 funcref) (elem (i32.const 0) $deep)
      (func $deep (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
          (else (i32.const 0))))
      (func (export "dirty")
        (drop (call $deep (i32.const 5000)))
        (drop (memory.grow (i32.const 3)))
        (drop (table.grow $t (ref.null func) (i32.const 1)))
        (table.set $t (i32.const 0) (ref.null func))
        (i32.store (i32.const 8) (i32.const 0))
        (i32.store (i32.const 200000) (i32.const 7))
        (global.set $g (i32.const 9)))
      (func (export "look") (param i32) (result i32) (i32.load (local.get 0)))
      (func (export "size") (result i32)
        (i32.add (memory.size) (i32.mul (i32.const 100) (table.size $t))))
      (func (export "through") (result i32)
        (call_indirect (param i32) (result i32) (i32.const 4) (i32.const 0)))
      (func (export "g-value") (result i32) (global.get $g)))"#;
    let module = load(text);
    module.keep(2);
    let number = |guest: &Instance, name: &str| {
        function(guest, name).typed::<(), i32>().expect("its type").call(()).expect("returns")
    };
    for _ in 0..3 {
        let store = store();
        let guests: Vec<Instance> =
            (0..3).map(|_| Instance::new(&store, &module, &[]).expect("an instance")).collect();
        for guest in &guests {
            assert_eq!(
                [number(guest, "size"), number(guest, "g-value"), number(guest, "through")],
                [201, 3, 4]
            );
            let look = function(guest, "look").typed::<(i32,), i32>().expect("its type");
            assert_eq!(look.call((8,)).expect("returns"), i32::from_le_bytes(*b"firs"));
            assert!(look.call((200_000,)).is_err());
            function(guest, "dirty").call(&[]).expect("returns");
            assert_eq!([number(guest, "size"), number(guest, "g-value")], [304, 9]);
            assert_eq!(look.call((200_000,)).expect("returns"), 7);
        }
    }
    let kept = {
        let store = store();
        let guest = Instance::new(&store, &module, &[]).expect("an instance");
        guest.memory("memory").expect("is exported")
    };
    // Whoever holds the memory holds its address space: nobody else gets it.
    let store = store();
    let guest = Instance::new(&store, &module, &[]).expect("an instance");
    function(&guest, "dirty").call(&[]).expect("returns");
    let mut bytes = [0; 5];
    kept.read(8, &mut bytes).expect("is there");
    assert_eq!(&bytes, b"first");
}
