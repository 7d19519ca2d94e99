//! The store of the truth: values with versions, changed by compare-and-set.

#[cfg(feature = "redb")]
mod disk;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(feature = "redb")]
pub use disk::{Disk, DiskError};

/// Why the store did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the value.
    #[error("`{0}` was changed by somebody else")]
    Conflict(String),
    /// There is no room. Nothing was changed.
    #[error("the store is full: make room, then try again")]
    Full,
    /// It failed. Whether the value was changed is not known.
    #[error("the store failed: {0}")]
    Failed(String),
    /// What is stored is not what was written.
    #[error("the value of `{0}` is damaged: restore the store from a copy")]
    Damaged(String),
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Its version. Versions grow over the whole store, so that a later write of any key has a higher one.
    pub version: u64,
    /// The value.
    pub value: Vec<u8>,
}

/// Values by key. What was put is durable when the call returns.
pub trait Store {
    /// The value of a key.
    fn get(&mut self, key: &str) -> Result<Option<Versioned>, StoreError>;
    /// Gives a key its value if the version is still the expected one, 0 for a key that there is none of; the new version.
    fn put(&mut self, key: &str, expected: u64, value: &[u8]) -> Result<u64, StoreError>;
    /// The keys that begin with a prefix, in byte order.
    fn keys(&mut self, prefix: &str) -> Result<Vec<String>, StoreError>;
    /// The keys written after a version, each once with its last version, in the order of versions. Whoever asks
    /// again with the last version that it saw misses no value, though it may miss one that was replaced.
    fn changes(&mut self, after: u64) -> Result<Vec<(u64, String)>, StoreError>;
}

/// Values that last as long as the process.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    values: BTreeMap<String, Versioned>,
    changes: BTreeMap<u64, String>,
    version: u64,
}

impl Store for InMemory {
    fn get(&mut self, key: &str) -> Result<Option<Versioned>, StoreError> {
        Ok(self.values.get(key).cloned())
    }

    fn put(&mut self, key: &str, expected: u64, value: &[u8]) -> Result<u64, StoreError> {
        let found = self.values.get(key).map_or(0, |value| value.version);
        if found != expected {
            return Err(StoreError::Conflict(key.into()));
        }
        self.version += 1;
        self.changes.remove(&found);
        self.changes.insert(self.version, key.into());
        self.values.insert(key.into(), Versioned { version: self.version, value: value.into() });
        Ok(self.version)
    }

    fn keys(&mut self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let from =
            self.values.range::<str, _>((core::ops::Bound::Included(prefix), core::ops::Bound::Unbounded));
        Ok(from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).cloned().collect())
    }

    fn changes(&mut self, after: u64) -> Result<Vec<(u64, String)>, StoreError> {
        let later = self.changes.range((core::ops::Bound::Excluded(after), core::ops::Bound::Unbounded));
        Ok(later.map(|(&version, key)| (version, key.clone())).collect())
    }
}
