//! What a topology declares: spaces, and the only paths that messages take.

use crate::limits;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A topology as far as messages are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// Which state of the topology this is; a later one has a higher number. A host is given each, in order: a path
    /// that was removed between two of them and declared again is another path.
    pub revision: u64,
    /// Names of its spaces.
    pub spaces: Vec<String>,
    /// Its paths.
    pub paths: Vec<PathDeclaration>,
    /// The events that its spaces emit.
    pub events: Vec<EventDeclaration>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDeclaration {
    /// The space that emits it.
    pub from: String,
    /// Its name, unique for its space.
    pub name: String,
}

/// A path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathDeclaration {
    /// The space that sends.
    pub from: String,
    /// The path's name, unique for its sender.
    pub name: String,
    /// The space that receives.
    pub to: String,
    /// Bounds and policies.
    pub rules: PathRules,
}

/// Bounds and policies of a path, the same for messages and for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRules {
    /// Messages that may wait: the sender's credit.
    pub messages: u32,
    /// Bytes that may wait.
    pub bytes: u32,
    /// Nanoseconds after which a message that nobody took is a dead letter.
    pub expires_after: Option<u64>,
    /// What happens to a message that has no room.
    pub when_full: WhenFull,
    /// How often a message is given again after its receiver ended with it; then it is a dead letter.
    pub redeliveries: u32,
}

impl Default for PathRules {
    fn default() -> Self {
        Self {
            messages: limits::PATH_MESSAGES,
            bytes: limits::PATH_BYTES,
            expires_after: None,
            when_full: WhenFull::Block,
            redeliveries: limits::REDELIVERIES,
        }
    }
}

/// What happens to a message that has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenFull {
    /// It is refused, and the sender told when there is room again.
    Block,
    /// It becomes a dead letter; the sender goes on.
    Drop,
}

/// Why a declaration is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeclareError {
    /// It is older than what is declared.
    #[error("revision {revision} is older than revision {newest}, which is declared")]
    Older {
        /// Its revision.
        revision: u64,
        /// The one that is declared.
        newest: u64,
    },
    /// A name is none.
    #[error("{what} `{name}`: a name is a small letter, then up to 62 of small letters, digits and `-`")]
    Name {
        /// What it names.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two spaces have one name.
    #[error("space `{0}` is declared twice")]
    SpaceTwice(String),
    /// Two paths of one sender have one name.
    #[error("space `{from}` has two paths named `{name}`: names are unique for each sender")]
    PathTwice {
        /// The sender.
        from: String,
        /// The path.
        name: String,
    },
    /// A space declares an event twice.
    #[error("space `{from}` declares the event `{name}` twice")]
    EventTwice {
        /// The space.
        from: String,
        /// The event.
        name: String,
    },
    /// No space would emit an event.
    #[error("event `{name}`: there is no space `{space}`")]
    NoEmitter {
        /// The event.
        name: String,
        /// Who would emit it.
        space: String,
    },
    /// An end of a path is no space.
    #[error("path `{name}`: there is no space `{space}`")]
    NoSpace {
        /// The path.
        name: String,
        /// The end.
        space: String,
    },
    /// A path leads to where it begins.
    #[error("path `{name}` of `{from}` leads to itself: `sys.self_emit` needs no path")]
    ToItself {
        /// The sender.
        from: String,
        /// The path.
        name: String,
    },
    /// A bound is out of bounds.
    #[error("path `{name}` of `{from}`: {what} must be from {least} to {most}")]
    Bound {
        /// The sender.
        from: String,
        /// The path.
        name: String,
        /// Which bound.
        what: &'static str,
        /// Its least value.
        least: u32,
        /// Its most.
        most: u32,
    },
    /// Too many of something.
    #[error("{count} {what}, {most} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
}

/// Whether it is a name of a topology, a host, a space, a path or an event.
pub fn is_name(name: &str) -> bool {
    name.len() <= limits::NAME_LETTERS_MAX
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Whether it is a name of a space, or of a host among the spaces: `@` and the host's. A host sends and answers like a
/// space, and no space can name it.
fn is_end(name: &str) -> bool {
    is_name(name.strip_prefix('@').unwrap_or(name))
}

pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), DeclareError> {
    if is_name(name) { Ok(()) } else { Err(DeclareError::Name { what, name: name.into() }) }
}

impl Declaration {
    /// Judges it as a whole.
    pub fn check(&self) -> Result<(), DeclareError> {
        let few = |what, count, most| {
            if count > most { Err(DeclareError::TooMany { what, count, most }) } else { Ok(()) }
        };
        few("spaces", self.spaces.len(), limits::SPACES_MAX)?;
        few("paths", self.paths.len(), limits::PATHS_MAX)?;
        few("events", self.events.len(), limits::EVENTS_DECLARED_MAX)?;
        let mut spaces = BTreeSet::new();
        for name in &self.spaces {
            if !is_end(name) {
                return Err(DeclareError::Name { what: "space", name: name.clone() });
            }
            if !spaces.insert(name.as_str()) {
                return Err(DeclareError::SpaceTwice(name.clone()));
            }
        }
        let mut paths = BTreeSet::new();
        for path in &self.paths {
            path.check(&spaces)?;
            if !paths.insert((path.from.as_str(), path.name.as_str())) {
                return Err(DeclareError::PathTwice { from: path.from.clone(), name: path.name.clone() });
            }
        }
        let mut events = BTreeSet::new();
        for EventDeclaration { from, name } in &self.events {
            check_name("event", name)?;
            if !spaces.contains(from.as_str()) {
                return Err(DeclareError::NoEmitter { name: name.clone(), space: from.clone() });
            }
            if !events.insert((from, name)) {
                return Err(DeclareError::EventTwice { from: from.clone(), name: name.clone() });
            }
        }
        Ok(())
    }
}

impl PathDeclaration {
    fn check(&self, spaces: &BTreeSet<&str>) -> Result<(), DeclareError> {
        check_name("path", &self.name)?;
        for end in [&self.from, &self.to] {
            if !spaces.contains(end.as_str()) {
                return Err(DeclareError::NoSpace { name: self.name.clone(), space: end.clone() });
            }
        }
        if self.from == self.to {
            return Err(DeclareError::ToItself { from: self.from.clone(), name: self.name.clone() });
        }
        let bounds = [
            ("messages", self.rules.messages, 1, limits::PATH_MESSAGES_MAX),
            ("bytes", self.rules.bytes, limits::MESSAGE_BYTES_MAX, limits::PATH_BYTES_MAX),
            ("redeliveries", self.rules.redeliveries, 0, limits::REDELIVERIES_MAX),
        ];
        match bounds.into_iter().find(|(_, value, least, most)| value < least || value > most) {
            None => Ok(()),
            Some((what, _, least, most)) => Err(DeclareError::Bound {
                from: self.from.clone(),
                name: self.name.clone(),
                what,
                least,
                most,
            }),
        }
    }
}
