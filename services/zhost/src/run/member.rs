//! A space of a topology that was started here.

use sci::guest::GuestCapability;
use services_zmesh::Message;
use services_zrun::Grants;
use services_zrun::linux::Bench;
use services_zrun::remote::Server;
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

/// A start of a space.
pub struct Member {
    /// Which start it is.
    pub epoch: u64,
    pub standing: Standing,
    pub grants: Grants,
    /// Its number in the process; none, when nothing of it runs there.
    pub number: Option<u32>,
    pub server: Option<Server>,
    /// Bytes that it may store.
    pub quota: u64,
    pub ephemeral: bool,
    /// It waits to be called.
    pub awaits: bool,
    /// It took a message since it was called last.
    pub took: bool,
    /// Messages that waited when it was called last, and wait still.
    pub seen: usize,
    /// What `net.message_info` answers.
    pub info: Option<String>,
    /// When it must have ended.
    pub end_by: Option<Instant>,
    /// The latest messages for the pages of a user interface. None of them slows a sender: what no page fetched in time is
    /// gone.
    pub shown: VecDeque<Message>,
    /// Its sensors and actuators.
    pub bench: Option<Bench>,
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
            quota: 0,
            ephemeral: false,
            awaits: false,
            took: true,
            seen: 0,
            info: None,
            end_by: None,
            shown: VecDeque::new(),
            bench: None,
            used: BTreeMap::new(),
        }
    }

    /// Keeps a message for a page.
    pub fn show(&mut self, message: Message) {
        if self.shown.len() == SHOWN_MAX {
            self.shown.pop_front();
        }
        self.shown.push_back(message);
    }

    /// Counts a use.
    pub fn count(&mut self, capability: GuestCapability) {
        *self.used.entry(capability.name()).or_default() += 1;
    }
}
