//! How a module that recognizes is shown a reading, whoever runs it, and what it may use for that.

use alloc::vec;
use alloc::vec::Vec;
use sci::limits::guest::MESSAGE_BYTES_MAX;

/// Bytes that its memory may have.
pub const MEMORY_BYTES: u64 = 4 << 20;

/// A module that runs.
pub trait Looks {
    /// Why it has ended.
    type Error: From<Misanswer>;
    /// Asks where so many bytes have room.
    fn room(&mut self, bytes: u32) -> Result<u32, Self::Error>;
    /// Has it look at a reading of so many bytes at an address.
    fn look(&mut self, at: u32, bytes: u32) -> Result<u64, Self::Error>;
    /// Writes to its memory; whether the place is there.
    fn write(&mut self, at: u64, bytes: &[u8]) -> bool;
    /// Reads from its memory; whether the place is there.
    fn read(&mut self, at: u64, bytes: &mut [u8]) -> bool;
}

/// An answer that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misanswer {
    /// There is no place for a reading.
    #[error("`room` answers an address beyond the memory")]
    Room,
    /// A payload that no event has.
    #[error("`on_reading` answers more than an event may have")]
    Large,
    /// There is no payload.
    #[error("`on_reading` answers an event beyond the memory")]
    Event,
}

/// Shows a module a reading; the payload of the event, if it is one.
pub fn look<L: Looks>(module: &mut L, reading: &[u8]) -> Result<Option<Vec<u8>>, L::Error> {
    let bytes = reading.len() as u32;
    let at = module.room(bytes)?;
    if !module.write(u64::from(at), reading) {
        return Err(Misanswer::Room.into());
    }
    let event = module.look(at, bytes)?;
    if event == 0 {
        return Ok(None);
    }
    let (at, bytes) = (event >> 32, event as u32);
    if bytes > MESSAGE_BYTES_MAX {
        return Err(Misanswer::Large.into());
    }
    let mut payload = vec![0; bytes as usize];
    if module.read(at, &mut payload) { Ok(Some(payload)) } else { Err(Misanswer::Event.into()) }
}
