//! What the comparison asks of an engine.

use crate::plan::Plan;
use crate::value::{Stop, Value};

/// A module to be compared.
#[derive(Clone, Debug)]
pub struct Case {
    /// The module.
    pub bytes: Vec<u8>,
    /// What it imports and exports.
    pub plan: Plan,
    /// How this project's compiler compiles it.
    pub options: compiler_codegen::Options,
}

/// Something of a guest that is looked at.
#[derive(Clone, Copy, Debug)]
pub enum Place<'p> {
    /// An import of the first instance, by number.
    Import(usize),
    /// An instance's export, by name.
    Export(usize, &'p str),
}

/// A module's instance in an engine, or what is left where it did not come about.
pub trait Guest {
    /// Instantiates another module, which imports exports of the first one by their numbers.
    fn second(&mut self, case: &Case) -> Result<(), Stop>;
    /// Calls an instance's exported function. References in arguments are to exports of the first instance.
    fn call(&mut self, instance: usize, export: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop>;
    /// A global's value.
    fn global(&mut self, place: Place<'_>) -> Option<Value>;
    /// Sets a global.
    fn set_global(&mut self, place: Place<'_>, value: Value);
    /// A memory's bytes.
    fn memory(&mut self, place: Place<'_>) -> Option<Vec<u8>>;
    /// A table's elements.
    fn table(&mut self, place: Place<'_>) -> Option<Vec<Value>>;
    /// A number that all calls to the host, and their arguments, have made.
    fn log(&self) -> u64;
}

/// How an instance came about, and what there is of it.
pub type Started<'g> = (Result<(), Stop>, Box<dyn Guest + 'g>);
