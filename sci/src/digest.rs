//! SHA-256 of images and sections, in one go or step by step.

use crate::error::{Error, ErrorKind};
use crate::header::field;
use crate::image::Image;
use crate::section::{Section, SectionKind};
use core::ops::Range;
use sha2::{Digest, Sha256};

/// Domain of an image's digest.
pub const IMAGE_DOMAIN: &[u8] = b"space-sci-image-v1\0";

/// An incremental SHA-256.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// An empty hash.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes added.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// The digest that names an image: its domain, then header, section table and manifest. The header's total
/// length and envelope count as zero, so that signing does not change it; both follow from the rest.
pub fn image_digest(image: &Image<'_>) -> [u8; 32] {
    let mut hasher = Hasher::new();
    for part in image_parts(image) {
        hasher.update(part);
    }
    hasher.finish()
}

/// What [`image_digest`] hashes, in order.
pub fn image_parts<'a>(image: &Image<'a>) -> [&'a [u8]; 6] {
    const ZEROS: &[u8] = &[0; 8];
    let head = image.head();
    let part = |range: Range<u64>| head.get(range.start as usize..range.end as usize).unwrap_or_default();
    [
        IMAGE_DOMAIN,
        part(0..field::TOTAL),
        ZEROS,
        part(field::TABLE..field::ENVELOPE),
        ZEROS,
        part(field::RESERVED..head.len() as u64),
    ]
}

/// The hash that the manifest states for a section.
pub fn stated_hash(image: &Image<'_>, section: &Section) -> Option<[u8; 32]> {
    image
        .manifest()
        .section_hashes
        .iter()
        .find(|hash| hash.kind == section.kind as u32)
        .map(|hash| hash.sha256)
}

/// Checks a section's bytes against the manifest; bss has none, and no hash.
pub fn check_section(image: &Image<'_>, section: &Section) -> Result<(), Error> {
    if section.kind == SectionKind::Bss
        || stated_hash(image, section) == Some(sha256(image.section_bytes(section)))
    {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Hash, u64::from(section.file_offset)))
    }
}

/// Checks every section.
pub fn check_sections(image: &Image<'_>) -> Result<(), Error> {
    image.sections().try_for_each(|section| check_section(image, &section))
}
