//! Tables that are not loaded: what a trap means, where code comes from, which function it is.
//!
//! | section | entry | order |
//! |---|---|---|
//! | traps | offset `u32`, fault `u32` | by offset |
//! | symbols | offset `u32`, bytes `u32`, name offset `u32`, name bytes `u32` | by offset |
//! | source map | offset `u32`, file `u32`, line `u32`, column `u32` | by offset |
//! | sources | SHA-256, name offset `u32`, name bytes `u32` | by name |
//!
//! A guest's source map has one file, its module, and offsets in it as lines; its debug section holds the lines of the
//! sources, laid out as a source map, by offset in the module.
//!
//! Offsets are from the beginning of text. Symbols, source map and sources begin with the number of entries
//! (`u32`) and the number of names or files (`u32`, 0 where there are none), and end with the names' bytes. A
//! source map's files are pairs of name offset and name bytes (`u32` each) behind its entries.

use crate::bytes::{part, u32_at};
use crate::status::Fault;

/// A source place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// File, relative to the project.
    pub file: &'a str,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Offset from the beginning of text.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Name.
    pub name: &'a str,
}

/// A place in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestPlace<'a> {
    /// The function's name, `?` where none is known.
    pub function: &'a str,
    /// Offset in the module, 0 where none is known.
    pub offset: u32,
    /// The line, where the module has such.
    pub line: Option<Location<'a>>,
}

impl core::fmt::Display for GuestPlace<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "in `{}` at offset {:#x} of the module", self.function, self.offset)?;
        match self.line {
            Some(Location { file, line, column }) => write!(formatter, ", {file}:{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// The sections of a guest's image that tell its places.
#[derive(Clone, Copy, Debug)]
pub struct GuestTables<'a> {
    /// Symbols.
    pub symbols: &'a [u8],
    /// Source map: an offset in the module stands as the line's number.
    pub source_map: &'a [u8],
    /// Debug: lines, in the form of a source map, by offset in the module.
    pub debug: &'a [u8],
}

impl<'a> GuestTables<'a> {
    /// The place of a text offset.
    pub fn place(&self, offset: Option<u32>) -> GuestPlace<'a> {
        let function = offset.and_then(|offset| function_at(self.symbols, offset));
        let module = offset.and_then(|offset| locate(self.source_map, offset)).map(|place| place.line);
        GuestPlace {
            function: function.map_or("?", |function| function.name),
            offset: module.unwrap_or(0),
            line: module.and_then(|offset| locate(self.debug, offset)),
        }
    }
}

/// Bytes of the count words at the beginning.
const HEAD: u64 = 8;

/// The fault that the trapping instruction at a text offset means.
pub fn trap_at(traps: &[u8], offset: u32) -> Option<Fault> {
    let count = traps.len() as u64 / 8;
    let index = search(count, offset, |index| u32_at(traps, index * 8).ok())?;
    if u32_at(traps, index * 8).ok()? != offset {
        return None;
    }
    Fault::from_number(u64::from(u32_at(traps, index * 8 + 4).ok()?))
}

/// The source place of a text offset: that of the nearest entry at or below it.
pub fn locate(source_map: &[u8], offset: u32) -> Option<Location<'_>> {
    let count = u64::from(u32_at(source_map, 0).ok()?);
    let files = u64::from(u32_at(source_map, 4).ok()?);
    let index = search(count, offset, |index| u32_at(source_map, HEAD + index * 16).ok())?;
    let at = HEAD + index * 16;
    let file = u64::from(u32_at(source_map, at + 4).ok()?);
    if file >= files {
        return None;
    }
    let entry = HEAD + count * 16 + file * 8;
    let name = text(
        source_map,
        HEAD + count * 16 + files * 8,
        u32_at(source_map, entry).ok()?,
        u32_at(source_map, entry + 4).ok()?,
    )?;
    Some(Location {
        file: name,
        line: u32_at(source_map, at + 8).ok()?,
        column: u32_at(source_map, at + 12).ok()?,
    })
}

/// The function that a text offset lies in.
pub fn function_at(symbols: &[u8], offset: u32) -> Option<Symbol<'_>> {
    let count = u64::from(u32_at(symbols, 0).ok()?);
    let index = search(count, offset, |index| u32_at(symbols, HEAD + index * 16).ok())?;
    let found = symbol(symbols, count, index)?;
    (offset - found.offset < found.size).then_some(found)
}

/// All functions, by offset.
pub fn functions(symbols: &[u8]) -> impl Iterator<Item = Symbol<'_>> {
    let count = u32_at(symbols, 0).map_or(0, u64::from);
    (0..count).map_while(move |index| symbol(symbols, count, index))
}

fn symbol(symbols: &[u8], count: u64, index: u64) -> Option<Symbol<'_>> {
    let at = HEAD + index * 16;
    let name =
        text(symbols, HEAD + count * 16, u32_at(symbols, at + 8).ok()?, u32_at(symbols, at + 12).ok()?)?;
    Some(Symbol { offset: u32_at(symbols, at).ok()?, size: u32_at(symbols, at + 4).ok()?, name })
}

/// Source files and their hashes.
pub fn sources(section: &[u8]) -> impl Iterator<Item = (&str, [u8; 32])> {
    let count = u32_at(section, 0).map_or(0, u64::from);
    (0..count).map_while(move |index| {
        let at = HEAD + index * 40;
        let mut hash = [0; 32];
        hash.copy_from_slice(part(section, at, 32).ok()?);
        let name =
            text(section, HEAD + count * 40, u32_at(section, at + 32).ok()?, u32_at(section, at + 36).ok()?)?;
        Some((name, hash))
    })
}

/// The last of `count` ascending keys that is at or below `wanted`.
fn search(count: u64, wanted: u32, key: impl Fn(u64) -> Option<u32>) -> Option<u64> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if key(middle)? <= wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low.checked_sub(1)
}

fn text(bytes: &[u8], names: u64, offset: u32, len: u32) -> Option<&str> {
    let name = part(bytes, names.checked_add(u64::from(offset))?, u64::from(len)).ok()?;
    core::str::from_utf8(name).ok()
}
