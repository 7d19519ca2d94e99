//! The boot module: policy page, signed tables, system graph, images.
//!
//! | offset | what |
//! |---|---|
//! | 0 | policy page, made by whoever boots the machine |
//! | 4096 | bundle header, image table, system graph, names; padded to a page |
//! | `envelope` | signature over the tables, one page |
//! | then | images, page-aligned |
//!
//! All tables are fixed-width little-endian records, so that `root`, written in `.in`, reads them in place.
//! Offsets are from the bundle's header, which is what `root` has mapped.

use crate::bytes::{part, u32_at, u64_at, zero};
use crate::error::{Error, ErrorKind};
use crate::layout::PAGE;
use crate::limits;
use crate::sign::Envelope;

pub mod policy;

pub use policy::{POLICY_DEVELOPMENT, POLICY_KEY_BYTES, POLICY_MAGIC, Policy};

/// First eight bytes of the bundle's header.
pub const BUNDLE_MAGIC: [u8; 8] = *b"SPBUNDLE";
/// Version of both.
pub const BUNDLE_VERSION: u32 = 1;
/// Offsets in the bundle's header.
pub mod header {
    /// `[u8; 8]`: magic.
    pub const MAGIC: u64 = 0;
    /// `u32`: version.
    pub const VERSION: u64 = 8;
    /// `u32`: bytes of header, tables and names, before padding: what is signed.
    pub const SIGNED_BYTES: u64 = 12;
    /// `u32`: images.
    pub const IMAGE_COUNT: u64 = 16;
    /// `u32`: offset of the image table.
    pub const IMAGES: u64 = 20;
    /// `u32`: instances.
    pub const INSTANCE_COUNT: u64 = 24;
    /// `u32`: offset of the instances.
    pub const INSTANCES: u64 = 28;
    /// `u32`: grants.
    pub const GRANT_COUNT: u64 = 32;
    /// `u32`: offset of the grants.
    pub const GRANTS: u64 = 36;
    /// `u32`: parameters.
    pub const PARAMETER_COUNT: u64 = 40;
    /// `u32`: offset of the parameters.
    pub const PARAMETERS: u64 = 44;
    /// `u32`: offset of the names.
    pub const NAMES: u64 = 48;
    /// `u32`: bytes of the names.
    pub const NAMES_BYTES: u64 = 52;
    /// `u32`: offset of the envelope.
    pub const ENVELOPE: u64 = 56;
    /// `u32`: reserved.
    pub const RESERVED: u64 = 60;
    /// Bytes of the header.
    pub const BYTES: u64 = 64;
}

/// Offsets in an image record. Image 0 is root.
pub mod image {
    /// `[u8; 32]`: digest.
    pub const DIGEST: u64 = 0;
    /// `u32`: offset of the image.
    pub const OFFSET: u64 = 32;
    /// `u32`: bytes of the image.
    pub const SIZE: u64 = 36;
    /// `u32`: offset of its name, from the names.
    pub const NAME: u64 = 40;
    /// `u32`: bytes of its name.
    pub const NAME_BYTES: u64 = 44;
    /// `u32`: for a guest, the image of the library that serves it, and 1; 0 for the others. The library stands before.
    pub const LIBRARY: u64 = 48;
    /// `u32`: reserved.
    pub const RESERVED: u64 = 52;
    /// Bytes of a record.
    pub const BYTES: u64 = 56;
}

