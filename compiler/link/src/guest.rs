//! A WebAssembly guest's image.

use crate::image::Error;
use crate::lines::{self, Name, Reading};
use crate::placement::{self, Placement};
use compiler_codegen::Output;
use compiler_core::{FunctionId, Symbol};
use compiler_wasm::Wiring;
use sci::guest;
use sci::header::Kind;
use sci::layout::LIBRARY_STACK_BYTES;
use sci::limits::IMPORTS_MAX;
use sci::linkage::{
    Callable, Extern, FunctionType, Global, LinkExport, LinkImport, Linkage, Memory, RUNTIME_FUNCTIONS,
    Segment, Table,
};
use sci::list::List;
use sci::manifest::{
    self, Checkpoint, Class, Determinism, Identity, LibraryExport, Linear, Manifest, Pool, Provenance,
    Restart, Schedule, Tag,
};
use sci::section::SectionKind;
use sci::write::{self, list_bytes};

/// Pages that a 32-bit memory has at most.
const PAGES_MAX: u64 = 65_536;
/// Stack that a call out of a guest takes, in bytes: a gate stub's, or a library's with the stubs that it calls.
const BOUNDARY_STACK_BYTES: u64 = LIBRARY_STACK_BYTES + placement::GATE_STACK_BYTES;

/// What a guest's image is linked from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// The guest's name.
    pub name: &'i str,
    /// How it joins its surroundings.
    pub wiring: &'i Wiring<'i>,
    /// Its code.
    pub code: &'i Output,
    /// Bytes of an instance's stack.
    pub stack_bytes: u64,
    /// The module's file name: places in the code are offsets in it.
    pub file: &'i str,
    /// File name and SHA-256 of what the module was made of, by name.
    pub sources: &'i [(&'i str, [u8; 32])],
    /// Compiler flags that shape the output.
    pub flags: &'i str,
}

/// Links a guest's image, unsigned.
pub fn link(input: &Input<'_>) -> Result<Vec<u8>, Error> {
    let code = input.code;
    let count = code.slots.len();
    if count > IMPORTS_MAX as usize {
        return Err(Error::Imports { count });
    }
    let placement = Placement::new(code, input.stack_bytes, 0, BOUNDARY_STACK_BYTES)?;
    let (source_table, root) = write::sources(input.sources);
    let mut sections = placement::loaded(code, &placement);
    sections.extend(placement::unloaded([
        (SectionKind::Traps, write::traps(&code.traps)),
        (SectionKind::Symbols, placement::symbols(&code.functions)),
        (SectionKind::Debug, debug(input)),
        (SectionKind::SourceMap, source_map(input)),
        (SectionKind::Sources, source_table),
        (SectionKind::Linkage, linkage(input, &placement)),
        (SectionKind::Content, input.wiring.content.to_vec()),
    ]));
    let imports = list_bytes(&placement::imports(code, &placement));
    let exports = list_bytes(&ways_in(input, &placement));
    let manifest = Manifest {
        identity: Identity { package: "", name: input.name, version: "0.0.0" },
        entries: List::default(),
        required: List::default(),
        exported: List::default(),
        imports: List::new(&imports),
        exports: List::new(&exports),
        schemas: None,
        memory: memory(input),
        schedule: Schedule {
            class: Class::Application,
            priority: None,
            period: None,
            budget: None,
            deadline: None,
            affinity: None,
            passive: false,
            fuel: None,
            callees: List::default(),
        },
        restart: Restart::Never,
        checkpoint: Checkpoint::None,
        deterministic: Determinism::None,
        migration: None,
        compute: None,
        parameters: List::default(),
        provenance: Provenance {
            compiler: concat!("space ", env!("CARGO_PKG_VERSION")),
            front_end: "wasm",
            sources: root,
            flags: input.flags,
        },
        section_hashes: List::default(),
    };
    Ok(write::image(Kind::Guest, &manifest, &sections)?)
}

