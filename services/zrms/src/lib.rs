//! zrms: decides where and whether spaces run.
//!
//! The core does no I/O: time, randomness and messages are values, so that one core runs in a Linux process, as a
//! component on the nanokernel, and a thousand times over in a seeded simulation.
//!
//! | file | settles |
//! |---|---|
//! | `place.rs`, `place/` | which host a space runs on, and why |
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

pub mod place;
mod random;
