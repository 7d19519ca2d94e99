//! Events that recognizers compute and spaces receive.

#[cfg(feature = "cores")]
mod hub;
#[cfg(feature = "modules")]
mod interpreted;
#[cfg(all(feature = "cores", not(feature = "modules")))]
#[path = "events/uninterpreted.rs"]
mod interpreted;
#[cfg(feature = "modules")]
mod look;
#[cfg(feature = "cores")]
mod modules;
#[cfg(feature = "cores")]
mod program;
#[cfg(feature = "cores")]
mod programs;
#[cfg(feature = "cores")]
mod rate;
#[cfg(feature = "cores")]
mod recognizer;
#[cfg(feature = "cores")]
mod recognizers;
#[cfg(feature = "cores")]
mod watch;

#[cfg(feature = "cores")]
pub use hub::{Delivery, Hub};
#[cfg(feature = "modules")]
pub use interpreted::{Interpreted, ModuleError, Translated};
#[cfg(feature = "linux")]
pub(crate) use look::{Looks, MEMORY_BYTES, Misanswer, look};
#[cfg(feature = "linux")]
pub(crate) use modules::FUEL;
#[cfg(feature = "cores")]
pub use modules::{Modules, Package, Seen};
#[cfg(feature = "cores")]
pub use program::Program;
#[cfg(feature = "cores")]
pub use programs::{Programs, Started};
#[cfg(feature = "cores")]
pub use recognizer::Recognizer;
#[cfg(feature = "cores")]
pub use recognizers::{RECOGNIZERS_MAX, Recognized, Recognizers};
#[cfg(feature = "cores")]
pub use watch::Watch;

use sci::guest::ErrorCode;

/// The events of a space.
pub trait Events {
    /// Registers a recognizer of the space, which emits the event of this name, by its specification in JSON.
    fn register(&mut self, event: &str, spec: &str) -> Result<(), ErrorCode>;
    /// Asks for the events of a name; they arrive as messages.
    fn follow(&mut self, event: &str) -> Result<(), ErrorCode>;
    /// Emits an event that the space declares.
    fn raise(&mut self, event: &str, payload: &[u8]) -> Result<(), ErrorCode>;
}
