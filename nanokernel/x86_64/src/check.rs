//! Boot verification, under the `check` flag: each part of the machine proves itself and prints one line with
//! what it found and when, counted from the kernel's first instruction.

use core::arch::asm;

use crate::boot_information::BootInformation;
use crate::clock;
use crate::cpu;
use crate::machine::entered_at;
use crate::state::{kernel, machine};
use nanokernel_core::{Exit, Hal, print_line};

/// Ticks that are awaited.
const SAMPLES: usize = 5;

/// Entry, interrupts and timer; root does not exist yet.
pub fn machine_works(found: &BootInformation, how: &str) -> Result<(), Exit> {
    let (memory, frames) = (found.memory_end() >> 20, machine().frames_free());
    print_line(
        machine(),
        format_args!("kernel root entered: {how}, memory {memory} MiB, frames {frames}, {}", since_entry()),
    );
    let vectors = cpu::vectors_present();
    if vectors != 256 {
        return Err(Exit::CheckFailed);
    }
    print_line(machine(), format_args!("interrupts enabled: vectors {vectors}, {}", since_entry()));
    let mut samples = [0; SAMPLES];
    for sample in &mut samples {
        // SAFETY: no thread exists: the handlers change nothing but the time; they clobber what a C function may.
        unsafe { asm!("sti", "hlt", "cli", clobber_abi("C")) };
        *sample = clock::now();
    }
    let rises = samples.windows(2).all(|pair| matches!(pair, [before, after] if before < after));
    if !rises {
        return Err(Exit::CheckFailed);
    }
    let between = samples[SAMPLES - 1].wrapping_sub(samples[0]) / (SAMPLES as u64 - 1);
    print_line(
        machine(),
        format_args!("timer ticks ({SAMPLES} samples): {between} apart, {}", since_entry()),
    );
    Ok(())
}

/// The objects that root begins with.
pub fn objects_are_reached() -> Result<(), Exit> {
    let census = kernel().census().filter(|census| census.realms == 1).ok_or(Exit::CheckFailed)?;
    let (realms, capabilities) = (census.realms, census.capabilities);
    print_line(
        machine(),
        format_args!(
            "object arena: bootstrap realm 1, realms {realms}, capabilities {capabilities}, {}",
            since_entry()
        ),
    );
    Ok(())
}

fn since_entry() -> Since {
    Since(clock::now().wrapping_sub(entered_at()))
}

/// Counts of the time-stamp counter since entry.
struct Since(u64);

impl core::fmt::Display for Since {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "at {}", self.0)
    }
}
