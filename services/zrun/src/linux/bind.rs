//! Binding: what stands for a guest's imports.

use crate::imports::{ImportError, Shape, judge_each};
use crate::memory::GuestMemory;
use crate::space::Space;
use crate::world::World;
use sci::guest::{Function, MEMORY_EXPORT, Resolved, WasiFunction};
use space_host::{
    Caller, Extern, ExternType, FunctionType, Instance, Memory, Module, Store, Trap, Value, ValueType,
};
use std::cell::RefCell;
use std::rc::Rc;

/// A space and its world, shared by the functions that serve it.
pub(crate) struct Served<W> {
    pub space: Space,
    pub world: W,
    /// The status that the guest ended with.
    pub ended: Option<i32>,
}

/// Judges a module's imports, and gives what stands for them, in its order.
pub(crate) fn check(module: &Module, grants: crate::Grants) -> Result<Vec<Resolved>, ImportError> {
    let has_memory =
        module.exports().any(|(name, ty)| name == MEMORY_EXPORT && matches!(ty, ExternType::Memory { .. }));
    judge_each(module.imports().map(|(from, item, ty)| (from, item, shape(&ty))), grants, has_memory)
}

/// What an import or export is.
pub(super) fn shape(ty: &ExternType) -> Shape {
    let types = |types: &[ValueType]| types.iter().map(|ty| abi_type(*ty)).collect();
    match ty {
        ExternType::Function(ty) => {
            Shape::Function { parameters: types(&ty.parameters), results: types(&ty.results) }
        }
        other => Shape::Other(other.to_string()),
    }
}

fn abi_type(ty: ValueType) -> sci::guest::ValueType {
    match ty {
        ValueType::I32 => sci::guest::ValueType::I32,
        ValueType::I64 => sci::guest::ValueType::I64,
        ValueType::F32 => sci::guest::ValueType::F32,
        ValueType::F64 => sci::guest::ValueType::F64,
        ValueType::V128 => sci::guest::ValueType::V128,
        ValueType::Function | ValueType::External => sci::guest::ValueType::Reference,
    }
}

/// What stands for each import of a module.
pub(crate) fn bind<W: World + 'static>(
    store: &Store,
    module: &Module,
    served: &Rc<RefCell<Served<W>>>,
    grants: crate::Grants,
) -> Result<Vec<Extern>, ImportError> {
    let resolved = check(module, grants)?;
    let types = module.imports().filter_map(|(_, _, ty)| match ty {
        ExternType::Function(ty) => Some(ty),
        _ => None,
    });
    let functions =
        resolved.into_iter().zip(types).map(|(resolved, ty)| function(store, resolved, ty, served));
    Ok(functions.collect())
}

fn function<W: World + 'static>(
    store: &Store,
    resolved: Resolved,
    ty: FunctionType,
    served: &Rc<RefCell<Served<W>>>,
) -> Extern {
    let served = Rc::clone(served);
    Extern::Function(match resolved {
        Resolved::Abi(of) => store.function(ty, move |caller, values| abi(of, &served, caller, values)),
        Resolved::Wasi(of) => store.function(ty, move |caller, values| wasi(of, &served, caller, values)),
        Resolved::Unknown => store.function(ty, |_, _| Err(Trap::Host("the import is unknown".into()))),
    })
}

fn abi<W: World>(
    function: &'static Function,
    served: &RefCell<Served<W>>,
    caller: &Caller<'_>,
    values: &[Value],
) -> Result<Vec<Value>, Trap> {
    let mut memory = Lent::of(caller);
    let arguments: Vec<i32> = values.iter().map(|value| number(value) as i32).collect();
    let Served { space, world, .. } = &mut *served.borrow_mut();
    match space.call(function, &arguments, &mut memory, world) {
        Ok(answer) => Ok(vec![Value::I32(answer)]),
        Err(violation) => Err(Trap::Host(violation.to_string())),
    }
}

fn wasi<W: World>(
    function: &'static WasiFunction,
    served: &RefCell<Served<W>>,
    caller: &Caller<'_>,
    values: &[Value],
) -> Result<Vec<Value>, Trap> {
    let mut memory = Lent::of(caller);
    let arguments: Vec<i64> = values.iter().map(number).collect();
    let Served { space, world, ended } = &mut *served.borrow_mut();
    match space.call_wasi(function, &arguments, &mut memory, world) {
        Ok(answer) => Ok(vec![Value::I32(answer)]),
        Err(crate::Ended(status)) => {
            *ended = Some(status);
            Err(Trap::Exit(status))
        }
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::I32(value) => i64::from(*value),
        Value::I64(value) => *value,
        _ => 0,
    }
}

/// The memory of the instance that calls; without one, a memory of no bytes.
struct Lent(Option<Memory>);

impl Lent {
    fn of(caller: &Caller<'_>) -> Self {
        Self(caller.instance().as_ref().and_then(|instance: &Instance| instance.memory(MEMORY_EXPORT)))
    }
}

impl GuestMemory for Lent {
    fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, Memory::bytes)
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Option<()> {
        self.0.as_ref()?.read(at, into)
    }

    fn write(&mut self, at: u64, from: &[u8]) -> Option<()> {
        self.0.as_ref()?.write(at, from)
    }
}
