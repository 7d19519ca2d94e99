//! The section table.

use crate::bytes::{u32_at, u64_at};
use crate::error::{Error, ErrorKind};

/// Bytes of a table entry: kind `u32`, reserved `u32`, file offset `u32`, file bytes `u32`, memory offset `u64`,
/// memory bytes `u64`.
pub const ENTRY_BYTES: u64 = 32;

/// What a section is. Entries stand in this order, each kind at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum SectionKind {
    /// Code; readable and executable.
    Text = 1,
    /// Constants; read-only.
    Rodata = 2,
    /// Slots and relocated constants; read-only after load.
    Relro = 3,
    /// Initialised state.
    Data = 4,
    /// Zeroed state; no bytes in the file.
    Bss = 5,
    /// Offsets of base-relative words, `u32` each; not loaded.
    Relocations = 16,
    /// Which fault a trapping instruction means; not loaded.
    Traps = 17,
    /// Functions by offset; not loaded.
    Symbols = 18,
    /// DWARF; not loaded.
    Debug = 19,
    /// Source places by code offset; not loaded.
    SourceMap = 20,
    /// Names and hashes of the sources; not loaded.
    Sources = 21,
    /// How a guest joins its surroundings; not loaded.
    Linkage = 22,
    /// What a guest's linear memory holds at the beginning; loaded into that memory by whoever makes it.
    Content = 23,
}

impl SectionKind {
    /// Every kind, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::Text,
        Self::Rodata,
        Self::Relro,
        Self::Data,
        Self::Bss,
        Self::Relocations,
        Self::Traps,
        Self::Symbols,
        Self::Debug,
        Self::SourceMap,
        Self::Sources,
        Self::Linkage,
        Self::Content,
    ];

    /// The kind of a number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u32 == number)
    }

    /// Whether the loader maps it.
    pub const fn is_loaded(self) -> bool {
        (self as u32) < Self::Relocations as u32
    }

    /// The name that people read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Rodata => "rodata",
            Self::Relro => "relro",
            Self::Data => "data",
            Self::Bss => "bss",
            Self::Relocations => "relocations",
            Self::Traps => "traps",
            Self::Symbols => "symbols",
            Self::Debug => "debug",
            Self::SourceMap => "source-map",
            Self::Sources => "sources",
            Self::Linkage => "linkage",
            Self::Content => "content",
        }
    }
}

/// One section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is.
    pub kind: SectionKind,
    /// Where it begins in the file; page-aligned.
    pub file_offset: u32,
    /// Bytes in the file; the next part begins at the next page.
    pub file_bytes: u32,
    /// Where it begins in the slab, from the slab's base; page-aligned; 0 if not loaded.
    pub memory_offset: u64,
    /// Bytes in memory; 0 if not loaded.
    pub memory_bytes: u64,
}

impl Section {
    /// Reads the entry at `offset`.
    pub fn read(bytes: &[u8], offset: u64) -> Result<Self, Error> {
        let kind =
            SectionKind::from_number(u32_at(bytes, offset)?).ok_or(Error::new(ErrorKind::Value, offset))?;
        if u32_at(bytes, offset + 4)? != 0 {
            return Err(Error::new(ErrorKind::Reserved, offset + 4));
        }
        Ok(Self {
            kind,
            file_offset: u32_at(bytes, offset + 8)?,
            file_bytes: u32_at(bytes, offset + 12)?,
            memory_offset: u64_at(bytes, offset + 16)?,
            memory_bytes: u64_at(bytes, offset + 24)?,
        })
    }

    /// One past its last byte in the file, rounded up to a page.
    pub const fn file_end(&self) -> u64 {
        (self.file_offset as u64 + self.file_bytes as u64).next_multiple_of(crate::layout::PAGE)
    }

    /// One past its last byte in memory, rounded up to a page.
    pub const fn memory_end(&self) -> u64 {
        self.memory_offset.saturating_add(self.memory_bytes).saturating_add(crate::layout::PAGE - 1)
            & !(crate::layout::PAGE - 1)
    }
}
