//! This project's compiler and runtime.

use crate::engine::{Case, Guest, Place, Started};
use crate::plan::Item;
use crate::stub::{self, Log};
use crate::value::{Kind, SPARE, Signature, Stop, Trap, Value};
use compiler_syntax::span::FileId;
use sci::status::Fault;
use space_host::{
    Error, Extern, Function, FunctionType, Global, Instance, Memory, Module, Store, Table, Trap as HostTrap,
    Value as HostValue, ValueType,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// Seed of the key that signs images here.
const SEED: [u8; 32] = [7; 32];

/// After this a call counts as endless.
const DEADLINE: Duration = Duration::from_secs(20);

/// A module's image.
fn compile(case: &Case) -> Result<Vec<u8>, Stop> {
    let refused = |error: &dyn std::fmt::Display| Stop::Refused(error.to_string());
    let options = compiler_wasm::Options::default();
    let unit = compiler_wasm::read(&case.bytes, FileId(0), options).map_err(|error| match error {
        compiler_wasm::Error::TooLarge { .. } => Stop::Exhausted,
        error => refused(&error),
    })?;
    let code = compiler_codegen::compile(&unit, case.options).map_err(|error| refused(&error))?;
    let wiring = unit.wiring();
    let image = compiler_link::guest::link(&compiler_link::guest::Input {
        name: "test",
        wiring: &wiring,
        code: &code,
        stack_bytes: options.stack_bytes,
        file: "test.wasm",
        sources: &[("test.wasm", sci::digest::sha256(&case.bytes))],
        flags: "",
    })
    .map_err(|error| refused(&error))?;
    sci::write::sign_image(&image, &SEED, true).map_err(|error| refused(&error))
}

/// What host functions need.
#[derive(Default)]
struct Shared {
    log: Cell<Log>,
    spare: RefCell<Option<Function>>,
}

struct Ours<'c> {
    case: &'c Case,
    shared: Rc<Shared>,
    store: Option<Store>,
    imports: Vec<Extern>,
    instances: Vec<Instance>,
}

impl Drop for Ours<'_> {
    fn drop(&mut self) {
        // It holds the store, whose functions hold it.
        self.shared.spare.borrow_mut().take();
    }
}

/// Compiles, loads and instantiates a module.
pub fn start(case: &Case) -> Started<'_> {
    let shared = Rc::new(Shared::default());
    let mut ours = Ours { case, shared, store: None, imports: Vec::new(), instances: Vec::new() };
    let outcome = ours.instantiate();
    (outcome, Box::new(ours))
}

impl Ours<'_> {
    fn instantiate(&mut self) -> Result<(), Stop> {
        let image = compile(self.case)?;
        let module = Module::load(&image, &[sci::sign::public_key(&SEED)]).map_err(|error| stop(&error))?;
        let store = Store::new().map_err(|error| stop(&error))?;
        store.tick(Duration::from_secs(1)).map_err(|error| stop(&error))?;
        let spare = self.function(&store, SPARE, stub::spare());
        self.shared.spare.replace(Some(spare));
        for (index, (_, _, item)) in self.case.plan.imports.iter().enumerate() {
            let given = self.import(&store, index, item)?;
            self.imports.push(given);
        }
        let instance = Instance::new(&store, &module, &self.imports).map_err(|error| stop(&error))?;
        instance.set_deadline(Some(DEADLINE));
        self.instances.push(instance);
        self.store = Some(store);
        Ok(())
    }

    fn function(&self, store: &Store, number: u32, signature: Signature) -> Function {
        let shared = Rc::clone(&self.shared);
        let ty = FunctionType {
            parameters: signature.parameters.iter().copied().map(type_of).collect(),
            results: signature.results.iter().copied().map(type_of).collect(),
        };
        store.function(ty, move |_, arguments| {
            let arguments: Vec<Value> = arguments.iter().map(read).collect();
            let mut log = shared.log.get();
            let results = log.call(number, &signature, &arguments);
            shared.log.set(log);
            let spare = shared.spare.borrow().clone();
            Ok(results.iter().map(|value| write(*value, |_| spare.clone())).collect())
        })
    }

    fn import(&self, store: &Store, index: usize, item: &Item) -> Result<Extern, Stop> {
        let spare = |_| self.shared.spare.borrow().clone();
        Ok(match item {
            Item::Function(signature) => {
                Extern::Function(self.function(store, index as u32, signature.clone()))
            }
            Item::Table(kind, size, most) => {
                let (size, most) = (u64::from(*size), most.map(u64::from));
                let table = Table::new(store, type_of(*kind), size, most).map_err(|error| stop(&error))?;
                for at in 0..size {
                    let value = write(stub::element(*kind, at as u32), spare);
                    table.set(at, &value).ok_or_else(|| Stop::Other("an element is not set".into()))?;
                }
                Extern::Table(table)
            }
            Item::Memory(pages, most) => {
                let memory = Memory::new(u64::from(*pages), most.map(u64::from));
                Extern::Memory(memory.map_err(|error| stop(&error))?)
            }
            Item::Global(kind, mutable) => {
                let value = write(stub::global(index, *kind), spare);
                let global = Global::new(store, *mutable, &value);
                Extern::Global(global.ok_or(Stop::Exhausted)?)
            }
        })
    }

    fn find(&self, place: Place<'_>) -> Option<Extern> {
        match place {
            Place::Import(index) => self.imports.get(index).cloned(),
            Place::Export(instance, name) => self.instances.get(instance)?.export(name),
        }
    }
}

