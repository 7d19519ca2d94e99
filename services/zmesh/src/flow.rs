//! One way of a path: what waits on it, and the credit of its sender.

use crate::declare::PathRules;
use crate::limits;
use crate::message::{Message, MessageId};
use crate::stats::Counter;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use serde::{Deserialize, Serialize};

pub(crate) type SpaceId = u32;
/// Never given twice by one mesh, so that it also names the stream of what is sent on the path from here.
pub(crate) type PathId = u32;

/// The path that each space has to itself; no declared path can have this name.
pub(crate) const SELF_PATH: &str = "@self";

/// What events come along; no declared path can have this name either.
pub(crate) const EVENT_PATH: &str = "@events";

/// One way of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct FlowId {
    pub path: PathId,
    /// Back from the receiver to the sender.
    pub answers: bool,
}

/// Where a message that may be taken is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Source {
    /// With its sender, on this host.
    Owned,
    /// A copy of what a sender on another host has.
    Copy(StreamId),
}

/// A stream of messages from another host: the host, which run of it, and what it calls the path.
pub(crate) type StreamId = (Arc<str>, u64, u32);

pub(crate) struct Path {
    pub from: SpaceId,
    pub name: Arc<str>,
    pub to: SpaceId,
    pub rules: PathRules,
    /// Revision of the topology in which this host first had it.
    pub since: u64,
    pub messages: Flow,
    pub answers: Flow,
}

impl Path {
    pub fn new(from: SpaceId, name: Arc<str>, to: SpaceId, rules: PathRules, since: u64) -> Self {
        Self { from, name, to, rules, since, messages: Flow::default(), answers: Flow::default() }
    }

    pub fn flow(&self, answers: bool) -> &Flow {
        if answers { &self.answers } else { &self.messages }
    }

    pub fn flow_mut(&mut self, answers: bool) -> &mut Flow {
        if answers { &mut self.answers } else { &mut self.messages }
    }

    /// Who sends this way, and who receives.
    pub fn ends(&self, answers: bool) -> (SpaceId, SpaceId) {
        if answers { (self.to, self.from) } else { (self.from, self.to) }
    }
}

#[derive(Default)]
pub(crate) struct Flow {
    pub owned: Owned,
    pub copies: BTreeMap<StreamId, Copies>,
    pub counter: Counter,
}

impl Flow {
    pub fn queue(&self, source: &Source) -> Option<&Queue> {
        match source {
            Source::Owned => Some(&self.owned.queue),
            Source::Copy(stream) => self.copies.get(stream).map(|copies| &copies.queue),
        }
    }

    pub fn queue_mut(&mut self, source: &Source) -> Option<&mut Queue> {
        match source {
            Source::Owned => Some(&mut self.owned.queue),
            Source::Copy(stream) => self.copies.get_mut(stream).map(|copies| &mut copies.queue),
        }
    }
}

/// A message on its way. In a record its bytes follow the rest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its place in the stream, from 1 without gaps.
    pub number: u64,
    /// Its place among everything that came to this mesh.
    pub arrival: u64,
    pub id: MessageId,
    pub answers: Option<MessageId>,
    /// The only instance that it is for.
    pub only: Option<u64>,
    /// Real time of sending.
    pub time: u64,
    /// Monotonic time at which this mesh got it, and how old it was.
    pub arrived: u64,
    pub age: u64,
    /// Whether its sender's credit is still out.
    pub credit: bool,
    pub deliveries: u32,
    #[serde(skip)]
    pub body: Arc<[u8]>,
}

impl Entry {
    pub fn age(&self, now: u64) -> u64 {
        self.age.saturating_add(now.saturating_sub(self.arrived))
    }

    /// Whether it is older than its path allows. What was given once was in time.
    pub fn is_expired(&self, after: Option<u64>, now: u64) -> bool {
        self.deliveries == 0 && after.is_some_and(|most| self.age(now) > most)
    }

    pub fn message(&self, path: &Arc<str>) -> Message {
        Message {
            id: self.id.clone(),
            path: Arc::clone(path),
            answers: self.answers.clone(),
            time: self.time,
            redelivered: self.deliveries,
            event: None,
            body: Arc::clone(&self.body),
        }
    }
}

/// Messages in order. The first may be in process; it leaves when it is done.
#[derive(Default)]
pub(crate) struct Queue {
    pub entries: VecDeque<Entry>,
    pub bytes: u64,
    pub in_process: bool,
}

impl Queue {
    pub fn push(&mut self, entry: Entry) {
        self.bytes += entry.body.len() as u64;
        self.entries.push_back(entry);
    }

    /// Takes the first out, whether it is in process or not.
    pub fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.body.len() as u64;
        self.in_process = false;
        Some(entry)
    }

    /// Messages that nobody was given yet, and their bytes: only the first may have been.
    pub fn fresh(&self) -> (usize, u64) {
        let given = self.entries.front().filter(|entry| entry.deliveries > 0);
        let given_bytes = given.map_or(0, |entry| entry.body.len() as u64);
        (self.entries.len() - usize::from(given.is_some()), self.bytes - given_bytes)
    }

    /// The message that came at this place.
    pub fn find(&self, arrival: u64) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&arrival, |entry| entry.arrival).ok()?;
        self.entries.get(at)
    }
}

/// What senders on this host gave; it stays until the receiver is done with it.
#[derive(Default)]
pub(crate) struct Owned {
    pub queue: Queue,
    /// Number of the last message.
    pub last: u64,
    /// Credit that is out.
    pub used_messages: u32,
    pub used_bytes: u64,
    /// Whether a sender was refused for want of credit and not told since that there is some.
    pub starved: bool,
    pub link: Link,
}

impl Owned {
    pub fn has_room(&self, bytes: usize, rules: &PathRules) -> bool {
        self.used_messages < rules.messages && self.used_bytes + bytes as u64 <= u64::from(rules.bytes)
    }

    /// Number of the first message that is not done.
    pub fn first(&self) -> u64 {
        self.queue.entries.front().map_or(self.last + 1, |entry| entry.number)
    }

    /// Gives back the credit of messages up to this number; whether the sender waits for it.
    pub fn settle(&mut self, number: u64) -> bool {
        let mut given = false;
        for entry in self.queue.entries.iter_mut().take_while(|entry| entry.number <= number) {
            if entry.credit {
                entry.credit = false;
                given = true;
                self.used_messages -= 1;
                self.used_bytes -= entry.body.len() as u64;
            }
        }
        given && core::mem::take(&mut self.starved)
    }
}

/// How far a receiver on another host is, as far as is known.
pub(crate) struct Link {
    pub sent: u64,
    pub accepted: u64,
    pub retry_at: u64,
    pub wait: u64,
}

impl Default for Link {
    fn default() -> Self {
        Self { sent: 0, accepted: 0, retry_at: 0, wait: limits::RETRY_NANOSECONDS }
    }
}

impl Link {
    /// Begins anew before this number: another host, or another run of it.
    pub fn reset(&mut self, first: u64) {
        *self = Self { sent: first - 1, accepted: first - 1, ..Self::default() };
    }
}

/// What a sender on another host has, and this host accepted.
pub(crate) struct Copies {
    pub queue: Queue,
    /// Number of the next message.
    pub expected: u64,
    pub taken: u64,
    pub done: u64,
    /// The sender's host has forgotten it: nothing more will come.
    pub ended: bool,
}

impl Copies {
    pub fn from(first: u64) -> Self {
        Self { queue: Queue::default(), expected: first, taken: first - 1, done: first - 1, ended: false }
    }
}
