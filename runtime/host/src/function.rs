//! Functions, of guests and of the host.

use crate::error::{Place, Trap};
use crate::instance::Instance;
use crate::machine::HostIntegers;
use crate::store::{Inner, Store};
use crate::value::{FunctionType, Value};
use sci::status::Fault;
use std::rc::Rc;

/// Guests that wait for each other through the host at a time: what bounds the host's own stack.
const NESTING_MAX: u32 = 256;

/// The code of a host's function.
pub(crate) type HostCode = dyn Fn(&Caller<'_>, &[Value]) -> Result<Vec<Value>, Trap>;

/// Makes what the gate calls, if all values are integers: for a store, and an instance's number in it.
pub(crate) type HostEntry = dyn Fn(&Rc<Inner>, usize) -> Box<HostIntegers>;

/// What a function is.
pub(crate) enum Kind {
    Host { ty: FunctionType, code: Box<HostCode>, entry: Option<Box<HostEntry>> },
    Guest { ty: FunctionType, instance: usize, function: u32 },
}

impl Kind {
    pub(crate) fn ty(&self) -> &FunctionType {
        match self {
            Self::Host { ty, .. } | Self::Guest { ty, .. } => ty,
        }
    }
}

/// A function that can be called.
#[derive(Clone)]
pub struct Function {
    pub(crate) store: Rc<Inner>,
    pub(crate) id: u32,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Function").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && Rc::ptr_eq(&self.store, &other.store)
    }
}

/// Who calls a host's function.
#[derive(Debug)]
pub struct Caller<'c> {
    pub(crate) store: &'c Rc<Inner>,
    pub(crate) instance: Option<usize>,
}

impl Caller<'_> {
    /// The instance that calls, if it is one.
    pub fn instance(&self) -> Option<Instance> {
        Store(Rc::clone(self.store)).instance(self.instance?)
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl Function {
    /// Its type.
    pub fn ty(&self) -> FunctionType {
        self.store.kind(self.id).ty().clone()
    }

    /// Calls it.
    pub fn call(&self, arguments: &[Value]) -> Result<Vec<Value>, Trap> {
        call(&self.store, self.id, arguments, None)
    }
}

/// Calls a function by its number, for an instance or for the host.
pub(crate) fn call(
    store: &Rc<Inner>,
    id: u32,
    arguments: &[Value],
    caller: Option<usize>,
) -> Result<Vec<Value>, Trap> {
    let kind = store.kind(id);
    let ty = kind.ty();
    let fits = |values: &[Value], types: &[crate::value::ValueType]| {
        values.len() == types.len() && values.iter().zip(types).all(|(value, ty)| value.ty() == *ty)
    };
    if !fits(arguments, &ty.parameters) {
        return Err(Trap::Arguments { wanted: ty.to_string() });
    }
    match &*kind {
        Kind::Host { code, .. } => {
            let results = code(&Caller { store, instance: caller }, arguments)?;
            if !fits(&results, &ty.results) {
                return Err(Trap::Host(format!("a host function of type {ty} gave other values")));
            }
            Ok(results)
        }
        Kind::Guest { instance, function, .. } => {
            let instance = Rc::clone(&store.instances.borrow()[*instance]);
            nested(store, || instance.call(store, *function, arguments))
        }
    }
}

/// Calls a guest, if not too many wait for each other.
#[inline]
pub(crate) fn nested<T>(store: &Inner, call: impl FnOnce() -> Result<T, Trap>) -> Result<T, Trap> {
    let depth = store.depth.get();
    if depth >= NESTING_MAX {
        return Err(Trap::Fault { fault: Fault::StackOverflow, place: Place::default() });
    }
    store.depth.set(depth + 1);
    let given = call();
    store.depth.set(depth);
    given
}
