//! What breaks a rule, where, and what to do about it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use crate::place::Place;
use crate::rules::Rule;

/// Violations that one reading or one check reports: a hostile text does not fill memory with what is wrong with it.
pub const VIOLATIONS_MAX: usize = 100;

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where.
    pub place: Place,
    /// The space that it is about, where it is about one.
    pub space: Option<String>,
    /// The rule.
    pub rule: Rule,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Violation {
    /// A violation with the remedy of its rule.
    pub fn new(rule: Rule, place: &Place, message: String) -> Self {
        Self { place: place.clone(), space: None, rule, message, remedy: rule.remedy.to_owned() }
    }

    /// It is about this space.
    #[must_use]
    pub fn of(mut self, space: impl fmt::Display) -> Self {
        self.space = Some(alloc::format!("{space}"));
        self
    }

    /// What to do about it here.
    #[must_use]
    pub fn remedy(mut self, remedy: String) -> Self {
        self.remedy = remedy;
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.place)?;
        if let Some(space) = &self.space {
            write!(formatter, "space `{space}`: ")?;
        }
        write!(formatter, "{} [{}]; {}", self.message, self.rule.id, self.remedy)
    }
}

impl core::error::Error for Violation {}
