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
//! | [`figures`], [`check`] | what the run cost; boot verification |
#![no_std]
#![no_main]

mod acpi;
mod boot_information;
mod check;
mod clock;
mod controller;
mod cpu;
mod entry;
mod figures;
mod frames;
mod machine;
mod paging;
mod pair;
mod port;
mod serial;
mod state;

use boot_information::BootInformation;
use nanokernel_core::{Exit, Options, print_line};
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
    let mut booted = Ok(());
    if options.check {
        booted = check::machine_works(&found, boot_information::name_of(how));
    }
    booted = booted.and_then(|()| kernel().boot(machine(), found.module(), options));
    if options.check {
        booted = booted.and_then(|()| check::objects_are_reached());
    }
    match booted {
        Ok(()) => entry::enter(),
        Err(exit) => end(exit),
    }
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
    print_line(machine(), format_args!("boot failed: {}", exit.meaning()));
    port::exit(exit)
}

#[panic_handler]
fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
    print_line(machine(), format_args!("kernel panic: {information}"));
    port::exit(Exit::Panic)
}
