//! wasmtime.

use crate::engine::{Case, Guest, Place, Started};
use crate::plan::Item;
use crate::stub::{self, Log};
use crate::value::{Kind, SPARE, Signature, Stop, Trap, Value};
use wasmtime::{
    AsContextMut, Collector, Config, Engine, Extern, ExternRef, Func, FuncType, Global, GlobalType, Instance,
    Memory, MemoryType, Module, Mutability, Ref, RefType, Store, Table, TableType, Val, ValType,
};

/// What host functions need.
#[derive(Default)]
struct State {
    log: Log,
    spare: Option<Func>,
}

struct Compiled<'c> {
    case: &'c Case,
    store: Store<State>,
    imports: Vec<Extern>,
    instances: Vec<Instance>,
}

/// An engine for any number of modules.
///
/// # Panics
/// If wasmtime does not run here.
pub fn engine() -> Engine {
    let mut config = Config::new();
    config
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(true)
        .wasm_tail_call(true)
        .wasm_extended_const(true)
        .collector(Collector::Null)
        // Two engines must not want the same signals.
        .signals_based_traps(false)
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .memory_init_cow(false)
        .wasm_backtrace_max_frames(None);
    Engine::new(&config).expect("wasmtime runs on this machine")
}

/// Compiles and instantiates a module.
pub fn start<'c>(engine: &Engine, case: &'c Case) -> Started<'c> {
    let store = Store::new(engine, State::default());
    let mut compiled = Compiled { case, store, imports: Vec::new(), instances: Vec::new() };
    let outcome = compiled.instantiate(engine);
    (outcome, Box::new(compiled))
}

impl Compiled<'_> {
    fn instantiate(&mut self, engine: &Engine) -> Result<(), Stop> {
        let module =
            Module::new(engine, &self.case.bytes).map_err(|error| Stop::Refused(format!("{error:?}")))?;
        let spare = self.function(SPARE, &stub::spare());
        self.store.data_mut().spare = Some(spare);
        for (index, (_, _, item)) in self.case.plan.imports.iter().enumerate() {
            let given = self.import(index, item).map_err(|error| ended(&error))?;
            self.imports.push(given);
        }
        let instance =
            Instance::new(&mut self.store, &module, &self.imports).map_err(|error| ended(&error))?;
        self.instances.push(instance);
        Ok(())
    }

    fn function(&mut self, number: u32, signature: &Signature) -> Func {
        let engine = self.store.engine().clone();
        let types = |kinds: &[Kind]| kinds.iter().copied().map(type_of).collect::<Vec<_>>();
        let ty = FuncType::new(&engine, types(&signature.parameters), types(&signature.results));
        let signature = signature.clone();
        Func::new(&mut self.store, ty, move |mut caller, arguments, results| {
            let mut given = Vec::with_capacity(arguments.len());
            for argument in arguments {
                given.push(read(&mut caller, argument)?);
            }
            let values = caller.data_mut().log.call(number, &signature, &given);
            for (result, value) in results.iter_mut().zip(values) {
                let spare = caller.data().spare;
                *result = write(&mut caller, value, |_| spare)?;
            }
            Ok(())
        })
    }

    fn import(&mut self, index: usize, item: &Item) -> wasmtime::Result<Extern> {
        let spare = self.store.data().spare;
        let store = &mut self.store;
        Ok(match item {
            Item::Function(signature) => self.function(index as u32, signature).into(),
            Item::Table(kind, size, most) => {
                let (ty, null) = match kind {
                    Kind::Function => (RefType::FUNCREF, Ref::Func(None)),
                    _ => (RefType::EXTERNREF, Ref::Extern(None)),
                };
                let table = Table::new(&mut *store, TableType::new(ty, *size, *most), null)?;
                for at in 0..*size {
                    let value = write(&mut *store, stub::element(*kind, at), |_| spare)?;
                    if let Some(element) = value.ref_() {
                        table.set(&mut *store, u64::from(at), element)?;
                    }
                }
                table.into()
            }
            Item::Memory(pages, most) => Memory::new(store, MemoryType::new(*pages, *most))?.into(),
            Item::Global(kind, mutable) => {
                let value = write(&mut *store, stub::global(index, *kind), |_| spare)?;
                let mutability = if *mutable { Mutability::Var } else { Mutability::Const };
                Global::new(store, GlobalType::new(type_of(*kind), mutability), value)?.into()
            }
        })
    }

    fn find(&mut self, place: Place<'_>) -> Option<Extern> {
        match place {
            Place::Import(index) => self.imports.get(index).cloned(),
            Place::Export(instance, name) => self.instances.get(instance)?.get_export(&mut self.store, name),
        }
    }

    fn try_call(
        &mut self,
        instance: usize,
        export: &str,
        arguments: &[Value],
    ) -> wasmtime::Result<Vec<Value>> {
        let none = || wasmtime::Error::msg("there is no instance");
        let first = *self.instances.first().ok_or_else(none)?;
        let instance = *self.instances.get(instance).ok_or_else(none)?;
        let mut given = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let referred = match argument {
                Value::Function(Some(SPARE)) => self.store.data().spare,
                Value::Function(Some(number)) => {
                    let named = self.case.plan.functions().nth(*number as usize);
                    named.and_then(|(name, _)| first.get_func(&mut self.store, name))
                }
                _ => None,
            };
            given.push(write(&mut self.store, *argument, |_| referred)?);
        }
        let function = instance.get_func(&mut self.store, export);
        let function = function.ok_or_else(|| wasmtime::Error::msg("there is no such function"))?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &given, &mut results)?;
        results.iter().map(|value| read(&mut self.store, value)).collect()
    }
}

