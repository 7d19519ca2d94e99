//! Where guests run: their address space, the way in and out, traps, interruption.
//!
//! A [`Program`] is an image made ready for mapping; a [`Slab`] is the address space of one instance of it; an
//! [`Activation`] is a slab with its host functions, which can be called. A thread that calls holds a [`Worker`].
//!
//! | file | settles |
//! |---|---|
//! | `gate.s` | the only way into and out of guest code |
//! | `sample.rs` | where guests spend their time |
//! | `signal.rs` | what a fault or a tick does, wherever it meets the thread |
//! | `activation.rs` | calls, nesting, suspended guests |
//!
//! A guest runs on its own stack, inside its slab; host functions run on the thread's stack. Guest code holds no
//! checks: a tick interrupts it, and a fault is a trap. Nothing is ever mapped writable and executable.

mod activation;
mod cells;
mod context;
mod gate;
mod guest;
mod heap;
mod import;
mod interrupt;
mod local;
mod mapping;
mod pool;
mod program;
mod record;
mod reservation;
mod sample;
mod signal;
mod slab;
mod worker;

pub use activation::{Activation, NotSuspendable, NotSuspended, Outcome, TooFewImports};
pub use cells::Cells;
pub use guest::{Entry, Guest, GuestError};
pub use heap::trim_heap;
pub use import::{Arguments, HostFunction, HostIntegers, Imports, Registers, Results};
pub use interrupt::{Interrupter, Interruption};
pub use local::Local;
pub use mapping::MapError;
pub use pool::Pool;
pub use program::{MemoryPart, Parts, PartsError, Placed, Program, ProgramError};
pub use record::Trap;
pub use reservation::Reservation;
pub use sample::{Sample, Samples, samples};
pub use signal::tick_signal;
pub use slab::{GrowError, OutOfBounds, Slab};
pub use worker::{Worker, WorkerError};
