//! The nanokernel on Linux: its core over processes instead of page tables.
//!
//! Each realm is a process whose memory is pages of one memory file and whose system calls never reach the host: they
//! stop it, and the core carries them out, as it does on the bare machine. The image, the gate page and the addresses
//! are the same, and so is the order of events: one realm runs at a time.
//!
//! | file | settles |
//! |---|---|
//! | `program.rs`, `process.rs` | a process that can do nothing by itself |
//! | `memory.rs`, `space.rs` | frames; address spaces |
//! | `exception.rs` | what its exceptions mean |
//! | `clock.rs`, `uart.rs` | time and the tick; the console's device |
//! | `machine.rs`, `cpu.rs` | the core's view of all this; what runs when |

mod clock;
mod cpu;
mod exception;
mod machine;
mod memory;
mod process;
mod program;
mod space;
mod uart;

pub use cpu::{Error, Settings, run};
