//! Values and ends of calls, in words that all engines share.

/// A type of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// Vector.
    V128,
    /// Reference to a function.
    Function,
    /// Reference of the host.
    External,
}

/// The function of the host that no module imports; only references lead to it.
pub const SPARE: u32 = u32::MAX;

/// A value.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// 32-bit integer.
    I32(u32),
    /// 64-bit integer.
    I64(u64),
    /// Bits of a float.
    F32(u32),
    /// Bits of a float.
    F64(u64),
    /// Vector, little-endian.
    V128(u128),
    /// A function: the number of an export, or [`SPARE`]. As a result, the number says nothing.
    Function(Option<u32>),
    /// A number of the host's.
    External(Option<u32>),
}

const NAN_32: u32 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;

fn one_nan_32(bits: u32) -> u32 {
    if f32::from_bits(bits).is_nan() { NAN_32 } else { bits }
}

fn one_nan_64(bits: u64) -> u64 {
    if f64::from_bits(bits).is_nan() { NAN_64 } else { bits }
}

impl Value {
    /// The value with what engines may choose taken out: bits of NaNs, and which function it is.
    #[must_use]
    pub fn settled(self) -> Self {
        match self {
            Self::F32(bits) => Self::F32(one_nan_32(bits)),
            Self::F64(bits) => Self::F64(one_nan_64(bits)),
            Self::Function(function) => Self::Function(function.map(|_| 0)),
            other => other,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self.settled(), other.settled()) {
            (Self::I32(one), Self::I32(two)) | (Self::F32(one), Self::F32(two)) => one == two,
            (Self::I64(one), Self::I64(two)) | (Self::F64(one), Self::F64(two)) => one == two,
            (Self::V128(one), Self::V128(two)) => one == two,
            (Self::Function(one), Self::Function(two)) | (Self::External(one), Self::External(two)) => {
                one == two
            }
            _ => false,
        }
    }
}

/// The type of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Of its parameters.
    pub parameters: Vec<Kind>,
    /// Of its results.
    pub results: Vec<Kind>,
}

/// What a guest did that cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// Came where nobody comes.
    Unreachable,
    /// Reached outside a memory.
    MemoryBounds,
    /// Reached outside a table.
    TableBounds,
    /// Called null.
    NullElement,
    /// Called a function of another type.
    TypeMismatch,
    /// Divided by zero.
    Division,
    /// Overflowed where that is not allowed.
    Overflow,
    /// Converted what has no integer.
    Conversion,
}

/// How a call ended before its time.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The guest's doing.
    Trap(Trap),
    /// The engine has no more of something that engines bound as they like, such as stack.
    Exhausted,
    /// The module is refused.
    Refused(String),
    /// Anything else.
    Other(String),
}
