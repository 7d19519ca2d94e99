//! Runs a linked image from its entry, in a child process, as the kernel would: sections at their offsets of a slab,
//! slots bound, start page filled, the manifest's stack below guard and pages.
//!
//! The gate's functions are Rust. A child writes what they saw, how it ended, and its state to a pipe.

use crate::peer::{self, End, Frame, Run};
use compiler_mir::ir::Fault;
use libc::{c_int, c_void, siginfo_t};
use sci::gate;
use sci::image::Image;
use sci::layout::{GATE_PAGE, PAGE, SLAB_IMAGE_SPAN, STACK_TOP, START_PAGE, frame, start};
use sci::limits::CLIENTS_MAX;
use sci::section::{Section, SectionKind};
use sci::syscall::{CALLS, number};
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// Seconds after which a child is stopped.
const SECONDS_MAX: u32 = 20;
/// Bytes of a channel's window.
pub const WINDOW_BYTES: u64 = 4096;

/// Where in the slab the gate's functions have their stack.
const HOST_STACK: u64 = 400 << 20;
const HOST_STACK_BYTES: u64 = 1 << 20;

/// What a child's functions and its signal handler need: set before it forks, read only by it.
static BASE: AtomicU64 = AtomicU64::new(0);
static PIPE: AtomicI32 = AtomicI32::new(0);
static DATA: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
static BSS: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
static RECEIVED: AtomicU64 = AtomicU64::new(0);

#[repr(C)]
struct Answer {
    status: u64,
    value: u64,
}

type Gate = extern "sysv64" fn(u64, u64, u64, u64, u64) -> Answer;

/// What carries a call out.
fn function(number: u32) -> Gate {
    macro_rules! gates {
        ($($number:literal)*) => { [$(plain::<$number> as Gate),*] };
    }
    const GATES: [Gate; 26] = gates!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25);
    match number {
        number::ipc_call => ipc_call,
        number::ipc_recv => ipc_recv,
        number::ipc_reply_recv => ipc_reply_recv,
        other => GATES[other as usize],
    }
}

extern "sysv64" fn plain<const NUMBER: u32>(
    first: u64,
    second: u64,
    third: u64,
    fourth: u64,
    fifth: u64,
) -> Answer {
    let arguments = [first, second, third, fourth, fifth];
    let arguments = &arguments[..CALLS[NUMBER as usize].arguments.len()];
    if NUMBER == number::thread_control && arguments[..2] == [0, 0] {
        finish(peer::EXIT, 0);
    }
    let (status, value) = peer::system(NUMBER, arguments);
    Answer { status, value }
}

fn words_of(frame: u64) -> Frame {
    // SAFETY: the image hands its gate the address of a frame of 128 bytes on its stack, aligned to 16.
    unsafe { *(frame as *const Frame) }
}

fn put(frame: u64, value: Frame) {
    // SAFETY: as in `words_of`; the frame is the caller's to be written.
    unsafe { *(frame as *mut Frame) = value };
}

extern "sysv64" fn ipc_call(handle: u64, at: u64, _: u64, _: u64, _: u64) -> Answer {
    assert!(at.is_multiple_of(16), "a frame is aligned");
    let mut frame = words_of(at);
    let window = (BASE.load(Ordering::Relaxed) + window_offset(handle - 1)) as *mut u8;
    // SAFETY: each capability's window is mapped and writable, and only the peer uses it during a call.
    let window = unsafe { std::slice::from_raw_parts_mut(window, WINDOW_BYTES as usize) };
    let method = frame[(frame::METHOD / 8) as usize];
    let words: [u64; 6] = std::array::from_fn(|at| frame[at]);
    let (status, answer) = peer::invoke(handle - 1, method as u8, &words, window);
    frame[..6].copy_from_slice(&answer);
    put(at, frame);
    Answer { status, value: 0 }
}

