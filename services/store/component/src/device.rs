//! A virtio block device behind virtio's registers in memory (Virtual I/O Device, version 1): one request at a time, asked
//! for rather than interrupted.

use crate::space::client;
use services_store::{Broken, Disk, SECTOR};
use space_guest::{View, fence};

/// Bytes between one device's registers and the next one's.
const DEVICE_BYTES: u64 = 512;

/// Offsets of registers.
mod register {
    pub const MAGIC: u64 = 0x000;
    pub const VERSION: u64 = 0x004;
    pub const DEVICE: u64 = 0x008;
    pub const FEATURES: u64 = 0x010;
    pub const FEATURES_SELECT: u64 = 0x014;
    pub const DRIVER_FEATURES: u64 = 0x020;
    pub const DRIVER_FEATURES_SELECT: u64 = 0x024;
    pub const QUEUE_SELECT: u64 = 0x030;
    pub const QUEUE_MAX: u64 = 0x034;
    pub const QUEUE_SIZE: u64 = 0x038;
    pub const QUEUE_READY: u64 = 0x044;
    pub const NOTIFY: u64 = 0x050;
    pub const STATUS: u64 = 0x070;
    pub const DESCRIPTORS: u64 = 0x080;
    pub const AVAILABLE: u64 = 0x090;
    pub const USED: u64 = 0x0a0;
    pub const CAPACITY: u64 = 0x100;
}

const MAGIC: u32 = u32::from_le_bytes(*b"virt");
const BLOCK_DEVICE: u32 = 2;
/// What the driver says of itself.
const ACKNOWLEDGE: u32 = 1;
const DRIVER: u32 = 2;
const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;
/// The device makes what was written durable when asked to.
const FLUSHES: u32 = 1 << 9;
/// Version 1, among the features from bit 32 on.
const MODERN: u32 = 1;

/// Offsets in the shared pages, whose first has the queue; the others have data.
mod place {
    pub const DESCRIPTORS: u64 = 0;
    pub const AVAILABLE: u64 = 1024;
    pub const USED: u64 = 2048;
    pub const REQUEST: u64 = 3072;
    pub const ANSWER: u64 = 3088;
    pub const DATA: u64 = PAGE;
    pub const PAGE: u64 = 4096;
}

/// Descriptors of the queue: a request's head, its data by pages, its answer.
const QUEUE_SIZE: u16 = 32;
const ANSWER: u16 = QUEUE_SIZE - 1;
/// A descriptor has a successor; the device writes what it describes.
const NEXT: u16 = 1;
const WRITES: u16 = 2;
/// Requests.
const READ: u32 = 0;
const WRITE: u32 = 1;
const FLUSH: u32 = 4;
/// Turns of looking for an answer before others get the processor.
const TURNS: u32 = 5000;
/// How long a device may work on one request, in seconds.
const PATIENCE: u64 = 120;

/// The disk.
pub struct Device {
    registers: View,
    /// Offset of its registers.
    at: u64,
    pages: View,
    clock: client::Clock,
    pause: client::Notification,
    sectors: u64,
    /// Data pages.
    data_pages: u64,
    /// Requests made.
    made: u16,
    /// It failed to answer: whatever it still does goes to pages that nobody else has.
    is_gone: bool,
}

impl Device {
    /// Finds the machine's disk and starts it; or why not.
    pub fn start(
        registers: &client::Memory,
        shared: &client::MemoryPages,
        clock: client::Clock,
        pause: client::Notification,
    ) -> Result<Self, &'static str> {
        let (registers, pages) = (registers.view(), shared.view());
        let devices = (0..registers.bytes() / DEVICE_BYTES).map(|number| number * DEVICE_BYTES);
        let is_disk = |at: &u64| {
            let is = |register, value| registers.read::<u32>(at + register) == value;
            is(register::MAGIC, MAGIC) && is(register::DEVICE, BLOCK_DEVICE)
        };
        let at = devices.into_iter().find(is_disk).ok_or("the machine has no disk")?;
        if registers.read::<u32>(at + register::VERSION) != 2 {
            return Err("the disk is of an older kind of virtio");
        }
        let data_pages = (pages.bytes() / place::PAGE).saturating_sub(1).min(u64::from(ANSWER) - 1);
        let mut device =
            Self { registers, at, pages, clock, pause, sectors: 0, data_pages, made: 0, is_gone: false };
        device.reset()?;
        device.describe(shared)?;
        device.set(register::STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        let [low, high] = [0, 4].map(|half| device.get(register::CAPACITY + half));
        device.sectors = u64::from(low) | u64::from(high) << 32;
        Ok(device)
    }

    fn get(&self, register: u64) -> u32 {
        self.registers.read(self.at + register)
    }

    fn set(&self, register: u64, value: u32) {
        self.registers.write(self.at + register, value);
    }

    /// An address in two registers.
    fn set_address(&self, register: u64, address: u64) {
        self.set(register, address as u32);
        self.set(register + 4, (address >> 32) as u32);
    }

