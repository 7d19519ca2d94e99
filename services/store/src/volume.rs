//! Values by space and key.

use crate::format::{Damage, HalfHead, Kind, Label, Record, SpaceId, sectors_of};
use crate::{Disk, Error, scan};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Bound::{Excluded, Included, Unbounded};
use sci::limits::guest::KEY_BYTES_MAX;

/// Bytes of memory that a key takes besides its own.
const KEY_OVERHEAD: usize = 96;

/// What may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a space's keys and values.
    pub space_bytes: u64,
    /// A space's keys.
    pub space_keys: usize,
    /// Bytes of memory for the keys of all spaces.
    pub memory_bytes: usize,
}

impl Limits {
    /// None: for whoever only reads.
    pub const NONE: Self = Self { space_bytes: u64::MAX, space_keys: usize::MAX, memory_bytes: usize::MAX };
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// First sector of its record, from the half's beginning.
    sector: u64,
    value_bytes: u32,
}

#[derive(Debug, Default)]
struct Space {
    keys: BTreeMap<String, Place>,
    /// Bytes of keys and values.
    bytes: u64,
}

/// What is stored on a disk.
#[derive(Debug)]
pub struct Volume<D> {
    disk: D,
    label: Label,
    limits: Limits,
    /// The half whose records count, and their generation.
    active: usize,
    generation: u64,
    /// The newest generation that was ever begun.
    newest: u64,
    /// Sector behind the last record, from the half's beginning, and the number that the next one gets.
    end: u64,
    sequence: u64,
    /// Sectors of records that are not obsolete.
    live: u64,
    /// Bytes of memory that keys take.
    memory: usize,
    dropped: bool,
    /// Which half counts is not known, since the disk failed while that changed.
    is_lost: bool,
    spaces: BTreeMap<SpaceId, Space>,
}

impl<D: Disk> Volume<D> {
    /// Reads what is on a disk.
    pub fn open(mut disk: D, limits: Limits) -> Result<Self, Error> {
        let label = Label::read(&mut disk)?;
        let first = HalfHead::read(&mut disk, 0, &label)?;
        let second = HalfHead::read(&mut disk, 1, &label)?;
        let heads = [first, second];
        let newest = first.generation.max(second.generation);
        let active = (0..2).filter(|half| heads[*half].is_active).max_by_key(|half| heads[*half].generation);
        let active = active.ok_or(Damage::Head(HalfHead::sector(0)))?;
        let generation = heads[active].generation;
        let mut volume = Self {
            disk,
            label,
            limits,
            active,
            generation,
            newest,
            end: 0,
            sequence: 1,
            live: 0,
            memory: 0,
            dropped: false,
            is_lost: false,
            spaces: BTreeMap::new(),
        };
        volume.read_records()?;
        Ok(volume)
    }

    fn read_records(&mut self) -> Result<(), Error> {
        let Self { disk, label, active, generation, spaces, live, memory, limits, .. } = self;
        let end = scan::records(disk, label, *active, *generation, |found| {
            let mut index = Index { spaces, live, memory };
            match found.head.kind {
                Kind::Put => {
                    let place = Place { sector: found.sector, value_bytes: found.head.value_bytes as u32 };
                    index.insert(found.head.space, found.key, place);
                }
                Kind::Delete => index.remove(found.head.space, &found.key),
            }
            if *index.memory > limits.memory_bytes { Err(Error::Full) } else { Ok(()) }
        })?;
        (self.end, self.sequence, self.dropped) = (end.sector, end.sequence, end.dropped);
        Ok(())
    }

