//! The nanokernel on x86-64: everything that touches hardware, and nothing that decides.
//!
//! One CPU; interrupts are off in ring 0 except while idle; two stacks (calls, traps) and one for aborts, each
//! above a page that is never mapped. All unsafe code of the kernel is in this crate.
//!
//! | module | holds |
//! |---|---|
//! | `boot.s`, [`boot_information`] | entry by multiboot1 and PVH; memory map, module, command line |
//! | `entry.s`, [`entry`] | entry from ring 3 and the ways back |
//! | [`cpu`] | features, descriptor tables, control registers |
//! | [`frames`], [`paging`] | physical pages; address spaces |
//! | [`acpi`], [`controller`], [`clock`] | interrupt controllers; timer and time |
//! | [`serial`], [`machine`] | early console; the kernel core's view of all this |
//! | [`figures`] | what the run cost |
#![no_std]
#![no_main]

mod acpi;
mod boot_information;
mod clock;
mod controller;
mod cpu;
mod entry;
mod figures;
mod frames;
mod machine;
mod paging;
mod port;
mod serial;
mod state;

use core::fmt::Write;

use boot_information::BootInformation;
use nanokernel_core::{Exit, Options, Printer};
use state::{kernel, machine};

/// Entered from `boot.s` on the call stack, once.
#[unsafe(no_mangle)]
extern "C" fn kernel_main(how: u64, information: u64) -> ! {
    serial::start();
    let found = match start(how, information) {
        Ok(found) => found,
        Err(exit) => end(exit),
    };
    let options = Options {
        verbose: found.has_flag("verbose"),
        check: found.has_flag("check"),
        bench: found.has_flag("bench"),
    };
    machine().figures.enabled = options.bench;
    if let Err(exit) = kernel().boot(machine(), found.module(), options) {
        end(exit)
    }
    entry::enter()
}

/// Brings the machine up, from the boot information to a running timer.
fn start(how: u64, information: u64) -> Result<BootInformation, Exit> {
    let found = boot_information::read(how, information)?;
    cpu::require_features(found.has_flag("unsafe-cpu"))?;
    let interrupts = acpi::find_interrupt_controllers(found.rsdp);
    machine().frames.start(&found)?;
    paging::start(&mut machine().frames, &found, &interrupts)?;
    cpu::start();
    controller::start(interrupts);
    clock::start();
    machine().start(&found)?;
    Ok(found)
}

/// Ends the run with one line that says why.
fn end(exit: Exit) -> ! {
    // The early console takes every byte: writing cannot fail.
    let _printed = writeln!(Printer(machine()), "space: boot failed: {}", exit.meaning());
    port::exit(exit)
}

#[panic_handler]
fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
    // The early console takes every byte: writing cannot fail.
    let _printed = writeln!(Printer(machine()), "space: kernel panic: {information}");
    port::exit(Exit::Panic)
}
