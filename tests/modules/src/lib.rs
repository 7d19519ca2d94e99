//! Real modules that nobody here wrote, run with what their own loaders would give them.
//!
//! `tests/modules/fetch` brings them from npm by the lock file of this package; a test whose module is not there says
//! so and ends.
#![forbid(unsafe_code)]

pub mod bindgen;
pub mod gojs;
pub mod guest;

use std::path::PathBuf;

/// Where the packages are.
fn folder() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/modules");
    std::env::var_os("SPACE_MODULES").map_or_else(|| default.into(), PathBuf::from).join("node_modules")
}

/// The bytes of a file of the packages, if it was fetched.
pub fn find(path: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(folder().join(path)).ok();
    if bytes.is_none() {
        eprintln!("skipped: {path} is not there; run tests/modules/fetch");
    }
    bytes
}
