//! What hosts tell each other about a path.

use crate::declare::is_name;
use crate::flow::{EVENT_PATH, SELF_PATH};
use crate::journal::JournalError;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Where a frame goes: `z.<topology>.<source host>.<destination host>.<path>`. A host's credential lets it publish
/// as itself and subscribe to itself only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The topology.
    pub topology: String,
    /// The host that sends.
    pub source: String,
    /// The host that gets it.
    pub destination: String,
    /// The path's name; several senders may have a path of that name.
    pub path: String,
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topology, source, destination, path } = self;
        write!(formatter, "z.{topology}.{source}.{destination}.{path}")
    }
}

impl Subject {
    /// Reads what [`fmt::Display`] writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut tokens = text.split('.');
        let mut next = || tokens.next();
        if next()? != "z" {
            return None;
        }
        let (topology, source, destination, path) = (next()?, next()?, next()?, next()?);
        let is_path = is_name(path) || [SELF_PATH, EVENT_PATH].contains(&path);
        let is_subject =
            next().is_none() && is_path && [topology, source, destination].into_iter().all(is_name);
        is_subject.then(|| Self {
            topology: topology.into(),
            source: source.into(),
            destination: destination.into(),
            path: path.into(),
        })
    }
}

/// A frame: what it is about, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame<'f> {
    /// Run of the host that sends it.
    pub incarnation: u64,
    /// Revision of the topology that it knows.
    pub revision: u64,
    /// The space whose path it is, and where that leads: another host may know another path of that name.
    pub from: &'f str,
    pub to: &'f str,
    /// The way back.
    pub answers: bool,
    /// What the host that has the messages calls the path.
    pub stream: u32,
    #[serde(borrow)]
    pub part: Part<'f>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part<'f> {
    #[serde(borrow)]
    Message(Carried<'f>),
    /// To the host that has the messages: how far the receiver is. The run of that host is named, since a later
    /// one knows other messages under these numbers.
    Progress { of: u64, accepted: u64, taken: u64, done: u64 },
    /// `to` is the event's name. It is sent once, and nobody answers.
    #[serde(borrow)]
    Event(Happened<'f>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Happened<'f> {
    pub instance: u64,
    /// Which of the instance's events of this name.
    pub number: u64,
    pub time: u64,
    pub body: &'f [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Carried<'f> {
    pub number: u64,
    /// Number of the first message that is not done: a receiver that knows nothing begins there.
    pub first: u64,
    /// The newest instance of the receiver that the sender's host knows: what was meant for an earlier stay of the
    /// receiver on a host is not taken by a later one.
    pub receiver: u64,
    /// The sender's instance, and which of its messages it is.
    pub id: (u64, u64),
    /// Which of the receiver's messages it answers: instance and number.
    pub answers: Option<(u64, u64)>,
    pub only: Option<u64>,
    pub age: u64,
    pub time: u64,
    pub body: &'f [u8],
}

impl Frame<'_> {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a frame has nothing that cannot be written")
    }
}

/// Why a frame was not taken. It is no error of this host's, and the sender is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The subject is another topology's, or for another host.
    #[error("`{0}` is not for this host and topology")]
    NotForUs(String),
    /// The bytes are no frame.
    #[error("a frame on `{0}` cannot be read")]
    Unreadable(String),
    /// It is from no run of a host that is known to be up.
    #[error("run {incarnation} of host `{host}` is not known to be up")]
    Stranger {
        /// The host.
        host: String,
        /// Which run of it.
        incarnation: u64,
    },
    /// It is on a path that nobody declared.
    #[error("host `{host}` sent on the path `{path}` of `{from}`, which is not declared")]
    NoSuchPath {
        /// The host.
        host: String,
        /// The space that would have the path.
        from: String,
        /// The path.
        path: String,
    },
    /// It has an event that nobody declared.
    #[error("host `{host}` sent the event `{event}` of `{from}`, which is not declared")]
    NoSuchEvent {
        /// The host.
        host: String,
        /// The space that would emit it.
        from: String,
        /// The event.
        event: String,
    },
    /// It has an event of a space that is not known to be on its host.
    #[error("`{from}`, whose event host `{host}` sent, is not there")]
    NotFrom {
        /// The host.
        host: String,
        /// The space.
        from: String,
    },
    /// The host does not know yet that the path was removed and declared again.
    #[error("host `{host}` knows revision {revision} of the topology; the path is of revision {since}")]
    OldRevision {
        /// The host.
        host: String,
        /// The revision that it knows.
        revision: u64,
        /// The one that has the path.
        since: u64,
    },
    /// The receiver is not here, or no longer as the sender knows it.
    #[error("`{0}` is not here")]
    NotHere(String),
    /// It could not be written to the journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no room for it.
    #[error("no room for what host `{0}` sends: more than its credit, or this host is full")]
    NoRoom(String),
}

pub(crate) fn unreadable(subject: &Subject) -> FrameError {
    FrameError::Unreadable(format!("{subject}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn subjects_have_one_form() {
        for text in ["z.app.a.b.read-store", "z.app.a.b.@self", "z.app.a.b.@events"] {
            assert_eq!(Subject::parse(text).map(|subject| subject.to_string()).as_deref(), Some(text));
        }
        let none =
            ["", "z", "z.app.a.b", "z.app.a.b.c.d", "y.app.a.b.c", "z.app.*.b.c", "z.app.a.>.c", "z.A.a.b.c"];
        assert!(none.into_iter().all(|text| Subject::parse(text).is_none()));
    }
}
