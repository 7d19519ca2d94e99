//! The way of a space's effects out of its process, and of the replies to it.

use super::{ARRIVAL, ARRIVAL_AND_MORE, ASK, MESSAGE_BYTES_MAX, REPLY, Said};
use crate::data::StoreError;
use crate::linux::machine::Clock;
use crate::remote::Channel;
use runtime_sandbox::{LaneEnd, Voice};
use std::sync::mpsc;
use std::thread;

/// The way of the parent's replies to a space.
pub(super) enum Replies {
    Lane {
        lane: LaneEnd,
        /// A request is to be sent when the space waits next.
        asks: bool,
    },
    Queue(mpsc::Receiver<Vec<u8>>),
}

/// The way of a space's effects to the parent.
pub(super) struct ToParent {
    pub space: u32,
    pub voice: Voice,
    pub replies: Replies,
    pub clock: Clock,
}

impl ToParent {
    fn say(&self, request: &[u8]) -> Result<(), StoreError> {
        self.voice.send(&Said::Request(self.space), request).map_err(|_| StoreError::Failed)
    }
}

impl Channel for ToParent {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        if request.len() as u64 > u64::from(MESSAGE_BYTES_MAX) {
            return Err(StoreError::Full);
        }
        self.say(request)?;
        match &mut self.replies {
            Replies::Lane { lane, asks } => loop {
                match lane.receive(MESSAGE_BYTES_MAX) {
                    Ok((REPLY, reply)) => return Ok(reply),
                    Ok((ASK, _)) => *asks = true,
                    _ => return Err(StoreError::Failed),
                }
            },
            Replies::Queue(queue) => queue.recv().map_err(|_| StoreError::Failed),
        }
    }

    fn wait(&mut self, request: &[u8], note: u32) -> Result<Vec<u8>, StoreError> {
        let Replies::Lane { lane, asks } = &mut self.replies else { return self.call(request) };
        if std::mem::take(asks) {
            self.say(request)?;
        } else {
            lane.leave(note).map_err(|_| StoreError::Failed)?;
        }
        loop {
            let Replies::Lane { lane, asks } = &mut self.replies else { return Err(StoreError::Failed) };
            match lane.receive(MESSAGE_BYTES_MAX) {
                Ok((ARRIVAL, reply)) => return Ok(reply),
                // Whoever replies as to any request looks for no notes.
                Ok((ARRIVAL_AND_MORE | REPLY, reply)) => {
                    *asks = true;
                    return Ok(reply);
                }
                Ok((ASK, _)) => self.say(request)?,
                _ => return Err(StoreError::Failed),
            }
        }
    }

    fn monotonic(&mut self) -> u64 {
        self.clock.monotonic()
    }

    fn sleep(&mut self, nanoseconds: u64) -> bool {
        self.clock.sleep(nanoseconds)
    }

    fn pause(&mut self) {
        thread::yield_now();
    }
}
