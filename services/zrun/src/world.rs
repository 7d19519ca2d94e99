//! What a space's calls do outside it.

use crate::data::Store;
use crate::mail::Mail;
use alloc::string::String;

/// The effects of a space's calls: a machine's, or a simulation's.
pub trait World {
    /// Takes a line of the space's log, without its end.
    fn log(&mut self, line: &str);
    /// Nanoseconds since 1970.
    fn realtime(&mut self) -> u64;
    /// Nanoseconds since some time before.
    fn monotonic(&mut self) -> u64;
    /// Waits; `false` if the space is to end instead.
    fn sleep(&mut self, nanoseconds: u64) -> bool;
    /// Lets others run.
    fn pause(&mut self);
    /// Random bytes that nobody can predict; `false` if there are none.
    fn random(&mut self, bytes: &mut [u8]) -> bool;
    /// The machine, as JSON.
    fn node_info(&mut self) -> String;
    /// The space's values.
    fn store(&mut self) -> &mut dyn Store;
    /// The space's messages.
    fn mail(&mut self) -> &mut dyn Mail;
}
