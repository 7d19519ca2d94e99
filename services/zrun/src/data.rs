//! Values and blobs by key.

use crate::memory::copied;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use serde::{Deserialize, Serialize};

/// Why a value was not stored or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreError {
    /// The storage is full.
    Full,
    /// The storage failed, or what it holds is damaged.
    Failed,
    /// It would be more than may be stored.
    Beyond,
}

impl From<StoreError> for ErrorCode {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full | StoreError::Beyond => Self::Quota,
            StoreError::Failed => Self::Io,
        }
    }
}

/// A space's values. What was put is durable when the call returns.
pub trait Store {
    /// The value of a key.
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Gives a key its value.
    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError>;
    /// Removes a key; whether it was there.
    fn delete(&mut self, key: &str) -> Result<bool, StoreError>;
    /// The first key after another one that begins with a prefix, in byte order.
    fn next(&mut self, prefix: &str, after: &str) -> Result<Option<String>, StoreError>;
}

/// Values that last as long as the process.
#[derive(Clone, Debug)]
pub struct InMemory {
    values: BTreeMap<String, Vec<u8>>,
    left: u64,
    keys: usize,
}

impl InMemory {
    /// An empty store that takes so many bytes of keys and values.
    pub fn new(quota: u64) -> Self {
        Self { values: BTreeMap::new(), left: quota, keys: usize::MAX }
    }

    /// The same with so many keys at most: each takes memory that the quota does not count.
    #[must_use]
    pub fn with_keys(self, keys: usize) -> Self {
        Self { keys, ..self }
    }
}

impl Store for InMemory {
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.values.get(key);
        value.map(|value| copied(value).ok_or(StoreError::Failed)).transpose()
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let old = self.values.get(key);
        if old.is_none() && self.values.len() == self.keys {
            return Err(StoreError::Full);
        }
        let freed = old.map_or(0, |old| (key.len() + old.len()) as u64);
        let needed = (key.len() + value.len()) as u64;
        let left = (self.left + freed).checked_sub(needed).ok_or(StoreError::Beyond)?;
        let value = copied(value).ok_or(StoreError::Full)?;
        self.left = left;
        self.values.insert(key.into(), value);
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<bool, StoreError> {
        let old = self.values.remove(key);
        self.left += old.as_ref().map_or(0, |old| (key.len() + old.len()) as u64);
        Ok(old.is_some())
    }

    fn next(&mut self, prefix: &str, after: &str) -> Result<Option<String>, StoreError> {
        use core::ops::Bound::{Excluded, Included, Unbounded};
        let start = if after >= prefix && !after.is_empty() { Excluded(after) } else { Included(prefix) };
        let next = self.values.range::<str, _>((start, Unbounded)).next();
        Ok(next.map(|(key, _)| key).filter(|key| key.starts_with(prefix)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_bytes_are_bounded() {
        let mut store = InMemory::new(10).with_keys(2);
        assert_eq!((store.put("a", &[0; 4]), store.put("b", &[0; 4])), (Ok(()), Ok(())));
        assert_eq!(store.put("c", &[]), Err(StoreError::Full));
        assert_eq!(store.put("a", &[0; 5]), Err(StoreError::Beyond));
        assert_eq!((store.put("a", &[0; 3]), store.delete("b")), (Ok(()), Ok(true)));
        assert_eq!(store.put("c", &[0; 5]), Ok(()));
        assert_eq!(store.put("c", &[0; 6]), Err(StoreError::Beyond));
    }
}
