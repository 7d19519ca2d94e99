//! Threads: what runs. A realm's main thread has the realm's own index; thread 0 is the idle one.
//!
//! [`Registers`] and the head of [`Thread`] are laid out for the machine's entry code, which reads and writes
//! them by offset. A thread is in exactly one place: running, in the ready queue, in one endpoint's queue,
//! or in one of the waits that [`ThreadState`] names.

use crate::hal::Space;

/// Registers of a thread that entered by a call. On entry they hold the arguments, on resumption the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Registers {
    /// Stack pointer.
    pub stack: u64,
    /// Where the thread continues.
    pub instruction: u64,
    /// The six message words: `rbx rbp r12–r15`.
    pub words: [u64; 6],
    /// `rax`: the call's number, then its status.
    pub status: u64,
    /// `rdx`: third argument, then the value.
    pub value: u64,
    /// `rsi`: second argument, then the method word received.
    pub method: u64,
    /// `rdi`: first argument, then the badge received.
    pub badge: u64,
    /// `r8`: fifth argument, then the peer's generation.
    pub generation: u64,
    /// `r10`: fourth argument, then zero.
    pub fourth: u64,
}

/// How a thread's registers were saved, and so how it is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Resume {
    /// At a call: [`Registers`] are all there is.
    Call = 0,
    /// At an interrupt: the machine holds every register.
    Interrupt = 1,
}

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ThreadState {
    /// It does not exist.
    Unused = 0,
    /// It was never started, ended, faulted or was killed.
    Stopped,
    /// It runs.
    Running,
    /// It is in the ready queue.
    Ready,
    /// A server holds its message and owes it a reply.
    Calling,
    /// It is in an endpoint's queue and its message was not received yet.
    Sending,
    /// It waits at its inbox.
    Receiving,
    /// It waits for a notification or a time.
    Waiting,
    /// It stopped, and its report is in its supervisor's queue.
    Reporting,
}

/// Index of a thread that is none.
pub const NONE: u16 = 0;
/// A reply is owed to nobody: to the kernel, or to a caller that is gone. No thread has this index.
pub const GHOST: u16 = u16::MAX;

/// One thread.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(256))]
pub struct Thread {
    /// Its registers.
    pub registers: Registers,
    /// Its address space.
    pub space: Space,
    /// Generation of its realm.
    pub generation: u64,
    /// How it is resumed.
    pub resume: Resume,
    /// Where it is.
    pub state: ThreadState,
    /// Priority + 1; 0 is the idle thread's.
    pub rank: u32,
    /// First of its realm's capability slots.
    pub slots_first: u32,
    /// How many there are.
    pub slots_count: u32,
    /// Whom it owes the reply to the last message received: [`NONE`], [`GHOST`] or a thread.
    pub caller: u16,
    /// Where it is `Calling`, `Sending` or `Reporting`: the endpoint. Where it is `Waiting`: the notification.
    pub peer: u16,
    /// Next in the queue it is in.
    pub next: u16,
    /// Previous in the queue it is in.
    pub previous: u16,
    /// Badge of the capability that its message went through; as a server, of the message it handles.
    pub badge: u64,
    /// Where it is `Waiting`: the bits it waits for.
    pub mask: u64,
    /// Where it is `Waiting`: when it wakes, 0 for never.
    pub wake: u64,
    /// Object that a restarted call works on: see [`crate::kernel`].
    pub unfinished: u32,
}

impl Thread {
    /// A thread that does not exist.
    pub const UNUSED: Self = Self {
        registers: Registers {
            stack: 0,
            instruction: 0,
            words: [0; 6],
            status: 0,
            value: 0,
            method: 0,
            badge: 0,
            generation: 0,
            fourth: 0,
        },
        space: Space(0),
        generation: 0,
        resume: Resume::Call,
        state: ThreadState::Unused,
        rank: 0,
        slots_first: 0,
        slots_count: 0,
        caller: NONE,
        peer: 0,
        next: NONE,
        previous: NONE,
        badge: 0,
        mask: 0,
        wake: 0,
        unfinished: 0,
    };

    /// Sets what a call answers; nothing else of the kernel's is left in a register.
    pub fn answer(&mut self, status: u64, value: u64) {
        let registers = &mut self.registers;
        registers.status = status;
        registers.value = value;
        registers.method = 0;
        registers.badge = 0;
        registers.generation = 0;
        registers.fourth = 0;
    }
}
