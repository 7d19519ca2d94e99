//! MEX packages: the archive, its manifest, its signature, and whom to trust.
//!
//! Everything reads from one buffer in memory and writes to one. Nothing is ever extracted to paths, and nothing
//! asks a clock. What topologies and spaces say is judged by `services-topology`; what modules are, by whoever compiles
//! them.
#![forbid(unsafe_code)]

mod archive;
mod contents;
mod encoding;
pub mod layout;
pub mod limits;
mod manifest;
mod names;
mod package;
mod record;
mod rule;
pub mod schema;
mod signature;
mod time;
mod tree;
pub mod trust;
mod write;

pub use archive::{Archive, Entry};
pub use contents::Contents;
pub use encoding::{base64, from_base64, hex};
pub use manifest::{FileHash, Manifest, TOPOLOGY};
pub use package::{Package, sign_package, write_package};
pub use rule::{Cause, Part, Place, Refusal, Rule};
pub use signature::{DOMAIN, PublicKey, Trailer};
pub use time::Moment;
pub use write::write_archive;

/// The file that says what the package is; the first of the archive.
pub const MANIFEST: &str = "manifest.yaml";
/// What browsers and registries call a package.
pub const MIME_TYPE: &str = "application/vnd.samoza.mex+zip";