impl Guest for Compiled<'_> {
    fn second(&mut self, case: &Case) -> Result<(), Stop> {
        let engine = self.store.engine().clone();
        let module =
            Module::new(&engine, &case.bytes).map_err(|error| Stop::Refused(format!("{error:?}")))?;
        let first = *self.instances.first().ok_or_else(|| Stop::Other("there is no instance".into()))?;
        let names = case.plan.from_first(&self.case.plan);
        let given: Vec<Extern> =
            names.iter().filter_map(|name| first.get_export(&mut self.store, name)).collect();
        let instance = Instance::new(&mut self.store, &module, &given).map_err(|error| ended(&error))?;
        self.instances.push(instance);
        Ok(())
    }

    fn call(&mut self, instance: usize, export: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
        self.try_call(instance, export, arguments).map_err(|error| ended(&error))
    }

    fn global(&mut self, place: Place<'_>) -> Option<Value> {
        let global = self.find(place)?.into_global()?;
        let value = global.get(&mut self.store);
        read(&mut self.store, &value).ok()
    }

    fn set_global(&mut self, place: Place<'_>, value: Value) {
        let global = self.find(place).and_then(Extern::into_global);
        if let (Some(global), Ok(value)) = (global, write(&mut self.store, value, |_| None)) {
            // A global that did not take it is seen by the comparison that follows.
            let _ = global.set(&mut self.store, value);
        }
    }

    fn memory(&mut self, place: Place<'_>) -> Option<Vec<u8>> {
        let memory = self.find(place)?.into_memory()?;
        Some(memory.data(&self.store).to_vec())
    }

    fn table(&mut self, place: Place<'_>) -> Option<Vec<Value>> {
        let table = self.find(place)?.into_table()?;
        let elements = 0..table.size(&self.store);
        elements
            .map(|index| {
                let value = table.get(&mut self.store, index)?;
                read(&mut self.store, &value.into()).ok()
            })
            .collect()
    }

    fn log(&self) -> u64 {
        self.store.data().log.0
    }
}

fn type_of(kind: Kind) -> ValType {
    match kind {
        Kind::I32 => ValType::I32,
        Kind::I64 => ValType::I64,
        Kind::F32 => ValType::F32,
        Kind::F64 => ValType::F64,
        Kind::V128 => ValType::V128,
        Kind::Function => ValType::FUNCREF,
        Kind::External => ValType::EXTERNREF,
    }
}

fn write(
    store: impl AsContextMut,
    value: Value,
    function: impl Fn(u32) -> Option<Func>,
) -> wasmtime::Result<Val> {
    Ok(match value {
        Value::I32(bits) => Val::I32(bits as i32),
        Value::I64(bits) => Val::I64(bits as i64),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
        Value::V128(bits) => Val::V128(bits.into()),
        Value::Function(number) => Val::FuncRef(number.and_then(function)),
        Value::External(None) => Val::ExternRef(None),
        Value::External(Some(number)) => Val::ExternRef(Some(ExternRef::new(store, number)?)),
    })
}

fn read(mut store: impl AsContextMut, value: &Val) -> wasmtime::Result<Value> {
    Ok(match value {
        Val::I32(value) => Value::I32(*value as u32),
        Val::I64(value) => Value::I64(*value as u64),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::V128(bits) => Value::V128(bits.as_u128()),
        Val::FuncRef(function) => Value::Function(function.map(|_| 0)),
        Val::ExternRef(None) => Value::External(None),
        Val::ExternRef(Some(reference)) => {
            let data = reference.data(&mut store)?;
            Value::External(data.and_then(|data| data.downcast_ref()).copied())
        }
        _ => return Err(wasmtime::Error::msg("a value of another type")),
    })
}

fn ended(error: &wasmtime::Error) -> Stop {
    let Some(trap) = error.downcast_ref::<wasmtime::Trap>() else {
        return Stop::Other(format!("{error:?}"));
    };
    Stop::Trap(match trap {
        wasmtime::Trap::UnreachableCodeReached => Trap::Unreachable,
        wasmtime::Trap::MemoryOutOfBounds => Trap::MemoryBounds,
        wasmtime::Trap::TableOutOfBounds => Trap::TableBounds,
        wasmtime::Trap::IndirectCallToNull => Trap::NullElement,
        wasmtime::Trap::BadSignature => Trap::TypeMismatch,
        wasmtime::Trap::IntegerDivisionByZero => Trap::Division,
        wasmtime::Trap::IntegerOverflow => Trap::Overflow,
        wasmtime::Trap::BadConversionToInteger => Trap::Conversion,
        wasmtime::Trap::StackOverflow => return Stop::Exhausted,
        _ => return Stop::Other(format!("{error:?}")),
    })
}
