//! Memory objects: pages that a realm makes, maps and shares.
//!
//! A Memory's frames are listed in one index frame. It lives while a capability or a mapping refers to it; then
//! every frame returns. Mappings are kept in one table, so that what a realm maps is undone when it goes.
//!
//! Two kinds are for drivers: a Memory of a device's registers, whose frames are no memory, and one whose physical
//! addresses were told. The frames of the latter never return: a device may write to them at any time.

use crate::capability::{Capability, Handle, kind};
use crate::hal::{Frame, Hal, MapError, Owner, Page, Rights};
use crate::kernel::{Kernel, Outcome};
use crate::table::{MAPPINGS, MEMORIES};
use sci::layout::{KERNEL_SLAB_BASE, PAGE, SLAB_IMAGE_SPAN};
use sci::status::Status;
use sci::syscall::memory_kind;

/// Pages of a Memory object: what one step of a call can return.
pub const MEMORY_PAGES_MAX: u32 = 128;
const _: () = assert!(MEMORY_PAGES_MAX as u64 * 8 <= PAGE, "one frame lists them");
/// Pages that one step of a call maps.
pub(crate) const PAGES_A_STEP: u32 = 64;
/// Pages that one step of a call makes: few, because the step in which the quota ends also returns the whole object.
pub(crate) const MADE_A_STEP: u32 = 16;
/// Address above which nothing is mapped for a realm.
const ADDRESS_END: u64 = 1 << 46;
/// Methods of a Memory.
const VIEW: u64 = 1;
const CREATE: u64 = 1 << 1;
const DEVICE: u64 = 1 << 2;
const ADDRESS: u64 = 1 << 3;

/// One Memory object.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The frame that lists its frames; none while it is free.
    pub index: Frame,
    /// Frames it has.
    pub pages: u32,
    /// Capabilities and mappings; 0 while it is free.
    pub references: u32,
    /// What a capability to it must carry.
    pub stamp: u32,
    /// The realm that made it and the stamp of that realm: whose quota its frames are taken from.
    pub maker: (u16, u32),
    /// The first of its frames if these are a device's registers, else 0.
    pub device: Frame,
    /// Whether the address of one of its frames was told.
    pub told: bool,
}

impl Memory {
    /// A free one.
    pub const FREE: Self = Self {
        index: Frame(0),
        pages: 0,
        references: 0,
        stamp: 0,
        maker: (0, 0),
        device: Frame(0),
        told: false,
    };
}

/// One range of a realm's addresses where a Memory is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The realm; 0 while it is free.
    pub realm: u16,
    /// Whether it is a channel's window, which a reset keeps.
    pub window: bool,
    /// Whether the realm may write.
    pub writable: bool,
    /// The Memory.
    pub memory: u32,
    /// First page of the Memory.
    pub first: u32,
    /// Pages.
    pub pages: u32,
    /// Where it begins.
    pub address: u64,
}

impl Mapping {
    /// A free one.
    pub const FREE: Self =
        Self { realm: 0, window: false, writable: false, memory: 0, first: 0, pages: 0, address: 0 };
}

impl Kernel {
    pub(crate) fn mem_create(
        &mut self,
        hal: &mut impl Hal,
        handle: Handle,
        bytes: u64,
        wanted: u64,
    ) -> Outcome {
        let is_device = wanted >= memory_kind::DEVICE;
        let held = match self.held(handle, kind::MEMORY, if is_device { DEVICE } else { CREATE }) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        if is_device {
            return self.device_memory(hal, bytes, wanted);
        }
        if let Some(index) = wanted.checked_sub(memory_kind::LINEAR) {
            return self.append(hal, index, bytes);
        }
        let pages = bytes.div_ceil(PAGE);
        if bytes == 0 || pages > u64::from(MEMORY_PAGES_MAX) {
            return Outcome::refused(Status::Argument);
        }
        let me = self.current;
        let unfinished = self.thread(me).unfinished;
        let object = if unfinished == 0 { self.memory_new(hal) } else { Some(unfinished) };
        let Some(object) = object else {
            return Outcome::refused(Status::Quota);
        };
        self.threads.at_mut(me as usize).unfinished = object;
        let memory = *self.memories.at(object as usize);
        let step = (pages as u32).saturating_sub(memory.pages).min(MADE_A_STEP);
        for page in memory.pages..memory.pages + step {
            let Some(frame) = self.charged_frame(hal, memory.maker) else {
                self.memory_release(hal, object, memory.stamp);
                return Outcome::refused(Status::Quota);
            };
            hal.frame_write(memory.index, u64::from(page) * 8, &frame.0.to_le_bytes());
            self.memories.at_mut(object as usize).pages = page + 1;
        }
        if u64::from(memory.pages + step) < pages {
            return Outcome::Restart;
        }
        let mask = VIEW | CREATE | held.mask & ADDRESS;
        let capability = Capability::new(kind::MEMORY, object, memory.stamp, mask);
        let outcome = self.give_here(capability);
        // The reference that kept it while it was made; the capability holds it now, if there is one.
        self.memory_release(hal, object, memory.stamp);
        outcome
    }

