//! Memory that is a capability's window: pages shared with a device, or a device's registers.

use crate::message::Window;

/// A number that a device reads or writes at once.
pub trait Cell: Copy + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! cells {
    ($($number:ty),+) => { $( impl sealed::Sealed for $number {} impl Cell for $number {} )+ };
}

cells!(u8, u16, u32, u64);

/// A window, whose content may change at any time: a device or another component has it, too. Every access is one of
/// its own, in the order of the program.
#[derive(Clone, Copy)]
pub struct View(Window);

impl View {
    pub(crate) const fn new(window: Window) -> Self {
        Self(window)
    }

    /// Its bytes; none where nothing was granted.
    pub const fn bytes(self) -> u64 {
        self.0.bytes()
    }

    /// Where it begins in the component's addresses; 0 where nothing was granted.
    pub const fn address(self) -> u64 {
        self.0.address()
    }

    /// Reads a number at an offset, which is a multiple of its size.
    ///
    /// # Panics
    /// If it does not lie within.
    #[track_caller]
    pub fn read<T: Cell>(self, offset: u64) -> T {
        // SAFETY: the launcher mapped the window, apart from everything that Rust knows of; the number lies in it, and
        // any bytes are one.
        unsafe { self.place::<T>(offset).read_volatile() }
    }

    /// Writes a number at an offset, which is a multiple of its size.
    ///
    /// # Panics
    /// If it does not lie within.
    #[track_caller]
    pub fn write<T: Cell>(self, offset: u64, value: T) {
        // SAFETY: as for `read`.
        unsafe { self.place::<T>(offset).write_volatile(value) }
    }

    #[track_caller]
    fn place<T: Cell>(self, offset: u64) -> *mut T {
        match self.0.place(offset, size_of::<T>()) {
            Some(place) if offset.is_multiple_of(size_of::<T>() as u64) => place.cast(),
            _ => panic!("an access outside its window"),
        }
    }

    /// Copies bytes in.
    ///
    /// # Panics
    /// If they do not fit.
    #[track_caller]
    pub fn put(self, offset: u64, bytes: &[u8]) {
        assert!(self.0.put(offset, bytes), "a copy outside its window");
    }

    /// Copies bytes out.
    ///
    /// # Panics
    /// If they do not lie within.
    #[track_caller]
    pub fn take(self, offset: u64, bytes: &mut [u8]) {
        assert!(self.0.take(offset, bytes), "a copy outside its window");
    }
}

/// Everything written before is seen by a device before what is written after it.
pub fn fence() {
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}
