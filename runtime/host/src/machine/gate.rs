//! What `gate.s` offers, and the words of a thread that it reads.

use std::arch::{asm, global_asm};
use std::ffi::c_void;
use std::mem::offset_of;

use super::activation::Activation;
use super::import::{Arguments, HostEntry, Registers, call_function};
use super::record::{Record, event};

const RECORD: usize = offset_of!(Activation, record);
const _: () = assert!(offset_of!(Registers, floats) == 48);
const _: () = assert!(offset_of!(Registers, results) == 176);
const _: () = assert!(offset_of!(Arguments, floats) == 48);
const _: () = assert!(offset_of!(HostEntry, code) == 0 && offset_of!(HostEntry, data) == 8);

global_asm!(
    include_str!("gate.s"),
    stack = const RECORD + offset_of!(Record, stack),
    top = const RECORD + offset_of!(Record, top),
    table = const RECORD + offset_of!(Record, table),
    entry = const RECORD + offset_of!(Record, entry),
    request = const RECORD + offset_of!(Record, request),
    event = const RECORD + offset_of!(Record, event),
    ints = const RECORD + offset_of!(Record, ints),
    floats = const RECORD + offset_of!(Record, floats),
    frame = const RECORD + offset_of!(Record, frame),
    event_bailed = const event::BAILED,
    event_pending = const event::PENDING,
    event_host_trap = const event::HOST_TRAP,
    rt_sigreturn = const libc::SYS_rt_sigreturn,
    call_function = sym call_function,
);

/// rax and rdx of a guest function.
#[repr(C)]
pub(super) struct Words(pub(super) u64, pub(super) u64);

unsafe extern "sysv64" {
    /// Calls a guest function with six integers.
    #[link_name = "space_host_call"]
    pub(super) fn call(activation: *const c_void, entry: u64, arguments: *const [u64; 6]) -> Words;
    /// Calls a guest function with six integers and eight floats; float results are in the record.
    #[link_name = "space_host_call_floats"]
    pub(super) fn call_floats(activation: *const c_void, entry: u64, arguments: *const Arguments) -> Words;
    /// Resumes a guest that the gate saved.
    #[link_name = "space_host_resume"]
    pub(super) fn resume(activation: *const c_void) -> Words;
    /// Resumes a guest that a tick saved.
    #[link_name = "space_host_resume_frame"]
    pub(super) fn resume_frame(activation: *const c_void) -> Words;
    safe fn space_host_gate();
    safe fn space_host_spill();
    safe fn space_host_leave();
    safe fn space_host_gate_begin();
    safe fn space_host_gate_limit();
    safe static space_host_tails: [Tail; 5];
}

/// One way into a guest.
#[repr(C)]
pub(super) struct Tail {
    /// Where it compares the pending word.
    pub(super) check: u64,
    /// From here on a tick goes back to `check`.
    start: u64,
    /// First byte after the jump into the guest.
    end: u64,
}

/// The tail that holds `address`.
pub(super) fn tail(address: u64) -> Option<&'static Tail> {
    space_host_tails.iter().find(|tail| (tail.start..tail.end).contains(&address))
}

/// Whether `address` lies in `gate.s`.
pub(super) fn contains(address: u64) -> bool {
    (space_host_gate_begin as *const () as u64..space_host_gate_limit as *const () as u64).contains(&address)
}

/// Where thunks jump.
pub(super) fn gate() -> u64 {
    space_host_gate as *const () as u64
}

/// Where the handler sends a thread that leaves its guest, with rsp on the worker's stack.
pub(super) fn leave() -> u64 {
    space_host_leave as *const () as u64
}

/// Code of a host function that takes its arguments from memory.
pub(super) fn spill() -> *const () {
    space_host_spill as *const ()
}

macro_rules! read {
    ($(#[$attribute:meta])* $name:ident, $symbol:literal) => {
        $(#[$attribute])*
        #[inline]
        pub(super) fn $name() -> u64 {
            let value;
            // SAFETY: reads a word of this thread's TLS block, which no other thread reaches.
            unsafe {
                asm!(concat!("mov {}, fs:[", $symbol, "@tpoff]"), out(reg) value,
                    options(nostack, preserves_flags));
            }
            value
        }
    };
}

macro_rules! write {
    ($(#[$attribute:meta])* $name:ident, $symbol:literal) => {
        $(#[$attribute])*
        #[inline]
        pub(super) fn $name(value: u64) {
            // SAFETY: writes a word of this thread's TLS block; any value is valid.
            unsafe {
                asm!(concat!("mov fs:[", $symbol, "@tpoff], {}"), in(reg) value,
                    options(nostack, preserves_flags));
            }
        }
    };
}

read!(
    /// Address of the current [`Activation`], 0 if this thread has entered none.
    activation, "space_host_activation"
);
read!(
    /// The thread's own stack pointer, below which host functions run.
    stack, "space_host_stack"
);
read!(
    /// The kernel's number of this thread, 0 if it is no worker.
    thread, "space_host_thread"
);
write!(
    /// Sets [`thread`].
    set_thread, "space_host_thread"
);
write!(
    /// Not 0 if a tick came while the thread was in the host: the next way into a guest looks.
    set_pending, "space_host_pending"
);