    /// Makes a Memory of a device's registers, which no other has.
    fn device_memory(&mut self, hal: &mut impl Hal, bytes: u64, address: u64) -> Outcome {
        let pages = bytes.div_ceil(PAGE);
        if bytes == 0 || pages > u64::from(MADE_A_STEP) || !address.is_multiple_of(PAGE) {
            return Outcome::refused(Status::Argument);
        }
        let frame_of = |page: u64| Frame(address.saturating_add(page * PAGE));
        if !(0..pages).all(|page| hal.is_device(frame_of(page))) {
            return Outcome::refused(Status::Absent);
        }
        let end = frame_of(pages).0;
        let is_taken = |memory: &Memory| {
            let first = memory.device.0;
            memory.references > 0
                && first != 0
                && first < end
                && address < first + u64::from(memory.pages) * PAGE
        };
        if self.memories.iter().any(|(_, memory)| is_taken(memory)) {
            return Outcome::refused(Status::Busy);
        }
        let Some(object) = self.memory_new(hal) else {
            return Outcome::refused(Status::Quota);
        };
        let memory = self.memories.at_mut(object as usize);
        (memory.device, memory.pages) = (Frame(address), pages as u32);
        let Memory { index, stamp, .. } = *memory;
        for page in 0..pages {
            hal.frame_write(index, page * 8, &frame_of(page).0.to_le_bytes());
        }
        let outcome = self.give_here(Capability::new(kind::MEMORY, object, stamp, VIEW));
        self.memory_release(hal, object, stamp);
        outcome
    }

    /// Tells the physical address behind an offset of a Memory.
    pub(crate) fn memory_address(&mut self, hal: &impl Hal, handle: Handle, offset: u64) -> Outcome {
        let held = match self.held(handle, kind::MEMORY, ADDRESS) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let memory = self.memories.at_mut(held.object as usize);
        if offset / PAGE >= u64::from(memory.pages) || memory.device.0 != 0 {
            return Outcome::refused(Status::Argument);
        }
        memory.told = true;
        let frame = memory_frame(hal, memory, (offset / PAGE) as u32);
        Outcome::Answer(Status::Ok, frame.0 + offset % PAGE)
    }

    /// A Memory without pages, with one reference.
    fn memory_new(&mut self, hal: &mut impl Hal) -> Option<u32> {
        let object = (1..MEMORIES).find(|&index| self.memories.at(index).references == 0)?;
        let maker = (self.current, self.realms.at(self.current as usize).stamp);
        let index = hal.frame_take()?;
        let place = self.memories.at_mut(object);
        *place = Memory { index, references: 1, stamp: place.stamp, maker, ..Memory::FREE };
        Some(object as u32)
    }

    /// A frame out of a realm's quota.
    pub(crate) fn charged_frame(&mut self, hal: &mut impl Hal, (realm, _): (u16, u32)) -> Option<Frame> {
        let left = self.realms.at(realm as usize).memory_left.checked_sub(1)?;
        let frame = hal.frame_take()?;
        self.realms.at_mut(realm as usize).memory_left = left;
        Some(frame)
    }

    /// Takes a reference from a Memory and returns its frames with the last one.
    pub(crate) fn memory_release(&mut self, hal: &mut impl Hal, object: u32, stamp: u32) {
        let place = self.memories.at_mut(object as usize);
        if object == 0 || place.stamp != stamp || place.references == 0 {
            return;
        }
        place.references -= 1;
        if place.references > 0 {
            return;
        }
        let memory = *place;
        *place = Memory { stamp: memory.stamp.wrapping_add(1), ..Memory::FREE };
        let is_here_for_good = memory.told || memory.device.0 != 0;
        for page in (0..memory.pages).take_while(|_| !is_here_for_good) {
            let frame = memory_frame(hal, &memory, page);
            hal.frame_return(frame);
        }
        hal.frame_return(memory.index);
        if is_here_for_good {
            return;
        }
        let (maker, stamp) = memory.maker;
        let maker = self.realms.at_mut(maker as usize);
        if maker.stamp == stamp {
            maker.memory_left = maker.memory_left.saturating_add(memory.pages);
        }
    }

