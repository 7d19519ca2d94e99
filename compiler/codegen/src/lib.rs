//! Core IR to machine code, through Cranelift.
//!
//! [`compile`] gives the text of a unit and everything that a linker needs to place it: constants, state, the slots
//! through which it leaves itself, where each instruction that can trap stands and what it means, and a stack bound.
//! Nothing outside the image is called except through slots; no library call is emitted. Functions are compiled in
//! parallel; the result does not depend on how many threads there are.
#![forbid(unsafe_code)]

mod function;
mod layout;
mod stack;

use compiler_core::{FunctionId, Slot, Symbol, Unit};
use compiler_syntax::span::Span;
use sci::status::Fault;
use std::collections::BTreeMap;

/// What goes wrong in code generation; each is a bug in what came before, or a program beyond a limit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Cranelift refused a function.
    #[error("the code generator refused `{function}`: {reason}")]
    Refused {
        /// The function.
        function: String,
        /// Cranelift's words.
        reason: String,
    },
    /// The front end refused a function, or a part is too large.
    #[error(transparent)]
    Core(#[from] compiler_core::Error),
    /// The program calls itself without a bound.
    #[error("`{}` come back to the first, and none states a depth", cycle.join("`, `"))]
    Recursion {
        /// The functions of the cycle, each calling the next.
        cycle: Vec<String>,
    },
}

/// How to generate code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether to spend time on faster code.
    pub optimize: bool,
    /// Whether a NaN that an instruction makes always has the same bits.
    pub one_nan: bool,
}

/// The code of a unit.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Machine code.
    pub text: Vec<u8>,
    /// Constants.
    pub rodata: Vec<u8>,
    /// State with initial values.
    pub data: Vec<u8>,
    /// Bytes of state that begins as zero.
    pub bss_bytes: u64,
    /// Slots in use, 8 bytes each.
    pub slots: Vec<Slot>,
    /// The number of each in [`compiler_core::Module::slots`], ascending.
    pub slot_numbers: Vec<u32>,
    /// Offset in text where the main thread begins.
    pub start: u32,
    /// Functions, by offset.
    pub functions: Vec<CompiledFunction>,
    /// Where each function is.
    pub offsets: BTreeMap<FunctionId, u32>,
    /// Offsets of trapping instructions, ascending.
    pub traps: Vec<(u32, Fault)>,
    /// Source places of code, by offset.
    pub places: Vec<(u32, Span)>,
    /// Words of text that refer to what the linker places.
    pub relocations: Vec<Relocation>,
    /// Stack in bytes that the main thread needs.
    pub stack_bytes: u64,
    /// Where depth is checked: stack in bytes that may be used between two checks.
    pub reserve_bytes: u64,
}

/// One function in text.
#[derive(Clone, Debug)]
pub struct CompiledFunction {
    /// Which.
    pub id: FunctionId,
    /// Its name.
    pub name: String,
    /// Offset in text.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Stack in bytes of it and all that it calls, up to the functions that check the depth.
    pub stack_bytes: u64,
}

/// A 32-bit word of text that holds a distance: `symbol + addend - place`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Offset of the word in text.
    pub offset: u32,
    /// What it refers to: no function, and a slot by its number in [`Output::slots`].
    pub symbol: Symbol,
    /// What is added.
    pub addend: i64,
}

impl Output {
    /// The offset of a function in text.
    pub fn offset_of(&self, id: FunctionId) -> Option<u32> {
        self.offsets.get(&id).copied()
    }
}

/// Compiles what a unit's roots reach.
pub fn compile(unit: &dyn Unit, options: Options) -> Result<Output, Error> {
    layout::compile(unit, options)
}
