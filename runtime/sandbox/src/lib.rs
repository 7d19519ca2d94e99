//! Child processes without authority, on Linux.
//!
//! A program calls [`start`] first thing in its `main`, with the roles that its children may have. [`Child::spawn`] then
//! runs the program's own file again, with an empty environment, in one of these roles: bounded by [`Limits`], and
//! from [`restrict`] on by a filter of system calls that ends it at the first that the [`Policy`] does not name.
//! Parent and child exchange messages over one socket.
//!
//! | file | settles |
//! |---|---|
//! | `channel.rs` | messages: how they are framed, how large they may be |
//! | `child.rs` | the parent's side: starting, asking, how a child ended |
//! | `inside.rs` | the child's side: limits, filter |
//! | `filter.rs` | the system calls of each policy |
#![forbid(unsafe_code)]

mod channel;
mod child;
mod filter;
mod inside;

pub use channel::{ChannelError, Voice};
pub use child::{Child, Ended, SpawnError};
pub use filter::Policy;
pub use inside::{EnterError, Inside, Role, restrict, start};

use serde::{Deserialize, Serialize};

/// What a child may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds of processor time, over all its threads.
    pub cpu_seconds: Option<u64>,
    /// Bytes of memory that it can write. Address space that nothing can be written to is free.
    pub memory_bytes: u64,
    /// Bytes of a file, of memory files too.
    pub file_bytes: u64,
    /// Descriptors at a time, its own three among them.
    pub descriptors: u64,
}
