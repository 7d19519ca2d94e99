//! Ranges of the address space.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

use libc::{
    MADV_DONTNEED, MAP_ANONYMOUS, MAP_FAILED, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, PROT_EXEC, PROT_NONE,
    PROT_READ, PROT_WRITE,
};

/// The kernel refused to change the address space.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}")]
pub struct MapError {
    /// What was tried.
    what: &'static str,
    /// What the kernel answered.
    source: io::Error,
}

impl MapError {
    /// The answer of the system call that has just failed.
    pub(super) fn last(what: &'static str) -> Self {
        Self { what, source: io::Error::last_os_error() }
    }

    /// What a file operation answered.
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { what, source }
    }
}

/// What a range may be used for. Writable and executable at once cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Every access faults.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Reading and executing.
    ReadExecute,
}

impl Access {
    fn protection(self) -> i32 {
        match self {
            Self::None => PROT_NONE,
            Self::Read => PROT_READ,
            Self::ReadWrite => PROT_READ | PROT_WRITE,
            Self::ReadExecute => PROT_READ | PROT_EXEC,
        }
    }
}

/// A reserved range of the address space, unmapped when dropped. Offsets count from its start.
#[derive(Debug)]
pub(super) struct Mapping {
    start: usize,
    bytes: usize,
}

impl Mapping {
    /// Reserves `bytes` without access; costs address space only.
    pub(super) fn reserve(bytes: u64) -> Result<Self, MapError> {
        let bytes = bytes as usize;
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        // SAFETY: a new range, wherever the kernel finds room; nothing that exists changes.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, PROT_NONE, flags, -1, 0) };
        if start == MAP_FAILED {
            return Err(MapError::last("reserve address space"));
        }
        Ok(Self { start: start as usize, bytes })
    }

    /// Takes the range out, and leaves an empty one.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self { start: 0, bytes: 0 })
    }

    /// Address of the first byte.
    pub(super) fn start(&self) -> u64 {
        self.start as u64
    }

    /// Maps a part of `file`, privately.
    pub(super) fn map_file(
        &self,
        offset: u64,
        bytes: u64,
        access: Access,
        file: &File,
        file_offset: u64,
    ) -> Result<(), MapError> {
        let address = self.address(offset, bytes);
        let flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
        let descriptor = file.as_raw_fd();
        // SAFETY: `address` checked that the range is this mapping's own, which nothing refers to.
        let mapped = unsafe {
            libc::mmap(
                address.cast(),
                bytes as usize,
                access.protection(),
                flags,
                descriptor,
                file_offset as libc::off_t,
            )
        };
        if mapped == MAP_FAILED { Err(MapError::last("map an image")) } else { Ok(()) }
    }

    /// Changes what a range may be used for.
    pub(super) fn protect(&self, offset: u64, bytes: u64, access: Access) -> Result<(), MapError> {
        let address = self.address(offset, bytes);
        // SAFETY: as in `map_file`.
        let status = unsafe { libc::mprotect(address.cast(), bytes as usize, access.protection()) };
        if status == 0 { Ok(()) } else { Err(MapError::last("change the access to memory")) }
    }

    /// Drops the pages of a range: they read as the file or as zero again.
    pub(super) fn discard(&self, offset: u64, bytes: u64) -> Result<(), MapError> {
        let address = self.address(offset, bytes);
        // SAFETY: as in `map_file`.
        let status = unsafe { libc::madvise(address.cast(), bytes as usize, MADV_DONTNEED) };
        if status == 0 { Ok(()) } else { Err(MapError::last("drop pages")) }
    }

    /// Copies `content` to `offset`.
    ///
    /// # Safety
    /// The range is writable, and no other thread uses it.
    pub(super) unsafe fn write(&self, offset: u64, content: &[u8]) {
        let address = self.address(offset, content.len() as u64);
        // SAFETY: the caller vouches for the range; a slice of the host never lies in a guest's memory.
        unsafe { ptr::copy_nonoverlapping(content.as_ptr(), address, content.len()) }
    }

    /// Copies from `offset` to `content`.
    ///
    /// # Safety
    /// The range is readable, and no other thread writes it.
    pub(super) unsafe fn read(&self, offset: u64, content: &mut [u8]) {
        let address = self.address(offset, content.len() as u64);
        // SAFETY: as in `write`.
        unsafe { ptr::copy_nonoverlapping(address, content.as_mut_ptr(), content.len()) }
    }

    /// Whether a range holds nothing but zeros.
    ///
    /// # Safety
    /// As for [`Mapping::read`].
    pub(super) unsafe fn is_zero(&self, offset: u64, bytes: u64) -> bool {
        let address = self.address(offset, bytes).cast_const();
        // SAFETY: the caller vouches for the range.
        let content = unsafe { std::slice::from_raw_parts(address, bytes as usize) };
        // All is as its beginning, one step further on: the C library's comparison is the fastest there is.
        content.split_first().is_none_or(|(first, rest)| *first == 0 && *rest == content[..rest.len()])
    }

    /// Writes zeros.
    ///
    /// # Safety
    /// As for [`Mapping::write`].
    pub(super) unsafe fn clear(&self, offset: u64, bytes: u64) {
        let address = self.address(offset, bytes);
        // SAFETY: the caller vouches for the range.
        unsafe { ptr::write_bytes(address, 0, bytes as usize) }
    }

    /// Copies `bytes` from another mapping.
    ///
    /// # Safety
    /// As for [`Mapping::write`] here and [`Mapping::read`] there.
    pub(super) unsafe fn copy(&self, offset: u64, from: &Self, from_offset: u64, bytes: u64) {
        let (target, source) = (self.address(offset, bytes), from.address(from_offset, bytes));
        // SAFETY: the caller vouches for the ranges; two mappings do not overlap.
        unsafe { ptr::copy_nonoverlapping(source, target, bytes as usize) }
    }

    /// Address of a range, which must lie inside: everything above computes it from checked parts.
    fn address(&self, offset: u64, bytes: u64) -> *mut u8 {
        let inside = offset.checked_add(bytes).is_some_and(|end| end <= self.bytes as u64);
        assert!(inside, "{bytes} bytes at {offset:#x} do not lie in a mapping of {:#x}", self.bytes);
        ptr::with_exposed_provenance_mut(self.start + offset as usize)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let address: *mut u8 = ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: the range is this mapping's own, and whoever used it has borrowed it.
        let status = unsafe { libc::munmap(address.cast(), self.bytes) };
        debug_assert_eq!(status, 0, "a whole mapping can be unmapped");
    }
}
