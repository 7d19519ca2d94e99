//! How a realm's memory is made from a program: regions, special pages, slots, relocations.
//!
//! The first start and every reset take this path. It is done in bounded steps; the number of pages and
//! relocations done is the realm's state.

use crate::hal::{Frame, Hal, Owner, Page, Rights, Space};
use crate::kernel::Kernel;
use crate::program::{LINEAR_PAGES_MAX, Program, Region, Source};
use crate::realm::{Realm, RealmState};
use crate::table::MAPPINGS;
use sci::layout::{
    GATE_PAGE, INFO_PAGE, INSTANCE_PAGE, KERNEL_SLAB_BASE, PAGE, START_PAGE, instance, linear_memory, start,
};
use sci::limits::CAPABILITIES_MAX;
use sci::limits::wasm::MEMORIES_MAX;
use sci::linkage::PAGE_BYTES;

/// Pages that one step maps, of which it may fill each.
const PAGES_A_STEP: u32 = 64;

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The realm is new.
    Done,
    /// There is more to do.
    More,
    /// No frame was left.
    Exhausted,
}

/// No frame was left.
struct Exhausted;

impl Kernel {
    /// Does a part of building a realm whose state is `Building`.
    pub(crate) fn build_step(&mut self, hal: &mut impl Hal, realm: u16) -> Step {
        let RealmState::Building(done) = self.realms.at(realm as usize).state else {
            return Step::Done;
        };
        if done == 0 && self.begin_space(hal, realm).is_err() {
            return Step::Exhausted;
        }
        let Realm { program, space, .. } = *self.realms.at(realm as usize);
        let Some(program) = self.programs.at(program as usize).get() else {
            return Step::Exhausted;
        };
        let library = program.library.and_then(|library| self.programs.at(library as usize).get());
        let next = match part(done, program, library) {
            Some(Part::Pages(of, from, until)) => {
                for page in from..until {
                    if map_region_page(hal, space, of, page).is_err() {
                        return Step::Exhausted;
                    }
                }
                done + until - from
            }
            Some(Part::Words(of, from, until)) => {
                for (address, value) in of.words(from, until, library) {
                    let placed = hal.space_write(space, address, &value.to_le_bytes());
                    assert!(placed, "an admitted image's words lie in its writable sections");
                }
                done + until - from
            }
            None => {
                return match self.finish(hal, realm) {
                    Ok(()) => Step::Done,
                    Err(Exhausted) => Step::Exhausted,
                };
            }
        };
        self.realms.at_mut(realm as usize).state = RealmState::Building(next);
        Step::More
    }

    fn begin_space(&mut self, hal: &mut impl Hal, realm: u16) -> Result<(), Exhausted> {
        let place = self.realms.at_mut(realm as usize);
        place.space = hal.space_create().ok_or(Exhausted)?;
        if place.start_page == Frame(0) {
            place.start_page = hal.frame_take().ok_or(Exhausted)?;
        }
        self.threads.at_mut(realm as usize).space = self.realms.at(realm as usize).space;
        Ok(())
    }

    /// Maps the pages that kernel and component share, and what the realm kept over a reset.
    fn finish(&mut self, hal: &mut impl Hal, realm: u16) -> Result<(), Exhausted> {
        let Realm { space, program, .. } = *self.realms.at(realm as usize);
        let lowest = self.programs.at(program as usize).get().map_or(0, |program| program.lowest);
        let required = self.contract(realm).map_or(0, Program::required_count);
        let block = hal.frame_take().ok_or(Exhausted)?;
        let page = Page { frame: block, rights: Rights::Read, owner: Owner::Space };
        map(hal, space, KERNEL_SLAB_BASE + INSTANCE_PAGE, page)?;
        let start_page = self.realms.at(realm as usize).start_page;
        for (offset, frame, rights) in [
            (START_PAGE, start_page, Rights::Read),
            (GATE_PAGE, hal.gate_frame(), Rights::Execute),
            (INFO_PAGE, hal.info_frame(), Rights::Read),
        ] {
            map(hal, space, KERNEL_SLAB_BASE + offset, Page { frame, rights, owner: Owner::Other })?;
        }
        for index in 0..MAPPINGS {
            let mapping = *self.mappings.at(index);
            if mapping.realm == realm {
                self.map_pages(hal, &mapping).map_err(|_| Exhausted)?;
            }
        }
        let place = self.realms.at_mut(realm as usize);
        place.generation += 1;
        place.state = RealmState::New;
        let returned = core::mem::take(&mut place.linear_pages) + core::mem::take(&mut place.appending).pages;
        place.memory_left = place.memory_left.saturating_add(returned);
        if place.windows_end == 0 {
            place.windows_end = KERNEL_SLAB_BASE + lowest;
        }
        let generation = place.generation;
        self.threads.at_mut(realm as usize).generation = generation;
        let put = |hal: &mut _, frame, offset, value: u64| {
            Hal::frame_write(hal, frame, offset, &value.to_le_bytes());
        };
        put(hal, block, instance::NUMBER, u64::from(realm));
        put(hal, block, instance::GENERATION, generation);
        if let Some(program) = self.programs.at(program as usize).get() {
            describe_guest(hal, block, program);
        }
        put(hal, start_page, start::MAGIC, start::MAGIC_VALUE);
        put(hal, start_page, start::GENERATION, generation);
        hal.frame_write(start_page, start::CAPABILITY_COUNT, &required.to_le_bytes());
        if generation == 1 {
            self.default_parameters(hal, realm, start_page);
        }
        for slot in 0..CAPABILITIES_MAX {
            let handle = self.capabilities.handle(self.area(realm), slot);
            put(hal, start_page, entry_of(slot) + start::ENTRY_HANDLE, handle);
        }
        Ok(())
    }