impl Guest for Ours<'_> {
    fn second(&mut self, case: &Case) -> Result<(), Stop> {
        let image = compile(case)?;
        let module = Module::load(&image, &[sci::sign::public_key(&SEED)]).map_err(|error| stop(&error))?;
        let names = case.plan.from_first(&self.case.plan);
        let given: Vec<Extern> =
            names.iter().filter_map(|name| self.instances.first()?.export(name)).collect();
        let store = self.store.as_ref().ok_or_else(|| Stop::Other("there is no store".into()))?;
        let instance = Instance::new(store, &module, &given).map_err(|error| stop(&error))?;
        instance.set_deadline(Some(DEADLINE));
        self.instances.push(instance);
        Ok(())
    }

    fn call(&mut self, instance: usize, export: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
        let first = self.instances.first().ok_or_else(|| Stop::Other("there is no instance".into()))?;
        let spare = self.shared.spare.borrow().clone();
        let function = |number| match number {
            SPARE => spare.clone(),
            number => {
                let (name, _) = self.case.plan.functions().nth(number as usize)?;
                first.function(name)
            }
        };
        let arguments: Vec<HostValue> = arguments.iter().map(|value| write(*value, function)).collect();
        let called = self.instances.get(instance).and_then(|instance| instance.function(export));
        let called = called.ok_or_else(|| Stop::Other("there is no such function".into()))?;
        let results = called.call(&arguments).map_err(|trap| ended(&trap))?;
        Ok(results.iter().map(read).collect())
    }

    fn global(&mut self, place: Place<'_>) -> Option<Value> {
        match self.find(place)? {
            Extern::Global(global) => Some(read(&global.get())),
            _ => None,
        }
    }

    fn set_global(&mut self, place: Place<'_>, value: Value) {
        if let Some(Extern::Global(global)) = self.find(place) {
            // A global that did not take it is seen by the comparison that follows.
            let _ = global.set(&write(value, |_| None));
        }
    }

    fn memory(&mut self, place: Place<'_>) -> Option<Vec<u8>> {
        let Extern::Memory(memory) = self.find(place)? else { return None };
        let mut bytes = vec![0; memory.bytes() as usize];
        memory.read(0, &mut bytes)?;
        Some(bytes)
    }

    fn table(&mut self, place: Place<'_>) -> Option<Vec<Value>> {
        let Extern::Table(table) = self.find(place)? else { return None };
        (0..table.size()).map(|index| table.get(index).map(|value| read(&value))).collect()
    }

    fn log(&self) -> u64 {
        self.shared.log.get().0
    }
}

fn type_of(kind: Kind) -> ValueType {
    match kind {
        Kind::I32 => ValueType::I32,
        Kind::I64 => ValueType::I64,
        Kind::F32 => ValueType::F32,
        Kind::F64 => ValueType::F64,
        Kind::V128 => ValueType::V128,
        Kind::Function => ValueType::Function,
        Kind::External => ValueType::External,
    }
}

fn write(value: Value, function: impl Fn(u32) -> Option<Function>) -> HostValue {
    match value {
        Value::I32(bits) => HostValue::I32(bits as i32),
        Value::I64(bits) => HostValue::I64(bits as i64),
        Value::F32(bits) => HostValue::F32(bits),
        Value::F64(bits) => HostValue::F64(bits),
        Value::V128(bits) => HostValue::V128(bits),
        Value::Function(number) => HostValue::Function(number.and_then(function)),
        Value::External(number) => HostValue::External(number),
    }
}

fn read(value: &HostValue) -> Value {
    match value {
        HostValue::I32(value) => Value::I32(*value as u32),
        HostValue::I64(value) => Value::I64(*value as u64),
        HostValue::F32(bits) => Value::F32(*bits),
        HostValue::F64(bits) => Value::F64(*bits),
        HostValue::V128(bits) => Value::V128(*bits),
        HostValue::Function(function) => Value::Function(function.as_ref().map(|_| 0)),
        HostValue::External(number) => Value::External(*number),
    }
}

fn stop(error: &Error) -> Stop {
    match error {
        Error::Trap(trap) => ended(trap),
        Error::Memory(_) | Error::Grow(_) => Stop::Exhausted,
        error => Stop::Other(error.to_string()),
    }
}

fn ended(trap: &HostTrap) -> Stop {
    let HostTrap::Fault { fault, .. } = trap else { return Stop::Other(trap.to_string()) };
    Stop::Trap(match fault {
        Fault::Unreachable => Trap::Unreachable,
        Fault::MemoryBounds => Trap::MemoryBounds,
        Fault::TableBounds => Trap::TableBounds,
        Fault::NullElement => Trap::NullElement,
        Fault::TypeMismatch => Trap::TypeMismatch,
        Fault::Division => Trap::Division,
        Fault::Overflow => Trap::Overflow,
        Fault::Conversion => Trap::Conversion,
        Fault::StackOverflow => return Stop::Exhausted,
        _ => return Stop::Other(trap.to_string()),
    })
}
