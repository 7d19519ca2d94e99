//! A guest's memory, as the host sees it.

use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// A guest's linear memory. Ranges come from the guest: what leaves the memory gives `None`, and nothing happens.
pub trait GuestMemory {
    /// Bytes.
    fn bytes(&self) -> u64;
    /// Reads all of `into`.
    fn read(&self, at: u64, into: &mut [u8]) -> Option<()>;
    /// Writes all of `from`.
    fn write(&mut self, at: u64, from: &[u8]) -> Option<()>;
}

/// Room for so many bytes; `None` where the heap has none. Sizes come from guests, who must not end their host.
pub(crate) fn room(bytes: usize) -> Option<Vec<u8>> {
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).ok()?;
    Some(room)
}

/// A copy of bytes, if there is room.
pub(crate) fn copied(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut copy = room(bytes.len())?;
    copy.extend_from_slice(bytes);
    Some(copy)
}

/// A call's arguments, by index; it has as many as its function.
pub(crate) fn by_index<T: Copy + Default>(arguments: &[T]) -> impl Fn(usize) -> T {
    |at| arguments.get(at).copied().unwrap_or_default()
}

/// An address or a length that a guest gave: unsigned, though it travels as a signed number.
pub(crate) fn unsigned(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

/// Whether a range lies in memory as a whole; an empty one may begin anywhere.
pub(crate) fn check(memory: &dyn GuestMemory, at: i32, length: u64) -> Result<u64, ErrorCode> {
    let at = unsigned(at);
    if length == 0 || at.checked_add(length).is_some_and(|end| end <= memory.bytes()) {
        Ok(at)
    } else {
        Err(ErrorCode::Fault)
    }
}

/// The bytes of a range, at most `most`.
pub(crate) fn bytes(memory: &dyn GuestMemory, at: i32, length: i32, most: u32) -> Result<Vec<u8>, ErrorCode> {
    let length = unsigned(length);
    if length > u64::from(most) {
        return Err(ErrorCode::TooLarge);
    }
    let at = check(memory, at, length)?;
    let mut bytes = room(length as usize).ok_or(ErrorCode::Quota)?;
    bytes.resize(length as usize, 0);
    if length > 0 {
        memory.read(at, &mut bytes).ok_or(ErrorCode::Fault)?;
    }
    Ok(bytes)
}

/// Writes a result into a guest's buffer if it fits; answers its bytes either way.
pub(crate) fn give(
    memory: &mut dyn GuestMemory,
    out: i32,
    capacity: i32,
    result: &[u8],
) -> Result<i32, ErrorCode> {
    let capacity = unsigned(capacity);
    let at = check(memory, out, capacity)?;
    if result.len() as u64 <= capacity && !result.is_empty() {
        memory.write(at, result).ok_or(ErrorCode::Fault)?;
    }
    i32::try_from(result.len()).map_err(|_| ErrorCode::TooLarge)
}
