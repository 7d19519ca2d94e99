//! The mesh of one topology on the nanokernel, as a component: who may say what to whom.
//!
//! Each space has a host of its own (`services/zrun/component`), and each host a channel to this component. What comes over
//! a channel is what that space asks for, whatever it says of itself. [`Office`] knows no kernel; `bare.rs` binds it.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod agency;
#[cfg(feature = "bare")]
mod bare;
mod calling;
mod ledger;
mod office;
mod post;
pub mod window;

pub use agency::{Agents, FUNCTION_MILLISECONDS};
pub use calling::Calling;
pub use office::{Called, Configuration, END, Office, Seat};
pub use services_zrun::{Package, SimulatedSensor as Sensor, Simulation as Devices};

#[cfg(feature = "bare")]
space_guest::component!(bare::Zmesh);