    pub(crate) fn mem_map(&mut self, hal: &mut impl Hal, arguments: [u64; 5]) -> Outcome {
        let [realm, memory, offset, bytes_and_rights, address] = arguments;
        let (realm, memory) = match (self.realm_argument(realm, 0), self.held(memory, kind::MEMORY, VIEW)) {
            (Ok(realm), Ok(memory)) => (realm, memory),
            (Err(outcome), _) | (_, Err(outcome)) => return outcome,
        };
        let (bytes, rights) = (bytes_and_rights & !(PAGE - 1), bytes_and_rights & (PAGE - 1));
        let pages = u64::from(self.memories.at(memory.object as usize).pages);
        let fits = offset.is_multiple_of(PAGE)
            && bytes != 0
            && offset / PAGE < pages
            && bytes / PAGE <= pages - offset / PAGE;
        if !fits || rights > 1 || bytes / PAGE > u64::from(PAGES_A_STEP) {
            return Outcome::refused(Status::Argument);
        }
        if !is_mappable(address, bytes) || !self.realms.at(realm as usize).state.is_alive() {
            return Outcome::refused(Status::Argument);
        }
        let mapping = Mapping {
            realm,
            window: false,
            writable: rights & 1 != 0,
            memory: memory.object,
            first: (offset / PAGE) as u32,
            pages: (bytes / PAGE) as u32,
            address,
        };
        match self.map_memory(hal, mapping) {
            Ok(()) => Outcome::OK,
            Err(status) => Outcome::refused(status),
        }
    }

    pub(crate) fn mem_unmap(
        &mut self,
        hal: &mut impl Hal,
        realm: Handle,
        address: u64,
        bytes: u64,
    ) -> Outcome {
        let realm = match self.realm_argument(realm, 0) {
            Ok(realm) => realm,
            Err(outcome) => return outcome,
        };
        let found = self.mappings.iter().find(|(_, mapping)| {
            mapping.realm == realm
                && !mapping.window
                && mapping.address == address
                && u64::from(mapping.pages) * PAGE == bytes
        });
        let Some(index) = found.map(|(index, _)| index) else {
            return Outcome::refused(Status::Absent);
        };
        self.unmap_memory(hal, index);
        Outcome::OK
    }

    /// Maps pages of a Memory and keeps the mapping.
    pub(crate) fn map_memory(&mut self, hal: &mut impl Hal, mapping: Mapping) -> Result<(), Status> {
        let slot = (0..MAPPINGS).find(|&index| self.mappings.at(index).realm == 0).ok_or(Status::Quota)?;
        self.map_pages(hal, &mapping)?;
        *self.mappings.at_mut(slot) = mapping;
        self.memories.at_mut(mapping.memory as usize).references += 1;
        Ok(())
    }

    /// Puts a mapping's pages into its realm's space, all or none.
    pub(crate) fn map_pages(&mut self, hal: &mut impl Hal, mapping: &Mapping) -> Result<(), Status> {
        let space = self.realms.at(mapping.realm as usize).space;
        let memory = *self.memories.at(mapping.memory as usize);
        let rights = match mapping.writable {
            _ if memory.device.0 != 0 => Rights::Registers,
            true => Rights::Write,
            false => Rights::Read,
        };
        for page in 0..mapping.pages {
            let frame = memory_frame(hal, &memory, mapping.first + page);
            let place = mapping.address + u64::from(page) * PAGE;
            if let Err(error) = hal.space_map(space, place, Page { frame, rights, owner: Owner::Other }) {
                for undone in 0..page {
                    hal.space_unmap(space, mapping.address + u64::from(undone) * PAGE);
                }
                return Err(match error {
                    MapError::Exhausted => Status::Quota,
                    MapError::Occupied => Status::Busy,
                });
            }
        }
        Ok(())
    }

    /// Undoes a mapping.
    pub(crate) fn unmap_memory(&mut self, hal: &mut impl Hal, index: usize) {
        let mapping = core::mem::replace(self.mappings.at_mut(index), Mapping::FREE);
        let space = self.realms.at(mapping.realm as usize).space;
        if space.0 != 0 {
            for page in 0..mapping.pages {
                hal.space_unmap(space, mapping.address + u64::from(page) * PAGE);
            }
        }
        let stamp = self.memories.at(mapping.memory as usize).stamp;
        self.memory_release(hal, mapping.memory, stamp);
    }
}

/// Whether a range lies beyond a realm's image: what `mem_map` may use.
fn is_mappable(address: u64, bytes: u64) -> bool {
    address.is_multiple_of(PAGE)
        && address >= KERNEL_SLAB_BASE + SLAB_IMAGE_SPAN
        && address.checked_add(bytes).is_some_and(|end| end <= ADDRESS_END)
}

/// The frame of a Memory's page.
fn memory_frame(hal: &impl Hal, memory: &Memory, page: u32) -> Frame {
    let mut bytes = [0; 8];
    hal.frame_read(memory.index, u64::from(page) * 8, &mut bytes);
    Frame(u64::from_le_bytes(bytes))
}
