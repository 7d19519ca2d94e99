//! What modules have, and name: functions, tables, memories, globals.

use std::fmt;
use std::ops::{Index, IndexMut};
use wasmparser::{ExternalKind, FuncType, GlobalType, MemoryType, TableType};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Function,
    Table,
    Memory,
    Global,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Function, Self::Table, Self::Memory, Self::Global];

    /// The kind of an export; a feature that is refused has one more.
    pub(crate) fn of(kind: ExternalKind) -> Option<Self> {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => Some(Self::Function),
            ExternalKind::Table => Some(Self::Table),
            ExternalKind::Memory => Some(Self::Memory),
            ExternalKind::Global => Some(Self::Global),
            ExternalKind::Tag => None,
        }
    }
}

/// One of something for each kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerKind<T>([T; 4]);

impl<T> Index<Kind> for PerKind<T> {
    type Output = T;

    fn index(&self, kind: Kind) -> &T {
        &self.0[kind as usize]
    }
}

impl<T> IndexMut<Kind> for PerKind<T> {
    fn index_mut(&mut self, kind: Kind) -> &mut T {
        &mut self.0[kind as usize]
    }
}

/// An item of one of the modules, by its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Item {
    pub module: usize,
    pub kind: Kind,
    pub index: u32,
}

/// The type of an item. Shown as the text of WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type<'t> {
    Function(&'t FuncType),
    Table(TableType),
    Memory(MemoryType),
    Global(GlobalType),
}

impl Type<'_> {
    /// Whether an import of this type takes an item of that one.
    pub(crate) fn takes(&self, given: &Type<'_>) -> bool {
        match (self, given) {
            (Self::Function(wanted), Type::Function(given)) => wanted == given,
            (Self::Table(wanted), Type::Table(given)) => {
                wanted.element_type == given.element_type
                    && within((wanted.initial, wanted.maximum), (given.initial, given.maximum))
            }
            (Self::Memory(wanted), Type::Memory(given)) => {
                within((wanted.initial, wanted.maximum), (given.initial, given.maximum))
            }
            (Self::Global(wanted), Type::Global(given)) => wanted == given,
            _ => false,
        }
    }
}

/// Whether limits keep what other limits ask for.
fn within(wanted: (u64, Option<u64>), given: (u64, Option<u64>)) -> bool {
    let most = match (wanted.1, given.1) {
        (None, _) => true,
        (Some(wanted), Some(given)) => given <= wanted,
        (Some(_), None) => false,
    };
    given.0 >= wanted.0 && most
}

impl fmt::Display for Type<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let maximum = |maximum: Option<u64>| maximum.map_or_else(String::new, |most| format!(" {most}"));
        match self {
            Self::Function(ty) => write!(formatter, "{ty}"),
            Self::Table(ty) => {
                write!(formatter, "(table {}{} {})", ty.initial, maximum(ty.maximum), ty.element_type)
            }
            Self::Memory(ty) => write!(formatter, "(memory {}{})", ty.initial, maximum(ty.maximum)),
            Self::Global(ty) if ty.mutable => write!(formatter, "(global (mut {}))", ty.content_type),
            Self::Global(ty) => write!(formatter, "(global {})", ty.content_type),
        }
    }
}
