//! Linear memories beyond the first.

use std::cell::Cell;

use super::mapping::{Access, MapError, Mapping};
use super::program::{INDEX_SPACE, MEMORY_SPAN, WASM_PAGE};
use super::slab::{GrowError, OutOfBounds};

/// A linear memory somewhere: index space and guard are reserved, so that no access of a guest leaves it.
#[derive(Debug)]
pub struct Reservation {
    mapping: Mapping,
    initial: u64,
    maximum: u64,
    bytes: Cell<u64>,
}

impl Reservation {
    /// Reserves a memory of `initial` zero bytes that may grow to `maximum`, both multiples of 64 KiB.
    pub fn new(initial: u64, maximum: u64) -> Result<Self, GrowError> {
        if maximum > INDEX_SPACE || initial > maximum {
            return Err(GrowError::BeyondMaximum);
        }
        let mapping = Mapping::reserve(MEMORY_SPAN)?;
        let memory = Self { mapping, initial, maximum, bytes: Cell::new(0) };
        memory.grow(initial)?;
        Ok(memory)
    }

    /// Address of byte 0.
    pub fn base(&self) -> u64 {
        self.mapping.start()
    }

    /// Bytes that it has.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Makes it larger; it never moves.
    pub fn grow(&self, bytes: u64) -> Result<(), GrowError> {
        if bytes > self.maximum {
            return Err(GrowError::BeyondMaximum);
        }
        if bytes < self.bytes() || !bytes.is_multiple_of(WASM_PAGE) {
            return Err(GrowError::NotPages);
        }
        if bytes > self.bytes() {
            self.mapping.protect(self.bytes(), bytes - self.bytes(), Access::ReadWrite)?;
            self.bytes.set(bytes);
        }
        Ok(())
    }

    /// Makes it zero and of initial size again; the caller copies its content anew.
    pub fn reset(&mut self) -> Result<(), MapError> {
        if self.bytes() > 0 {
            self.mapping.discard(0, self.bytes())?;
        }
        if self.bytes() > self.initial {
            self.mapping.protect(self.initial, self.bytes() - self.initial, Access::None)?;
        }
        self.bytes.set(self.initial);
        Ok(())
    }

    /// Copies from it.
    pub fn read(&self, offset: u64, content: &mut [u8]) -> Result<(), OutOfBounds> {
        self.check(offset, content.len() as u64)?;
        // SAFETY: the range is inside what has been made accessible, and the memory is this thread's.
        unsafe { self.mapping.read(offset, content) };
        Ok(())
    }

    /// Copies to it.
    pub fn write(&self, offset: u64, content: &[u8]) -> Result<(), OutOfBounds> {
        self.check(offset, content.len() as u64)?;
        // SAFETY: as in `read`.
        unsafe { self.mapping.write(offset, content) };
        Ok(())
    }

    fn check(&self, offset: u64, bytes: u64) -> Result<(), OutOfBounds> {
        let is_inside = offset.checked_add(bytes).is_some_and(|end| end <= self.bytes());
        if is_inside { Ok(()) } else { Err(OutOfBounds::new(offset, bytes)) }
    }
}
