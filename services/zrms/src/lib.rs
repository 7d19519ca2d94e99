//! zrms: decides where and whether spaces run.
//!
//! The core does no I/O: time, randomness and messages are values, so that one core runs in a Linux process, as a
//! component on the nanokernel, and a thousand times over in a seeded simulation. The feature `redb` adds a store in
//! a file.
//!
//! | file | settles |
//! |---|---|
//! | `control.rs`, `control/` | states, reconcile, updates, rollback |
//! | `action.rs` | what hosts are told, what they report, and what they refuse |
//! | `restart.rs` | when a space that ended is started again |
//! | `place.rs`, `place/` | which host a space runs on, and why |
//! | `store.rs`, `store/` | where the truth is kept, and under which condition it changes |
//! | `verdict.rs` | what was found of a package, signed |
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "redb"), no_std)]

extern crate alloc;

pub mod action;
pub mod control;
pub mod place;
mod random;
pub mod restart;
pub mod store;
pub mod verdict;
