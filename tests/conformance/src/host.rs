//! A guest's image on each host: what it logs, and how it ends.

use crate::image::SEED;
use boot::qemu::{GUEST_MEMORY_MIB, Machine, Qemu, REMEDY};
use boot::{Ending, FaultLine, Run, Stop};
use compiler_link::system::guest;
use sci::guest::GuestCapability;
use sci::sign::public_key;
use sci::write::{Signer, bundle, policy};
use services_zrun::linux::{BackEnds, Limits, RunError, Settings, run_with_back_ends};
use services_zrun::{Grants, InMemory, launch};
use space_host::Module;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A name for a guest.
const NAME: &str = "guest";
/// Bytes that a guest's memories may grow to.
const MEMORY_BYTES: u64 = 512 << 20;
/// Bytes of keys and values.
const VALUES_BYTES: u64 = 1 << 20;
/// How long a boot may take before it is taken for lost.
const OVERDUE: Duration = Duration::from_mins(5);

/// Grants of these capabilities.
pub fn grants(capabilities: &[GuestCapability]) -> Grants {
    capabilities.iter().fold(Grants::default(), |grants, one| grants.with(*one))
}

/// Runs a signed image in this process; gives how it ended and the lines of its log.
pub fn on_linux(image: &[u8], grants: Grants) -> (Result<(), RunError>, Vec<String>) {
    on_linux_with(image, grants, BackEnds::default())
}

/// As [`on_linux`], with these back ends.
pub fn on_linux_with(
    image: &[u8],
    grants: Grants,
    back_ends: BackEnds,
) -> (Result<(), RunError>, Vec<String>) {
    let module = match Module::load(image, &[public_key(&SEED)]) {
        Ok(module) => module,
        Err(error) => return (Err(error.into()), Vec::new()),
    };
    let lines = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&lines);
    let settings = Settings {
        name: NAME.to_owned(),
        grants,
        arguments: Vec::new(),
        environment: Vec::new(),
        seed: 0,
        log: Box::new(move |line| log.borrow_mut().push(line.to_owned())),
        values: Box::new(InMemory::new(VALUES_BYTES)),
        limits: Limits { memory_bytes: Some(MEMORY_BYTES), ..Limits::default() },
        profile: None,
    };
    let result = run_with_back_ends(&module, settings, back_ends);
    let said = lines.take();
    (result, said)
}

/// What a boot left.
#[derive(Debug)]
pub struct Booted {
    /// How it ended.
    pub ending: Ending,
    /// Faults that the kernel reported.
    pub faults: Vec<FaultLine>,
    /// Lines of the console that are not the kernel's.
    pub lines: Vec<String>,
    /// Instructions from the kernel's entry to the end, where they were counted.
    pub instructions: Option<u64>,
}

/// Boots a signed image in QEMU, with what serves it.
///
/// # Panics
/// If QEMU is missing, or the image no guest's: a boot test never passes without a boot.
pub fn on_the_nanokernel(image: &[u8], grants: Grants) -> Booted {
    boot_it(image, grants, false)
}

/// As [`on_the_nanokernel`], with every instruction of the machine counted.
///
/// # Panics
/// As there.
pub fn counted(image: &[u8], grants: Grants) -> Booted {
    boot_it(image, grants, true)
}

fn boot_it(image: &[u8], grants: Grants, count: bool) -> Booted {
    let launch = launch::Launch { grants, ..launch::Launch::default() };
    let words = launch::words(&launch).expect("a start page has room");
    let host = [("grants", grants.mask())];
    let memory_pages = (MEMORY_BYTES / sci::layout::PAGE) as u32;
    let guest = guest::Guest {
        name: NAME,
        image,
        host: &host,
        words: &words,
        memory_pages,
        devices: None,
        agents: None,
    };
    let system = guest::link(boot::OS, &guest).expect("the system is whole");
    let signer = Signer { seed: &SEED, development: true };
    let mut module = policy(true, &[(public_key(&SEED), true)]);
    module.extend(bundle(&system.images, &system.instances, Some(signer)).expect("the images verify"));
    let qemu = Qemu::find().unwrap_or_else(|| panic!("QEMU is missing, and boot tests need it: {REMEDY}"));
    let interrupted = AtomicBool::new(false);
    let words_of_the_kernel = ["bench".to_owned()];
    let run = Run {
        qemu: &qemu,
        kernel: boot::KERNEL,
        module: &module,
        machine: Machine::Microvm,
        memory_mib: GUEST_MEMORY_MIB,
        words: if count { &words_of_the_kernel } else { &[] },
        gdb: false,
        disk: None,
        trace: None,
        count,
        is_quiet: false,
        line: None,
        stop: Stop::Overdue(OVERDUE),
        interrupted: &interrupted,
    };
    let mut console = Vec::new();
    let ran = run.run(&mut |chunk| {
        console.extend_from_slice(chunk);
        Ok(())
    });
    let (ending, faults) = ran.expect("QEMU runs");
    let console = String::from_utf8_lossy(&console);
    let lines = console.lines().filter(|line| !line.starts_with("space: ")).map(str::to_owned).collect();
    let total = console.lines().filter(|line| line.starts_with("space: bench "));
    let total = total.flat_map(|line| line.split(' ')).find_map(|word| word.strip_prefix("total="));
    Booted { ending, faults, lines, instructions: total.and_then(|total| total.parse().ok()) }
}

/// The lines of a guest that ends well on both hosts, where they are the same.
///
/// # Panics
/// If it does not end well, or the hosts differ.
pub fn lines_on_both(image: &[u8], grants: Grants) -> Vec<String> {
    let (result, lines) = on_linux(image, grants);
    result.unwrap_or_else(|error| panic!("{error}; {lines:?}"));
    let booted = on_the_nanokernel(image, grants);
    let well = booted.faults.is_empty() && booted.ending == Ending::Exit(nanokernel_core::Exit::Root(0));
    assert!(well, "{booted:?}");
    assert_eq!(booted.lines, lines);
    lines
}
