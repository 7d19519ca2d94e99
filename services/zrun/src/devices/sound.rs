//! How sound moves: no faster than it is heard. Samples are of 16 bits, signed, little-endian, one for each channel in turn.

use super::Audio;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use sci::guest::ErrorCode;
use serde::{Deserialize, Serialize};

/// Bytes of a sample.
const SAMPLE_BYTES: u64 = 2;
/// Milliseconds that a speaker takes ahead.
const AHEAD: u64 = 1000;

/// What sound looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// Channels.
    pub channels: u16,
    /// Samples a second, of each channel.
    pub rate: u32,
}

impl Format {
    /// Bytes of a sample of each channel.
    pub fn frame(self) -> u64 {
        u64::from(self.channels) * SAMPLE_BYTES
    }

    /// Bytes that are heard in so many milliseconds.
    pub fn bytes(self, milliseconds: u64) -> u64 {
        milliseconds.saturating_mul(u64::from(self.rate)) / 1000 * self.frame()
    }
}

/// What was taken of a microphone, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard(u64);

impl Heard {
    /// Takes what was heard in so many milliseconds, to the sound's end: which bytes of it.
    pub fn take(
        &mut self,
        format: Format,
        milliseconds: u64,
        end: u64,
        capacity: u64,
    ) -> Result<Range<u64>, ErrorCode> {
        let whole = |bytes: u64| bytes - bytes % format.frame();
        if self.0 >= end {
            return Err(ErrorCode::Closed);
        }
        if whole(capacity) == 0 {
            return Err(ErrorCode::Invalid);
        }
        let heard = format.bytes(milliseconds).min(end);
        let bytes = whole(heard.saturating_sub(self.0).min(capacity));
        if bytes == 0 {
            return Err(ErrorCode::WouldBlock);
        }
        let range = self.0..self.0 + bytes;
        self.0 = range.end;
        Ok(range)
    }
}

/// What was given to a speaker, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given(u64);

impl Given {
    /// How many of so many bytes a speaker takes after so many milliseconds. They count as given with [`Given::add`].
    pub fn room(&mut self, format: Format, milliseconds: u64, bytes: u64) -> Result<u64, ErrorCode> {
        if !bytes.is_multiple_of(format.frame()) {
            return Err(ErrorCode::Invalid);
        }
        let heard = format.bytes(milliseconds);
        // What was not given in time is silence that was heard already.
        self.0 = self.0.max(heard);
        let room = heard.saturating_add(format.bytes(AHEAD)) - self.0;
        match room.min(bytes) {
            0 if bytes > 0 => Err(ErrorCode::WouldBlock),
            taken => Ok(taken),
        }
    }

    /// So many were given.
    pub fn add(&mut self, bytes: u64) {
        self.0 += bytes;
    }
}

/// A microphone that hears nothing, and a speaker that nobody hears. Times are milliseconds of any beginning.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    format: Format,
    start: u64,
    now: u64,
    heard: Heard,
    given: Given,
}

impl Silence {
    /// Of a format, beginning now.
    pub fn new(format: Format, now: u64) -> Self {
        Self { format, start: now, now, heard: Heard::default(), given: Given::default() }
    }

    /// As it is at a time.
    pub fn at(&mut self, now: u64) -> &mut Self {
        self.now = now;
        self
    }

    fn elapsed(&self) -> u64 {
        self.now.saturating_sub(self.start)
    }
}

impl Audio for Silence {
    fn capture(&mut self, capacity: u32) -> Result<Vec<u8>, ErrorCode> {
        let range = self.heard.take(self.format, self.elapsed(), u64::MAX, capacity.into())?;
        Ok(vec![0; (range.end - range.start) as usize])
    }

    fn playback(&mut self, sound: &[u8]) -> Result<u32, ErrorCode> {
        let taken = self.given.room(self.format, self.elapsed(), sound.len() as u64)?;
        self.given.add(taken);
        Ok(taken as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_takes_its_time() {
        let mut sound = Silence::new(Format { channels: 2, rate: 1000 }, 50);
        assert_eq!(sound.capture(100), Err(ErrorCode::WouldBlock));
        assert_eq!((sound.at(53).capture(9), sound.capture(3)), (Ok(vec![0; 8]), Err(ErrorCode::Invalid)));
        assert_eq!(sound.playback(&[1; 8000]), Ok(4000), "a second ahead");
        assert_eq!(
            (sound.playback(&[1; 4]), sound.playback(&[1; 3])),
            (Err(ErrorCode::WouldBlock), Err(ErrorCode::Invalid))
        );
        assert_eq!((sound.at(54).playback(&[1; 8]), sound.playback(&[])), (Ok(4), Ok(0)));
        assert_eq!(sound.at(5000).playback(&[1; 8000]), Ok(4000), "an idle time is not made up for");
    }
}
