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
