//! How a space ended, as its process tells it.

use super::run::RunError;
use serde::{Deserialize, Serialize};
use space_host::{Error, Trap};
use std::error::Error as _;
use std::io;

/// Why a space did not run to its end, as its process tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Report {
    /// What kind of reason it is.
    pub kind: ReportKind,
    /// The reason.
    pub message: String,
}

/// Kinds of reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportKind {
    /// An import is refused.
    Import,
    /// Imports need these capabilities, which are not granted.
    NotGranted(Vec<String>),
    /// The image is refused.
    Image,
    /// Fuel is given to an image that does not count it.
    NoFuel,
    /// A memory begins with more than is allowed.
    Memory,
    /// The module has no way in, or one of another type.
    NoWayIn,
    /// The guest ended with a status.
    Status,
    /// It trapped.
    Trap,
    /// This machine cannot run it.
    Host,
}

impl From<&RunError> for Report {
    fn from(error: &RunError) -> Self {
        let kind = match error {
            RunError::Import(error) if !error.missing().is_empty() => {
                ReportKind::NotGranted(error.missing().into_iter().map(str::to_owned).collect())
            }
            RunError::Import(_) | RunError::Host(Error::Missing { .. } | Error::Mismatch { .. }) => {
                ReportKind::Import
            }
            RunError::Lifecycle(_) => ReportKind::NoWayIn,
            RunError::Status(_) | RunError::Host(Error::Trap(Trap::Exit(_))) => ReportKind::Status,
            RunError::Host(Error::Trap(_)) => ReportKind::Trap,
            RunError::Host(Error::Guest(_)) => ReportKind::Image,
            RunError::Host(Error::NoFuel) => ReportKind::NoFuel,
            RunError::Host(Error::Quota { .. }) => ReportKind::Memory,
            RunError::Host(_) | RunError::Enter(_) => ReportKind::Host,
        };
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(below) = source {
            let answered = below.to_string();
            // Only what the system answered is not in the words above it.
            if below.is::<io::Error>() && !message.contains(&answered) {
                message = message + ": " + &answered;
            }
            source = below.source();
        }
        Self { kind, message }
    }
}
