//! wasmi.

use crate::engine::{Case, Guest, Place, Started};
use crate::plan::Item;
use crate::stub::{self, Log};
use crate::value::{Kind, SPARE, Signature, Stop, Trap, Value};
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    AsContext, AsContextMut, Config, Engine, Error, Extern, ExternRef, ExternType, F32, F64, Func, FuncType,
    Global, Instance, Memory, MemoryType, Module, Mutability, Ref, Store, Table, TableType, TrapCode, Val,
    ValType,
};

/// What host functions need.
#[derive(Default)]
struct State {
    log: Log,
    spare: Option<Func>,
}

struct Interpreted<'c> {
    case: &'c Case,
    store: Store<State>,
    imports: Vec<Extern>,
    instances: Vec<Instance>,
}

/// Frames of a guest.
const DEPTH: usize = 50_000;
/// Bytes of a guest's stack.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Translates and instantiates a module.
pub fn start(case: &Case) -> Started<'_> {
    let mut config = Config::default();
    config.set_max_recursion_depth(DEPTH).set_max_stack_height(STACK_BYTES);
    // An engine keeps the code of every module, so each has its own.
    let store = Store::new(&Engine::new(&config), State::default());
    let mut interpreted = Interpreted { case, store, imports: Vec::new(), instances: Vec::new() };
    let outcome = interpreted.instantiate();
    (outcome, Box::new(interpreted))
}

impl Interpreted<'_> {
    fn instantiate(&mut self) -> Result<(), Stop> {
        let module = Module::new(self.store.engine(), &self.case.bytes)
            .map_err(|error| Stop::Refused(error.to_string()))?;
        let spare = self.function(SPARE, &stub::spare());
        self.store.data_mut().spare = Some(spare);
        for (index, (_, _, item)) in self.case.plan.imports.iter().enumerate() {
            let given = self.import(index, item).map_err(|error| ended(&error))?;
            self.imports.push(given);
        }
        let given = self.in_order(&module, &self.imports);
        let instance = Instance::new(&mut self.store, &module, &given).map_err(|error| ended(&error))?;
        self.instances.push(instance);
        Ok(())
    }

    fn function(&mut self, number: u32, signature: &Signature) -> Func {
        let types = |kinds: &[Kind]| kinds.iter().copied().map(type_of).collect::<Vec<_>>();
        let ty = FuncType::new(types(&signature.parameters), types(&signature.results));
        let signature = signature.clone();
        Func::new(&mut self.store, ty, move |mut caller, arguments, results| {
            let given: Vec<Value> = arguments.iter().map(|value| read(&caller, value)).collect();
            let values = caller.data_mut().log.call(number, &signature, &given);
            for (result, value) in results.iter_mut().zip(values) {
                let spare = caller.data().spare;
                *result = write(&mut caller, value, |_| spare);
            }
            Ok(())
        })
    }

    fn import(&mut self, index: usize, item: &Item) -> Result<Extern, Error> {
        let spare = self.store.data().spare;
        let store = &mut self.store;
        Ok(match item {
            Item::Function(signature) => Extern::Func(self.function(index as u32, signature)),
            Item::Table(kind, size, most) => {
                let ty = type_of(*kind);
                let table = Table::new(&mut *store, TableType::new(ty, *size, *most), Val::default(ty))?;
                for at in 0..*size {
                    let element = write(&mut *store, stub::element(*kind, at), |_| spare);
                    table.set(&mut *store, u64::from(at), element).map_err(Error::from)?;
                }
                Extern::Table(table)
            }
            Item::Memory(pages, most) => Extern::Memory(Memory::new(store, MemoryType::new(*pages, *most))?),
            Item::Global(kind, mutable) => {
                let value = write(&mut *store, stub::global(index, *kind), |_| spare);
                let mutability = if *mutable { Mutability::Var } else { Mutability::Const };
                Extern::Global(Global::new(store, value, mutability))
            }
        })
    }

    /// The imports in the order of the engine, which groups them by kind.
    fn in_order(&self, module: &Module, given: &[Extern]) -> Vec<Extern> {
        let number = |ty: &ExternType| match ty {
            ExternType::Func(_) => 0,
            ExternType::Table(_) => 1,
            ExternType::Memory(_) => 2,
            ExternType::Global(_) => 3,
        };
        let mut rest =
            [0, 1, 2, 3].map(|kind| given.iter().filter(move |given| number(&given.ty(&self.store)) == kind));
        let imports = module.imports();
        imports.filter_map(|import| rest[number(import.ty())].next().copied()).collect()
    }

    fn find(&self, place: Place<'_>) -> Option<Extern> {
        match place {
            Place::Import(index) => self.imports.get(index).copied(),
            Place::Export(instance, name) => self.instances.get(instance)?.get_export(&self.store, name),
        }
    }
}

