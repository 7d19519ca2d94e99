//! Images of crates: the ELF shared object that cargo and the linker left becomes sections, slots and relocations.
//!
//! The object's loaded parts keep their distances, since its text reaches the rest relative to itself; they move as
//! a whole to where the slab wants them. What an image cannot hold is refused by name.

mod parts;
mod places;
mod words;

use crate::image::{self, Parts, assemble};
use crate::placement;
use compiler_mir::ir::Component;
use compiler_syntax::span::Sources;
use object::read::elf::ElfFile64;
use object::{Object, ObjectSymbol, SymbolKind};
use sci::header::Kind;
use sci::layout::{PAGE, STACK_TOP};
use sci::limits::SLAB_IMAGE_BYTES_MAX;
use sci::manifest::{Entry, EntryKind, Import, LibraryExport, Tag};
use sci::section::SectionKind;
use sci::syscall::KERNEL_MODULE;

/// Where the main thread begins.
const START: &str = "_start";
/// What a library's functions have in their names, between module and item.
const DOT: char = '.';
/// The object that is read.
type Elf<'e> = ElfFile64<'e, object::LittleEndian>;

/// Why a crate's object cannot become an image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not what the linker makes for this machine.
    #[error("the object cannot be read: {0}")]
    Object(#[from] object::read::Error),
    /// It is for another machine, or no shared object.
    #[error("the object is not a shared object for x86-64")]
    NotShared,
    /// It has no entry, and offers nothing.
    #[error("the object defines neither `{START}` nor a function named `module.item`")]
    NoStart,
    /// It offers functions, and its block exports an interface.
    #[error("the crate is a library, and its block exports the interface `{interface}`, which nobody serves")]
    Exports {
        /// The export's name.
        interface: String,
    },
    /// It calls what neither the crate nor the kernel has.
    #[error("the crate calls {names}, which neither it nor the kernel has")]
    Undefined {
        /// The symbols.
        names: String,
    },
    /// Its text or constants would have to be changed when it is loaded.
    #[error("a relocation changes `{section}`, which is never written")]
    ReadOnly {
        /// The section.
        section: String,
    },
    /// It keeps data for each thread.
    #[error("`{section}` holds data for each thread, and a component has one thread")]
    ThreadLocal {
        /// The section.
        section: String,
    },
    /// It runs code before its entry.
    #[error("`{section}` lists functions that run before or after the entry, and nothing calls them")]
    Initialiser {
        /// The section.
        section: String,
    },
    /// It chooses a function when it is loaded.
    #[error("an indirect function is chosen when the code is loaded (IRELATIVE), which nothing does")]
    Indirect,
    /// A relocation of another kind.
    #[error("the relocation at {address:#x} in `{section}` is of the kind {kind}, which images do not have")]
    Relocation {
        /// Where.
        address: u64,
        /// The section there.
        section: String,
        /// Its number in the machine's ELF supplement.
        kind: u32,
    },
    /// Parts with different rights share a page.
    #[error("`{one}` and `{other}` share a page")]
    SharedPage {
        /// One part.
        one: &'static str,
        /// The other part.
        other: &'static str,
    },
    /// The image cannot be written.
    #[error(transparent)]
    Image(#[from] image::Error),
}

impl Error {
    /// Stable kebab-case id.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Object(_)
            | Self::NotShared
            | Self::NoStart
            | Self::Exports { .. }
            | Self::SharedPage { .. } => "crate-object",
            Self::Undefined { .. } => "crate-undefined",
            Self::ReadOnly { .. } | Self::Relocation { .. } | Self::Indirect => "crate-relocation",
            Self::ThreadLocal { .. } => "crate-thread-local",
            Self::Initialiser { .. } => "crate-initialiser",
            Self::Image(_) => "crate-image",
        }
    }

    /// The next step.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Object(_) | Self::NotShared | Self::SharedPage { .. } => {
                "remove linker settings of your own: `.cargo/config.toml`, `build.rs`, `#[link_args]`"
            }
            Self::NoStart => "write `space_guest::component!(YourType);` at the crate's root",
            Self::Exports { .. } => "remove the export from `component.in`: a library offers functions",
            Self::Undefined { .. } => {
                "use crates without `std` and without C; what the system offers is a capability in `component.in`"
            }
            Self::ReadOnly { .. } | Self::Relocation { .. } => {
                "compile everything position-independent; assembly addresses data relative to `rip`"
            }
            Self::Indirect => "remove the `ifunc`, or the C code that has it",
            Self::ThreadLocal { .. } => "keep the data in the component's own value",
            Self::Initialiser { .. } => "call the functions from `start`",
            Self::Image(_) => "ask for less `stack` and `heap`, or make the crate smaller",
        }
    }
}

/// What a crate's image is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// What the component block says.
    pub component: &'i Component,
    /// The shared object.
    pub elf: &'i [u8],
    /// Bytes of stack, whole pages, as declared.
    pub stack_bytes: u64,
    /// The `.in` sources, for places.
    pub sources: &'i Sources,
    /// Files of the package: name and SHA-256, by name.
    pub files: &'i [(String, [u8; 32])],
    /// Flags that shape the output.
    pub flags: &'i str,
}

