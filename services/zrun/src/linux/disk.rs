//! Values on disk, each with a checksum of its own.

use crate::data::{Store, StoreError};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;

const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");
/// Bytes of the checksum before a value: redb's own does not cover every bit that is read back.
const CHECKSUM_BYTES: usize = 32;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The file cannot be opened as a store.
    #[error("the store cannot be opened: {0}")]
    Open(#[from] redb::DatabaseError),
    /// It cannot be prepared.
    #[error("the store cannot be prepared: {0}")]
    Prepare(Box<redb::Error>),
}

/// A space's values in a file.
#[derive(Debug)]
pub struct Disk {
    database: Database,
    quota: u64,
    /// Bytes of keys and values.
    used: u64,
}

impl Disk {
    /// Opens a file, or makes it; it takes so many bytes of keys and values.
    pub fn open(path: &Path, quota: u64) -> Result<Self, DiskError> {
        let database = Database::create(path)?;
        let prepare = |database: &Database| -> Result<u64, redb::Error> {
            let write = database.begin_write()?;
            let used = Self::used(&write.open_table(VALUES)?)?;
            write.commit()?;
            Ok(used)
        };
        let used = prepare(&database).map_err(|error| DiskError::Prepare(Box::new(error)))?;
        Ok(Self { database, quota, used })
    }

    fn used(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, redb::StorageError> {
        let mut used = 0;
        for entry in table.iter()? {
            let (key, value) = entry?;
            used += size(key.value(), value.value());
        }
        Ok(used)
    }
}

/// Bytes of a key and its value, of which the checksum is none.
fn size(key: &str, stored: &[u8]) -> u64 {
    (key.len() + stored.len().saturating_sub(CHECKSUM_BYTES)) as u64
}

fn checksum(key: &str, value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = sci::digest::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key.as_bytes());
    hasher.update(value);
    hasher.finish()
}

fn failed(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Failed,
    }
}

impl Store for Disk {
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(VALUES).map_err(failed)?;
        let Some(stored) = table.get(key).map_err(failed)? else { return Ok(None) };
        let (sum, value) = stored.value().split_first_chunk::<CHECKSUM_BYTES>().ok_or(StoreError::Failed)?;
        if *sum == checksum(key, value) { Ok(Some(value.to_vec())) } else { Err(StoreError::Failed) }
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let write = self.database.begin_write().map_err(failed)?;
        let used;
        {
            let mut table = write.open_table(VALUES).map_err(failed)?;
            let old = table.get(key).map_err(failed)?.map_or(0, |old| size(key, old.value()));
            used = self.used.saturating_sub(old) + (key.len() + value.len()) as u64;
            if used > self.quota {
                return Err(StoreError::Beyond);
            }
            let mut stored = checksum(key, value).to_vec();
            stored.extend_from_slice(value);
            table.insert(key, stored.as_slice()).map_err(failed)?;
        }
        write.commit().map_err(failed)?;
        self.used = used;
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<bool, StoreError> {
        let write = self.database.begin_write().map_err(failed)?;
        let found = {
            let mut table = write.open_table(VALUES).map_err(failed)?;
            table.remove(key).map_err(failed)?.map(|old| size(key, old.value()))
        };
        write.commit().map_err(failed)?;
        self.used = self.used.saturating_sub(found.unwrap_or(0));
        Ok(found.is_some())
    }

    fn next(&mut self, prefix: &str, after: &str) -> Result<Option<String>, StoreError> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(VALUES).map_err(failed)?;
        let start = if after >= prefix && !after.is_empty() { Excluded(after) } else { Included(prefix) };
        let Some(entry) = table.range::<&str>((start, Unbounded)).map_err(failed)?.next() else {
            return Ok(None);
        };
        let key = entry.map_err(failed)?.0.value().to_owned();
        Ok(key.starts_with(prefix).then_some(key))
    }
}