    /// The program whose manifest says what a realm requires: of a guest its library's.
    pub(crate) fn contract(&self, realm: u16) -> Option<&Program> {
        let program = self.programs.at(self.realms.at(realm as usize).program as usize).get()?;
        match program.library {
            Some(library) => self.programs.at(library as usize).get(),
            None => Some(program),
        }
    }

    /// The values that the image gives its parameters; a supervisor may set others before the start, and a reset
    /// keeps them.
    fn default_parameters(&self, hal: &mut impl Hal, realm: u16, start_page: Frame) {
        let program = self.programs.at(self.realms.at(realm as usize).program as usize);
        let Some(program) = program.get() else { return };
        let parameters = program.image.manifest().parameters;
        hal.frame_write(start_page, start::PARAMETER_COUNT, &(parameters.len() as u32).to_le_bytes());
        for (index, parameter) in (0u64..).zip(&parameters) {
            let place = start::PARAMETERS + index * 8;
            hal.frame_write(start_page, place, &parameter.default.to_le_bytes());
        }
    }

    /// Writes a word of a realm's start page.
    pub(crate) fn set_start(&self, hal: &mut impl Hal, realm: u16, offset: u64, value: u64) {
        hal.frame_write(self.realms.at(realm as usize).start_page, offset, &value.to_le_bytes());
    }
}

/// What one step of building does: some pages or some words of one image.
enum Part<'p> {
    Pages(&'p Program, u32, u32),
    Words(&'p Program, u32, u32),
}

/// The next part, when so much is done; `None` when all pages and words are.
fn part<'p>(mut done: u32, program: &'p Program, library: Option<&'p Program>) -> Option<Part<'p>> {
    let of = || [Some(program), library].into_iter().flatten();
    for image in of() {
        let pages = image.pages();
        if done < pages {
            return Some(Part::Pages(image, done, pages.min(done + PAGES_A_STEP)));
        }
        done -= pages;
    }
    for image in of() {
        let (words, step) = (image.word_count(), image.words_a_step());
        if done < words {
            return Some(Part::Words(image, done, words.min(done + step)));
        }
        done -= words;
    }
    None
}

/// Writes what the library of a guest finds in the instance block.
fn describe_guest(hal: &mut impl Hal, block: Frame, program: &Program) {
    if program.library.is_none() {
        return;
    }
    let linear = program.image.manifest().memory.linear;
    let bytes = |pages: u32| u64::from(pages.min(LINEAR_PAGES_MAX)) * PAGE_BYTES;
    for index in 0..MEMORIES_MAX {
        let (length, maximum) = match linear {
            Some(linear) if index == 0 => (bytes(linear.minimum_pages), bytes(linear.maximum_pages)),
            _ => (0, bytes(LINEAR_PAGES_MAX)),
        };
        let entry = instance::MEMORIES + instance::MEMORY_BYTES * index;
        for (offset, value) in [
            (instance::MEMORY_BASE, KERNEL_SLAB_BASE + linear_memory(index)),
            (instance::MEMORY_LENGTH, length),
            (instance::MEMORY_MAXIMUM, maximum),
        ] {
            hal.frame_write(block, entry + offset, &value.to_le_bytes());
        }
    }
    hal.frame_write(block, instance::MEMORY_COUNT, &MEMORIES_MAX.to_le_bytes());
    hal.frame_write(block, instance::LINKAGE_BYTES, &program.linkage_bytes().to_le_bytes());
    for (index, address) in (0..).zip(program.ways_in()) {
        hal.frame_write(block, instance::WAYS_IN + 8 * index, &address.to_le_bytes());
    }
}

/// Offset in the start page of a required capability's entry.
pub(crate) const fn entry_of(slot: u32) -> u64 {
    start::CAPABILITIES + start::CAPABILITY_BYTES * slot as u64
}

/// Maps one page of a program, counted over all its regions.
fn map_region_page(
    hal: &mut impl Hal,
    space: Space,
    program: &Program,
    number: u32,
) -> Result<(), Exhausted> {
    let mut page = number;
    for region in program.regions.iter().flatten() {
        if page < region.pages {
            let (frame, owner) = region_frame(hal, program, region, page)?;
            let place = program.slab + region.offset + u64::from(page) * PAGE;
            return map(hal, space, place, Page { frame, rights: region.rights, owner });
        }
        page -= region.pages;
    }
    Ok(())
}

fn region_frame(
    hal: &mut impl Hal,
    program: &Program,
    region: &Region,
    page: u32,
) -> Result<(Frame, Owner), Exhausted> {
    let skipped = u64::from(page) * PAGE;
    if let Source::InPlace(offset) = region.source {
        return Ok((hal.module_frame(program.at + offset + skipped), Owner::Other));
    }
    let frame = hal.frame_take().ok_or(Exhausted)?;
    if let Source::Copy(offset, bytes) = region.source
        && skipped < bytes
    {
        let (from, count) = ((offset + skipped) as usize, (bytes - skipped).min(PAGE) as usize);
        hal.frame_write(frame, 0, program.image.bytes().get(from..from + count).unwrap_or_default());
    }
    Ok((frame, Owner::Space))
}

fn map(hal: &mut impl Hal, space: Space, address: u64, page: Page) -> Result<(), Exhausted> {
    hal.space_map(space, address, page).map_err(|_| {
        if page.owner == Owner::Space {
            hal.frame_return(page.frame);
        }
        Exhausted
    })
}
