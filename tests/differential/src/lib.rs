//! The same module in three engines: this project's, wasmtime, and wasmi, an interpreter. What they compute must be
//! the same, and leave the same behind.
//!
//! | module | settles |
//! |---|---|
//! | `value.rs` | values, and how a call ends, in words that all engines share |
//! | `random.rs`, `generate.rs` | modules and arguments from a seed |
//! | `plan.rs` | what a module imports and exports |
//! | `stub.rs` | what stands for imports |
//! | `ours.rs`, `compiled.rs`, `interpreted.rs` | the engines |
//! | `compare.rs` | one module, in step |
//! | `survey.rs` | many modules, in processes that may die |
//! | `fuzz.rs` | modules from any bytes, for cargo fuzz |
//! | `regression.rs` | modules that once were not the same |
#![forbid(unsafe_code)]

pub mod compare;
pub mod compiled;
pub mod engine;
pub mod fuzz;
pub mod generate;
pub mod interpreted;
pub mod ours;
pub mod plan;
pub mod random;
pub mod regression;
pub mod stub;
pub mod survey;
pub mod value;
