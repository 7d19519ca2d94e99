//! Boot tests: whole systems in QEMU, with the real root, the real console, a healthy peer and one offender.
//!
//! | module | does |
//! |---|---|
//! | [`raw`] | wraps machine code into images whose manifests say what a test wants |
//! | [`system`] | puts a system together: compiled components, raw ones, grants |
//! | [`run`] | boots it and reads console, faults, frames and exit |
//! | [`assemble`] | names pieces of assembled machine code |
#![forbid(unsafe_code)]

pub mod assemble;
pub mod raw;
pub mod run;
pub mod system;
