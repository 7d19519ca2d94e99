//! Conformance of the Guest ABI: for each function its cases, as guests that make calls and judge the answers.
//!
//! A guest logs a line for each case, `ok` and its name, or `FAILED` with what was expected and what came. [`cases`] has
//! them by module; [`Setting`] says what they are run in. Whoever has the command runs them: `cli/tests/abi.rs`.
#![forbid(unsafe_code)]

pub mod application;
pub mod cases;
pub mod common;
pub mod script;
pub mod setting;
mod text;

pub use script::{Argument, Expect, Script};
pub use setting::{Host, Setting};
pub use text::{Begins, END};
