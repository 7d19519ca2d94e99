//! A verified image.

use crate::bytes::{part, u32_at, zero};
use crate::contract;
use crate::error::{Error, ErrorKind};
use crate::header::{HEADER_BYTES, Header, field};
use crate::layout::PAGE;
use crate::list;
use crate::manifest::Manifest;
use crate::section::{ENTRY_BYTES, Section, SectionKind};
use crate::sign::ENVELOPE_BYTES;

/// An image whose structure is right and for which every contract rule holds.
///
/// Holding one proves nothing of its hashes and signature: see [`crate::digest`] and [`crate::sign`].
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
    header: Header,
    manifest: Manifest<'a>,
    /// The relocations that are looked at: the first, and the one behind the last.
    looked_at: (u64, u64),
}

/// Relocations that one part of a rule's check looks at.
const RELOCATIONS_A_PART: u64 = 32;

impl<'a> Image<'a> {
    /// Checks structure, canonical encoding, tiling, and every contract rule.
    pub fn verify(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::verify_without(bytes, None)
    }

    /// As [`Image::verify`], leaving out one rule: shows that the rule is what refuses an image.
    #[doc(hidden)]
    pub fn verify_without(bytes: &'a [u8], skipped: Option<usize>) -> Result<Self, Error> {
        let image = Self::read(bytes)?;
        (0..contract::CHECKS.len())
            .filter(|index| skipped != Some(*index))
            .try_for_each(|index| image.check_rule(index))?;
        Ok(image)
    }

