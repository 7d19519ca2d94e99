//! The kernel core's view of this machine.

use std::collections::BTreeMap;
use std::io;

use nanokernel_core::{Exit, Frame, Hal, MapError, Owner, Page, Rights, Space as SpaceId, Width};
use sci::layout::PAGE;

use crate::clock;
use crate::memory::Memory;
use crate::space::Space;
use crate::uart::{self, Uart};

/// Interrupt lines, as of one I/O controller.
const LINES: u16 = 24;

/// What the machine keeps for the core.
#[derive(Debug)]
pub struct Machine {
    memory: Memory,
    /// By the numbers that the core knows them by, which begin with 1 and are never used again.
    spaces: BTreeMap<u64, Space>,
    spaces_made: u64,
    uart: Uart,
    is_unmasked: bool,
    /// What was printed and not taken yet.
    pub printed: Vec<u8>,
    in_line: bool,
    /// How the run ends.
    pub exit: Option<Exit>,
}

impl Machine {
    /// With the boot module, and so many bytes of memory.
    pub fn new(module: &[u8], memory_bytes: u64) -> io::Result<Self> {
        Ok(Self {
            memory: Memory::new(module, memory_bytes, (clock::now(), clock::hz()))?,
            spaces: BTreeMap::new(),
            spaces_made: 0,
            uart: Uart::default(),
            is_unmasked: false,
            printed: Vec::new(),
            in_line: false,
            exit: None,
        })
    }

    /// A space.
    pub fn space(&mut self, space: SpaceId) -> Option<&mut Space> {
        self.spaces.get_mut(&space.0)
    }

    /// What is mapped at an address of a space.
    pub fn page(&self, space: SpaceId, address: u64) -> Option<Page> {
        self.spaces.get(&space.0)?.page(address)
    }

    /// The line that a device holds up, if its interrupts are let through.
    pub fn raised(&self) -> Option<u16> {
        (self.is_unmasked && self.uart.raises()).then_some(uart::LINE)
    }

    /// Calls `copy` for each part of a range that lies in one page; false where a page is not there or not `allowed`.
    fn by_page(
        &self,
        space: SpaceId,
        (address, bytes): (u64, usize),
        allowed: impl Fn(Rights) -> bool,
        mut copy: impl FnMut(Frame, u64, usize, usize) -> bool,
    ) -> bool {
        let Some(space) = self.spaces.get(&space.0) else { return false };
        let mut done = 0;
        while done < bytes {
            let at = address.checked_add(done as u64);
            let page = at.and_then(|at| space.page(at)).filter(|page| allowed(page.rights));
            let (Some(at), Some(page)) = (at, page) else { return false };
            let offset = at & (PAGE - 1);
            let count = (bytes - done).min((PAGE - offset) as usize);
            if !copy(page.frame, offset, done, count) {
                return false;
            }
            done += count;
        }
        true
    }

    fn write(&self, space: SpaceId, address: u64, bytes: &[u8], allowed: impl Fn(Rights) -> bool) -> bool {
        self.by_page(space, (address, bytes.len()), allowed, |frame, offset, done, count| {
            self.memory.write(frame, offset, bytes.get(done..done + count).unwrap_or_default())
        })
    }
}

impl Hal for Machine {
    fn frame_take(&mut self) -> Option<Frame> {
        self.memory.take()
    }

    fn frame_return(&mut self, frame: Frame) {
        self.memory.put(frame);
    }

    fn frames_free(&self) -> u64 {
        self.memory.free()
    }

    fn frames_total(&self) -> u64 {
        self.memory.total()
    }

    fn frame_write(&mut self, frame: Frame, offset: u64, bytes: &[u8]) {
        // Where the host has no memory left, the page stays as it was: a realm that needs it faults.
        let _written = self.memory.write(frame, offset, bytes);
    }

    fn frame_read(&self, frame: Frame, offset: u64, into: &mut [u8]) {
        let _read = self.memory.read(frame, offset, into);
    }

    fn module_frame(&self, offset: u64) -> Frame {
        Frame(offset)
    }

    /// None: the host's devices are not this machine's.
    fn is_device(&self, _: Frame) -> bool {
        false
    }

    fn gate_frame(&self) -> Frame {
        self.memory.gate()
    }

    fn info_frame(&self) -> Frame {
        self.memory.info()
    }

    fn space_create(&mut self) -> Option<SpaceId> {
        let space = Space::new(self.memory.file()).ok()?;
        self.spaces_made += 1;
        self.spaces.insert(self.spaces_made, space);
        Some(SpaceId(self.spaces_made))
    }

    fn space_map(&mut self, space: SpaceId, address: u64, page: Page) -> Result<(), MapError> {
        self.space(space).ok_or(MapError::Exhausted)?.map(address, page)
    }

    fn space_unmap(&mut self, space: SpaceId, address: u64) -> Option<Frame> {
        self.space(space)?.unmap(address).map(|page| page.frame)
    }

    fn space_write(&mut self, space: SpaceId, address: u64, bytes: &[u8]) -> bool {
        self.write(space, address, bytes, |_| true)
    }

    fn user_read(&self, space: SpaceId, address: u64, into: &mut [u8]) -> bool {
        let bytes = into.len();
        self.by_page(
            space,
            (address, bytes),
            |_| true,
            |frame, offset, done, count| {
                self.memory.read(frame, offset, into.get_mut(done..done + count).unwrap_or_default())
            },
        )
    }

    fn user_write(&mut self, space: SpaceId, address: u64, bytes: &[u8]) -> bool {
        self.write(space, address, bytes, |rights| rights == Rights::Write)
    }

    fn space_release(&mut self, id: SpaceId, frames: u32) -> bool {
        for _ in 0..frames {
            let Some(page) = self.space(id).and_then(Space::take) else {
                self.spaces.remove(&id.0);
                return true;
            };
            if page.owner == Owner::Space {
                self.memory.put(page.frame);
            }
        }
        false
    }

    fn now(&self) -> u64 {
        clock::now()
    }

    fn console_in_line(&self) -> bool {
        self.in_line
    }

    fn console(&mut self, byte: u8) {
        self.printed.push(byte);
        self.in_line = byte != b'\n';
    }

    fn port_read(&mut self, port: u16, width: Width) -> u32 {
        let bytes = (0..width.bytes() as u16).map(|offset| self.uart.read(port.wrapping_add(offset)));
        bytes.rev().fold(0, |value, byte| value << 8 | u32::from(byte))
    }

    fn port_write(&mut self, port: u16, width: Width, value: u32) {
        for (offset, byte) in (0..width.bytes() as u16).zip(value.to_le_bytes()) {
            if let Some(byte) = self.uart.write(port.wrapping_add(offset), byte) {
                self.console(byte);
            }
        }
    }

    fn line_unmask(&mut self, line: u16) -> bool {
        self.is_unmasked |= line == uart::LINE;
        line < LINES
    }

    fn line_mask(&mut self, line: u16) {
        self.is_unmasked &= line != uart::LINE;
    }

    fn stop(&mut self, exit: Exit) {
        self.exit.get_or_insert(exit);
    }
}
