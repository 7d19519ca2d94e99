//! The bytes on the disk. Numbers are little-endian.
//!
//! | sector | what |
//! |---|---|
//! | 0 | label: magic, version, sectors of a half, salt, hash |
//! | 1, 2 | head of each half: magic, state, generation, hash |
//! | 8 | the first half, then the second |
//!
//! A record begins at a sector: head, key, value. Its head says which generation of its half it belongs to and how many
//! records stand before it, and is hashed with the salt, which only this disk knows: no value can pass for a record.

use crate::{Broken, Disk, Error};
use alloc::vec::Vec;
use core::fmt::{Display, Formatter};
use sci::digest::Hasher;
use sci::limits::guest::KEY_BYTES_MAX;

/// Bytes of a sector.
pub const SECTOR: usize = 512;
/// The smallest disk.
pub const DISK_BYTES_LEAST: u64 = 64 << 10;
/// First sector of the halves.
const FIRST: u64 = 8;
const LABEL_MAGIC: [u8; 8] = *b"SPACESTO";
const HALF_MAGIC: [u8; 8] = *b"SPACEHLF";
const RECORD_MAGIC: [u8; 8] = *b"SPACEREC";
/// Version of all of it.
const VERSION: u32 = 1;
/// Bytes of a record before its key.
pub(crate) const HEAD_BYTES: usize = 144;
/// Bytes of it that its hash is of.
const HASHED_BYTES: usize = 112;

type Sector = [u8; SECTOR];

/// A space on the disk: the beginning of its name's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpaceId([u8; 16]);

impl SpaceId {
    /// That of a name.
    pub fn of(name: &str) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&sci::digest::sha256(name.as_bytes())[..16]);
        Self(id)
    }
}

/// What is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The first sector is no label: this is no store, or its label is damaged.
    Label,
    /// The store has another version.
    Version(u32),
    /// The disk is smaller than its label says.
    Size,
    /// The head of a half, in this sector.
    Head(u64),
    /// The record that begins in this sector.
    Record(u64),
}

impl Display for Damage {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Label => formatter.write_str("it is no store, or its label in sector 0 is damaged"),
            Self::Version(version) => write!(formatter, "it is a store of version {version}, not {VERSION}"),
            Self::Size => formatter.write_str("it is smaller than its label says"),
            Self::Head(sector) => write!(formatter, "the head of a half in sector {sector} is damaged"),
            Self::Record(sector) => write!(formatter, "the record in sector {sector} is damaged"),
        }
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// What never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// Sectors of a half.
    pub half: u64,
    pub salt: [u8; 32],
}

impl Label {
    fn write(&self) -> Sector {
        let mut sector = [0; SECTOR];
        sector[..8].copy_from_slice(&LABEL_MAGIC);
        sector[8..12].copy_from_slice(&VERSION.to_le_bytes());
        sector[16..24].copy_from_slice(&self.half.to_le_bytes());
        sector[24..56].copy_from_slice(&self.salt);
        let sum = hash(&[&sector[..56]]);
        sector[56..88].copy_from_slice(&sum);
        sector
    }

    /// Reads it, if the disk is as large as it says.
    pub fn read(disk: &mut impl Disk) -> Result<Self, Error> {
        let mut sector = [0; SECTOR];
        disk.read(0, &mut sector)?;
        if sector[..8] != LABEL_MAGIC || sector[56..88] != hash(&[&sector[..56]]) {
            return Err(Damage::Label.into());
        }
        let version = u32_at(&sector, 8);
        if version != VERSION {
            return Err(Damage::Version(version).into());
        }
        let mut salt = [0; 32];
        salt.copy_from_slice(&sector[24..56]);
        let half = u64_at(&sector, 16);
        let end = half.checked_mul(2).and_then(|both| both.checked_add(FIRST));
        if half == 0 || end.is_none_or(|end| end > disk.sectors()) {
            return Err(Damage::Size.into());
        }
        Ok(Self { half, salt })
    }

    /// The first sector of a half.
    pub fn base(&self, half: usize) -> u64 {
        FIRST + half as u64 * self.half
    }
}

/// What the head of a half says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HalfHead {
    /// Whether its records are the store's.
    pub is_active: bool,
    /// Grows each time records are written to a half anew.
    pub generation: u64,
}

impl HalfHead {
    /// The sector where it is.
    pub fn sector(half: usize) -> u64 {
        1 + half as u64
    }

    fn bytes(&self, half: usize, salt: &[u8; 32]) -> Sector {
        let mut sector = [0; SECTOR];
        sector[..8].copy_from_slice(&HALF_MAGIC);
        sector[8] = self.is_active.into();
        sector[16..24].copy_from_slice(&self.generation.to_le_bytes());
        let sum = hash(&[salt, &Self::sector(half).to_le_bytes(), &sector[..24]]);
        sector[24..56].copy_from_slice(&sum);
        sector
    }

