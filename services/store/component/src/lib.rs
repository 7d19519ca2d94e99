//! What the spaces of a topology store on the nanokernel, as a component with a disk.
//!
//! Each space has a host of its own (`services/zrun/component`), and each host a channel to this component. What comes
//! over a channel is about that space's keys, whatever it says of itself. [`Office`] knows no kernel; `device.rs` drives a
//! virtio disk, `bare.rs` binds both.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "bare")]
mod bare;
#[cfg(feature = "bare")]
mod device;
mod office;

pub use office::{Configuration, LIMITS, Office, Seat};

#[cfg(feature = "bare")]
space_guest::component!(bare::Zstore);
