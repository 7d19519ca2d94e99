//! The way from the nanokernel to whoever shows an application, as a component: frames on a serial line.
//!
//! `services/zmesh/component` says what they mean. [`Frames`] knows no kernel; `bare.rs` binds it.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "bare")]
mod bare;
mod frame;

pub use frame::{FRAME_BYTES_MAX, Frames, TooLong, frame};

#[cfg(feature = "bare")]
space_guest::component!(bare::Zdesk);
