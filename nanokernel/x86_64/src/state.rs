//! The kernel's one state: core, machine, and registers of interrupted threads.
//!
//! One CPU, entered with interrupts off: whoever runs in ring 0 has it alone. The idle loop, the only place
//! where ring 0 is interrupted, holds no reference across its `hlt`.

use core::cell::UnsafeCell;

use crate::entry::Saved;
use crate::machine::Machine;
use nanokernel_core::Kernel;
use nanokernel_core::table::REALMS;
use nanokernel_core::thread::Thread;

struct State<T>(UnsafeCell<T>);

// SAFETY: see the module's words: one CPU, never two references at a time.
unsafe impl<T> Sync for State<T> {}

static KERNEL: State<Kernel> = State(UnsafeCell::new(Kernel::new()));
static MACHINE: State<Machine> = State(UnsafeCell::new(Machine::new()));
static SAVED: State<[Saved; REALMS]> = State(UnsafeCell::new([Saved::EMPTY; REALMS]));

/// The kernel's core.
pub fn kernel() -> &'static mut Kernel {
    // SAFETY: callers are entered one at a time and drop the reference before they leave ring 0 or idle.
    unsafe { &mut *KERNEL.0.get() }
}

/// The machine.
pub fn machine() -> &'static mut Machine {
    // SAFETY: as for `kernel`.
    unsafe { &mut *MACHINE.0.get() }
}

/// Registers of a thread at its last interrupt.
pub fn saved_of(thread: u16) -> &'static mut Saved {
    // SAFETY: as for `kernel`; the index is masked.
    unsafe { &mut (*SAVED.0.get())[usize::from(thread) & (REALMS - 1)] }
}

/// Thread 0, for the per-CPU block.
pub fn threads() -> *const Thread {
    core::ptr::from_ref(kernel().threads.at(0))
}

/// Thread 0's registers at an interrupt, for the per-CPU block.
pub fn saved() -> *const Saved {
    SAVED.0.get().cast()
}
