//! Programs: admitted images, reduced to what making a realm needs.
//!
//! A [`Program`] exists only for an image whose digest is the bundle's and for which every contract rule holds;
//! what it says is trusted from then on.

use crate::hal::Rights;
use sci::gate::stub_offset;
use sci::guest::WAYS_IN;
use sci::header::Kind;
use sci::image::Image;
use sci::layout::{
    GATE_PAGE, INSTANCE_PAGE, KERNEL_SLAB_BASE, LIBRARY_SLAB, LINEAR_MEMORY, LINKAGE, PAGE, STACK_TOP,
};
use sci::limits::CAPABILITIES_MAX;
use sci::linkage::PAGE_BYTES;
use sci::manifest::{EntryKind, Import};
use sci::section::{Section, SectionKind};
use sci::syscall::{self, KERNEL_MODULE};
use sci::vocabulary;

/// Where a region's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The image's pages themselves, from this page-aligned offset in the file.
    InPlace(u64),
    /// A copy of the image's bytes from this offset in the file, so many of them; the rest is zero.
    Copy(u64, u64),
    /// Zeros.
    Zero,
}

/// Pages of a realm that are mapped in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it begins in the slab.
    pub offset: u64,
    /// Pages.
    pub pages: u32,
    /// Where its bytes come from.
    pub source: Source,
    /// What the component may do with it.
    pub rights: Rights,
}

/// Regions of a program: its loaded sections, the arena, the stack; a guest's linkage table and linear memory.
pub const REGIONS_MAX: usize = 9;
/// Words that one step of building a realm writes.
const WORDS_A_STEP: u32 = 128;
/// As many in a guest.
const GUEST_WORDS_A_STEP: u32 = 8;
/// Pages of 64 KiB that a linear memory has at most.
pub const LINEAR_PAGES_MAX: u32 = 65_536;
/// Name of the function of a library where the threads of its users begin.
const LIBRARY_START: (&str, &str) = ("space", "start");

/// One capability that the manifest requires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// Number of the vocabulary's interface, 0 for a component's.
    pub interface: u8,
    /// Bytes of window that a call needs.
    pub window_bytes: u32,
    /// Methods that the manifest asks for.
    pub mask: u64,
}

/// An admitted image.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The image.
    pub image: Image<'static>,
    /// Where its file begins in the boot module.
    pub at: u64,
    /// Its pages.
    pub regions: [Option<Region>; REGIONS_MAX],
    /// Slab offset of the lowest page.
    pub lowest: u64,
    /// Address of its slab.
    pub slab: u64,
    /// Address of the main thread's first instruction; 0 in a library, which has no thread.
    pub entry: u64,
    /// The library that serves it, if it is a guest.
    pub library: Option<u16>,
    /// Bytes of its stack, in whole pages.
    pub stack_bytes: u64,
    /// What it requires, in the manifest's order.
    required: [Requirement; CAPABILITIES_MAX as usize],
    required_count: u32,
    words: u32,
}

/// A place for an admitted image. Its representation is fixed so that a table of free ones is all zeros.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "the table is made for programs, and there is no heap")]
#[repr(u8)]
pub enum ProgramSlot {
    /// No image.
    Free = 0,
    /// An admitted one.
    Admitted(Program) = 1,
}

impl ProgramSlot {
    /// The program, if there is one.
    pub const fn get(&self) -> Option<&Program> {
        match self {
            Self::Free => None,
            Self::Admitted(program) => Some(program),
        }
    }
}

