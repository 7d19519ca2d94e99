//! zmesh: where spaces are, and how messages get from one to another along declared paths only.
//!
//! The core knows no machine. It is fed what happens, with the time, and gives what is to be done: [`Mesh`] is one
//! topology on one host. Between hosts its frames ride a [`Bus`], which may lose, repeat and reorder them.
//! `docs/mesh.md` has the rules.
//!
//! | file | settles |
//! |---|---|
//! | `declare.rs` | what a topology declares |
//! | `mesh.rs` | the state, declaring anew, outputs, taps |
//! | `directory.rs` | instances: started, stopped, elsewhere; other hosts |
//! | `address.rs` | what an address means |
//! | `traffic.rs` | sending, answering, taking, finishing |
//! | `leaving.rs` | messages done, dead, too old |
//! | `events.rs` | events, and who asked for them |
//! | `flow.rs` | one way of a path: queue and credit |
//! | `journal.rs`, `record.rs`, `log.rs` | what survives a crash of the host: frames, records, when they are written |
//! | `file.rs` | a journal in a file |
//! | `image.rs`, `recover.rs` | a mesh as records, and from records |
//! | `remote.rs`, `wire.rs` | the same between hosts: frames, progress, sending again |
//! | `bus.rs` | what a transport must do, and one in memory with faults |
//! | `dead.rs`, `stats.rs`, `tap.rs` | what is seen of it |
//! | `limits.rs` | every bound |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]

extern crate alloc;
#[cfg(all(feature = "file", not(test)))]
extern crate std;

mod address;
mod bus;
mod dead;
mod declare;
mod directory;
mod events;
#[cfg(feature = "file")]
pub mod file;
mod flow;
mod image;
mod journal;
mod leaving;
pub mod limits;
mod log;
mod mesh;
mod message;
mod record;
mod recover;
mod remote;
mod stats;
mod tap;
#[cfg(test)]
mod tests;
mod traffic;
mod wire;

pub use address::AddressError;
pub use bus::{Bus, BusError, Delivery, End, Faults, InMemory, carry};
pub use dead::{DeadLetter, DeadLetters, Reason};
pub use declare::{
    Declaration, DeclareError, EventDeclaration, PathDeclaration, PathRules, WhenFull, is_name,
};
pub use directory::{After, DirectoryError};
pub use events::{EventError, EventStats};
pub use journal::{Journal, JournalError, RecoverError, Tail};
pub use mesh::{Mesh, Output};
pub use message::{Event, Instance, Message, MessageId, Time};
pub use recover::{Recovered, Recovery};
pub use stats::{FlowStats, LATENCY_NANOSECONDS, PathStats};
pub use tap::{Observed, TapError, TapId};
pub use traffic::{EmitError, Emitted, TakeError};
pub use wire::{FrameError, Subject};