    /// The first part of [`Image::verify`]: structure, canonical encoding and tiling. [`Image::check_rule`] must
    /// follow for every rule before anything the image says is trusted; the kernel does so in bounded steps.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let header = Header::read(bytes)?;
        if u64::from(header.table) != HEADER_BYTES {
            return Err(Error::new(ErrorKind::Tiling, field::TABLE));
        }
        let table_end = HEADER_BYTES + u64::from(header.section_count) * ENTRY_BYTES;
        if u64::from(header.manifest) != table_end {
            return Err(Error::new(ErrorKind::Tiling, field::MANIFEST));
        }
        let encoded = part(bytes, table_end, u64::from(header.manifest_bytes))?;
        let undecodable = Error::new(ErrorKind::Manifest, table_end);
        let (manifest, rest) = postcard::take_from_bytes::<Manifest<'a>>(encoded).map_err(|_| undecodable)?;
        if !rest.is_empty()
            || list::take::<Manifest<'a>>(encoded).is_none()
            || !manifest.lists_are_canonical()
        {
            return Err(Error::new(ErrorKind::NotCanonical, table_end));
        }
        let image = Self { bytes, header, manifest, looked_at: (0, u64::MAX) };
        image.check_tiling(table_end + u64::from(header.manifest_bytes))?;
        Ok(image)
    }

    /// Checks the contract rule of an index of [`contract::RULES`]; there is nothing to break beyond the last.
    pub fn check_rule(&self, index: usize) -> Result<(), Error> {
        match contract::CHECKS.get(index) {
            Some(check) if !(check.holds)(self) => {
                Err(Error::new(ErrorKind::Contract(index as u8), u64::from(self.header.manifest)))
            }
            _ => Ok(()),
        }
    }

    /// A part of [`Image::check_rule`], which is bounded however many relocations there are; says whether it was the last.
    pub fn check_rule_part(&self, index: usize, part: u64) -> Result<bool, Error> {
        if !contract::CHECKS.get(index).is_some_and(|check| check.in_parts) {
            return self.check_rule(index).map(|()| true);
        }
        let first = part * RELOCATIONS_A_PART;
        // One more, so that the order across parts is seen.
        let image = Self { looked_at: (first, first + RELOCATIONS_A_PART + 1), ..*self };
        image.check_rule(index)?;
        Ok(first + RELOCATIONS_A_PART >= u64::from(self.relocation_count()))
    }

    /// Sections follow one another page by page, then the envelope ends the file; padding is zero.
    fn check_tiling(&self, head_end: u64) -> Result<(), Error> {
        let mut end = head_end;
        let mut previous = None;
        for index in 0..self.header.section_count {
            let at = HEADER_BYTES + u64::from(index) * ENTRY_BYTES;
            let section = Section::read(self.bytes, at)?;
            if previous.is_some_and(|kind| kind >= section.kind) {
                return Err(Error::new(ErrorKind::Tiling, at));
            }
            previous = Some(section.kind);
            let start = end.next_multiple_of(PAGE);
            if section.kind == SectionKind::Bss {
                if section.file_offset != 0 || section.file_bytes != 0 {
                    return Err(Error::new(ErrorKind::Tiling, at + 8));
                }
                continue;
            }
            if u64::from(section.file_offset) != start {
                return Err(Error::new(ErrorKind::Tiling, at + 8));
            }
            // A section without bytes is left out, or there were two ways to say so.
            if section.file_bytes == 0 {
                return Err(Error::new(ErrorKind::Value, at + 12));
            }
            zero(self.bytes, end, start - end, ErrorKind::Padding)?;
            end = start + u64::from(section.file_bytes);
            part(self.bytes, start, u64::from(section.file_bytes))?;
        }
        let start = end.next_multiple_of(PAGE);
        zero(self.bytes, end, start - end, ErrorKind::Padding)?;
        let signed = self.header.envelope != 0 || self.header.envelope_bytes != 0;
        if signed && u64::from(self.header.envelope) != start {
            return Err(Error::new(ErrorKind::Tiling, field::ENVELOPE));
        }
        if signed && u64::from(self.header.envelope_bytes) != ENVELOPE_BYTES {
            return Err(Error::new(ErrorKind::Value, field::ENVELOPE_BYTES));
        }
        let end = start + u64::from(self.header.envelope_bytes);
        if end != self.header.total_bytes {
            return Err(Error::new(ErrorKind::Tiling, field::TOTAL));
        }
        Ok(())
    }

    /// The whole file.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The manifest.
    pub const fn manifest(&self) -> &Manifest<'a> {
        &self.manifest
    }

    /// The sections, in the table's order.
    pub fn sections(&self) -> impl Iterator<Item = Section> + use<'a> {
        let (bytes, count) = (self.bytes, self.header.section_count);
        (0..count)
            .filter_map(move |index| Section::read(bytes, HEADER_BYTES + u64::from(index) * ENTRY_BYTES).ok())
    }

    /// The section of a kind.
    pub fn section(&self, kind: SectionKind) -> Option<Section> {
        self.sections().find(|section| section.kind == kind)
    }

    /// A section's bytes in the file.
    pub fn section_bytes(&self, section: &Section) -> &'a [u8] {
        part(self.bytes, u64::from(section.file_offset), u64::from(section.file_bytes)).unwrap_or_default()
    }

    /// The bytes of the section of a kind; empty if there is none.
    pub fn bytes_of(&self, kind: SectionKind) -> &'a [u8] {
        self.section(kind).map_or(&[], |section| self.section_bytes(&section))
    }

    /// Header, section table and manifest: what digest and signature cover. The envelope's place, which the
    /// header holds, is left out: see [`crate::digest`].
    pub fn head(&self) -> &'a [u8] {
        let end = HEADER_BYTES
            + u64::from(self.header.section_count) * ENTRY_BYTES
            + u64::from(self.header.manifest_bytes);
        part(self.bytes, 0, end).unwrap_or_default()
    }

    /// The envelope; empty if the image is unsigned.
    pub fn envelope(&self) -> &'a [u8] {
        part(self.bytes, u64::from(self.header.envelope), u64::from(self.header.envelope_bytes))
            .unwrap_or_default()
    }

    /// Slab offsets of the 8-byte words to which the loader adds the slab's base.
    pub fn relocations(&self) -> impl Iterator<Item = u64> + use<'a> {
        self.relocations_from(0)
    }

    /// The same from the one of a number on; those before it are not walked over.
    pub fn relocations_from(&self, number: u32) -> impl Iterator<Item = u64> + use<'a> {
        let words = self.bytes_of(SectionKind::Relocations);
        let (first, end) = self.looked_at;
        (first + u64::from(number)..end.min(u64::from(self.relocation_count())))
            .filter_map(move |index| u32_at(words, index * 4).ok())
            .map(u64::from)
    }

    /// How many relocations there are.
    pub fn relocation_count(&self) -> u32 {
        (self.bytes_of(SectionKind::Relocations).len() / 4) as u32
    }

    /// The section whose memory holds a slab offset.
    pub fn section_at(&self, offset: u64) -> Option<Section> {
        self.sections().find(|section| {
            section.kind.is_loaded()
                && offset >= section.memory_offset
                && offset - section.memory_offset < section.memory_bytes
        })
    }
}
