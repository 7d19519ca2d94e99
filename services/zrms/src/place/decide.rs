//! The decision: which hosts are asked, and which is taken.

use super::class::Class;
use super::placer::Placer;
use super::{Counts, Reason, Resources, Rule};
use crate::random;
use alloc::sync::Arc;

/// Hosts that are asked before one is taken, if there are more.
const DRAWS: usize = 8;
/// No host, no group.
pub(super) const NONE: u32 = u32::MAX;

/// Memory, CPU, messages.
pub(super) type Amounts = [u64; 3];

pub(super) const SCARCE: [Rule; 3] = [Rule::Memory, Rule::Cpu, Rule::Messages];

pub(super) fn amounts(resources: &Resources) -> Amounts {
    [resources.memory, resources.cpu.into(), resources.messages.into()]
}

/// What is read for each host that is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    pub(super) capacity: Amounts,
    pub(super) used: Amounts,
    pub(super) alive: bool,
    pub(super) draining: bool,
}

impl Load {
    pub(super) fn free(&self) -> Amounts {
        core::array::from_fn(|at| self.capacity[at].saturating_sub(self.used[at]))
    }

    /// The load of the scarcest resource with a need more, in 65,536ths.
    pub(super) fn with(&self, need: &Amounts) -> u64 {
        let share = |at: usize| {
            let (used, capacity) = (self.used[at].saturating_add(need[at]), self.capacity[at]);
            // So that the product fits a word.
            let shift = (64 - used.max(capacity).leading_zeros()).saturating_sub(48);
            ((used >> shift) << 16).checked_div(capacity >> shift).unwrap_or(0)
        };
        share(0).max(share(1)).max(share(2))
    }
}

/// What is kept of a decision.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) host: u32,
    pub(super) reason: Reason,
    pub(super) load: u32,
    pub(super) hosts: u32,
    pub(super) eligible: u32,
    pub(super) asked: u32,
    pub(super) fixed: Arc<Counts>,
    pub(super) excluded: [u32; Rule::ALL.len() - Rule::FIXED],
}

/// One space, or a group that is placed as a whole.
pub(super) struct Ask<'a> {
    pub(super) key: u64,
    pub(super) class: &'a Class,
    /// Classes of the other members.
    pub(super) others: &'a [u32],
    pub(super) need: Amounts,
    pub(super) apart: &'a [u32],
    /// The host of the members that run, if some do.
    pub(super) bound: u32,
    /// Whether members must be apart from each other.
    pub(super) torn: bool,
}

impl Placer {
    pub(super) fn decide(&self, ask: &Ask<'_>) -> Kept {
        let mut kept = Kept {
            host: NONE,
            reason: Reason::Load,
            load: 0,
            hosts: self.hosts.len() as u32,
            eligible: ask.class.eligible.len() as u32,
            asked: 0,
            fixed: Arc::clone(&ask.class.excluded),
            excluded: Default::default(),
        };
        let (eligible, preferred) = (&ask.class.eligible[..], &ask.class.preferred[..]);
        let few = ask.bound != NONE || eligible.len() <= DRAWS;
        if few || !(self.ask_some(ask, preferred, &mut kept) || self.ask_some(ask, eligible, &mut kept)) {
            self.ask_all(ask, &mut kept);
        }
        let is_preferred = || preferred.binary_search(&kept.host).is_ok();
        if ask.bound != NONE {
            kept.reason = Reason::Together;
        } else if !preferred.is_empty() && is_preferred() {
            kept.reason = Reason::Location;
        }
        kept
    }

    /// Asks one host of each of a few equal parts of a list; whether one fits.
    fn ask_some(&self, ask: &Ask<'_>, hosts: &[u32], kept: &mut Kept) -> bool {
        kept.asked = 0;
        kept.excluded = Default::default();
        let parts = DRAWS.min(hosts.len());
        let mut best = u64::MAX;
        for part in 0..parts {
            let (from, to) = (hosts.len() * part / parts, hosts.len() * (part + 1) / parts);
            let drawn = random::below(random::mix(ask.key.wrapping_add(part as u64)), to - from);
            self.ask(ask, hosts[from + drawn], &mut best, kept);
        }
        kept.host != NONE
    }

    /// Asks every eligible host, from a drawn one on. One that stands where the space does goes before others.
    fn ask_all(&self, ask: &Ask<'_>, kept: &mut Kept) {
        for hosts in [&ask.class.preferred, &ask.class.eligible] {
            kept.asked = 0;
            kept.excluded = Default::default();
            let mut best = u64::MAX;
            let first = random::below(ask.key, hosts.len().max(1));
            for &host in hosts[first..].iter().chain(&hosts[..first]) {
                self.ask(ask, host, &mut best, kept);
            }
            if kept.host != NONE {
                return;
            }
        }
    }

    fn ask(&self, ask: &Ask<'_>, host: u32, best: &mut u64, kept: &mut Kept) {
        kept.asked += 1;
        match self.excludes(ask, host) {
            Some(rule) => kept.excluded[rule as usize - Rule::FIXED] += 1,
            None => {
                let load = self.loads[host as usize].with(&ask.need);
                if load < *best {
                    *best = load;
                    kept.host = host;
                    kept.load = ((load * 100) >> 16) as u32;
                }
            }
        }
    }

    /// The first rule that keeps what is asked for from a host that no description excludes.
    fn excludes(&self, ask: &Ask<'_>, host: u32) -> Option<Rule> {
        let load = &self.loads[host as usize];
        if !load.alive {
            return Some(Rule::Dead);
        }
        if load.draining {
            return Some(Rule::Draining);
        }
        let elsewhere = ask.bound != NONE && ask.bound != host;
        if elsewhere || ask.others.iter().any(|&class| !self.classes.at(class).has(host)) {
            return Some(Rule::Together);
        }
        if ask.torn || ask.apart.iter().any(|&group| self.apart.at(group).contains_key(&host)) {
            return Some(Rule::Apart);
        }
        let free = load.free();
        (0..3).find(|&at| ask.need[at] > free[at]).map(|at| SCARCE[at])
    }
}