/// The functions through which a loader that reads no linkage table enters the guest, by name.
fn ways_in(input: &Input<'_>, placement: &Placement) -> Vec<LibraryExport<'static>> {
    let (wiring, code) = (input.wiring, input.code);
    let start = wiring.start.and_then(|function| wiring.callable(function)).map(|callable| callable.own);
    let mut ways: Vec<LibraryExport<'_>> = guest::WAYS_IN
        .iter()
        .filter_map(|item| {
            let function = match *item {
                guest::INSTANTIATE => wiring.instantiate,
                guest::START_FUNCTION => start,
                item => wiring.lifecycle(item),
            };
            let offset = code.offset_of(function?)?;
            Some(LibraryExport {
                item,
                signature: "()",
                offset: placement.text + u64::from(offset),
                stack_bytes: input.stack_bytes,
            })
        })
        .collect();
    ways.sort_by_key(|way| way.item);
    ways
}

fn memory(input: &Input<'_>) -> manifest::Memory {
    let own = input.wiring.memories.first().filter(|_| input.wiring.owns_memory);
    manifest::Memory {
        stack_bytes: input.stack_bytes,
        stack_tag: Tag::Declared,
        state_bytes: input.code.data.len() as u64 + input.code.bss_bytes,
        arena_bytes: 0,
        buffer_bytes: 0,
        linear: own.map(|(minimum, maximum)| Linear {
            minimum_pages: *minimum as u32,
            maximum_pages: maximum.unwrap_or(PAGES_MAX).min(PAGES_MAX) as u32,
        }),
        pool: Pool { threads: 1, capabilities: 0, mappings: 0 },
    }
}

/// Places in the module: an offset stands as the line's number, since a module has no lines.
fn source_map(input: &Input<'_>) -> Vec<u8> {
    let entries: Vec<(u32, u32, u32, u32)> =
        input.code.places.iter().map(|(offset, span)| (*offset, 0, span.start, 0)).collect();
    write::source_map(&entries, &[input.file])
}

/// Lines by offset in the module, where it has them.
fn debug(input: &Input<'_>) -> Vec<u8> {
    let dwarf = &input.wiring.dwarf;
    if dwarf.sections.is_empty() {
        return Vec::new();
    }
    lines::source_map(&Reading {
        section: &|name| {
            dwarf.sections.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, bytes)| bytes)
        },
        // Addresses count from the beginning of the code section's content.
        offset: &|address| {
            let offset = dwarf.code.start.checked_add(address)?;
            u32::try_from(offset).ok().filter(|_| offset <= dwarf.code.end)
        },
        name: &|Name { whole, folder }| {
            let inside = whole.strip_prefix(folder).filter(|_| !folder.is_empty()).unwrap_or(whole);
            let inside = inside.trim_start_matches('/').trim_start_matches("./");
            inside.chars().filter(|character| !character.is_control()).collect()
        },
        ends: true,
    })
}

fn linkage(input: &Input<'_>, placement: &Placement) -> Vec<u8> {
    let (wiring, code) = (input.wiring, input.code);
    let offset = |id: FunctionId| code.offset_of(id).unwrap_or_default();
    let types: Vec<FunctionType<'_>> = wiring
        .types
        .iter()
        .map(|ty| FunctionType { parameters: &ty.parameters, results: &ty.results })
        .collect();
    let slot = |number: u32| {
        let slot = code.slot_numbers.binary_search(&number).ok()?;
        Some(placement.address(Symbol::Slot(slot as u32)))
    };
    let imported =
        wiring.imports.iter().filter(|import| matches!(import.kind, Extern::Function(..))).count() as u32;
    let runtime: Vec<(u32, u64)> = (0..RUNTIME_FUNCTIONS.len() as u32)
        .filter_map(|number| slot(imported + number).map(|place| (number, place)))
        .collect();
    let imports: Vec<LinkImport<'_>> = wiring
        .imports
        .iter()
        .map(|import| LinkImport {
            module: import.module,
            item: import.item,
            kind: import.kind,
            slot: if let Extern::Function(number, _) = import.kind { slot(number) } else { None },
        })
        .collect();
    let tables: Vec<Table> = wiring
        .tables
        .iter()
        .map(|table| Table {
            element: table.element,
            minimum: table.minimum,
            maximum: table.maximum,
            descriptor: placement.address(table.descriptor),
            storage: table.storage.map(|storage| placement.address(storage)),
        })
        .collect();
    let memories: Vec<Memory> = wiring
        .memories
        .iter()
        .map(|(minimum, maximum)| Memory { minimum: *minimum, maximum: *maximum })
        .collect();
    let globals: Vec<Global> = wiring
        .globals
        .iter()
        .map(|global| Global { ty: global.ty, mutable: global.mutable, cell: placement.address(global.cell) })
        .collect();
    let exports: Vec<LinkExport<'_>> =
        wiring.exports.iter().map(|(name, kind)| LinkExport { name, kind: *kind }).collect();
    let callables: Vec<Callable> = wiring
        .callables
        .iter()
        .map(|callable| Callable {
            function: callable.function,
            ty: callable.ty,
            place: offset(callable.own),
            entry: offset(callable.entry),
        })
        .collect();
    let elements: Vec<Segment> = wiring
        .elements
        .iter()
        .map(|(items, length)| Segment {
            items: placement.address(*items),
            length: placement.address(*length),
        })
        .collect();
    let data: Vec<u64> = wiring.data.iter().map(|length| placement.address(*length)).collect();
    let lists = [
        list_bytes(&types),
        list_bytes(&imports),
        list_bytes(&tables),
        list_bytes(&memories),
        list_bytes(&globals),
        list_bytes(&exports),
        list_bytes(&callables),
        list_bytes(&elements),
        list_bytes(&runtime),
        list_bytes(&data),
    ];
    write::encoded(&Linkage {
        types: List::new(&lists[0]),
        imports: List::new(&lists[1]),
        runtime: List::new(&lists[8]),
        tables: List::new(&lists[2]),
        memories: List::new(&lists[3]),
        globals: List::new(&lists[4]),
        exports: List::new(&lists[5]),
        callables: List::new(&lists[6]),
        elements: List::new(&lists[7]),
        data: List::new(&lists[9]),
        fuel: wiring.fuel.map(|fuel| placement.address(fuel)),
        instantiate: wiring.instantiate.map(offset),
        start: wiring.start,
        stack_reserve: code.functions.iter().map(|function| function.stack_bytes).max().unwrap_or_default()
            + code.reserve_bytes
            + BOUNDARY_STACK_BYTES,
    })
}
