//! The early console: COM1, polled.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::port;

const DATA: u16 = 0x3f8;
const INTERRUPTS: u16 = DATA + 1;
const FIFO: u16 = DATA + 2;
const LINE: u16 = DATA + 3;
const MODEM: u16 = DATA + 4;
const STATUS: u16 = DATA + 5;
const TRANSMITTER_EMPTY: u8 = 0x20;
/// Polls before a byte is sent regardless: a machine without a UART must not hang.
const POLLS_MAX: u32 = 100_000;

static IN_LINE: AtomicBool = AtomicBool::new(false);

/// 115200 baud, 8 bits, no parity, FIFOs on, no interrupts.
pub fn start() {
    port::write8(INTERRUPTS, 0);
    port::write8(LINE, 0x80);
    port::write8(DATA, 1);
    port::write8(DATA + 1, 0);
    port::write8(LINE, 3);
    port::write8(FIFO, 7);
    port::write8(MODEM, 3);
}

/// Notes a byte that a component sent by itself.
pub fn sent(port: u16, byte: u8) {
    if port == DATA {
        IN_LINE.store(byte != b'\n', Ordering::Relaxed);
    }
}

/// Whether the last byte sent left a line unfinished.
pub fn in_line() -> bool {
    IN_LINE.load(Ordering::Relaxed)
}

/// Sends a byte once the transmitter takes it.
pub fn send(byte: u8) {
    let mut polls = 0;
    while port::read8(STATUS) & TRANSMITTER_EMPTY == 0 && polls < POLLS_MAX {
        polls += 1;
    }
    port::write8(DATA, byte);
    sent(DATA, byte);
}