    /// Whether a record that had not been acknowledged was not whole, and was dropped.
    pub const fn dropped(&self) -> bool {
        self.dropped
    }

    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.spaces.values().map(|space| space.keys.len()).sum()
    }

    /// Reads every value.
    pub fn check(&mut self) -> Result<(), Error> {
        let keys = self.spaces.iter().flat_map(|(id, space)| space.keys.keys().map(|key| (*id, key.clone())));
        for (space, key) in keys.collect::<Vec<_>>() {
            self.get(space, &key)?;
        }
        Ok(())
    }

    /// The disk, given back.
    pub fn into_disk(self) -> D {
        self.disk
    }

    /// The value of a key.
    pub fn get(&mut self, space: SpaceId, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(place) = self.spaces.get(&space).and_then(|space| space.keys.get(key)).copied() else {
            return Ok(None);
        };
        self.value(self.active, self.generation, place, (space, key)).map(Some)
    }

    fn value(
        &mut self,
        half: usize,
        generation: u64,
        place: Place,
        what: (SpaceId, &str),
    ) -> Result<Vec<u8>, Error> {
        let at = (self.label.base(half) + place.sector, generation);
        scan::value(&mut self.disk, &self.label, at, what, place.value_bytes as usize)
    }

    /// Gives a key its value.
    pub fn put(&mut self, space: SpaceId, key: &str, value: &[u8]) -> Result<(), Error> {
        let value_bytes = u32::try_from(value.len()).map_err(|_| Error::Full)?;
        if key.len() > KEY_BYTES_MAX as usize {
            return Err(Error::Full);
        }
        let known = self.spaces.get(&space);
        let old = known.and_then(|known| known.keys.get(key)).copied();
        let freed = old.map_or(0, |old| (key.len() + old.value_bytes as usize) as u64);
        let bytes = known.map_or(0, |known| known.bytes) - freed + (key.len() + value.len()) as u64;
        if bytes > self.limits.space_bytes {
            return Err(Error::Beyond);
        }
        let is_new = old.is_none();
        let keys = known.map_or(0, |known| known.keys.len());
        let memory = self.memory + if is_new { key.len() + KEY_OVERHEAD } else { 0 };
        if is_new && keys >= self.limits.space_keys || memory > self.limits.memory_bytes {
            return Err(Error::Full);
        }
        let obsolete = old.map_or(0, |old| sectors_of(key.len(), old.value_bytes as usize));
        // What is never obsolete may take three quarters of a half: else every record would be a reason to copy it.
        if self.live - obsolete + sectors_of(key.len(), value.len()) > self.label.half / 4 * 3 {
            return Err(Error::Full);
        }
        let sector = self.append(space, Kind::Put, key, value)?;
        self.index().insert(space, key.into(), Place { sector, value_bytes });
        Ok(())
    }

    /// Removes a key; whether it was there.
    pub fn delete(&mut self, space: SpaceId, key: &str) -> Result<bool, Error> {
        if self.spaces.get(&space).is_none_or(|space| !space.keys.contains_key(key)) {
            return Ok(false);
        }
        self.append(space, Kind::Delete, key, &[])?;
        self.index().remove(space, key);
        Ok(true)
    }

    /// The first key after another one that begins with a prefix, in byte order.
    pub fn next(&self, space: SpaceId, prefix: &str, after: &str) -> Option<&str> {
        let start = if after >= prefix && !after.is_empty() { Excluded(after) } else { Included(prefix) };
        let space = self.spaces.get(&space)?;
        let (key, _) = space.keys.range::<str, _>((start, Unbounded)).next()?;
        key.starts_with(prefix).then_some(key)
    }

    fn index(&mut self) -> Index<'_> {
        Index { spaces: &mut self.spaces, live: &mut self.live, memory: &mut self.memory }
    }

    /// Writes a record, durably; answers where it begins.
    fn append(&mut self, space: SpaceId, kind: Kind, key: &str, value: &[u8]) -> Result<u64, Error> {
        let sectors = sectors_of(key.len(), value.len());
        if self.is_lost {
            return Err(Error::Broken);
        }
        if sectors > self.label.half - self.end {
            self.compact()?;
        }
        if sectors > self.label.half - self.end {
            return Err(Error::Full);
        }
        let record = Record { generation: self.generation, sequence: self.sequence, space, kind, key, value };
        let bytes = record.bytes(&self.label.salt).ok_or(Error::Full)?;
        let sector = self.end;
        self.disk.write(self.label.base(self.active) + sector, &bytes)?;
        self.disk.flush()?;
        self.end += sectors;
        self.sequence += 1;
        Ok(sector)
    }

    /// Copies what is not obsolete to the other half, and goes on there. Until its head is written, this half counts.
    fn compact(&mut self) -> Result<(), Error> {
        let (from, to) = (self.active, 1 - self.active);
        // Records of an attempt that was given up are of another generation.
        let (old, generation) = (self.generation, self.newest + 1);
        self.newest = generation;
        HalfHead { is_active: false, generation }.write(&mut self.disk, to, &self.label)?;
        self.disk.flush()?;
        let places: Vec<(SpaceId, String, Place)> = self
            .spaces
            .iter()
            .flat_map(|(id, space)| space.keys.iter().map(|(key, place)| (*id, key.clone(), *place)))
            .collect();
        let (mut end, mut sequence) = (0, 1);
        let mut moved = Vec::with_capacity(places.len());
        for (space, key, place) in &places {
            let value = self.value(from, old, *place, (*space, key))?;
            let record = Record { generation, sequence, space: *space, kind: Kind::Put, key, value: &value };
            let bytes = record.bytes(&self.label.salt).ok_or(Error::Full)?;
            self.disk.write(self.label.base(to) + end, &bytes)?;
            moved.push(end);
            end += sectors_of(key.len(), value.len());
            sequence += 1;
        }
        self.disk.flush()?;
        self.is_lost = true;
        HalfHead { is_active: true, generation }.write(&mut self.disk, to, &self.label)?;
        self.disk.flush()?;
        self.is_lost = false;
        let places = self.spaces.values_mut().flat_map(|space| space.keys.values_mut());
        places.zip(moved).for_each(|(place, sector)| place.sector = sector);
        (self.active, self.generation, self.end, self.sequence) = (to, generation, end, sequence);
        // Of two halves that count the newer one does: this need not be durable yet.
        HalfHead { is_active: false, generation: old }.write(&mut self.disk, from, &self.label)?;
        Ok(())
    }
}

/// The index and its sums.
struct Index<'v> {
    spaces: &'v mut BTreeMap<SpaceId, Space>,
    live: &'v mut u64,
    memory: &'v mut usize,
}

impl Index<'_> {
    fn insert(&mut self, id: SpaceId, key: String, place: Place) {
        self.remove(id, &key);
        let space = self.spaces.entry(id).or_default();
        space.bytes += key.len() as u64 + u64::from(place.value_bytes);
        *self.live += sectors_of(key.len(), place.value_bytes as usize);
        *self.memory += key.len() + KEY_OVERHEAD;
        space.keys.insert(key, place);
    }

    fn remove(&mut self, id: SpaceId, key: &str) {
        let Some(space) = self.spaces.get_mut(&id) else { return };
        let Some(place) = space.keys.remove(key) else { return };
        space.bytes -= key.len() as u64 + u64::from(place.value_bytes);
        *self.live -= sectors_of(key.len(), place.value_bytes as usize);
        *self.memory -= key.len() + KEY_OVERHEAD;
    }
}
