//! The context of an interrupted thread as the kernel lays it on the signal stack.

use std::mem::offset_of;
use std::ptr;

use super::gate;

const RAX_TO_RIP: usize = 16;
const REGISTER_RBP: usize = 10;
const REGISTER_RSP: usize = 15;
const REGISTER_FLAGS: usize = 17;

/// Trap, direction and alignment-check flag: a guest's, never the host's.
const GUEST_FLAGS: u64 = 1 << 8 | 1 << 10 | 1 << 18;
/// Says that extended state follows the legacy one.
const EXTENDED_MAGIC: u32 = 0x4650_5853;
const CONTROL_WORD: u16 = 0x037f;
const MXCSR: u32 = 0x1f80;

/// Floating-point state as `xsave` and the kernel write it.
#[repr(C, align(64))]
struct State {
    control_word: u16,
    _status: [u16; 11],
    mxcsr: u32,
    _mxcsr_mask: u32,
    /// x87 and xmm registers.
    registers: [u8; 384],
    _reserved: [u8; 48],
    /// [`EXTENDED_MAGIC`], or what is here is all.
    magic: u32,
    /// Bytes of the whole, where there is more.
    bytes: u32,
    _kernel: [u8; 40],
    /// Where there is more: components that are not in their initial state.
    components: u64,
}

const _: () = assert!(offset_of!(State, mxcsr) == 24 && offset_of!(State, magic) == 464);
const _: () = assert!(offset_of!(State, components) == LEGACY_BYTES);
/// Bytes of the part that is always there.
const LEGACY_BYTES: usize = 512;
/// Where a saved frame's floating-point state lies.
const SAVED_STATE_AT: usize = 512;

/// A part of a saved frame: the processor wants its state aligned so.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct FrameLine([u8; 64]);

impl FrameLine {
    /// Nothing saved.
    pub(super) const EMPTY: Self = Self([0; 64]);
}

/// `struct ucontext` of the kernel, which is shorter than the C library's.
#[repr(C)]
pub(super) struct Context {
    flags: u64,
    link: *mut Context,
    stack: libc::stack_t,
    /// r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags, and what a trap adds.
    registers: [u64; 23],
    state: *mut State,
    reserved: [u64; 8],
    mask: u64,
}

const _: () = assert!(size_of::<Context>() == 304);

impl Context {
    /// Where the thread was.
    pub(super) fn instruction(&self) -> u64 {
        self.registers[RAX_TO_RIP]
    }

    /// Its stack pointer.
    pub(super) fn stack(&self) -> u64 {
        self.registers[REGISTER_RSP]
    }

    /// Its frame pointer.
    pub(super) fn frame(&self) -> u64 {
        self.registers[REGISTER_RBP]
    }

    /// Lets it go on elsewhere.
    pub(super) fn redirect(&mut self, instruction: u64, stack: u64) {
        self.registers[RAX_TO_RIP] = instruction;
        self.registers[REGISTER_RSP] = stack;
    }

    /// Lets it leave the guest: the host finds flags and floating-point state as a new thread does.
    ///
    /// # Safety
    /// This is the context of the signal being handled, met in guest code or the gate.
    pub(super) unsafe fn leave_guest(&mut self) {
        self.redirect(gate::leave(), gate::stack());
        self.registers[REGISTER_FLAGS] &= !GUEST_FLAGS;
        // SAFETY: the kernel put the state, 64-byte aligned, beside the context; it is restored from there.
        unsafe {
            (*self.state).control_word = CONTROL_WORD;
            (*self.state).mxcsr = MXCSR;
            if self.is_extended() {
                // No component is in use: all registers become zero.
                (*self.state).components = 0;
            } else {
                (*self.state).registers = [0; 384];
            }
        }
    }

    /// Copies context and floating-point state off the signal stack; false if `bytes` are too few.
    ///
    /// # Safety
    /// As for [`Context::leave_guest`]; `frame` has `lines`, or is null.
    pub(super) unsafe fn save(&self, frame: *mut FrameLine, lines: usize) -> bool {
        // SAFETY: as in `leave_guest`.
        let state_bytes =
            unsafe { if self.is_extended() { (*self.state).bytes as usize } else { LEGACY_BYTES } };
        if frame.is_null() || SAVED_STATE_AT + state_bytes > lines * size_of::<FrameLine>() {
            return false;
        }
        // SAFETY: both parts fit the frame, as checked, which is the activation's own.
        unsafe {
            let context = frame.cast::<Self>();
            let state = frame.add(SAVED_STATE_AT / size_of::<FrameLine>()).cast::<State>();
            ptr::copy_nonoverlapping(self, context, 1);
            ptr::copy_nonoverlapping(self.state.cast::<u8>(), state.cast::<u8>(), state_bytes);
            (*context).state = state;
        }
        true
    }

    /// Before a saved context is resumed: its signal stack and mask become this thread's.
    pub(super) fn adopt(&mut self) {
        // SAFETY: both calls only read the thread's settings into what they are given. The kernel's mask has 8 bytes.
        unsafe {
            libc::sigaltstack(ptr::null(), &raw mut self.stack);
            let mask = &raw mut self.mask;
            let null = ptr::null::<u64>();
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, null, mask, size_of::<u64>());
        }
    }

    /// # Safety
    /// The floating-point state is there.
    unsafe fn is_extended(&self) -> bool {
        // SAFETY: the legacy part is always there.
        unsafe { (*self.state).magic == EXTENDED_MAGIC }
    }
}