impl Guest for Interpreted<'_> {
    fn second(&mut self, case: &Case) -> Result<(), Stop> {
        let module = Module::new(self.store.engine(), &case.bytes)
            .map_err(|error| Stop::Refused(error.to_string()))?;
        let first = *self.instances.first().ok_or_else(none)?;
        let names = case.plan.from_first(&self.case.plan);
        let given: Vec<Extern> =
            names.iter().filter_map(|name| first.get_export(&self.store, name)).collect();
        let given = self.in_order(&module, &given);
        let instance = Instance::new(&mut self.store, &module, &given).map_err(|error| ended(&error))?;
        self.instances.push(instance);
        Ok(())
    }

    fn call(&mut self, instance: usize, export: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
        let first = *self.instances.first().ok_or_else(none)?;
        let instance = *self.instances.get(instance).ok_or_else(none)?;
        let mut given = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let referred = match argument {
                Value::Function(Some(SPARE)) => self.store.data().spare,
                Value::Function(Some(number)) => {
                    let named = self.case.plan.functions().nth(*number as usize);
                    named.and_then(|(name, _)| first.get_func(&self.store, name))
                }
                _ => None,
            };
            given.push(write(&mut self.store, *argument, |_| referred));
        }
        let function = instance.get_func(&self.store, export);
        let function = function.ok_or_else(|| Stop::Other("there is no such function".into()))?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &given, &mut results).map_err(|error| ended(&error))?;
        Ok(results.iter().map(|value| read(&self.store, value)).collect())
    }

    fn global(&mut self, place: Place<'_>) -> Option<Value> {
        let global = self.find(place)?.into_global()?;
        Some(read(&self.store, &global.get(&self.store)))
    }

    fn set_global(&mut self, place: Place<'_>, value: Value) {
        let value = write(&mut self.store, value, |_| None);
        if let Some(global) = self.find(place).and_then(Extern::into_global) {
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
        elements.map(|index| table.get(&self.store, index).map(|value| read(&self.store, &value))).collect()
    }

    fn log(&self) -> u64 {
        self.store.data().log.0
    }
}

fn none() -> Stop {
    Stop::Other("there is no instance".into())
}

fn type_of(kind: Kind) -> ValType {
    match kind {
        Kind::I32 => ValType::I32,
        Kind::I64 => ValType::I64,
        Kind::F32 => ValType::F32,
        Kind::F64 => ValType::F64,
        Kind::V128 => ValType::V128,
        Kind::Function => ValType::FuncRef,
        Kind::External => ValType::ExternRef,
    }
}

fn write(store: impl AsContextMut, value: Value, function: impl Fn(u32) -> Option<Func>) -> Val {
    match value {
        Value::I32(bits) => Val::I32(bits as i32),
        Value::I64(bits) => Val::I64(bits as i64),
        Value::F32(bits) => Val::F32(F32::from_bits(bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(bits)),
        Value::V128(bits) => Val::V128(bits.into()),
        Value::Function(number) => Val::FuncRef(number.and_then(function).map_or(Ref::Null, Ref::Val)),
        Value::External(None) => Val::ExternRef(Ref::Null),
        Value::External(Some(number)) => Val::ExternRef(Ref::Val(ExternRef::new(store, number))),
    }
}

fn read(store: impl AsContext, value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(*value as u32),
        Val::I64(value) => Value::I64(*value as u64),
        Val::F32(float) => Value::F32(float.to_bits()),
        Val::F64(float) => Value::F64(float.to_bits()),
        Val::V128(bits) => Value::V128(bits.as_u128()),
        Val::FuncRef(function) => Value::Function(function.val().map(|_| 0)),
        Val::ExternRef(reference) => Value::External(
            reference.val().and_then(|reference| reference.data(store.as_context()).downcast_ref().copied()),
        ),
    }
}

fn ended(error: &Error) -> Stop {
    let code = error.as_trap_code();
    Stop::Trap(match (code, error.kind()) {
        (Some(TrapCode::UnreachableCodeReached), _) => Trap::Unreachable,
        (Some(TrapCode::MemoryOutOfBounds), _) | (None, ErrorKind::Memory(_)) => Trap::MemoryBounds,
        (Some(TrapCode::TableOutOfBounds), _)
        | (
            None,
            ErrorKind::Table(_)
            | ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }),
        ) => Trap::TableBounds,
        (Some(TrapCode::IndirectCallToNull), _) => Trap::NullElement,
        (Some(TrapCode::BadSignature), _) => Trap::TypeMismatch,
        (Some(TrapCode::IntegerDivisionByZero), _) => Trap::Division,
        (Some(TrapCode::IntegerOverflow), _) => Trap::Overflow,
        (Some(TrapCode::BadConversionToInteger), _) => Trap::Conversion,
        (Some(TrapCode::StackOverflow | TrapCode::GrowthOperationLimited), _) => return Stop::Exhausted,
        _ => return Stop::Other(error.to_string()),
    })
}
