//! Why something did not come about, and how guests end before their time.

use crate::machine::{GrowError, GuestError, Interruption, MapError, WorkerError};
use sci::status::Fault;

/// Why a module was not loaded, or not instantiated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The image is not run here.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// Its linkage table cannot be read.
    #[error("the image's linkage table is damaged")]
    Linkage,
    /// There is no memory for it.
    #[error(transparent)]
    Memory(#[from] MapError),
    /// A memory or a table of the host cannot be made.
    #[error(transparent)]
    Grow(#[from] GrowError),
    /// This thread cannot run guests.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// An import is not there.
    #[error("the import `{module}.{item}` is not provided")]
    Missing {
        /// Module.
        module: String,
        /// Item.
        item: String,
    },
    /// An import is of another type.
    #[error("the import `{module}.{item}` is {wanted}, and {given} is provided")]
    Mismatch {
        /// Module.
        module: String,
        /// Item.
        item: String,
        /// What the guest expects.
        wanted: String,
        /// What there is.
        given: String,
    },
    /// A memory begins with more than is allowed.
    #[error("a memory begins with {bytes} bytes; {allowed} are allowed")]
    Quota {
        /// Its bytes.
        bytes: u64,
        /// Bytes that are allowed.
        allowed: u64,
    },
    /// Fuel is given to an image that does not count it.
    #[error("the image does not count fuel: compile it with fuel")]
    NoFuel,
    /// It trapped while it was instantiated.
    #[error(transparent)]
    Trap(#[from] Trap),
}

/// How a call ended before its time.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Trap {
    /// The guest's code did what cannot be done.
    #[error("{} in `{function}` at offset {place:#x} of the module", fault.guest_meaning())]
    Fault {
        /// What.
        fault: Fault,
        /// In which function.
        function: String,
        /// Where in the module, in bytes.
        place: u32,
    },
    /// A function of the host refused to go on.
    #[error("{0}")]
    Host(String),
    /// It was ended from outside.
    #[error("interrupted: {}", match .0 {
        Interruption::Killed(_) => "stopped from outside",
        Interruption::Deadline => "its time is over",
        Interruption::CpuBudget => "its processor time is used up",
    })]
    Interrupted(Interruption),
    /// It asked to end, with this status.
    #[error("the guest ended with status {0}")]
    Exit(i32),
    /// The arguments are not of the function's types.
    #[error("a function of type {wanted} was called with other values")]
    Arguments {
        /// The function's type.
        wanted: String,
    },
}
