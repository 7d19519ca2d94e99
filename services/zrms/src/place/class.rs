//! Classes: spaces that ask the same of a host's description, and the hosts that answer.

use super::{Counts, Demand, Feature, Host, Rule};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What makes a class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub needs: BTreeSet<Feature>,
    pub regions: BTreeSet<String>,
    pub location: Option<String>,
}

impl Key {
    pub fn of(demand: &Demand) -> Self {
        Self {
            needs: demand.needs.clone(),
            regions: demand.regions.clone(),
            location: demand.location.clone(),
        }
    }

    /// The first rule by which a host's description excludes it.
    pub fn excludes(&self, host: &Host) -> Option<Rule> {
        if !self.regions.is_empty() && !self.regions.contains(&host.region) {
            return Some(Rule::Region);
        }
        // Features are ordered by kind as rules are.
        self.needs.iter().find(|need| !host.offers.contains(need)).map(|need| Rule::of(need.kind))
    }
}

/// The hosts of a class.
#[derive(Clone, Debug)]
pub struct Class {
    pub key: Key,
    /// Hosts that no description excludes, in order.
    pub eligible: Vec<u32>,
    /// Those of them that stand where the spaces do, in order.
    pub preferred: Vec<u32>,
    /// How many hosts descriptions exclude. Explanations share it; a change makes a new one.
    pub excluded: Arc<Counts>,
}

impl Class {
    pub fn new<'a>(key: Key, hosts: impl Iterator<Item = &'a Host>) -> Self {
        let (eligible, preferred) = (Vec::new(), Vec::new());
        let mut class = Self { key, eligible, preferred, excluded: Arc::default() };
        for (index, host) in (0..).zip(hosts) {
            class.judge(index, host, true);
        }
        class
    }

    /// Whether no description excludes the host.
    pub fn has(&self, host: u32) -> bool {
        self.eligible.binary_search(&host).is_ok()
    }

    /// A host's description comes or goes.
    pub fn judge(&mut self, index: u32, host: &Host, comes: bool) {
        let change = |list: &mut Vec<u32>| match (list.binary_search(&index), comes) {
            (Ok(at), false) => drop(list.remove(at)),
            (Err(at), true) => list.insert(at, index),
            _ => {}
        };
        if let Some(rule) = self.key.excludes(host) {
            let count = &mut Arc::make_mut(&mut self.excluded)[rule as usize];
            *count = if comes { *count + 1 } else { count.saturating_sub(1) };
            return;
        }
        change(&mut self.eligible);
        if self.key.location.is_some() && self.key.location == host.location {
            change(&mut self.preferred);
        }
    }
}
