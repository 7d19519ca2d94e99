//! Functions whose types the host's program states: their calls need no lists of values.

use crate::error::Trap;
use crate::function::{Caller, Function, HostEntry, Kind, nested};
use crate::instance::{self, TRAP_WAITS};
use crate::machine::{Activation, Arguments, Entry, Local, Results};
use crate::store::Store;
use crate::value::{FunctionType, Value, ValueType};
use std::marker::PhantomData;
use std::rc::Rc;

/// A number that crosses the boundary in one register: `i32`, `u32`, `i64`, `u64`, `f32`, `f64`.
pub trait Scalar: Copy + sealed::Scalar {}

/// Parameters of a function: a tuple of at most six [`Scalar`]s.
pub trait Parameters: Copy + sealed::Parameters {}

/// What a function gives: nothing or a [`Scalar`].
pub trait Given: sealed::Given {}

mod sealed {
    use super::{Arguments, Results, Value, ValueType};

    pub trait Scalar {
        const TYPE: ValueType;
        fn bits(self) -> u64;
        fn of(bits: u64) -> Self;
    }

    pub trait Parameters: Sized {
        const HAS_FLOATS: bool;
        fn types() -> Vec<ValueType>;
        /// Those that are no floats, in order.
        fn integers(&self) -> [u64; 6];
        fn pass(&self, to: &mut Arguments);
        fn values(&self) -> Vec<Value>;
        /// From registers that hold integers only.
        fn take(integers: &[u64; 6]) -> Self;
        fn read(values: &[Value]) -> Option<Self>;
    }

    pub trait Given: Sized {
        const IS_FLOAT: bool;
        fn types() -> Vec<ValueType>;
        fn take(results: &Results) -> Self;
        fn bits(&self) -> u64;
        fn values(&self) -> Vec<Value>;
        fn read(values: &[Value]) -> Option<Self>;
    }
}

const fn is_float(ty: ValueType) -> bool {
    matches!(ty, ValueType::F32 | ValueType::F64)
}

fn value<S: Scalar>(scalar: S) -> Value {
    let bits = scalar.bits();
    match S::TYPE {
        ValueType::I32 => Value::I32(bits as i32),
        ValueType::F32 => Value::F32(bits as u32),
        ValueType::F64 => Value::F64(bits),
        _ => Value::I64(bits as i64),
    }
}

fn scalar<S: Scalar>(value: &Value) -> Option<S> {
    let bits = match *value {
        Value::I32(value) => u64::from(value as u32),
        Value::I64(value) => value as u64,
        Value::F32(bits) => u64::from(bits),
        Value::F64(bits) => bits,
        _ => return None,
    };
    (value.ty() == S::TYPE).then(|| S::of(bits))
}

macro_rules! scalar {
    ($($scalar:ty, $ty:ident, $bits:expr, $of:expr;)*) => {$(
        impl Scalar for $scalar {}
        impl sealed::Scalar for $scalar {
            const TYPE: ValueType = ValueType::$ty;
            #[inline]
            fn bits(self) -> u64 {
                $bits(self)
            }
            #[inline]
            fn of(bits: u64) -> Self {
                $of(bits)
            }
        }
        impl Given for $scalar {}
        impl sealed::Given for $scalar {
            const IS_FLOAT: bool = is_float(ValueType::$ty);
            fn types() -> Vec<ValueType> {
                vec![ValueType::$ty]
            }
            #[inline]
            fn take(results: &Results) -> Self {
                let [low, ..] = results.floats;
                let float = || low.first_chunk().map_or(0, |bits| u64::from_le_bytes(*bits));
                <Self as sealed::Scalar>::of(if Self::IS_FLOAT { float() } else { results.ints[0] })
            }
            #[inline]
            fn bits(&self) -> u64 {
                sealed::Scalar::bits(*self)
            }
            fn values(&self) -> Vec<Value> {
                vec![value(*self)]
            }
            fn read(values: &[Value]) -> Option<Self> {
                if let [one] = values { scalar(one) } else { None }
            }
        }
    )*};
}

scalar! {
    i32, I32, |value| u64::from(value as u32), |bits| bits as i32;
    u32, I32, u64::from, |bits| bits as u32;
    i64, I64, |value| value as u64, |bits| bits as i64;
    u64, I64, |value| value, |bits| bits;
    f32, F32, |value: f32| u64::from(value.to_bits()), |bits| f32::from_bits(bits as u32);
    f64, F64, f64::to_bits, f64::from_bits;
}

impl Given for () {}
impl sealed::Given for () {
    const IS_FLOAT: bool = false;
    fn types() -> Vec<ValueType> {
        Vec::new()
    }
    #[inline]
    fn take(_: &Results) -> Self {}
    #[inline]
    fn bits(&self) -> u64 {
        0
    }
    fn values(&self) -> Vec<Value> {
        Vec::new()
    }
    fn read(values: &[Value]) -> Option<Self> {
        values.is_empty().then_some(())
    }
}

