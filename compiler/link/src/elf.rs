//! Images as ELF files, for `objdump`, `gdb` and whatever else reads ELF and DWARF.
//!
//! The file has the image's loaded sections at the addresses where the nanokernel puts them, its functions as
//! symbols, and its source map as a DWARF line table. It is for looking at: nothing boots it.

use gimli::write::{
    Address, AttributeValue, DwarfUnit, EndianVec, LineProgram, LineString, Sections, UnitEntryId,
};
use gimli::{Encoding, Format, LineEncoding, LittleEndian};
use object::elf;
use object::write::StringId;
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, SectionIndex, Sym, Writer};
use sci::image::Image;
use sci::layout::{KERNEL_SLAB_BASE, PAGE};
use sci::manifest::EntryKind;
use sci::section::{Section, SectionKind};
use sci::tables::{self, Location};
use std::collections::BTreeMap;

/// What goes wrong in writing an ELF file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The image is not one.
    #[error("the image is refused: {0}")]
    Image(#[from] sci::error::Error),
    /// The image has no code.
    #[error("the image has no code")]
    NoText,
    /// A name that ELF and DWARF, which end names with a zero byte, cannot hold.
    #[error("a name in the image is empty or holds a zero byte")]
    Name,
    /// The ELF file would break its format's limits.
    #[error("the ELF file cannot be written: {0}")]
    Elf(#[from] object::write::Error),
    /// The debug information would break its format's limits.
    #[error("the debug information cannot be written: {0}")]
    Dwarf(#[from] gimli::write::Error),
}

/// One section of the ELF file.
struct Part {
    name: &'static str,
    kind: elf::SectionType,
    flags: elf::SectionFlags,
    address: u64,
    bytes: Vec<u8>,
    memory_bytes: u64,
    offset: u64,
    index: SectionIndex,
    name_id: Option<StringId>,
}

impl Part {
    fn is_loaded(&self) -> bool {
        self.flags.0 & elf::SHF_ALLOC.0 != 0
    }

    fn align(&self) -> u64 {
        if self.is_loaded() { PAGE } else { 1 }
    }
}

/// Writes an image as an ELF executable with symbols and line numbers.
pub fn to_elf(image: &[u8]) -> Result<Vec<u8>, Error> {
    let image = Image::verify(image)?;
    let text = image.section(SectionKind::Text).ok_or(Error::NoText)?;
    let functions = tables::functions(image.bytes_of(SectionKind::Symbols)).map(|function| function.name);
    let places = rows(image.bytes_of(SectionKind::SourceMap));
    let files = places.iter().map(|(_, place)| place.file);
    if functions.chain(files).any(|name| name.is_empty() || name.contains('\0')) {
        return Err(Error::Name);
    }
    let mut parts: Vec<Part> = image.sections().filter_map(|section| loaded(&image, &section)).collect();
    parts.extend(debug(&image, &text)?);
    write(&image, KERNEL_SLAB_BASE + text.memory_offset, parts)
}

fn loaded(image: &Image<'_>, section: &Section) -> Option<Part> {
    let (name, kind, flags) = match section.kind {
        SectionKind::Text => (".text", elf::SHT_PROGBITS, elf::SHF_ALLOC | elf::SHF_EXECINSTR),
        SectionKind::Rodata => (".rodata", elf::SHT_PROGBITS, elf::SHF_ALLOC),
        SectionKind::Relro => (".data.rel.ro", elf::SHT_PROGBITS, elf::SHF_ALLOC | elf::SHF_WRITE),
        SectionKind::Data => (".data", elf::SHT_PROGBITS, elf::SHF_ALLOC | elf::SHF_WRITE),
        SectionKind::Bss => (".bss", elf::SHT_NOBITS, elf::SHF_ALLOC | elf::SHF_WRITE),
        _ => return None,
    };
    Some(Part {
        name,
        kind,
        flags,
        address: KERNEL_SLAB_BASE + section.memory_offset,
        bytes: image.section_bytes(section).to_vec(),
        memory_bytes: section.memory_bytes,
        offset: 0,
        index: SectionIndex(0),
        name_id: None,
    })
}

/// Writes the file: header, program headers, sections, symbols, names, section headers.
fn write(image: &Image<'_>, text_address: u64, mut parts: Vec<Part>) -> Result<Vec<u8>, Error> {
    let functions: Vec<tables::Symbol<'_>> =
        tables::functions(image.bytes_of(SectionKind::Symbols)).collect();
    let start = image.manifest().entries.iter().find(|entry| entry.kind == EntryKind::Start);
    let entry = start.map_or(text_address, |entry| KERNEL_SLAB_BASE + entry.offset);
    let mut out = Vec::new();
    let mut writer = Writer::new(object::Endianness::Little, true, &mut out);
    writer.reserve_file_header();
    writer.reserve_program_headers(parts.iter().filter(|part| part.is_loaded()).count() as u32);
    for part in &mut parts {
        part.name_id = Some(writer.add_section_name(part.name.as_bytes()));
        part.index = writer.reserve_section_index();
    }
    for part in &mut parts {
        part.offset = writer.reserve(part.bytes.len() as u64, part.align());
    }
    let text_index =
        parts.iter().find(|part| part.name == ".text").map_or(SectionIndex(0), |part| part.index);
    writer.reserve_null_symbol_index();
    let names: Vec<StringId> = functions
        .iter()
        .map(|function| {
            writer.reserve_symbol_index(Some(text_index));
            writer.add_string(function.name.as_bytes())
        })
        .collect();
    writer.reserve_symtab_section_index();
    writer.reserve_strtab_section_index();
    writer.reserve_shstrtab_section_index();
    writer.reserve_symtab();
    writer.reserve_strtab()?;
    writer.reserve_shstrtab()?;
    writer.reserve_section_headers();

    writer.write_file_header(&FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_EXEC,
        e_machine: elf::EM_X86_64,
        e_entry: entry,
        e_flags: elf::FileFlags(0),
    })?;
    writer.write_align_program_headers();
    for part in parts.iter().filter(|part| part.is_loaded()) {
        writer.write_program_header(&program_header(part));
    }
    for part in &parts {
        writer.write_align(part.align());
        writer.write(&part.bytes);
    }
    writer.write_null_symbol();
    for (function, name) in functions.iter().zip(names) {
        let st_name = writer.string_offset(Some(name));
        writer.write_symbol(&Sym {
            section: Some(text_index.0),
            st_name,
            st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_FUNC),
            st_other: elf::SymbolOther(0),
            st_shndx: elf::SymbolSection(0),
            st_value: text_address + u64::from(function.offset),
            st_size: u64::from(function.size),
        });
    }
    writer.write_strtab();
    writer.write_shstrtab();
    writer.write_null_section_header();
    for part in &parts {
        let sh_name = writer.section_name_offset(part.name_id);
        writer.write_section_header(&SectionHeader {
            sh_name,
            sh_type: part.kind,
            sh_flags: part.flags,
            sh_addr: part.address,
            sh_offset: part.offset,
            sh_size: part.memory_bytes,
            sh_link: 0,
            sh_info: 0,
            sh_addralign: part.align(),
            sh_entsize: 0,
        });
    }
    writer.write_symtab_section_header(1);
    writer.write_strtab_section_header();
    writer.write_shstrtab_section_header();
    Ok(out)
}

