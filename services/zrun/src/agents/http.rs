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
    /// Nobody is there, or the connection ended early.
    #[error("nobody is there, or the connection ended early")]
    Broken,
    /// What came is no HTTP.
    #[error("what came is no HTTP; if TLS is spoken there, write `https://`")]
    NoHttp,
    /// What came is no TLS, or none that is safe.
    #[error("no TLS came of it; if plain HTTP is spoken there, write `http://`")]
    NoTls,
    /// Nobody here trusts whoever issued the certificate.
    #[error(
        "the certificate is of an issuer that is not trusted here; if it is to be, put the issuer's own into \
         $SPACE_HOME/certificates.pem, and start the application anew"
    )]
    UnknownIssuer,
    /// The certificate has other names.
    #[error(
        "the certificate is for another name; write a name that it is for, or have one issued for this name"
    )]
    OtherName,
    /// The certificate's time is over, or not yet come.
    #[error("the certificate has expired, or is not valid yet; have it renewed, or set this machine's clock")]
    Expired,
    /// The certificate is wrong in another way.
    #[error("the certificate is not valid; have another one issued")]
    BadCertificate,
    /// The answer has too many bytes.
    #[error("the answer is larger than it may be")]
    TooLarge,
}

impl Trouble {
    /// Whether another try may go better.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::TimedOut | Self::Broken | Self::NoHttp)
    }
}

/// What came of a request.
pub type Outcome = Result<Answer, Trouble>;
