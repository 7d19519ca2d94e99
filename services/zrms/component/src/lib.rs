//! Where and whether the spaces of a topology run on the nanokernel, as a component.
//!
//! `services/zrms` decides; [`Keeper`] is the host that follows, and knows no kernel; `bare.rs` binds it.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "bare")]
mod bare;
mod ending;
mod keeper;

pub use ending::Ending;
pub use keeper::{Configuration, Hands, Keeper, Left, Seat};

#[cfg(feature = "bare")]
space_guest::component!(bare::Zrms);
