//! Programs: admitted images, reduced to what making a realm needs.
//!
//! A [`Program`] exists only for an image whose digest is the bundle's and for which every contract rule holds;
//! what it says is trusted from then on.

use crate::hal::Rights;
use sci::gate::stub_offset;
use sci::image::Image;
use sci::layout::{GATE_PAGE, INSTANCE_PAGE, KERNEL_SLAB_BASE, PAGE, STACK_TOP};
use sci::limits::CAPABILITIES_MAX;
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

/// Regions of a program: its loaded sections, the arena, the stack.
pub const REGIONS_MAX: usize = 7;

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
    /// Slab offset of the main thread's first instruction.
    pub entry: u64,
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
    /// Prepares a verified image whose file begins at `at` in the boot module; `None` if it has no start entry,
    /// no room, or imports what the kernel does not provide.
    pub fn prepare(image: Image<'static>, at: u64) -> Option<Self> {
        let manifest = image.manifest();
        let entry = manifest.entries.iter().find(|entry| entry.kind == EntryKind::Start)?.offset;
        if manifest.imports.iter().any(|import| provided(&import).is_none()) {
            return None;
        }
        let stack_bytes = manifest.memory.stack_bytes.max(1).next_multiple_of(PAGE);
        let arena_bytes = manifest.memory.arena_bytes.next_multiple_of(PAGE);
        // The stack's guard page lies between the two.
        let arena = STACK_TOP.checked_sub(stack_bytes + PAGE + arena_bytes)?;
        let mut regions = [None; REGIONS_MAX];
        let zeros = |offset, bytes| Region {
            offset,
            pages: (bytes / PAGE) as u32,
            source: Source::Zero,
            rights: Rights::Write,
        };
        let loaded = image.sections().filter(|section| section.kind.is_loaded() && section.memory_bytes > 0);
        let extra = [zeros(arena, arena_bytes), zeros(STACK_TOP - stack_bytes, stack_bytes)];
        for (place, region) in regions.iter_mut().zip(loaded.map(region_of).chain(extra)) {
            *place = Some(region).filter(|region| region.pages > 0);
        }
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
            entry,
            stack_bytes,
            required,
            required_count: (manifest.required.len() as u32).min(CAPABILITIES_MAX),
            words: (manifest.imports.len() + image.relocations().count()) as u32,
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

    /// Some of those words: slab offset and value.
    pub fn words(&self, from: u32, until: u32) -> impl Iterator<Item = (u64, u64)> {
        let image = self.image;
        let slots = image
            .manifest()
            .imports
            .iter()
            .filter_map(|import| provided(&import).map(|value| (import.offset, value)));
        let relocated = image.relocations().map(move |offset| (offset, relocated(&image, offset)));
        slots.chain(relocated).skip(from as usize).take((until - from) as usize)
    }
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

/// What the kernel binds a slot to.
fn provided(import: &Import<'_>) -> Option<u64> {
    match (import.module, import.item) {
        (KERNEL_MODULE, item) => {
            let call = syscall::by_name(item)?;
            Some(KERNEL_SLAB_BASE + GATE_PAGE + stub_offset(call.number))
        }
        ("space", "instance") => Some(KERNEL_SLAB_BASE + INSTANCE_PAGE),
        _ => None,
    }
}

/// The word at a slab offset, with the slab's base added.
fn relocated(image: &Image<'static>, offset: u64) -> u64 {
    let word = image.section_at(offset).and_then(|section| {
        let from = (offset - section.memory_offset) as usize;
        image.section_bytes(&section).get(from..)?.first_chunk().copied()
    });
    u64::from_le_bytes(word.unwrap_or_default()).wrapping_add(KERNEL_SLAB_BASE)
}
