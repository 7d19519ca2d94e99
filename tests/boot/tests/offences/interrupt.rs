//! `int n` for every n: none is a way into the kernel.

use nanokernel_core::exit::Exit;
use sci::status::Fault;
use tests_boot::raw::Raw;
use tests_boot::run::{boot, boot_each};
use tests_boot::system::{OFFENDER, System};

/// Root's table holds 64 instances: console, peer, and these.
const A_BOOT: u8 = 32;

/// Boots one component for each of the vectors that begin at `first`.
fn vectors(first: u8) {
    let mut system = System::with_peer();
    let name = |vector: u8| format!("int-{vector}");
    let all = first..=first + (A_BOOT - 1);
    for vector in all.clone() {
        system.add(&Raw::new(&name(vector), &[0xcd, vector]), OFFENDER);
    }
    let outcome = boot(&system.module());
    for vector in all {
        let line = outcome.only(&name(vector));
        assert_eq!(line.fault, Fault::SoftwareInterrupt, "{line:?}\n{}", outcome.console);
        assert_eq!(line.detail, u64::from(vector), "the report names the vector: {line:?}");
    }
    outcome.peer_finished().exits(Exit::Root(1));
}

#[test]
fn int_0_to_31() {
    vectors(0);
}

#[test]
fn int_32_to_63() {
    vectors(32);
}

#[test]
fn int_64_to_95() {
    vectors(64);
}

#[test]
fn int_96_to_127() {
    vectors(96);
}

#[test]
fn int_128_to_159() {
    vectors(128);
}

#[test]
fn int_160_to_191() {
    vectors(160);
}

#[test]
fn int_192_to_223() {
    vectors(192);
}

#[test]
fn int_224_to_255() {
    vectors(224);
}

/// The one-byte forms. QEMU's emulation does not know `icebp`; hardware raises a debug exception.
#[test]
fn breakpoint_and_icebp() {
    let mut system = System::with_peer();
    system.add(&Raw::new("int3", &[0xcc]), OFFENDER);
    system.add(&Raw::new("icebp", &[0xf1]), OFFENDER);
    for outcome in boot_each(&system.module()) {
        for name in ["int3", "icebp"] {
            let line = outcome.only(name);
            let known = [Fault::SoftwareInterrupt, Fault::Exception, Fault::Undefined];
            assert!(known.contains(&line.fault), "{line:?}\n{}", outcome.console);
        }
        outcome.peer_finished().exits(Exit::Root(1));
    }
}
