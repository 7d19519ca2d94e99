//! The devices behind I/O ports: a 16550 UART that always has room, and nothing else.

/// Its first port, as on every PC.
const BASE: u16 = 0x3f8;
/// Its interrupt line.
pub const LINE: u16 = 4;

const DATA: u16 = 0;
const INTERRUPTS: u16 = 1;
const IDENTIFICATION: u16 = 2;
const LINE_STATUS: u16 = 5;
const PORTS: u16 = 8;

/// In `INTERRUPTS`: when there is room.
const WHEN_EMPTY: u8 = 1 << 1;
/// In `IDENTIFICATION`: nothing, or that there is room.
const NOTHING_PENDING: u8 = 1;
const EMPTY_PENDING: u8 = 2;
/// In `LINE_STATUS`: holding and shift register are empty.
const ROOM: u8 = 0x60;
/// What no device answers.
const FLOATING: u8 = 0xff;

/// The transmitter: what is written is out at once. Nothing is ever received.
#[derive(Debug, Default)]
pub struct Uart {
    interrupts: u8,
    is_pending: bool,
    rest: [u8; PORTS as usize],
}

impl Uart {
    /// Reads a port.
    pub fn read(&mut self, port: u16) -> u8 {
        let Some(register) = register(port) else { return FLOATING };
        match register {
            DATA => 0,
            INTERRUPTS => self.interrupts,
            IDENTIFICATION if self.raises() => {
                self.is_pending = false;
                EMPTY_PENDING
            }
            IDENTIFICATION => NOTHING_PENDING,
            LINE_STATUS => ROOM,
            other => self.rest[usize::from(other)],
        }
    }

    /// Writes a port; answers a byte that goes out.
    pub fn write(&mut self, port: u16, value: u8) -> Option<u8> {
        match register(port)? {
            DATA => {
                self.is_pending = true;
                return Some(value);
            }
            INTERRUPTS => {
                self.is_pending |= value & WHEN_EMPTY != 0 && self.interrupts & WHEN_EMPTY == 0;
                self.interrupts = value & 0x0f;
            }
            IDENTIFICATION | LINE_STATUS => {}
            other => self.rest[usize::from(other)] = value,
        }
        None
    }

    /// Whether it holds its line up.
    pub fn raises(&self) -> bool {
        self.is_pending && self.interrupts & WHEN_EMPTY != 0
    }
}

fn register(port: u16) -> Option<u16> {
    port.checked_sub(BASE).filter(|register| *register < PORTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sends_and_says_that_there_is_room() {
        let mut uart = Uart::default();
        assert_eq!(uart.write(BASE, b'a'), Some(b'a'));
        assert_eq!(uart.read(BASE + LINE_STATUS) & 0x21, 0x20, "room, and nothing received");
        assert!(!uart.raises());
        assert_eq!((uart.read(0x60), uart.write(0x60, 1)), (FLOATING, None));
    }

    #[test]
    fn it_interrupts_when_asked_to_until_it_is_looked_at() {
        let mut uart = Uart::default();
        uart.write(BASE + INTERRUPTS, WHEN_EMPTY);
        assert!(uart.raises());
        assert_eq!(uart.read(BASE + IDENTIFICATION), EMPTY_PENDING);
        assert!(!uart.raises());
        assert_eq!(uart.read(BASE + IDENTIFICATION), NOTHING_PENDING);
        uart.write(BASE, b'b');
        assert!(uart.raises());
        uart.write(BASE + INTERRUPTS, 0);
        assert!(!uart.raises());
    }
}
