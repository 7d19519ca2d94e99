//! Space's runtime on Linux.
//!
//! | module | settles |
//! |---|---|
//! | [`machine`] | address space, gate, traps, interruption: all that needs unsafe code |
#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "the layer that touches the machine")]
pub mod machine;
