//! Golden bytes: what version 1 is. A difference is a new version of the format, or a mistake. `BLESS=1` writes anew.

use crate::hostile_bundle::module;
use crate::sample::Sample;
use sci::digest::image_digest;
use sci::image::Image;
use std::fmt::Write as _;
use std::path::Path;

/// Lines of 16 bytes; lines of zeros are left out.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, at) in bytes.chunks(16).zip((0..).step_by(16)) {
        if line.iter().any(|byte| *byte != 0) {
            let _ = write!(text, "{at:06x} ");
            for byte in line {
                let _ = write!(text, " {byte:02x}");
            }
            text.push('\n');
        }
    }
    let _ = writeln!(text, "{:06x}", bytes.len());
    text
}

fn same(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/golden").join(name);
    let found = dump(bytes);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &found).expect("the folder can be written");
    }
    let wanted = std::fs::read_to_string(&path).expect("the golden file is there");
    assert!(found == wanted, "{name} differs from its golden bytes");
}

#[test]
fn component() {
    same("component.hex", &Sample::component().signed());
}

#[test]
fn library() {
    same("library.hex", &Sample::library().bytes());
}

#[test]
fn boot_module() {
    same("module.hex", &module());
}

/// The digest names an image, whether it is signed or not.
#[test]
fn digest() {
    let digest = |bytes: &[u8]| image_digest(&Image::verify(bytes).expect("it verifies"));
    let sample = Sample::component();
    assert_eq!(digest(&sample.bytes()), digest(&sample.signed()));
    let mut text = String::new();
    for byte in digest(&sample.bytes()) {
        let _ = write!(text, "{byte:02x}");
    }
    same("digest.hex", text.as_bytes());
}
