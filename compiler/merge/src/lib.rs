//! Several WebAssembly modules to one.
//!
//! [`merge`] binds what modules import by each other's names to what they export, and writes everything that they
//! have into one module: the same functions, tables, memories, globals and segments, renumbered. What nobody binds
//! stays an import; what the main module exports is what the result exports. Nothing but the modules decides the bytes
//! of the result.
//!
//! | module | does |
//! |---|---|
//! | `module` | reads one module, which has been validated |
//! | `item` | says what an item is, and whether a type fits an import |
//! | `link` | binds imports, orders the modules, finds what is called at the start |
//! | `numbers` | gives every item its number in the result |
//! | `rewrite` | says what a module says in these numbers |
//! | `write` | writes the result |
#![forbid(unsafe_code)]

mod error;
mod item;
mod link;
mod module;
mod numbers;
mod rewrite;
mod write;

pub use error::{Error, Reason};

/// A module that takes part.
#[derive(Clone, Copy, Debug)]
pub struct Input<'m> {
    /// The module name by which others import from it.
    pub name: &'m str,
    /// Its file, for people.
    pub file: &'m str,
    /// Its bytes.
    pub bytes: &'m [u8],
}

/// Merges a main module and those that are linked to it, in their order, into one module.
///
/// Others reach the main module by its name, unless one of them has it.
pub fn merge(main: Input<'_>, linked: &[Input<'_>]) -> Result<Vec<u8>, Error> {
    let mut modules = Vec::new();
    for input in linked.iter().chain([&main]) {
        let read = module::Module::read(*input);
        modules.push(read.map_err(|error| Reason::from(error).of(input.file))?);
    }
    let program = link::Program::new(modules)?;
    let numbers = numbers::Numbers::new(&program);
    write::write(&program, &numbers)
}
