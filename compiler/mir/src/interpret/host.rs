//! What an interpreted program finds outside itself.

use super::Stop;

/// What a program finds outside itself. The default refuses everything.
pub trait Host {
    /// Carries out a system call: number and arguments to status and value.
    fn system(&mut self, _call: u32, _arguments: &[u64]) -> Result<(u64, u64), Stop> {
        Err(Stop::Refused { what: "a kernel call" })
    }

    /// Carries a message out: capability, method, words, the window; gives status and answer words.
    fn invoke(&mut self, _message: Message<'_>) -> Result<(u64, [u64; 6]), Stop> {
        Err(Stop::Refused { what: "a message" })
    }

    /// A start parameter, of which the component states the default.
    fn parameter(&mut self, default: u64) -> Result<u64, Stop> {
        Ok(default)
    }
}

/// A message on its way to a [`Host`].
#[derive(Debug)]
pub struct Message<'m> {
    /// Index of the capability.
    pub capability: u64,
    /// Method number.
    pub method: u8,
    /// Words; a range of the window has its offset in the low half and its length in the high half.
    pub words: Vec<u64>,
    /// The channel's window.
    pub window: &'m mut [u8],
}

/// A host that refuses everything.
#[derive(Debug, Default)]
pub struct NoHost;

impl Host for NoHost {}

/// What there is before the component starts: no parameters either.
pub(super) struct Early;

impl Host for Early {
    fn parameter(&mut self, _: u64) -> Result<u64, Stop> {
        Err(Stop::Refused { what: "a parameter, which has its value when the component starts" })
    }
}