impl Program {
    /// Prepares a verified image whose file begins at `at` in the boot module; `None` if it has no place to start
    /// or no room. What it imports is there: see [`import`](Self::import). A guest comes with its library.
    pub fn prepare(image: Image<'static>, at: u64, library: Option<(u16, &Self)>) -> Option<Self> {
        let manifest = image.manifest();
        let (slab, entry) = match image.header().kind {
            Kind::Component => {
                let start = manifest.entries.iter().find(|entry| entry.kind == EntryKind::Start)?;
                (KERNEL_SLAB_BASE, KERNEL_SLAB_BASE + start.offset)
            }
            Kind::Guest => (KERNEL_SLAB_BASE, library?.1.exported(LIBRARY_START)?),
            Kind::Library => (KERNEL_SLAB_BASE + LIBRARY_SLAB, 0),
        };
        let stack_bytes = manifest.memory.stack_bytes.max(1).next_multiple_of(PAGE);
        let regions = regions(&image, stack_bytes)?;
        let mut required = [Requirement::default(); CAPABILITIES_MAX as usize];
        for (place, wanted) in required.iter_mut().zip(manifest.required.iter()) {
            let interface = vocabulary::by_name(wanted.interface).map_or(0, |interface| interface.number);
            *place = Requirement { interface, mask: wanted.methods, window_bytes: wanted.window_bytes };
        }
        Some(Self {
            image,
            at,
            regions,
            lowest: regions.iter().flatten().map(|region| region.offset).min()?,
            slab,
            entry,
            library: library.map(|(index, _)| index),
            stack_bytes,
            required,
            required_count: (manifest.required.len() as u32).min(CAPABILITIES_MAX),
            words: manifest.imports.len() as u32 + image.relocation_count(),
        })
    }

    /// The component's name.
    pub const fn name(&self) -> &'static str {
        self.image.manifest().identity.name
    }

    /// What its manifest requires in a slot.
    pub fn required(&self, slot: u64) -> Option<Requirement> {
        let is_there = slot < u64::from(self.required_count);
        self.required.get(slot as usize).copied().filter(|_| is_there)
    }

    /// How many capabilities it requires.
    pub const fn required_count(&self) -> u32 {
        self.required_count
    }

    /// Pages of all regions.
    pub fn pages(&self) -> u32 {
        self.regions.iter().flatten().map(|region| region.pages).sum()
    }

    /// Words that the loader writes: slots, then relocated ones.
    pub const fn word_count(&self) -> u32 {
        self.words
    }

    /// Words that one step writes: few where a name is looked up for each.
    pub const fn words_a_step(&self) -> u32 {
        if self.library.is_some() { GUEST_WORDS_A_STEP } else { WORDS_A_STEP }
    }

    /// Some of those words: address and value.
    pub fn words(&self, from: u32, until: u32, library: Option<&Self>) -> impl Iterator<Item = (u64, u64)> {
        let (image, slab) = (self.image, self.slab);
        let imports = image.manifest().imports;
        let skipped = from.min(imports.len() as u32);
        let slots = imports.iter().skip(skipped as usize).filter_map(move |import| {
            Some((slab + import.offset, bound(image.header().kind, &import, library)?))
        });
        let words = image.relocations_from(from - skipped);
        let words = words.map(move |offset| (slab + offset, relocated(&image, slab, offset)));
        slots.chain(words).take((until - from) as usize)
    }

    /// The address of a function that the image offers: of a library a module and an item of it, joined by a dot.
    pub fn exported(&self, (module, item): (&str, &str)) -> Option<u64> {
        let exports = self.image.manifest().exports;
        let is_it = |name: &str| {
            name.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| rest == item)
        };
        exports.iter().find(|export| is_it(export.item)).map(|export| self.slab + export.offset)
    }

    /// The addresses of a guest's ways in, in the order of [`WAYS_IN`]; 0 for those that it does not have.
    pub fn ways_in(&self) -> [u64; WAYS_IN.len()] {
        let mut addresses = [0; WAYS_IN.len()];
        for export in &self.image.manifest().exports {
            if let Some(at) = WAYS_IN.iter().position(|item| *item == export.item)
                && let Some(address) = addresses.get_mut(at)
            {
                *address = self.slab + export.offset;
            }
        }
        addresses
    }

    /// Bytes of a guest's linkage table.
    pub fn linkage_bytes(&self) -> u64 {
        let table = self.image.section(SectionKind::Linkage).filter(|_| self.library.is_some());
        table.map_or(0, |section| u64::from(section.file_bytes))
    }
}

