//! What can be wrong with a text.

use crate::node::Place;
use crate::rules::{self, Rule};

/// Errors that one reading keeps: a hostile text does not fill memory with what is wrong with it.
pub const ERRORS_MAX: usize = 100;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct Error {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: ErrorKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// More bytes than the reader allows.
    #[error("the text has {bytes} bytes; at most {most} are allowed")]
    TooLarge {
        /// How many it has.
        bytes: usize,
        /// How many are allowed.
        most: usize,
    },
    /// A scalar, or a list or mapping in brackets, that is too long.
    #[error("what follows has more than {most} characters before its end")]
    TooLong {
        /// How many it may have.
        most: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("the text is not UTF-8 from here on")]
    NotUtf8,
    /// U+FEFF.
    #[error("the text has a byte order mark")]
    ByteOrderMark,
    /// A character that is neither text nor a line end.
    #[error("the control character U+{:04X}", *.0 as u32)]
    ControlCharacter(char),
    /// A tab before the first character of a line.
    #[error("a tab as indentation")]
    TabIndentation,
    /// `%YAML` and its like.
    #[error("a directive")]
    Directive,
    /// No document.
    #[error("the text is empty")]
    Empty,
    /// Not YAML; the scanner says why.
    #[error("not well-formed: {0}")]
    Syntax(String),
    /// A second document.
    #[error("a second document begins here")]
    SecondDocument,
    /// `&name`.
    #[error("a node with an anchor")]
    Anchor,
    /// `*name`.
    #[error("an alias")]
    Alias,
    /// `!name`.
    #[error("a node with a tag")]
    Tag,
    /// `<<`.
    #[error("a merge key")]
    MergeKey,
    /// A key that is there already.
    #[error("the key `{key}` is there twice; first at {first}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it is first.
        first: Place,
    },
    /// A key that is a number, a boolean, null, a list or a mapping.
    #[error("a key that is {found}")]
    KeyNotString {
        /// What it is.
        found: &'static str,
    },
    /// Nested too deep.
    #[error("mappings and lists nest deeper than {most}")]
    TooDeep {
        /// How deep they may.
        most: usize,
    },
    /// A word that YAML 1.1 and 1.2 read differently.
    #[error("plain `{0}` is a boolean to some readers and a string to others")]
    AmbiguousWord(String),
    /// Another type.
    #[error("{wanted} is wanted here; this is {found}")]
    WrongType {
        /// What is wanted.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A key that must be there.
    #[error("the key `{key}` is missing")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A key that nobody reads.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that it is most like.
        nearest: Option<&'static str>,
        /// Every known key.
        known: Vec<&'static str>,
    },
    /// None of the words that are wanted.
    #[error("unknown word `{word}`")]
    UnknownWord {
        /// The word.
        word: String,
        /// The allowed word that it is most like.
        nearest: Option<&'static str>,
        /// Every allowed word.
        allowed: Vec<&'static str>,
    },
    /// A number outside its range.
    #[error("{number} is not from {least} to {most}")]
    OutOfRange {
        /// The number, as it is written.
        number: String,
        /// The smallest one allowed.
        least: i64,
        /// The largest one allowed.
        most: i64,
    },
}

impl ErrorKind {
    /// It, at a place.
    pub const fn at(self, place: Place) -> Error {
        Error { place, kind: self }
    }

    /// The rule that is broken.
    pub const fn rule(&self) -> Rule {
        match self {
            Self::TooLarge { .. } => rules::TOO_LARGE,
            Self::TooLong { .. } => rules::TOO_LONG,
            Self::NotUtf8 => rules::NOT_UTF8,
            Self::ByteOrderMark => rules::BYTE_ORDER_MARK,
            Self::ControlCharacter(_) => rules::CONTROL_CHARACTER,
            Self::TabIndentation => rules::TAB_INDENTATION,
            Self::Directive => rules::DIRECTIVE,
            Self::Empty => rules::EMPTY,
            Self::Syntax(_) => rules::SYNTAX,
            Self::SecondDocument => rules::SECOND_DOCUMENT,
            Self::Anchor => rules::ANCHOR,
            Self::Alias => rules::ALIAS,
            Self::Tag => rules::TAG,
            Self::MergeKey => rules::MERGE_KEY,
            Self::DuplicateKey { .. } => rules::DUPLICATE_KEY,
            Self::KeyNotString { .. } => rules::KEY_NOT_STRING,
            Self::TooDeep { .. } => rules::TOO_DEEP,
            Self::AmbiguousWord(_) => rules::AMBIGUOUS,
            Self::WrongType { .. } => rules::WRONG_TYPE,
            Self::MissingKey { .. } => rules::MISSING_KEY,
            Self::UnknownKey { .. } => rules::UNKNOWN_KEY,
            Self::UnknownWord { .. } => rules::UNKNOWN_WORD,
            Self::OutOfRange { .. } => rules::OUT_OF_RANGE,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        let one_of =
            |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::UnknownKey { nearest: Some(near), .. } | Self::UnknownWord { nearest: Some(near), .. } => {
                format!("did you mean `{near}`?")
            }
            Self::UnknownKey { known, .. } if !known.is_empty() => {
                format!("the keys here are {}; others begin with `x-`", one_of(known))
            }
            Self::UnknownWord { allowed, .. } => format!("write one of {}", one_of(allowed)),
            Self::MissingKey { key } => format!("add `{key}:`"),
            Self::WrongType { wanted: "a string", found: "a boolean" | "an integer" | "a number" } => {
                "put the value in quotes".to_owned()
            }
            _ => self.rule().remedy.to_owned(),
        }
    }
}

/// A text of a stranger for a report: not long, and nothing in it that a terminal would obey or a reader not see.
pub fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let unseen = |letter| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    let mut shown = String::new();
    for letter in text.chars().take(MOST) {
        if letter.is_control() || unseen(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// What is wrong with a text's shape, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    list: Vec<Error>,
    dropped: usize,
}

impl Errors {
    /// Adds one; beyond [`ERRORS_MAX`] they are only counted.
    pub fn push(&mut self, error: Error) {
        if self.is_full() {
            self.count();
        } else {
            self.list.push(error);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= ERRORS_MAX
    }

    /// Counts one that is not kept.
    pub(crate) const fn count(&mut self) {
        self.dropped += 1;
    }

    /// Those that are kept.
    pub fn list(&self) -> &[Error] {
        &self.list
    }

    /// How many more there were.
    pub const fn dropped(&self) -> usize {
        self.dropped
    }

    /// Whether nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
