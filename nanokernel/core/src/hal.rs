//! What the portable kernel asks of a machine.
//!
//! [`Hal`] has two implementations: the x86-64 machine and the model that the tests drive. It holds no policy:
//! who owns a page, who may call whom and what a fault means is decided on this side of the trait.

use crate::exit::Exit;

/// A page of physical memory, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Frame(pub u64);

/// An address space, by whatever names it to the machine; 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Space(pub u64);

/// What ring 3 may do with a page. No variant is both writable and executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read only.
    Read,
    /// Read and write.
    Write,
    /// Read and execute.
    Execute,
    /// Read and write a device's registers: nothing is kept in a cache, and no call reads or writes them.
    Registers,
}

/// Who returns the frame when the space goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The space: the frame was taken for this mapping.
    Space,
    /// Somebody else: a Memory object, the boot module, the kernel.
    Other,
}

/// One page to map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The physical page.
    pub frame: Frame,
    /// What ring 3 may do with it.
    pub rights: Rights,
    /// Who returns it.
    pub owner: Owner,
}

/// Why a page could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// No frame was left for a page table.
    Exhausted,
    /// Something is mapped there.
    Occupied,
}

/// A port access's width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte.
    Byte,
    /// Two bytes.
    Word,
    /// Four bytes.
    Long,
}

impl Width {
    /// The width in bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Long => 4,
        }
    }
}

/// The machine below the kernel.
pub trait Hal {
    /// Takes a zeroed frame: the last one returned, or a never-used one.
    fn frame_take(&mut self) -> Option<Frame>;
    /// Takes a frame back and zeroes it.
    fn frame_return(&mut self, frame: Frame);
    /// Frames that can be taken now.
    fn frames_free(&self) -> u64;
    /// Frames that could be taken after boot.
    fn frames_total(&self) -> u64;
    /// Writes within one frame; `offset + bytes.len()` is at most a page.
    fn frame_write(&mut self, frame: Frame, offset: u64, bytes: &[u8]);
    /// Reads within one frame; `offset + into.len()` is at most a page.
    fn frame_read(&self, frame: Frame, offset: u64, into: &mut [u8]);
    /// The frame that holds a page-aligned offset of the boot module.
    fn module_frame(&self, offset: u64) -> Frame;
    /// Whether a page holds registers of a device that a component may drive: no memory, no interrupt controller.
    fn is_device(&self, frame: Frame) -> bool;
    /// The gate page.
    fn gate_frame(&self) -> Frame;
    /// The info page.
    fn info_frame(&self) -> Frame;

    /// Makes an address space that holds nothing but the kernel.
    fn space_create(&mut self) -> Option<Space>;
    /// Maps one page at a page-aligned address of the lower half.
    fn space_map(&mut self, space: Space, address: u64, page: Page) -> Result<(), MapError>;
    /// Removes a mapping and answers its frame, which is nobody's concern here.
    fn space_unmap(&mut self, space: Space, address: u64) -> Option<Frame>;
    /// Writes into a space whatever its pages' rights are; false where nothing is mapped.
    fn space_write(&mut self, space: Space, address: u64, bytes: &[u8]) -> bool;
    /// Reads what ring 3 could read; false, with part of `into` written, where it could not.
    fn user_read(&self, space: Space, address: u64, into: &mut [u8]) -> bool;
    /// Writes what ring 3 could write; false, with part of it written, where it could not.
    fn user_write(&mut self, space: Space, address: u64, bytes: &[u8]) -> bool;
    /// Returns up to `frames` of a space's frames, page tables included; true when the space is gone.
    fn space_release(&mut self, space: Space, frames: u32) -> bool;

    /// The time-stamp counter.
    fn now(&self) -> u64;
    /// Whether the last byte that went to the early console's device, from whomever, left a line unfinished.
    fn console_in_line(&self) -> bool;
    /// Sends one byte to the early console.
    fn console(&mut self, byte: u8);
    /// Reads an I/O port.
    fn port_read(&mut self, port: u16, width: Width) -> u32;
    /// Writes an I/O port.
    fn port_write(&mut self, port: u16, width: Width, value: u32);
    /// Unmasks an interrupt line; false where the machine has none of that number.
    fn line_unmask(&mut self, line: u16) -> bool;
    /// Masks an interrupt line.
    fn line_mask(&mut self, line: u16);
    /// Ends the run. Returns in the model only.
    fn stop(&mut self, exit: Exit);
}
