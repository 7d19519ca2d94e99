//! The spaces of a topology at the store: what each asks for, about its own keys.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use sci::guest::GuestCapability as Capability;
use serde::{Deserialize, Serialize};
use services_store::{Disk, Error, Limits, SpaceId, Volume};
use services_zrun::remote::{Desk, Server, TooLarge};
use services_zrun::{Grants, Store, StoreError};

/// What a space may store, as a machine without a disk has it, and memory for the keys of all.
pub const LIMITS: Limits = Limits { space_bytes: 4 << 20, space_keys: 16 * 1024, memory_bytes: 6 << 20 };
/// Bytes of requests and replies that are in transfer: however many spaces ask for large values at once, there is memory
/// for whoever else asks.
const HELD_BYTES_MAX: usize = 8 << 20;
/// What a space may ask of the store, if it was granted.
const ASKED: [Capability; 4] =
    [Capability::DataRead, Capability::DataWrite, Capability::DataDelete, Capability::DataList];

/// A space, as the bundle describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Its name.
    pub name: String,
    /// Its capabilities, as a mask.
    pub grants: u64,
}

impl Seat {
    /// Whether it may store anything, or read it.
    pub fn stores(&self) -> bool {
        ASKED.iter().any(|one| self.grants & one.bit() != 0)
    }
}

/// Whoever stores, as the bundle describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The spaces with hosts: these are connected in this order.
    pub seats: Vec<Seat>,
    /// The name, like which no space has one, that what models cost is kept under.
    pub book: String,
}

impl Configuration {
    /// As the bundle carries it.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }
}

/// A space at the store.
struct Member {
    space: SpaceId,
    server: Server,
    desk: Desk,
}

/// The store and its spaces.
pub struct Office<D> {
    /// None where the disk was refused.
    volume: Option<Volume<D>>,
    /// The spaces, and behind them whoever keeps what models cost.
    members: Vec<Member>,
    /// What is to be said, oldest first, and what was said: once, since a space could ask all the time.
    lines: Vec<String>,
    said: BTreeSet<String>,
}

impl<D: Disk> Office<D> {
    /// Over a disk that there is, or why there is none; from the bytes of a configuration.
    pub fn new(configuration: &[u8], disk: Result<D, &str>) -> Self {
        let (mut lines, mut seats) = (Vec::new(), Vec::new());
        match postcard::from_bytes::<Configuration>(configuration) {
            Ok(Configuration { seats: spaces, book }) => {
                seats = spaces;
                seats.push(Seat { name: book, grants: u64::MAX });
            }
            Err(_) => lines.push("what the bundle says of spaces cannot be read".to_string()),
        }
        let volume = match disk {
            Ok(disk) => Volume::open(disk, LIMITS).map_err(|error| format!("the disk is refused: {error}")),
            Err(why) => Err(why.into()),
        };
        let volume = match volume {
            Ok(volume) => {
                if volume.dropped() {
                    lines.push("what was being stored when the machine ended is not there".into());
                }
                lines.push(format!("the disk has {} keys", volume.keys()));
                Some(volume)
            }
            Err(line) => {
                lines.push(line);
                None
            }
        };
        let asked = ASKED.iter().fold(0, |mask, one| mask | one.bit());
        let member = |seat: Seat| Member {
            space: SpaceId::of(&seat.name),
            server: Server::of_values(Grants::of(seat.grants & asked)),
            desk: Desk::default(),
        };
        Self { volume, members: seats.into_iter().map(member).collect(), lines, said: BTreeSet::new() }
    }

    /// Whoever keeps what models cost, among the spaces.
    pub fn book(&self) -> usize {
        self.members.len().wrapping_sub(1)
    }

    /// Adds a part of a request, if there is such a space.
    pub fn put(&mut self, space: usize, bytes: &[u8]) -> Option<Result<(), TooLarge>> {
        let has_room = self.has_room(bytes);
        let desk = &mut self.members.get_mut(space)?.desk;
        if !has_room {
            *desk = Desk::default();
            return Some(Err(TooLarge));
        }
        Some(desk.put(bytes))
    }

    fn has_room(&self, bytes: &[u8]) -> bool {
        let held: usize = self.members.iter().map(|member| member.desk.held()).sum();
        held + bytes.len() <= HELD_BYTES_MAX
    }

    /// Adds the last part of a request and carries it out.
    pub fn call(&mut self, space: usize, bytes: &[u8], first: &mut [u8]) -> Option<Result<u32, TooLarge>> {
        let has_room = self.has_room(bytes);
        let Self { volume, members, lines, said } = self;
        let Member { space, server, desk } = members.get_mut(space)?;
        if !has_room {
            *desk = Desk::default();
            return Some(Err(TooLarge));
        }
        let mut failed = None;
        let answer = desk.call(bytes, first, |request| {
            let mut values = Values { volume: volume.as_mut(), space: *space, failed: &mut failed };
            server.serve_values(request, &mut values)
        });
        desk.taken_to(first.len());
        if let Some(error) = failed.filter(|error| matches!(error, Error::Broken | Error::Damaged(_))) {
            let line = error.to_string();
            if said.len() < 64 && said.insert(line.clone()) {
                lines.push(line);
            }
        }
        Some(answer)
    }

    /// Gives the reply's bytes from an offset on; answers how many.
    pub fn take(&mut self, space: usize, offset: u32, bytes: &mut [u8]) -> Option<u32> {
        let desk = &mut self.members.get_mut(space)?.desk;
        let count = desk.take(offset, bytes);
        desk.taken_to(offset as usize + count as usize);
        Some(count)
    }

    /// What is to be said.
    pub fn lines(&mut self) -> Vec<String> {
        core::mem::take(&mut self.lines)
    }
}

/// A space's values.
struct Values<'v, D> {
    volume: Option<&'v mut Volume<D>>,
    space: SpaceId,
    failed: &'v mut Option<Error>,
}

impl<D: Disk> Values<'_, D> {
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Volume<D>, SpaceId) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let Some(volume) = &mut self.volume else { return Err(StoreError::Failed) };
        act(volume, self.space).map_err(|error| {
            *self.failed = Some(error);
            match error {
                Error::Broken | Error::Damaged(_) => StoreError::Failed,
                Error::Full => StoreError::Full,
                Error::Beyond => StoreError::Beyond,
            }
        })
    }
}

impl<D: Disk> Store for Values<'_, D> {
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|volume, space| volume.get(space, key))
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.with(|volume, space| volume.put(space, key, value))
    }

    fn delete(&mut self, key: &str) -> Result<bool, StoreError> {
        self.with(|volume, space| volume.delete(space, key))
    }

    fn next(&mut self, prefix: &str, after: &str) -> Result<Option<String>, StoreError> {
        self.with(|volume, space| Ok(volume.next(space, prefix, after).map(String::from)))
    }
}
