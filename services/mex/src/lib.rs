//! MEX packages: the archive, its manifest, its signature, and whom to trust.
//!
//! Everything reads from one buffer in memory and writes to one. Nothing is ever extracted to paths.
#![forbid(unsafe_code)]

mod archive;
mod encoding;
pub mod limits;
mod names;
mod record;
mod rule;
mod write;

pub use archive::{Archive, Entry};
pub use encoding::hex;
pub use rule::{Part, Place, Refusal, Rule};
pub use write::write_archive;

/// The file that says what the package is; the first of the archive.
pub const MANIFEST: &str = "manifest.yaml";