fn program_header(part: &Part) -> ProgramHeader {
    let mut flags = elf::PF_R;
    if part.flags.0 & elf::SHF_EXECINSTR.0 != 0 {
        flags |= elf::PF_X;
    }
    if part.flags.0 & elf::SHF_WRITE.0 != 0 {
        flags |= elf::PF_W;
    }
    ProgramHeader {
        p_type: elf::PT_LOAD,
        p_flags: flags,
        p_offset: part.offset,
        p_vaddr: part.address,
        p_paddr: part.address,
        p_filesz: part.bytes.len() as u64,
        p_memsz: part.memory_bytes,
        p_align: PAGE,
    }
}

/// The DWARF sections: one unit, its functions, its line table.
fn debug(image: &Image<'_>, text: &Section) -> Result<Vec<Part>, Error> {
    let rows = rows(image.bytes_of(SectionKind::SourceMap));
    let Some((_, first)) = rows.first() else { return Ok(Vec::new()) };
    let base = KERNEL_SLAB_BASE + text.memory_offset;
    let text_bytes = u64::from(text.file_bytes);
    let encoding = Encoding { format: Format::Dwarf32, version: 4, address_size: 8 };
    let mut dwarf = DwarfUnit::new(encoding);
    dwarf.unit.line_program = line_program(encoding, base, text_bytes, &rows);
    let root = dwarf.unit.root();
    let producer = concat!("space ", env!("CARGO_PKG_VERSION"));
    let mut set = |id: UnitEntryId, name, value| dwarf.unit.get_mut(id).set(name, value);
    set(root, gimli::DW_AT_producer, AttributeValue::String(producer.as_bytes().to_vec()));
    set(root, gimli::DW_AT_name, AttributeValue::String(first.file.as_bytes().to_vec()));
    set(root, gimli::DW_AT_comp_dir, AttributeValue::String(b".".to_vec()));
    set(root, gimli::DW_AT_stmt_list, AttributeValue::LineProgramRef);
    set(root, gimli::DW_AT_low_pc, AttributeValue::Address(Address::Constant(base)));
    set(root, gimli::DW_AT_high_pc, AttributeValue::Udata(text_bytes));
    for function in tables::functions(image.bytes_of(SectionKind::Symbols)) {
        let id = dwarf.unit.add(root, gimli::DW_TAG_subprogram);
        let entry = dwarf.unit.get_mut(id);
        let low = Address::Constant(base + u64::from(function.offset));
        entry.set(gimli::DW_AT_name, AttributeValue::String(function.name.as_bytes().to_vec()));
        entry.set(gimli::DW_AT_low_pc, AttributeValue::Address(low));
        entry.set(gimli::DW_AT_high_pc, AttributeValue::Udata(u64::from(function.size)));
    }
    let mut sections = Sections::new(EndianVec::new(LittleEndian));
    dwarf.write(&mut sections)?;
    let mut parts = Vec::new();
    sections.for_each(|id, data| {
        if !data.slice().is_empty() {
            parts.push(Part {
                name: id.name(),
                kind: elf::SHT_PROGBITS,
                flags: elf::SectionFlags(0),
                address: 0,
                bytes: data.slice().to_vec(),
                memory_bytes: data.slice().len() as u64,
                offset: 0,
                index: SectionIndex(0),
                name_id: None,
            });
        }
        Ok::<(), gimli::write::Error>(())
    })?;
    Ok(parts)
}