macro_rules! parameters {
    ($($name:ident)*) => {
        impl<$($name: Scalar),*> Parameters for ($($name,)*) {}
        #[allow(non_snake_case, unused, clippy::unused_unit, reason = "one variable for each type; the empty tuple has none")]
        impl<$($name: Scalar),*> sealed::Parameters for ($($name,)*) {
            const HAS_FLOATS: bool = false $(|| is_float($name::TYPE))*;
            fn types() -> Vec<ValueType> {
                vec![$($name::TYPE),*]
            }
            #[inline]
            fn integers(&self) -> [u64; 6] {
                let ($($name,)*) = *self;
                let (mut integers, mut at) = ([0; 6], 0);
                $(if !is_float($name::TYPE) {
                    integers[at] = $name.bits();
                    at += 1;
                })*
                integers
            }
            fn pass(&self, to: &mut Arguments) {
                let ($($name,)*) = *self;
                to.ints = self.integers();
                let mut at = 0;
                $(if is_float($name::TYPE) {
                    to.floats[at] = u128::from($name.bits()).to_le_bytes();
                    at += 1;
                })*
            }
            fn values(&self) -> Vec<Value> {
                let ($($name,)*) = *self;
                vec![$(value($name)),*]
            }
            #[inline]
            fn take(integers: &[u64; 6]) -> Self {
                let mut integers = integers.iter();
                $(let $name = $name::of(integers.next().copied().unwrap_or_default());)*
                ($($name,)*)
            }
            fn read(values: &[Value]) -> Option<Self> {
                let mut values = values.iter();
                $(let $name = scalar(values.next()?)?;)*
                values.next().is_none().then_some(($($name,)*))
            }
        }
    };
}

parameters! {}
parameters! { A }
parameters! { A B }
parameters! { A B C }
parameters! { A B C D }
parameters! { A B C D E }
parameters! { A B C D E F }

/// A function that takes `P` and gives `R`: see [`Function::typed`].
pub struct TypedFunction<P, R> {
    function: Function,
    /// The guest's instance and where it is entered; none for a function of the host.
    way: Option<(Rc<instance::Inner>, Entry)>,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> std::fmt::Debug for TypedFunction<P, R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TypedFunction").field("function", &self.function).finish_non_exhaustive()
    }
}

fn function_type<P: Parameters, R: Given>() -> FunctionType {
    FunctionType { parameters: P::types(), results: R::types() }
}

impl Function {
    /// The same function, its type checked once and not at every call.
    pub fn typed<P: Parameters, R: Given>(&self) -> Result<TypedFunction<P, R>, Trap> {
        let kind = self.store.kind(self.id);
        if *kind.ty() != function_type::<P, R>() {
            return Err(Trap::Arguments { wanted: kind.ty().to_string() });
        }
        let way = match &*kind {
            Kind::Host { .. } => None,
            Kind::Guest { instance, function, .. } => {
                let instance = Rc::clone(&self.store.instances.borrow()[*instance]);
                let entry = instance.way(*function)?.entry;
                Some((instance, entry))
            }
        };
        Ok(TypedFunction { function: self.clone(), way, types: PhantomData })
    }
}

/// Ends the guest.
#[cold]
fn stop(activation: &Activation) -> u64 {
    activation.trap(TRAP_WAITS);
    0
}

impl Store {
    /// A function of the host whose types the code states. If they are integers, a guest's call needs no values.
    pub fn typed_function<P: Parameters, R: Given>(
        &self,
        code: impl Fn(&Caller<'_>, P) -> Result<R, Trap> + 'static,
    ) -> Function {
        let ty = function_type::<P, R>();
        let code = Rc::new(code);
        let in_integers = !P::HAS_FLOATS && !R::IS_FLOAT;
        let entry = in_integers.then(|| {
            let code = Rc::clone(&code);
            let entry: Box<HostEntry> = Box::new(move |store, number| {
                let local = Local::new((Rc::downgrade(store), Rc::clone(&code)));
                Box::new(move |activation, integers| {
                    let Some((store, code)) = local.get() else { return stop(activation) };
                    let Some(store) = store.upgrade() else { return stop(activation) };
                    match code(&Caller { store: &store, instance: Some(number) }, P::take(integers)) {
                        Ok(given) => given.bits(),
                        Err(trap) => {
                            *store.trap.borrow_mut() = Some(trap);
                            stop(activation)
                        }
                    }
                })
            });
            entry
        });
        let code = Box::new(move |caller: &Caller<'_>, values: &[Value]| {
            let wanted = || Trap::Arguments { wanted: function_type::<P, R>().to_string() };
            let given = P::read(values).ok_or_else(wanted)?;
            Ok(code(caller, given)?.values())
        });
        self.host(Kind::Host { ty, code, entry })
    }
}

impl<P: Parameters, R: Given> TypedFunction<P, R> {
    /// Calls it.
    #[inline]
    pub fn call(&self, parameters: P) -> Result<R, Trap> {
        let Some((instance, entry)) = &self.way else { return self.call_host(parameters) };
        let store = &self.function.store;
        nested(store, || {
            let outcome = if P::HAS_FLOATS || R::IS_FLOAT {
                let mut arguments = Arguments::default();
                parameters.pass(&mut arguments);
                instance.activation.enter_guest(*entry, &arguments, true)
            } else {
                instance.activation.enter_integers(*entry, &parameters.integers())
            };
            Ok(R::take(&instance.finish(store, outcome)?))
        })
    }

    #[cold]
    fn call_host(&self, parameters: P) -> Result<R, Trap> {
        let results = self.function.call(&parameters.values())?;
        R::read(&results).ok_or_else(|| Trap::Host("a host function gave other values".into()))
    }
}
