//! One component's image: where everything lies, and what the manifest says.

use crate::placement::{self, GATE_STACK_BYTES, Placement};
use compiler_codegen::Output;
use compiler_mir::ir::{self, Component, FunctionId, Program, Rvalue, Statement};
use compiler_syntax::span::{FileId, Sources, Span};
use sci::header::Kind;
use sci::layout::PAGE;
use sci::limits::SLAB_IMAGE_BYTES_MAX;
use sci::list::List;
use sci::manifest::{
    Checkpoint, Class, Determinism, Entry, EntryKind, Exported, Identity, Import, LibraryExport, Manifest,
    Memory, Parameter, Pool, Provenance, Required, Restart, Schedule, SourcePlace, Tag,
};
use sci::section::SectionKind;
use sci::write::{self, SectionData, list_bytes};
use std::collections::BTreeSet;

/// Capability slots for handles made at run time, where a component makes any.
const RUN_TIME_SLOTS: u32 = 512;

/// What goes wrong in linking an image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The result breaks the format's own rules: too large, or a bug in the compiler.
    #[error("the image is refused: {0}")]
    Refused(#[from] sci::error::Error),
    /// The program has no component.
    #[error("there is no component to link")]
    NoComponent,
    /// The image does not fit its part of the slab.
    #[error("stack, arena, state, constants and code take {bytes} bytes; {SLAB_IMAGE_BYTES_MAX} are allowed")]
    TooLarge {
        /// Its bytes in memory.
        bytes: u64,
    },
}

/// What an image is linked from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// The program, with its component.
    pub program: &'i Program,
    /// Its code.
    pub code: &'i Output,
    /// The sources, for places.
    pub sources: &'i Sources,
    /// Files of the component's package: name and SHA-256, by name.
    pub files: &'i [(String, [u8; 32])],
    /// Compiler flags that shape the output.
    pub flags: &'i str,
}

/// Links a component's image, unsigned.
pub fn link(input: &Input<'_>) -> Result<Vec<u8>, Error> {
    let component = input.program.component.as_ref().ok_or(Error::NoComponent)?;
    let code = input.code;
    let stack_bytes = (code.stack_bytes + GATE_STACK_BYTES).next_multiple_of(PAGE);
    let placement = Placement::new(code, stack_bytes, component.facts.arena_bytes, GATE_STACK_BYTES)?;
    let (source_table, root) = source_table(input.files);
    let reached = component.exports.iter().map(|export| slots_reached(input.program, &export.methods));
    let parts = Parts {
        kind: Kind::Component,
        entries: entries(component, code, &placement),
        imports: placement::imports(code, &placement),
        exports: Vec::new(),
        export_capabilities: reached.collect(),
        stack: (placement.stack_bytes, Tag::Exact),
        state_bytes: code.data.len() as u64 + code.bss_bytes,
        front_end: "in",
        root,
        flags: input.flags,
        sections: sections(input, &placement, source_table),
    };
    assemble(component, input.sources, &parts)
}

/// What an image has besides what its component's block says.
pub(crate) struct Parts<'p> {
    pub kind: Kind,
    pub entries: Vec<Entry<'p>>,
    pub imports: Vec<Import<'p>>,
    /// Functions that a library offers, by name.
    pub exports: Vec<LibraryExport<'p>>,
    /// For each export, the component's slots that its methods use.
    pub export_capabilities: Vec<u64>,
    /// The stack's bytes, and whose word they are.
    pub stack: (u64, Tag),
    pub state_bytes: u64,
    pub front_end: &'p str,
    /// Merkle root of the sources.
    pub root: [u8; 32],
    pub flags: &'p str,
    pub sections: Vec<SectionData>,
}

