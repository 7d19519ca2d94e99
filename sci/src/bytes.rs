//! Little-endian reads that cannot panic.

use crate::error::{Error, ErrorKind};

/// `len` bytes at `offset`.
pub(crate) fn part(bytes: &[u8], offset: u64, len: u64) -> Result<&[u8], Error> {
    let error = Error::new(ErrorKind::Truncated, offset);
    let start = usize::try_from(offset).map_err(|_| error)?;
    let end = offset.checked_add(len).and_then(|end| usize::try_from(end).ok()).ok_or(error)?;
    bytes.get(start..end).ok_or(error)
}

/// A `u64` at `offset`.
pub(crate) fn u64_at(bytes: &[u8], offset: u64) -> Result<u64, Error> {
    let mut word = [0; 8];
    word.copy_from_slice(part(bytes, offset, 8)?);
    Ok(u64::from_le_bytes(word))
}

/// A `u32` at `offset`.
pub(crate) fn u32_at(bytes: &[u8], offset: u64) -> Result<u32, Error> {
    let mut word = [0; 4];
    word.copy_from_slice(part(bytes, offset, 4)?);
    Ok(u32::from_le_bytes(word))
}

/// A `u16` at `offset`.
pub(crate) fn u16_at(bytes: &[u8], offset: u64) -> Result<u16, Error> {
    let mut word = [0; 2];
    word.copy_from_slice(part(bytes, offset, 2)?);
    Ok(u16::from_le_bytes(word))
}

/// A byte at `offset`.
pub(crate) fn u8_at(bytes: &[u8], offset: u64) -> Result<u8, Error> {
    part(bytes, offset, 1)?.first().copied().ok_or(Error::new(ErrorKind::Truncated, offset))
}

/// Checks that a range is zero.
pub(crate) fn zero(bytes: &[u8], offset: u64, len: u64, kind: ErrorKind) -> Result<(), Error> {
    let range = part(bytes, offset, len)?;
    // Most padding is long and zero: words at a time.
    let (words, rest) = range.as_chunks();
    let any = words.iter().fold(0, |any, word| any | u64::from_ne_bytes(*word));
    if any == 0 && rest.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    match range.iter().position(|byte| *byte != 0) {
        None => Ok(()),
        Some(at) => Err(Error::new(kind, offset + at as u64)),
    }
}
