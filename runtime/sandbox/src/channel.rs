//! Messages: a head that says what it is, and bytes that go with it.

use crate::lane::{self, Lane};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a message's head.
const HEAD_BYTES_MAX: u32 = 1 << 20;
/// Bytes that are copied into one write with the head.
const TOGETHER_BYTES: usize = 64 << 10;

/// Why a message was not sent or received.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The other side is gone, or did not take or send it in time.
    #[error("the message was not exchanged: {0}")]
    Io(#[from] io::Error),
    /// It is larger than was agreed.
    #[error("a message of {bytes} bytes, where {most} are allowed")]
    TooLarge {
        /// Its bytes.
        bytes: u64,
        /// Bytes that are allowed.
        most: u64,
    },
    /// Its head cannot be read or written.
    #[error("a message that says nothing known")]
    Malformed,
}

/// Where messages go.
pub(crate) trait Outlet: Write + Send {
    /// Writes some of the bytes, and descriptors with the first of them.
    fn write_with(&mut self, bytes: &[u8], descriptors: [BorrowedFd<'_>; 2]) -> io::Result<usize>;
}

/// A way to say something to the other side, from any thread: messages do not mix.
#[derive(Clone)]
pub struct Voice(Arc<Mutex<dyn Outlet>>);

impl Voice {
    pub(crate) fn new(to: impl Outlet + 'static) -> Self {
        Self(Arc::new(Mutex::new(to)))
    }

    /// Sends a message.
    pub fn send(&self, message: &impl Serialize, payload: &[u8]) -> Result<(), ChannelError> {
        send(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), message, payload)
    }

    /// Sends a message to a child, and a lane's other end with it: [`crate::Inside::lane`] takes it.
    pub fn send_with_lane(&self, message: &impl Serialize, payload: &[u8]) -> Result<Lane, ChannelError> {
        let (lane, [messages, notes]) = lane::pair()?;
        let mut outlet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut with_end = WithEnd { outlet: &mut *outlet, end: Some([messages.as_fd(), notes.as_fd()]) };
        send(&mut with_end, message, payload)?;
        Ok(lane)
    }
}

/// An outlet whose next bytes have a lane's end with them.
struct WithEnd<'e> {
    outlet: &'e mut dyn Outlet,
    end: Option<[BorrowedFd<'e>; 2]>,
}

impl Write for WithEnd<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(end) = self.end else { return self.outlet.write(bytes) };
        let written = self.outlet.write_with(bytes, end)?;
        self.end = None;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.outlet.flush()
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Voice").finish_non_exhaustive()
    }
}

/// Sends a message.
fn send(
    to: &mut (impl Write + ?Sized),
    message: &impl Serialize,
    payload: &[u8],
) -> Result<(), ChannelError> {
    let head = postcard::to_allocvec(message).map_err(|_| ChannelError::Malformed)?;
    let lengths = (fits(head.len(), HEAD_BYTES_MAX)?, fits(payload.len(), u32::MAX)?);
    let mut first = Vec::with_capacity(8 + head.len() + payload.len().min(TOGETHER_BYTES));
    first.extend(lengths.0.to_le_bytes());
    first.extend(lengths.1.to_le_bytes());
    first.extend(head);
    if payload.len() <= TOGETHER_BYTES {
        first.extend(payload);
        return Ok(to.write_all(&first)?);
    }
    to.write_all(&first)?;
    Ok(to.write_all(payload)?)
}

/// Receives a message with at most so many bytes beside its head.
pub(crate) fn receive<T: DeserializeOwned>(
    from: &mut impl Read,
    most: u32,
) -> Result<(T, Vec<u8>), ChannelError> {
    let mut lengths = [[0; 4]; 2];
    from.read_exact(lengths.as_flattened_mut())?;
    let [head, payload] = lengths.map(u32::from_le_bytes);
    let read = |from: &mut dyn Read, bytes: u32, most: u32| {
        let mut content = vec![0; fits(bytes as usize, most)? as usize];
        from.read_exact(&mut content)?;
        Ok::<_, ChannelError>(content)
    };
    let head = read(from, head, HEAD_BYTES_MAX)?;
    let (message, rest) = postcard::take_from_bytes(&head).map_err(|_| ChannelError::Malformed)?;
    if !rest.is_empty() {
        return Err(ChannelError::Malformed);
    }
    Ok((message, read(from, payload, most)?))
}

fn fits(bytes: usize, most: u32) -> Result<u32, ChannelError> {
    let too_large = ChannelError::TooLarge { bytes: bytes as u64, most: u64::from(most) };
    u32::try_from(bytes).ok().filter(|bytes| *bytes <= most).ok_or(too_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_sent() {
        for bytes in [0, 1, TOGETHER_BYTES, TOGETHER_BYTES + 1] {
            let mut sent = Vec::new();
            send(&mut sent, &("head", 7u32), &vec![5; bytes]).expect("a vector takes it");
            let received: ((String, u32), Vec<u8>) =
                receive(&mut sent.as_slice(), bytes as u32).expect("it is whole");
            assert_eq!(received, (("head".to_owned(), 7), vec![5; bytes]));
        }
    }

    #[test]
    fn damaged_messages_are_refused() {
        let mut sent = Vec::new();
        send(&mut sent, &("head", 7u32), &[1, 2, 3]).expect("a vector takes it");
        let read = |bytes: &[u8], most| receive::<(String, u32)>(&mut &*bytes, most);
        assert!(matches!(read(&sent, 2), Err(ChannelError::TooLarge { bytes: 3, most: 2 })));
        for end in 0..sent.len() {
            assert!(matches!(read(&sent[..end], 3), Err(ChannelError::Io(_))), "{end}");
        }
        let mut large = sent.clone();
        large[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read(&large, 3), Err(ChannelError::TooLarge { .. })));
        let mut other = sent.clone();
        other[8] = 200;
        assert!(matches!(read(&other, 3), Err(ChannelError::Malformed)));
    }
}
