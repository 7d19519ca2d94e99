//! The kernel core's view of this machine.

use crate::boot_information::BootInformation;
use crate::clock;
use crate::controller;
use crate::figures::Figures;
use crate::frames::Frames;
use crate::paging::{self, Access, copy_from_frame, copy_to_frame, physical_of};
use crate::port;
use crate::serial;
use nanokernel_core::{Exit, Frame, Hal, MapError, Page, Space, Width};
use sci::layout::{KERNEL_ABI_VERSION, PAGE, info};

#[repr(C, align(4096))]
struct GatePage([u8; PAGE as usize]);

static GATE: GatePage = GatePage(sci::gate::PAGE_BYTES);

unsafe extern "C" {
    static entry_time: u64;
}

/// The time-stamp counter at the kernel's first instructions.
pub fn entered_at() -> u64 {
    // SAFETY: `boot.s` wrote it before any Rust ran.
    unsafe { (&raw const entry_time).read() }
}

/// What the machine keeps for the core.
pub struct Machine {
    /// Physical pages.
    pub frames: Frames,
    /// What the run cost.
    pub figures: Figures,
    module: u64,
    info: Frame,
}

impl Machine {
    /// Without memory.
    pub const fn new() -> Self {
        Self { frames: Frames::new(), figures: Figures::new(), module: 0, info: Frame(0) }
    }

    /// Makes the info page and starts the tick; interrupts come once ring 3 runs.
    pub fn start(&mut self, found: &BootInformation) -> Result<(), Exit> {
        self.module = found.module.start;
        self.info = self.frames.take().ok_or(Exit::Exhausted)?;
        let hz = clock::start_ticks();
        for (offset, value) in [
            (info::TSC_HZ, hz),
            (info::TSC_BOOT, entered_at()),
            (info::ABI_VERSION, u64::from(KERNEL_ABI_VERSION)),
        ] {
            copy_to_frame(self.info, offset, &value.to_le_bytes());
        }
        self.frames.settle();
        if self.module.is_multiple_of(PAGE) { Ok(()) } else { Err(Exit::BundleRefused) }
    }
}

/// Calls `copy` for each part of a range that lies in one page, with the frame behind it.
fn by_page(
    space: Space,
    address: u64,
    bytes: usize,
    access: Access,
    mut copy: impl FnMut(Frame, u64, usize, usize),
) -> bool {
    let mut done = 0;
    while done < bytes {
        let Some(at) = address.checked_add(done as u64) else {
            return false;
        };
        let Some(frame) = paging::translate(space, at & !(PAGE - 1), access) else {
            return false;
        };
        let offset = at & (PAGE - 1);
        let count = (bytes - done).min((PAGE - offset) as usize);
        copy(frame, offset, done, count);
        done += count;
    }
    true
}

fn write(space: Space, address: u64, bytes: &[u8], access: Access) -> bool {
    by_page(space, address, bytes.len(), access, |frame, offset, done, count| {
        copy_to_frame(frame, offset, bytes.get(done..done + count).unwrap_or_default());
    })
}

impl Hal for Machine {
    fn frame_take(&mut self) -> Option<Frame> {
        self.frames.take()
    }

    fn frame_return(&mut self, frame: Frame) {
        self.frames.put(frame);
    }

    fn frames_free(&self) -> u64 {
        self.frames.free()
    }

    fn frames_total(&self) -> u64 {
        self.frames.total()
    }

    fn frame_write(&mut self, frame: Frame, offset: u64, bytes: &[u8]) {
        copy_to_frame(frame, offset, bytes);
    }

    fn frame_read(&self, frame: Frame, offset: u64, into: &mut [u8]) {
        copy_from_frame(frame, offset, into);
    }

    fn module_frame(&self, offset: u64) -> Frame {
        Frame(self.module + offset)
    }

    fn is_device(&self, frame: Frame) -> bool {
        controller::is_device(frame.0)
    }

    fn gate_frame(&self) -> Frame {
        Frame(physical_of(&raw const GATE))
    }

    fn info_frame(&self) -> Frame {
        self.info
    }

    fn space_create(&mut self) -> Option<Space> {
        paging::create(&mut self.frames)
    }

    fn space_map(&mut self, space: Space, address: u64, page: Page) -> Result<(), MapError> {
        paging::map(&mut self.frames, space, address, page)
    }

    fn space_unmap(&mut self, space: Space, address: u64) -> Option<Frame> {
        paging::unmap(space, address)
    }

    fn space_write(&mut self, space: Space, address: u64, bytes: &[u8]) -> bool {
        write(space, address, bytes, Access::Any)
    }

    fn user_read(&self, space: Space, address: u64, into: &mut [u8]) -> bool {
        by_page(space, address, into.len(), Access::UserRead, |frame, offset, done, count| {
            copy_from_frame(frame, offset, into.get_mut(done..done + count).unwrap_or_default());
        })
    }

    fn user_write(&mut self, space: Space, address: u64, bytes: &[u8]) -> bool {
        write(space, address, bytes, Access::UserWrite)
    }

    fn space_release(&mut self, space: Space, frames: u32) -> bool {
        paging::release(&mut self.frames, space, frames)
    }

    fn now(&self) -> u64 {
        clock::now()
    }

    fn console_in_line(&self) -> bool {
        serial::in_line()
    }

    fn console(&mut self, byte: u8) {
        serial::send(byte);
    }

    fn port_read(&mut self, number: u16, width: Width) -> u32 {
        match width {
            Width::Byte => u32::from(port::read8(number)),
            Width::Word => u32::from(port::read16(number)),
            Width::Long => port::read32(number),
        }
    }

    fn port_write(&mut self, number: u16, width: Width, value: u32) {
        match width {
            Width::Byte => {
                port::write8(number, value as u8);
                serial::sent(number, value as u8);
            }
            Width::Word => port::write16(number, value as u16),
            Width::Long => port::write32(number, value),
        }
    }

    fn line_unmask(&mut self, line: u16) -> bool {
        controller::unmask(line)
    }

    fn line_mask(&mut self, line: u16) {
        controller::mask(line);
    }

    fn stop(&mut self, exit: Exit) {
        let figures = self.figures;
        figures.print(self);
        port::exit(exit);
    }
}
