//! Things that are kept as long as something uses them, found by key and by number.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The table.
#[derive(Clone, Debug)]
pub struct Table<K, T> {
    all: Vec<Used<T>>,
    of_key: BTreeMap<K, u32>,
    unused: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Used<T> {
    uses: u32,
    thing: T,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { all: Vec::new(), of_key: BTreeMap::new(), unused: Vec::new() }
    }
}

impl<K: Ord + Clone, T> Table<K, T> {
    /// The number of a thing, for one use more; it is made if there is none.
    pub fn enter(&mut self, key: &K, make: impl FnOnce() -> T) -> u32 {
        if let Some(&number) = self.of_key.get(key) {
            self.all[number as usize].uses += 1;
            return number;
        }
        let used = Used { uses: 1, thing: make() };
        let number = if let Some(number) = self.unused.pop() {
            self.all[number as usize] = used;
            number
        } else {
            self.all.push(used);
            self.all.len() as u32 - 1
        };
        self.of_key.insert(key.clone(), number);
        number
    }

    /// One use less; without any, the key is forgotten, and the number is somebody else's next.
    pub fn leave(&mut self, key: &K) {
        let Some(&number) = self.of_key.get(key) else { return };
        let uses = &mut self.all[number as usize].uses;
        *uses -= 1;
        if *uses == 0 {
            self.of_key.remove(key);
            self.unused.push(number);
        }
    }

    /// A thing in use.
    pub fn at(&self, number: u32) -> &T {
        &self.all[number as usize].thing
    }

    /// A thing in use, to change.
    pub fn at_mut(&mut self, number: u32) -> &mut T {
        &mut self.all[number as usize].thing
    }

    /// Everything in use.
    pub fn each(&mut self) -> impl Iterator<Item = &mut T> {
        self.all.iter_mut().filter(|used| used.uses > 0).map(|used| &mut used.thing)
    }
}
