//! Messages of a space: what it sends to others and to itself, and what waits for it.

use crate::memory::copied;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::{ErrorCode, SELF, SENDER};
use serde::{Deserialize, Serialize};

/// Why a message was not sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailError {
    /// No path leads there, or no message is being processed whose sender could be answered.
    NoPath,
    /// Several paths lead there: one of them has to be named.
    Ambiguous,
    /// Whoever receives it has no room now.
    Full,
    /// Whoever would receive it is gone.
    Gone,
    /// The way there failed.
    Failed,
}

impl From<MailError> for ErrorCode {
    fn from(error: MailError) -> Self {
        match error {
            MailError::NoPath => Self::Denied,
            MailError::Ambiguous => Self::Invalid,
            MailError::Full => Self::WouldBlock,
            MailError::Gone => Self::Closed,
            MailError::Failed => Self::Io,
        }
    }
}

impl MailError {
    /// What a mesh's code is to a space: the nearest of the few that it is told.
    pub const fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Denied | ErrorCode::NotFound => Self::NoPath,
            ErrorCode::Invalid => Self::Ambiguous,
            ErrorCode::WouldBlock | ErrorCode::Quota => Self::Full,
            ErrorCode::Closed | ErrorCode::Expired => Self::Gone,
            _ => Self::Failed,
        }
    }
}

/// What is next in a space's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing waits.
    Nothing,
    /// A message, taken out of the queue.
    Message(Vec<u8>),
    /// A message of so many bytes, which stays: they are more than were asked for.
    Larger(u64),
}

/// Where a message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The space that sent it, or [`SELF`].
    pub from: String,
    /// The path that it came by; empty for a message to oneself.
    pub path: String,
    /// Its number.
    pub id: u64,
    /// The number of the message that it answers.
    pub answers: Option<u64>,
    /// When it was sent, in milliseconds since 1970.
    pub time: u64,
}

impl Info {
    /// As `net.message_info` gives it. Names need no escapes: see [`sci::guest`].
    pub fn json(&self) -> String {
        let Self { from, path, id, answers, time } = self;
        let answers = answers.map_or_else(|| String::from("null"), |number| format!("\"{number}\""));
        format!(
            "{{\"from\":\"{from}\",\"path\":\"{path}\",\"id\":\"{id}\",\"answers\":{answers},\"time\":{time}}}"
        )
    }
}

/// A space's messages.
pub trait Mail {
    /// Sends a message to a path, a space or an instance, or to whoever sent the message being processed.
    fn emit(&mut self, to: &str, message: &[u8]) -> Result<(), MailError>;
    /// Puts a message into the space's own queue.
    fn emit_self(&mut self, message: &[u8]) -> Result<(), MailError>;
    /// Takes the next message, if it has no more bytes than that.
    fn receive(&mut self, capacity: u64) -> Result<Next, MailError>;
    /// Where the message taken last comes from, as JSON.
    fn info(&mut self) -> Option<String>;
    /// Waits until there is a message to process. Without one to come, the space is to end: `false`.
    fn wait(&mut self) -> bool;
}

/// Messages of one's own that wait at most.
const OWN_MAX: usize = 256;

/// The messages of a space that is in no topology: only its own.
#[derive(Clone, Debug, Default)]
pub struct Alone {
    queue: VecDeque<(Info, Vec<u8>)>,
    sent: u64,
    last: Option<Info>,
    /// Whether the message that was taken last is in process.
    is_in_process: bool,
    /// Messages for which the space was not called yet.
    uncalled: usize,
}

impl Alone {
    /// Puts a message into the queue that came from elsewhere: an event.
    pub fn put_from(&mut self, from: &str, path: &str, message: &[u8]) -> Result<(), MailError> {
        self.put(from, path, message, None)
    }

    fn put(&mut self, from: &str, path: &str, message: &[u8], answers: Option<u64>) -> Result<(), MailError> {
        let room = self.queue.len() < OWN_MAX && self.queue.try_reserve(1).is_ok();
        let message = copied(message).filter(|_| room).ok_or(MailError::Full)?;
        self.sent += 1;
        let info = Info { from: from.into(), path: path.into(), id: self.sent, answers, time: 0 };
        self.queue.push_back((info, message));
        self.uncalled += 1;
        Ok(())
    }
}

