//! Where something was written.

use alloc::sync::Arc;
use core::fmt;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as its reader calls it.
    pub file: Arc<str>,
    /// The line, from 1; 0 stands for the file as a whole.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// A file as a whole.
    pub fn whole(file: &str) -> Self {
        Self { file: Arc::from(file), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => formatter.write_str(&self.file),
            line => write!(formatter, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// It is written without its place: that is of a text which a reader of bytes has not.
#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for Located<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'d, T: serde::Deserialize<'d>> serde::Deserialize<'d> for Located<T> {
    fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self::new(value, Place::whole("")))
    }
}

impl<T> Located<T> {
    /// A value at a place.
    pub const fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}
