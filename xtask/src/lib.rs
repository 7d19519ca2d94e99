//! What `cargo xtask` does, one module for each task. No dependencies, so that it compiles in a moment on a machine
//! that has nothing yet.

#![forbid(unsafe_code)]

pub mod apt;
pub mod bench;
pub mod boot_check;
pub mod demo;
pub mod differential;
pub mod install;
pub mod modules;
pub mod scratch;
pub mod shell;
pub mod soak;
pub mod test;

/// Why a task ended: one sentence.
pub type Failure = String;