/// The source map's entries: offset in text and place.
fn rows(source_map: &[u8]) -> Vec<(u32, Location<'_>)> {
    let word = |at: usize| {
        let bytes = source_map.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let count = word(0).unwrap_or_default() as usize;
    (0..count)
        .filter_map(|index| {
            let offset = word(8 + 16 * index)?;
            Some((offset, tables::locate(source_map, offset)?))
        })
        .collect()
}

fn line_program(encoding: Encoding, base: u64, text_bytes: u64, rows: &[(u32, Location<'_>)]) -> LineProgram {
    let directory = LineString::String(b".".to_vec());
    let name = LineString::String(rows.first().map_or("", |(_, place)| place.file).as_bytes().to_vec());
    let mut program = LineProgram::new(encoding, LineEncoding::default(), directory, None, name, None);
    let folder = program.default_directory();
    let mut files = BTreeMap::new();
    program.begin_sequence(Some(Address::Constant(base)));
    for (offset, place) in rows {
        let file = *files.entry(place.file).or_insert_with(|| {
            program.add_file(LineString::String(place.file.as_bytes().to_vec()), folder, None)
        });
        let row = program.row();
        row.address_offset = u64::from(*offset);
        row.file = file;
        row.line = u64::from(place.line);
        row.column = u64::from(place.column);
        program.generate_row();
    }
    program.end_sequence(text_bytes);
    program
}
