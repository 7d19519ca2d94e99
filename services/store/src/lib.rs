//! The values of an application's spaces on one disk: a log of records in one half of it, copied without what is
//! obsolete to the other half when it is full.
//!
//! A core without I/O of its own: a [`Disk`] reads, writes and flushes sectors. On the nanokernel that is a virtio device
//! (`component`), on the host a file. What [`Volume::put`] answered is durable. What was being written when the machine
//! ended is there as a whole or not at all; anything else that is not as it was written is an [`Error::Damaged`] with its
//! place, never a wrong value.
//!
//! | module | does |
//! |---|---|
//! | [`format`](mod@format) | the bytes of the label, of the halves' heads, of records |
//! | [`scan`] | reads a half's records in order, and finds where they end |
//! | [`volume`] | values by space and key, quotas, compaction |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod format;
mod scan;
pub mod volume;

pub use format::{DISK_BYTES_LEAST, Damage, SECTOR, SpaceId, format};
pub use volume::{Limits, Volume};

/// A disk: sectors of [`SECTOR`] bytes. A sector is written as a whole or not at all.
pub trait Disk {
    /// How many sectors it has.
    fn sectors(&self) -> u64;
    /// Reads whole sectors.
    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), Broken>;
    /// Writes whole sectors, in whatever order.
    fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), Broken>;
    /// Returns when everything written is durable.
    fn flush(&mut self) -> Result<(), Broken>;
}

/// The disk did not carry a request out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Why something was not stored or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The disk did not carry a request out.
    Broken,
    /// What is on the disk is not what was written there.
    Damaged(Damage),
    /// The disk is full, or as many keys are stored as there is memory for.
    Full,
    /// It would be more than the space may store.
    Beyond,
}

impl From<Broken> for Error {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Broken => formatter.write_str("the disk does not answer"),
            Self::Damaged(damage) => damage.fmt(formatter),
            Self::Full => formatter.write_str("the disk is full"),
            Self::Beyond => formatter.write_str("the space stores as much as it may"),
        }
    }
}

impl core::error::Error for Error {}
