//! MEX packages: the archive, its manifest, its signature, and whom to trust.
//!
//! Everything reads from one buffer in memory and writes to one. Nothing is ever extracted to paths, and nothing
//! asks a clock. What a package's topology and modules say is not judged here.
#![forbid(unsafe_code)]

mod archive;
mod encoding;
pub mod layout;
pub mod limits;
mod manifest;
mod names;
mod package;
mod record;
mod rule;
mod signature;
mod time;
mod tree;
pub mod trust;
mod write;

pub use archive::{Archive, Entry};
pub use encoding::{base64, from_base64, hex};
pub use manifest::{API_VERSION, FileHash, Manifest, TOPOLOGY};
pub use package::{Package, sign_package, write_package};
pub use rule::{Cause, Part, Place, Refusal, Rule};
pub use signature::{DOMAIN, PublicKey, Trailer};
pub use time::Moment;
pub use write::write_archive;

/// The file that says what the package is; the first of the archive.
pub const MANIFEST: &str = "manifest.yaml";
/// What browsers and registries call a package.
pub const MIME_TYPE: &str = "application/vnd.samoza.mex+zip";
