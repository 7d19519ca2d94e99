//! Requests and answers of HTTP as values.

use alloc::string::String;
use alloc::vec::Vec;

/// A request that someone is to make. Redirections are not followed: they would lead away from what was allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// Names and values; values may be secrets.
    pub headers: Vec<(String, String)>,
    /// The body; `None` where there is none.
    pub body: Option<Vec<u8>>,
    /// Milliseconds that the whole exchange may take.
    pub timeout_milliseconds: u64,
    /// Bytes that the answer's body may have.
    pub answer_bytes: u64,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Seconds after which to try again, where the answer says so.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It took too long.
    #[error("it took too long")]
    TimedOut,
    /// Nobody is there, or the connection ended early, or what came is no HTTP.
    #[error("nobody is there, the connection ended early, or what came is no plain HTTP")]
    Broken,
    /// The answer has too many bytes.
    #[error("the answer is larger than it may be")]
    TooLarge,
}

/// What came of a request.
pub type Outcome = Result<Answer, Trouble>;