    pub fn write(self, disk: &mut impl Disk, half: usize, label: &Label) -> Result<(), Broken> {
        disk.write(Self::sector(half), &self.bytes(half, &label.salt))
    }

    pub fn read(disk: &mut impl Disk, half: usize, label: &Label) -> Result<Self, Error> {
        let mut sector = [0; SECTOR];
        disk.read(Self::sector(half), &mut sector)?;
        let read = Self { is_active: sector[8] == 1, generation: u64_at(&sector, 16) };
        if read.bytes(half, &label.salt) == sector {
            Ok(read)
        } else {
            Err(Damage::Head(Self::sector(half)).into())
        }
    }
}

/// What a record does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Put,
    Delete,
}

/// A record without its key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHead {
    pub generation: u64,
    /// Its number in its half, from 1.
    pub sequence: u64,
    pub space: SpaceId,
    pub kind: Kind,
    pub key_bytes: usize,
    pub value_bytes: usize,
    key_hash: [u8; 32],
    value_hash: [u8; 32],
}

/// Sectors of a record.
pub(crate) fn sectors_of(key_bytes: usize, value_bytes: usize) -> u64 {
    (HEAD_BYTES + key_bytes + value_bytes).div_ceil(SECTOR) as u64
}

impl RecordHead {
    /// Of a sector, if a record of this generation begins there.
    pub fn read(sector: &[u8], salt: &[u8; 32], generation: u64) -> Option<Self> {
        let head = sector.get(..HEAD_BYTES)?;
        if head[..8] != RECORD_MAGIC || u64_at(head, 8) != generation {
            return None;
        }
        if head[HASHED_BYTES..] != hash(&[salt, &head[..HASHED_BYTES]]) {
            return None;
        }
        let (mut space, mut key_hash, mut value_hash) = ([0; 16], [0; 32], [0; 32]);
        space.copy_from_slice(&head[24..40]);
        key_hash.copy_from_slice(&head[48..80]);
        value_hash.copy_from_slice(&head[80..112]);
        let kind = if head[42] == 0 { Kind::Put } else { Kind::Delete };
        let (key_bytes, value_bytes) = (usize::from(head[40]) | usize::from(head[41]) << 8, u32_at(head, 44));
        let sequence = u64_at(head, 16);
        let value_bytes = value_bytes as usize;
        let space = SpaceId(space);
        (key_bytes <= KEY_BYTES_MAX as usize).then_some(Self {
            generation,
            sequence,
            space,
            kind,
            key_bytes,
            value_bytes,
            key_hash,
            value_hash,
        })
    }

    /// Sectors of the record.
    pub fn sectors(&self) -> u64 {
        sectors_of(self.key_bytes, self.value_bytes)
    }

    pub fn has_key(&self, key: &[u8]) -> bool {
        key.len() == self.key_bytes && hash(&[key]) == self.key_hash
    }

    pub fn has_value(&self, value: &[u8]) -> bool {
        value.len() == self.value_bytes && hash(&[value]) == self.value_hash
    }
}

/// What a record is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'r> {
    pub generation: u64,
    pub sequence: u64,
    pub space: SpaceId,
    pub kind: Kind,
    pub key: &'r str,
    pub value: &'r [u8],
}

impl Record<'_> {
    /// Its bytes, whole sectors; `None` where there is no memory for them.
    pub fn bytes(&self, salt: &[u8; 32]) -> Option<Vec<u8>> {
        let all = sectors_of(self.key.len(), self.value.len()) as usize * SECTOR;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(all).ok()?;
        bytes.extend_from_slice(&RECORD_MAGIC);
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        bytes.extend_from_slice(&self.space.0);
        bytes.extend_from_slice(&(self.key.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&[u8::from(self.kind == Kind::Delete), 0]);
        bytes.extend_from_slice(&(self.value.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&hash(&[self.key.as_bytes()]));
        bytes.extend_from_slice(&hash(&[self.value]));
        let sum = hash(&[salt, &bytes]);
        bytes.extend_from_slice(&sum);
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(self.value);
        bytes.resize(all, 0);
        Some(bytes)
    }
}

/// Makes an empty store of a disk, whatever is on it. Nobody else may know the salt.
pub fn format(disk: &mut impl Disk, salt: [u8; 32]) -> Result<(), Error> {
    if disk.sectors() < DISK_BYTES_LEAST / SECTOR as u64 {
        return Err(Damage::Size.into());
    }
    let label = Label { half: (disk.sectors() - FIRST) / 2, salt };
    HalfHead { is_active: true, generation: 1 }.write(disk, 0, &label)?;
    HalfHead { is_active: false, generation: 0 }.write(disk, 1, &label)?;
    disk.flush()?;
    disk.write(0, &label.write())?;
    Ok(disk.flush()?)
}
