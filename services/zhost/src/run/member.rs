//! A space of a topology that was started here.

use super::milliseconds;
use sci::guest::GuestCapability;
use services_zmesh::Message;
use services_zrun::Grants;
use services_zrun::linux::{Bench, Sound};
use services_zrun::remote::{Server, Wait};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Instant;

/// Messages that are kept for the pages of a user interface.
const SHOWN_MAX: usize = 256;

/// What a space is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It begins: `on_init` has not returned.
    Starting,
    /// It runs.
    Running,
    /// It has ended.
    Ended {
        /// Whether by a failure.
        failed: bool,
        /// How.
        reason: String,
    },
}

impl Standing {
    /// An end that is no failure.
    pub fn ended(reason: &str) -> Self {
        Self::Ended { failed: false, reason: reason.to_owned() }
    }

    /// An end by a failure.
    pub fn failed(reason: String) -> Self {
        Self::Ended { failed: true, reason }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => write!(f, "it begins"),
            Self::Running => write!(f, "it runs"),
            Self::Ended { failed: false, reason } => write!(f, "{reason}"),
            Self::Ended { failed: true, reason } => write!(f, "it failed: {reason}"),
        }
    }
}

/// What became of a space's starts since the machine's parent began.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// How many there were.
    pub starts: u64,
    /// When it failed last, in milliseconds since 1970, and why.
    pub failure: Option<(u64, String)>,
}

impl Past {
    /// Keeps how a start stands.
    pub fn note(&mut self, standing: &Standing) {
        if let Standing::Ended { failed: true, reason } = standing {
            self.failure = Some((milliseconds(), reason.clone()));
        }
    }
}

/// What a space may store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Storage {
    /// Bytes.
    pub bytes: u64,
    /// Whether that is stated: it ends when it wants to store more.
    pub is_strict: bool,
    /// Whether it is gone when the space stops.
    pub is_ephemeral: bool,
}

/// What became of the message that a space was brought when it was called last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It was brought none, or took it.
    Nothing,
    /// Nobody knows yet.
    Message,
    /// It left it: it is called again when there are more.
    Left,
}

/// A start of a space.
pub struct Member {
    /// Which start it is.
    pub epoch: u64,
    pub standing: Standing,
    pub grants: Grants,
    /// Its number in the process; none, when nothing of it runs there.
    pub number: Option<u32>,
    pub server: Option<Server>,
    pub storage: Storage,
    /// Thousandths of a processor that it may use, where that is stated.
    pub share: Option<u32>,
    /// Bytes of its memory.
    pub memory: u64,
    /// Why it is being ended, if it does not end by itself.
    pub ending: Option<String>,
    /// How many of its messages in a row there was no room for.
    pub refused: u32,
    /// What it is told of the last one when there is room, or later.
    pub late: Option<Vec<u8>>,
    /// Its own queue was full, and this was said.
    pub is_full: bool,
    /// It waits to be called.
    pub awaits: bool,
    /// It will ask when it waits; else it only leaves a note.
    pub asks: bool,
    /// How many times something arrived for it.
    pub arrivals: u32,
    pub brought: Brought,
    /// Messages that waited when it was called last, and wait still.
    pub seen: usize,
    /// What `net.message_info` answers.
    pub info: Option<String>,
    /// When it must have ended.
    pub end_by: Option<Instant>,
    /// The latest messages for the pages of a user interface. None of them slows a sender: what no page fetched in time is
    /// a dead letter.
    pub shown: VecDeque<Message>,
    /// Its sensors and actuators.
    pub bench: Option<Bench>,
    /// Its microphone and speaker.
    pub sound: Option<Sound>,
    /// Ids of its sensors and actuators.
    pub devices: Vec<String>,
    /// Events that it may emit.
    pub events: Vec<String>,
    /// How often it used what.
    pub used: BTreeMap<&'static str, u64>,
}

impl Member {
    pub fn new(epoch: u64) -> Self {
        Self {
            epoch,
            standing: Standing::Starting,
            grants: Grants::default(),
            number: None,
            server: None,
            storage: Storage::default(),
            share: None,
            memory: 0,
            ending: None,
            refused: 0,
            late: None,
            is_full: false,
            awaits: false,
            asks: true,
            arrivals: 0,
            brought: Brought::Nothing,
            seen: 0,
            info: None,
            end_by: None,
            shown: VecDeque::new(),
            bench: None,
            sound: None,
            devices: Vec::new(),
            events: Vec::new(),
            used: BTreeMap::new(),
        }
    }

    /// Keeps a message for a page; the oldest, where there is no room for it any more.
    pub fn show(&mut self, message: Message) -> Option<Message> {
        let oldest = if self.shown.len() == SHOWN_MAX { self.shown.pop_front() } else { None };
        self.shown.push_back(message);
        oldest
    }

    /// It waits to be called, if nothing arrived since it said so.
    pub fn waits(&mut self, wait: Wait) {
        if !wait.is_after(self.arrivals) {
            return;
        }
        (self.awaits, self.asks) = (true, false);
        // It may say so of what it was brought, and of nothing else.
        let was_brought = std::mem::replace(&mut self.brought, Brought::Nothing) != Brought::Nothing;
        if was_brought && wait.is_left {
            self.brought = Brought::Left;
        } else if was_brought {
            self.count(GuestCapability::NetRecvNext);
        }
    }

    /// Something arrives for it: it waits no longer. `asks` is whether it is to ask when it does again.
    pub fn called(&mut self, seen: usize, asks: bool) {
        self.arrivals = self.arrivals.wrapping_add(1);
        (self.awaits, self.asks, self.seen) = (false, asks, seen);
    }

    /// Counts a use.
    pub fn count(&mut self, capability: GuestCapability) {
        *self.used.entry(capability.name()).or_default() += 1;
    }
}
