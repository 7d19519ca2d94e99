//! Faults of guests, and of the host.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]

mod common;

use common::{Guest, STACK_LOW, function, int, mappings, resident, returned};
use sci::layout::{LINEAR_MEMORY, PAGE};
use space_host::machine::{Imports, Outcome, Worker};

/// Function, arguments, signal, Cranelift's code.
const CASES: [(&str, [u64; 2], i32, &str); 5] = [
    ("load", [0xffff_ffff, 0], libc::SIGSEGV, "heap_oob"),
    ("unwrap", [0, 0], libc::SIGILL, "user7"),
    ("divide", [1 << 63, u64::MAX], libc::SIGFPE, "int_ovf"),
    ("divide", [7, 0], libc::SIGILL, "int_divz"),
    ("recurse", [9, 0], libc::SIGSEGV, ""),
];

#[test]
fn faults_are_traps_at_their_instruction() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(Imports::new());
    let base = activation.slab().base();
    let mut before = None;
    for round in 0..1000 {
        for (name, arguments, signal, code) in CASES {
            let Outcome::Trapped(trap) = guest.call(&activation, name, &arguments[..]) else {
                panic!("{name} did not trap");
            };
            assert_eq!(trap.signal, signal, "{name}");
            if code.is_empty() {
                let guard = base + STACK_LOW - PAGE..base + STACK_LOW;
                assert!(trap.is_stack_overflow && guard.contains(&trap.address));
            } else {
                let known = (trap.offset.unwrap(), code.to_owned());
                assert!(guest.function(name).traps.contains(&known), "{name} {trap:x?}");
                assert!(!trap.is_stack_overflow);
            }
            if name == "load" {
                assert_eq!(trap.address, base + LINEAR_MEMORY + 0xffff_ffff + 0x10);
            }
        }
        if round == 10 {
            before = Some((mappings(), resident()));
        }
    }
    let (count, kib) = before.unwrap();
    assert_eq!(mappings(), count);
    assert!(resident() <= kib + 256, "{kib} KiB grew to {}", resident());
    assert_eq!(returned(guest.call(&activation, "add", &[4, 5])), 9);
}

#[test]
fn the_gate_running_out_of_guest_stack_is_the_guests_fault() {
    let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
    let activation = guest.activation(function(|activation, _| activation.park().unwrap()));
    // Some depth leaves room for the call, but not for what parking saves.
    let mut in_gate = 0;
    for depth in 0..2100 {
        match guest.call(&activation, "deep", &[depth]) {
            Outcome::Parked => activation.abandon().unwrap(),
            Outcome::Trapped(trap) => {
                assert!(trap.is_stack_overflow);
                in_gate += u32::from(trap.offset.is_none());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(returned(guest.call(&activation, "add", &[4, 5])), 9);
    assert!(in_gate >= 1);
}

/// Runs this test again in a process of its own, in which it does `wrong`; that must die by `signal`.
fn dies(test: &str, signal: i32, wrong: impl FnOnce()) {
    use std::os::unix::process::ExitStatusExt;
    const INSIDE: &str = "SPACE_HOST_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        wrong();
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert_eq!(output.status.signal(), Some(signal), "{output:?}");
}

#[test]
fn a_fault_of_a_host_function_ends_the_process() {
    dies("a_fault_of_a_host_function_ends_the_process", libc::SIGSEGV, || {
        let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
        let activation = guest.activation(function(|_, registers| {
            let nowhere = std::ptr::without_provenance::<u64>(std::hint::black_box(8));
            // SAFETY: there is none; the process ends here.
            registers.results = int(unsafe { nowhere.read_volatile() });
        }));
        let _ = guest.call(&activation, "ping", &[1]);
    });
}

#[test]
fn a_fault_signal_from_a_process_is_not_the_guests() {
    dies("a_fault_signal_from_a_process_is_not_the_guests", libc::SIGILL, || {
        let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
        let activation = guest.activation(Imports::new());
        // SAFETY: sends a signal to this thread.
        let thread = unsafe { libc::gettid() };
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            // SAFETY: as above.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGILL) };
        });
        let _ = guest.call(&activation, "spin", &[]);
    });
}

#[test]
fn a_panic_of_a_host_function_ends_the_process() {
    dies("a_panic_of_a_host_function_ends_the_process", libc::SIGABRT, || {
        let (_worker, guest) = (Worker::new().unwrap(), Guest::new());
        let activation = guest.activation(function(|_, _| panic!("a bug of the host")));
        let _ = guest.call(&activation, "ping", &[1]);
    });
}