extern "sysv64" fn ipc_recv(at: u64, _: u64, _: u64, _: u64, _: u64) -> Answer {
    let next = RECEIVED.fetch_add(1, Ordering::Relaxed);
    let Some(message) = peer::MESSAGES.get(next as usize) else { finish(peer::EXIT, 0) };
    let mut frame = words_of(at);
    frame[..6].copy_from_slice(&message.words);
    frame[(frame::METHOD / 8) as usize] = message.method;
    frame[(frame::BADGE / 8) as usize] = message.badge;
    put(at, frame);
    Answer { status: 0, value: 0 }
}

extern "sysv64" fn ipc_reply_recv(at: u64, _: u64, _: u64, _: u64, _: u64) -> Answer {
    let frame = words_of(at);
    say(&[peer::REPLY, frame[(frame::STATUS / 8) as usize]]);
    say(&frame[..6]);
    ipc_recv(at, 0, 0, 0, 0)
}

fn say(words: &[u64]) {
    for word in words {
        write(&word.to_le_bytes());
    }
}

fn write(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are valid for reading; the descriptor is the child's end of the pipe.
        let written =
            unsafe { libc::write(PIPE.load(Ordering::Relaxed), bytes.as_ptr().cast(), bytes.len()) };
        if written <= 0 {
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(2) };
        }
        bytes = &bytes[written as usize..];
    }
}

/// Says how the child ended and what its state is, and ends it.
fn finish(kind: u64, detail: u64) -> ! {
    say(&[kind, detail]);
    for [from, bytes] in [&DATA, &BSS] {
        let (from, bytes) = (from.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed));
        // SAFETY: both are sections of the image that are mapped for the child's life, or no bytes at a valid address.
        write(unsafe { std::slice::from_raw_parts(from as *const u8, bytes as usize) });
    }
    // SAFETY: ends the child without running anything of the parent's.
    unsafe { libc::_exit(0) };
}

extern "C" fn handler(signal: c_int, _info: *mut siginfo_t, context: *mut c_void) {
    let context: *mut libc::ucontext_t = context.cast();
    // SAFETY: the kernel gives the handler a valid context.
    let place = unsafe { (*context).uc_mcontext.gregs[libc::REG_RIP as usize] } as u64;
    finish(signal as u64, place.wrapping_sub(BASE.load(Ordering::Relaxed)));
}

fn window_offset(capability: u64) -> u64 {
    (1 + capability) * (1 << 20)
}

fn client_window_offset(client: u64) -> u64 {
    (200 << 20) + client * WINDOW_BYTES
}

/// The slab's image part, mapped for one run.
struct Slab {
    base: u64,
}

impl Slab {
    fn new() -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new private mapping at an address of the system's choice touches no other memory.
        let base = unsafe { libc::mmap(null_mut(), SLAB_IMAGE_SPAN as usize, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED, "there is address space for a slab");
        Self { base: base as u64 }
    }

    fn protect(&self, offset: u64, bytes: u64, protection: c_int) {
        assert!(offset.is_multiple_of(PAGE) && offset + bytes <= SLAB_IMAGE_SPAN);
        let bytes = bytes.next_multiple_of(PAGE) as usize;
        // SAFETY: the range lies in this mapping, of which no reference exists.
        let status = unsafe { libc::mprotect((self.base + offset) as *mut c_void, bytes, protection) };
        assert_eq!(status, 0, "protection can be set");
    }

