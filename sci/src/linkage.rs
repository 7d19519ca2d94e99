//! How a WebAssembly guest's image joins its surroundings: what it imports and exports, and where its state lies.
//!
//! The table is a section that is not loaded. Whoever binds a guest reads it; nothing in it is authority. Elements of
//! its lists are in the module's own order. Offsets called *slab offsets* count from the slab's base, the others from
//! the beginning of text.
//!
//! A *reference* is a 32-bit number. 0 is null. A function of the image is the distance of its first instruction from
//! [`PLACE_ORIGIN`]; the word before it is the number of its type. With [`FOREIGN_BIT`] it is a function that only the
//! runtime can call: an imported one by its number, or with [`STORE_BIT`] one that the runtime has numbered. A reference
//! of the host is a number that the host gives.

use crate::list::List;
use serde::{Deserialize, Serialize};

/// Bytes of a page of linear memory.
pub const PAGE_BYTES: u64 = 64 * 1024;
/// Where functions' places count from, in text: so that a null reference, too, reads a word of text as its type.
pub const PLACE_ORIGIN: u32 = 12;
/// Set in references to functions that only the runtime can call.
pub const FOREIGN_BIT: u32 = 1 << 31;
/// Set beside it where the runtime has numbered the function, for all its instances.
pub const STORE_BIT: u32 = 1 << 30;
/// Bytes of a global's cell. A mutable global that is imported has its owner's cell's address in its own.
pub const CELL_BYTES: u64 = 16;
/// Bytes of a table's descriptor.
pub const DESCRIPTOR_BYTES: u64 = 32;
/// Module name of the functions that the runtime owes every guest.
pub const RUNTIME_MODULE: &str = "space";

/// A table's descriptor.
pub mod descriptor {
    /// `u64`: address of the elements, 4 bytes each.
    pub const BASE: u64 = 0;
    /// `u64`: elements.
    pub const SIZE: u64 = 8;
    /// `u64`: elements that there is room for.
    pub const CAPACITY: u64 = 16;
}

/// A function that the runtime owes every guest, imported from [`RUNTIME_MODULE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeFunction {
    /// Its name.
    pub name: &'static str,
    /// Numbers of its arguments' types.
    pub arguments: &'static [u8],
    /// Whether it gives a 32-bit result.
    pub result: bool,
}

/// The functions that the runtime owes every guest; numbers index this table.
pub const RUNTIME_FUNCTIONS: &[RuntimeFunction] = &[
    RuntimeFunction { name: "memory_grow", arguments: &[value::I32; 2], result: true },
    RuntimeFunction { name: "table_grow", arguments: &[value::I32; 3], result: true },
    RuntimeFunction { name: "table_set", arguments: &[value::I32; 3], result: false },
    RuntimeFunction { name: "table_fill", arguments: &[value::I32; 4], result: false },
    RuntimeFunction { name: "table_copy", arguments: &[value::I32; 5], result: false },
    RuntimeFunction { name: "table_init", arguments: &[value::I32; 5], result: false },
    RuntimeFunction { name: "global_set", arguments: &[value::I32; 2], result: false },
    RuntimeFunction { name: "foreign_call", arguments: &[value::I32, value::I32, value::I64], result: false },
];

/// Indices of [`RUNTIME_FUNCTIONS`].
pub mod runtime {
    /// `(memory, pages) -> pages before, or -1`
    pub const MEMORY_GROW: u32 = 0;
    /// `(table, value, elements) -> elements before, or -1`
    pub const TABLE_GROW: u32 = 1;
    /// `(table, index, value)`, where other instances may see it
    pub const TABLE_SET: u32 = 2;
    /// `(table, index, value, elements)`
    pub const TABLE_FILL: u32 = 3;
    /// `(to, from, to index, from index, elements)`
    pub const TABLE_COPY: u32 = 4;
    /// `(table, segment, index, segment index, elements)`
    pub const TABLE_INIT: u32 = 5;
    /// `(global, value)` for a reference in a global that other instances may see
    pub const GLOBAL_SET: u32 = 6;
    /// `(reference, number of the expected type, cells)`: arguments in cells of 16 bytes, results in the same
    pub const FOREIGN_CALL: u32 = 7;
}

/// A value type, by its number in the binary format of WebAssembly.
pub mod value {
    /// 32-bit integer.
    pub const I32: u8 = 0x7f;
    /// 64-bit integer.
    pub const I64: u8 = 0x7e;
    /// 32-bit float.
    pub const F32: u8 = 0x7d;
    /// 64-bit float.
    pub const F64: u8 = 0x7c;
    /// 128-bit vector.
    pub const V128: u8 = 0x7b;
    /// Reference to a function.
    pub const FUNCTION: u8 = 0x70;
    /// Reference of the host.
    pub const EXTERNAL: u8 = 0x6f;
}

/// Integer arguments of a call at an image's boundary that registers hold.
const INTEGERS_MAX: usize = 6;
/// Float arguments that registers hold.
const FLOATS_MAX: usize = 8;