/// Makes a component's image, or a library's where the object has no entry and offers functions; unsigned.
pub fn link(input: &Input<'_>) -> Result<Vec<u8>, Error> {
    let elf = Elf::parse(input.elf)?;
    if elf.kind() != object::ObjectKind::Dynamic || elf.architecture() != object::Architecture::X86_64 {
        return Err(Error::NotShared);
    }
    let mut loaded = parts::read(&elf)?;
    let base = base(&loaded, input)?;
    let words = words::read(&elf, &mut loaded, base)?;
    let offered = offered(&elf, input, base)?;
    let (source_table, root) = image::source_table(input.files);
    let state = |loaded: &parts::Loaded| loaded.data.bytes.len() as u64 + loaded.bss_bytes;
    let parts = Parts {
        kind: offered.kind(),
        entries: offered.entries(input),
        imports: imports(&words.slots),
        exports: offered.functions(),
        export_capabilities: vec![mask_of(input.component.capabilities.len()); input.component.exports.len()],
        stack: (input.stack_bytes, Tag::Declared),
        state_bytes: state(&loaded),
        front_end: "rust",
        root,
        flags: input.flags,
        sections: loaded
            .sections(base)
            .into_iter()
            .chain(placement::unloaded([
                (SectionKind::Relocations, words.relocations),
                (SectionKind::Symbols, places::symbols(&elf, &loaded.text)),
                (SectionKind::SourceMap, places::source_map(&elf, &loaded.text)),
                (SectionKind::Sources, source_table),
            ]))
            .collect(),
    };
    Ok(assemble(input.component, input.sources, &parts)?)
}

/// Where an object is entered.
enum Offered<'e> {
    /// A component's main thread begins there.
    Start(u64),
    /// A library's functions, by name.
    Functions(Vec<LibraryExport<'e>>),
}

/// The entry of an object, or else what it offers.
fn offered<'e>(elf: &Elf<'e>, input: &Input<'_>, base: u64) -> Result<Offered<'e>, Error> {
    let mut defined = elf.symbols().chain(elf.dynamic_symbols()).filter(ObjectSymbol::is_definition);
    if let Some(start) = defined.find(|symbol| symbol.name() == Ok(START)) {
        return Ok(Offered::Start(base.wrapping_add(start.address())));
    }
    let mut functions: Vec<LibraryExport<'e>> = elf
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text)
        .filter_map(|symbol| {
            let item = symbol.name().ok().filter(|name| name.contains(DOT))?;
            let offset = base.wrapping_add(symbol.address());
            Some(LibraryExport { item, signature: "()", offset, stack_bytes: input.stack_bytes })
        })
        .collect();
    functions.sort_by_key(|function| function.item);
    match input.component.exports.first() {
        _ if functions.is_empty() => Err(Error::NoStart),
        Some(export) => Err(Error::Exports { interface: export.interface.clone() }),
        None => Ok(Offered::Functions(functions)),
    }
}

impl<'e> Offered<'e> {
    fn kind(&self) -> Kind {
        match self {
            Self::Start(_) => Kind::Component,
            Self::Functions(_) => Kind::Library,
        }
    }

    fn functions(&self) -> Vec<LibraryExport<'e>> {
        match self {
            Self::Start(_) => Vec::new(),
            Self::Functions(functions) => functions.clone(),
        }
    }

    /// Every activation is reached through the receive loop, which runs from the start.
    fn entries<'i>(&self, input: &Input<'i>) -> Vec<Entry<'i>> {
        let Self::Start(start) = *self else { return Vec::new() };
        let entry = |kind, name| Entry { kind, name, offset: start, stack_bytes: input.stack_bytes };
        let mut entries = vec![entry(EntryKind::Start, START)];
        for (export, number) in input.component.exports.iter().zip(0..) {
            for (method, name) in (0..).zip(&export.method_names) {
                entries.push(entry(EntryKind::Method(number, method), name));
            }
        }
        entries
    }
}

/// What is added to an address of the object: a slab offset, such that the last part ends below the arena.
fn base(loaded: &parts::Loaded, input: &Input<'_>) -> Result<u64, Error> {
    let (first, end) = loaded.span();
    let arena = input.component.facts.arena_bytes.next_multiple_of(PAGE);
    let above = input.stack_bytes + PAGE + arena;
    let bytes = above.saturating_add(end - first);
    if bytes > SLAB_IMAGE_BYTES_MAX {
        return Err(image::Error::TooLarge { bytes }.into());
    }
    // The object's addresses begin near zero, far below the place for its end.
    Ok((STACK_TOP - above).wrapping_sub(end))
}

/// A mask of the lowest bits.
fn mask_of(count: usize) -> u64 {
    u64::MAX.checked_shr(64 - count.min(64) as u32).unwrap_or_default()
}

fn imports(slots: &[words::Slot]) -> Vec<Import<'_>> {
    slots
        .iter()
        .map(|slot| Import {
            module: KERNEL_MODULE,
            item: slot.call.name,
            signature: &slot.signature,
            capability: None,
            offset: slot.offset,
        })
        .collect()
}
