//! Frames on a line of bytes: four bytes of length, little-endian, then so many bytes.

use alloc::vec::Vec;
use core::fmt;

/// Bytes of a frame, without its length.
pub const FRAME_BYTES_MAX: usize = services_zrun::remote::MESSAGE_BYTES_MAX;

/// A frame of more than [`FRAME_BYTES_MAX`] bytes: where the next one begins is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong(
    /// Its bytes.
    pub u32,
);

impl fmt::Display for TooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a frame of {} bytes; at most {FRAME_BYTES_MAX} are allowed", self.0)
    }
}

impl core::error::Error for TooLong {}

/// A frame as it goes over the line.
pub fn frame(body: &[u8]) -> Result<Vec<u8>, TooLong> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    if body.len() > FRAME_BYTES_MAX {
        return Err(TooLong(length));
    }
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// Makes frames of bytes as they come.
#[derive(Debug, Default)]
pub struct Frames {
    length: Vec<u8>,
    body: Vec<u8>,
}

impl Frames {
    /// Whether a part of a frame has come.
    pub fn has_begun(&self) -> bool {
        !self.length.is_empty()
    }

    /// Takes the next byte; gives the frame that it ends.
    pub fn push(&mut self, byte: u8) -> Result<Option<Vec<u8>>, TooLong> {
        if self.length.len() < 4 {
            self.length.push(byte);
        } else {
            self.body.push(byte);
        }
        let Ok(length) = <[u8; 4]>::try_from(&self.length[..]).map(u32::from_le_bytes) else {
            return Ok(None);
        };
        if length as usize > FRAME_BYTES_MAX {
            return Err(TooLong(length));
        }
        if self.body.len() < length as usize {
            return Ok(None);
        }
        self.length.clear();
        Ok(Some(core::mem::take(&mut self.body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn frames_come_out_as_they_went_in() {
        let bodies: [&[u8]; 4] = [b"one", b"", &[0xff; 700], b"last"];
        let line: Vec<u8> = bodies.iter().flat_map(|body| frame(body).unwrap()).collect();
        let mut frames = Frames::default();
        let found: Vec<Vec<u8>> = line.iter().filter_map(|byte| frames.push(*byte).unwrap()).collect();
        assert_eq!(found, bodies);
        assert!(!frames.has_begun() && frames.push(1) == Ok(None) && frames.has_begun());
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_comes() {
        let mut frames = Frames::default();
        let length = FRAME_BYTES_MAX as u32 + 1;
        let last = length.to_le_bytes().map(|byte| frames.push(byte));
        assert_eq!(last[3], Err(TooLong(length)));
        assert_eq!(frame(&vec![0; FRAME_BYTES_MAX + 1]), Err(TooLong(length)));
        assert!(frame(&vec![0; FRAME_BYTES_MAX]).is_ok());
    }
}
