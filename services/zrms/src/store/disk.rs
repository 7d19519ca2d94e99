//! Values in a file, each with a checksum of its own.

use super::{Store, StoreError, Versioned};
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;

const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");
/// Version to key, of each key's last version.
const CHANGES: TableDefinition<'_, u64, &str> = TableDefinition::new("changes");
/// Bytes of the checksum that a stored value begins with: redb's own does not cover every bit that is read back.
const CHECKSUM_BYTES: usize = 32;
const VERSION_BYTES: usize = 8;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The file cannot be opened as a store.
    #[error("the store cannot be opened: {0}")]
    Open(#[from] redb::DatabaseError),
    /// It cannot be prepared.
    #[error("the store cannot be prepared: {0}")]
    Prepare(Box<redb::Error>),
    /// A value in it is damaged.
    #[error(transparent)]
    Value(#[from] StoreError),
}

/// A store in a file.
#[derive(Debug)]
pub struct Disk {
    database: Database,
    version: u64,
}

impl Disk {
    /// Opens a file, or makes it. Every value in it is read: one that is damaged is refused by name.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let database = Database::create(path)?;
        prepare(&database).map_err(|error| DiskError::Prepare(Box::new(error)))?;
        let mut store = Self { database, version: 0 };
        let mut last = Vec::new();
        for key in store.keys("")? {
            last.extend(store.get(&key)?.map(|value| (value.version, key)));
        }
        last.sort();
        // A change that is lost would be missed by whoever follows the store.
        if store.changes(0)? != last {
            return Err(StoreError::Damaged("changes".into()).into());
        }
        store.version = last.last().map_or(0, |(version, _)| *version);
        Ok(store)
    }
}

fn prepare(database: &Database) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    write.open_table(VALUES)?;
    write.open_table(CHANGES)?;
    Ok(write.commit()?)
}

fn checksum(key: &str, rest: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = sci::digest::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key.as_bytes());
    hasher.update(rest);
    hasher.finish()
}

/// The value in what is stored of it.
fn checked(key: &str, stored: &[u8]) -> Result<Versioned, StoreError> {
    let damaged = || StoreError::Damaged(key.into());
    let (sum, rest) = stored.split_first_chunk::<CHECKSUM_BYTES>().ok_or_else(damaged)?;
    if *sum != checksum(key, rest) {
        return Err(damaged());
    }
    let (version, value) = rest.split_first_chunk::<VERSION_BYTES>().ok_or_else(damaged)?;
    Ok(Versioned { version: u64::from_le_bytes(*version), value: value.to_vec() })
}

fn failed(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => StoreError::Full,
        error => StoreError::Failed(error.to_string()),
    }
}

impl Store for Disk {
    fn get(&mut self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(VALUES).map_err(failed)?;
        let stored = table.get(key).map_err(failed)?;
        stored.map(|stored| checked(key, stored.value())).transpose()
    }

    fn put(&mut self, key: &str, expected: u64, value: &[u8]) -> Result<u64, StoreError> {
        let version = self.version + 1;
        let write = self.database.begin_write().map_err(failed)?;
        {
            let mut table = write.open_table(VALUES).map_err(failed)?;
            let found =
                table.get(key).map_err(failed)?.map(|stored| checked(key, stored.value())).transpose()?;
            let found = found.map_or(0, |value| value.version);
            if found != expected {
                return Err(StoreError::Conflict(key.into()));
            }
            let mut rest = version.to_le_bytes().to_vec();
            rest.extend_from_slice(value);
            let mut stored = checksum(key, &rest).to_vec();
            stored.extend_from_slice(&rest);
            table.insert(key, stored.as_slice()).map_err(failed)?;
            let mut changes = write.open_table(CHANGES).map_err(failed)?;
            changes.remove(found).map_err(failed)?;
            changes.insert(version, key).map_err(failed)?;
        }
        // A version is not used twice, even if it is not known whether it was written.
        self.version = version;
        write.commit().map_err(failed)?;
        Ok(version)
    }

    fn keys(&mut self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(VALUES).map_err(failed)?;
        let mut keys = Vec::new();
        for entry in table.range(prefix..).map_err(failed)? {
            let key = entry.map_err(failed)?.0.value().to_owned();
            if !key.starts_with(prefix) {
                break;
            }
            keys.push(key);
        }
        Ok(keys)
    }

    fn changes(&mut self, after: u64) -> Result<Vec<(u64, String)>, StoreError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(CHANGES).map_err(failed)?;
        let mut changes = Vec::new();
        for entry in table.range(after.saturating_add(1)..).map_err(failed)? {
            let (version, key) = entry.map_err(failed)?;
            changes.push((version.value(), key.value().to_owned()));
        }
        Ok(changes)
    }
}
