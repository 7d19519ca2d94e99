//! MIR to machine code, through Cranelift.
//!
//! [`compile`] gives the text of a component and everything that a linker needs to place it: constants, state,
//! the slots through which it leaves itself, where each instruction that can trap stands and what it means, and
//! an exact stack bound. Nothing outside the image is called except through slots; no library call is emitted.
#![forbid(unsafe_code)]

mod arithmetic;
mod function;
mod memory;
mod message;
mod stack;
mod target;

use compiler_mir::ir::{Fault, FunctionId, Program};
use compiler_mir::verify::Defect;
use compiler_syntax::span::Span;

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
    /// The program is not well-formed; looked for in builds with debug assertions.
    #[error("the program is not well-formed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Malformed(Vec<Defect>),
    /// The program calls itself without a bound.
    #[error("`{}` come back to the first, and none states a depth", cycle.join("`, `"))]
    Recursion {
        /// The functions of the cycle, each calling the next.
        cycle: Vec<String>,
    },
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
}

/// How to generate code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether to spend time on faster code.
    pub optimize: bool,
}

/// The code of a program.
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
    /// Slots, 8 bytes each: the system call behind each.
    pub slots: Vec<u32>,
    /// Offset in text where the main thread begins.
    pub start: u32,
    /// Functions, by offset.
    pub functions: Vec<CompiledFunction>,
    /// Offsets of trapping instructions, ascending.
    pub traps: Vec<(u32, Fault)>,
    /// Source places of code, by offset.
    pub places: Vec<(u32, Span)>,
    /// Words of text that refer to what the linker places.
    pub relocations: Vec<Relocation>,
    /// Stack in bytes that the main thread needs.
    pub stack_bytes: u64,
}

/// One function in text.
#[derive(Clone, Debug)]
pub struct CompiledFunction {
    /// Which; `None` for the start stub.
    pub id: Option<FunctionId>,
    /// Its name.
    pub name: String,
    /// Offset in text.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Stack in bytes of it and all that it calls.
    pub stack_bytes: u64,
}

/// A 32-bit word of text that holds a distance: `target + addend - place`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Offset of the word in text.
    pub offset: u32,
    /// What it refers to.
    pub target: Target,
    /// What is added.
    pub addend: i64,
}

/// What a relocation refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An offset in rodata.
    Rodata(u64),
    /// An offset in data.
    Data(u64),
    /// An offset in bss.
    Bss(u64),
    /// A slot.
    Slot(u32),
    /// The start page.
    StartPage,
}

/// Compiles what the given functions reach. With a component its main function is among them, and `start` is where
/// its thread begins.
pub fn compile(program: &Program, roots: &[FunctionId], options: Options) -> Result<Output, Error> {
    if cfg!(debug_assertions) {
        compiler_mir::verify::verify(program).map_err(Error::Malformed)?;
    }
    target::Module::new(program, options)?.compile(roots)
}
