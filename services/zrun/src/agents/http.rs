//! Requests and answers of HTTP as values.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Deserializer, Serialize};
use services_topology::space::Method;

/// What stands around the name of a secret whose text is elsewhere. No header of a topology can have it.
const REFERENCE: char = '\u{1}';

/// A word of a few that are known.
type Word = &'static str;

/// A request that someone is to make. Redirections are not followed: they would lead away from what was allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    #[serde(deserialize_with = "method")]
    pub method: Word,
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

fn method<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Word, D::Error> {
    let word = String::deserialize(deserializer)?;
    let known = Method::ALL.iter().map(|method| method.word()).find(|known| *known == word);
    known.ok_or_else(|| serde::de::Error::custom("this is no method"))
}

/// What stands for a secret, by its name, where a machine is to make requests of it and must not know it.
pub fn reference(secret: &str) -> String {
    format!("{REFERENCE}{secret}{REFERENCE}")
}

impl Request {
    /// With the secrets that its headers refer to; `None` where one is missing.
    pub fn with_secrets(mut self, secrets: &BTreeMap<String, String>) -> Option<Self> {
        for (_, value) in &mut self.headers {
            let parts: Vec<&str> = value.split(REFERENCE).collect();
            if let [before, name, after] = parts[..] {
                *value = format!("{before}{}{after}", secrets.get(name)?);
            }
        }
        Some(self)
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Seconds after which to try again, where the answer says so.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
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
