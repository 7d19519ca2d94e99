//! The Space Component Image: what compiler, loader, kernel and tools must agree on.
//!
//! Everything here reads without allocation and without panicking, so that the kernel, the host runtime,
//! the tools and the fuzzers share one parser. `FORMAT.md` is normative; its tables are compared with the
//! constants of this crate by a test.
//!
//! | module | settles |
//! |---|---|
//! | [`limits`] | every bound of the format and of the Guest ABI |
//! | [`layout`] | where a realm's memory lies, the frame, the start page |
//! | [`syscall`] | the system calls: numbers, arguments, results |
//! | [`status`] | what a call may answer, what a fault is |
//! | [`vocabulary`] | kernel interfaces and their methods, whose bits are rights |
//! | [`hashes`] | interface hashes of the vocabulary, stated |
//! | [`guest`] | the Guest ABI: what a WebAssembly guest imports and exports |
//! | [`gate`] | the bytes of the gate page, generated from the call table |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod bundle;
mod bytes;
pub mod contract;
pub mod digest;
pub mod error;
pub mod gate;
pub mod guest;
pub mod hashes;
pub mod header;
pub mod image;
pub mod layout;
pub mod limits;
pub mod linkage;
pub mod list;
pub mod manifest;
pub mod section;
pub mod sign;
pub mod status;
pub mod syscall;
pub mod tables;
pub mod vocabulary;
#[cfg(feature = "write")]
pub mod write;
