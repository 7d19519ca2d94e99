//! zrun: runs spaces against the Guest ABI.
//!
//! The core knows no machine: it gets a guest's calls, its memory and a [`World`] of effects, and answers. The same core
//! serves guests in a Linux process and on the nanokernel. The feature `linux` adds the shell that binds it to
//! [`space_host`](https://docs.rs/space_host)'s instances.
//!
//! | file | settles |
//! |---|---|
//! | `space.rs` | what a space holds, and the functions of the Guest ABI |
//! | `calls.rs` | those of them that a host may lack |
//! | `wasi.rs` | the calls of WASI that always bind |
//! | `imports.rs` | which imports are refused |
//! | `lifecycle.rs` | which exports are |
//! | `data.rs` | values and blobs |
//! | `mail.rs` | messages |
//! | `cache.rs` | the intelligence cache |
//! | `devices.rs` | sensors, actuators, sound |
//! | `events.rs` | events and recognizers |
//! | `agents.rs` | functions and models that are invoked |
//! | `remote.rs`, `remote/` | effects as messages, for a space that is not where its effects are |
//! | `launch.rs` | what a space is launched with, as words |
//! | `linux/` | binding, lifecycle, clock, log, disk |
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "linux"), no_std)]

extern crate alloc;

pub mod agents;
mod cache;
mod calls;
mod data;
mod devices;
mod events;
pub mod imports;
#[cfg(feature = "cores")]
mod json;
pub mod launch;
pub mod lifecycle;
#[cfg(feature = "linux")]
pub mod linux;
mod mail;
mod memory;
pub mod remote;
mod seed;
mod space;
mod wasi;
mod world;

pub use agents::{Agents, Kind};
pub use cache::{Cache, Counts, Exact, Vector};
pub use data::{InMemory, Store, StoreError};
#[cfg(feature = "cores")]
pub use devices::{
    Actor, Actuators, Bench, Format, Given, Heard, Reading, Sensors, Shape, Silence, Simulated,
    SimulatedSensor, Simulation, Wave,
};
pub use devices::{Audio, Devices};
pub use events::Events;
#[cfg(feature = "cores")]
pub use events::{
    Delivery, Hub, Modules, Package, Program, Programs, RECOGNIZERS_MAX, Recognized, Recognizer, Recognizers,
    Seen, Started, Watch,
};
#[cfg(feature = "modules")]
pub use events::{Interpreted, ModuleError, Translated};
pub use mail::{Alone, Info, Mail, MailError, Next};
pub use memory::GuestMemory;
pub use space::{Grants, Space, Violation};
pub use wasi::Ended;
pub use world::World;