/// Whether a call at an image's boundary passes the values of these types in registers, as System V says. All others
/// pass one pointer to 16-byte cells: arguments in, results out.
pub fn in_registers(parameters: impl Iterator<Item = u8>, mut results: impl Iterator<Item = u8>) -> bool {
    let (mut integers, mut floats) = (0, 0);
    for ty in parameters {
        match ty {
            value::V128 => return false,
            value::F32 | value::F64 => floats += 1,
            _ => integers += 1,
        }
    }
    let result = results.next();
    integers <= INTEGERS_MAX
        && floats <= FLOATS_MAX
        && result != Some(value::V128)
        && results.next().is_none()
}

/// What a guest's image says of its joints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linkage<'a> {
    /// Types of functions; a type's number is its index and 1.
    #[serde(borrow)]
    pub types: List<'a, FunctionType<'a>>,
    /// What it imports.
    #[serde(borrow)]
    pub imports: List<'a, LinkImport<'a>>,
    /// Slots of functions that the runtime owes: number in [`RUNTIME_FUNCTIONS`], and slab offset of the word.
    #[serde(borrow)]
    pub runtime: List<'a, (u32, u64)>,
    /// Tables, imported ones first.
    #[serde(borrow)]
    pub tables: List<'a, Table>,
    /// Memories, imported ones first.
    #[serde(borrow)]
    pub memories: List<'a, Memory>,
    /// Globals, imported ones first.
    #[serde(borrow)]
    pub globals: List<'a, Global>,
    /// What it exports.
    #[serde(borrow)]
    pub exports: List<'a, LinkExport<'a>>,
    /// Functions that can be called from outside, by function number.
    #[serde(borrow)]
    pub callables: List<'a, Callable>,
    /// Segments of elements.
    #[serde(borrow)]
    pub elements: List<'a, Segment>,
    /// Segments of data: slab offsets of the 32-bit words that hold their lengths.
    #[serde(borrow)]
    pub data: List<'a, u64>,
    /// Slab offset of the `i64` that holds the fuel left, if the code counts it.
    pub fuel: Option<u64>,
    /// Function that computes what is not known before: an offset in text.
    pub instantiate: Option<u32>,
    /// Function to call after that, by number.
    pub start: Option<u32>,
    /// Bytes of stack that must be free where a function is entered.
    pub stack_reserve: u64,
}

/// A function's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionType<'a> {
    /// Numbers of the parameters' types.
    pub parameters: &'a [u8],
    /// Numbers of the results' types.
    pub results: &'a [u8],
}

/// What is imported or exported: its index among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extern {
    /// A function, and the number of its type.
    Function(u32, u32),
    /// A table.
    Table(u32),
    /// A memory.
    Memory(u32),
    /// A global.
    Global(u32),
}

/// An import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkImport<'a> {
    /// Module.
    pub module: &'a str,
    /// Item.
    pub item: &'a str,
    /// What it is.
    pub kind: Extern,
    /// Slab offset of the word through which a function is called, if the code calls it.
    pub slot: Option<u64>,
}

/// An export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkExport<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: Extern,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Number of the elements' type.
    pub element: u8,
    /// Elements at the beginning.
    pub minimum: u64,
    /// Elements at most.
    pub maximum: Option<u64>,
    /// Slab offset of its descriptor.
    pub descriptor: u64,
    /// Slab offset of its elements, unless it is imported.
    pub storage: Option<u64>,
}

/// A memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Pages at the beginning.
    pub minimum: u64,
    /// Pages at most.
    pub maximum: Option<u64>,
}

/// A global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Global {
    /// Number of its type.
    pub ty: u8,
    /// Whether it changes.
    pub mutable: bool,
    /// Slab offset of its cell.
    pub cell: u64,
}

/// A function that can be called from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callable {
    /// Number of the function, imported ones counted.
    pub function: u32,
    /// Number of its type.
    pub ty: u32,
    /// Where it begins: what references to it count to.
    pub place: u32,
    /// Where calls from outside enter: the function itself, or code that takes its values from 16-byte cells.
    pub entry: u32,
}

/// A segment of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Slab offset of its items, 4 bytes each.
    pub items: u64,
    /// Slab offset of the 32-bit word that holds its length.
    pub length: u64,
}

/// Reads a table; `None` if it is not one in its one encoding.
pub fn read(bytes: &[u8]) -> Option<Linkage<'_>> {
    let (linkage, rest) = postcard::take_from_bytes::<Linkage<'_>>(bytes).ok()?;
    let canonical = rest.is_empty()
        && crate::list::take::<Linkage<'_>>(bytes).is_some()
        && linkage.types.is_canonical()
        && linkage.imports.is_canonical()
        && linkage.runtime.is_canonical()
        && linkage.tables.is_canonical()
        && linkage.memories.is_canonical()
        && linkage.globals.is_canonical()
        && linkage.exports.is_canonical()
        && linkage.callables.is_canonical()
        && linkage.elements.is_canonical()
        && linkage.data.is_canonical();
    canonical.then_some(linkage)
}
