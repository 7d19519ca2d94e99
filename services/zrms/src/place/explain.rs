//! Why a space is where it is, or nowhere.

use super::Rule;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Why one host was taken before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its group runs there.
    Together,
    /// It stands where the space does.
    Location,
    /// It has the least load of those asked.
    Load,
    /// It was there already: the decision is older than this process.
    Kept,
}

/// The host that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its name.
    pub host: String,
    /// Why.
    pub reason: Reason,
    /// Its load with the space, of its scarcest resource, in percent.
    pub load: u32,
}

/// A decision and what led to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The host, if one fitted.
    pub choice: Option<Choice>,
    /// Hosts that there were.
    pub hosts: u32,
    /// Hosts that no description excludes.
    pub eligible: u32,
    /// Eligible hosts that were asked.
    pub asked: u32,
    /// How many hosts each rule excluded: by their descriptions all of them, by the rest those asked.
    pub excluded: Vec<(Rule, u32)>,
    /// What would help, if no host fitted.
    pub remedy: Option<String>,
}

impl Explanation {
    /// Hosts that would have done, but were not as good.
    pub fn outdone(&self) -> u32 {
        let refused: u32 = self
            .excluded
            .iter()
            .filter(|(rule, _)| *rule as usize >= Rule::FIXED)
            .map(|(_, hosts)| hosts)
            .sum();
        self.asked.saturating_sub(refused + u32::from(self.choice.is_some()))
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Some(choice) => {
                let why = match choice.reason {
                    Reason::Together => "its group runs there",
                    Reason::Location => "it stands there",
                    Reason::Load => "the least load of those asked",
                    Reason::Kept => "it ran there already",
                };
                write!(f, "on `{}`: {why}, {} % with it", choice.host, choice.load)?;
            }
            None => f.write_str("no host fits")?,
        }
        write!(f, "; {} of {} eligible hosts asked", self.asked, self.eligible)?;
        for (rule, hosts) in &self.excluded {
            write!(f, "; {}: {hosts} excluded", rule.name())?;
        }
        if self.outdone() > 0 {
            write!(f, "; {} fit less well", self.outdone())?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}
