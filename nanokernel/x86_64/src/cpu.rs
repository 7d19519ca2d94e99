//! The CPU: which features it must have, its descriptor tables, its control registers.

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};

use crate::entry::{Saved, syscall_entry, trap_stubs};
use crate::state;
use nanokernel_core::Exit;
use nanokernel_core::thread::Thread;

/// Bytes of the stack for calls, and of each stack for traps.
pub const CALL_STACK_BYTES: usize = 64 * 1024;
/// See [`CALL_STACK_BYTES`].
pub const TRAP_STACK_BYTES: usize = 16 * 1024;

const KERNEL_CODE: u64 = 0x08;
const KERNEL_DATA: u64 = 0x10;
const TASK: u64 = 0x30;
/// `sysretq` takes data at + 8 and code at + 16.
const SYSRET_BASE: u64 = 0x18 | 3;

/// Flags cleared by `syscall`: everything a thread could disturb the kernel with.
const SYSCALL_FLAGS: u64 = 0x4_7700;

unsafe extern "C" {
    static call_stack_top: u8;
    static trap_stack_top: u8;
    static abort_stack_top: u8;
}

/// The per-CPU block behind gs. `entry.s` reads its head.
#[repr(C, align(64))]
pub struct Block {
    /// Where the call stack begins: 8 below a multiple of 16, so that a call from `entry.s` is aligned.
    pub stack: u64,
    /// The thread that runs.
    pub current: *const Thread,
    /// Thread 0.
    pub threads: *const Thread,
    /// Thread 0's registers at an interrupt.
    pub saved: *const Saved,
    descriptors: [u64; 8],
    task: TaskState,
}

#[repr(C, packed)]
struct TaskState {
    reserved0: u32,
    stacks: [u64; 3],
    reserved1: u64,
    interrupt_stacks: [u64; 7],
    reserved2: u64,
    reserved3: u16,
    port_map: u16,
}

/// Length of the task state: the port map lies behind it, so every port is closed to ring 3.
const TASK_BYTES: u64 = 104;

static mut BLOCK: Block = Block {
    stack: 0,
    current: core::ptr::null(),
    threads: core::ptr::null(),
    saved: core::ptr::null(),
    descriptors: [
        0,
        0x00af_9b00_0000_ffff,
        0x00cf_9300_0000_ffff,
        0,
        0x00cf_f300_0000_ffff,
        0x00af_fb00_0000_ffff,
        0,
        0,
    ],
    task: TaskState {
        reserved0: 0,
        stacks: [0; 3],
        reserved1: 0,
        interrupt_stacks: [0; 7],
        reserved2: 0,
        reserved3: 0,
        port_map: TASK_BYTES as u16,
    },
};
static mut VECTORS: [[u64; 2]; 256] = [[0; 2]; 256];

/// Features that isolation rests on, and others the kernel uses.
struct Features {
    isolates: bool,
    is_usable: bool,
}

fn features() -> Features {
    let (basic, extended) = (__cpuid(1), __cpuid(0x8000_0001));
    let structured = __cpuid_count(7, 0);
    let smep = structured.ebx >> 7 & 1;
    let smap = structured.ebx >> 20 & 1;
    let umip = structured.ecx >> 2 & 1;
    let no_execute = extended.edx >> 20 & 1;
    let xsave = basic.ecx >> 26 & 1;
    let sse42 = basic.ecx >> 20 & 1;
    Features { isolates: smep & smap & umip & no_execute == 1, is_usable: xsave & sse42 == 1 }
}

/// Refuses a CPU without NX, SMEP, SMAP and UMIP, unless told otherwise, and one that cannot run the kernel.
pub fn require_features(unsafe_cpu: bool) -> Result<(), Exit> {
    let features = features();
    if features.is_usable && (features.isolates || unsafe_cpu) { Ok(()) } else { Err(Exit::CpuRefused) }
}

