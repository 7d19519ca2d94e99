//! Where an image's parts lie in the slab, and the sections that are made of code.

use crate::image::Error;
use compiler_codegen::{CompiledFunction, Output};
use compiler_core::Symbol;
use compiler_mir::layout::align_up;
use sci::layout::{INSTANCE_PAGE, LINEAR_MEMORY, PAGE, STACK_TOP, START_PAGE};
use sci::limits::SLAB_IMAGE_BYTES_MAX;
use sci::manifest::Import;
use sci::section::SectionKind;
use sci::write::{self, SectionData};

/// Stack of a gate stub with its return address, in bytes: seven pushes and two returns.
pub(crate) const GATE_STACK_BYTES: u64 = 128;

/// Where the loaded sections lie, from the slab's base.
pub(crate) struct Placement {
    pub text: u64,
    pub rodata: u64,
    pub relro: u64,
    pub data: u64,
    pub bss: u64,
    pub stack_bytes: u64,
    /// Where functions that check the depth of the stack find it used up.
    stack_limit: u64,
}

impl Placement {
    /// `boundary_bytes` is the stack that a call out of the image takes.
    pub(crate) fn new(
        code: &Output,
        stack_bytes: u64,
        arena_bytes: u64,
        boundary_bytes: u64,
    ) -> Result<Self, Error> {
        let parts = [
            stack_bytes + PAGE,
            arena_bytes,
            code.bss_bytes,
            code.data.len() as u64,
            8 * code.slots.len() as u64,
            code.rodata.len() as u64,
            code.text.len() as u64,
        ];
        let bytes = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(align_up(*part, PAGE)));
        if bytes > SLAB_IMAGE_BYTES_MAX {
            return Err(Error::TooLarge { bytes });
        }
        let mut top = STACK_TOP;
        let [_stack, _arena, bss, data, relro, rodata, text] = parts.map(|part| {
            top -= align_up(part, PAGE);
            top
        });
        let stack_limit = STACK_TOP - stack_bytes + code.reserve_bytes + boundary_bytes;
        Ok(Self { text, rodata, relro, data, bss, stack_bytes, stack_limit })
    }

    pub(crate) fn address(&self, symbol: Symbol) -> u64 {
        match symbol {
            Symbol::Function(_) | Symbol::Text => self.text,
            Symbol::Rodata(offset) => self.rodata + u64::from(offset),
            Symbol::Data(offset) => self.data + u64::from(offset),
            Symbol::Bss(offset) => self.bss + u64::from(offset),
            Symbol::Slot(slot) => self.relro + 8 * u64::from(slot),
            Symbol::StartPage => START_PAGE,
            Symbol::InstanceBlock => INSTANCE_PAGE,
            Symbol::Linear => LINEAR_MEMORY,
            Symbol::StackLimit => self.stack_limit,
        }
    }
}

/// The sections that are loaded.
pub(crate) fn loaded(code: &Output, placement: &Placement) -> Vec<SectionData> {
    let mut text = code.text.clone();
    for relocation in &code.relocations {
        let place = placement.text + u64::from(relocation.offset);
        let distance = placement.address(relocation.symbol) as i64 + relocation.addend - place as i64;
        let at = relocation.offset as usize;
        text[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
    }
    let parts = [
        (SectionKind::Text, placement.text, text),
        (SectionKind::Rodata, placement.rodata, code.rodata.clone()),
        (SectionKind::Relro, placement.relro, vec![0; 8 * code.slots.len()]),
        (SectionKind::Data, placement.data, code.data.clone()),
    ];
    let mut sections: Vec<SectionData> = parts
        .into_iter()
        .filter(|(_, _, bytes)| !bytes.is_empty())
        .map(|(kind, memory_offset, bytes)| SectionData { kind, memory_offset, bss_bytes: 0, bytes })
        .collect();
    if code.bss_bytes > 0 {
        sections.push(SectionData {
            kind: SectionKind::Bss,
            memory_offset: placement.bss,
            bss_bytes: code.bss_bytes,
            bytes: Vec::new(),
        });
    }
    sections
}

/// Sections that are not loaded, without the empty ones.
pub(crate) fn unloaded(
    tables: impl IntoIterator<Item = (SectionKind, Vec<u8>)>,
) -> impl Iterator<Item = SectionData> {
    let tables = tables.into_iter().filter(|(_, bytes)| !bytes.is_empty());
    tables.map(|(kind, bytes)| SectionData { kind, memory_offset: 0, bss_bytes: 0, bytes })
}

pub(crate) fn symbols(functions: &[CompiledFunction]) -> Vec<u8> {
    let entries: Vec<(u32, u32, &str)> =
        functions.iter().map(|function| (function.offset, function.size, function.name.as_str())).collect();
    write::symbols(&entries)
}

/// The slots, as the manifest lists them.
pub(crate) fn imports<'c>(code: &'c Output, placement: &Placement) -> Vec<Import<'c>> {
    code.slots
        .iter()
        .enumerate()
        .map(|(slot, import)| Import {
            module: &import.module,
            item: &import.item,
            signature: &import.signature,
            capability: None,
            offset: placement.relro + 8 * slot as u64,
        })
        .collect()
}
