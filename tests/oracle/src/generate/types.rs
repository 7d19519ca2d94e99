//! Types of generated programs.

use super::Generator;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    Unit,
    Bool,
    Int {
        signed: bool,
        bits: u8,
    },
    Struct(usize),
    Enum(usize),
    Array(Box<Ty>, u64),
    Optional(Box<Ty>),
    /// A view of integers.
    Slice(Box<Ty>),
    Str,
}

impl Ty {
    pub(super) const U64: Self = Self::Int { signed: false, bits: 64 };
    pub(super) const U32: Self = Self::Int { signed: false, bits: 32 };
    pub(super) const U8: Self = Self::Int { signed: false, bits: 8 };

    pub(super) fn bits(&self) -> u64 {
        match self {
            Self::Int { bits, .. } => u64::from(*bits),
            _ => 64,
        }
    }

    /// The type as written.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Unit => "()".into(),
            Self::Bool => "bool".into(),
            Self::Int { signed, bits } => format!("{}{bits}", if *signed { "i" } else { "u" }),
            Self::Struct(at) => format!("S{at}q"),
            Self::Enum(at) => format!("E{at}q"),
            Self::Array(element, count) => format!("[{}; {count}]", element.show()),
            Self::Optional(inner) => format!("{}?", inner.show()),
            Self::Slice(element) => format!("[{}]", element.show()),
            Self::Str => "str".into(),
        }
    }

    pub(super) fn is_signed(&self) -> bool {
        matches!(self, Self::Int { signed: true, .. })
    }
}

impl Generator {
    pub(super) fn int_type(&mut self) -> Ty {
        let bits = *self.random.pick(&[8, 16, 32, 64]);
        let signed = self.random.percent(50);
        self.coverage.count(match (signed, bits) {
            (false, 8) => "u8",
            (false, 16) => "u16",
            (false, 32) => "u32",
            (false, _) => "u64",
            (true, 8) => "i8",
            (true, 16) => "i16",
            (true, 32) => "i32",
            (true, _) => "i64",
        });
        Ty::Int { signed, bits }
    }

    /// A type that is not an integer or bool, of so many levels.
    pub(super) fn aggregate_type(&mut self, depth: u32) -> Ty {
        let (structs, enums) = (self.structs.len() as u64, self.enums.len() as u64);
        match self.random.below(4) {
            0 if structs > 0 => Ty::Struct(self.random.below(structs) as usize),
            1 if enums > 0 => Ty::Enum(self.random.below(enums) as usize),
            2 => Ty::Optional(Box::new(match self.value_type(depth.saturating_sub(1)) {
                Ty::Optional(inner) => *inner,
                other => other,
            })),
            _ => {
                let count = if self.random.percent(5) { 40 } else { self.random.within(1, 6) };
                Ty::Array(Box::new(self.value_type(depth.saturating_sub(1))), count)
            }
        }
    }

    /// Any type that a variable, field or parameter can have.
    pub(super) fn value_type(&mut self, depth: u32) -> Ty {
        if depth > 0 && self.random.percent(35) {
            return self.aggregate_type(depth);
        }
        if self.random.percent(15) { Ty::Bool } else { self.int_type() }
    }
}
