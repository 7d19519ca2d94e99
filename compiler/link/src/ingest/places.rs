//! What a report of a fault reads: functions and lines. Damage makes a report poorer, never an image worse.

use super::Elf;
use super::parts::Part;
use crate::lines::{self, Reading};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use sci::write;
use std::collections::BTreeMap;

/// The functions in text, by offset.
pub(super) fn symbols(elf: &Elf<'_>, text: &Part) -> Vec<u8> {
    let mut functions = BTreeMap::new();
    for symbol in elf.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition()) {
        let Some(offset) = offset_in(text, symbol.address()) else { continue };
        let Ok(name) = symbol.name() else { continue };
        if symbol.size() > 0 {
            let name = format!("{:#}", rustc_demangle::demangle(name));
            functions.entry(offset).or_insert((symbol.size() as u32, name));
        }
    }
    let entries: Vec<(u32, u32, &str)> =
        functions.iter().map(|(offset, (size, name))| (*offset, *size, name.as_str())).collect();
    write::symbols(&entries)
}

fn offset_in(text: &Part, address: u64) -> Option<u32> {
    let offset = address.checked_sub(text.address)?;
    (offset < text.bytes.len() as u64).then_some(offset as u32)
}

/// The lines of text, by offset.
pub(super) fn source_map(elf: &Elf<'_>, text: &Part) -> Vec<u8> {
    lines::source_map(&Reading {
        section: &|name| {
            elf.section_by_name(name).and_then(|section| section.data().ok()).unwrap_or_default()
        },
        offset: &|address| offset_in(text, address),
        name: &|name| plain(name.whole),
        ends: false,
    })
}

/// Without the root of the machine that the standard library was built on.
fn plain(name: &str) -> String {
    let library = name.strip_prefix("/rustc/").and_then(|rest| rest.split_once('/'));
    let name = library.map_or(name, |(_, rest)| rest);
    name.trim_start_matches("./").trim_start_matches('/').to_owned()
}
