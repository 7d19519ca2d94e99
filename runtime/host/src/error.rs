//! Why something did not come about, and how guests end before their time.

use crate::machine::{GrowError, GuestError, Interruption, MapError, WorkerError};
use sci::status::Fault;
use sci::tables::{GuestPlace, Location};

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
    /// A memory begins with more than is allowed, or with tables that are too large beside it.
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
    #[error("{} {place}", fault.guest_meaning())]
    Fault {
        /// What.
        fault: Fault,
        /// Where.
        place: Place,
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

/// A place in a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The function's name, `?` where none is known.
    pub function: String,
    /// Offset in the module, in bytes.
    pub offset: u32,
    /// File, line and column of the source, where the module tells them.
    pub line: Option<(String, u32, u32)>,
}

impl Default for Place {
    fn default() -> Self {
        Self { function: "?".to_owned(), offset: 0, line: None }
    }
}

impl From<GuestPlace<'_>> for Place {
    fn from(place: GuestPlace<'_>) -> Self {
        let line = place.line.map(|line| (line.file.to_owned(), line.line, line.column));
        Self { function: place.function.to_owned(), offset: place.offset, line }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.line.as_ref();
        let line = line.map(|(file, line, column)| Location { file, line: *line, column: *column });
        GuestPlace { function: &self.function, offset: self.offset, line }.fmt(formatter)
    }
}
