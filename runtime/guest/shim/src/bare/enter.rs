//! Into the guest, and out of it from any depth: what WASI's `proc_exit` needs.

use core::arch::naked_asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// The stack pointer where [`call`] waits, 0 where nothing waits.
static WAITS: AtomicU64 = AtomicU64::new(0);

/// How the guest came back.
#[derive(Clone, Copy)]
#[repr(C)]
struct Back {
    answer: u64,
    left: u64,
}

/// Calls a way in of the guest: its answer, or `None` if it was left.
///
/// # Safety
/// The address is that of a function of the guest's without parameters, and no reference into what the library's
/// functions change is held.
pub(super) unsafe fn call(entry: u64) -> Option<i32> {
    // SAFETY: the caller's promise.
    let back = unsafe { enter(entry, WAITS.as_ptr()) };
    WAITS.store(0, Ordering::Relaxed);
    (back.left == 0).then_some(back.answer as i32)
}

/// Leaves the guest: [`call`] comes back. The frames in between are the guest's and those of the library's function
/// that it called last, which own nothing.
pub(super) fn leave() -> ! {
    let waits = WAITS.load(Ordering::Relaxed);
    assert!(waits != 0, "the guest is not in a call");
    // SAFETY: `enter` stored its stack pointer, and waits still: it clears the word when it is back.
    unsafe { back(waits) }
}

/// Keeps the registers that a callee preserves, so that the guest may be left anywhere, and calls.
#[unsafe(naked)]
unsafe extern "C" fn enter(entry: u64, waits: *mut u64) -> Back {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov [rsi], rsp",
        "call rdi",
        "xor edx, edx",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

/// Comes back from [`enter`], which left its registers on the stack.
#[unsafe(naked)]
unsafe extern "C" fn back(waits: u64) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        "xor eax, eax",
        "mov edx, 1",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}