/// Offsets in an instance record; instances stand in start order, providers first.
pub mod instance {
    /// `u32`: offset of its name, from the names.
    pub const NAME: u64 = 0;
    /// `u32`: bytes of its name.
    pub const NAME_BYTES: u64 = 4;
    /// `u32`: image.
    pub const IMAGE: u64 = 8;
    /// `u32`: priority.
    pub const PRIORITY: u64 = 12;
    /// `u32`: restart policy: 0 never, 1 on fault, 2 always.
    pub const RESTART: u64 = 16;
    /// `u32`: flags; bit 0: it serves, so the system does not wait for its end; bit 1: it is started when someone
    /// asks root for it.
    pub const FLAGS: u64 = 20;
    /// `u32`: first grant.
    pub const FIRST_GRANT: u64 = 24;
    /// `u32`: grants.
    pub const GRANT_COUNT: u64 = 28;
    /// `u32`: first parameter.
    pub const FIRST_PARAMETER: u64 = 32;
    /// `u32`: parameters.
    pub const PARAMETER_COUNT: u64 = 36;
    /// Bytes of a record.
    pub const BYTES: u64 = 40;
    /// Flag: the instance serves others.
    pub const FLAG_SERVES: u32 = 1;
    /// Flag: root starts it when it is asked to, and not before.
    pub const FLAG_HELD: u32 = 2;
}

/// Offsets in a grant record.
pub mod grant {
    /// `u32`: the client's capability index.
    pub const CAPABILITY: u64 = 0;
    /// `u32`: kind, one of [`KIND_NAMES`].
    pub const KIND: u64 = 4;
    /// `u64`: method mask.
    pub const MASK: u64 = 8;
    /// `u32`: for a channel the server's instance; for ports the first port; for an interrupt the line; for Memory the
    /// pages that may exist at one time; for registers the number of their first page.
    pub const A: u64 = 16;
    /// `u32`: for a channel, also to root, the export; for ports their number.
    pub const B: u64 = 20;
    /// `u32`: bytes of window, 0 for none.
    pub const WINDOW: u64 = 24;
    /// `u32`: reserved.
    pub const RESERVED: u64 = 28;
    /// Bytes of a record.
    pub const BYTES: u64 = 32;

    /// A channel to another instance.
    pub const CHANNEL: u32 = 0;
    /// I/O ports.
    pub const PORTS: u32 = 1;
    /// An interrupt line.
    pub const INTERRUPT: u32 = 2;
    /// The right to make Memory.
    pub const MEMORY: u32 = 3;
    /// Time.
    pub const CLOCK: u32 = 4;
    /// A notification of its own.
    pub const NOTIFICATION: u32 = 5;
    /// The machine.
    pub const MACHINE: u32 = 6;
    /// The bundle's tables.
    pub const BUNDLE: u32 = 7;
    /// The right to admit the bundle's images.
    pub const IMAGES: u32 = 8;
    /// The right to make realms.
    pub const REALMS: u32 = 9;
    /// The kernel's own console.
    pub const KERNEL_CONSOLE: u32 = 10;
    /// A channel to root.
    pub const ROOT: u32 = 11;
    /// A device's registers, from the page of a number on that is not 0, as the capability's window.
    pub const REGISTERS: u32 = 12;
    /// Pages of its own, as the capability's window.
    pub const PAGES: u32 = 13;
    /// Names of the kinds, by number.
    pub const KIND_NAMES: &[&str] = &[
        "channel",
        "ports",
        "interrupt",
        "memory",
        "clock",
        "notification",
        "machine",
        "bundle",
        "images",
        "realms",
        "kernel-console",
        "root",
        "registers",
        "pages",
    ];
}

/// Bytes of a parameter record: index `u32`, reserved `u32`, value `u64`.
pub const PARAMETER_BYTES: u64 = 16;

/// A bundle whose tables are within bounds. Offsets in errors are from the beginning of the boot module.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    /// From the bundle's header on.
    bytes: &'a [u8],
    signed: u32,
    envelope: u32,
}

/// One image of a bundle.
#[derive(Clone, Copy, Debug)]
pub struct BundleImage<'a> {
    /// The digest that the signed table states.
    pub digest: [u8; 32],
    /// The image file.
    pub bytes: &'a [u8],
    /// Its offset from the bundle's header.
    pub offset: u32,
    /// Its name.
    pub name: &'a str,
    /// Index of the library that serves it, if it is a guest.
    pub library: Option<u32>,
}

impl<'a> Bundle<'a> {
    /// Reads the tables of a boot module, whose first page is the policy.
    pub fn read(module: &'a [u8]) -> Result<Self, Error> {
        let at = |error: Error| Error::new(error.kind, error.offset + PAGE);
        let bytes =
            module.get(PAGE as usize..).ok_or(Error::new(ErrorKind::Truncated, module.len() as u64))?;
        Self::read_tables(bytes).map_err(at)
    }

