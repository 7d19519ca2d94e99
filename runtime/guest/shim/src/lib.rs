//! The library that serves a WebAssembly guest on the nanokernel, in the guest's realm and on its stack.
//!
//! What a guest imports is a function of this image: `sys.log`, `wasi_snapshot_preview1.fd_write`, and what the
//! runtime owes every guest, `space.memory_grow`. The core of `services/zrun` serves the calls; their effects are
//! messages to the host component (`services/zrun/component`), which checks each against the grants. So nothing here
//! is trusted with more than the guest is.
//!
//! | module | does |
//! |---|---|
//! | `exports` | the table of functions |
//! | `table` | tables of references |
//! | `bare/start` | the realm's first thread: makes the space, calls the guest's ways in |
//! | `bare/enter` | into the guest, and out of it from any depth |
//! | `bare/calls` | calls of the Guest ABI and of WASI |
//! | `bare/owed` | what the runtime owes |
//! | `bare/state` | the space, and what is read of the guest's tables |
//! | `bare/realm` | the realm's memory and ends |
//! | `bare/channel` | the way to the host component, time, waiting |
#![cfg_attr(not(test), no_std)]

extern crate alloc;

#[cfg(feature = "bare")]
mod bare;
pub mod exports;
pub mod table;

#[cfg(feature = "bare")]
space_guest::library!();
