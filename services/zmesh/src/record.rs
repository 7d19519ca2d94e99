//! The records of a journal: the image that it begins with, then each change. Records are read in order, so numbers of
//! spaces and paths mean the same as when they were written.

use crate::dead::{DeadLetter, KEPT_REASONS};
use crate::declare::{Declaration, PathRules};
use crate::flow::{Entry, FlowId, PathId, Source, SpaceId, StreamId};
use crate::journal::{HEADER, seal};
use crate::mesh::Place;
use crate::message::{MessageId, Time};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Of the records; a mesh reads its own only.
pub(crate) const FORMAT: u32 = 1;

/// A record, and the time at which it was so. A message's bytes follow it.
#[derive(Serialize, Deserialize)]
struct Timed<'r> {
    monotonic: u64,
    realtime: u64,
    #[serde(borrow)]
    record: Record<'r>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Record<'r> {
    #[serde(borrow)]
    Image(Image<'r>),
    #[serde(borrow)]
    Change(Change<'r>),
}

/// A part of an image.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Image<'r> {
    Begin {
        format: u32,
        topology: &'r str,
        host: &'r str,
        incarnation: u64,
        revision: u64,
        last_id: u32,
        arrivals: u64,
    },
    Peer {
        host: &'r str,
        run: u64,
    },
    Space {
        id: SpaceId,
        name: &'r str,
        place: Place,
        live: Option<u64>,
        newest: u64,
        sent: u64,
        itself: PathId,
    },
    /// With the number of its last message each way.
    Path {
        id: PathId,
        from: SpaceId,
        name: &'r str,
        to: SpaceId,
        rules: PathRules,
        since: u64,
        last: [u64; 2],
    },
    /// The next number is that after the last of its messages that are held.
    Copies {
        flow: FlowId,
        stream: StreamId,
        taken: u64,
        done: u64,
        ended: bool,
    },
    /// A message, with its bytes.
    Held {
        flow: FlowId,
        source: Source,
        entry: Entry,
    },
    /// The first message of this queue is in process.
    InProcess {
        space: SpaceId,
        flow: FlowId,
        source: Source,
    },
    Event {
        space: SpaceId,
        name: &'r str,
    },
    Subscribed {
        space: SpaceId,
        event: &'r str,
    },
    Answerable {
        space: SpaceId,
        id: MessageId,
        flow: FlowId,
        answers: u32,
        until: Option<u64>,
    },
    Dead(DeadLetter),
    DeadCounts {
        counts: [u64; KEPT_REASONS],
        forgotten: u64,
    },
    End,
}

/// A change that a mesh made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Change<'r> {
    Declared(Declaration),
    Started {
        space: SpaceId,
        instance: u64,
    },
    Placed {
        space: SpaceId,
        instance: u64,
        host: &'r str,
    },
    Stopped {
        space: SpaceId,
    },
    Retired {
        space: SpaceId,
    },
    PeerUp {
        host: &'r str,
        run: u64,
    },
    PeerDown {
        host: &'r str,
    },
    /// A message was taken from its sender; its bytes follow.
    Sent {
        flow: FlowId,
        arrival: u64,
        /// Which of the instance's messages.
        number: u64,
        answers: Option<MessageId>,
        only: Option<u64>,
    },
    /// A space took the message that came at this place; what waited before it was dead, and what was in process done.
    Taken {
        space: SpaceId,
        arrival: u64,
    },
    /// A space took an event, or nothing: what waited up to this place was dead, and what was in process done.
    Passed {
        space: SpaceId,
        until: u64,
    },
    Subscribed {
        space: SpaceId,
        event: &'r str,
    },
    Finished {
        space: SpaceId,
    },
    Expired,
    Opened {
        flow: FlowId,
        stream: StreamId,
        first: u64,
    },
    /// A copy was taken; its bytes follow.
    Accepted {
        flow: FlowId,
        stream: StreamId,
        entry: Entry,
    },
    Progress {
        flow: FlowId,
        taken: u64,
        done: u64,
    },
    /// The host began anew, and only the instances of these spaces still ran.
    Resumed {
        running: Vec<SpaceId>,
    },
}

/// Makes a frame of a record.
pub(crate) fn encode(time: Time, record: Record<'_>, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + 64 + body.len());
    frame.extend_from_slice(&[0; HEADER]);
    let timed = Timed { monotonic: time.monotonic, realtime: time.realtime, record };
    let mut frame = postcard::to_extend(&timed, frame).expect("a record has nothing that cannot be written");
    frame.extend_from_slice(body);
    seal(&mut frame);
    frame
}

/// Reads a frame's payload: the time, the record, the bytes after it.
pub(crate) fn decode(payload: &[u8]) -> Option<(Time, Record<'_>, &[u8])> {
    let (Timed { monotonic, realtime, record }, body) = postcard::take_from_bytes(payload).ok()?;
    Some((Time { monotonic, realtime }, record, body))
}
