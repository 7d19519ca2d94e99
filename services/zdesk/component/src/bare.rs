//! The component: the port's bytes to the mesh, and its answers back.

use crate::frame::{Frames, TooLong, frame};
use crate::space::{Authority, Component, client};
use alloc::format;
use alloc::vec::Vec;
use services_zrun::parts;
use services_zrun::remote::exchange;
use space_guest::Status;

/// Registers of the 16550.
const DATA: u16 = 0;
const INTERRUPTS: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_STATUS: u16 = 5;
/// Bits of its line status.
const DATA_READY: u8 = 0x01;
const TRANSMIT_EMPTY: u8 = 0x20;
/// Enables and empties its queues.
const FIFO_RESET: u8 = 0x07;
/// Bytes that it takes at once when it is empty.
const FIFO_BYTES: usize = 16;
/// Milliseconds from one look at a port to the next: while questions come, and when none came for a while.
const SOON: u64 = 4;
const LATER: u64 = 40;
/// Looks without a byte after which none is expected soon.
const LOOKS: u32 = 100;
/// How often a port that takes nothing, or gives nothing of a frame that has begun, is looked at before it is waited for.
const TRIES: u32 = 64;

/// Runs as long as the machine.
pub struct Zdesk;

struct Port {
    uart: client::PortRange,
    clock: client::Clock,
    timer: client::Notification,
    millisecond: u64,
}

impl Port {
    fn pause(&self, milliseconds: u64) {
        self.timer.wait(0, self.clock.now() + self.millisecond * milliseconds);
    }

    /// The next byte that has come.
    fn read(&self) -> Option<u8> {
        (self.uart.read8(LINE_STATUS) & DATA_READY != 0).then(|| self.uart.read8(DATA))
    }

    fn write(&self, bytes: &[u8]) {
        for piece in bytes.chunks(FIFO_BYTES) {
            let mut tries = 0;
            while self.uart.read8(LINE_STATUS) & TRANSMIT_EMPTY == 0 {
                tries += 1;
                if tries > TRIES {
                    self.pause(SOON);
                }
            }
            for byte in piece {
                self.uart.write8(DATA, *byte);
            }
        }
    }

    /// The next frame.
    fn frame(&self, frames: &mut Frames) -> Result<Vec<u8>, TooLong> {
        let mut looks = 0;
        loop {
            match self.read() {
                Some(byte) => {
                    looks = 0;
                    if let Some(frame) = frames.push(byte)? {
                        return Ok(frame);
                    }
                }
                None => {
                    looks += 1;
                    if frames.has_begun() && looks < TRIES {
                        continue;
                    }
                    self.pause(if looks < LOOKS { SOON } else { LATER });
                }
            }
        }
    }
}

parts!(client::Window; Status);

impl Component for Zdesk {
    fn start(authority: Authority) -> Self {
        let Authority { console, clock, timer, uart, mut window } = authority;
        let millisecond = (space_guest::ticks_a_second() / 1000).max(1);
        let port = Port { uart, clock, timer, millisecond };
        port.uart.write8(INTERRUPTS, 0);
        port.uart.write8(FIFO_CONTROL, FIFO_RESET);
        // What came before it listened may be lost: it says from when on it does.
        port.write(&[0; 4]);
        let mut frames = Frames::default();
        loop {
            let question = match port.frame(&mut frames) {
                Ok(question) => question,
                Err(error) => {
                    console.write(&format!("zdesk: the line is of no more use: {error}\n"));
                    space_guest::exit(1);
                }
            };
            // What the mesh does not take is answered by nothing: it is no answer that it gives.
            let answer = exchange(&mut window, &question).unwrap_or_default();
            if let Ok(bytes) = frame(&answer) {
                port.write(&bytes);
            }
        }
    }
}