    fn put(&self, offset: u64, bytes: &[u8]) {
        assert!(offset + bytes.len() as u64 <= SLAB_IMAGE_SPAN);
        // SAFETY: the range lies in this mapping and was made writable before.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), (self.base + offset) as *mut u8, bytes.len());
        };
    }

    fn put_word(&self, offset: u64, word: u64) {
        self.put(offset, &word.to_le_bytes());
    }

    fn load(&self, image: &Image<'_>) {
        const WRITABLE: c_int = libc::PROT_READ | libc::PROT_WRITE;
        let loaded: Vec<Section> = image.sections().filter(|section| section.kind.is_loaded()).collect();
        for section in &loaded {
            self.protect(section.memory_offset, section.memory_bytes, WRITABLE);
            self.put(section.memory_offset, image.section_bytes(section));
        }
        for import in &image.manifest().imports {
            let call = sci::syscall::by_name(import.item).expect("images import the table's calls");
            self.put_word(import.offset, self.base + GATE_PAGE + gate::stub_offset(call.number));
        }
        for section in &loaded {
            let protection = match section.kind {
                SectionKind::Text => libc::PROT_READ | libc::PROT_EXEC,
                SectionKind::Rodata | SectionKind::Relro => libc::PROT_READ,
                _ => WRITABLE,
            };
            self.protect(section.memory_offset, section.memory_bytes, protection);
        }
        self.fill_gate();
        let stack_bytes = image.manifest().memory.stack_bytes;
        self.protect(STACK_TOP - stack_bytes, stack_bytes, WRITABLE);
        self.fill_start_page(image);
    }

    /// Stubs that go to a stack of their own: the image's has room for the kernel's gate, not for Rust.
    fn fill_gate(&self) {
        self.protect(HOST_STACK, HOST_STACK_BYTES, libc::PROT_READ | libc::PROT_WRITE);
        self.protect(GATE_PAGE, PAGE, libc::PROT_READ | libc::PROT_WRITE);
        for call in CALLS {
            let stack_top = self.base + HOST_STACK + HOST_STACK_BYTES;
            let function = function(call.number) as *const () as u64;
            let stub = [
                // mov r11, rsp; mov rsp, stack_top; push r11; sub rsp, 8; mov rax, function; call rax
                &[0x49, 0x89, 0xe3, 0x48, 0xbc][..],
                &stack_top.to_le_bytes(),
                &[0x41, 0x53, 0x48, 0x83, 0xec, 0x08, 0x48, 0xb8],
                &function.to_le_bytes(),
                &[0xff, 0xd0],
                // add rsp, 8; pop rsp; ret
                &[0x48, 0x83, 0xc4, 0x08, 0x5c, 0xc3],
            ]
            .concat();
            assert!(stub.len() <= gate::STUB_BYTES);
            self.put(GATE_PAGE + gate::stub_offset(call.number), &stub);
        }
        self.protect(GATE_PAGE, PAGE, libc::PROT_READ | libc::PROT_EXEC);
    }

    fn fill_start_page(&self, image: &Image<'_>) {
        const WRITABLE: c_int = libc::PROT_READ | libc::PROT_WRITE;
        self.protect(START_PAGE, PAGE, WRITABLE);
        self.put_word(START_PAGE + start::MAGIC, start::MAGIC_VALUE);
        for at in 0..image.manifest().required.len() as u64 {
            let entry = START_PAGE + start::CAPABILITIES + at * start::CAPABILITY_BYTES;
            self.protect(window_offset(at), WINDOW_BYTES, WRITABLE);
            self.put_word(entry + start::ENTRY_HANDLE, at + 1);
            self.put_word(entry + start::ENTRY_WINDOW, self.base + window_offset(at));
            self.put_word(entry + start::ENTRY_WINDOW_BYTES, WINDOW_BYTES);
        }
        for (at, parameter) in image.manifest().parameters.iter().enumerate() {
            self.put_word(START_PAGE + start::PARAMETERS + 8 * at as u64, parameter.default);
        }
        for client in 0..u64::from(CLIENTS_MAX) {
            let entry = START_PAGE + start::CLIENT_WINDOWS + client * start::CLIENT_WINDOW_BYTES;
            self.protect(client_window_offset(client), WINDOW_BYTES, WRITABLE);
            self.put(client_window_offset(client), &[client as u8]);
            self.put_word(entry, self.base + client_window_offset(client));
            self.put_word(entry + 8, WINDOW_BYTES);
        }
        self.protect(START_PAGE, PAGE, libc::PROT_READ);
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own and nothing refers to it any more.
        unsafe { libc::munmap(self.base as *mut c_void, SLAB_IMAGE_SPAN as usize) };
    }
}

fn extent(image: &Image<'_>, kind: SectionKind) -> (u64, u64) {
    image.section(kind).map_or((0, 0), |section| (section.memory_offset, section.memory_bytes))
}

