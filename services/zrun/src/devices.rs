//! Devices of a space: sensors, actuators, sound.

#[cfg(feature = "cores")]
mod actuators;
#[cfg(feature = "cores")]
mod sensors;
#[cfg(feature = "cores")]
mod simulated;
#[cfg(feature = "cores")]
mod simulation;
#[cfg(feature = "cores")]
mod sound;

#[cfg(feature = "cores")]
pub use actuators::Actuators;
#[cfg(feature = "cores")]
pub use sensors::{Reading, Sensors};
#[cfg(feature = "linux")]
pub(crate) use simulated::LAG_MAX;
#[cfg(feature = "cores")]
pub use simulated::{Actor, Bench, Shape, Simulated, Wave};
#[cfg(feature = "cores")]
pub use simulation::{SimulatedSensor, Simulation};
#[cfg(feature = "cores")]
pub use sound::{Format, Given, Heard, Silence};

use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// The sensors and actuators that a space may use.
pub trait Devices {
    /// Asks for readings of a sensor, with options in JSON.
    fn subscribe(&mut self, id: &str, options: &str) -> Result<(), ErrorCode>;
    /// The next reading of a sensor, in JSON; `would-block` where none waits.
    fn read(&mut self, id: &str) -> Result<Vec<u8>, ErrorCode>;
    /// Takes an actuator for so long; a number that fences off whoever had it before.
    fn lock(&mut self, id: &str, milliseconds: u32) -> Result<u32, ErrorCode>;
    /// Has an action, in JSON, carried out by the actuator of a lock; its result, in JSON.
    fn command(&mut self, lock: u32, action: &str) -> Result<Vec<u8>, ErrorCode>;
    /// Gives an actuator back.
    fn release(&mut self, lock: u32) -> Result<(), ErrorCode>;
}

/// A space's microphone and speaker. Sound is what the space and its devices agree on; see `docs/devices.md`.
pub trait Audio {
    /// Sound that the microphone took, at most so many bytes; `would-block` where there is none.
    fn capture(&mut self, capacity: u32) -> Result<Vec<u8>, ErrorCode>;
    /// Gives sound to the speaker; how many bytes it took, `would-block` where it has no room.
    fn playback(&mut self, sound: &[u8]) -> Result<u32, ErrorCode>;
}
