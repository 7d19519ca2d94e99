//! Lines of code, from DWARF. Damage makes a report poorer, never an image worse.

use gimli::{AttributeValue, EndianSlice, LittleEndian};
use sci::write;
use std::collections::BTreeMap;
use std::rc::Rc;

type Reader<'e> = EndianSlice<'e, LittleEndian>;
type Dwarf<'e> = gimli::Dwarf<Reader<'e>>;

/// Rows that are read: units may share them, and a stranger's may do so at any length.
const ROWS_MAX: u32 = 1 << 24;

/// A file's name as DWARF has it.
pub(crate) struct Name<'n> {
    /// With its folders.
    pub whole: &'n str,
    /// The folder that the compiler ran in.
    pub folder: &'n str,
}

/// How places of one kind of code are told.
pub(crate) struct Reading<'r, 'e> {
    /// The bytes of a section, empty where there is none.
    pub section: &'r dyn Fn(&str) -> &'e [u8],
    /// Where an address lies, if it is code's.
    pub offset: &'r dyn Fn(u64) -> Option<u32>,
    /// How a file is called.
    pub name: &'r dyn Fn(&Name<'_>) -> String,
    /// Whether what lies behind a sequence of lines has none. Otherwise it has the last one's.
    pub ends: bool,
}

/// A line: the file, the line and the column; none where no line is known.
type Line = Option<(Rc<str>, u32, u32)>;

/// The lines of code in the form of a source map; empty where there are none.
pub(crate) fn source_map(reading: &Reading<'_, '_>) -> Vec<u8> {
    let (mut lines, mut left) = (BTreeMap::new(), ROWS_MAX);
    let section = |id: gimli::SectionId| -> Result<Reader<'_>, gimli::Error> {
        Ok(EndianSlice::new((reading.section)(id.name()), LittleEndian))
    };
    if let Ok(dwarf) = Dwarf::load(section) {
        let mut units = dwarf.units();
        while let Ok(Some(header)) = units.next() {
            // A unit that cannot be read has no lines.
            dwarf.unit(header).map(|unit| unit_lines(reading, &dwarf, &unit, &mut lines, &mut left)).ok();
        }
    }
    let mut files: Vec<&str> = lines.values().flatten().map(|(file, ..)| &**file).collect();
    files.sort_unstable();
    files.dedup();
    let mut entries: Vec<(u32, u32, u32, u32)> = Vec::new();
    for (offset, line) in &lines {
        let (file, line, column) = match line {
            Some((file, line, column)) => {
                (files.binary_search(&&**file).unwrap_or_default() as u32, *line, *column)
            }
            // A file that is not there: no place.
            None => (u32::MAX, 0, 0),
        };
        if entries.last().is_none_or(|last| (last.1, last.2, last.3) != (file, line, column)) {
            entries.push((*offset, file, line, column));
        }
    }
    write::source_map(&entries, &files)
}

fn unit_lines<'e>(
    reading: &Reading<'_, 'e>,
    dwarf: &Dwarf<'e>,
    unit: &gimli::Unit<Reader<'e>>,
    lines: &mut BTreeMap<u32, Line>,
    left: &mut u32,
) {
    let Some(program) = unit.line_program.clone() else { return };
    let mut rows = program.rows();
    let mut names: BTreeMap<u64, Rc<str>> = BTreeMap::new();
    // The sequence of a function that a linker left out has the addresses of another one's code.
    let (mut begins, mut is_left_out) = (true, false);
    while let (1.., Ok(Some((header, row)))) = (*left, rows.next_row()) {
        *left -= 1;
        if begins {
            is_left_out = row.address() == 0 && reading.ends;
        }
        begins = row.end_sequence();
        let Some(offset) = (reading.offset)(row.address()).filter(|_| !is_left_out) else { continue };
        if row.end_sequence() {
            if reading.ends {
                lines.entry(offset).or_insert(None);
            }
            continue;
        }
        let Some(line) = row.line() else { continue };
        let name = names.entry(row.file_index()).or_insert_with(|| {
            let name = row.file(header).and_then(|file| name(reading, dwarf, unit, header, file));
            name.unwrap_or_default().into()
        });
        if !name.is_empty() {
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 1,
                gimli::ColumnType::Column(column) => column.get() as u32,
            };
            lines.insert(offset, Some((Rc::clone(name), line.get() as u32, column)));
        }
    }
}

/// A file's name with its folders, as the reading calls it.
fn name<'e>(
    reading: &Reading<'_, 'e>,
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
    Some((reading.name)(&Name { whole: &name, folder: &unit_folder }))
}
