//! Between ring 3 and the core: what `boot.s` and `entry.s` call, and the traps.

use core::arch::{asm, global_asm};
use core::mem::offset_of;

use crate::clock;
use crate::controller::{self, LINE_VECTOR, LINES, SPURIOUS_VECTOR};
use crate::cpu::{Block, CALL_STACK_BYTES, TRAP_STACK_BYTES};
use crate::paging::kernel_space;
use crate::state::{kernel, machine, saved_of};
use nanokernel_core::thread::{NONE, Registers, Resume, Thread, ThreadState};
use nanokernel_core::{Exit, Hal, Switch};
use sci::layout::{GATE_PAGE, KERNEL_SLAB_BASE, PAGE};
use sci::status::{Fault, Status};
use sci::syscall::{CALLS, number};

global_asm!(
    include_str!("boot.s"),
    call_stack_bytes = const CALL_STACK_BYTES,
    trap_stack_bytes = const TRAP_STACK_BYTES,
    options(att_syntax)
);

global_asm!(
    include_str!("entry.s"),
    t_stack = const offset_of!(Thread, registers) + offset_of!(Registers, stack),
    t_instruction = const offset_of!(Thread, registers) + offset_of!(Registers, instruction),
    t_words = const offset_of!(Thread, registers) + offset_of!(Registers, words),
    t_status = const offset_of!(Thread, registers) + offset_of!(Registers, status),
    t_value = const offset_of!(Thread, registers) + offset_of!(Registers, value),
    t_method = const offset_of!(Thread, registers) + offset_of!(Registers, method),
    t_badge = const offset_of!(Thread, registers) + offset_of!(Registers, badge),
    t_peer_generation = const offset_of!(Thread, registers) + offset_of!(Registers, generation),
    t_fourth = const offset_of!(Thread, registers) + offset_of!(Registers, fourth),
    t_space = const offset_of!(Thread, space),
    t_generation = const offset_of!(Thread, generation),
    t_resume = const offset_of!(Thread, resume),
    g_stack = const offset_of!(Block, stack),
    g_current = const offset_of!(Block, current),
    g_threads = const offset_of!(Block, threads),
    g_saved = const offset_of!(Block, saved),
    gate_page_number = const (KERNEL_SLAB_BASE + GATE_PAGE) / PAGE,
    calls = const CALLS.len(),
    unsupported = const Status::Unsupported as u64,
    unsupported_calls = const unsupported_calls(),
    ipc_call = const number::ipc_call,
    ipc_reply_recv = const number::ipc_reply_recv,
    saved_bytes = const size_of::<Saved>(),
    saved_vectors = const offset_of!(Saved, vectors),
    frame_cs = const offset_of!(Frame, code_segment),
    options(att_syntax)
);

const _: () = assert!(size_of::<Thread>() == 256, "entry.s shifts a thread's index by 8");
const _: () = assert!((KERNEL_SLAB_BASE + GATE_PAGE) / PAGE < 1 << 31, "entry.s compares with an immediate");

/// Bit *n* is set where call *n* is in the table but not in this kernel.
const fn unsupported_calls() -> u64 {
    let (mut bits, mut index) = (0, 0);
    while index < CALLS.len() {
        if !CALLS[index].implemented {
            bits |= 1 << index;
        }
        index += 1;
    }
    bits
}

/// The first realm's thread.
const ROOT: u16 = 1;

unsafe extern "C" {
    /// Where `syscall` arrives.
    pub fn syscall_entry();
    /// The first of 256 stubs.
    pub fn trap_stubs();
    fn first_entry(thread: *const Thread) -> !;
}

/// The bit of the flags that lets interrupts in.
const INTERRUPT_FLAG: u64 = 1 << 9;

/// Every register of a thread at an interrupt.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Frame {
    /// `r15 r14 r13 r12 r11 r10 r9 r8 rbp rdi rsi rdx rcx rbx rax`.
    general: [u64; 15],
    vector: u64,
    error: u64,
    instruction: u64,
    code_segment: u64,
    flags: u64,
    stack: u64,
    stack_segment: u64,
}

/// The registers of an interrupted thread, x87 and SSE included.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Saved {
    frame: Frame,
    vectors: Vectors,
}

/// What `fxsave64` writes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Vectors([u64; 64]);

impl Saved {
    /// Nothing.
    pub const EMPTY: Self = Self {
        frame: Frame {
            general: [0; 15],
            vector: 0,
            error: 0,
            instruction: 0,
            code_segment: 0,
            flags: 0,
            stack: 0,
            stack_segment: 0,
        },
        vectors: Vectors([0; 64]),
    };
}

/// Leaves the boot stack for the first thread.
pub fn enter() -> ! {
    let thread = to_run();
    machine().figures.first_user();
    // SAFETY: the thread is one that the core made ready; the boot stack is not returned to.
    unsafe { first_entry(thread) }
}

/// The thread to run; waits for an interrupt while there is none.
fn to_run() -> *const Thread {
    while kernel().current == NONE {
        idle();
    }
    let kernel = kernel();
    core::ptr::from_ref(kernel.thread(kernel.current))
}

