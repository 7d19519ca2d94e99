//! WebAssembly to Core IR.
//!
//! [`read`] takes a module in: validates what surrounds the functions, refuses what is not supported by its name and
//! place, and lays out the state of an instance. The result is a [`compiler_core::Unit`] whose bodies are validated
//! and translated one at a time, and a [`Wiring`] that says what a loader must know of the module.
//!
//! Memories, globals and tables are reached through symbols of the instance; nothing is passed in a register. Accesses
//! of memory are not checked: behind each memory lie 4 GiB that nobody maps.
#![forbid(unsafe_code)]

mod bulk;
mod call;
mod control;
mod entry;
mod error;
mod features;
mod fuel;
mod function;
mod initial;
mod memory;
mod module;
mod numeric;
mod scan;
mod state;
mod table;
mod types;
mod unit;
mod vector;
mod wiring;

pub use error::Error;
pub use features::validate;
pub use unit::{Options, WasmUnit, read};
pub use wiring::{Callable, Dwarf, Wiring};
