//! Time: the local controller's timer as the tick, the time-stamp counter as the clock.
//!
//! Under QEMU's TCG the timer counts nanoseconds and nothing has to be measured; elsewhere the PIT measures it
//! once. The counter's frequency follows from two samples of both, at the ends of the boot: nobody waits. A CPU
//! without a local controller ticks by the PIT, 100 times a second.

use core::arch::x86_64::{__cpuid, _rdtsc};

use crate::controller::{LINE_VECTOR, TIMER_VECTOR, is_local, local_read, local_write};
use crate::{pair, port};

/// Ticks a second of the local timer.
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
const PIT_TICKS_HZ: u64 = 100;
const PIT_CHANNEL_0: u16 = 0x40;
const PIT_CHANNEL_2: u16 = 0x42;
const PIT_COMMAND: u16 = 0x43;
/// Channel 2 counts once, channel 0 again and again; both take their low byte first.
const PIT_ONCE: u8 = 0xb0;
const PIT_RATE: u8 = 0x34;

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
    if !is_local() {
        return;
    }
    local_write(DIVIDE, DIVIDE_BY_1);
    local_write(LOCAL_TIMER, MASKED);
    let hz = if __cpuid(0x4000_0000).ebx == TCG_SIGNATURE { TCG_HZ } else { measure_timer() };
    local_write(INITIAL, u32::MAX);
    // SAFETY: one CPU, at boot.
    unsafe {
        TIMER_HZ = hz;
        STARTED_AT = now();
    }
}

/// Starts the tick; answers the counter's frequency.
pub fn start_ticks() -> u64 {
    if !is_local() {
        return start_pit_ticks();
    }
    // SAFETY: written once, in `start`.
    let (hz, started) = unsafe { (TIMER_HZ, STARTED_AT) };
    let counted = u64::from(u32::MAX - local_read(COUNT)).max(1);
    let elapsed = now().wrapping_sub(started);
    local_write(LOCAL_TIMER, PERIODIC | TIMER_VECTOR as u32);
    local_write(INITIAL, (hz / TICKS_HZ) as u32);
    (u128::from(elapsed) * u128::from(hz) / u128::from(counted)) as u64
}

/// Whether a vector is the tick.
pub fn is_tick(vector: u64) -> bool {
    vector == if is_local() { TIMER_VECTOR } else { LINE_VECTOR }
}

/// Without a local timer PIT channel 0 ticks, on line 0.
fn start_pit_ticks() -> u64 {
    let before = now();
    let hz = if wait_pit() { now().wrapping_sub(before) * PIT_HZ / u64::from(PIT_COUNTS) } else { TCG_HZ };
    let counts = PIT_HZ / PIT_TICKS_HZ;
    port::write8(PIT_COMMAND, PIT_RATE);
    port::write8(PIT_CHANNEL_0, counts as u8);
    port::write8(PIT_CHANNEL_0, (counts >> 8) as u8);
    pair::unmask(0);
    hz
}

/// Measures the local timer against the PIT.
fn measure_timer() -> u64 {
    local_write(INITIAL, u32::MAX);
    if wait_pit() {
        u64::from(u32::MAX - local_read(COUNT)) * PIT_HZ / u64::from(PIT_COUNTS)
    } else {
        // A machine without a PIT is a virtual one; this is what they count in.
        TCG_HZ
    }
}

/// Waits for [`PIT_COUNTS`] of channel 2; false if there is none.
fn wait_pit() -> bool {
    const SPEAKER: u16 = 0x61;
    const OUTPUT: u8 = 0x20;
    /// Far longer than the counts take on any machine.
    const POLLS: u32 = 10_000_000;
    port::write8(SPEAKER, port::read8(SPEAKER) & !2 | 1);
    port::write8(PIT_COMMAND, PIT_ONCE);
    port::write8(PIT_CHANNEL_2, PIT_COUNTS as u8);
    port::write8(PIT_CHANNEL_2, (PIT_COUNTS >> 8) as u8);
    // Ports that nobody answers read as ones.
    port::read8(SPEAKER) & OUTPUT == 0 && (0..POLLS).any(|_| port::read8(SPEAKER) & OUTPUT != 0)
}
