//! Requests and replies in parts, where a message has room for a few bytes only: both ends.

use super::Channel;
use crate::data::StoreError;
use alloc::vec::Vec;

/// Bytes of a request or a reply.
pub const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// A request that is larger than the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// One client's request and reply.
#[derive(Debug, Default)]
pub struct Desk {
    request: Vec<u8>,
    reply: Vec<u8>,
}

impl Desk {
    /// Adds a part of a request; one that becomes too large is dropped.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        let fits = bytes.len() <= MESSAGE_BYTES_MAX - self.request.len();
        if !fits || self.request.try_reserve(bytes.len()).is_err() {
            self.request = Vec::new();
            return Err(TooLarge);
        }
        self.request.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds the last part, has the request carried out, and gives the reply's first bytes; answers how many it has.
    pub fn call(
        &mut self,
        bytes: &[u8],
        first: &mut [u8],
        serve: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Result<u32, TooLarge> {
        self.put(bytes)?;
        let request = core::mem::take(&mut self.request);
        // The last reply makes room for the next one.
        self.reply = Vec::new();
        self.reply = serve(&request);
        self.take(0, first);
        Ok(self.reply.len() as u32)
    }

    /// Gives the reply's bytes from an offset on; answers how many.
    pub fn take(&self, offset: u32, bytes: &mut [u8]) -> u32 {
        let rest = self.reply.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        count as u32
    }

    /// Bytes that it holds.
    pub fn held(&self) -> usize {
        self.request.len() + self.reply.len()
    }

    /// Forgets the reply if an offset is its end: whoever asked has all of it.
    pub fn taken_to(&mut self, offset: usize) {
        if offset >= self.reply.len() {
            self.reply = Vec::new();
        }
    }
}

/// Bytes of a part.
pub const PART_BYTES: usize = 4096;
/// Bytes of a reply that come with the last part of a request.
pub const FIRST_BYTES: usize = 512;
/// Bytes of a request's last part: both share the room.
const LAST_BYTES: usize = PART_BYTES - FIRST_BYTES;

/// The way to a [`Desk`].
pub trait Parts {
    /// As [`Desk::put`].
    fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError>;
    /// As [`Desk::call`].
    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, StoreError>;
    /// As [`Desk::take`].
    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, StoreError>;
}

/// A store behind a desk.
pub struct Kept<P>(pub P);

impl<P: Parts> Channel for Kept<P> {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        exchange(&mut self.0, request)
    }

    /// Nobody asks a store for the time, or to wait.
    fn monotonic(&mut self) -> u64 {
        0
    }

    fn sleep(&mut self, _: u64) -> bool {
        false
    }

    fn pause(&mut self) {}
}

/// Makes a component's clients of interfaces like `Host`, which its bindings have, ways to a desk, and says by `failed`
/// what the status of a call is to a space.
#[macro_export]
macro_rules! parts {
    ($($host:ty),+; $status:ty) => {
        /// A call that failed: the other side is gone, or it takes no request that large.
        fn failed(status: $status) -> $crate::StoreError {
            if status == <$status>::Quota { $crate::StoreError::Full } else { $crate::StoreError::Failed }
        }

        $(impl $crate::remote::Parts for $host {
            fn put(&mut self, bytes: &[u8]) -> Result<(), $crate::StoreError> {
                Self::put(self, bytes).map_err(failed)
            }

            fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, $crate::StoreError> {
                Self::call(self, bytes, first).map_err(failed)
            }

            fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, $crate::StoreError> {
                Self::take(self, offset, bytes).map_err(failed)
            }
        })+
    };
}

/// Sends a request, and gives the reply.
pub fn exchange(parts: &mut impl Parts, request: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut rest = request;
    while rest.len() > LAST_BYTES {
        let (part, after) = rest.split_at(rest.len().min(PART_BYTES));
        parts.put(part)?;
        rest = after;
    }
    let mut first = [0; FIRST_BYTES];
    let bytes = parts.call(rest, &mut first)? as usize;
    let mut reply = Vec::new();
    reply.try_reserve_exact(bytes).map_err(|_| StoreError::Failed)?;
    reply.extend_from_slice(&first[..bytes.min(FIRST_BYTES)]);
    while reply.len() < bytes {
        let at = reply.len();
        reply.resize(bytes.min(at + PART_BYTES), 0);
        let taken = parts.take(at as u32, &mut reply[at..])?;
        if taken as usize != reply.len() - at {
            return Err(StoreError::Failed);
        }
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// A desk that answers with the request twice.
    #[derive(Default)]
    struct Twice(Desk);

    impl Parts for Twice {
        fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
            assert!(bytes.len() <= PART_BYTES);
            self.0.put(bytes).map_err(|TooLarge| StoreError::Full)
        }
        fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, StoreError> {
            assert!(bytes.len() + first.len() <= PART_BYTES);
            self.0.call(bytes, first, |request| request.repeat(2)).map_err(|TooLarge| StoreError::Full)
        }
        fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, StoreError> {
            assert!(bytes.len() <= PART_BYTES);
            Ok(self.0.take(offset, bytes))
        }
    }

    #[test]
    fn requests_and_replies_of_any_length_go_through() {
        for length in [0, 1, 255, 256, 257, LAST_BYTES, LAST_BYTES + 1, PART_BYTES, 9000, MESSAGE_BYTES_MAX] {
            let request: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(exchange(&mut Twice::default(), &request), Ok(request.repeat(2)), "{length}");
        }
        let large = vec![0; MESSAGE_BYTES_MAX + 1];
        assert_eq!(exchange(&mut Twice::default(), &large), Err(StoreError::Full));
    }

    #[test]
    fn parts_become_a_request_and_a_reply_parts() {
        let mut desk = Desk::default();
        let mut first = [0; 3];
        assert_eq!((desk.put(b"ab"), desk.put(b"")), (Ok(()), Ok(())));
        let reply = desk.call(b"cd", &mut first, |request| request.repeat(2));
        assert_eq!((reply, &first), (Ok(8), b"abc"));
        let mut rest = [0; 9];
        assert_eq!((desk.take(3, &mut rest), &rest[..5]), (5, &b"dabcd"[..]));
        assert_eq!((desk.take(8, &mut rest), desk.take(u32::MAX, &mut rest)), (0, 0));
        assert_eq!(desk.call(b"e", &mut first, |request| request.into()), Ok(1));
    }

    #[test]
    fn a_request_that_is_too_large_is_dropped() {
        let mut desk = Desk::default();
        let half = vec![0; MESSAGE_BYTES_MAX / 2];
        assert_eq!((desk.put(&half), desk.put(&half), desk.put(&[0])), (Ok(()), Ok(()), Err(TooLarge)));
        assert_eq!(desk.call(b"f", &mut [], |request| request.into()), Ok(1));
    }
}