    /// Resets it and agrees on features.
    fn reset(&self) -> Result<(), &'static str> {
        self.set(register::STATUS, 0);
        while self.get(register::STATUS) != 0 {}
        self.set(register::STATUS, ACKNOWLEDGE);
        self.set(register::STATUS, ACKNOWLEDGE | DRIVER);
        for (select, needed) in [(0, FLUSHES), (1, MODERN)] {
            self.set(register::FEATURES_SELECT, select);
            if self.get(register::FEATURES) & needed == 0 {
                return Err("the disk cannot make durable what is written");
            }
            self.set(register::DRIVER_FEATURES_SELECT, select);
            self.set(register::DRIVER_FEATURES, needed);
        }
        self.set(register::STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if self.get(register::STATUS) & FEATURES_OK == 0 {
            return Err("the disk and its driver do not agree");
        }
        Ok(())
    }

    /// Tells it where the queue is, and the queue where the pages are.
    fn describe(&self, shared: &client::MemoryPages) -> Result<(), &'static str> {
        let address = |offset| shared.address(offset).map_err(|_| "the driver has no pages");
        self.set(register::QUEUE_SELECT, 0);
        if self.get(register::QUEUE_MAX) < u32::from(QUEUE_SIZE) || self.data_pages == 0 {
            return Err("the disk's queue is too short");
        }
        self.pages.put(0, &[0; place::PAGE as usize]);
        self.descriptor(0, address(place::REQUEST)?, 16, NEXT, 1);
        self.descriptor(ANSWER, address(place::ANSWER)?, 1, WRITES, 0);
        for page in 0..self.data_pages {
            let number = page as u16 + 1;
            self.descriptor(number, address(place::DATA + page * place::PAGE)?, 0, NEXT, number + 1);
        }
        // No interrupts.
        self.pages.write::<u16>(place::AVAILABLE, 1);
        self.set(register::QUEUE_SIZE, QUEUE_SIZE.into());
        self.set_address(register::DESCRIPTORS, address(place::DESCRIPTORS)?);
        self.set_address(register::AVAILABLE, address(place::AVAILABLE)?);
        self.set_address(register::USED, address(place::USED)?);
        fence();
        self.set(register::QUEUE_READY, 1);
        Ok(())
    }

    fn descriptor(&self, number: u16, address: u64, bytes: u32, flags: u16, next: u16) {
        let at = place::DESCRIPTORS + 16 * u64::from(number);
        self.pages.write(at, address);
        self.pages.write(at + 8, bytes);
        self.pages.write(at + 12, flags);
        self.pages.write(at + 14, next);
    }

    /// Links the descriptors of a request whose data has so many bytes.
    fn link(&self, bytes: usize, flags: u16) {
        let flags_at = |number: u64| place::DESCRIPTORS + 16 * number + 12;
        let pages = (bytes as u64).div_ceil(place::PAGE);
        self.pages.write(flags_at(0) + 2, if pages == 0 { ANSWER } else { 1 });
        for page in 0..pages {
            let left = bytes as u64 - page * place::PAGE;
            let number = page + 1;
            self.pages.write(flags_at(number) - 4, left.min(place::PAGE) as u32);
            self.pages.write(flags_at(number), NEXT | flags);
            self.pages.write(flags_at(number) + 2, if number == pages { ANSWER } else { number as u16 + 1 });
        }
    }

    /// Makes a request, whose data are in place, and waits for its answer.
    fn request(&mut self, kind: u32, sector: u64, bytes: usize) -> Result<(), Broken> {
        if self.is_gone {
            return Err(Broken);
        }
        self.link(bytes, if kind == READ { WRITES } else { 0 });
        self.pages.write(place::REQUEST, u64::from(kind));
        self.pages.write(place::REQUEST + 8, sector);
        self.pages.write::<u8>(place::ANSWER, u8::MAX);
        let slot = place::AVAILABLE + 4 + 2 * u64::from(self.made % QUEUE_SIZE);
        self.pages.write::<u16>(slot, 0);
        fence();
        self.made = self.made.wrapping_add(1);
        self.pages.write(place::AVAILABLE + 2, self.made);
        fence();
        self.set(register::NOTIFY, 0);
        self.wait()?;
        fence();
        if self.pages.read::<u8>(place::ANSWER) == 0 { Ok(()) } else { Err(Broken) }
    }

    /// Waits until the device is done with the last request.
    fn wait(&mut self) -> Result<(), Broken> {
        let is_done = |device: &Self| device.pages.read::<u16>(place::USED + 2) == device.made;
        for _ in 0..TURNS {
            if is_done(self) {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        let second = space_guest::ticks_a_second().max(1);
        let last = self.clock.now().saturating_add(PATIENCE * second);
        while !is_done(self) {
            let now = self.clock.now();
            if now >= last {
                self.is_gone = true;
                return Err(Broken);
            }
            self.pause.wait(0, now + second / 2000);
        }
        Ok(())
    }

    /// Bytes that one request has at most.
    fn most(&self) -> usize {
        (self.data_pages * place::PAGE) as usize
    }
}

impl Disk for Device {
    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn read(&mut self, mut sector: u64, into: &mut [u8]) -> Result<(), Broken> {
        for piece in into.chunks_mut(self.most()) {
            self.request(READ, sector, piece.len())?;
            self.pages.take(place::DATA, piece);
            sector += (piece.len() / SECTOR) as u64;
        }
        Ok(())
    }

    fn write(&mut self, mut sector: u64, bytes: &[u8]) -> Result<(), Broken> {
        for piece in bytes.chunks(self.most()) {
            self.pages.put(place::DATA, piece);
            self.request(WRITE, sector, piece.len())?;
            sector += (piece.len() / SECTOR) as u64;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.request(FLUSH, 0, 0)
    }
}
