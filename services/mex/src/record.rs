//! The three records of a ZIP archive, as this format uses them: everything that may vary in general is fixed here.

/// First bytes of a local header.
pub const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// First bytes of an entry of the directory.
pub const CENTRAL: [u8; 4] = *b"PK\x01\x02";
/// First bytes of the end record.
pub const END: [u8; 4] = *b"PK\x05\x06";
/// First bytes of ZIP64's locator, which would stand before the end record.
pub const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
/// Bytes of ZIP64's locator.
pub const ZIP64_LOCATOR_BYTES: usize = 20;
/// Bytes of a local header without the name.
pub const LOCAL_BYTES: usize = 4 + Common::BYTES;
/// Bytes of an entry of the directory without the name.
pub const CENTRAL_BYTES: usize = 46;
/// Bytes of the end record.
pub const END_BYTES: usize = 22;
/// The version of every entry: 2.0, on no particular system.
pub const VERSION: u16 = 20;
/// Midnight.
pub const TIME: u16 = 0;
/// 1980-01-01.
pub const DATE: u16 = 1 << 5 | 1;
/// Method: the content as it is.
pub const STORED: u16 = 0;
/// Method: a deflate stream.
pub const DEFLATED: u16 = 8;

fn u16_at<const N: usize>(record: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

fn u32_at<const N: usize>(record: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]])
}

/// What local header and directory both say, in the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    pub version: u16,
    pub flags: u16,
    pub method: u16,
    pub time: u16,
    pub date: u16,
    pub crc: u32,
    pub packed: u32,
    pub size: u32,
    pub name_bytes: u16,
    pub extra_bytes: u16,
}

impl Common {
    pub const BYTES: usize = 26;
    /// Where each field ends, and its name.
    pub const FIELDS: [(usize, &'static str); 10] = [
        (2, "version"),
        (4, "flags"),
        (6, "method"),
        (8, "time"),
        (10, "date"),
        (14, "checksum"),
        (18, "compressed size"),
        (22, "size"),
        (24, "length of the name"),
        (26, "length of the extra field"),
    ];

    fn read<const N: usize>(record: &[u8; N], at: usize) -> Self {
        Self {
            version: u16_at(record, at),
            flags: u16_at(record, at + 2),
            method: u16_at(record, at + 4),
            time: u16_at(record, at + 6),
            date: u16_at(record, at + 8),
            crc: u32_at(record, at + 10),
            packed: u32_at(record, at + 14),
            size: u32_at(record, at + 18),
            name_bytes: u16_at(record, at + 22),
            extra_bytes: u16_at(record, at + 24),
        }
    }

    /// The entry of a file, everything fixed that is.
    pub fn new(method: u16, crc: u32, packed: u32, size: u32, name_bytes: u16) -> Self {
        Self {
            version: VERSION,
            flags: 0,
            method,
            time: TIME,
            date: DATE,
            crc,
            packed,
            size,
            name_bytes,
            extra_bytes: 0,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        for field in [self.version, self.flags, self.method, self.time, self.date] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, self.packed, self.size] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.name_bytes, self.extra_bytes] {
            out.extend(field.to_le_bytes());
        }
    }
}

/// Writes a local header.
pub fn write_local(out: &mut Vec<u8>, common: &Common, name: &str) {
    out.extend(LOCAL);
    common.write(out);
    out.extend(name.as_bytes());
}

/// An entry of the directory.
#[derive(Clone, Copy, Debug)]
pub struct Central {
    pub made_by: u16,
    pub common: Common,
    pub comment_bytes: u16,
    pub disk: u16,
    pub internal: u16,
    pub external: u32,
    pub offset: u32,
}

impl Central {
    /// Where [`Common`] begins; in a local header it begins after the first four bytes.
    pub const COMMON: usize = 6;

    pub fn read(record: &[u8; CENTRAL_BYTES]) -> Self {
        Self {
            made_by: u16_at(record, 4),
            common: Common::read(record, Self::COMMON),
            comment_bytes: u16_at(record, 32),
            disk: u16_at(record, 34),
            internal: u16_at(record, 36),
            external: u32_at(record, 38),
            offset: u32_at(record, 42),
        }
    }

    /// Writes the entry of a file at `offset`.
    pub fn write(out: &mut Vec<u8>, common: &Common, offset: u32, name: &str) {
        out.extend(CENTRAL);
        out.extend(VERSION.to_le_bytes());
        common.write(out);
        // Comment, disk, attributes.
        out.extend([0; 10]);
        out.extend(offset.to_le_bytes());
        out.extend(name.as_bytes());
    }
}

/// The end record.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub disks: [u16; 2],
    pub counts: [u16; 2],
    pub directory_bytes: u32,
    pub directory: u32,
    pub comment_bytes: u16,
}

impl End {
    pub fn read(record: &[u8; END_BYTES]) -> Self {
        Self {
            disks: [u16_at(record, 4), u16_at(record, 6)],
            counts: [u16_at(record, 8), u16_at(record, 10)],
            directory_bytes: u32_at(record, 12),
            directory: u32_at(record, 16),
            comment_bytes: u16_at(record, 20),
        }
    }

    /// Writes the record of an archive with this directory.
    pub fn write(out: &mut Vec<u8>, entries: u16, directory_bytes: u32, directory: u32) {
        out.extend(END);
        out.extend([0; 4]);
        out.extend(entries.to_le_bytes());
        out.extend(entries.to_le_bytes());
        out.extend(directory_bytes.to_le_bytes());
        out.extend(directory.to_le_bytes());
        out.extend([0; 2]);
    }
}
