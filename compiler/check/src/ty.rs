//! Types as the checker sees them.

/// A type. Nominal types are indices into the [`World`](crate::world::World).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ty {
    /// A type whose error was reported; compatible with everything.
    Error,
    /// The type of an expression that does not come back.
    Never,
    Unit,
    Bool,
    Int {
        signed: bool,
        bits: u8,
    },
    Float(u8),
    /// UTF-8 text, a view.
    Str,
    /// A view of elements.
    Slice(Box<Ty>),
    Array(Box<Ty>, u64),
    Tuple(Vec<Ty>),
    Struct(u32),
    Enum(u32),
    Optional(Box<Ty>),
    Result(Box<Ty>, Box<Ty>),
    /// A capability: interface and method mask.
    Handle(u32, u64),
    /// The generational name of a table's element.
    Id(Box<Ty>),
    Table(Box<Ty>, u64),
}

pub(crate) const U8: Ty = Ty::Int { signed: false, bits: 8 };
pub(crate) const U32: Ty = Ty::Int { signed: false, bits: 32 };
pub(crate) const U64: Ty = Ty::Int { signed: false, bits: 64 };
pub(crate) const I64: Ty = Ty::Int { signed: true, bits: 64 };

impl Ty {
    /// The type that values have where one is there.
    pub(crate) fn without_optional(&self) -> &Self {
        if let Self::Optional(inner) = self { inner.without_optional() } else { self }
    }

    pub(crate) fn is_int(&self) -> bool {
        matches!(self, Self::Int { .. })
    }

    pub(crate) fn is_numeric(&self) -> bool {
        matches!(self, Self::Int { .. } | Self::Float(_))
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Error)
    }

    /// Whether a value is held in registers: passed by value, never by reference.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(
            self,
            Self::Unit
                | Self::Bool
                | Self::Int { .. }
                | Self::Float(_)
                | Self::Str
                | Self::Slice(_)
                | Self::Handle(..)
                | Self::Id(_)
                | Self::Never
                | Self::Error
        )
    }

    /// Whether it is a view of somebody's memory.
    pub(crate) fn is_view(&self) -> bool {
        matches!(self, Self::Str | Self::Slice(_))
    }

    /// Whether a view is in values of the type.
    pub(crate) fn holds_view(&self) -> bool {
        match self {
            Self::Str | Self::Slice(_) => true,
            Self::Array(element, _) | Self::Optional(element) | Self::Table(element, _) => {
                element.holds_view()
            }
            Self::Tuple(parts) => parts.iter().any(Self::holds_view),
            Self::Result(ok, error) => ok.holds_view() || error.holds_view(),
            _ => false,
        }
    }

    /// The least and greatest value of an integer type.
    pub(crate) fn int_range(&self) -> Option<(i128, i128)> {
        let Self::Int { signed, bits } = self else { return None };
        Some(if *signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) })
    }
}
