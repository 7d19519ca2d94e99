//! Lists in the manifest: a byte string of elements, read one by one without allocation.

use core::marker::PhantomData;
use postcard::ser_flavors::Size;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list of `T`, as the bytes of its elements. Elements of a verified manifest decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    element: PhantomData<T>,
}

impl<'a, T: Deserialize<'a> + Serialize> List<'a, T> {
    /// A list over encoded elements.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, element: PhantomData }
    }

    /// The elements; ends at the first that does not decode, which a verified manifest does not have.
    pub fn iter(&self) -> Iter<'a, T> {
        Iter { rest: self.bytes, element: PhantomData }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The element of an index.
    pub fn get(&self, index: usize) -> Option<T> {
        self.iter().nth(index)
    }

    /// Whether every element decodes, in its one encoding.
    pub fn is_canonical(&self) -> bool {
        let mut rest = self.bytes;
        while !rest.is_empty() {
            match take::<T>(rest) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self { bytes: &[], element: PhantomData }
    }
}

/// One value and what follows it; `None` if it is not in its canonical encoding.
pub(crate) fn take<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
    let (value, rest) = postcard::take_from_bytes::<T>(bytes).ok()?;
    let size = postcard::serialize_with_flavor(&value, Size::default()).ok()?;
    (size == bytes.len() - rest.len() && size > 0).then_some((value, rest))
}

/// Whether each key is greater than the one before.
pub(crate) fn ascends<K: Ord>(mut keys: impl Iterator<Item = K>) -> bool {
    let Some(mut previous) = keys.next() else { return true };
    keys.all(|key| {
        let ok = previous < key;
        previous = key;
        ok
    })
}

/// Iterator over a list's elements.
#[derive(Clone, Debug)]
pub struct Iter<'a, T> {
    rest: &'a [u8],
    element: PhantomData<T>,
}

impl<'a, T: Deserialize<'a> + Serialize> Iterator for Iter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        // Canonical encoding was checked once, when the image was read; an element takes at least a byte.
        let (value, rest) = postcard::take_from_bytes(self.rest).ok()?;
        let decoded = (rest.len() < self.rest.len()).then_some(value);
        self.rest = rest;
        decoded
    }
}

impl<'a, T: Deserialize<'a> + Serialize> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.bytes)
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for List<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a [u8]>::deserialize(deserializer).map(|bytes| Self { bytes, element: PhantomData })
    }
}
