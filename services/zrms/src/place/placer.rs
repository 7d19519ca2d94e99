//! The placer: what hosts have left, who runs where, and the decision.

use super::class::{Class, Key};
use super::decide::{Amounts, Ask, Kept, Load, NONE, SCARCE, amounts};
use super::table::Table;
use super::{Choice, Demand, Explanation, Host, Reason, Resources, Rule};
use crate::random;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A host that was described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostId(u32);

/// A space that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpaceId(u32);

#[derive(Clone, Debug)]
struct Entry {
    demand: Box<Demand>,
    key: u64,
    class: u32,
    need: Amounts,
    together: u32,
    apart: Box<[u32]>,
    host: u32,
    kept: Kept,
}

/// Spaces that are placed as a whole.
#[derive(Default)]
struct Unit {
    need: Amounts,
    apart: Vec<u32>,
    classes: Vec<u32>,
}

impl Unit {
    fn ask<'a>(&'a self, placer: &'a Placer, lead: &Entry, bound: u32) -> Ask<'a> {
        let narrowest =
            self.classes.iter().copied().min_by_key(|&class| placer.classes.at(class).eligible.len());
        Ask {
            key: lead.key,
            class: placer.classes.at(narrowest.unwrap_or(lead.class)),
            others: &self.classes,
            need: self.need,
            apart: &self.apart,
            bound,
            torn: self.apart.windows(2).any(|pair| pair[0] == pair[1]),
        }
    }
}

/// A group whose spaces run on one host.
#[derive(Clone, Debug, Default)]
struct Together {
    members: Vec<u32>,
}

/// Decides where spaces run. The same calls with the same seed give the same decisions.
#[derive(Clone, Debug)]
pub struct Placer {
    seed: u64,
    pub(super) hosts: Vec<Host>,
    pub(super) loads: Vec<Load>,
    on: Vec<Vec<u32>>,
    by_name: BTreeMap<String, u32>,
    pub(super) classes: Table<Key, Class>,
    together: Table<String, Together>,
    /// For each group the hosts with spaces of it, in order, and how many.
    pub(super) apart: Table<String, BTreeMap<u32, u32>>,
    spaces: Vec<Option<Entry>>,
    unused: Vec<u32>,
}

