//! Messages, and who they are from.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use sci::guest::EVENTS;
use serde::{Deserialize, Serialize};

/// What the clocks say. The host reads both; the mesh reads none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds since some time before; what goes back is taken as standing still.
    pub monotonic: u64,
    /// Nanoseconds since 1970, to be shown; only how long a host was away is told by it.
    pub realtime: u64,
}

/// One run of a space. A restarted space has a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance<'i> {
    /// The space.
    pub space: &'i str,
    /// Its number.
    pub number: u64,
}

impl fmt::Display for Instance<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.space, self.number)
    }
}

/// Names a message: an answer carries the one of what it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// The space that sent it.
    pub space: Arc<str>,
    /// The instance that did.
    pub instance: u64,
    /// Which of that instance's messages, from 1; 0 for an event, which has no other name.
    pub number: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}.{}", self.space, self.instance, self.number)
    }
}

/// A message as its receiver gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which it is, and who sent it.
    pub id: MessageId,
    /// The path that it came along; `@events` for an event, whose name `event` has, `@self` for what the space sent itself.
    pub path: Arc<str>,
    /// What it answers.
    pub answers: Option<MessageId>,
    /// Nanoseconds since 1970 on the sender's host when it was sent.
    pub time: u64,
    /// How often it was given to an instance that ended before it was done.
    pub redelivered: u32,
    /// The event that it is. Events cannot be answered, and are not given again.
    pub event: Option<Event>,
    /// Its bytes.
    pub body: Arc<[u8]>,
}

/// What a message has beside the rest where it is an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name.
    pub name: Arc<str>,
    /// How many events the subscriber missed since the one before.
    pub missed: u64,
}

impl Message {
    /// What `net.message_info` answers; `time` is in milliseconds since 1970. An event's path ends in its name, and it says how many were missed
    /// before it. Names need no escapes in JSON.
    pub fn info(&self) -> String {
        let MessageId { space, instance, .. } = &self.id;
        let time = self.time / 1_000_000;
        if let Some(Event { name, missed }) = &self.event {
            return format!(
                r#"{{"from":"{space}#{instance}","path":"{EVENTS}{name}","id":null,"answers":null,"time":{time},"missed":{missed}}}"#
            );
        }
        let (from, path) = if *self.path == *crate::flow::SELF_PATH {
            (String::from(sci::guest::SELF), "")
        } else {
            (format!("{space}#{instance}"), &*self.path)
        };
        let answers = self.answers.as_ref().map_or_else(|| "null".into(), |id| format!("\"{id}\""));
        format!(r#"{{"from":"{from}","path":"{path}","id":"{}","answers":{answers},"time":{time}}}"#, self.id)
    }
}
