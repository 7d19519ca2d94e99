//! Programs: admitted images, reduced to what making a realm needs.
//!
//! A [`Program`] exists only for an image that passed every check; what it says is trusted from then on.

use sci::limits::{CAPABILITIES_MAX, SECTIONS_MAX};

/// Where a region's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The module's pages themselves, from this page-aligned offset.
    Module(u64),
    /// A copy of the module's bytes from this offset, so many of them; the rest is zero.
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

/// Regions of a program: its sections, and the stack.
pub const REGIONS_MAX: usize = SECTIONS_MAX as usize + 4;

/// One capability that the manifest requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Number of the vocabulary's interface, 0 for a component's.
    pub interface: u8,
    /// Methods that the manifest asks for.
    pub mask: u64,
}

/// An admitted image.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The component's name.
    pub name: &'static str,
    /// Its pages, from the lowest address up.
    pub regions: [Option<Region>; REGIONS_MAX],
    /// Slab offset of the lowest page.
    pub lowest: u64,
    /// Slab offset of the main thread's first instruction.
    pub entry: u64,
    /// Bytes of its stack.
    pub stack_bytes: u64,
    /// The image itself, for slots and relocations.
    pub image: &'static [u8],
    /// What it requires, in the manifest's order.
    pub required: [Option<Requirement>; CAPABILITIES_MAX as usize],
}

impl Program {
    pub(crate) fn word_count(&self) -> u32 {
        0
    }
    pub(crate) fn words(&self, _from: u32, _until: u32) -> impl Iterator<Item = (u64, u64)> {
        [].into_iter()
    }
}
use crate::{exit::Exit, hal::{Hal, Rights}, kernel::Kernel};
use sci::status::Status;
impl Kernel {
    pub(crate) fn verify_bundle(&mut self, _hal: &mut impl Hal) -> Result<(u64, u64), Exit> {
        Ok((0, 4096))
    }
    pub(crate) fn admit(&mut self, _hal: &mut impl Hal, _index: u64) -> Result<u16, (Status, u64)> {
        use sci::layout::*;
        let mut program = Program { name: "raw", regions: [None; REGIONS_MAX], lowest: STACK_TOP - 64 * PAGE, entry: STACK_TOP - 64 * PAGE, stack_bytes: 8192, image: &[], required: [None; 64] };
        program.regions[0] = Some(Region { offset: program.lowest, pages: 1, source: Source::Module(4096), rights: Rights::Execute });
        program.regions[1] = Some(Region { offset: STACK_TOP - 8192, pages: 2, source: Source::Zero, rights: Rights::Write });
        program.required[0] = Some(Requirement { interface: 1, mask: 7 });
        program.required[1] = Some(Requirement { interface: 12, mask: 1 });
        *self.programs.at_mut(0) = Some(program);
        Ok(0)
    }
}
