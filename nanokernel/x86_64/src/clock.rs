//! Time: the local controller's timer as the tick, the time-stamp counter as the clock.
//!
//! Under QEMU's TCG the timer counts nanoseconds and nothing has to be measured; elsewhere the PIT measures it
//! once. The counter's frequency follows from two samples of both, at the ends of the boot: nobody waits.

use core::arch::x86_64::{__cpuid, _rdtsc};

use crate::controller::{TIMER_VECTOR, local_read, local_write};
use crate::port;

/// Ticks a second.
const TICKS_HZ: u64 = 1000;

const DIVIDE: u64 = 0x3e0;
const DIVIDE_BY_1: u32 = 0xb;
const LOCAL_TIMER: u64 = 0x320;
const PERIODIC: u32 = 1 << 17;
const MASKED: u32 = 1 << 16;
const INITIAL: u64 = 0x380;
const COUNT: u64 = 0x390;

/// What CPUID leaf 0x4000_0000 answers in `ebx` under TCG.
const TCG_SIGNATURE: u32 = 0x5447_4354;
const TCG_HZ: u64 = 1_000_000_000;
const PIT_HZ: u64 = 1_193_182;
/// PIT counts that a measurement takes: about 10 ms.
const PIT_COUNTS: u16 = 11_932;

/// Frequency of the timer, and the counter when it started to count.
static mut TIMER_HZ: u64 = 0;
static mut STARTED_AT: u64 = 0;

/// The time-stamp counter.
pub fn now() -> u64 {
    // SAFETY: the kernel may always read it.
    unsafe { _rdtsc() }
}

/// Starts the timer counting, without interrupts yet.
pub fn start() {
    local_write(DIVIDE, DIVIDE_BY_1);
    local_write(LOCAL_TIMER, MASKED);
    let hz = if __cpuid(0x4000_0000).ebx == TCG_SIGNATURE { TCG_HZ } else { measure() };
    local_write(INITIAL, u32::MAX);
    // SAFETY: one CPU, at boot.
    unsafe {
        TIMER_HZ = hz;
        STARTED_AT = now();
    }
}

/// Starts the tick; answers the counter's frequency.
pub fn start_ticks() -> u64 {
    // SAFETY: written once, in `start`.
    let (hz, started) = unsafe { (TIMER_HZ, STARTED_AT) };
    let counted = u64::from(u32::MAX - local_read(COUNT)).max(1);
    let elapsed = now().wrapping_sub(started);
    local_write(LOCAL_TIMER, PERIODIC | TIMER_VECTOR as u32);
    local_write(INITIAL, (hz / TICKS_HZ) as u32);
    (u128::from(elapsed) * u128::from(hz) / u128::from(counted)) as u64
}

/// Measures the timer against PIT channel 2.
fn measure() -> u64 {
    port::write8(0x61, port::read8(0x61) & !2 | 1);
    port::write8(0x43, 0xb0);
    port::write8(0x42, PIT_COUNTS as u8);
    port::write8(0x42, (PIT_COUNTS >> 8) as u8);
    local_write(INITIAL, u32::MAX);
    while port::read8(0x61) & 0x20 == 0 {
        core::hint::spin_loop();
    }
    u64::from(u32::MAX - local_read(COUNT)) * PIT_HZ / u64::from(PIT_COUNTS)
}
