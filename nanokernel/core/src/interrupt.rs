//! Devices: interrupt lines delivered to inboxes, and I/O ports.

use crate::capability::{Handle, kind};
use crate::hal::{Hal, Width};
use crate::kernel::{Kernel, Outcome};
use crate::table::LINES;
use sci::status::Status;
use sci::syscall::{irq_operation as irq, port_operation as port};

/// One interrupt line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The realm whose inbox hears of it, 0 for none.
    pub realm: u16,
    /// The bits it gets.
    pub bits: u64,
}

impl Line {
    /// Nobody hears of it.
    pub const UNBOUND: Self = Self { realm: 0, bits: 0 };
}

impl Kernel {
    /// An interrupt came in on a line.
    pub fn interrupt(&mut self, line: u16) {
        let Line { realm, bits } = *self.lines.at(line as usize);
        if realm != 0 {
            self.notify_inbox(realm, bits);
        }
    }

    pub(crate) fn irq_control(
        &mut self,
        hal: &mut impl Hal,
        handle: Handle,
        operation: u64,
        bits: u64,
    ) -> Outcome {
        if operation > irq::MASK {
            return Outcome::refused(Status::Argument);
        }
        let held = match self.held(handle, kind::INTERRUPT, 1 << operation) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let me = self.here();
        let line = held.badge as u16;
        if line == 0 || usize::from(line) >= LINES {
            return Outcome::refused(Status::Argument);
        }
        let bound = self.lines.at_mut(line as usize);
        if bound.realm != me && (bound.realm != 0 || operation != irq::BIND) {
            return Outcome::refused(Status::Busy);
        }
        match operation {
            irq::BIND => {
                *bound = Line { realm: me, bits };
                if !hal.line_unmask(line) {
                    *bound = Line::UNBOUND;
                    return Outcome::refused(Status::Absent);
                }
            }
            irq::ACKNOWLEDGE => {
                // The line was there when it was bound.
                let _there = hal.line_unmask(line);
            }
            _ => hal.line_mask(line),
        }
        Outcome::OK
    }

    /// Masks the lines of a realm that stops.
    pub(crate) fn lines_unbind(&mut self, hal: &mut impl Hal, realm: u16) {
        for line in 0..LINES as u16 {
            let bound = self.lines.at_mut(line as usize);
            if bound.realm == realm {
                *bound = Line::UNBOUND;
                hal.line_mask(line);
            }
        }
    }

    pub(crate) fn port_access(&mut self, hal: &mut impl Hal, arguments: [u64; 5]) -> Outcome {
        let [handle, operation, offset, value, _] = arguments;
        let (method, width) = match operation {
            port::READ_8 => (0, Width::Byte),
            port::WRITE_8 => (1, Width::Byte),
            port::READ_16 => (2, Width::Word),
            port::WRITE_16 => (3, Width::Word),
            port::READ_32 => (4, Width::Long),
            port::WRITE_32 => (5, Width::Long),
            _ => return Outcome::refused(Status::Argument),
        };
        let held = match self.held(handle, kind::PORTS, 1 << method) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let (first, count) = ports_of(held.badge);
        if offset.saturating_add(u64::from(width.bytes())) > u64::from(count) {
            return Outcome::refused(Status::Argument);
        }
        let number = first.wrapping_add(offset as u16);
        if operation & port::WRITE == 0 {
            Outcome::Answer(Status::Ok, u64::from(hal.port_read(number, width)))
        } else {
            hal.port_write(number, width, value as u32);
            Outcome::OK
        }
    }
}

/// First port and number of ports of a PortRange's badge; without one, all of them.
pub(crate) const fn ports_of(badge: u64) -> (u16, u32) {
    if badge == 0 { (0, 0x1_0000) } else { (badge as u16, (badge >> 16 & 0xffff) as u32) }
}

/// Whether a badge names a range of ports that exists.
pub(crate) const fn ports_exist(badge: u64) -> bool {
    let (first, count) = ports_of(badge);
    badge >> 32 == 0 && count > 0 && first as u32 + count <= 0x1_0000
}