/// Writes an image: what the component's block says, and the parts.
pub(crate) fn assemble(
    component: &Component,
    sources: &Sources,
    parts: &Parts<'_>,
) -> Result<Vec<u8>, Error> {
    let names = Names::new(component, sources);
    let required = required(component, &names);
    let exported = exported(component, &parts.export_capabilities);
    let callees: Vec<u32> = (0..component.capabilities.len() as u32)
        .filter(|slot| {
            let capability = &component.capabilities[*slot as usize];
            capability.message && capability.used != 0
        })
        .collect();
    let parameters: Vec<Parameter<'_>> = component
        .facts
        .parameters
        .iter()
        .map(|(name, default)| Parameter { name, default: *default })
        .collect();
    let lists = [
        list_bytes(&parts.entries),
        list_bytes(&required),
        list_bytes(&exported),
        list_bytes(&parts.imports),
        list_bytes(&callees),
        list_bytes(&parameters),
        list_bytes(&parts.exports),
    ];
    let manifest = Manifest {
        identity: Identity {
            package: &component.package,
            name: &component.name,
            version: &component.version,
        },
        entries: List::new(&lists[0]),
        required: List::new(&lists[1]),
        exported: List::new(&lists[2]),
        imports: List::new(&lists[3]),
        exports: List::new(&lists[6]),
        schemas: None,
        memory: Memory {
            stack_bytes: parts.stack.0,
            stack_tag: parts.stack.1,
            state_bytes: parts.state_bytes,
            arena_bytes: component.facts.arena_bytes,
            buffer_bytes: 0,
            linear: None,
            pool: pool(component),
        },
        schedule: Schedule {
            class: class(component),
            priority: component.facts.priority,
            period: None,
            budget: None,
            deadline: None,
            affinity: None,
            passive: false,
            fuel: None,
            callees: List::new(&lists[4]),
        },
        restart: match component.facts.restart.as_deref() {
            Some("always") => Restart::Always,
            Some("on-fault") => Restart::OnFault,
            _ => Restart::Never,
        },
        checkpoint: match component.facts.checkpoint.as_deref() {
            Some("on-request") => Checkpoint::OnRequest,
            _ => Checkpoint::None,
        },
        deterministic: match component.facts.deterministic {
            ir::Determinism::Yes => Determinism::Yes,
            ir::Determinism::None | ir::Determinism::Replay => Determinism::None,
        },
        migration: None,
        compute: None,
        parameters: List::new(&lists[5]),
        provenance: Provenance {
            compiler: concat!("space ", env!("CARGO_PKG_VERSION")),
            front_end: parts.front_end,
            sources: parts.root,
            flags: parts.flags,
        },
        section_hashes: List::default(),
    };
    Ok(write::image(parts.kind, &manifest, &parts.sections)?)
}

fn sections(input: &Input<'_>, placement: &Placement, source_table: Vec<u8>) -> Vec<SectionData> {
    let mut sections = placement::loaded(input.code, placement);
    let tables = [
        (SectionKind::Traps, write::traps(&input.code.traps)),
        (SectionKind::Symbols, placement::symbols(&input.code.functions)),
        (SectionKind::SourceMap, source_map(&input.code.places, input.sources)),
        (SectionKind::Sources, source_table),
    ];
    sections.extend(placement::unloaded(tables));
    sections
}

fn source_map(places: &[(u32, Span)], sources: &Sources) -> Vec<u8> {
    let used: BTreeSet<FileId> = places.iter().map(|(_, span)| span.file).collect();
    let files: Vec<FileId> = used.into_iter().collect();
    let names: Vec<&str> = files.iter().map(|file| sources.name(*file)).collect();
    let entries: Vec<(u32, u32, u32, u32)> = places
        .iter()
        .map(|(offset, span)| {
            let position = sources.position(span.file, span.start);
            let file = files.binary_search(&span.file).unwrap_or_default();
            (*offset, file as u32, position.line, position.column)
        })
        .collect();
    write::source_map(&entries, &names)
}

pub(crate) fn source_table(files: &[(String, [u8; 32])]) -> (Vec<u8>, [u8; 32]) {
    let files: Vec<(&str, [u8; 32])> = files.iter().map(|(name, hash)| (name.as_str(), *hash)).collect();
    write::sources(&files)
}

/// Places as text, which the manifest's records borrow.
struct Names {
    places: Vec<(String, u32, u32)>,
}

