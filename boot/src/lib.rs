//! What boots: the kernel and the OS components, embedded, and the runner that starts them in QEMU.
//!
//! | module | does |
//! |---|---|
//! | [`qemu`] | finds QEMU, makes its command line |
//! | [`run`] | starts it, relays the console, says how the run ended |
//! | [`fault`] | reads the kernel's fault lines |
#![forbid(unsafe_code)]

pub mod fault;
pub mod qemu;
pub mod run;

pub use fault::FaultLine;
pub use qemu::{Machine, Qemu};
pub use run::{Ending, Error, Run, Stop};

/// The kernel: one ELF64 with a multiboot1 and a PVH entry.
pub const KERNEL: &[u8] = include_bytes!(env!("SPACE_KERNEL_FILE"));

/// The OS components, unsigned, by name.
pub const OS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/os.rs"));
