//! Runs machine code in this process, on a stack of its own, and says how it ended.
//!
//! Text is mapped readable and executable, data readable and writable, with guard pages around. A signal that a
//! machine instruction of the text raises is turned into a return from [`Code::call`] with the instruction's place.

use compiler_codegen::Output;
use compiler_core::Symbol;
use compiler_mir::ir::Fault;
use libc::{c_int, c_void, siginfo_t};
use std::cell::Cell;
use std::ptr::{self, null_mut};
use std::sync::Once;

const PAGE: usize = 4096;
const STACK_BYTES: usize = 1 << 20;
const SIGNAL_STACK_BYTES: usize = 64 << 10;
/// Arguments that a call can pass, all in integer registers.
pub const ARGUMENTS_MAX: usize = 6;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned: the integer and the float result register.
    Returned {
        /// `rax`
        integer: u64,
        /// The low half of `xmm0`.
        float: u64,
    },
    /// An instruction trapped that the code's table knows.
    Trapped {
        /// What it means.
        fault: Fault,
        /// Its offset in text.
        offset: u32,
    },
    /// An instruction raised a signal that the table does not know: a bug.
    Signal {
        /// Number of the signal.
        number: i32,
        /// Its offset in text.
        offset: u32,
    },
}

/// There is no memory for the code.
#[derive(Debug, thiserror::Error)]
#[error("the code cannot be mapped: {0}")]
pub struct Unmapped(#[from] std::io::Error);

/// What the assembly and the signal handler share; the offsets are part of the assembly.
#[repr(C)]
struct Frame {
    saved_stack: u64,
    function: u64,
    stack_top: u64,
    arguments: [u64; ARGUMENTS_MAX],
    integer: u64,
    float: u64,
    signal: u64,
    place: u64,
    text_start: u64,
    text_end: u64,
}

thread_local! {
    static CURRENT: Cell<*mut Frame> = const { Cell::new(null_mut()) };
    static STACK_TOP: Cell<u64> = const { Cell::new(0) };
}

std::arch::global_asm!(
    ".global space_oracle_enter",
    "space_oracle_enter:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov [rdi], rsp",
    "mov rax, [rdi + 8]",
    "mov rsp, [rdi + 16]",
    "push rdi",
    "sub rsp, 8",
    "mov r11, rdi",
    "mov rdi, [r11 + 24]",
    "mov rsi, [r11 + 32]",
    "mov rdx, [r11 + 40]",
    "mov rcx, [r11 + 48]",
    "mov r8, [r11 + 56]",
    "mov r9, [r11 + 64]",
    "call rax",
    "mov rdi, [rsp + 8]",
    "mov [rdi + 72], rax",
    "movq [rdi + 80], xmm0",
    ".global space_oracle_leave",
    "space_oracle_leave:",
    "mov rsp, [rdi]",
    "cld",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
);

unsafe extern "C" {
    fn space_oracle_enter(frame: *mut Frame);
    fn space_oracle_leave();
}

/// Memory from the system, given back when dropped.
#[derive(Debug)]
struct Map {
    base: *mut u8,
    bytes: usize,
}

impl Map {
    fn new(bytes: usize) -> Result<Self, Unmapped> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new private mapping at an address of the system's choice touches no other memory.
        let base = unsafe { libc::mmap(null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(Unmapped(std::io::Error::last_os_error()));
        }
        Ok(Self { base: base.cast(), bytes })
    }

    fn protect(&self, from: usize, to: usize, protection: c_int) -> Result<(), Unmapped> {
        assert!(from <= to && to <= self.bytes);
        // SAFETY: the range lies within this mapping, and no reference into it exists.
        let status = unsafe { libc::mprotect(self.base.add(from).cast(), to - from, protection) };
        if status == 0 { Ok(()) } else { Err(Unmapped(std::io::Error::last_os_error())) }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.bytes);
        // SAFETY: the range lies within this mapping, which is writable there (the callers see to it), and `bytes`
        // lies outside it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.add(at), bytes.len()) };
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own and nothing refers to it any more.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

/// Code in memory, ready to run.
#[derive(Debug)]
pub struct Code {
    map: Map,
    text: usize,
    text_bytes: usize,
    data: usize,
    initial: Vec<u8>,
    traps: Vec<(u32, Fault)>,
}

impl Code {
    /// Places code and resolves what it refers to.
    pub fn new(output: &Output) -> Result<Self, Unmapped> {
        let mut top = PAGE;
        let mut place = |bytes: usize| {
            let at = top;
            top += bytes.next_multiple_of(PAGE);
            at
        };
        let text = place(output.text.len());
        let rodata = place(output.rodata.len());
        let relro = place(8 * output.slots.len());
        let start_page = place(PAGE);
        let data = place(output.data.len());
        let bss = place(output.bss_bytes as usize);
        let end = top;
        let map = Map::new(end + PAGE)?;
        map.protect(PAGE, end, libc::PROT_READ | libc::PROT_WRITE)?;
        let mut bytes = output.text.clone();
        for relocation in &output.relocations {
            let target = match relocation.symbol {
                Symbol::Rodata(offset) => rodata as u64 + u64::from(offset),
                Symbol::Data(offset) => data as u64 + u64::from(offset),
                Symbol::Bss(offset) => bss as u64 + u64::from(offset),
                Symbol::Slot(slot) => relro as u64 + 8 * u64::from(slot),
                Symbol::StartPage => start_page as u64,
                symbol => panic!("{symbol:?} is not in code of MIR"),
            };
            let distance = target as i64 + relocation.addend - (text as i64 + i64::from(relocation.offset));
            let at = relocation.offset as usize;
            bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        map.write(text, &bytes);
        map.write(rodata, &output.rodata);
        map.protect(PAGE, data, libc::PROT_READ)?;
        map.protect(text, text + bytes.len().next_multiple_of(PAGE), libc::PROT_READ | libc::PROT_EXEC)?;
        let mut initial = output.data.clone();
        initial.resize(end - data, 0);
        Ok(Self { map, text, text_bytes: bytes.len(), data, initial, traps: output.traps.clone() })
    }

    /// Runs the function at an offset of the text, from initial state.
    ///
    /// # Panics
    /// If there are too many arguments, or the offset is not in the text.
    pub fn call(&self, offset: u32, arguments: &[u64]) -> Result<End, Unmapped> {
        assert!(arguments.len() <= ARGUMENTS_MAX && (offset as usize) < self.text_bytes);
        prepare_thread()?;
        self.map.write(self.data, &self.initial);
        let base = self.map.base as u64;
        let text_start = base + self.text as u64;
        let mut frame = Frame {
            saved_stack: 0,
            function: text_start + u64::from(offset),
            stack_top: STACK_TOP.get(),
            arguments: [0; ARGUMENTS_MAX],
            integer: 0,
            float: 0,
            signal: 0,
            place: 0,
            text_start,
            text_end: text_start + self.text_bytes as u64,
        };
        frame.arguments[..arguments.len()].copy_from_slice(arguments);
        let frame_pointer = &raw mut frame;
        CURRENT.set(frame_pointer);
        // SAFETY: the function is code of this program's compiler under the System V convention, takes at most six
        // integers and preserves what the convention says; it runs on this thread's own code stack. If it raises a
        // signal, the handler goes to `space_oracle_leave`, which restores the registers that were saved on entry.
        unsafe { space_oracle_enter(frame_pointer) };
        CURRENT.set(null_mut());
        if frame.signal == 0 {
            return Ok(End::Returned { integer: frame.integer, float: frame.float });
        }
        let offset = (frame.place - text_start) as u32;
        Ok(match self.traps.binary_search_by_key(&offset, |(at, _)| *at) {
            Ok(at) => End::Trapped { fault: self.traps[at].1, offset },
            Err(_) => End::Signal { number: frame.signal as i32, offset },
        })
    }
}

/// Gives the thread a stack for code and one for signals, and the process its handlers, once each.
fn prepare_thread() -> Result<(), Unmapped> {
    static HANDLERS: Once = Once::new();
    if STACK_TOP.get() != 0 {
        return Ok(());
    }
    let map = Map::new(PAGE + STACK_BYTES + SIGNAL_STACK_BYTES)?;
    map.protect(PAGE, map.bytes, libc::PROT_READ | libc::PROT_WRITE)?;
    let top = map.base as u64 + (PAGE + STACK_BYTES) as u64;
    let signals = libc::stack_t { ss_sp: top as *mut c_void, ss_flags: 0, ss_size: SIGNAL_STACK_BYTES };
    // SAFETY: the memory is mapped, used for nothing else, and lives as long as the process: it is leaked below.
    let status = unsafe { libc::sigaltstack(&raw const signals, null_mut()) };
    if status != 0 {
        return Err(Unmapped(std::io::Error::last_os_error()));
    }
    let _kept = std::mem::ManuallyDrop::new(map);
    HANDLERS.call_once(install);
    STACK_TOP.set(top);
    Ok(())
}

fn install() {
    for signal in [libc::SIGILL, libc::SIGFPE, libc::SIGSEGV, libc::SIGBUS, libc::SIGTRAP] {
        // SAFETY: an all-zero `sigaction` is valid; the handler has the signature that SA_SIGINFO asks for, and only
        // does what is allowed in a handler.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(signal, &raw const action, null_mut());
        }
    }
}

extern "C" fn handler(signal: c_int, _info: *mut siginfo_t, context: *mut c_void) {
    let frame = CURRENT.get();
    // SAFETY: the kernel gives the handler a valid context. `frame` is null or the live frame of the call that this
    // thread is in: it is set before the code runs and cleared after.
    unsafe {
        let context: *mut libc::ucontext_t = context.cast();
        let registers = &mut (*context).uc_mcontext.gregs;
        let place = registers[libc::REG_RIP as usize] as u64;
        if frame.is_null() || place < (*frame).text_start || place >= (*frame).text_end {
            libc::signal(signal, libc::SIG_DFL);
            return;
        }
        (*frame).signal = signal as u64;
        (*frame).place = place;
        registers[libc::REG_RDI as usize] = frame as i64;
        registers[libc::REG_RIP as usize] = space_oracle_leave as *const () as i64;
    }
}
