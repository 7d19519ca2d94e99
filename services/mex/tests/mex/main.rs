//! Packages of every kind, built byte by byte: what is accepted, and by which rule the rest is refused.
#![allow(clippy::unwrap_used, reason = "helpers of tests stop a test as the tests do")]

mod archives;
mod contents;
mod forge;
mod manifests;
mod mutations;
mod packages;
mod readers;
mod round_trip;
mod sample;
mod schemas;
mod signatures;
mod trust;

/// How many hostile packages and policies the modules hold.
const HOSTILE: usize =
    archives::COUNT + manifests::COUNT + packages::COUNT + signatures::COUNT + trust::COUNT;

const _: () = assert!(HOSTILE >= 300, "docs/promises.md says how many there are");
