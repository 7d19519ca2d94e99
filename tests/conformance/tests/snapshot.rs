//! Instances taken between calls, and restored elsewhere.

use sci::status::Fault;
use space_host::{
    Error, Extern, FunctionType, Instance, Memory, Module, Snapshot, SnapshotError, Store, Table, Trap,
    Value, ValueType,
};
use std::cell::RefCell;
use std::rc::Rc;
use tests_conformance::image;

fn load(text: &str, fuel: bool) -> Module {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let options = compiler_wasm::Options { fuel, ..compiler_wasm::Options::default() };
    let image = image::compile_with(&bytes, options).expect("the module compiles");
    Module::load(&image, &[sci::sign::public_key(&image::SEED)]).expect("the image loads")
}

fn store() -> Store {
    Store::new().expect("a store")
}

fn call(instance: &Instance, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Trap> {
    instance.function(name).expect("it is exported").call(arguments)
}

fn number(instance: &Instance, name: &str) -> i32 {
    match call(instance, name, &[]).expect("it returns").as_slice() {
        [Value::I32(number)] => *number,
        other => panic!("{other:?}"),
    }
}

const COUNTER: &str = r#"(module
  (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
  (func $begin (global.set $n (i32.const 100))) (start $begin)
  (func (export "next") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (global.get $n)))
    (i32.load (i32.const 70000)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "spin") (loop (br 0))))"#;

#[test]
fn a_guest_goes_on_in_another_store() {
    let module = load(COUNTER, false);
    let bytes = {
        let store = store();
        let counter = Instance::new(&store, &module, &[]).expect("an instance");
        assert_eq!(number(&counter, "grow"), 1);
        assert_eq!((number(&counter, "next"), number(&counter, "next")), (101, 203));
        let snapshot = counter.snapshot().expect("nothing runs");
        assert_eq!(number(&counter, "next"), 306, "taking changes nothing");
        snapshot.to_bytes()
    };
    let store = store();
    let snapshot = Snapshot::from_bytes(&bytes).expect("it is whole");
    assert_eq!(snapshot.to_bytes(), bytes);
    for _ in 0..2 {
        let counter = Instance::restore(&store, &module, &[], &snapshot).expect("it fits");
        assert_eq!((number(&counter, "next"), number(&counter, "next")), (306, 410));
        assert_eq!(number(&counter, "grow"), 2);
    }
}

/// One operation for each number; its result tells what it saw.
const OPERATIONS: &str = r#"(module
  (type $op (func (result i64))) (import "host" "eleven" (func $c (type $op)))
  (memory 1 9) (memory $second 1 3) (table $t 4 40 funcref) (table $hosts 2 20 externref)
  (global $i (mut i64) (i64.const 1)) (global $f (mut funcref) (ref.null func)) (global $v (mut v128) (v128.const i64x2 1 2))
  (global $constant i32 (i32.const 5))
  (func $a (type $op) (global.set $i (i64.mul (global.get $i) (i64.const 31))) (global.get $i))
  (func $b (type $op) (global.set $i (i64.add (global.get $i) (i64.const 7))) (global.get $i))
  (elem $passive func $a $b $c $a)
  (data $bytes "some bytes that are not there at first")
  (elem (table $t) (i32.const 0) func $a $b)
  (data (i32.const 100) "content")
  (func $index (param i32) (result i32) (i32.rem_u (local.get 0) (i32.const 5)))
  (func (export "0") (param i32) (result i64) (call_indirect $t (type $op) (call $index (local.get 0))))
  (func (export "1") (param i32) (result i64)
    (i32.store8 (local.get 0) (i32.wrap_i64 (global.get $i))) (i64.load8_u (local.get 0)))
  (func (export "2") (param i32) (result i64) (i64.extend_i32_s (memory.grow (i32.const 1))))
  (func (export "3") (param i32) (result i64)
    (table.init $t $passive (call $index (local.get 0)) (i32.const 0) (i32.const 3)) (i64.const 3))
  (func (export "4") (param i32) (result i64)
    (memory.init $bytes (local.get 0) (i32.const 3) (i32.const 20)) (i64.load (local.get 0)))
  (func (export "5") (param i32) (result i64)
    (if (i32.eqz (call $index (local.get 0))) (then (elem.drop $passive))) (i64.const 5))
  (func (export "6") (param i32) (result i64)
    (if (i32.eqz (call $index (local.get 0))) (then (data.drop $bytes))) (i64.const 6))
  (func (export "7") (param i32) (result i64)
    (i64.extend_i32_s (table.grow $t (global.get $f) (i32.const 2))))
  (func (export "8") (param i32) (result i64)
    (global.set $f (table.get $t (call $index (local.get 0)))) (i64.extend_i32_u (ref.is_null (global.get $f))))
  (func (export "9") (param i32) (result i64)
    (global.set $v (i64x2.add (global.get $v) (i64x2.splat (global.get $i)))) (i64x2.extract_lane 1 (global.get $v)))
  (func (export "10") (param i32) (result i64)
    (i64.store $second (i32.and (local.get 0) (i32.const 0xffff)) (global.get $i)) (i64.load $second (i32.const 8)))
  (func (export "11") (param i32) (result i64)
    (i64.extend_i32_s (table.grow $hosts (ref.null extern) (i32.const 1)))))"#;

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn operations(&mut self, count: usize) -> Vec<(String, i32)> {
        let place = |random: &mut Self| match random.below(4) {
            0 => random.below(5) as i32,
            1 => random.below(600_000) as i32,
            _ => random.below(65_000) as i32,
        };
        (0..count).map(|_| (self.below(12).to_string(), place(self))).collect()
    }
}

