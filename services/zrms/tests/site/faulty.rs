//! A store that fails as it is told, shared by whoever comes after whoever died.

use services_zrms::store::{InMemory, Store, StoreError, Versioned};
use std::cell::RefCell;
use std::rc::Rc;

/// A small deterministic generator (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % bound
    }

    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// What happens to the store, and to whoever uses it.
#[derive(Debug)]
pub struct Disk {
    pub memory: InMemory,
    pub random: Random,
    /// One operation in so many fails; 0: none.
    pub failing: u64,
    /// The write that the process dies at, counted from now, and whether that one is written.
    pub dies_at: Option<(u64, bool)>,
    pub dead: bool,
    pub writes: u64,
}

/// The store as one process sees it.
#[derive(Clone, Debug)]
pub struct Faulty(pub Rc<RefCell<Disk>>);

impl Faulty {
    pub fn new(seed: u64) -> Self {
        let (memory, random) = (InMemory::default(), Random::of(seed));
        Self(Rc::new(RefCell::new(Disk {
            memory,
            random,
            failing: 0,
            dies_at: None,
            dead: false,
            writes: 0,
        })))
    }

    fn failed<T>(what: &str) -> Result<T, StoreError> {
        Err(StoreError::Failed(what.into()))
    }

    /// A read, if the process lives and the disk does its work.
    fn read<T>(&self, read: impl FnOnce(&mut InMemory) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut disk = self.0.borrow_mut();
        let failing = disk.failing;
        if disk.dead || failing > 0 && disk.random.one_in(failing * 4) {
            return Self::failed("read");
        }
        read(&mut disk.memory)
    }
}

impl Store for Faulty {
    fn get(&mut self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.read(|memory| memory.get(key))
    }

    fn put(&mut self, key: &str, expected: u64, value: &[u8]) -> Result<u64, StoreError> {
        let mut disk = self.0.borrow_mut();
        if disk.dead {
            return Self::failed("the process is dead");
        }
        disk.writes += 1;
        if let Some((left, written)) = disk.dies_at {
            disk.dies_at = Some((left.saturating_sub(1), written));
            if left <= 1 {
                disk.dead = true;
                if written {
                    disk.memory.put(key, expected, value)?;
                }
                return Self::failed("the process died");
            }
        }
        let failing = disk.failing;
        if failing > 0 && disk.random.one_in(failing) {
            return match disk.random.below(3) {
                0 => Err(StoreError::Full),
                1 => Self::failed("not written"),
                _ => {
                    disk.memory.put(key, expected, value)?;
                    Self::failed("written, but who knows")
                }
            };
        }
        disk.memory.put(key, expected, value)
    }

    fn keys(&mut self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.read(|memory| memory.keys(prefix))
    }

    fn changes(&mut self, after: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.read(|memory| memory.changes(after))
    }
}