/// Runs an image to its end.
pub fn run(bytes: &[u8]) -> Run {
    /// Children fork one at a time: what they need is in statics.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let image = Image::verify(bytes).expect("linked images hold to the contract");
    let slab = Slab::new();
    slab.load(&image);
    let entry = image.manifest().entries.iter().next().expect("an image has an entry").offset;
    let mut ends = [0; 2];
    let child = {
        let _turn = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // SAFETY: `ends` has room for the two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0, "there is a pipe");
        BASE.store(slab.base, Ordering::Relaxed);
        PIPE.store(ends[1], Ordering::Relaxed);
        RECEIVED.store(0, Ordering::Relaxed);
        for (place, kind) in [(&DATA, SectionKind::Data), (&BSS, SectionKind::Bss)] {
            let (offset, bytes) = extent(&image, kind);
            place[0].store(slab.base + offset, Ordering::Relaxed);
            place[1].store(bytes, Ordering::Relaxed);
        }
        // SAFETY: the child allocates nothing and takes no lock: it runs the image and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            enter(&slab, entry);
        }
        child
    };
    assert!(child > 0, "there is a process");
    // SAFETY: both descriptors are this function's own, each closed once.
    let (reading, writing) = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
    drop(writing);
    let mut said = Vec::new();
    std::fs::File::from(reading).read_to_end(&mut said).expect("pipes can be read");
    let mut status = 0;
    // SAFETY: waits for this function's own child.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    understood(&image, &said, status)
}

/// In the child: sets up signals, goes to the image's stack, and enters it.
fn enter(slab: &Slab, entry: u64) -> ! {
    static mut SIGNAL_STACK: [u8; 64 << 10] = [0; 64 << 10];
    // SAFETY: the child has one thread; the signal stack is used for nothing else; an all-zero `sigaction` is valid.
    // The entry is code of this compiler, which expects the start page in rdi and a return address's place at rsp.
    unsafe {
        libc::alarm(SECONDS_MAX);
        let stack = libc::stack_t { ss_sp: (&raw mut SIGNAL_STACK).cast(), ss_flags: 0, ss_size: 64 << 10 };
        libc::sigaltstack(&raw const stack, null_mut());
        for signal in [libc::SIGILL, libc::SIGFPE, libc::SIGSEGV, libc::SIGBUS, libc::SIGTRAP] {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(signal, &raw const action, null_mut());
        }
        std::arch::asm!(
            "mov rsp, {stack}",
            "xor ebp, ebp",
            "jmp {entry}",
            stack = in(reg) slab.base + STACK_TOP - 8,
            entry = in(reg) slab.base + entry,
            in("rdi") slab.base + START_PAGE,
            options(noreturn),
        );
    }
}

/// What a child said.
fn understood(image: &Image<'_>, said: &[u8], status: c_int) -> Run {
    let (text, _) = extent(image, SectionKind::Text);
    let mut words =
        said.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
    let mut run = Run::default();
    let mut bytes_read = 0;
    while let Some(kind) = words.next() {
        let detail = words.next().expect("two words say something");
        bytes_read += 16;
        if kind == peer::REPLY {
            let words = words.by_ref().take(6).collect();
            bytes_read += 48;
            run.replies.push((detail, words));
            continue;
        }
        let offset = detail.wrapping_sub(text) as u32;
        run.end = Some(match kind {
            peer::EXIT => End::Exit,
            signal => match sci::tables::trap_at(image.bytes_of(SectionKind::Traps), offset) {
                Some(fault) => End::Trap(fault),
                None if signal == libc::SIGSEGV as u64 => End::Trap(Fault::ReadFault),
                None => panic!("signal {signal} at text offset {offset:#x}, which no table explains"),
            },
        });
        let map = image.bytes_of(SectionKind::SourceMap);
        run.place = sci::tables::locate(map, offset).map(|location| (location.line, location.column));
        let data = image.bytes_of(SectionKind::Data).len();
        run.data = said[bytes_read..bytes_read + data].to_vec();
        run.bss = said[bytes_read + data..].to_vec();
        return run;
    }
    panic!("the child said nothing of its end; status {status:#x}");
}