fn eleven(store: &Store) -> Vec<Extern> {
    let ty = FunctionType { parameters: vec![], results: vec![ValueType::I64] };
    vec![Extern::Function(store.function(ty, |_, _| Ok(vec![Value::I64(11)])))]
}

/// What the operations say, traps included.
fn perform(instance: &Instance, operations: &[(String, i32)]) -> Vec<String> {
    let result =
        |(name, argument): &(String, i32)| format!("{:?}", call(instance, name, &[Value::I32(*argument)]));
    operations.iter().map(result).collect()
}

#[test]
fn what_is_restored_does_what_would_have_been_done() {
    let module = load(OPERATIONS, false);
    let (mut traps, mut results) = (0, 0);
    for seed in 0..60 {
        let mut random = Random(seed);
        let (before, after) = (random.operations(40), random.operations(40));
        let (taken, expected, end) = {
            let store = store();
            let instance = Instance::new(&store, &module, &eleven(&store)).expect("an instance");
            perform(&instance, &before);
            let taken = instance.snapshot().expect("nothing runs").to_bytes();
            let expected = perform(&instance, &after);
            (taken, expected, instance.snapshot().expect("nothing runs"))
        };
        let store = store();
        let snapshot = Snapshot::from_bytes(&taken).expect("it is whole");
        let instance = Instance::restore(&store, &module, &eleven(&store), &snapshot).expect("it fits");
        assert_eq!(instance.snapshot().expect("nothing runs").to_bytes(), taken, "seed {seed}");
        assert_eq!(perform(&instance, &after), expected, "seed {seed}");
        assert_eq!(instance.snapshot().expect("nothing runs"), end, "seed {seed}");
        traps += expected.iter().filter(|result| result.starts_with("Err")).count();
        results += expected.len();
    }
    assert!(traps > 100 && results - traps > 1000, "{traps} of {results}");
}

#[test]
fn fuel_goes_on_and_is_never_more_than_the_store_gives() {
    let module = load(COUNTER, true);
    let store = store();
    store.set_limits(None, None, Some(10_000));
    let counter = Instance::new(&store, &module, &[]).expect("an instance");
    number(&counter, "grow");
    number(&counter, "next");
    let left = counter.fuel().expect("it counts");
    let snapshot = counter.snapshot().expect("nothing runs");
    for (given, expected) in [(20_000, left), (50, 50)] {
        store.set_limits(None, None, Some(given));
        let restored = Instance::restore(&store, &module, &[], &snapshot).expect("it fits");
        assert_eq!(restored.fuel(), Some(expected));
    }
    let restored = Instance::restore(&store, &module, &[], &snapshot).expect("it fits");
    let spent = call(&restored, "spin", &[]);
    assert!(matches!(spent, Err(Trap::Fault { fault: Fault::OutOfFuel, .. })), "{spent:?}");
}

