//! The kernel's own console: `DebugConsole` until a component serves it, and the lines the kernel prints.

use core::fmt::{self, Write};

use crate::capability::REQUIRED_SLOTS;
use crate::hal::Hal;
use crate::kernel::{Kernel, Outcome};
use crate::program::Program;
use sci::layout::{KERNEL_LINE, start};
use sci::status::{Fault, Status};

/// Bytes that one step of `write` prints.
const BYTES_A_STEP: u64 = 512;
/// Bytes read from the window at a time.
const CHUNK: usize = 64;

/// Prints to the early console.
struct Printer<'a, H: Hal>(&'a mut H);

impl<H: Hal> Write for Printer<'_, H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0.console(byte);
        }
        Ok(())
    }
}

/// Prints a line of the kernel's own, at the beginning of a line.
pub fn print_line(hal: &mut impl Hal, line: fmt::Arguments<'_>) {
    if hal.console_in_line() {
        hal.console(b'\n');
    }
    // The console takes every byte: writing cannot fail.
    hal.console(KERNEL_LINE);
    let _printed = writeln!(Printer(hal), "space: {line}");
}

impl Kernel {
    /// A call to the console through a capability slot, whose window holds the text.
    pub(crate) fn console_call(&mut self, hal: &mut impl Hal, slot: u32, method: u64) -> Outcome {
        let me = self.current;
        if method != 0 {
            // Nothing has arrived, and everything written has left.
            let thread = self.threads.at_mut(me as usize);
            thread.answer(Status::Ok.number(), 0);
            thread.registers.words = [0; 6];
            return Outcome::Resumed;
        }
        let word = self.thread(me).registers.words[0];
        let (offset, length) = (word & 0xffff_ffff, word >> 32);
        let (window, bytes) = self.window_of(hal, slot);
        if offset + length > bytes {
            return Outcome::Fault(Fault::BadPointer, word, length);
        }
        let step = length.min(BYTES_A_STEP);
        let space = self.thread(me).space;
        let mut done = 0;
        while done < step {
            let mut chunk = [0; CHUNK];
            let count = (step - done).min(CHUNK as u64);
            let part = chunk.get_mut(..count as usize).unwrap_or_default();
            if !hal.user_read(space, window + offset + done, part) {
                return Outcome::Fault(Fault::BadPointer, window + offset + done, count);
            }
            for byte in part {
                hal.console(if *byte == KERNEL_LINE { b'?' } else { *byte });
            }
            done += count;
        }
        let thread = self.threads.at_mut(me as usize);
        if step < length {
            thread.registers.words[0] = (offset + step) | (length - step) << 32;
            return Outcome::Restart;
        }
        thread.answer(Status::Ok.number(), 0);
        thread.registers.words = [0; 6];
        Outcome::Resumed
    }

    /// Address and bytes of the window of a required capability of the current realm.
    fn window_of(&self, hal: &mut impl Hal, slot: u32) -> (u64, u64) {
        if slot >= REQUIRED_SLOTS {
            return (0, 0);
        }
        let page = self.realms.at(self.here() as usize).start_page;
        let entry = start::CAPABILITIES + start::CAPABILITY_BYTES * u64::from(slot);
        let field = |offset| {
            let mut bytes = [0; 8];
            hal.frame_read(page, entry + offset, &mut bytes);
            u64::from_le_bytes(bytes)
        };
        (field(start::ENTRY_WINDOW), field(start::ENTRY_WINDOW_BYTES))
    }

    /// Prints the line that tells people and the host why a realm stopped.
    pub(crate) fn print_fault(&self, hal: &mut impl Hal, realm: u16, fault: Fault, words: [u64; 3]) {
        let (name, generation) = (self.name(realm), self.realms.at(realm as usize).generation);
        let tag = self.realms.at(realm as usize).tag;
        let [offset, address, detail] = words;
        let fault = fault.name();
        print_line(
            hal,
            format_args!(
                "fault realm={name} generation={generation} fault={fault} offset={offset:#x} \
                 address={address:#x} instance={tag} detail={detail:#x}"
            ),
        );
    }

    /// Prints the frames' accounts.
    pub fn print_frames(&self, hal: &mut impl Hal) {
        let (total, free) = (hal.frames_total(), hal.frames_free());
        print_line(hal, format_args!("frames total={total} free={free}"));
    }

    /// Name of a realm's component.
    pub(crate) fn name(&self, realm: u16) -> &'static str {
        let program = self.realms.at(realm as usize).program;
        self.programs.at(program as usize).get().map_or("?", Program::name)
    }
}