impl Mail for Alone {
    fn emit(&mut self, to: &str, message: &[u8]) -> Result<(), MailError> {
        let in_process = self.last.as_ref().filter(|_| self.is_in_process);
        let answered = in_process.map(|info| info.id).filter(|_| to == SENDER);
        let answers = answered.ok_or(MailError::NoPath)?;
        self.put(SELF, "", message, Some(answers))
    }

    fn emit_self(&mut self, message: &[u8]) -> Result<(), MailError> {
        self.put(SELF, "", message, None)
    }

    fn receive(&mut self, capacity: u64) -> Result<Next, MailError> {
        let Some((_, message)) = self.queue.front() else {
            self.is_in_process = false;
            return Ok(Next::Nothing);
        };
        let bytes = message.len() as u64;
        if bytes > capacity {
            return Ok(Next::Larger(bytes));
        }
        Ok(self.queue.pop_front().map_or(Next::Nothing, |(info, message)| {
            (self.last, self.is_in_process) = (Some(info), true);
            Next::Message(message)
        }))
    }

    fn info(&mut self) -> Option<String> {
        self.last.as_ref().map(Info::json)
    }

    fn wait(&mut self) -> bool {
        // What was taken early needs no call of its own; what was left does not get another one.
        self.uncalled = self.uncalled.min(self.queue.len());
        let is_left = self.uncalled > 0;
        self.is_in_process = false;
        self.uncalled -= usize::from(is_left);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_to_oneself_come_back_in_order() {
        let mut mail = Alone::default();
        assert_eq!((mail.wait(), mail.receive(9), mail.info()), (false, Ok(Next::Nothing), None));
        assert_eq!((mail.emit_self(b"first"), mail.emit_self(b"2")), (Ok(()), Ok(())));
        assert!(mail.wait());
        assert_eq!(mail.receive(4), Ok(Next::Larger(5)));
        assert_eq!(mail.info(), None, "nothing was taken");
        assert_eq!(mail.receive(5), Ok(Next::Message(b"first".to_vec())));
        let expected = r#"{"from":"@self","path":"","id":"1","answers":null,"time":0}"#;
        assert_eq!(mail.info().as_deref(), Some(expected));
        assert_eq!(mail.emit(SENDER, b"answer"), Ok(()));
        assert!(mail.wait() && mail.wait() && !mail.wait());
        assert_eq!(mail.receive(9), Ok(Next::Message(b"2".to_vec())));
        assert_eq!(mail.receive(9), Ok(Next::Message(b"answer".to_vec())));
        assert!(mail.info().is_some_and(|info| info.contains(r#""answers":"1""#)));
    }

    #[test]
    fn each_message_is_called_for_once() {
        let mut mail = Alone::default();
        mail.emit_self(b"left").unwrap();
        assert!(mail.wait() && !mail.wait(), "a message that is left calls nobody again");
        mail.emit_self(b"taken").unwrap();
        mail.emit_self(b"early").unwrap();
        for _ in 0..3 {
            assert!(matches!(mail.receive(9), Ok(Next::Message(_))));
        }
        assert_eq!(mail.emit(SENDER, b"answer"), Ok(()), "it is in process until the next one is asked for");
        assert!(matches!(mail.receive(9), Ok(Next::Message(_))));
        assert_eq!((mail.receive(9), mail.emit(SENDER, b"")), (Ok(Next::Nothing), Err(MailError::NoPath)));
        assert!(!mail.wait(), "nothing is left to process");
    }

    #[test]
    fn nobody_else_is_reached_and_the_queue_has_an_end() {
        let mut mail = Alone::default();
        assert_eq!(mail.emit("two", b""), Err(MailError::NoPath));
        assert_eq!(mail.emit(SENDER, b""), Err(MailError::NoPath), "nothing is being processed");
        assert!((0..OWN_MAX).all(|_| mail.emit_self(b"").is_ok()));
        assert_eq!(mail.emit_self(b""), Err(MailError::Full));
    }
}