#[test]
fn bounds_of_the_store_hold() {
    let module = load(COUNTER, false);
    let store = store();
    let counter = Instance::new(&store, &module, &[]).expect("an instance");
    number(&counter, "grow");
    let snapshot = counter.snapshot().expect("nothing runs");
    store.set_limits(None, Some(65_536), None);
    let refused = Instance::restore(&store, &module, &[], &snapshot);
    assert!(matches!(refused, Err(SnapshotError::Room("a memory"))), "{refused:?}");
}

#[test]
fn large_tables_are_memory() {
    let store = store();
    store.set_limits(None, Some(4 << 20), None);
    let begins = |tables: &str| {
        let module = load(&format!("(module (memory 16) {tables})"), false);
        Instance::new(&store, &module, &[]).map(drop)
    };
    begins("(table 1000 funcref) (table 0 funcref)").expect("small ones are free");
    begins("(table 2000000 funcref)").expect("8 MB are");
    begins("(table 2800000 funcref)").expect("3 MiB of memory, and what is beyond 8");
    let refused = begins("(table 3000000 funcref)");
    assert!(matches!(refused, Err(Error::Quota { bytes: 4_659_968, allowed: 4_194_304 })), "{refused:?}");
    assert!(begins(&"(table 1000000 funcref)".repeat(4)).is_err());
}

#[test]
fn nothing_is_taken_during_a_call() {
    let module = load(
        r#"(module (import "host" "take" (func $take (result i64))) (func (export "f") (result i64) (call $take)))"#,
        false,
    );
    let store = store();
    let ty = FunctionType { parameters: vec![], results: vec![ValueType::I64] };
    let seen = Rc::new(RefCell::new(String::new()));
    let said = Rc::clone(&seen);
    let take = store.function(ty, move |caller, _| {
        let taken = caller.instance().expect("an instance calls").snapshot();
        *said.borrow_mut() = format!("{:?}", taken.map(|_| ()));
        Ok(vec![Value::I64(0)])
    });
    let instance = Instance::new(&store, &module, &[Extern::Function(take)]).expect("an instance");
    call(&instance, "f", &[]).expect("it returns");
    assert_eq!(*seen.borrow(), "Err(Busy)");
    assert!(instance.snapshot().is_ok());
}

