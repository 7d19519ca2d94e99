//! The host of a guest on the nanokernel, as a component: effects of the guest's calls, checked and carried out.
//!
//! A guest's library (`runtime/guest/shim`) sends requests in parts, which a desk puts together, and the machine in
//! `bare.rs` acts. Messages to other spaces go on to `services/zmesh/component`.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "bare")]
mod bare;
mod random;
mod senses;

pub use random::Random;
pub use senses::Senses;

#[cfg(feature = "bare")]
space_guest::component!(bare::Zrun);
