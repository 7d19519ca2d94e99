//! The pair of 8259 interrupt controllers: what a CPU without a local controller has.
//!
//! Intel, "8259A programmable interrupt controller", 1988. The second hangs on line 2 of the first.

use crate::controller::LINE_VECTOR;
use crate::port;

const COMMAND: [u16; 2] = [0x20, 0xa0];
const DATA: [u16; 2] = [0x21, 0xa1];
/// Which lines are level-triggered: a bit for each.
const LEVELS: [u16; 2] = [0x4d0, 0x4d1];

/// Initialisation in four words: edge-triggered, vectors, the line of the second, 8086 mode.
const INITIALISE: u8 = 0x11;
const MODE_8086: u8 = 0x01;
const CASCADE: u16 = 2;
const LINES: u16 = 16;

const END_OF_INTERRUPT: u8 = 0x20;
/// The next read of the command port gives the lines in service.
const READ_SERVICE: u8 = 0x0b;
/// The lowest line of each: also what a request that went away looks like.
const LOWEST: u16 = 7;

/// Lets nothing through.
pub fn mask_all() {
    for data in DATA {
        port::write8(data, 0xff);
    }
}

/// Gives the lines their vectors; all but the second controller's stay masked.
pub fn start() {
    for (at, wiring) in [(0, 1 << CASCADE), (1, CASCADE as u8)] {
        port::write8(COMMAND[at], INITIALISE);
        port::write8(DATA[at], LINE_VECTOR as u8 + 8 * at as u8);
        port::write8(DATA[at], wiring);
        port::write8(DATA[at], MODE_8086);
    }
    mask_all();
    unmask(CASCADE);
}

/// Lets a line through; false if there is no such line.
pub fn unmask(line: u16) -> bool {
    if line < LINES {
        let (at, bit) = place(line);
        port::write8(DATA[at], port::read8(DATA[at]) & !bit);
    }
    line < LINES
}

/// Stops a line.
pub fn mask(line: u16) {
    if line < LINES {
        let (at, bit) = place(line);
        port::write8(DATA[at], port::read8(DATA[at]) | bit);
    }
}

/// Whether a line stays asserted until its device is served. Where nothing answers, every bit is set.
pub fn is_level(line: u16) -> bool {
    let (at, bit) = place(line);
    let levels = port::read8(LEVELS[at]);
    levels != 0xff && levels & bit != 0
}

/// Ends an interrupt; false if it went away before it arrived.
pub fn acknowledge(line: u16) -> bool {
    if line >= LINES {
        return false;
    }
    let (at, bit) = place(line);
    if line % 8 == LOWEST {
        port::write8(COMMAND[at], READ_SERVICE);
        if port::read8(COMMAND[at]) & bit == 0 {
            // The first saw the second's request all the same.
            if at == 1 {
                port::write8(COMMAND[0], END_OF_INTERRUPT);
            }
            return false;
        }
    }
    if at == 1 {
        port::write8(COMMAND[1], END_OF_INTERRUPT);
    }
    port::write8(COMMAND[0], END_OF_INTERRUPT);
    true
}

/// The controller of a line, and its bit.
fn place(line: u16) -> (usize, u8) {
    (usize::from(line >= 8), 1 << (line % 8))
}
