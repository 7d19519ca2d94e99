//! The allocator: first fit over one block of the component's own memory, neighbours joined when they are freed.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::{self, null_mut};

/// What is free is a list by address; each part begins with its size and the next part.
#[repr(C, align(16))]
struct Part {
    bytes: usize,
    next: *mut Part,
}

/// Sizes and addresses are multiples of this, so that what is left over holds a [`Part`].
const UNIT: usize = size_of::<Part>();

/// A heap of so many bytes, which lie in the image's zeroed state.
#[repr(C, align(16))]
pub struct Heap<const BYTES: usize> {
    memory: UnsafeCell<[MaybeUninit<u8>; BYTES]>,
    free: UnsafeCell<*mut Part>,
    begun: UnsafeCell<bool>,
}

// SAFETY: a component has one thread, and nothing allocates where it is interrupted.
unsafe impl<const BYTES: usize> Sync for Heap<BYTES> {}

impl<const BYTES: usize> Default for Heap<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize> Heap<BYTES> {
    /// All of it is free.
    pub const fn new() -> Self {
        const { assert!(BYTES.is_multiple_of(UNIT), "a heap is a multiple of 16 bytes") };
        Self {
            memory: UnsafeCell::new([const { MaybeUninit::uninit() }; BYTES]),
            free: UnsafeCell::new(null_mut()),
            begun: UnsafeCell::new(false),
        }
    }

    /// The list's head, after the first use has made the whole heap one part.
    fn head(&self) -> *mut *mut Part {
        let first = self.memory.get().cast::<Part>();
        // SAFETY: one thread, and no reference into the cells is held anywhere.
        unsafe {
            if !*self.begun.get() && BYTES >= UNIT {
                *self.begun.get() = true;
                first.write(Part { bytes: BYTES, next: null_mut() });
                *self.free.get() = first;
            }
        }
        self.free.get()
    }
}

/// Bytes that an allocation takes.
fn taken(layout: Layout) -> Option<usize> {
    layout.size().max(1).checked_next_multiple_of(UNIT)
}

// SAFETY: parts of the list never overlap and lie in the heap; what is handed out has left the list.
unsafe impl<const BYTES: usize> GlobalAlloc for Heap<BYTES> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(bytes) = taken(layout) else { return null_mut() };
        let mut link = self.head();
        // SAFETY: links lead to parts of the list, which this thread alone changes.
        unsafe {
            while !(*link).is_null() {
                let part = *link;
                let before = part.cast::<u8>().align_offset(layout.align());
                if let Some(needed) = before.checked_add(bytes)
                    && needed <= (*part).bytes
                {
                    let (whole, next) = ((*part).bytes, (*part).next);
                    let place = part.cast::<u8>().add(before);
                    let mut rest = next;
                    if needed < whole {
                        rest = place.add(bytes).cast();
                        rest.write(Part { bytes: whole - needed, next });
                    }
                    if before == 0 {
                        *link = rest;
                    } else {
                        part.write(Part { bytes: before, next: rest });
                    }
                    return place;
                }
                link = &raw mut (*part).next;
            }
        }
        null_mut()
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        let Some(bytes) = taken(layout) else { return };
        #[expect(clippy::cast_ptr_alignment, reason = "what is handed out begins at a multiple of the unit")]
        let freed = place.cast::<Part>();
        let mut link = self.head();
        let mut before: *mut Part = null_mut();
        // SAFETY: the place left the list with so many bytes; what lies around it is in the list or handed out.
        unsafe {
            while !(*link).is_null() && *link < freed {
                before = *link;
                link = &raw mut (*before).next;
            }
            freed.write(Part { bytes, next: *link });
            *link = freed;
            join(freed);
            join(before);
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return null_mut() };
        if taken(wanted) == taken(layout) {
            return place;
        }
        // SAFETY: the caller's promise for the old place; the new one has room for the lesser of both sizes.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                ptr::copy_nonoverlapping(place, new, layout.size().min(size));
                self.dealloc(place, layout);
            }
            new
        }
    }
}

/// Joins a part with the one behind it, if they adjoin.
///
/// # Safety
/// The part is null or in the list.
unsafe fn join(part: *mut Part) {
    if part.is_null() {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let next = (*part).next;
        if part.cast::<u8>().add((*part).bytes).cast() == next {
            (*part).bytes += (*next).bytes;
            (*part).next = (*next).next;
        }
    }
}
