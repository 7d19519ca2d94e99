//! What was spent on models, where it outlives the machine.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use services_zrun::agents::Spent;
use services_zrun::{Store, StoreError};

/// The key that it is kept under.
const KEY: &str = "budgets";

/// What was spent on a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The space, if the model is its own.
    pub space: Option<String>,
    /// The model's name.
    pub model: String,
    /// What was spent on it.
    pub spent: Spent,
}

/// A store, and what it has.
pub struct Ledger {
    store: Box<dyn Store>,
    last: Vec<u8>,
    /// What it has cannot be read: nothing is written over it.
    is_unread: bool,
}

impl Ledger {
    /// Over a store; and what it has kept, or why that is not known.
    pub fn read(mut store: Box<dyn Store>) -> (Self, Result<Vec<Entry>, StoreError>) {
        let read = store.get(KEY).and_then(|found| {
            let Some(bytes) = found else { return Ok((Vec::new(), Vec::new())) };
            let entries = postcard::from_bytes(&bytes).map_err(|_| StoreError::Failed)?;
            Ok((bytes, entries))
        });
        match read {
            Ok((last, entries)) => (Self { store, last, is_unread: false }, Ok(entries)),
            Err(error) => (Self { store, last: Vec::new(), is_unread: true }, Err(error)),
        }
    }

    /// Keeps what was spent, unless it is what the store has.
    pub fn keep(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let bytes = if entries.is_empty() { Ok(Vec::new()) } else { postcard::to_allocvec(entries) };
        let bytes = bytes.map_err(|_| StoreError::Failed)?;
        if self.last != bytes {
            if self.is_unread {
                return Err(StoreError::Failed);
            }
            self.store.put(KEY, &bytes)?;
            self.last = bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use services_zrun::InMemory;

    fn entries() -> Vec<Entry> {
        let entry = |space: Option<&str>| Entry {
            space: space.map(String::from),
            model: "small".into(),
            spent: Spent::default(),
        };
        [None, Some("chat")].map(entry).into()
    }

    #[test]
    fn what_is_kept_is_there_again() {
        let mut store = InMemory::new(1000);
        let (mut ledger, before) = Ledger::read(Box::new(store.clone()));
        assert_eq!((before, ledger.keep(&[])), (Ok(Vec::new()), Ok(())));
        assert_eq!(ledger.keep(&entries()), Ok(()));
        store.put(KEY, &ledger.last).unwrap();
        assert_eq!(Ledger::read(Box::new(store)).1, Ok(entries()));
    }

    #[test]
    fn what_cannot_be_read_or_kept_is_no_beginning() {
        let mut store = InMemory::new(1000);
        store.put(KEY, b"\xff\xff\xff").unwrap();
        let (mut ledger, before) = Ledger::read(Box::new(store));
        assert_eq!(before, Err(StoreError::Failed));
        assert_eq!((ledger.keep(&[]), ledger.keep(&entries())), (Ok(()), Err(StoreError::Failed)));
        let (mut full, _) = Ledger::read(Box::new(InMemory::new(3)));
        assert!(full.keep(&entries()).is_err());
    }
}