    pub(crate) fn read_tables(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.get(..8).ok_or(Error::new(ErrorKind::Truncated, 0))? != BUNDLE_MAGIC {
            return Err(Error::new(ErrorKind::Magic, 0));
        }
        if u32_at(bytes, header::VERSION)? != BUNDLE_VERSION {
            return Err(Error::new(ErrorKind::Version, header::VERSION));
        }
        if u32_at(bytes, header::RESERVED)? != 0 {
            return Err(Error::new(ErrorKind::Reserved, header::RESERVED));
        }
        let tables = [
            (header::IMAGES, header::IMAGE_COUNT, image::BYTES, limits::BUNDLE_IMAGES_MAX),
            (header::INSTANCES, header::INSTANCE_COUNT, instance::BYTES, limits::INSTANCES_MAX),
            (header::GRANTS, header::GRANT_COUNT, grant::BYTES, limits::GRANTS_MAX),
            (header::PARAMETERS, header::PARAMETER_COUNT, PARAMETER_BYTES, limits::BUNDLE_PARAMETERS_MAX),
            (header::NAMES, header::NAMES_BYTES, 1, limits::BUNDLE_NAMES_BYTES_MAX),
        ];
        let mut end = header::BYTES;
        for (offset, count, size, most) in tables {
            if u64::from(u32_at(bytes, offset)?) != end {
                return Err(Error::new(ErrorKind::Tiling, offset));
            }
            let number = u32_at(bytes, count)?;
            if number > most {
                return Err(Error::new(ErrorKind::Limit, count));
            }
            end += u64::from(number) * size;
        }
        let signed = u32_at(bytes, header::SIGNED_BYTES)?;
        if u64::from(signed) != end {
            return Err(Error::new(ErrorKind::Tiling, header::SIGNED_BYTES));
        }
        let envelope = u32_at(bytes, header::ENVELOPE)?;
        if u64::from(envelope) != end.next_multiple_of(PAGE) {
            return Err(Error::new(ErrorKind::Tiling, header::ENVELOPE));
        }
        zero(bytes, end, u64::from(envelope) - end, ErrorKind::Padding)?;
        zero(
            bytes,
            u64::from(envelope) + crate::sign::ENVELOPE_BYTES,
            PAGE - crate::sign::ENVELOPE_BYTES,
            ErrorKind::Padding,
        )?;
        let bundle = Self { bytes, signed, envelope };
        bundle.check_records()?;
        Ok(bundle)
    }

