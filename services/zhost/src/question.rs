//! What a parent is asked, and what it answers: each a line of JSON.

use crate::book::Entry;
use serde::{Deserialize, Serialize};
use services_zdesk::view::{Action, Snapshot};

/// Something asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// Run a package that lies in the folder of packages. Answered by [`Answer::Revision`].
    Submit {
        /// Its SHA-256.
        package: [u8; 32],
    },
    /// How everything is. Answered by [`Answer::Snapshot`].
    Snapshot,
    /// Where the desk is. Answered by [`Answer::Desk`].
    Desk,
    /// Stop an application; answered by [`Answer::Done`] when nothing of it runs.
    Stop {
        /// Its name.
        application: String,
        /// Forget it, and remove what it stored.
        purge: bool,
    },
    /// An application's revisions. Answered by [`Answer::History`].
    History {
        /// Its name.
        application: String,
    },
    /// Bring a revision back. Answered by [`Answer::Revision`].
    Rollback {
        /// The application.
        application: String,
        /// The revision's number.
        revision: u64,
    },
    /// Entries of an application's book; answered by one [`Answer::Entries`], or without end where it is followed.
    Book {
        /// The application.
        application: String,
        /// Of this space only.
        space: Option<String>,
        /// With a number above this one.
        after: u64,
        /// Go on with those to come.
        follow: bool,
    },
    /// Copies of a path's messages from now on: [`Answer::Tapped`] without end.
    Tap {
        /// The application.
        application: String,
        /// The space that sends.
        from: String,
        /// The path.
        path: String,
    },
    /// Put a message into a space's own queue, or send it along a path of its. Answered by [`Answer::Done`].
    Send {
        /// The application.
        application: String,
        /// The space.
        space: String,
        /// The path's name.
        #[serde(default)]
        path: Option<String>,
        /// The message.
        message: Vec<u8>,
    },
    /// Do something to a space. Answered by [`Answer::Done`].
    Act {
        /// The application.
        application: String,
        /// The space.
        space: String,
        /// What to do.
        action: Action,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "with", rename_all = "kebab-case")]
pub enum Answer {
    /// It is done.
    Done,
    /// The application, and its revision's number.
    Revision {
        /// The application.
        application: String,
        /// The number.
        revision: u64,
    },
    /// How everything is.
    Snapshot(Snapshot),
    /// An address that opens the desk once.
    Desk(String),
    /// Revisions, oldest first.
    History(Vec<PastRevision>),
    /// Entries, oldest first.
    Entries(Vec<Entry>),
    /// Copies of messages.
    Tapped(Vec<TappedMessage>),
    /// Messages of the path that reached nobody since this was told last.
    Dead {
        /// How many.
        times: u64,
        /// Why the last of them did not.
        reason: String,
    },
    /// It was not done.
    Problem(Problem),
}

impl Question {
    /// Whether it can be asked again where a parent ended before it answered: it only looks, or twice is as once.
    pub fn may_be_asked_again(&self) -> bool {
        !matches!(self, Self::Submit { .. } | Self::Rollback { .. } | Self::Send { .. } | Self::Act { .. })
    }

    /// Whether it is about spaces that run, and not about what is kept of an application.
    pub(crate) fn is_of_what_runs(&self) -> bool {
        matches!(self, Self::Book { .. } | Self::Tap { .. } | Self::Send { .. } | Self::Act { .. })
    }
}

/// A revision of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRevision {
    /// Its number.
    pub number: u64,
    /// The earlier one that it brought back.
    pub of: Option<u64>,
    /// SHA-256 of its package, in digits.
    pub package: String,
    /// Its spaces.
    pub spaces: Vec<String>,
}

/// A copy of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TappedMessage {
    /// How many passed unseen before it.
    pub missed: u64,
    /// Whether it went back along the path.
    pub is_answer: bool,
    /// Which message it is: `space#instance.number`.
    pub id: String,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Its id, which `space explain` knows.
    pub id: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// A problem.
    pub fn new(id: &str, message: impl Into<String>) -> Self {
        Self { id: id.to_owned(), message: message.into(), help: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
