//! What keys mean, as vectors, and which of them are alike.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// Keys that were learned and not used yet.
const LEARNED_MAX: usize = 16;
/// Numbers of a vector.
const NUMBERS_MAX: usize = 8192;
/// Bytes of a number.
const NUMBER_BYTES: usize = 4;

/// What a text means, as an embedding model says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// Of which model: others count from other axes.
    model: u32,
    numbers: Vec<f32>,
    /// Its length, squared.
    square: f64,
}

impl Vector {
    /// None, where the numbers point nowhere, or are too many.
    pub fn new(model: u32, numbers: Vec<f32>) -> Option<Self> {
        let square = numbers.iter().map(|number| f64::from(*number) * f64::from(*number)).sum();
        let is_one = square > 0.0 && f64::is_finite(square) && numbers.len() <= NUMBERS_MAX;
        is_one.then_some(Self { model, numbers, square })
    }

    /// Of the bytes of its numbers.
    pub fn read(model: u32, bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<NUMBER_BYTES>();
        let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        rest.is_empty().then(|| Self::new(model, numbers)).flatten()
    }

    /// Its numbers as bytes.
    pub fn write(&self) -> Vec<u8> {
        self.numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// The model that it is of.
    pub fn model(&self) -> u32 {
        self.model
    }

    /// Bytes of its numbers.
    pub(super) fn bytes(&self) -> u64 {
        (self.numbers.len() * NUMBER_BYTES) as u64
    }

    /// The square of the cosine of the two, if they are less than a right angle apart.
    fn likeness(&self, other: &Self) -> Option<f64> {
        if self.model != other.model || self.numbers.len() != other.numbers.len() {
            return None;
        }
        let pairs = self.numbers.iter().zip(&other.numbers);
        let product: f64 = pairs.map(|(one, other)| f64::from(*one) * f64::from(*other)).sum();
        (product > 0.0).then(|| product * product / (self.square * other.square))
    }
}

/// What was learned of keys, and how alike they must be.
#[derive(Clone, Debug, Default)]
pub(super) struct Alike {
    thousandths: u32,
    model: u32,
    /// The latest last.
    learned: VecDeque<(String, Vector)>,
}

impl Alike {
    pub fn be(&mut self, thousandths: u32, model: u32) {
        if self.model != model {
            self.learned.clear();
        }
        (self.thousandths, self.model) = (thousandths, model);
    }

    pub fn is_of_now(&self, vector: Option<&Vector>) -> bool {
        vector.is_some_and(|vector| vector.model == self.model)
    }

    pub fn knows(&self, key: &str) -> bool {
        self.of(key).is_some()
    }

    pub fn learn(&mut self, key: &str, vector: Vector) {
        self.take(key);
        if self.learned.len() == LEARNED_MAX {
            self.learned.pop_front();
        }
        self.learned.push_back((key.into(), vector));
    }

    pub fn take(&mut self, key: &str) -> Option<Vector> {
        let at = self.learned.iter().position(|(learned, _)| learned == key)?;
        self.learned.remove(at).map(|(_, vector)| vector)
    }

    fn of(&self, key: &str) -> Option<&Vector> {
        self.learned.iter().find(|(learned, _)| learned == key).map(|(_, vector)| vector)
    }

    /// Of these keys the one that is nearest to another one, if it is near enough.
    pub fn nearest<'k>(
        &self,
        key: &str,
        known: impl Iterator<Item = (&'k String, &'k Vector)>,
    ) -> Option<&'k String> {
        let vector = self.of(key)?;
        let least = f64::from(self.thousandths) * f64::from(self.thousandths) / 1e6;
        let mut best: Option<(&String, f64)> = None;
        for (key, likeness) in known.filter_map(|(key, other)| Some((key, vector.likeness(other)?))) {
            // What is the same may come out a little less.
            let is_enough = likeness + f64::from(f32::EPSILON) >= least;
            if is_enough && best.is_none_or(|(_, most)| likeness > most) {
                best = Some((key, likeness));
            }
        }
        best.map(|(key, _)| key)
    }
}
