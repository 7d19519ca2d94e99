//! What a program under test finds outside itself: the same for the interpreter and for machine code.

use compiler_mir::interpret::{Host, Message, Stop};
use compiler_mir::ir::Fault;

/// A frame as words.
pub type Frame = [u64; 16];

/// Words that begin what a child says.
pub const EXIT: u64 = 1000;
/// As [`EXIT`].
pub const REPLY: u64 = 1001;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The main function returned.
    Exit,
    /// It trapped.
    Trap(Fault),
}

/// What a run of machine code showed.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// How it ended.
    pub end: Option<End>,
    /// Line and column of the trap.
    pub place: Option<(u32, u32)>,
    /// Status and words of each answer.
    pub replies: Vec<(u64, Vec<u64>)>,
    /// Initialised state.
    pub data: Vec<u8>,
    /// Zeroed state.
    pub bss: Vec<u8>,
}

/// A message to a component under test.
pub struct Incoming {
    pub badge: u64,
    pub method: u64,
    pub words: [u64; 6],
}

/// The messages that a component under test receives, one after another.
pub const MESSAGES: [Incoming; 3] = [
    Incoming { badge: 3, method: 1, words: [10, 20, 30, 40, 50, 60] },
    Incoming { badge: 5 << 32 | 1, method: 2, words: [1, 2, 3, 4, 5, 6] },
    Incoming { badge: 0, method: 0, words: [u64::MAX; 6] },
];

/// Carries out a system call: nothing but a mixture of what it was told.
pub fn system(call: u32, arguments: &[u64]) -> (u64, u64) {
    let mix = |sum: u64, word: &u64| sum.rotate_left(7).wrapping_add(*word);
    let value = arguments.iter().fold(u64::from(call), mix);
    (value % 3, value)
}

/// Answers a message: words that depend on all it carries, and a window with every byte changed.
pub fn invoke(capability: u64, method: u8, words: &[u64; 6], window: &mut [u8]) -> (u64, [u64; 6]) {
    for (at, byte) in window.iter_mut().enumerate() {
        *byte = byte.wrapping_mul(3).wrapping_add(at as u8);
    }
    let seed = capability << 8 | u64::from(method);
    let answer = std::array::from_fn(|at| words[5 - at].wrapping_mul(7).wrapping_add(seed + at as u64));
    (u64::from(method % 2), answer)
}

/// The peers, for the interpreter.
pub struct Peers;

impl Host for Peers {
    fn system(&mut self, call: u32, arguments: &[u64]) -> Result<(u64, u64), Stop> {
        Ok(system(call, arguments))
    }

    fn invoke(&mut self, message: Message<'_>) -> Result<(u64, [u64; 6]), Stop> {
        let words = std::array::from_fn(|at| message.words.get(at).copied().unwrap_or(0));
        Ok(invoke(message.capability, message.method, &words, message.window))
    }
}
