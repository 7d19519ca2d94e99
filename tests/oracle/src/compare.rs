//! One program run twice: by the interpreter and as machine code.

use crate::native::{Code, End};
use compiler_codegen::{Options, Output};
use compiler_mir::interpret::{Interpreter, NoHost, Stop};
use compiler_mir::ir::{Fault, FunctionId, Program};
use compiler_syntax::span::Span;

/// Steps that the interpreter may take for one run.
const FUEL: u64 = 100_000;

/// How a run ended, as far as a program can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave a value.
    Value(u64),
    /// It trapped.
    Trap(Fault),
    /// It raised a signal that no table explains.
    Unexplained {
        /// Number of the signal.
        signal: i32,
        /// Offset in text.
        offset: u32,
    },
}

/// Two runs that ended differently.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{function}{arguments:x?}: interpreted {interpreted:x?}, as machine code {native:x?} (optimize {optimize})"
)]
pub struct Divergence {
    /// The function.
    pub function: String,
    /// Its arguments.
    pub arguments: Vec<u64>,
    /// What the interpreter says.
    pub interpreted: Outcome,
    /// What the machine says.
    pub native: Outcome,
    /// Whether the code was optimised.
    pub optimize: bool,
}

/// What comparing one call found.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Both ended in the same way; whether a trap's source place is the same too.
    Same(Outcome, bool),
    /// The interpreter did not come to an end, so the machine was not asked.
    Skipped,
    /// They differ.
    Different(Divergence),
}

/// Why a program could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No code.
    #[error("{0}")]
    Code(#[from] compiler_codegen::Error),
    /// The program is no unit of Core IR.
    #[error(transparent)]
    Core(#[from] compiler_core::Error),
    /// No memory.
    #[error("{0}")]
    Memory(#[from] crate::native::Unmapped),
    /// The code lacks the function.
    #[error("the code lacks the function {0}")]
    Missing(String),
}

/// A program compiled for comparison.
#[derive(Debug)]
pub struct Pair<'p> {
    program: &'p Program,
    output: Output,
    code: Code,
    optimize: bool,
}

impl<'p> Pair<'p> {
    /// Compiles what the roots reach.
    pub fn new(program: &'p Program, roots: &[FunctionId], optimize: bool) -> Result<Self, Error> {
        let unit = compiler_core::mir::unit(program, roots)?;
        let output = compiler_codegen::compile(&unit, Options { optimize, one_nan: true })?;
        let code = Code::new(&output)?;
        Ok(Self { program, output, code, optimize })
    }

    /// Bytes of machine code.
    pub const fn text_bytes(&self) -> usize {
        self.output.text.len()
    }

    /// Calls a function of `u64` parameters and a `u64` result both ways.
    pub fn compare(&self, function: FunctionId, arguments: &[u64]) -> Result<Verdict, Error> {
        let interpreted = interpret(self.program, function, arguments);
        let (wanted, span) = match interpreted {
            Ok(value) => (Outcome::Value(value), None),
            Err(Stop::Trap { fault, span }) => (Outcome::Trap(fault), Some(span)),
            Err(Stop::Fuel | Stop::Depth | Stop::Refused { .. }) => return Ok(Verdict::Skipped),
        };
        let name = &self.program.functions[function.index()].name;
        let compiled = self.output.functions.iter().find(|one| one.id.0 == function.0);
        let compiled = compiled.ok_or_else(|| Error::Missing(name.clone()))?;
        let end = self.code.call(compiled.offset, arguments)?;
        let (native, place) = match end {
            End::Returned { integer, .. } => (Outcome::Value(integer), None),
            End::Trapped { fault, offset } => (Outcome::Trap(fault), self.place(offset)),
            End::Signal { number, offset } => (Outcome::Unexplained { signal: number, offset }, None),
        };
        if native == wanted {
            return Ok(Verdict::Same(wanted, span == place));
        }
        Ok(Verdict::Different(Divergence {
            function: name.clone(),
            arguments: arguments.to_vec(),
            interpreted: wanted,
            native,
            optimize: self.optimize,
        }))
    }

    /// The source place of an offset of text.
    fn place(&self, offset: u32) -> Option<Span> {
        let behind = self.output.places.partition_point(|(at, _)| *at <= offset);
        behind.checked_sub(1).map(|at| self.output.places[at].1)
    }
}

/// Calls a function of `u64` parameters and a `u64` result in the interpreter.
pub fn interpret(program: &Program, function: FunctionId, arguments: &[u64]) -> Result<u64, Stop> {
    let mut host = NoHost;
    let mut interpreter = Interpreter::new(program, &mut host, FUEL);
    let arguments: Vec<Vec<u8>> = arguments.iter().map(|word| word.to_le_bytes().to_vec()).collect();
    let bytes = interpreter.call(function, &arguments)?;
    Ok(word(&bytes))
}

/// Little-endian bytes as a word, upper bytes zero.
pub fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}
