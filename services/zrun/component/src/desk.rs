//! Where a request is put together and its reply waits.

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
