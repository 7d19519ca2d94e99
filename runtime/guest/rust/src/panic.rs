//! Panics: the words go to the console, if the component may write to one; the place goes with the fault.

use crate::abi::{self, fault, place, thread_operation};
use crate::message::Call;
use crate::start::{self, StartPage};
use core::fmt::{self, Write as _};
use core::panic::{Location, PanicInfo};
use core::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a panic's words that reach the console.
const WORDS_MAX: usize = 1024;
/// No console.
const NONE: u32 = u32::MAX;

static CONSOLE: AtomicU32 = AtomicU32::new(NONE);

/// Keeps what a panic needs: the start page, and the index of a console that the component may write to.
pub fn prepare(page: &'static StartPage, console: Option<u32>) {
    start::keep(page);
    CONSOLE.store(console.unwrap_or(NONE), Ordering::Relaxed);
}

/// Text in a fixed buffer; what does not fit is left out.
struct Words {
    bytes: [u8; WORDS_MAX],
    used: usize,
}

impl fmt::Write for Words {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let count = text.floor_char_boundary(WORDS_MAX - self.used);
        self.bytes[self.used..self.used + count].copy_from_slice(&text.as_bytes()[..count]);
        self.used += count;
        Ok(())
    }
}

fn say(page: &StartPage, info: &PanicInfo<'_>) {
    let console = CONSOLE.swap(NONE, Ordering::Relaxed);
    if console == NONE {
        return;
    }
    let mut words = Words { bytes: [0; WORDS_MAX], used: 0 };
    let written = match info.location() {
        Some(location) => writeln!(words, "panic at {location}: {}", info.message()),
        None => writeln!(words, "panic: {}", info.message()),
    };
    // A message that fails to write itself is cut there.
    written.ok();
    let console = page.capability(console);
    let mut call = Call::new(&console, abi::CONSOLE_WRITE);
    call.lend(&words.bytes[..words.used]);
    call.send();
}

/// Where the panic was, for whoever reads the fault: the file's name in the image, and the line.
fn packed(page: &StartPage, location: &Location<'_>) -> u64 {
    let file = location.file();
    let (offset, bytes) = (page.slab_offset(file.as_ptr().addr()), file.len() as u64);
    let line = u64::from(location.line());
    if bytes >> place::NAME_BITS != 0 || line >> place::LINE_BITS != 0 {
        return 0;
    }
    (offset << place::NAME_BITS | bytes) << place::LINE_BITS | line
}

// A checker that looks at every target builds this crate with the harness, which has a handler of its own.
#[cfg_attr(not(test), panic_handler)]
#[cfg_attr(test, expect(dead_code, reason = "the harness's handler stands in its place"))]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut at = 0;
    if let Some(page) = start::kept() {
        say(page, info);
        at = info.location().map_or(0, |location| packed(page, location));
    }
    // SAFETY: the call passes no memory.
    unsafe { abi::thread_control(0, thread_operation::FAULT, fault::PANIC, at) };
    crate::stop()
}