    fn check_records(&self) -> Result<(), Error> {
        let count = self.image_count();
        if count == 0 {
            return Err(Error::new(ErrorKind::Value, header::IMAGE_COUNT));
        }
        let mut end = u64::from(self.envelope) + PAGE;
        for index in 0..count {
            let at = self.image_record(index);
            if u64::from(u32_at(self.bytes, at + image::OFFSET)?) != end {
                return Err(Error::new(ErrorKind::Tiling, at + image::OFFSET));
            }
            let size = u64::from(u32_at(self.bytes, at + image::SIZE)?);
            part(self.bytes, end, size)?;
            let padded = (end + size).next_multiple_of(PAGE);
            zero(self.bytes, end + size, padded - end - size, ErrorKind::Padding)?;
            end = padded;
            self.image(index).ok_or(Error::new(ErrorKind::Value, at + image::NAME))?;
            if self.u32(at + image::LIBRARY) > index {
                return Err(Error::new(ErrorKind::Value, at + image::LIBRARY));
            }
            if self.u32(at + image::RESERVED) != 0 {
                return Err(Error::new(ErrorKind::Reserved, at + image::RESERVED));
            }
        }
        if end != self.bytes.len() as u64 {
            return Err(Error::new(ErrorKind::Tiling, end));
        }
        let instances = self.u32(header::INSTANCE_COUNT);
        let (grants, parameters) = (self.u32(header::GRANT_COUNT), self.u32(header::PARAMETER_COUNT));
        let (mut next_grant, mut next_parameter) = (0, 0);
        for index in 0..instances {
            let at = u64::from(self.u32(header::INSTANCES)) + u64::from(index) * instance::BYTES;
            let field = |offset: u64| self.u32(at + offset);
            let name = self.name(field(instance::NAME), field(instance::NAME_BYTES));
            let wrong = name.is_none()
                || field(instance::IMAGE) >= count
                || field(instance::PRIORITY) > u32::from(limits::PRIORITY_MAX)
                || field(instance::RESTART) > 2
                || field(instance::FLAGS) & !(instance::FLAG_SERVES | instance::FLAG_HELD) != 0
                || field(instance::FIRST_GRANT) != next_grant
                || field(instance::FIRST_PARAMETER) != next_parameter
                || field(instance::GRANT_COUNT) > grants - next_grant
                || field(instance::PARAMETER_COUNT) > parameters - next_parameter;
            if wrong {
                return Err(Error::new(ErrorKind::Value, at));
            }
            self.check_grants(next_grant, field(instance::GRANT_COUNT), instances)?;
            self.check_parameters(next_parameter, field(instance::PARAMETER_COUNT))?;
            next_grant += field(instance::GRANT_COUNT);
            next_parameter += field(instance::PARAMETER_COUNT);
        }
        if next_grant != grants || next_parameter != parameters {
            return Err(Error::new(ErrorKind::Value, header::GRANT_COUNT));
        }
        Ok(())
    }

    /// Grants of one instance: each capability at most once, and zero in what its kind does not use.
    fn check_grants(&self, first: u32, count: u32, instances: u32) -> Result<(), Error> {
        let mut granted = 0u64;
        for index in first..first + count {
            let at = u64::from(self.u32(header::GRANTS)) + u64::from(index) * grant::BYTES;
            let field = |offset: u64| self.u32(at + offset);
            let (capability, a, b, window) =
                (field(grant::CAPABILITY), field(grant::A), field(grant::B), field(grant::WINDOW));
            let fits = match field(grant::KIND) {
                grant::CHANNEL => a < instances && b < limits::EXPORTS_MAX,
                grant::PORTS => window == 0 && u64::from(a) + u64::from(b) <= 1 << 16,
                grant::INTERRUPT | grant::MEMORY => window == 0 && b == 0,
                grant::KERNEL_CONSOLE => a == 0 && b == 0,
                grant::REGISTERS => (1..1 << 20).contains(&a) && b == 0 && window > 0,
                grant::PAGES => a == 0 && b == 0 && window > 0,
                grant::ROOT => a == 0 && b < limits::EXPORTS_MAX && window == 0,
                kind => (kind as usize) < grant::KIND_NAMES.len() && a == 0 && b == 0 && window == 0,
            };
            let wrong = !fits
                || capability >= limits::CAPABILITIES_MAX
                || granted >> capability & 1 == 1
                || field(grant::RESERVED) != 0
                || window > limits::WINDOW_BYTES_MAX
                || !u64::from(window).is_multiple_of(PAGE);
            if wrong {
                return Err(Error::new(ErrorKind::Value, at));
            }
            granted |= 1 << capability;
        }
        Ok(())
    }

    /// Parameters of one instance: each index at most once.
    fn check_parameters(&self, first: u32, count: u32) -> Result<(), Error> {
        let mut set = 0u64;
        for record in first..first + count {
            let at = u64::from(self.u32(header::PARAMETERS)) + u64::from(record) * PARAMETER_BYTES;
            let (index, reserved) = (self.u32(at), self.u32(at + 4));
            if index >= limits::PARAMETERS_MAX || reserved != 0 || set >> index & 1 == 1 {
                return Err(Error::new(ErrorKind::Value, at));
            }
            set |= 1 << index;
        }
        Ok(())
    }

    fn u32(&self, offset: u64) -> u32 {
        u32_at(self.bytes, offset).unwrap_or_default()
    }

