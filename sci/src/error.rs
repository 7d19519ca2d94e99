//! Why an image or bundle was refused, and at which byte.

use core::fmt;

use crate::contract::{NAMES, RULES};

/// A refusal: what, and the offset in the file at which it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Bytes from the beginning of the file.
    pub offset: u64,
}

impl Error {
    /// An error at an offset.
    #[cold]
    pub const fn new(kind: ErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }
}

/// What is wrong with an image or bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file ends before the format says.
    Truncated,
    /// The file does not begin with the format's magic.
    Magic,
    /// A format version that this reader does not know.
    Version,
    /// A machine or feature that this reader does not know.
    Machine,
    /// A size, count or offset is beyond its limit.
    Limit,
    /// A reserved byte is not zero.
    Reserved,
    /// A value that its field does not have.
    Value,
    /// The manifest is not in its one canonical encoding.
    NotCanonical,
    /// The manifest cannot be decoded.
    Manifest,
    /// Parts of the file overlap, leave a gap, or are out of order.
    Tiling,
    /// Padding is not zero.
    Padding,
    /// A contract rule does not hold; the number is its index in [`RULES`].
    Contract(u8),
    /// A section's bytes do not have the hash that the manifest states.
    Hash,
    /// There is no signature.
    Unsigned,
    /// The signature does not fit the bytes and the key.
    Signature,
    /// The key is not trusted here.
    Untrusted,
    /// A development key where the policy says release.
    DevelopmentKey,
    /// An image does not have the digest that the bundle states.
    Digest,
}

impl ErrorKind {
    /// What is wrong, where it is not a rule of the contract.
    const fn text(self) -> &'static str {
        match self {
            Self::Truncated => "the file ends too early",
            Self::Magic => "this is not such a file: the first bytes are wrong",
            Self::Version => "the format version is unknown to this program",
            Self::Machine => "the machine or a CPU feature is unknown to this program",
            Self::Limit => "a size or count is beyond its limit",
            Self::Reserved => "a reserved byte is not zero",
            Self::Value => "a field holds a value that it does not have",
            Self::NotCanonical => "the manifest is not in its canonical encoding",
            Self::Manifest => "the manifest cannot be decoded",
            Self::Tiling => "parts of the file overlap, leave a gap, or are out of order",
            Self::Padding => "the padding is not zero",
            Self::Contract(_) => "a contract rule does not hold",
            Self::Hash => "a section was changed after it was hashed",
            Self::Unsigned => "there is no signature",
            Self::Signature => "the signature is wrong: the file was changed or signed by another key",
            Self::Untrusted => "the signing key is not trusted here",
            Self::DevelopmentKey => "it is signed by a development key, which a release policy refuses",
            Self::Digest => "an image differs from the digest in the bundle",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(number) => match RULES.get(usize::from(*number)) {
                Some(rule) => write!(f, "{} {}: {}", rule.id, rule.name, rule.sentence),
                None => f.write_str(self.text()),
            },
            _ => f.write_str(self.text()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {:#x})", self.kind, self.offset)
    }
}

impl core::error::Error for Error {}

/// An error in the kernel's words: a rule of the contract by id and name, which `space explain` puts into a sentence.
#[derive(Clone, Copy, Debug)]
pub struct Brief(pub Error);

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { kind, offset } = self.0;
        let named = match kind {
            ErrorKind::Contract(number) => NAMES.get(usize::from(number)).copied(),
            _ => None,
        };
        write!(f, "{} (at offset {offset:#x})", named.unwrap_or(kind.text()))
    }
}