#[test]
fn what_means_nothing_elsewhere_is_refused() {
    let store = store();
    let exporter = load(
        r#"(module (memory (export "m") 1) (table (export "t") 2 funcref) (table (export "e") 1 externref)
            (global (export "g") (mut i32) (i32.const 0)) (func (export "f")))"#,
        false,
    );
    let fresh = || Instance::new(&store, &exporter, &[]).expect("an instance");
    let table = |instance: &Instance, name: &str| match instance.export(name) {
        Some(Extern::Table(table)) => table,
        _ => panic!("no table {name}"),
    };
    // Its own function that the host puts there is its own.
    let instance = fresh();
    let own = instance.function("f").expect("it is exported");
    table(&instance, "t").set(0, &Value::Function(Some(own.clone()))).expect("it fits");
    let snapshot = instance.snapshot().expect("its own function");
    Instance::restore(&store, &exporter, &[], &snapshot).expect("it fits");
    // Another instance's is not, nor the host's.
    let other = fresh();
    table(&other, "t").set(0, &Value::Function(Some(own))).expect("it fits");
    assert!(matches!(other.snapshot(), Err(SnapshotError::Foreign(_))));
    let other = fresh();
    table(&other, "e").set(0, &Value::External(Some(3))).expect("it fits");
    assert!(matches!(other.snapshot(), Err(SnapshotError::Foreign(_))));
    // State that others see.
    for (import, name) in [("(memory 1)", "m"), ("(table 2 funcref)", "t"), ("(global (mut i32))", "g")] {
        let user = load(&format!(r#"(module (import "a" "b" {import}))"#), false);
        let shared = fresh();
        let user = Instance::new(&store, &user, &[shared.export(name).expect("it is exported")]);
        let user = user.expect("it fits");
        assert!(matches!(shared.snapshot(), Err(SnapshotError::Shared(_))), "{name}");
        assert!(matches!(user.snapshot(), Err(SnapshotError::Shared(_))), "{name}");
    }
    // State that is the host's.
    for (import, given) in [
        ("(memory 1)", Extern::Memory(Memory::new(1, None).expect("a memory"))),
        (
            "(table 1 funcref)",
            Extern::Table(Table::new(&store, ValueType::Function, 1, None).expect("a table")),
        ),
    ] {
        let user = load(&format!(r#"(module (import "a" "b" {import}))"#), false);
        let user = Instance::new(&store, &user, &[given]).expect("it fits");
        assert!(matches!(user.snapshot(), Err(SnapshotError::Shared(_))), "{import}");
    }
    let refused = Instance::restore(&store, &load(COUNTER, false), &[], &snapshot);
    assert!(matches!(refused, Err(SnapshotError::OtherModule)));
}

/// The bytes with a checksum that fits them.
fn summed(content: &[u8]) -> Vec<u8> {
    [content, &sci::digest::sha256(content)].concat()
}

#[test]
fn hostile_bytes_are_errors_or_states_that_harm_nothing() {
    let module = load(OPERATIONS, false);
    let store = store();
    let instance = Instance::new(&store, &module, &eleven(&store)).expect("an instance");
    perform(&instance, &Random(5).operations(60));
    let whole = instance.snapshot().expect("nothing runs").to_bytes();
    let content = &whole[..whole.len() - 32];
    for end in (0..whole.len()).step_by(97) {
        assert!(Snapshot::from_bytes(&whole[..end]).is_err(), "{end}");
    }
    for at in (0..whole.len()).step_by(31) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(Snapshot::from_bytes(&damaged).is_err(), "{at}");
    }
    // Whoever makes a checksum that fits gets no further than a state of the module.
    let mut random = Random(1);
    let (mut restored, mut refused) = (0, 0);
    let interesting = content.len() - 700..content.len();
    for round in 0..400 {
        let mut hostile = content.to_vec();
        for _ in 0..=random.below(3) {
            let at = if round % 4 == 0 {
                random.below(hostile.len() as u64) as usize
            } else {
                interesting.start + random.below(interesting.len() as u64) as usize
            };
            hostile[at] = random.below(256) as u8;
        }
        let Ok(snapshot) = Snapshot::from_bytes(&summed(&hostile)) else {
            refused += 1;
            continue;
        };
        match Instance::restore(&store, &module, &eleven(&store), &snapshot) {
            Ok(instance) => {
                restored += 1;
                perform(&instance, &Random(round).operations(30));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(restored > 20 && refused > 20, "{restored} restored, {refused} refused");
    let mut other = content.to_vec();
    other[7] = 2;
    assert!(matches!(Snapshot::from_bytes(&summed(&other)), Err(SnapshotError::Damaged(_))));
    let longer = [content, &[0]].concat();
    assert!(matches!(Snapshot::from_bytes(&summed(&longer)), Err(SnapshotError::Damaged(_))));
}

#[test]
fn only_the_module_s_own_places_are_references() {
    let module = load(
        r#"(module (import "host" "eleven" (func $c (result i64))) (table (export "t") 2 funcref)
            (elem (i32.const 0) func $c $f) (func $f (export "f")))"#,
        false,
    );
    let store = store();
    let instance = Instance::new(&store, &module, &eleven(&store)).expect("an instance");
    let whole = instance.snapshot().expect("nothing runs").to_bytes();
    let content = &whole[..whole.len() - 32];
    // No memory, one table, its two elements.
    let at = 8 + 32 + 4 + 4 + 4;
    let word = |at: usize| u32::from_le_bytes(*content[at..].first_chunk().expect("it is inside"));
    let (imported, own) = (word(at), word(at + 4));
    assert_eq!(imported, 1 << 31);
    for hostile in
        [own + 1, own - 1, own + 4, 1, 0x3fff_ffff, 0x7fff_ffff, imported + 1, imported | 1 << 30, u32::MAX]
    {
        let mut bytes = content.to_vec();
        bytes[at..at + 4].copy_from_slice(&hostile.to_le_bytes());
        let snapshot = Snapshot::from_bytes(&summed(&bytes)).expect("its form is right");
        let refused = Instance::restore(&store, &module, &eleven(&store), &snapshot);
        assert!(matches!(refused, Err(SnapshotError::Damaged(_))), "{hostile:#x}: {refused:?}");
    }
}