impl Placer {
    /// No hosts, no spaces.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            hosts: Vec::new(),
            loads: Vec::new(),
            on: Vec::new(),
            by_name: BTreeMap::new(),
            classes: Table::default(),
            together: Table::default(),
            apart: Table::default(),
            spaces: Vec::new(),
            unused: Vec::new(),
        }
    }

    /// Takes a host's description, of a new host or in place of the earlier one. The host is alive.
    pub fn describe(&mut self, host: Host) -> HostId {
        let (capacity, draining) = (amounts(&host.capacity), host.draining);
        let index = if let Some(&index) = self.by_name.get(&host.name) {
            let old = core::mem::replace(&mut self.hosts[index as usize], host);
            let new = &self.hosts[index as usize];
            if (&old.region, &old.location, &old.offers) != (&new.region, &new.location, &new.offers) {
                for class in self.classes.each() {
                    class.judge(index, &old, false);
                    class.judge(index, new, true);
                }
            }
            index
        } else {
            let index = self.hosts.len() as u32;
            self.by_name.insert(host.name.clone(), index);
            for class in self.classes.each() {
                class.judge(index, &host, true);
            }
            self.hosts.push(host);
            self.loads.push(Load::default());
            self.on.push(Vec::new());
            index
        };
        let load = &mut self.loads[index as usize];
        *load = Load { capacity, used: load.used, alive: true, draining };
        HostId(index)
    }

    /// A host's number.
    pub fn host(&self, name: &str) -> Option<HostId> {
        self.by_name.get(name).copied().map(HostId)
    }

    /// A host's description.
    pub fn description(&self, host: HostId) -> &Host {
        &self.hosts[host.0 as usize]
    }

    /// What a host's spaces take.
    pub fn used(&self, host: HostId) -> Resources {
        let [memory, cpu, messages] = self.loads[host.0 as usize].used;
        let narrow = |amount: u64| u32::try_from(amount).unwrap_or(u32::MAX);
        Resources { memory, cpu: narrow(cpu), messages: narrow(messages) }
    }

    /// The spaces on a host.
    pub fn on(&self, host: HostId) -> impl Iterator<Item = SpaceId> {
        self.on[host.0 as usize].iter().copied().map(SpaceId)
    }

    /// A host is dead until it is described again: its spaces run nowhere. They come in the order of their names'
    /// hashes, whatever happened before.
    pub fn bury(&mut self, host: HostId) -> Vec<SpaceId> {
        self.loads[host.0 as usize].alive = false;
        let mut gone = self.on[host.0 as usize].clone();
        gone.sort_unstable_by_key(|&space| (self.entry(SpaceId(space)).key, space));
        let gone: Vec<SpaceId> = gone.into_iter().map(SpaceId).collect();
        for &space in &gone {
            self.release(space);
        }
        gone
    }

    /// Adds a space, which runs nowhere yet. The name gives the draw of hosts.
    pub fn add(&mut self, name: &str, demand: Demand) -> SpaceId {
        let index = self.unused.pop().unwrap_or_else(|| {
            self.spaces.push(None);
            self.spaces.len() as u32 - 1
        });
        let key = Key::of(&demand);
        let class = self.classes.enter(&key, || Class::new(key.clone(), self.hosts.iter()));
        let together = demand.together.as_ref().map_or(NONE, |group| {
            let number = self.together.enter(group, Together::default);
            self.together.at_mut(number).members.push(index);
            number
        });
        let apart = demand.apart.iter().map(|group| self.apart.enter(group, BTreeMap::new)).collect();
        self.spaces[index as usize] = Some(Entry {
            key: random::mix(random::of_name(name) ^ self.seed),
            class,
            need: amounts(&demand.resources),
            together,
            apart,
            host: NONE,
            kept: Kept {
                host: NONE,
                reason: Reason::Kept,
                load: 0,
                hosts: 0,
                eligible: 0,
                asked: 0,
                fixed: Arc::clone(&self.classes.at(class).excluded),
                excluded: Default::default(),
            },
            demand: Box::new(demand),
        });
        SpaceId(index)
    }

    /// Forgets a space; its number is another's next.
    pub fn remove(&mut self, space: SpaceId) {
        self.release(space);
        let Some(entry) = self.spaces[space.0 as usize].take() else { return };
        self.classes.leave(&Key::of(&entry.demand));
        if let Some(group) = &entry.demand.together {
            self.together.at_mut(entry.together).members.retain(|&member| member != space.0);
            self.together.leave(group);
        }
        entry.demand.apart.iter().for_each(|group| self.apart.leave(group));
        self.unused.push(space.0);
    }

    /// The host that a space is on.
    pub fn host_of(&self, space: SpaceId) -> Option<HostId> {
        Some(self.entry(space).host).filter(|&host| host != NONE).map(HostId)
    }

    /// Puts a space on a host, whatever the rules say: it runs there already.
    pub fn keep(&mut self, space: SpaceId, host: HostId) {
        self.release(space);
        let need = self.entry(space).need;
        let (class, load) = (self.entry(space).class, self.loads[host.0 as usize].with(&need));
        let class = self.classes.at(class);
        let kept = Kept {
            host: host.0,
            reason: Reason::Kept,
            load: ((load.min(1 << 20) * 100) >> 16) as u32,
            hosts: self.hosts.len() as u32,
            eligible: class.eligible.len() as u32,
            asked: 0,
            fixed: Arc::clone(&class.excluded),
            excluded: Default::default(),
        };
        self.put(space.0, kept);
    }

    /// Takes a space off its host.
    pub fn release(&mut self, space: SpaceId) {
        let Some(entry) = self.spaces.get_mut(space.0 as usize).and_then(Option::as_mut) else { return };
        let host = core::mem::replace(&mut entry.host, NONE);
        if host == NONE {
            return;
        }
        let used = &mut self.loads[host as usize].used;
        *used = core::array::from_fn(|at| used[at].saturating_sub(entry.need[at]));
        let on = &mut self.on[host as usize];
        if let Some(at) = on.iter().rposition(|&other| other == space.0) {
            on.swap_remove(at);
        }
        for &group in &entry.apart {
            let hosts = self.apart.at_mut(group);
            if let Some(count) = hosts.get_mut(&host) {
                *count -= 1;
                if *count == 0 {
                    hosts.remove(&host);
                }
            }
        }
    }

    /// Decides where a space runs, unless it runs; with it every other space of its group that runs nowhere.
    /// The explanation is kept, also where no host fits.
    pub fn place(&mut self, space: SpaceId) -> Option<HostId> {
        let entry = self.entry(space);
        if entry.host != NONE {
            return Some(HostId(entry.host));
        }
        if entry.together != NONE {
            return self.place_group(space);
        }
        let kept = self.decide(&Ask {
            key: entry.key,
            class: self.classes.at(entry.class),
            others: &[],
            need: entry.need,
            apart: &entry.apart,
            bound: NONE,
            torn: false,
        });
        self.put(space.0, kept)
    }

    fn place_group(&mut self, space: SpaceId) -> Option<HostId> {
        let mut members = self.members(space);
        let bound = members.iter().map(|&member| self.entry(member).host).min().unwrap_or(NONE);
        members.retain(|&member| self.entry(member).host == NONE);
        let kept = self.decide(&self.unit(&members).ask(self, self.entry(space), bound));
        members.iter().filter_map(|member| self.put(member.0, kept.clone())).last()
    }

    fn unit(&self, members: &[SpaceId]) -> Unit {
        let mut unit = Unit::default();
        for &member in members {
            let entry = self.entry(member);
            unit.need = core::array::from_fn(|at| unit.need[at].saturating_add(entry.need[at]));
            unit.apart.extend_from_slice(&entry.apart);
            unit.classes.push(entry.class);
        }
        unit.apart.sort_unstable();
        unit
    }

    /// The rule that a space's host no longer keeps to, if any: its description changed, or it has less. For a group
    /// it is the rule of any of its spaces.
    pub fn violated(&self, space: SpaceId) -> Option<Rule> {
        let entry = self.entry(space);
        let host = Some(entry.host).filter(|&host| host != NONE)?;
        let load = &self.loads[host as usize];
        let described = |space| {
            let class = self.classes.at(self.entry(space).class);
            class.key.excludes(&self.hosts[host as usize])
        };
        let scarce = || (0..3).find(|&at| load.used[at] > load.capacity[at]).map(|at| SCARCE[at]);
        self.members(space)
            .into_iter()
            .find_map(described)
            .or((!load.alive).then_some(Rule::Dead))
            .or(load.draining.then_some(Rule::Draining))
            .or_else(scarce)
    }

    /// Whether there is another host for a space that has one, and for its whole group.
    pub fn fits_elsewhere(&self, space: SpaceId) -> bool {
        let members = self.members(space);
        let unit = self.unit(&members);
        let kept = self.decide(&unit.ask(self, self.entry(space), NONE));
        kept.host != NONE && kept.host != self.entry(space).host
    }

    fn members(&self, space: SpaceId) -> Vec<SpaceId> {
        match self.entry(space).together {
            NONE => [space].into(),
            group => self.together.at(group).members.iter().copied().map(SpaceId).collect(),
        }
    }

    /// The last decision for a space, and what led to it.
    pub fn explain(&self, space: SpaceId) -> Explanation {
        let (entry, kept) = (self.entry(space), &self.entry(space).kept);
        let choice = (kept.host != NONE).then(|| Choice {
            host: self.hosts[kept.host as usize].name.clone(),
            reason: kept.reason,
            load: kept.load,
        });
        let count = |rule: Rule| {
            let at = rule as usize;
            if at < Rule::FIXED { kept.fixed[at] } else { kept.excluded[at - Rule::FIXED] }
        };
        let excluded: Vec<_> =
            Rule::ALL.iter().map(|&rule| (rule, count(rule))).filter(|(_, hosts)| *hosts > 0).collect();
        let remedy = (choice.is_none() && kept.hosts > 0).then(|| self.remedy(entry));
        let remedy = remedy.or_else(|| (kept.hosts == 0).then(|| "start a host".into()));
        Explanation {
            remedy: remedy.filter(|_| choice.is_none()),
            choice,
            hosts: kept.hosts,
            eligible: kept.eligible,
            asked: kept.asked,
            excluded,
        }
    }

    /// What would help: said of the state now, since help is needed now.
    fn remedy(&self, entry: &Entry) -> String {
        let class = self.classes.at(entry.class);
        if class.eligible.is_empty() {
            let missing = entry
                .demand
                .needs
                .iter()
                .find(|need| self.hosts.iter().all(|host| !host.offers.contains(need)));
            if let Some(need) = missing {
                return format!("no host offers {need}: attach one, or take the need away");
            }
            let regions = &entry.demand.regions;
            if !regions.is_empty() && self.hosts.iter().all(|host| !regions.contains(&host.region)) {
                let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
                return format!(
                    "no host is in {}: start one there, or allow another region",
                    regions.join(", ")
                );
            }
            return "no host offers all that it needs in one place: see the counts".into();
        }
        let last = |rule: &Rule| entry.kept.excluded[*rule as usize - Rule::FIXED];
        let worst = Rule::ALL[Rule::FIXED..].iter().max_by_key(|rule| last(rule)).copied();
        let most = |at: usize| {
            let open = class.eligible.iter().map(|&host| &self.loads[host as usize]);
            open.filter(|load| load.alive && !load.draining).map(|load| load.free()[at]).max().unwrap_or(0)
        };
        match worst {
            Some(Rule::Dead) => "the eligible hosts do not answer: bring one back".into(),
            Some(Rule::Draining) => "the eligible hosts take no more spaces: end the drain of one".into(),
            Some(Rule::Together) => "its group runs where it does not fit: stop the group, so that it is placed as a whole".into(),
            Some(Rule::Apart) => "each eligible host has a space that it must be apart from: add a host, or take the group away".into(),
            _ if entry.together != NONE => {
                "no eligible host has room for its whole group: add one, or make the group smaller".into()
            }
            Some(Rule::Memory) => format!("needs {} bytes of memory, the most free is {}", entry.need[0], most(0)),
            Some(Rule::Cpu) => format!("needs {} thousandths of a CPU, the most free is {}", entry.need[1], most(1)),
            _ => format!("needs {} messages a second, the most free is {}", entry.need[2], most(2)),
        }
    }

    fn entry(&self, space: SpaceId) -> &Entry {
        self.spaces[space.0 as usize].as_ref().expect("a space's number is not used after its removal")
    }

    /// Carries out a decision.
    fn put(&mut self, space: u32, kept: Kept) -> Option<HostId> {
        let host = kept.host;
        let entry = self.spaces[space as usize].as_mut().expect("a decision is about a space that there is");
        entry.kept = kept;
        if host == NONE {
            return None;
        }
        entry.host = host;
        let used = &mut self.loads[host as usize].used;
        *used = core::array::from_fn(|at| used[at].saturating_add(entry.need[at]));
        self.on[host as usize].push(space);
        for &group in &entry.apart {
            *self.apart.at_mut(group).entry(host).or_default() += 1;
        }
        Some(HostId(host))
    }
}
