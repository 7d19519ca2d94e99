//! What is asked of the mesh from outside the machine, by whoever shows the topology, and what it answers.

pub use crate::agency::Asked;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use services_zmesh::{DeadLetter, Message, Observed, PathStats};
use services_zrun::agents::{Outcome, Spent};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// What came for these user interfaces, and what passed where someone watches; with counts, what the mesh is like, too.
    Look {
        /// Whether counts are wanted.
        counts: bool,
        /// Numbers of the spaces whose pages are open.
        shown: Vec<u32>,
    },
    /// Sends a user interface's message.
    Send {
        /// The space's number.
        space: u32,
        /// Where to.
        to: String,
        /// The message.
        body: Vec<u8>,
    },
    /// Gives a user interface the events of a name from now on.
    Follow {
        /// The space's number.
        space: u32,
        /// The event.
        event: String,
    },
    /// Copies what passes on a path from now on.
    Watch {
        /// The space that sends.
        from: String,
        /// The path.
        path: String,
    },
    /// Ends that.
    Unwatch(u64),
    /// A request was made that was handed out.
    Answered {
        /// Its number.
        number: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// Asks whoever decides what runs; the answer says that the order waits for it.
    Order {
        /// The space's number.
        space: u32,
        /// What is to be done.
        order: Order,
    },
}

/// What an operator may want of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// That it starts anew, also where it has ended for good.
    Restart,
    /// That it ends at once, as a failure.
    Kill,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// What was looked for.
    Seen(Seen),
    /// The message's number, 0 where the path drops what it has no room for.
    Sent(u64),
    /// It is done.
    Done,
    /// The number by which what passes is told.
    Watching(u64),
    /// It is not done.
    Refused {
        /// The name of the Guest ABI's error code.
        code: String,
        /// Why, for people.
        why: String,
    },
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What the mesh is like, where that was asked for.
    pub counts: Option<Counts>,
    /// Messages for user interfaces, oldest first.
    pub messages: Vec<(u32, Letter)>,
    /// What passed where someone watches, oldest first.
    pub watched: Vec<(u64, Passed)>,
    /// Requests that are to be made, each told once.
    pub asked: Vec<Asked>,
}

/// What the mesh is like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Spaces, in the order of the configuration.
    pub spaces: Vec<Standing>,
    /// Paths, in the order of the declaration.
    pub paths: Vec<PathStats>,
    /// The latest dead letters, oldest first.
    pub dead: Vec<DeadLetter>,
    /// What was spent today on each model of the topology, by name.
    pub spent: Vec<(String, Spent)>,
}

/// How a space is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The instance that runs; none where it does not.
    pub instance: Option<u64>,
    /// Messages that wait for it.
    pub waiting: u64,
}

/// A message for a user interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Who sent it: `name#instance`.
    pub from: String,
    /// The sender's number of it.
    pub id: u64,
    /// How it came.
    pub way: Way,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// How a message came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Along a path.
    Path(String),
    /// As an event.
    Event(String),
    /// As the answer to the message of that number.
    Answer(u64),
}

/// A message that passed where someone watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// How many passed unseen before it.
    pub missed: u64,
    /// Whether it went back along the path.
    pub is_answer: bool,
    /// The message.
    pub letter: Letter,
}

impl From<&Message> for Letter {
    fn from(message: &Message) -> Self {
        let way = match (&message.event, &message.answers) {
            (Some(event), _) => Way::Event(String::from(&*event.name)),
            (None, Some(id)) => Way::Answer(id.number),
            (None, None) => Way::Path(String::from(&*message.path)),
        };
        Self {
            from: alloc::format!("{}#{}", message.id.space, message.id.instance),
            id: message.id.number,
            way,
            time: message.time,
            body: message.body.to_vec(),
        }
    }
}

impl From<&Observed> for Passed {
    fn from(observed: &Observed) -> Self {
        let Observed { missed, is_answer, message } = observed;
        Self { missed: *missed, is_answer: *is_answer, letter: message.into() }
    }
}

impl Question {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// From its bytes, and no others.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        whole(bytes)
    }
}

impl Answer {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// From its bytes, and no others.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        whole(bytes)
    }
}

fn whole<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    postcard::take_from_bytes(bytes).ok().filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}
