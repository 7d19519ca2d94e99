//! The address space of one instance.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use sci::layout::{INSTANCE_PAGE, LINEAR_MEMORY, PAGE, SLAB_IMAGE_SPAN, STACK_TOP, instance};

use super::mapping::{Access, MapError, Mapping};
use super::pool::Pool;
use super::program::{Program, WASM_PAGE};

/// Up to here a reset copies; beyond, dropping pages is cheaper.
const COPY_MAX: u64 = 64 << 10;
/// Below the stack's first page, which every guest uses, so much shows whether one went further: two frames that are
/// not probed are less than a page apart, and a probe and a return address are not zero.
const STACK_TELLS: u64 = 2 * PAGE;
/// So many resets at most leave a stack that looks unused: a guest may have cleared what would tell.
const STACK_LEFT_MAX: u32 = 64;

/// Why a memory did not grow.
#[derive(Debug, thiserror::Error)]
pub enum GrowError {
    /// Beyond its maximum, or there is no memory.
    #[error("beyond the memory's maximum")]
    BeyondMaximum,
    /// Not a multiple of 64 KiB, or less than it has.
    #[error("not a whole number of pages more")]
    NotPages,
    /// The kernel refused.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// A range that the instance does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes at {offset:#x} are not the instance's")]
pub struct OutOfBounds {
    offset: u64,
    bytes: u64,
}

impl OutOfBounds {
    pub(super) fn new(offset: u64, bytes: u64) -> Self {
        Self { offset, bytes }
    }
}

/// The address space of one instance: text, data, stack and linear memory 0 at fixed distances.
///
/// Offsets count from its base, see [`sci::layout`]. It moves between threads, but is one thread's at a time.
#[derive(Debug)]
pub struct Slab {
    program: Arc<Program>,
    /// From text on.
    mapping: Mapping,
    /// Kept because every call needs it.
    base: u64,
    memory_bytes: Cell<u64>,
    /// Resets that left the stack below its first page as it was, since the last that did not.
    stack_left: u32,
    /// Where it goes when nobody needs it any more.
    home: Option<Arc<Pool>>,
}

impl Drop for Slab {
    fn drop(&mut self) {
        let Some(home) = self.home.take() else { return };
        let program = Arc::clone(&self.program);
        let (mapping, memory_bytes) = (self.mapping.take(), self.memory_bytes.clone());
        let (base, stack_left) = (self.base, self.stack_left);
        // One that cannot be reset is unmapped.
        let _ = home.put(Self { program, mapping, base, memory_bytes, stack_left, home: None });
    }
}

impl Slab {
    /// Maps a fresh one.
    pub fn new(program: &Arc<Program>) -> Result<Self, MapError> {
        let layout = program.layout();
        let mapping = Mapping::reserve(layout.limit() - layout.shared.start)?;
        program.map(&mapping, layout.shared.clone(), Access::ReadExecute)?;
        program.map(&mapping, layout.data.clone(), Access::ReadWrite)?;
        program.map(&mapping, layout.stack.start..layout.file_limit(), Access::ReadWrite)?;
        let base = mapping.start() - layout.shared.start;
        let program = Arc::clone(program);
        let memory_bytes = Cell::new(0);
        let slab = Self { program, mapping, base, memory_bytes, stack_left: 0, home: None };
        if let Some(memory) = slab.program.layout().memory {
            if memory.initial > memory.content {
                slab.protect(
                    LINEAR_MEMORY + memory.content..LINEAR_MEMORY + memory.initial,
                    Access::ReadWrite,
                )?;
            }
            slab.set_memory_bytes(memory.initial);
        }
        Ok(slab)
    }

    /// Goes to a pool when it is dropped; to none, it is unmapped.
    pub(super) fn set_home(&mut self, home: Option<Arc<Pool>>) {
        self.home = home;
    }

    /// What it is an instance of.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Address from which offsets count. Nothing below text is the slab's.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Bytes of linear memory 0.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes.get()
    }

    /// Makes linear memory 0 larger; it never moves.
    pub fn grow_memory(&self, bytes: u64) -> Result<(), GrowError> {
        let maximum = self.program.layout().memory.map(|memory| memory.maximum);
        if maximum.is_none_or(|maximum| bytes > maximum) {
            return Err(GrowError::BeyondMaximum);
        }
        if bytes < self.memory_bytes() || !bytes.is_multiple_of(WASM_PAGE) {
            return Err(GrowError::NotPages);
        }
        if bytes > self.memory_bytes() {
            self.protect(LINEAR_MEMORY + self.memory_bytes()..LINEAR_MEMORY + bytes, Access::ReadWrite)?;
            self.set_memory_bytes(bytes);
        }
        Ok(())
    }

    /// Copies from the instance.
    pub fn read(&self, offset: u64, content: &mut [u8]) -> Result<(), OutOfBounds> {
        let layout = self.program.layout();
        let at = self.inside(offset, content.len() as u64, std::slice::from_ref(&layout.shared))?;
        // SAFETY: `inside` checked that the range is mapped; the instance is this thread's.
        unsafe { self.mapping.read(at, content) };
        Ok(())
    }