    fn image_record(&self, index: u32) -> u64 {
        u64::from(self.u32(header::IMAGES)) + u64::from(index) * image::BYTES
    }

    fn name(&self, offset: u32, bytes: u32) -> Option<&'a str> {
        let (start, size) = (self.u32(header::NAMES), self.u32(header::NAMES_BYTES));
        if u64::from(offset) + u64::from(bytes) > u64::from(size)
            || !(1..=limits::NAME_BYTES_MAX).contains(&bytes)
        {
            return None;
        }
        let text = part(self.bytes, u64::from(start) + u64::from(offset), u64::from(bytes)).ok()?;
        core::str::from_utf8(text).ok()
    }

    /// Number of images.
    pub fn image_count(&self) -> u32 {
        self.u32(header::IMAGE_COUNT)
    }

    /// The image of an index.
    pub fn image(&self, index: u32) -> Option<BundleImage<'a>> {
        if index >= self.image_count() {
            return None;
        }
        let at = self.image_record(index);
        let mut digest = [0; 32];
        digest.copy_from_slice(part(self.bytes, at, 32).ok()?);
        let offset = self.u32(at + image::OFFSET);
        let bytes = part(self.bytes, u64::from(offset), u64::from(self.u32(at + image::SIZE))).ok()?;
        let name = self.name(self.u32(at + image::NAME), self.u32(at + image::NAME_BYTES))?;
        let library = self.u32(at + image::LIBRARY).checked_sub(1);
        Some(BundleImage { digest, bytes, offset, name, library })
    }

    /// Number of instances.
    pub fn instance_count(&self) -> u32 {
        self.u32(header::INSTANCE_COUNT)
    }

    /// A field of an instance record: see [`instance`].
    pub fn instance_field(&self, index: u32, field: u64) -> u32 {
        self.u32(u64::from(self.u32(header::INSTANCES)) + u64::from(index) * instance::BYTES + field)
    }

    /// An instance's name.
    pub fn instance_name(&self, index: u32) -> &'a str {
        self.name(
            self.instance_field(index, instance::NAME),
            self.instance_field(index, instance::NAME_BYTES),
        )
        .unwrap_or_default()
    }

    /// A 32-bit field of a grant record: see [`grant`].
    pub fn grant_field(&self, index: u32, field: u64) -> u32 {
        self.u32(u64::from(self.u32(header::GRANTS)) + u64::from(index) * grant::BYTES + field)
    }

    /// A grant's method mask.
    pub fn grant_mask(&self, index: u32) -> u64 {
        let at = u64::from(self.u32(header::GRANTS)) + u64::from(index) * grant::BYTES + grant::MASK;
        u64_at(self.bytes, at).unwrap_or_default()
    }

    /// Header, tables and names, padded to whole pages: what root has mapped.
    pub fn tables(&self) -> &'a [u8] {
        part(self.bytes, 0, u64::from(self.envelope)).unwrap_or_default()
    }

    /// What is signed.
    pub fn signed(&self) -> &'a [u8] {
        part(self.bytes, 0, u64::from(self.signed)).unwrap_or_default()
    }

    /// Offset of the envelope in the boot module.
    pub const fn envelope_offset(&self) -> u64 {
        self.envelope as u64 + PAGE
    }

    /// The envelope's bytes; empty if all zero: unsigned.
    pub fn envelope(&self) -> &'a [u8] {
        let bytes =
            part(self.bytes, u64::from(self.envelope), crate::sign::ENVELOPE_BYTES).unwrap_or_default();
        if bytes.iter().all(|byte| *byte == 0) { &[] } else { bytes }
    }

    /// Checks the signature and that the policy trusts its key.
    pub fn check_signature(&self, policy: &Policy<'_>) -> Result<Envelope, Error> {
        let offset = self.envelope_offset();
        let envelope = Envelope::read(self.envelope(), offset)?;
        policy.trusts(&envelope, offset)?;
        envelope.check(crate::sign::BUNDLE_DOMAIN, &crate::digest::sha256(self.signed()), offset)?;
        Ok(envelope)
    }
}
