//! The gate page: one stub for each system call, as raw bytes.
//!
//! `syscall` is legal only here; the kernel compares the return address. Stub *n* begins at
//! `n * STUB_BYTES`. Registers at `syscall`, private to this file and the kernel's entry:
//!
//! | stub | in | out |
//! |---|---|---|
//! | plain | `eax` number, `rdi rsi rdx r10 r8` arguments | `rax` status, `rdx` value |
//! | call | `rdi` handle, `rsi` method word, `rdx` frame, words in `rbx rbp r12–r15` | words, `rax` status, `rsi` method word, `rdi` badge, `r8` generation |
//! | receive | `rdi` frame | as call |
//! | reply and receive | `rsi` status of the reply, `rdi` frame, words | as call |
//!
//! Call and receive stubs save `rbx rbp r12–r15` on the user's stack around the call.

use crate::layout::{PAGE, frame};
use crate::syscall::{CALLS, Stub};

/// Bytes between the starts of two stubs.
pub const STUB_BYTES: usize = 128;
const _: () = assert!(CALLS.len() * STUB_BYTES <= PAGE as usize);

/// Offset in the gate page of the stub of call `number`.
pub const fn stub_offset(number: u32) -> u64 {
    number as u64 * STUB_BYTES as u64
}

/// The gate page. Unused bytes are `int3`.
pub const PAGE_BYTES: [u8; PAGE as usize] = build();

struct Writer {
    bytes: [u8; PAGE as usize],
    at: usize,
}

impl Writer {
    const fn put(&mut self, code: &[u8]) {
        let mut i = 0;
        while i < code.len() {
            self.bytes[self.at] = code[i];
            self.at += 1;
            i += 1;
        }
    }

    /// `mov eax, number; syscall`
    const fn enter(&mut self, number: u32) {
        self.put(&[0xb8]);
        self.put(&number.to_le_bytes());
        self.put(&[0x0f, 0x05]);
    }

    /// Pushes `rbx rbp r12 r13 r14 r15`, then the frame pointer in `rsi` or `rdi`.
    const fn save(&mut self, push_frame: u8) {
        self.put(&[0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, push_frame]);
    }

    /// Loads the six words from the frame whose pointer is in `rsi` (`modrm_base` 6) or `rdi` (7).
    const fn load_words(&mut self, base: u8) {
        // mov rbx/rbp, [base+disp8]; mov r12..r15, [base+disp8]
        self.put(&[0x48, 0x8b, 0x58 | base, 0]);
        self.put(&[0x48, 0x8b, 0x68 | base, 8]);
        self.put(&[0x4c, 0x8b, 0x60 | base, 16]);
        self.put(&[0x4c, 0x8b, 0x68 | base, 24]);
        self.put(&[0x4c, 0x8b, 0x70 | base, 32]);
        self.put(&[0x4c, 0x8b, 0x78 | base, 40]);
    }

    /// Pops the frame pointer into `rdx`, stores what came back, restores, returns.
    const fn store_and_return(&mut self) {
        self.put(&[0x5a]);
        // mov [rdx+disp8], rbx/rbp/r12..r15
        self.put(&[0x48, 0x89, 0x5a, 0]);
        self.put(&[0x48, 0x89, 0x6a, 8]);
        self.put(&[0x4c, 0x89, 0x62, 16]);
        self.put(&[0x4c, 0x89, 0x6a, 24]);
        self.put(&[0x4c, 0x89, 0x72, 32]);
        self.put(&[0x4c, 0x89, 0x7a, 40]);
        self.put(&[0x48, 0x89, 0x72, frame::METHOD as u8]);
        self.put(&[0x48, 0x89, 0x7a, frame::BADGE as u8]);
        self.put(&[0x4c, 0x89, 0x42, frame::GENERATION as u8]);
        // pop r15 r14 r13 r12 rbp rbx; ret
        self.put(&[0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3]);
    }
}

const fn build() -> [u8; PAGE as usize] {
    let mut writer = Writer { bytes: [0xcc; PAGE as usize], at: 0 };
    let mut i = 0;
    while i < CALLS.len() {
        let call = &CALLS[i];
        writer.at = i * STUB_BYTES;
        match call.stub {
            Stub::Plain => {
                // mov r10, rcx: `syscall` overwrites rcx, the fourth SysV argument.
                writer.put(&[0x49, 0x89, 0xca]);
                writer.enter(call.number);
                writer.put(&[0xc3]);
            }
            Stub::Call => {
                writer.save(0x56);
                // mov rdx, rsi
                writer.put(&[0x48, 0x89, 0xf2]);
                writer.load_words(6);
                // mov rsi, [rsi+METHOD]
                writer.put(&[0x48, 0x8b, 0x76, frame::METHOD as u8]);
                writer.enter(call.number);
                writer.store_and_return();
            }
            Stub::Receive => {
                writer.save(0x57);
                writer.enter(call.number);
                writer.store_and_return();
            }
            Stub::ReplyReceive => {
                writer.save(0x57);
                writer.load_words(7);
                // mov rsi, [rdi+STATUS]
                writer.put(&[0x48, 0x8b, 0x77, frame::STATUS as u8]);
                writer.enter(call.number);
                writer.store_and_return();
            }
        }
        assert!(writer.at <= (i + 1) * STUB_BYTES, "a stub outgrew its place");
        i += 1;
    }
    writer.bytes
}
