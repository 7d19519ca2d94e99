//! A way of its own between the parent and one thread of a child: what goes along it wakes nobody else. Messages go to the
//! child; notes go back, and wake nobody at all: the parent finds the last one when it looks.

use crate::channel::ChannelError;
use crate::wait;
use rustix::event::{EventfdFlags, PollFlags, eventfd};
use rustix::io::ioctl_fionbio;
use rustix::process::{Resource, getrlimit};
use std::io::{self, BufReader, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Bytes before a message: its length, its kind.
const HEAD_BYTES: usize = 5;
/// Bytes that are read at once: most messages.
const BUFFER_BYTES: usize = 1024;
/// Descriptors that lanes leave for files, connections and modules.
const DESCRIPTORS_LEFT: u64 = 64;
/// How long a child may leave a message half taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// The parent's end. Once it is dropped the other end has nothing more to receive.
#[derive(Debug)]
pub struct Lane {
    messages: PipeWriter,
    /// What was added to the last note since it was looked for.
    notes: OwnedFd,
    last: AtomicU32,
}

/// The child's end.
#[derive(Debug)]
pub struct LaneEnd {
    messages: BufReader<PipeReader>,
    notes: OwnedFd,
    last: u32,
}

/// Whether as many descriptors are left beside this one, which is the newest, as a process needs for what cannot go another
/// way. Replies can.
pub(crate) fn leaves_room(newest: &OwnedFd) -> bool {
    let most = most_descriptors();
    let left = DESCRIPTORS_LEFT.min(most / 2);
    // The lowest number that is free is given.
    u64::try_from(newest.as_raw_fd()).is_ok_and(|newest| newest < most - left)
}

/// How many descriptors this process may have, as it was when this was asked first: later it may be forbidden to ask.
pub(crate) fn most_descriptors() -> u64 {
    static MOST: OnceLock<u64> = OnceLock::new();
    *MOST.get_or_init(|| getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

/// A lane, and the descriptors of its other end.
pub(crate) fn pair() -> io::Result<(Lane, [OwnedFd; 2])> {
    let (theirs, messages) = io::pipe()?;
    ioctl_fionbio(&messages, true)?;
    let notes = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    if !leaves_room(&notes) {
        return Err(rustix::io::Errno::MFILE.into());
    }
    let end = [theirs.into(), notes.try_clone()?];
    Ok((Lane { messages, notes, last: AtomicU32::new(0) }, end))
}

impl Lane {
    /// Sends a message of some kind. After an error nothing more can be sent.
    pub fn send(&self, kind: u8, message: &[u8]) -> Result<(), ChannelError> {
        let too_large = ChannelError::TooLarge { bytes: message.len() as u64, most: u64::from(u32::MAX) };
        let length = u32::try_from(message.len()).map_err(|_| too_large)?;
        let mut whole = Vec::with_capacity(HEAD_BYTES + message.len());
        whole.extend_from_slice(&length.to_le_bytes());
        whole.push(kind);
        whole.extend_from_slice(message);
        let (mut left, mut messages) = (whole.as_slice(), &self.messages);
        while !left.is_empty() {
            match messages.write(left) {
                Ok(written) => left = left.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&self.messages, PollFlags::OUT, PATIENCE)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The last note, if one was left since it was looked for.
    pub fn note(&self) -> Option<u32> {
        let mut more = [0; 8];
        rustix::io::read(&self.notes, &mut more).ok()?;
        let more = u64::from_ne_bytes(more) as u32;
        Some(self.last.fetch_add(more, Ordering::Relaxed).wrapping_add(more))
    }
}

impl LaneEnd {
    pub(crate) fn new([messages, notes]: [OwnedFd; 2]) -> Self {
        Self { messages: BufReader::with_capacity(BUFFER_BYTES, messages.into()), notes, last: 0 }
    }

    /// Leaves a note, in the place of the last one.
    pub fn leave(&mut self, note: u32) -> Result<(), ChannelError> {
        let more = note.wrapping_sub(self.last);
        self.last = note;
        rustix::io::write(&self.notes, &u64::from(more).to_ne_bytes()).map_err(io::Error::from)?;
        Ok(())
    }

    /// Receives a message of at most so many bytes, and its kind.
    pub fn receive(&mut self, most: u32) -> Result<(u8, Vec<u8>), ChannelError> {
        let mut head = [0; HEAD_BYTES];
        self.messages.read_exact(&mut head)?;
        let [length @ .., kind] = head;
        let bytes = u32::from_le_bytes(length);
        if bytes > most {
            return Err(ChannelError::TooLarge { bytes: bytes.into(), most: most.into() });
        }
        let mut message = vec![0; bytes as usize];
        self.messages.read_exact(&mut message)?;
        Ok((kind, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn messages_arrive_until_the_lane_is_gone() {
        let (lane, end) = pair().expect("two sockets");
        let mut end = LaneEnd::new(end);
        let large = vec![7; (1 << 20) + 1];
        let expected = large.clone();
        let sender = thread::spawn(move || {
            for message in [&b"one"[..], b"", &large, b"long"] {
                lane.send(message.len() as u8, message).expect("it is taken");
            }
            lane
        });
        assert_eq!(end.receive(3).expect("a message"), (3, b"one".to_vec()));
        assert_eq!(end.receive(3).expect("a message"), (0, Vec::new()));
        assert_eq!(end.receive(u32::MAX).expect("a message"), (1, expected));
        assert!(matches!(end.receive(3), Err(ChannelError::TooLarge { bytes: 4, most: 3 })));
        let lane = sender.join().expect("it has sent all");
        assert_eq!(lane.note(), None);
        end.leave(1).expect("there is room");
        end.leave(2).expect("there is room");
        assert_eq!((lane.note(), lane.note()), (Some(2), None));
        let (lane, theirs) = pair().expect("two sockets");
        drop(lane);
        assert!(matches!(LaneEnd::new(theirs).receive(3), Err(ChannelError::Io(_))));
    }
}
