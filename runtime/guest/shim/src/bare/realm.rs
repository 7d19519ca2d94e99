//! The guest's realm: its memory, and its ends.

use core::ptr::{copy_nonoverlapping, with_exposed_provenance, with_exposed_provenance_mut};
use core::slice;
use sci::guest::WAYS_IN;
use sci::layout::{INSTANCE_PAGE, LINKAGE, instance};
use sci::status::Fault;
use sci::syscall::thread_operation;
use services_zrun::GuestMemory;
use space_guest::abi::method;

/// A realm, by its slab's base.
#[derive(Clone, Copy)]
pub(super) struct Realm(u64);

impl Realm {
    /// The realm whose start page this is.
    pub fn of(page: &'static space_guest::StartPage) -> Self {
        Self(page.slab_base())
    }

    /// The address of a slab offset.
    pub fn address(self, offset: u64) -> u64 {
        self.0 + offset
    }

    /// A word of the instance block, which the kernel changes when memory grows.
    fn word(self, at: u64) -> u64 {
        let word = with_exposed_provenance::<u64>((self.0 + INSTANCE_PAGE + at) as usize);
        // SAFETY: the kernel maps the block, one page, for as long as the realm runs.
        unsafe { word.read_volatile() }
    }

    /// The address of a way in, 0 where the guest has none.
    pub fn way_in(self, name: &str) -> u64 {
        let index = WAYS_IN.iter().position(|way| *way == name);
        index.map_or(0, |index| self.word(instance::WAYS_IN + 8 * index as u64))
    }

    /// A linear memory as it is now.
    pub fn memory(self, index: u32) -> Lent {
        let entry = instance::MEMORIES + instance::MEMORY_BYTES * u64::from(index);
        let base = self.word(entry + instance::MEMORY_BASE);
        Lent { base, bytes: self.word(entry + instance::MEMORY_LENGTH) }
    }

    /// The guest's linkage table.
    pub fn linkage(self) -> &'static [u8] {
        let (place, bytes) = (self.0 + LINKAGE, self.word(instance::LINKAGE_BYTES));
        // SAFETY: the kernel maps so many bytes there, read-only, for as long as the realm runs.
        unsafe { slice::from_raw_parts(with_exposed_provenance(place as usize), bytes as usize) }
    }

    /// Writes a word of the guest's state.
    pub fn set(self, offset: u64, word: u64) {
        let place = with_exposed_provenance_mut::<u64>((self.0 + offset) as usize);
        // SAFETY: the linkage table of the admitted image says that a word of its state lies there; nothing of Rust's
        // does, since the library's own memory lies in another slab.
        unsafe { place.write_unaligned(word) }
    }

    /// Reads a 32-bit word of the guest's state.
    pub fn get(self, offset: u64) -> u32 {
        let place = with_exposed_provenance::<u32>((self.0 + offset) as usize);
        // SAFETY: as for `set`.
        unsafe { place.read_unaligned() }
    }
}

/// A linear memory, lent for one call.
pub(super) struct Lent {
    base: u64,
    bytes: u64,
}

impl Lent {
    /// A memory of no bytes.
    pub const NONE: Self = Self { base: 0, bytes: 0 };

    fn place(&self, at: u64, length: usize) -> Option<usize> {
        let end = at.checked_add(length as u64)?;
        (end <= self.bytes).then(|| (self.base + at) as usize)
    }
}

impl GuestMemory for Lent {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Option<()> {
        let place = self.place(at, into.len())?;
        // SAFETY: the range lies in the linear memory, which is mapped, never shrinks, and holds nothing of Rust's; the
        // guest does not run meanwhile.
        unsafe { copy_nonoverlapping(with_exposed_provenance(place), into.as_mut_ptr(), into.len()) };
        Some(())
    }

    fn write(&mut self, at: u64, from: &[u8]) -> Option<()> {
        let place = self.place(at, from.len())?;
        // SAFETY: as for `read`.
        unsafe { copy_nonoverlapping(from.as_ptr(), with_exposed_provenance_mut(place), from.len()) };
        Some(())
    }
}

/// Ends the realm with a status.
pub(super) fn exit(status: i32) -> ! {
    space_guest::exit(status.cast_unsigned().into())
}

/// Stops the realm with a fault.
pub(super) fn fault(fault: Fault, address: u64) -> ! {
    method::thread_control(0, thread_operation::FAULT, fault.number(), address);
    // The call does not come back.
    exit(-1)
}
