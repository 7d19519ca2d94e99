//! What gate and signal handler know of an activation.

use std::cell::{Cell, OnceCell};
use std::ops::Range;
use std::ptr;
use std::sync::Arc;

use super::activation::Activation;
use super::context::FrameLine;
use super::import::HostEntry;
use super::interrupt::{Interruption, Limits};
use super::sample::Samples;

/// Why a guest was left: values of [`Record::event`].
pub(super) mod event {
    /// It returned.
    pub(crate) const RETURNED: u32 = 0;
    /// It was not entered: a tick came before.
    pub(crate) const BAILED: u32 = 1;
    /// The gate saved it: a tick came while the host function ran.
    pub(crate) const PENDING: u32 = 2;
    /// The gate saved it: the host function asked to park.
    pub(crate) const PARKED: u32 = 3;
    /// The host function asked for a trap.
    pub(crate) const HOST_TRAP: u32 = 4;
    /// It faulted.
    pub(crate) const TRAPPED: u32 = 5;
    /// A tick found it killed or late.
    pub(crate) const INTERRUPTED: u32 = 6;
    /// A tick saved its frame.
    pub(crate) const PREEMPTED: u32 = 7;
}

/// A fault of guest code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The signal: SIGSEGV, SIGBUS, SIGILL or SIGFPE.
    pub signal: i32,
    /// The faulting instruction, counted from the start of text; none if the gate ran out of guest stack.
    pub offset: Option<u64>,
    /// What the instruction tried to reach, if it was an access.
    pub address: u64,
    /// Whether that is the guard page below the stack.
    pub is_stack_overflow: bool,
}

/// One entry of guest code in progress on a thread, kept on the thread's stack.
pub(super) struct Level {
    /// Which activation.
    pub(super) activation: *const Activation,
    /// What the thread was in when it entered; null at the bottom.
    pub(super) outer: *const Level,
    /// Whether a tick was spent here, which the outer level has yet to hear of.
    pub(super) ticked: Cell<bool>,
}

/// The part of an activation that the gate and the signal handler use. Both run on the thread that is in the
/// activation, between two instructions of it: everything that changes is a cell.
#[repr(C)]
pub(super) struct Record {
    /// rsp of the guest at its last call of a host function.
    pub(super) stack: Cell<u64>,
    /// Where the next entry's stack begins.
    pub(super) top: Cell<u64>,
    /// The table of host functions.
    pub(super) table: *const HostEntry,
    /// The host function called last.
    pub(super) entry: Cell<*const HostEntry>,
    /// An [`event`] that the host function asks for, or 0.
    pub(super) request: Cell<u32>,
    /// Why the guest was left; [`event::RETURNED`] while it runs.
    pub(super) event: Cell<u32>,
    /// rax and rdx of a saved host call.
    pub(super) ints: Cell<[u64; 2]>,
    /// xmm0 and xmm1 of a saved host call, or results of the guest.
    pub(super) floats: Cell<[[u8; 16]; 2]>,
    /// Where a tick saves the guest's frame; null unless it may be preempted.
    pub(super) frame: Cell<*mut FrameLine>,
    /// Lines there.
    pub(super) frame_lines: Cell<usize>,
    /// Addresses of text.
    pub(super) text: Range<u64>,
    /// Addresses of the stack's guard page.
    pub(super) guard: Range<u64>,
    /// Where the stack ends, which begins behind the guard page.
    pub(super) stack_end: u64,
    /// Where a tick puts a sample.
    pub(super) samples: OnceCell<Arc<Samples>>,
    /// Whether a tick suspends.
    pub(super) is_preemptible: Cell<bool>,
    /// Whether the innermost level may be suspended: nothing of the same slab waits above it.
    pub(super) is_suspendable: Cell<bool>,
    /// With [`event::TRAPPED`].
    pub(super) trap: Cell<Option<Trap>>,
    /// With [`event::HOST_TRAP`].
    pub(super) host_trap: Cell<u32>,
    /// With [`event::INTERRUPTED`].
    pub(super) interruption: Cell<Option<Interruption>>,
    /// The innermost level of this activation.
    pub(super) level: Cell<*const Level>,
    /// When it ends.
    pub(super) limits: Limits,
}

impl Record {
    /// An activation that was never entered.
    pub(super) fn new(table: *const HostEntry, text: Range<u64>, guard: Range<u64>, stack_end: u64) -> Self {
        Self {
            stack: Cell::new(0),
            top: Cell::new(0),
            table,
            entry: Cell::new(ptr::null()),
            request: Cell::new(0),
            event: Cell::new(event::RETURNED),
            ints: Cell::default(),
            floats: Cell::default(),
            frame: Cell::new(ptr::null_mut()),
            frame_lines: Cell::new(0),
            text,
            guard,
            stack_end,
            samples: OnceCell::new(),
            is_preemptible: Cell::new(false),
            is_suspendable: Cell::new(false),
            trap: Cell::new(None),
            host_trap: Cell::new(0),
            interruption: Cell::new(None),
            level: Cell::new(ptr::null()),
            limits: Limits::default(),
        }
    }
}
