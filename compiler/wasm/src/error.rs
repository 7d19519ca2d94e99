//! Why a module is refused.

/// Why a module is refused. Offsets are in bytes from the beginning of the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not a valid module.
    #[error("at offset {offset:#x}: {message}")]
    Invalid {
        /// Where.
        offset: u64,
        /// What is wrong.
        message: String,
    },
    /// It uses a feature that is not supported.
    #[error("at offset {offset:#x}: the module uses {feature}, which is not supported{}", remedy(hint.as_ref()))]
    Unsupported {
        /// Where.
        offset: u64,
        /// The feature's name.
        feature: &'static str,
        /// What turns the feature off, where the tool that made the module is known.
        hint: Option<String>,
    },
    /// An import has a name that no image may have.
    #[error(
        "at offset {offset:#x}: the import {module:?} {item:?} has a name that is empty, longer than {} bytes, or holds control characters",
        sci::limits::NAME_BYTES_MAX
    )]
    ImportName {
        /// Where.
        offset: u64,
        /// Module.
        module: String,
        /// Item.
        item: String,
    },
    /// A part of it is larger than what is allowed.
    #[error("{what}: {size}; at most {limit} are allowed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The largest size.
        limit: u64,
    },
}

fn remedy(hint: Option<&String>) -> String {
    hint.map_or_else(String::new, |hint| format!("; {hint}"))
}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid { offset: error.offset(), message: error.message().to_owned() }
    }
}

/// Whether so many are allowed.
pub(crate) fn limit(what: &'static str, size: u64, limit: u64) -> Result<(), Error> {
    if size <= limit { Ok(()) } else { Err(Error::TooLarge { what, size, limit }) }
}
