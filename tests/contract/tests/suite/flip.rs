//! Every byte of what is signed counts: whichever is changed, the file is refused.

use crate::hostile_bundle::{check, module};
use crate::sample::Sample;
use sci::image::Image;
use sci::layout::PAGE;
use sci::sign::check_image;

/// Changes each byte in turn and puts it back. Bits differ from byte to byte, so that all eight are tried.
fn flip(bytes: &mut [u8], from: usize, is_refused: impl Fn(&[u8]) -> bool) {
    for at in from..bytes.len() {
        let bit = 1 << (at % 8);
        bytes[at] ^= bit;
        assert!(is_refused(bytes), "bit {bit:#x} of byte {at:#x} may be changed");
        bytes[at] ^= bit;
    }
}

#[test]
fn every_byte_of_a_signed_image() {
    let mut sample = Sample::component();
    // Padding is the same everywhere: what it costs to try is left to a few sections.
    for kind in [sci::section::SectionKind::Debug, sci::section::SectionKind::Symbols] {
        sample.remove(kind);
    }
    flip(&mut sample.signed(), 0, |bytes| {
        Image::verify(bytes).and_then(|image| check_image(&image).map(drop)).is_err()
    });
}

/// The policy page before it is the booter's own word, and not signed.
#[test]
fn every_byte_of_a_signed_bundle() {
    flip(&mut module(), PAGE as usize, |bytes| check(bytes).is_err());
}
