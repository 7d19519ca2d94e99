//! What a report of a fault reads: functions and lines. Damage makes a report poorer, never an image worse.

use super::Elf;
use super::parts::Part;
use gimli::{AttributeValue, EndianSlice, LittleEndian};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use sci::write;
use std::collections::BTreeMap;

type Reader<'e> = EndianSlice<'e, LittleEndian>;
type Dwarf<'e> = gimli::Dwarf<Reader<'e>>;
/// A line: the file, the line and the column.
type Line = (String, u32, u32);

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
    let mut lines = BTreeMap::new();
    let section = |id: gimli::SectionId| -> Result<Reader<'_>, gimli::Error> {
        let data = elf.section_by_name(id.name()).and_then(|section| section.data().ok());
        Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
    };
    if let Ok(dwarf) = Dwarf::load(section) {
        let mut units = dwarf.units();
        while let Ok(Some(header)) = units.next() {
            // A unit that cannot be read has no lines.
            dwarf.unit(header).map(|unit| unit_lines(&dwarf, &unit, text, &mut lines)).ok();
        }
    }
    let mut files: Vec<&str> = lines.values().map(|(file, ..)| file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let mut entries: Vec<(u32, u32, u32, u32)> = Vec::new();
    for (offset, (file, line, column)) in &lines {
        let file = files.binary_search(&file.as_str()).unwrap_or_default() as u32;
        if entries.last().is_none_or(|last| (last.1, last.2, last.3) != (file, *line, *column)) {
            entries.push((*offset, file, *line, *column));
        }
    }
    write::source_map(&entries, &files)
}

fn unit_lines<'e>(
    dwarf: &Dwarf<'e>,
    unit: &gimli::Unit<Reader<'e>>,
    text: &Part,
    lines: &mut BTreeMap<u32, Line>,
) {
    let Some(program) = unit.line_program.clone() else { return };
    let mut rows = program.rows();
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    while let Ok(Some((header, row))) = rows.next_row() {
        let Some(line) = row.line().filter(|_| !row.end_sequence()) else { continue };
        let Some(offset) = offset_in(text, row.address()) else { continue };
        let name = names.entry(row.file_index()).or_insert_with(|| {
            row.file(header).and_then(|file| file_name(dwarf, unit, header, file)).unwrap_or_default()
        });
        if !name.is_empty() {
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 1,
                gimli::ColumnType::Column(column) => column.get() as u32,
            };
            lines.insert(offset, (name.clone(), line.get() as u32, column));
        }
    }
}

/// A file's name with its folders, relative to the project or to the toolchain's library.
fn file_name<'e>(
    dwarf: &Dwarf<'e>,
    unit: &gimli::Unit<Reader<'e>>,
    header: &gimli::LineProgramHeader<Reader<'e>>,
    file: &gimli::FileEntry<Reader<'e>>,
) -> Option<String> {
    let text = |value: AttributeValue<Reader<'e>>| {
        let name = dwarf.attr_string(unit, value).ok()?;
        Some(name.to_string_lossy().into_owned())
    };
    let mut name = text(file.path_name())?;
    let folder = file.directory(header).and_then(text).unwrap_or_default();
    if !name.starts_with('/') && !folder.is_empty() {
        name = format!("{folder}/{name}");
    }
    let unit_folder = unit.comp_dir.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.starts_with('/') && file.directory_index() != 0 && !unit_folder.is_empty() {
        name = format!("{unit_folder}/{name}");
    }
    Some(plain(&name))
}

/// Without the root of the machine that the standard library was built on.
fn plain(name: &str) -> String {
    let library = name.strip_prefix("/rustc/").and_then(|rest| rest.split_once('/'));
    let name = library.map_or(name, |(_, rest)| rest);
    name.trim_start_matches("./").trim_start_matches('/').to_owned()
}
