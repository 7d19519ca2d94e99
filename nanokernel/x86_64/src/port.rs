//! I/O ports, and the exit device behind one of them.

use core::arch::asm;

use nanokernel_core::Exit;

/// QEMU's isa-debug-exit.
const EXIT_PORT: u16 = 0xf4;

/// Reads a byte.
pub fn read8(port: u16) -> u8 {
    let value;
    // SAFETY: port access does not touch memory; what the device does is the caller's purpose.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Writes a byte.
pub fn write8(port: u16, value: u8) {
    // SAFETY: as in `read8`.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags)) };
}

/// Reads two bytes.
pub fn read16(port: u16) -> u16 {
    let value;
    // SAFETY: as in `read8`.
    unsafe { asm!("in ax, dx", in("dx") port, out("ax") value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Writes two bytes.
pub fn write16(port: u16, value: u16) {
    // SAFETY: as in `read8`.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags)) };
}

/// Reads four bytes.
pub fn read32(port: u16) -> u32 {
    let value;
    // SAFETY: as in `read8`.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Writes four bytes.
pub fn write32(port: u16, value: u32) {
    // SAFETY: as in `read8`.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags)) };
}

/// Ends the run through the exit device; on a machine without one, stops.
pub fn exit(exit: Exit) -> ! {
    write32(EXIT_PORT, u32::from(exit.byte()));
    loop {
        // SAFETY: with interrupts off nothing runs after this.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
