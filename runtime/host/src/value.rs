//! Values that cross a guest's boundary.

use crate::function::Function;
use sci::linkage::value;

/// A type of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// Reference to a function.
    Function,
    /// Reference of the host.
    External,
}

impl ValueType {
    /// The type of a number of the linkage table.
    pub(crate) fn of(number: u8) -> Self {
        match number {
            value::I32 => Self::I32,
            value::I64 => Self::I64,
            value::F32 => Self::F32,
            value::F64 => Self::F64,
            value::V128 => Self::V128,
            value::FUNCTION => Self::Function,
            _ => Self::External,
        }
    }

    /// Its number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::I32 => value::I32,
            Self::I64 => value::I64,
            Self::F32 => value::F32,
            Self::F64 => value::F64,
            Self::V128 => value::V128,
            Self::Function => value::FUNCTION,
            Self::External => value::EXTERNAL,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::V128)
    }
}

/// The type of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FunctionType {
    /// Of its parameters.
    pub parameters: Vec<ValueType>,
    /// Of its results.
    pub results: Vec<ValueType>,
}

impl FunctionType {
    /// Whether registers carry its values across the boundary.
    pub(crate) fn in_registers(&self) -> bool {
        let number = |ty: &ValueType| ty.number();
        sci::linkage::in_registers(self.parameters.iter().map(number), self.results.iter().map(number))
    }

    pub(crate) fn has_floats(&self) -> bool {
        self.parameters.iter().chain(&self.results).any(|ty| ty.is_float())
    }
}

impl std::fmt::Display for FunctionType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |types: &[ValueType]| {
            types.iter().map(|ty| format!("{ty:?}").to_lowercase()).collect::<Vec<_>>().join(", ")
        };
        write!(formatter, "({}) -> ({})", list(&self.parameters), list(&self.results))
    }
}

/// A value. Floats are held by their bits, so that equal values have equal bits.
#[derive(Clone, Debug)]
pub enum Value {
    /// 32-bit integer.
    I32(i32),
    /// 64-bit integer.
    I64(i64),
    /// Bits of a 32-bit float.
    F32(u32),
    /// Bits of a 64-bit float.
    F64(u64),
    /// 128-bit vector, little-endian.
    V128(u128),
    /// A function, or null.
    Function(Option<Function>),
    /// A number of the host's own, or null.
    External(Option<u32>),
}

impl Value {
    /// Its type.
    pub fn ty(&self) -> ValueType {
        match self {
            Self::I32(_) => ValueType::I32,
            Self::I64(_) => ValueType::I64,
            Self::F32(_) => ValueType::F32,
            Self::F64(_) => ValueType::F64,
            Self::V128(_) => ValueType::V128,
            Self::Function(_) => ValueType::Function,
            Self::External(_) => ValueType::External,
        }
    }

    /// The zero, or null, of a type.
    pub fn zero(ty: ValueType) -> Self {
        match ty {
            ValueType::I32 => Self::I32(0),
            ValueType::I64 => Self::I64(0),
            ValueType::F32 => Self::F32(0),
            ValueType::F64 => Self::F64(0),
            ValueType::V128 => Self::V128(0),
            ValueType::Function => Self::Function(None),
            ValueType::External => Self::External(None),
        }
    }
}