/// Loads the descriptor tables, closes what ring 3 must not have, and opens `syscall`.
pub fn start() {
    // SAFETY: one CPU, at boot, with interrupts off; the tables are statics that nothing else changes. The
    // selectors are those of `Block::descriptors`, and `ss`, `cs`, `tr` are loaded from them.
    unsafe {
        let block = &raw mut BLOCK;
        (*block).stack = (&raw const call_stack_top) as u64 - 8;
        (*block).threads = state::threads();
        (*block).current = state::threads();
        (*block).saved = state::saved();
        let trap = (&raw const trap_stack_top) as u64;
        let abort = (&raw const abort_stack_top) as u64;
        (*block).task.stacks = [trap; 3];
        (*block).task.interrupt_stacks = [trap, abort, 0, 0, 0, 0, 0];
        let task = (&raw const (*block).task) as u64;
        let low = (task & 0xff_ffff) << 16 | (task >> 24 & 0xff) << 56 | 0x89 << 40 | (TASK_BYTES - 1);
        (*block).descriptors[6] = low;
        (*block).descriptors[7] = task >> 32;
        fill_vectors();
        let pointer = |limit: u64, base: u64| [limit << 48, base];
        let descriptors = pointer(63, (&raw const (*block).descriptors) as u64);
        let vectors = pointer(4095, (&raw const VECTORS) as u64);
        asm!("lgdt [{}]", in(reg) (&raw const descriptors).cast::<u8>().add(6));
        asm!("push {code}", "lea {to}, [rip + 2f]", "push {to}", "retfq", "2:",
             code = const KERNEL_CODE, to = out(reg) _);
        asm!("mov ss, {0:x}", in(reg) KERNEL_DATA);
        asm!("ltr {0:x}", in(reg) TASK);
        asm!("lidt [{}]", in(reg) (&raw const vectors).cast::<u8>().add(6));
        start_protection();
        write_model(0xc000_0081, SYSRET_BASE << 48 | KERNEL_CODE << 32);
        write_model(0xc000_0082, syscall_entry as *const () as u64);
        write_model(0xc000_0084, SYSCALL_FLAGS);
        // gs is the kernel's in ring 0; `resume` swaps it with the user's, which is 0.
        write_model(0xc000_0101, block as u64);
        write_model(0xc000_0102, 0);
    }
}

/// Every vector has its stub; none may be raised by `int n`.
fn fill_vectors() {
    const ABORTS: [u64; 3] = [2, 8, 18];
    let stubs = trap_stubs as *const () as u64;
    for vector in 0..256 {
        let stub = stubs + vector * 16;
        let stack = if ABORTS.contains(&vector) { 2 } else { 1 };
        let low = stub & 0xffff | KERNEL_CODE << 16 | stack << 32 | 0x8e << 40 | (stub >> 16 & 0xffff) << 48;
        // SAFETY: at boot, before the table is loaded.
        unsafe { VECTORS[vector as usize] = [low, stub >> 32] };
    }
}

/// Vectors whose gates lead to their own stubs, in ring 0, and cannot be raised from ring 3.
pub fn vectors_present() -> usize {
    const PRESENT_RING_0_GATE: u64 = 0x8e;
    let stubs = trap_stubs as *const () as u64;
    // SAFETY: the table is written at boot only.
    let vectors = unsafe { VECTORS };
    let leads_home = |(vector, [low, high]): &(u64, [u64; 2])| {
        let target = low & 0xffff | low >> 32 & 0xffff_0000 | high << 32;
        target == stubs + vector * 16 && low >> 40 & 0xff == PRESENT_RING_0_GATE
    };
    (0..).zip(vectors).filter(leads_home).count()
}

/// SMEP, SMAP, UMIP where the CPU has them; no time-stamp counter for ring 3; XSAVE for x87 and SSE alone.
fn start_protection() {
    let structured = __cpuid_count(7, 0);
    let has = |word: u32, bit: u32| u64::from(word >> bit & 1);
    // SAFETY: the bits are those that CPUID reports; XSAVE was required.
    unsafe {
        let mut control: u64;
        asm!("mov {}, cr4", out(reg) control, options(nomem, nostack));
        control |= 1 << 2 | 1 << 18;
        control |=
            has(structured.ebx, 7) << 20 | has(structured.ebx, 20) << 21 | has(structured.ecx, 2) << 11;
        asm!("mov cr4, {}", in(reg) control, options(nostack));
        asm!("xsetbv", in("ecx") 0, in("eax") 3, in("edx") 0, options(nostack));
    }
}

/// Writes a model-specific register.
///
/// # Safety
/// The value must keep the kernel's assumptions about that register.
unsafe fn write_model(register: u32, value: u64) {
    // SAFETY: the caller vouches for the value.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") value as u32, in("edx") (value >> 32) as u32,
             options(nostack, preserves_flags));
    }
}
