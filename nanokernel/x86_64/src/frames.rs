//! Physical pages: a stack of freed ones above a cursor over never-used memory.
//!
//! A freed page is zeroed at once and links to the one freed before it; a never-used one is zeroed when it is
//! first given out. The last one freed is the first given out.

use crate::boot_information::{BootInformation, Range};
use crate::paging::{kernel_range, read_physical, write_physical, zero_page};
use nanokernel_core::{Exit, Frame};
use sci::layout::PAGE;

/// Ranges of never-used memory.
const RANGES_MAX: usize = 24;
/// The first MiB belongs to firmware.
const FIRST: u64 = 0x10_0000;

/// The allocator.
pub struct Frames {
    ranges: [Range; RANGES_MAX],
    count: usize,
    freed: u64,
    free: u64,
    total: u64,
}

impl Frames {
    /// Without memory.
    pub const fn new() -> Self {
        Self { ranges: [Range { start: 0, end: 0 }; RANGES_MAX], count: 0, freed: 0, free: 0, total: 0 }
    }

    /// Takes the usable memory that neither firmware, kernel nor module occupies.
    pub fn start(&mut self, found: &BootInformation) -> Result<(), Exit> {
        let mut taken = [Range { start: 0, end: FIRST }, kernel_range(), found.module];
        taken.sort_unstable_by_key(|range| range.start);
        for usable in found.usable {
            let mut start = usable.start;
            for taken in taken {
                if taken.start < usable.end && taken.end > start {
                    self.add(start, taken.start);
                    start = taken.end;
                }
            }
            self.add(start, usable.end);
        }
        self.total = self.free;
        if self.free == 0 { Err(Exit::MemoryMap) } else { Ok(()) }
    }

    fn add(&mut self, start: u64, end: u64) {
        let (start, end) = (start.next_multiple_of(PAGE), end & !(PAGE - 1));
        if start < end
            && let Some(place) = self.ranges.get_mut(self.count)
        {
            *place = Range { start, end };
            self.count += 1;
            self.free += (end - start) / PAGE;
        }
    }

    /// From now on this many frames are all there are: the kernel's own are taken.
    pub fn settle(&mut self) {
        self.total = self.free;
    }

    /// Takes a zeroed frame.
    pub fn take(&mut self) -> Option<Frame> {
        if self.freed != 0 {
            let frame = self.freed;
            self.freed = read_physical(frame);
            write_physical(frame, 0);
            self.free -= 1;
            return Some(Frame(frame));
        }
        loop {
            let range = self.ranges.get_mut(self.count.checked_sub(1)?)?;
            if range.start < range.end {
                let frame = range.start;
                range.start += PAGE;
                self.free -= 1;
                zero_page(frame);
                return Some(Frame(frame));
            }
            self.count -= 1;
        }
    }

    /// Takes a frame back.
    pub fn put(&mut self, frame: Frame) {
        assert!(frame.0.is_multiple_of(PAGE) && frame.0 >= FIRST, "only what was taken comes back");
        zero_page(frame.0);
        write_physical(frame.0, self.freed);
        self.freed = frame.0;
        self.free += 1;
        assert!(self.free <= self.total, "no frame comes back twice");
    }

    /// Frames that can be taken.
    pub const fn free(&self) -> u64 {
        self.free
    }

    /// Frames that there are.
    pub const fn total(&self) -> u64 {
        self.total
    }
}