impl Names {
    fn new(component: &Component, sources: &Sources) -> Self {
        let places = component
            .capabilities
            .iter()
            .map(|capability| {
                let position = sources.position(capability.span.file, capability.span.start);
                (sources.name(capability.span.file).to_owned(), position.line, position.column)
            })
            .collect();
        Self { places }
    }
}

fn entries<'c>(component: &'c Component, code: &Output, placement: &Placement) -> Vec<Entry<'c>> {
    let stack = |bytes: u64| bytes + GATE_STACK_BYTES;
    let mut entries = vec![Entry {
        kind: EntryKind::Start,
        name: "_start",
        offset: placement.text + u64::from(code.start),
        stack_bytes: stack(code.stack_bytes),
    }];
    for entry in &component.entries {
        let Some(function) = code.functions.iter().find(|function| function.id.0 == entry.function.0) else {
            continue;
        };
        entries.push(Entry {
            kind: match entry.kind {
                ir::EntryKind::Start => EntryKind::Begin,
                ir::EntryKind::Method(export, method) => EntryKind::Method(export, method),
                ir::EntryKind::Interrupt(bit) => EntryKind::Interrupt(bit),
            },
            name: &entry.name,
            offset: placement.text + u64::from(function.offset),
            stack_bytes: stack(function.stack_bytes),
        });
    }
    entries
}

fn required<'c>(component: &'c Component, names: &'c Names) -> Vec<Required<'c>> {
    component
        .capabilities
        .iter()
        .zip(&names.places)
        .map(|(capability, (file, line, column))| Required {
            name: &capability.name,
            interface: &capability.interface,
            hash: capability.hash,
            methods: capability.used,
            declared: capability.declared,
            message: capability.message,
            window_bytes: capability.window_bytes,
            place: SourcePlace { file, line: *line, column: *column },
        })
        .collect()
}

fn exported<'c>(component: &'c Component, capabilities: &[u64]) -> Vec<Exported<'c>> {
    component
        .exports
        .iter()
        .zip(capabilities)
        .map(|(export, capabilities)| Exported {
            name: &export.name,
            interface: &export.interface,
            hash: export.hash,
            methods: (0..export.methods.len()).fold(0, |mask, method| mask | 1 << method),
            capabilities: *capabilities,
            window_bytes: export.window_bytes,
        })
        .collect()
}

/// The component's slots that the functions reach, as a mask.
fn slots_reached(program: &Program, roots: &[FunctionId]) -> u64 {
    let mut mask = 0;
    let mut seen = BTreeSet::new();
    let mut queue = roots.to_vec();
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        for (statement, _) in program.functions[id.index()].blocks.iter().flat_map(|block| &block.statements)
        {
            match statement {
                Statement::Call { function, .. } => queue.push(*function),
                Statement::Assign(_, Rvalue::Capability(slot) | Rvalue::Handle(slot)) => mask |= 1 << slot.0,
                _ => {}
            }
        }
    }
    mask
}

fn pool(component: &Component) -> Pool {
    let makes_handles = component.capabilities.iter().any(|capability| {
        sci::vocabulary::by_name(&capability.interface).is_some_and(|interface| {
            interface.methods.iter().enumerate().any(|(at, method)| {
                capability.used >> at & 1 == 1
                    && matches!(method.result, Some(sci::vocabulary::Shape::Handle(_)))
            })
        })
    });
    let required = component.capabilities.len() as u32;
    let windows =
        component.capabilities.iter().filter(|capability| capability.window_bytes > 0).count() as u32;
    let clients = if component.exports.is_empty() { 0 } else { sci::limits::CLIENTS_MAX };
    Pool {
        threads: 1,
        capabilities: required + if makes_handles { RUN_TIME_SLOTS } else { 0 },
        mappings: windows + clients,
    }
}

fn class(component: &Component) -> Class {
    let drives =
        |capability: &ir::Capability| matches!(capability.interface.as_str(), "PortRange" | "Interrupt");
    if component.capabilities.iter().any(drives) { Class::Driver } else { Class::Application }
}
