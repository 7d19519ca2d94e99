//! The Guest Library in every language: one program goes through it, and prints the same lines.

mod common;

use tests_guests::{LIBRARY, LIBRARY_EXPECTED};

#[test]
fn the_library_of_every_language_does_the_same() {
    for guest in LIBRARY {
        common::prints(guest.language, &guest.module().expect("it is whole"), LIBRARY_EXPECTED);
    }
}
