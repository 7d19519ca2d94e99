//! Interrupt controllers: the local one and the I/O ones, or, where the CPU has no local one, the old pair
//! ([`crate::pair`]).
//!
//! Line *n* below 16 is the ISA line, above it the pin of that number. A level-triggered line is masked when it
//! fires, until its driver acknowledges it; an edge must not be masked, or the next one would be lost.

use core::arch::x86_64::__cpuid;
use core::ops::Range;

use crate::acpi::{Controllers, Route};
use crate::paging::{LOCAL_CONTROLLER, read_device, write_device};
use crate::pair;
use sci::layout::PAGE;

/// Vector of the timer.
pub const TIMER_VECTOR: u64 = 32;
/// Vector of line 0; the others follow.
pub const LINE_VECTOR: u64 = 48;
/// Lines that have a vector.
pub const LINES: u16 = 64;
/// Vector of an interrupt that went away.
pub const SPURIOUS_VECTOR: u64 = 255;

const SPURIOUS_REGISTER: u64 = 0xf0;
const END_OF_INTERRUPT: u64 = 0xb0;
const MASKED: u32 = 1 << 16;

/// CPUID leaf 1, `edx`: the CPU has a local controller.
const HAS_LOCAL: u32 = 1 << 9;

static mut CONTROLLERS: Controllers = Controllers::none();
static mut LOCAL: bool = true;

/// Whether the CPU has a local controller, and with it a timer.
pub fn is_local() -> bool {
    // SAFETY: written once, at boot.
    unsafe { LOCAL }
}

/// Reads a register of the local controller.
pub fn local_read(register: u64) -> u32 {
    read_device(LOCAL_CONTROLLER + register)
}

/// Writes a register of the local controller.
pub fn local_write(register: u64, value: u32) {
    write_device(LOCAL_CONTROLLER + register, value);
}

/// Masks every source and enables the local controller, or the pair.
pub fn start(found: Controllers) {
    pair::mask_all();
    if __cpuid(1).edx & HAS_LOCAL == 0 {
        // SAFETY: one CPU, at boot.
        unsafe { LOCAL = false };
        return pair::start();
    }
    local_write(SPURIOUS_REGISTER, 0x100 | SPURIOUS_VECTOR as u32);
    for address in found.addresses() {
        for pin in 0..pins(address) {
            io_write(address, 0x10 + pin * 2, MASKED);
        }
    }
    // SAFETY: one CPU, at boot.
    unsafe { CONTROLLERS = found };
}

/// The controller may deliver the next interrupt; false if this one went away before it arrived.
pub fn acknowledge(vector: u64) -> bool {
    if is_local() {
        local_write(END_OF_INTERRUPT, 0);
        true
    } else {
        vector.checked_sub(LINE_VECTOR).is_some_and(|line| pair::acknowledge(line as u16))
    }
}

/// Where every PC has registers and none has memory, up to the interrupt controllers.
const DEVICES: Range<u64> = 0xfe00_0000..0xfec0_0000;

/// Whether a page is one of a device that is no interrupt controller.
pub fn is_device(page: u64) -> bool {
    // SAFETY: written once, at boot.
    let found = unsafe { CONTROLLERS };
    DEVICES.contains(&page) && found.addresses().all(|controller| controller & !(PAGE - 1) != page)
}

/// Lets a line's interrupts through; false where there is no such pin.
pub fn unmask(line: u16) -> bool {
    if !is_local() {
        return pair::unmask(line);
    }
    let Some((address, pin, route)) = find(line) else {
        return false;
    };
    let vector = LINE_VECTOR as u32 + u32::from(line);
    let attributes = u32::from(route.low) << 13 | u32::from(route.level) << 15;
    let destination = local_read(0x20) & 0xff00_0000;
    if io_read(address, 0x10 + pin * 2) != vector | attributes {
        // Masked while it changes, so that no half of an entry is ever in force.
        io_write(address, 0x10 + pin * 2, MASKED);
        io_write(address, 0x11 + pin * 2, destination);
        io_write(address, 0x10 + pin * 2, vector | attributes);
    }
    true
}

/// Stops a line's interrupts.
pub fn mask(line: u16) {
    if !is_local() {
        return pair::mask(line);
    }
    if let Some((address, pin, _)) = find(line) {
        io_write(address, 0x10 + pin * 2, MASKED);
    }
}

/// A line fired: it is masked if it stays asserted until its device is served.
pub fn fired(line: u16) {
    let level =
        if is_local() { find(line).is_some_and(|(_, _, route)| route.level) } else { pair::is_level(line) };
    if level {
        mask(line);
    }
}

fn find(line: u16) -> Option<(u64, u32, Route)> {
    // SAFETY: written once, at boot.
    let found = unsafe { CONTROLLERS };
    let direct = Route { pin: u32::from(line), low: true, level: true };
    let route = found.isa.get(usize::from(line)).copied().unwrap_or(direct);
    found.io.iter().filter(|controller| controller.address != 0).find_map(|controller| {
        let pin = route.pin.checked_sub(controller.first)?;
        (pin < pins(controller.address)).then_some((controller.address, pin, route))
    })
}

fn pins(address: u64) -> u32 {
    (io_read(address, 1) >> 16 & 0xff) + 1
}

fn io_read(address: u64, register: u32) -> u32 {
    write_device(address, register);
    read_device(address + 16)
}

fn io_write(address: u64, register: u32, value: u32) {
    write_device(address, register);
    write_device(address + 16, value);
}
