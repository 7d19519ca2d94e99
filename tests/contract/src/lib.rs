//! Tests of the image format's contract: `tests/suite`.
//!
//! | module | shows |
//! |---|---|
//! | `rules` | each contract rule with an image that passes and one that only this rule refuses |
//! | `hostile_image`, `hostile_bundle` | hostile files, each with its exact error |
//! | `flip` | one changed byte anywhere in a signed image is refused |
//! | `golden` | the bytes of images and bundles do not change unnoticed |
//! | `round_trip`, `boundaries`, `tables` | what is written is read, up to every limit |
//! | `fuzz`, `random` | mutated files never panic and need no memory |
#![forbid(unsafe_code)]

use sci::bundle::{Bundle, Policy};
use sci::header::field;
use sci::image::Image;
use sci::section::SectionKind;
use sci::sign::Envelope;
use sci::tables;
use sci::write::{self, SectionData};

/// Reads an image in every way there is; whether it was let through.
///
/// # Panics
/// If something is let through that the format does not say.
pub fn read_image(bytes: &[u8]) -> bool {
    let Ok(image) = Image::verify(bytes) else { return false };
    let unsigned = bytes.len() - image.envelope().len();
    let mut again = rewritten(&image);
    again[field::TOTAL as usize..field::TOTAL as usize + 8]
        .copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    again[field::ENVELOPE as usize..field::RESERVED as usize]
        .copy_from_slice(&bytes[field::ENVELOPE as usize..field::RESERVED as usize]);
    // The writer states the true hashes, which the rules leave to a later step.
    if sci::digest::check_sections(&image).is_ok() {
        assert!(again == bytes[..unsigned], "a second encoding of one image");
    }
    for section in image.sections() {
        let inside = section.file_end() <= unsigned as u64 && section.memory_end() <= sci::layout::STACK_TOP;
        assert!(inside, "{section:?}");
    }
    for entry in &image.manifest().entries {
        let kind = image.section_at(entry.offset).map(|section| section.kind);
        assert_eq!(kind, Some(SectionKind::Text));
    }
    for offset in 0..70 {
        let _ = tables::trap_at(image.bytes_of(SectionKind::Traps), offset);
        let _ = tables::locate(image.bytes_of(SectionKind::SourceMap), offset);
        let _ = tables::function_at(image.bytes_of(SectionKind::Symbols), offset);
    }
    let _ = tables::sources(image.bytes_of(SectionKind::Sources)).count();
    let _ = Envelope::read(image.envelope(), unsigned as u64);
    true
}

/// Reads a boot module up to its signature; whether it was let through.
///
/// # Panics
/// As [`read_image`].
pub fn read_module(bytes: &[u8]) -> bool {
    let policy = Policy::read(bytes);
    let Ok(bundle) = Bundle::read(bytes) else { return false };
    let envelope = Envelope::read(bundle.envelope(), bundle.envelope_offset());
    if let (Ok(policy), Ok(envelope)) = (&policy, &envelope) {
        let _ = policy.trusts(envelope, 0);
    }
    for index in 0..bundle.image_count() {
        let image = bundle.image(index).expect("the tables were read");
        assert!(!image.name.is_empty() && !image.bytes.is_empty());
    }
    for index in 0..bundle.instance_count() {
        assert!(!bundle.instance_name(index).is_empty());
    }
    policy.is_ok()
}

/// The image, written from what its reader says.
///
/// # Panics
/// If the writer refuses what the reader let through.
pub fn rewritten(image: &Image<'_>) -> Vec<u8> {
    let sections: Vec<SectionData> = image
        .sections()
        .map(|section| SectionData {
            kind: section.kind,
            memory_offset: section.memory_offset,
            bss_bytes: section.memory_bytes,
            bytes: if section.kind == SectionKind::Bss {
                Vec::new()
            } else {
                image.section_bytes(&section).to_vec()
            },
        })
        .collect();
    write::image(image.header().kind, image.manifest(), &sections).expect("it was verified")
}
