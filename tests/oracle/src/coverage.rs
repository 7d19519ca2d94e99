//! Which constructs the generated programs used, and how their runs ended.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts one use.
    pub fn count(&mut self, what: &str) {
        self.add(what, 1);
    }

    /// Counts several uses.
    pub fn add(&mut self, what: &str, times: u64) {
        if let Some(count) = self.counts.get_mut(what) {
            *count += times;
        } else {
            self.counts.insert(what.to_owned(), times);
        }
    }

    /// How often.
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (what, times) in &other.counts {
            self.add(what, *times);
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line: Vec<String> = self.counts.iter().map(|(what, times)| format!("{what} {times}")).collect();
        f.write_str(&line.join(", "))
    }
}
