//! Physical memory: a memory file, whose pages the realms' processes map.
//!
//! The file begins with the boot module; the gate page and the info page follow, then what can be taken.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use nanokernel_core::Frame;
use nix::sys::memfd::{MFdFlags, memfd_create};
use sci::layout::{KERNEL_ABI_VERSION, PAGE, info};

const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];

/// The pages, and which of them are free.
#[derive(Debug)]
pub struct Memory {
    file: File,
    gate: u64,
    /// The first page that was never taken.
    fresh: u64,
    limit: u64,
    returned: Vec<u64>,
}

impl Memory {
    /// So many bytes beside the module, rounded up to pages. The clock's first reading and rate are for the info page.
    pub fn new(module: &[u8], bytes: u64, clock: (u64, u64)) -> io::Result<Self> {
        let file = File::from(memfd_create(c"machine", MFdFlags::MFD_CLOEXEC)?);
        let gate = (module.len() as u64).next_multiple_of(PAGE);
        let fresh = gate + 2 * PAGE;
        let limit = fresh + bytes.next_multiple_of(PAGE);
        file.set_len(limit)?;
        file.write_all_at(module, 0)?;
        file.write_all_at(&sci::gate::PAGE_BYTES, gate)?;
        let (boot, hz) = clock;
        let facts =
            [(info::TSC_HZ, hz), (info::TSC_BOOT, boot), (info::ABI_VERSION, u64::from(KERNEL_ABI_VERSION))];
        for (offset, value) in facts {
            file.write_all_at(&value.to_le_bytes(), gate + PAGE + offset)?;
        }
        Ok(Self { file, gate, fresh, limit, returned: Vec::new() })
    }

    /// The file; offsets in it are frames' numbers.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The gate page.
    pub fn gate(&self) -> Frame {
        Frame(self.gate)
    }

    /// The info page.
    pub fn info(&self) -> Frame {
        Frame(self.gate + PAGE)
    }

    /// A page of zeros: the one returned last, or one that was never taken.
    pub fn take(&mut self) -> Option<Frame> {
        if let Some(frame) = self.returned.pop() {
            return Some(Frame(frame));
        }
        let frame = self.fresh;
        (frame < self.limit).then(|| {
            self.fresh += PAGE;
            Frame(frame)
        })
    }

    /// Takes a page back. One that cannot be cleared, because the host has no memory, is not used again.
    pub fn put(&mut self, frame: Frame) {
        if self.file.write_all_at(&ZEROS, frame.0).is_ok() {
            self.returned.push(frame.0);
        }
    }

    /// Pages that can be taken.
    pub fn free(&self) -> u64 {
        (self.limit - self.fresh) / PAGE + self.returned.len() as u64
    }

    /// Pages that could be taken at first.
    pub fn total(&self) -> u64 {
        (self.limit - self.info().0) / PAGE - 1
    }

    /// Writes within a page; whether the host had memory for it.
    pub fn write(&self, frame: Frame, offset: u64, bytes: &[u8]) -> bool {
        self.file.write_all_at(bytes, frame.0 + offset).is_ok()
    }

    /// Reads within a page.
    pub fn read(&self, frame: Frame, offset: u64, into: &mut [u8]) -> bool {
        self.file.read_exact_at(into, frame.0 + offset).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_back_cleared_and_last_in_first_out() {
        let mut memory = Memory::new(&[7; 5000], 3 * PAGE, (1, 2)).unwrap();
        assert_eq!((memory.free(), memory.total()), (3, 3));
        let frames = [0; 3].map(|_| memory.take().unwrap());
        assert_eq!((memory.take(), memory.free()), (None, 0));
        assert!(memory.write(frames[1], 8, &[1, 2, 3]));
        memory.put(frames[1]);
        assert_eq!(memory.take(), Some(frames[1]));
        let mut bytes = [9; 16];
        assert!(memory.read(frames[1], 0, &mut bytes));
        assert_eq!(bytes, [0; 16]);
    }

    #[test]
    fn the_module_the_gate_and_the_clock_are_there() {
        let memory = Memory::new(&[7; 5000], PAGE, (11, 12)).unwrap();
        let word = |frame, offset| {
            let mut bytes = [0; 8];
            assert!(memory.read(frame, offset, &mut bytes));
            u64::from_le_bytes(bytes)
        };
        assert_eq!(word(Frame(4096), 0).to_le_bytes(), [7; 8]);
        assert_eq!(word(memory.gate(), 0).to_le_bytes(), sci::gate::PAGE_BYTES[..8]);
        assert_eq!((word(memory.info(), info::TSC_HZ), word(memory.info(), info::TSC_BOOT)), (12, 11));
    }
}