/// The pages of an image and of what goes with it; `None` if there is no room.
fn regions(image: &Image<'static>, stack_bytes: u64) -> Option<[Option<Region>; REGIONS_MAX]> {
    let memory = image.manifest().memory;
    let arena_bytes = memory.arena_bytes.next_multiple_of(PAGE);
    // The stack's guard page lies between the two.
    let arena = STACK_TOP.checked_sub(stack_bytes + PAGE + arena_bytes)?;
    let zeros = |offset, bytes| Region {
        offset,
        pages: (bytes / PAGE) as u32,
        source: Source::Zero,
        rights: Rights::Write,
    };
    let kind = image.header().kind;
    let own = [zeros(arena, arena_bytes), zeros(STACK_TOP - stack_bytes, stack_bytes)];
    let guest = [linkage(image), linear(image)];
    let own = own.into_iter().filter(|_| kind != Kind::Library);
    let guest = guest.into_iter().flatten().filter(|_| kind == Kind::Guest);
    let loaded = image.sections().filter(|section| section.kind.is_loaded() && section.memory_bytes > 0);
    let mut regions = [None; REGIONS_MAX];
    for (place, region) in regions.iter_mut().zip(loaded.map(region_of).chain(own).chain(guest)) {
        *place = Some(region).filter(|region| region.pages > 0);
    }
    Some(regions)
}

fn linkage(image: &Image<'static>) -> Option<Region> {
    let section = image.section(SectionKind::Linkage)?;
    let source = Source::InPlace(u64::from(section.file_offset));
    let pages = u64::from(section.file_bytes).div_ceil(PAGE) as u32;
    Some(Region { offset: LINKAGE, pages, source, rights: Rights::Read })
}

fn linear(image: &Image<'static>) -> Option<Region> {
    let pages =
        image.manifest().memory.linear?.minimum_pages.min(LINEAR_PAGES_MAX) * (PAGE_BYTES / PAGE) as u32;
    let content = image.section(SectionKind::Content);
    let source = content.map_or(Source::Zero, |section| {
        Source::Copy(u64::from(section.file_offset), u64::from(section.file_bytes))
    });
    Some(Region { offset: LINEAR_MEMORY, pages, source, rights: Rights::Write })
}

fn region_of(section: Section) -> Region {
    let (at, bytes) = (u64::from(section.file_offset), u64::from(section.file_bytes));
    let pages = section.memory_bytes.div_ceil(PAGE);
    let shares = pages <= bytes.div_ceil(PAGE);
    let (source, rights) = match section.kind {
        SectionKind::Text if shares => (Source::InPlace(at), Rights::Execute),
        SectionKind::Text => (Source::Copy(at, bytes), Rights::Execute),
        SectionKind::Rodata if shares => (Source::InPlace(at), Rights::Read),
        SectionKind::Rodata | SectionKind::Relro => (Source::Copy(at, bytes), Rights::Read),
        SectionKind::Data => (Source::Copy(at, bytes), Rights::Write),
        _ => (Source::Zero, Rights::Write),
    };
    Region { offset: section.memory_offset, pages: pages as u32, source, rights }
}

/// What a slot is bound to. A guest's are bound to its library alone: it has no way to the kernel of its own.
pub fn bound(kind: Kind, import: &Import<'_>, library: Option<&Program>) -> Option<u64> {
    if kind == Kind::Guest {
        return library?.exported((import.module, import.item));
    }
    provided(import)
}

/// What the kernel binds a slot to.
fn provided(import: &Import<'_>) -> Option<u64> {
    match (import.module, import.item) {
        (KERNEL_MODULE, item) => Some(KERNEL_SLAB_BASE + GATE_PAGE + stub_offset(syscall::number_of(item)?)),
        ("space", "instance") => Some(KERNEL_SLAB_BASE + INSTANCE_PAGE),
        _ => None,
    }
}

/// The word at a slab offset, with the slab's base added.
fn relocated(image: &Image<'static>, slab: u64, offset: u64) -> u64 {
    let word = image.section_at(offset).and_then(|section| {
        let from = (offset - section.memory_offset) as usize;
        image.section_bytes(&section).get(from..)?.first_chunk().copied()
    });
    u64::from_le_bytes(word.unwrap_or_default()).wrapping_add(slab)
}
