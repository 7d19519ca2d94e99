//! One changed bit anywhere in a signed file is refused, and nothing crashes on it.

mod common;

use std::fs;

use common::Place;
use compiler_driver::images;
use compiler_driver::keys::Store;

/// Places in a file that are tried.
const TRIES: usize = 400;

#[test]
fn a_flipped_bit_is_refused() {
    let place = Place::with_project("app");
    place.call("demo", &["build"]).succeeds();
    let key = Store::at(&place.path("home")).load("development").unwrap().public();
    let keys = [key];
    let image = fs::read(place.path("demo/build/demo.sci")).unwrap();
    let bundle = fs::read(place.path("demo/build/system.bundle")).unwrap();
    assert!(images::verify_image(&image, &keys).is_ok());
    for at in (0..image.len()).step_by((image.len() / TRIES).max(1)) {
        let mut changed = image.clone();
        changed[at] ^= 0x20;
        assert!(images::verify_image(&changed, &keys).is_err(), "image at {at:#x}");
    }
    for at in (0..bundle.len()).step_by((bundle.len() / TRIES).max(1)) {
        let mut changed = bundle.clone();
        changed[at] ^= 0x20;
        assert!(images::verify_module(&images::boot_module(&changed, &keys)).is_err(), "bundle at {at:#x}");
    }
}

#[test]
fn half_a_file_is_refused() {
    let place = Place::with_project("app");
    place.call("demo", &["build"]).succeeds();
    for file in ["demo.sci", "system.bundle"] {
        let whole = fs::read(place.path("demo/build").join(file)).unwrap();
        place.write("half", &whole[..whole.len() / 2]);
        place.call("", &["verify", "half"]).refuses(4, "half at offset");
    }
}