    /// Copies to the instance: data, stack, instance block, start page, linear memory 0.
    pub fn write(&self, offset: u64, content: &[u8]) -> Result<(), OutOfBounds> {
        let at = self.inside(offset, content.len() as u64, &[])?;
        // SAFETY: as in `read`, and the range is writable.
        unsafe { self.mapping.write(at, content) };
        Ok(())
    }

    /// Makes everything as it was when the slab was new, but for stack that no code reads before it writes it.
    ///
    /// Pages that are touched every time are copied, which is cheaper than faulting them in again.
    pub fn reset(&mut self) -> Result<(), MapError> {
        let layout = self.program.layout();
        let top = STACK_TOP - PAGE;
        // SAFETY: the stack is writable, empty in the image, and this thread's.
        unsafe { self.mapping.clear(self.at(top), PAGE) };
        self.copy(INSTANCE_PAGE..SLAB_IMAGE_SPAN);
        let stack = layout.stack.start..top;
        self.stack_left += 1;
        if self.stack_left > STACK_LEFT_MAX
            || self.has_content(top.saturating_sub(STACK_TELLS).max(stack.start)..top)
        {
            self.discard(stack)?;
            self.stack_left = 0;
        }
        let data = layout.data.clone();
        let copied = data.end.min(data.start + COPY_MAX);
        self.copy(data.start..copied);
        self.discard(copied..data.end)?;
        if let Some(memory) = layout.memory {
            let (bytes, start) = (self.memory_bytes(), LINEAR_MEMORY);
            // The gap below the memory is mapped with it, but nothing writes there: indices are not negative.
            let copied = memory.content.min(COPY_MAX);
            self.copy(start..start + copied);
            let cleared = memory.initial.min(COPY_MAX);
            if copied < cleared {
                // SAFETY: the range is part of the memory, which is writable and this thread's.
                unsafe { self.mapping.clear(self.at(start + copied), cleared - copied) };
            }
            self.discard(start + cleared..start + bytes)?;
            if bytes > memory.initial {
                self.protect(start + memory.initial..start + bytes, Access::None)?;
            }
            self.set_memory_bytes(memory.initial);
        }
        Ok(())
    }

    /// Copies writable pages from the image.
    fn copy(&self, range: Range<u64>) {
        if !range.is_empty() {
            let at = self.at(range.start);
            // SAFETY: the caller names writable pages that come from the file, and the slab is this thread's.
            unsafe { self.mapping.copy(at, self.program.pristine(), at, range.end - range.start) }
        }
    }

    /// Whether a part of the stack holds something.
    fn has_content(&self, range: Range<u64>) -> bool {
        // SAFETY: the stack is readable, and the slab is this thread's.
        !unsafe { self.mapping.is_zero(self.at(range.start), range.end - range.start) }
    }

    fn discard(&self, range: Range<u64>) -> Result<(), MapError> {
        if range.is_empty() {
            return Ok(());
        }
        self.mapping.discard(self.at(range.start), range.end - range.start)
    }

    fn protect(&self, range: Range<u64>, access: Access) -> Result<(), MapError> {
        self.mapping.protect(self.at(range.start), range.end - range.start, access)
    }

    /// Where an offset lies in the mapping.
    fn at(&self, offset: u64) -> u64 {
        offset - self.program.layout().shared.start
    }

    /// Where a range lies in the mapping, if it is writable or in `also`.
    fn inside(&self, offset: u64, bytes: u64, also: &[Range<u64>]) -> Result<u64, OutOfBounds> {
        let layout = self.program.layout();
        let writable = [
            layout.data.clone(),
            layout.stack.start..STACK_TOP,
            INSTANCE_PAGE..SLAB_IMAGE_SPAN,
            LINEAR_MEMORY..LINEAR_MEMORY + self.memory_bytes(),
        ];
        let end = offset.checked_add(bytes);
        let is_inside = end.is_some_and(|end| {
            writable.iter().chain(also).any(|range| offset >= range.start && end <= range.end)
        });
        if is_inside { Ok(self.at(offset)) } else { Err(OutOfBounds::new(offset, bytes)) }
    }

    /// Notes the size, for the guest too: its instance block tells it.
    fn set_memory_bytes(&self, bytes: u64) {
        self.memory_bytes.set(bytes);
        let maximum = self.program.layout().memory.map_or(0, |memory| memory.maximum);
        let words = [self.base() + LINEAR_MEMORY, bytes, maximum];
        let mut entry = [0; 24];
        for (bytes, word) in entry.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        // SAFETY: the instance page is writable in every slab, and the slab is this thread's.
        unsafe { self.mapping.write(self.at(INSTANCE_PAGE + instance::MEMORIES), &entry) };
    }
}