/// Waits for one interrupt, in the kernel's own space; ends the run if none can ever wake anyone.
fn idle() {
    let kernel = kernel();
    let can_wake =
        kernel.threads.iter().any(|(_, thread)| thread.state == ThreadState::Waiting && thread.wake != 0)
            || kernel.lines.iter().any(|(_, line)| line.realm != 0);
    if !can_wake {
        kernel.stop(machine(), Exit::Stuck);
    }
    // SAFETY: the kernel's space holds all that the handlers use; they run on their own stack and clobber what
    // a C function may.
    unsafe {
        asm!("mov cr3, {}", in(reg) kernel_space().0, options(nostack, preserves_flags));
        asm!("sti", "hlt", "cli", clobber_abi("C"));
    }
}

#[unsafe(no_mangle)]
extern "C" fn call_fast(handle: u64, method: u64) -> Switch {
    kernel().call_fast(handle, method)
}

#[unsafe(no_mangle)]
extern "C" fn reply_fast(status: u64) -> Switch {
    kernel().reply_fast(status)
}

/// A call whose registers are saved; answers the thread to run.
#[unsafe(no_mangle)]
extern "C" fn system_call() -> *const Thread {
    machine().figures.entered();
    let kernel = kernel();
    let number = kernel.thread(kernel.current).registers.status;
    kernel.system_call(machine());
    let is_root_ready = kernel.thread(ROOT).state == ThreadState::Receiving;
    machine().figures.leaving(number, is_root_ready);
    to_run()
}

/// A `syscall` instruction that is not the gate's.
#[unsafe(no_mangle)]
extern "C" fn syscall_outside_gate() -> *const Thread {
    let kernel = kernel();
    let instruction = kernel.thread(kernel.current).registers.instruction;
    kernel.trap(machine(), Fault::OutsideGate, instruction, 0);
    to_run()
}

/// An exception or interrupt from ring 3.
#[unsafe(no_mangle)]
extern "C" fn trap_user(frame: &Frame, vectors: &Vectors) -> *const Thread {
    machine().figures.entered();
    let kernel = kernel();
    let current = kernel.current;
    let saved = saved_of(current);
    saved.frame = *frame;
    saved.vectors = *vectors;
    let thread = kernel.threads.at_mut(usize::from(current));
    thread.resume = Resume::Interrupt;
    thread.registers.instruction = frame.instruction;
    thread.registers.stack = frame.stack;
    match frame.vector {
        vector @ 0..32 => {
            let (fault, address, detail) = classify(vector, frame);
            kernel.trap(machine(), fault, address, detail);
        }
        vector => interrupt(vector),
    }
    machine().figures.leaving(u64::MAX, false);
    to_run()
}

/// An interrupt while idle, or a contradiction in the kernel itself.
#[unsafe(no_mangle)]
extern "C" fn trap_kernel(frame: &mut Frame) {
    let Frame { vector, error, instruction, .. } = *frame;
    assert!(
        vector >= 32 && kernel().current == NONE,
        "trap {vector} in the kernel: instruction {instruction:#x} error {error:#x} address {:#x}",
        fault_address()
    );
    interrupt(vector);
    // One interrupt ends the wait: a second one that is pending must find a thread running, or the next wait.
    frame.flags &= !INTERRUPT_FLAG;
}

fn interrupt(vector: u64) {
    if vector == SPURIOUS_VECTOR {
        return;
    }
    if !controller::acknowledge(vector) {
        return;
    }
    if clock::is_tick(vector) {
        kernel().tick(clock::now());
    } else if let Some(line) = vector.checked_sub(LINE_VECTOR).filter(|line| *line < u64::from(LINES)) {
        controller::fired(line as u16);
        kernel().interrupt(line as u16);
        kernel().reschedule();
    }
}

/// What an exception of ring 3 means: the fault, the address, the detail.
fn classify(vector: u64, frame: &Frame) -> (Fault, u64, u64) {
    const WRITE: u64 = 1 << 1;
    const FETCH: u64 = 1 << 4;
    const FROM_INSTRUCTION: u64 = 1 << 1;
    let error = frame.error;
    match vector {
        0 => (Fault::Division, 0, vector),
        6 => (Fault::Undefined, 0, vector),
        13 if error & FROM_INSTRUCTION != 0 => (Fault::SoftwareInterrupt, 0, interrupt_number(frame)),
        12 | 13 => (Fault::Privileged, 0, error),
        14 => {
            let address = fault_address();
            let kernel = kernel();
            let fault = match error {
                _ if error & FETCH != 0 => Fault::ExecuteFault,
                _ if kernel.is_stack_guard(address) => Fault::StackOverflow,
                _ if error & WRITE != 0 => Fault::WriteFault,
                _ => Fault::ReadFault,
            };
            (fault, address, error)
        }
        16 | 19 => (Fault::Float, 0, vector),
        _ => (Fault::Exception, 0, vector),
    }
}

/// The `n` of the `int n` that was refused. The error code would tell, but QEMU shifts it one bit too far.
fn interrupt_number(frame: &Frame) -> u64 {
    const INT: u8 = 0xcd;
    const INT3: u64 = 3;
    let mut code = [0; 2];
    let kernel = kernel();
    let space = kernel.thread(kernel.current).space;
    if machine().user_read(space, frame.instruction, &mut code) && code[0] == INT {
        u64::from(code[1])
    } else {
        INT3
    }
}

/// The address that the last page fault was about.
fn fault_address() -> u64 {
    let address;
    // SAFETY: reading the register changes nothing.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}
