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
//! | `lane.rs` | ways of their own to threads of a child |
//! | `watch.rs` | for how long it is looked before it is slept |
//! | `filter.rs` | the system calls of each policy |
#![forbid(unsafe_code)]

mod channel;
mod child;
mod filter;
mod inside;
mod lane;
mod watch;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

pub use channel::{ChannelError, Voice};
pub use child::{Child, Ended, SpawnError};
pub use filter::Policy;
pub use inside::{EnterError, Inside, Role, restrict, start};
pub use lane::{Lane, LaneEnd};

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

/// Waits until something can be read or written, for so long.
fn wait(at: &impl AsFd, for_what: PollFlags, time: Duration) -> io::Result<()> {
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
    match poll(&mut [PollFd::new(at, for_what)], Some(&time)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        // Whoever reads or writes then is told what is wrong.
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
