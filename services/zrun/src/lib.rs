//! zrun: runs spaces against the Guest ABI.
//!
//! The core knows no machine: it gets a guest's calls, its memory and a [`World`] of effects, and answers. The same core
//! serves guests in a Linux process and on the nanokernel. The feature `linux` adds the shell that binds it to
//! [`space_host`](https://docs.rs/space_host)'s instances.
//!
//! | file | settles |
//! |---|---|
//! | `space.rs` | what a space holds, and the functions of the Guest ABI |
//! | `wasi.rs` | the calls of WASI that always bind |
//! | `imports.rs` | which imports are refused |
//! | `lifecycle.rs` | which exports are |
//! | `data.rs` | values and blobs |
//! | `mail.rs` | messages |
//! | `remote.rs` | effects as messages, for a space that is not where its effects are |
//! | `launch.rs` | what a space is launched with, as words |
//! | `linux/` | binding, lifecycle, clock, log, disk |
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "linux"), no_std)]

extern crate alloc;

mod data;
pub mod imports;
pub mod launch;
pub mod lifecycle;
#[cfg(feature = "linux")]
pub mod linux;
mod mail;
mod memory;
pub mod remote;
mod space;
mod wasi;
mod world;

pub use data::{InMemory, Store, StoreError};
pub use mail::{Alone, Info, Mail, MailError, Next};
pub use memory::GuestMemory;
pub use space::{Grants, Space, Violation};
pub use wasi::Ended;
pub use world::World;
