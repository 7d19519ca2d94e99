//! Types of functions at the level of WebAssembly, and what each parameter is for.

use core::fmt;

/// A WebAssembly value type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
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
    /// A reference of any kind.
    Reference,
}

impl ValueType {
    /// Its name in WAT.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::V128 => "v128",
            Self::Reference => "ref",
        }
    }
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Address of UTF-8 text; its length follows.
    Text,
    /// Address of bytes; their length follows.
    Bytes,
    /// Bytes at the address before it, at most so many.
    Length(u32),
    /// Address of the guest's buffer; its capacity follows.
    Out,
    /// Bytes that the buffer before it can hold.
    Capacity,
    /// What an earlier call answered: a blob or a lock.
    Handle,
    /// A time, at most so long.
    Milliseconds(u32),
    /// A time.
    Seconds,
    /// One of a few numbers.
    Mode,
    /// 0 or 1.
    Flag,
    /// Address of what WASI defines.
    Pointer,
    /// A number that WASI defines.
    Plain,
}

impl Role {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Length(_) => "length",
            Self::Out => "out",
            Self::Capacity => "capacity",
            Self::Handle => "handle",
            Self::Milliseconds(_) => "milliseconds",
            Self::Seconds => "seconds",
            Self::Mode => "mode",
            Self::Flag => "flag",
            Self::Pointer => "pointer",
            Self::Plain => "plain",
        }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub value_type: ValueType,
    /// What it is for.
    pub role: Role,
}

/// Parameters and results of a function. `Display` writes it in WAT.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// Parameters, in order.
    pub parameters: &'static [Parameter],
    /// Types of the results.
    pub results: &'static [ValueType],
}

impl Signature {
    /// Checks the type that a module states for an import.
    pub fn check(
        &self,
        parameters: impl IntoIterator<Item = ValueType>,
        results: impl IntoIterator<Item = ValueType>,
    ) -> Result<(), Mismatch> {
        let expected = self.parameters.iter().map(|parameter| parameter.value_type);
        match difference(expected, parameters) {
            Some(Difference::Count { expected, found }) => {
                return Err(Mismatch::ParameterCount { expected, found });
            }
            Some(Difference::Type { index, expected, found }) => {
                return Err(Mismatch::Parameter { index, expected, found });
            }
            None => {}
        }
        match difference(self.results.iter().copied(), results) {
            Some(Difference::Count { expected, found }) => Err(Mismatch::ResultCount { expected, found }),
            Some(Difference::Type { index, expected, found }) => {
                Err(Mismatch::Result { index, expected, found })
            }
            None => Ok(()),
        }
    }
}

enum Difference {
    Count { expected: usize, found: usize },
    Type { index: usize, expected: ValueType, found: ValueType },
}

/// A wrong number before a wrong type: it says more.
fn difference(
    mut expected: impl Iterator<Item = ValueType>,
    found: impl IntoIterator<Item = ValueType>,
) -> Option<Difference> {
    let mut first = None;
    let (mut index, mut extra) = (0, 0);
    for found in found {
        match expected.next() {
            Some(expected) if expected != found && first.is_none() => {
                first = Some(Difference::Type { index, expected, found });
            }
            Some(_) => {}
            None => extra += 1,
        }
        index += 1;
    }
    let missing = expected.count();
    if extra + missing > 0 {
        first = Some(Difference::Count { expected: index - extra + missing, found: index });
    }
    first
}

/// How the type that a module states for an import differs from the function's. `Display` writes a sentence's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Another number of parameters.
    ParameterCount {
        /// How many the function has.
        expected: usize,
        /// How many the module states.
        found: usize,
    },
    /// A parameter of another type.
    Parameter {
        /// Which, from 0.
        index: usize,
        /// The function's type.
        expected: ValueType,
        /// The module's type.
        found: ValueType,
    },
    /// Another number of results.
    ResultCount {
        /// How many the function has.
        expected: usize,
        /// How many the module states.
        found: usize,
    },
    /// A result of another type.
    Result {
        /// Which, from 0.
        index: usize,
        /// The function's type.
        expected: ValueType,
        /// The module's type.
        found: ValueType,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ParameterCount { expected, found } => {
                write!(f, "its number of parameters is {expected}, not {found}")
            }
            Self::Parameter { index, expected, found } => {
                write!(f, "its parameter {} is {}, not {}", index + 1, expected.name(), found.name())
            }
            Self::ResultCount { expected, found } => {
                write!(f, "its number of results is {expected}, not {found}")
            }
            Self::Result { index, expected, found } => {
                write!(f, "its result {} is {}, not {}", index + 1, expected.name(), found.name())
            }
        }
    }
}

impl core::error::Error for Mismatch {}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(func")?;
        for parameter in self.parameters {
            write!(f, " (param ${} {})", parameter.name, parameter.value_type.name())?;
        }
        for result in self.results {
            write!(f, " (result {})", result.name())?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::ValueType::{F64, I32, I64};
    use super::{Mismatch, Parameter, Role, Signature};

    const SIGNATURE: Signature = Signature {
        parameters: &[
            Parameter { name: "a", value_type: I32, role: Role::Plain },
            Parameter { name: "b", value_type: I64, role: Role::Plain },
        ],
        results: &[I32],
    };

    #[test]
    fn the_same_type_fits() {
        assert_eq!(SIGNATURE.check([I32, I64], [I32]), Ok(()));
    }

    #[test]
    fn each_difference_is_named() {
        let few = SIGNATURE.check([I32], [I32]);
        assert_eq!(few, Err(Mismatch::ParameterCount { expected: 2, found: 1 }));
        let many = SIGNATURE.check([F64, I64, I32], [I32]);
        assert_eq!(many, Err(Mismatch::ParameterCount { expected: 2, found: 3 }));
        let first = SIGNATURE.check([F64, I32], [I32]);
        assert_eq!(first, Err(Mismatch::Parameter { index: 0, expected: I32, found: F64 }));
        let second = SIGNATURE.check([I32, I32], []);
        assert_eq!(second, Err(Mismatch::Parameter { index: 1, expected: I64, found: I32 }));
        let none = SIGNATURE.check([I32, I64], []);
        assert_eq!(none, Err(Mismatch::ResultCount { expected: 1, found: 0 }));
        let result = SIGNATURE.check([I32, I64], [I64]);
        assert_eq!(result, Err(Mismatch::Result { index: 0, expected: I32, found: I64 }));
    }
}
