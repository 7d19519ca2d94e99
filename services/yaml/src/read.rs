//! Tree to values. Each reader answers what it read, or nothing and adds to the errors why.

use core::ops::RangeInclusive;

use crate::core_schema::{ScalarKind, integer};
use crate::error::{ErrorKind, Errors, shown};
use crate::node::{Entry, Mapping, Node, Place, Scalar, Value};

impl Node {
    fn wrong<T>(&self, wanted: &'static str, errors: &mut Errors) -> Option<T> {
        errors.push(ErrorKind::WrongType { wanted, found: self.value.describe() }.at(self.place));
        None
    }

    fn scalar(&self, wanted: &'static str, errors: &mut Errors) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => self.wrong(wanted, errors),
        }
    }

    /// A mapping with known keys, to be taken one by one.
    pub fn fields(&self, errors: &mut Errors) -> Option<Fields<'_>> {
        match &self.value {
            Value::Mapping(mapping) => Some(Fields { mapping, place: self.place, known: Vec::new() }),
            _ => self.wrong("a mapping", errors),
        }
    }

    /// A mapping with keys that the writer chooses.
    pub fn entries(&self, errors: &mut Errors) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(mapping) => Some(&mapping.entries),
            _ => self.wrong("a mapping", errors),
        }
    }

    /// A list.
    pub fn list(&self, errors: &mut Errors) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => self.wrong("a list", errors),
        }
    }

    /// A string.
    pub fn string(&self, errors: &mut Errors) -> Option<&str> {
        const WANTED: &str = "a string";
        let scalar = self.scalar(WANTED, errors)?;
        if scalar.kind == ScalarKind::String { Some(&scalar.text) } else { self.wrong(WANTED, errors) }
    }

    /// An integer in a range.
    pub fn integer(&self, range: RangeInclusive<i64>, errors: &mut Errors) -> Option<i64> {
        const WANTED: &str = "an integer";
        let scalar = self.scalar(WANTED, errors)?;
        if scalar.kind != ScalarKind::Integer {
            return self.wrong(WANTED, errors);
        }
        let value = integer(&scalar.text).filter(|value| range.contains(value));
        if value.is_none() {
            let (least, most) = range.into_inner();
            errors.push(ErrorKind::OutOfRange { number: shown(&scalar.text), least, most }.at(self.place));
        }
        value
    }

    /// A finite decimal number, whole or not.
    pub fn number(&self, errors: &mut Errors) -> Option<f64> {
        const WANTED: &str = "a finite decimal number";
        let scalar = self.scalar(WANTED, errors)?;
        let value = match scalar.kind {
            // The core schema's words for infinity and not-a-number are no numbers to Rust.
            ScalarKind::Integer | ScalarKind::Float => scalar.text.parse().ok(),
            _ => None,
        };
        value.filter(|value: &f64| value.is_finite()).or_else(|| self.wrong(WANTED, errors))
    }

    /// A boolean.
    pub fn boolean(&self, errors: &mut Errors) -> Option<bool> {
        const WANTED: &str = "a boolean";
        match self.scalar(WANTED, errors)?.kind {
            ScalarKind::Bool(value) => Some(value),
            _ => self.wrong(WANTED, errors),
        }
    }

    /// One of several words, each with what it stands for.
    pub fn word<T: Copy>(&self, words: &[(&'static str, T)], errors: &mut Errors) -> Option<T> {
        let text = self.string(errors)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let allowed: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
            let nearest = nearest(text, allowed.iter().copied());
            errors.push(ErrorKind::UnknownWord { word: shown(text), nearest, allowed }.at(self.place));
        }
        found.map(|(_, value)| *value)
    }
}

/// A mapping whose keys are taken one by one; [`finish`](Self::finish) refuses the rest.
#[derive(Debug)]
pub struct Fields<'n> {
    mapping: &'n Mapping,
    place: Place,
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Where the mapping begins.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The value of a key that must be there.
    pub fn required(&mut self, key: &'static str, errors: &mut Errors) -> Option<&'n Node> {
        let found = self.optional(key);
        if found.is_none() {
            errors.push(ErrorKind::MissingKey { key }.at(self.place));
        }
        found
    }

    /// The value of a key that may be there.
    pub fn optional(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.mapping.get(key)
    }

    /// Refuses every key that was not asked for, except `x-…`.
    pub fn finish(self, errors: &mut Errors) {
        for Entry { key, .. } in &self.mapping.entries {
            if !self.known.contains(&key.text.as_str()) && !key.text.starts_with("x-") {
                if errors.is_full() {
                    errors.count();
                    continue;
                }
                let nearest = nearest(&key.text, self.known.iter().copied());
                let kind =
                    ErrorKind::UnknownKey { key: shown(&key.text), nearest, known: self.known.clone() };
                errors.push(kind.at(key.place));
            }
        }
    }
}

/// The known word that differs least, if it differs little.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // A word of one letter is near to every other, and a long one to none.
    let allowed = word.len().div_ceil(4).min(3).min(word.len().saturating_sub(1));
    let lower = word.to_ascii_lowercase();
    let near = known.into_iter().filter(|candidate| candidate.len().abs_diff(word.len()) <= allowed);
    let near =
        near.map(|candidate| (strsim::osa_distance(&lower, &candidate.to_ascii_lowercase()), candidate));
    near.filter(|(far, _)| *far <= allowed).min().map(|(_, candidate)| candidate)
}
