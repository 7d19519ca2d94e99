//! Reading a half's records in order.

use crate::format::{Damage, HEAD_BYTES, Label, RecordHead, SECTOR, SpaceId};
use crate::{Disk, Error};
use alloc::string::String;
use alloc::vec::Vec;

/// Sectors that are read at once.
const CHUNK: u64 = 112;

/// A record that was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it begins, from the half's beginning.
    pub sector: u64,
    pub head: RecordHead,
    pub key: String,
}

/// Where a half's records end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The sector behind the last one, from the half's beginning.
    pub sector: u64,
    /// The number that the next one gets.
    pub sequence: u64,
    /// Whether one that was being written was dropped.
    pub dropped: bool,
}

/// Sectors of a half, read ahead.
struct Reader<'d, D> {
    disk: &'d mut D,
    base: u64,
    half: u64,
    first: u64,
    chunk: Vec<u8>,
}

impl<D: Disk> Reader<'_, D> {
    /// Bytes from a sector on: at least one whole sector, and as many as asked for where they are in the half.
    fn bytes(&mut self, sector: u64, count: usize) -> Result<&[u8], Error> {
        let wanted = (count.div_ceil(SECTOR).max(1) as u64).min(self.half - sector);
        let there = (self.chunk.len() / SECTOR) as u64;
        if sector < self.first || sector + wanted > self.first + there {
            let sectors = CHUNK.max(wanted).min(self.half - sector);
            self.chunk.resize(sectors as usize * SECTOR, 0);
            self.first = sector;
            if let Err(broken) = self.disk.read(self.base + sector, &mut self.chunk) {
                self.chunk.clear();
                return Err(broken.into());
            }
        }
        let from = (sector - self.first) as usize * SECTOR;
        Ok(&self.chunk[from..from + wanted as usize * SECTOR])
    }
}

/// Gives every record of a half's generation to `take`, in order.
pub(crate) fn records<D: Disk>(
    disk: &mut D,
    label: &Label,
    half: usize,
    generation: u64,
    mut take: impl FnMut(Found) -> Result<(), Error>,
) -> Result<End, Error> {
    let base = label.base(half);
    let mut reader = Reader { disk, base, half: label.half, first: 0, chunk: Vec::new() };
    let mut end = End { sector: 0, sequence: 1, dropped: false };
    // The last one is given only when its content was read: it may not have been written to its end.
    let mut last: Option<Found> = None;
    while end.sector < label.half {
        let head = RecordHead::read(reader.bytes(end.sector, SECTOR)?, &label.salt, generation);
        let fits =
            |head: &RecordHead| head.sequence == end.sequence && head.sectors() <= label.half - end.sector;
        let Some(head) = head.filter(fits) else { break };
        let bytes = reader.bytes(end.sector, HEAD_BYTES + head.key_bytes)?;
        let key = bytes.get(HEAD_BYTES..HEAD_BYTES + head.key_bytes).filter(|key| head.has_key(key));
        let key = key.and_then(|key| core::str::from_utf8(key).ok());
        // Without its key it can only be the last.
        let Some(key) = key.map(String::from) else { break };
        let found = Found { sector: end.sector, head, key };
        end = End { sector: end.sector + head.sectors(), sequence: end.sequence + 1, dropped: false };
        if let Some(whole) = last.replace(found) {
            take(whole)?;
        }
    }
    // A later record was written after this one was durable.
    for sector in end.sector..label.half {
        let head = RecordHead::read(reader.bytes(sector, SECTOR)?, &label.salt, generation);
        if head.is_some_and(|head| head.sequence > end.sequence) {
            return Err(Damage::Record(base + end.sector).into());
        }
        end.dropped |= sector == end.sector && head.is_some_and(|head| head.sequence == end.sequence);
    }
    if let Some(last) = last {
        let bytes = reader.bytes(last.sector, last.head.sectors() as usize * SECTOR)?;
        let from = HEAD_BYTES + last.head.key_bytes;
        if bytes.get(from..from + last.head.value_bytes).is_some_and(|value| last.head.has_value(value)) {
            take(last)?;
        } else {
            end = End { sector: last.sector, sequence: last.head.sequence, dropped: true };
        }
    }
    Ok(end)
}

/// The value of a record that is where the index says, whole as it was written.
pub(crate) fn value<D: Disk>(
    disk: &mut D,
    label: &Label,
    at: (u64, u64),
    (space, key): (SpaceId, &str),
    value_bytes: usize,
) -> Result<Vec<u8>, Error> {
    let (sector, generation) = at;
    let damaged = || Error::from(Damage::Record(sector));
    let all = crate::format::sectors_of(key.len(), value_bytes) as usize * SECTOR;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(all).map_err(|_| Error::Full)?;
    bytes.resize(all, 0);
    disk.read(sector, &mut bytes)?;
    let head = RecordHead::read(&bytes, &label.salt, generation).ok_or_else(damaged)?;
    let from = HEAD_BYTES + key.len();
    let is_it =
        head.space == space && head.value_bytes == value_bytes && bytes[HEAD_BYTES..from] == *key.as_bytes();
    if !is_it || !head.has_value(&bytes[from..from + value_bytes]) {
        return Err(damaged());
    }
    bytes.truncate(from + value_bytes);
    bytes.drain(..from);
    Ok(bytes)
}
