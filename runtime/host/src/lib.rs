//! Space's runtime on Linux: guests, embedded.
//!
//! A [`Module`] is a guest's image that a trusted key has signed; a [`Store`] holds instances that may reach each
//! other; an [`Instance`] is made of a module and what stands for its imports.
//!
//! | module | settles |
//! |---|---|
//! | [`machine`] | address space, gate, traps, interruption: all that needs unsafe code |
//! | `module.rs`, `instance.rs` | loading, binding, calling |
//! | `typed.rs` | calls whose types the host's program states |
//! | `call.rs` | values across the boundary, traps |
//! | `object.rs` | tables, memories, globals, and references that several instances see |
//! | `snapshot.rs` | an instance's state as bytes, and back |
//! | `runtime.rs` | functions that the runtime owes every guest |
#![deny(unsafe_code)]

mod call;
mod error;
mod function;
mod instance;
#[allow(unsafe_code, reason = "the layer that touches the machine")]
pub mod machine;
mod module;
mod object;
mod runtime;
mod snapshot;
mod store;
mod typed;
mod value;

pub use error::{Error, Place, Trap};
pub use function::{Caller, Function};
pub use instance::Instance;
pub use machine::{Sample, Samples, samples};
pub use module::{ExternType, Module};
pub use object::{Extern, Global, Memory, Table};
pub use snapshot::{Snapshot, SnapshotError};
pub use store::Store;
pub use typed::{Given, Parameters, Scalar, TypedFunction};
pub use value::{FunctionType, Value, ValueType};
