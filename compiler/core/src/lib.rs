//! Core IR: where all front ends meet.
//!
//! A front end states a [`Module`]: the functions with the facts that passes need (who calls whom, how deep, which
//! are reached through tables), constants, state, and the slots through which the code leaves its image. The bodies
//! are Cranelift IR, made one at a time by [`Unit::lower`], so that a large module never lies in memory as a whole
//! and functions are compiled in parallel.
//!
//! Code reaches what the linker places through [`Symbol`]s alone: what belongs to one instance, too, lies at a fixed
//! distance from the text in the slab form.
#![forbid(unsafe_code)]

mod graph;
pub mod mir;
mod symbol;

pub use graph::{Graph, checked, reach};
pub use symbol::{Symbol, Symbols};

use compiler_syntax::span::{FileId, Span};
use cranelift_codegen::ir::{self, TrapCode};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilderContext;
use sci::status::Fault;
use std::collections::BTreeSet;

/// A function of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

impl FunctionId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is known of a function without its body.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Its name, for people.
    pub name: String,
    /// Functions that it calls, ascending.
    pub calls: Vec<FunctionId>,
    /// Whether it calls through a table: any function of [`Module::taken`].
    pub calls_taken: bool,
    /// How often it is active at most, where the source says so.
    pub depth: Option<u32>,
    /// The word before its first instruction, where one is read there: the type that a call through a table expects.
    pub word: Option<u32>,
}

/// What recursion does that no source bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recursion {
    /// It is an error: every stack has an exact bound.
    #[default]
    Refused,
    /// These functions check the depth of the stack at their entry: all that come back to themselves, which
    /// [`checked`] gives.
    Checked(BTreeSet<FunctionId>),
}

/// A function of the outside, called through an 8-byte word that the loader binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Module: `kernel`, or that of an import.
    pub module: String,
    /// Function.
    pub item: String,
    /// Signature, for people.
    pub signature: String,
}

/// A 32-bit word of constants or state that holds a function's place in text, counted from [`Symbol::Text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionWord {
    /// Where the word is: an offset in rodata or in data.
    pub place: Symbol,
    /// The function.
    pub function: FunctionId,
}

/// A unit of code, without the bodies of its functions.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Functions, by number.
    pub functions: Vec<Function>,
    /// Functions that must be there, whoever calls them.
    pub roots: Vec<FunctionId>,
    /// Functions whose place in text is a value, ascending.
    pub taken: Vec<FunctionId>,
    /// Where the main thread begins.
    pub start: Option<FunctionId>,
    /// What recursion does that no source bounds.
    pub recursion: Recursion,
    /// Slots; those that no compiled function uses are left out of the image.
    pub slots: Vec<Slot>,
    /// Constants.
    pub rodata: Vec<u8>,
    /// State with initial values.
    pub data: Vec<u8>,
    /// Bytes of state that begins as zero.
    pub bss_bytes: u64,
    /// Words that hold functions' places in text.
    pub words: Vec<FunctionWord>,
}

/// What lowering a body gives beside its instructions.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// How its source locations become places in source.
    pub places: Places,
    /// The place of its prologue, which is where the stack overflows.
    pub entry: Span,
}

/// How a body's source locations become places in source.
#[derive(Clone, Debug)]
pub enum Places {
    /// A location is an index.
    Table(Vec<Span>),
    /// A location is an offset in this file.
    Offsets(FileId),
}

impl Places {
    /// The place of a source location.
    pub fn of(&self, location: ir::SourceLoc) -> Option<Span> {
        match self {
            _ if location.is_default() => None,
            Self::Table(spans) => spans.get(location.bits() as usize).copied(),
            Self::Offsets(file) => Some(Span { file: *file, start: location.bits(), end: location.bits() }),
        }
    }
}

/// A module with its bodies.
pub trait Unit: Sync {
    /// The module.
    fn module(&self) -> &Module;

    /// Writes the body of a function: signature and instructions, with [`Symbol`]s for names.
    fn lower(
        &self,
        function: FunctionId,
        body: &mut ir::Function,
        context: &mut FunctionBuilderContext,
        config: TargetFrontendConfig,
    ) -> Result<Lowered, Error>;

    /// What a trap of the unit's code means.
    fn fault(&self, code: TrapCode) -> Fault;
}

/// What goes wrong between a front end and code generation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The MIR is not well-formed; looked for in builds with debug assertions.
    #[error("the program is not well-formed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Malformed(Vec<compiler_mir::verify::Defect>),
    /// More memory than an image may have.
    #[error("{what} takes {bytes} bytes; {limit} are allowed")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its bytes.
        bytes: u64,
        /// Bytes at most.
        limit: u64,
    },
    /// A function's body breaks the rules of its own format.
    #[error("{0}")]
    Body(String),
}

/// Whether so many bytes are allowed.
pub fn limit(what: &str, bytes: u64, limit: u64) -> Result<(), Error> {
    if bytes <= limit { Ok(()) } else { Err(Error::TooLarge { what: what.to_owned(), bytes, limit }) }
}

/// The trap code of a fault.
pub fn trap_code(fault: Fault) -> TrapCode {
    TrapCode::unwrap_user(fault as u64 as u8 + 1)
}

/// The fault of a trap code that [`trap_code`] made.
pub fn fault_of_code(code: TrapCode) -> Option<Fault> {
    Fault::from_number(u64::from(code.as_raw().get()).saturating_sub(1))
}
