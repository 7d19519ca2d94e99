//! The fixed-size header at offset 0 of an image.

use crate::bytes::{u8_at, u16_at, u32_at, u64_at, zero};
use crate::error::{Error, ErrorKind};
use crate::limits;

/// Bytes of a header.
pub const HEADER_BYTES: u64 = 128;
/// The first eight bytes; the tail catches line-end conversion.
pub const MAGIC: [u8; 8] = *b"\x7fSCI\r\n\x1a\n";
/// Version of the format.
pub const FORMAT_VERSION: u16 = 1;
/// The only machine: x86-64 at level v2.
pub const MACHINE_X86_64: u16 = 1;

/// Offsets of the header's fields, in bytes.
pub mod field {
    /// `[u8; 8]`: magic.
    pub const MAGIC: u64 = 0;
    /// `u16`: format version.
    pub const VERSION: u64 = 8;
    /// `u16`: machine.
    pub const MACHINE: u64 = 10;
    /// `u8`: kind.
    pub const KIND: u64 = 12;
    /// `u8`: form.
    pub const FORM: u64 = 13;
    /// `u64`: required CPU features beyond x86-64-v2; none is defined yet.
    pub const FEATURES: u64 = 16;
    /// `u64`: bytes of the file.
    pub const TOTAL: u64 = 24;
    /// `u32`: offset of the section table.
    pub const TABLE: u64 = 32;
    /// `u32`: sections.
    pub const SECTION_COUNT: u64 = 36;
    /// `u32`: offset of the manifest.
    pub const MANIFEST: u64 = 40;
    /// `u32`: bytes of the manifest.
    pub const MANIFEST_BYTES: u64 = 44;
    /// `u32`: offset of the envelope, 0 if unsigned.
    pub const ENVELOPE: u64 = 48;
    /// `u32`: bytes of the envelope, 0 if unsigned.
    pub const ENVELOPE_BYTES: u64 = 52;
    /// First reserved byte after the fields.
    pub const RESERVED: u64 = 56;
}

/// What an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A component: runs in a realm of its own.
    Component,
    /// A WebAssembly guest.
    Guest,
    /// A library: linked into its user's realm, without authority.
    Library,
}

/// How an image reaches its memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// At fixed distances from its text.
    Slab,
    /// Through a register, with explicit checks.
    Dense,
}

/// A header whose fields are each within their own bounds.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// What the image is.
    pub kind: Kind,
    /// How it reaches its memories.
    pub form: Form,
    /// Required CPU features beyond x86-64-v2.
    pub features: u64,
    /// Bytes of the file.
    pub total_bytes: u64,
    /// Offset of the section table.
    pub table: u32,
    /// Sections.
    pub section_count: u32,
    /// Offset of the manifest.
    pub manifest: u32,
    /// Bytes of the manifest.
    pub manifest_bytes: u32,
    /// Offset of the envelope, 0 if unsigned.
    pub envelope: u32,
    /// Bytes of the envelope, 0 if unsigned.
    pub envelope_bytes: u32,
}

impl Header {
    /// Reads the header.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.get(..8).ok_or(Error::new(ErrorKind::Truncated, 0))? != MAGIC {
            return Err(Error::new(ErrorKind::Magic, 0));
        }
        if u16_at(bytes, field::VERSION)? != FORMAT_VERSION {
            return Err(Error::new(ErrorKind::Version, field::VERSION));
        }
        if u16_at(bytes, field::MACHINE)? != MACHINE_X86_64 {
            return Err(Error::new(ErrorKind::Machine, field::MACHINE));
        }
        let kind = match u8_at(bytes, field::KIND)? {
            1 => Kind::Component,
            2 => Kind::Guest,
            3 => Kind::Library,
            _ => return Err(Error::new(ErrorKind::Value, field::KIND)),
        };
        let form = match u8_at(bytes, field::FORM)? {
            0 => Form::Slab,
            1 => Form::Dense,
            _ => return Err(Error::new(ErrorKind::Value, field::FORM)),
        };
        zero(bytes, field::FORM + 1, 2, ErrorKind::Reserved)?;
        zero(bytes, field::RESERVED, HEADER_BYTES - field::RESERVED, ErrorKind::Reserved)?;
        let header = Self {
            kind,
            form,
            features: u64_at(bytes, field::FEATURES)?,
            total_bytes: u64_at(bytes, field::TOTAL)?,
            table: u32_at(bytes, field::TABLE)?,
            section_count: u32_at(bytes, field::SECTION_COUNT)?,
            manifest: u32_at(bytes, field::MANIFEST)?,
            manifest_bytes: u32_at(bytes, field::MANIFEST_BYTES)?,
            envelope: u32_at(bytes, field::ENVELOPE)?,
            envelope_bytes: u32_at(bytes, field::ENVELOPE_BYTES)?,
        };
        if header.features != 0 {
            return Err(Error::new(ErrorKind::Machine, field::FEATURES));
        }
        if header.total_bytes > limits::IMAGE_BYTES_MAX {
            return Err(Error::new(ErrorKind::Limit, field::TOTAL));
        }
        if header.total_bytes != bytes.len() as u64 {
            return Err(Error::new(ErrorKind::Truncated, field::TOTAL));
        }
        if header.section_count > limits::SECTIONS_MAX {
            return Err(Error::new(ErrorKind::Limit, field::SECTION_COUNT));
        }
        if header.manifest_bytes > limits::MANIFEST_BYTES_MAX {
            return Err(Error::new(ErrorKind::Limit, field::MANIFEST_BYTES));
        }
        Ok(header)
    }
}
