//! What holds between the parts: topology, spaces, world, and what code needs.

mod agents;
mod authority;
mod graph;
mod world;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::agent::Agent;
use crate::capabilities::Capabilities;
use crate::name::Name;
use crate::place::Located;
use crate::rules;
use crate::space::SpaceManifest;
use crate::topology::{Space, Topology};
use crate::violation::{VIOLATIONS_MAX, Violation};
use crate::world::World;

/// What is known of a space beside the topology.
#[derive(Clone, Debug, Default)]
pub struct SpaceFacts {
    /// Its `space.yaml`.
    pub manifest: Option<SpaceManifest>,
    /// What its code needs, proved by its imports; nothing where the code was not looked at, and for UI spaces.
    pub needs: Option<Capabilities>,
    /// What its own package grants it; it holds where a loose topology states nothing.
    pub inherited: Capabilities,
}

/// How strictly, and where the topology was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Whether the topology lies in a package.
    pub packaged: bool,
    /// Whether extensions of `samoza/v1` are refused.
    pub strict: bool,
}

/// All that is judged together.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// Its world.
    pub world: Option<&'a World>,
    /// What is known of its spaces.
    pub spaces: &'a BTreeMap<Name, SpaceFacts>,
}

/// Holds an application against every semantic rule. What is wrong comes in the order of its places, at most
/// [`VIOLATIONS_MAX`] of it.
pub fn check(application: Application<'_>, mode: Mode) -> Vec<Violation> {
    let mut found = Found { list: Vec::new(), index: Index::of(application.topology) };
    graph::check(application.topology, mode, &mut found);
    authority::check(application, mode, &mut found);
    agents::check(application, &mut found);
    world::check(application, &mut found);
    let mut list = found.list;
    list.sort_by(|a, b| (&a.place, a.rule.id).cmp(&(&b.place, b.rule.id)));
    list
}

/// Holds a topology alone against the rules that need nothing else: names, paths, namespaces, placement.
pub fn check_alone(topology: &Topology) -> Vec<Violation> {
    let mut found = Found { list: Vec::new(), index: Index::of(topology) };
    graph::check(topology, Mode::default(), &mut found);
    let mut list = found.list;
    list.sort_by(|a, b| (&a.place, a.rule.id).cmp(&(&b.place, b.rule.id)));
    list
}

/// Spaces and agents by name; the first, where a name is there twice.
struct Index<'a> {
    spaces: BTreeMap<&'a Name, &'a Space>,
    agents: BTreeMap<&'a Name, &'a Agent>,
}

impl<'a> Index<'a> {
    fn of(topology: &'a Topology) -> Self {
        let (mut spaces, mut agents) = (BTreeMap::new(), BTreeMap::new());
        for space in &topology.spaces {
            spaces.entry(&space.name.value).or_insert(space);
        }
        for agent in &topology.agents {
            agents.entry(&agent.name.value).or_insert(agent);
        }
        Self { spaces, agents }
    }
}

/// What was found, and by what it is found.
struct Found<'a> {
    list: Vec<Violation>,
    index: Index<'a>,
}

impl<'a> Found<'a> {
    fn add(&mut self, violation: Violation) {
        if !self.is_full() {
            self.list.push(violation);
        }
    }

    fn is_full(&self) -> bool {
        self.list.len() >= VIOLATIONS_MAX
    }

    /// The space of a name that must be there; `what` names it.
    fn space(&mut self, name: &Located<Name>, what: &str, of: Option<&Name>) -> Option<&'a Space> {
        let found = self.index.spaces.get(&name.value).copied();
        if found.is_none() && !self.is_full() {
            let message = format!("{what} is `{}`, which the topology does not have", name.value);
            let remedy = one_of("spaces", &name.value, self.index.spaces.keys());
            let violation = Violation::new(rules::UNKNOWN_SPACE, &name.place, message);
            let violation = remedy.into_iter().fold(violation, Violation::remedy);
            self.add(of.into_iter().fold(violation, Violation::of));
        }
        found
    }

    /// The agent of a name that must be there; `what` names it.
    fn agent(&mut self, name: &Located<Name>, what: &str, of: Option<&Name>) -> Option<&'a Agent> {
        let found = self.index.agents.get(&name.value).copied();
        if found.is_none() && !self.is_full() {
            let message = format!("{what} is `{}`, which the topology does not have", name.value);
            let remedy = one_of("agents", &name.value, self.index.agents.keys());
            let violation = Violation::new(rules::UNKNOWN_AGENT, &name.place, message);
            let violation = remedy.into_iter().fold(violation, Violation::remedy);
            self.add(of.into_iter().fold(violation, Violation::of));
        }
        found
    }

    /// Refuses what is there already.
    fn unique<'n, K: Ord + core::fmt::Display + 'n>(
        &mut self,
        rule: rules::Rule,
        what: &str,
        names: impl Iterator<Item = &'n Located<K>>,
        of: Option<&Name>,
    ) {
        let mut seen: BTreeMap<&K, &Located<K>> = BTreeMap::new();
        for name in names {
            if let Some(first) = seen.get(&name.value) {
                let message = format!("{what} `{}` is there twice; first at {}", name.value, first.place);
                let violation = Violation::new(rule, &name.place, message);
                self.add(of.into_iter().fold(violation, Violation::of));
            } else {
                seen.insert(&name.value, name);
            }
        }
    }
}

/// The names that could have been meant, where they are few.
fn one_of<'n>(
    what: &str,
    wrong: &Name,
    names: impl ExactSizeIterator<Item = &'n &'n Name>,
) -> Option<String> {
    const FEW: usize = 8;
    let count = names.len();
    let mut near: Vec<&str> = Vec::new();
    for name in names {
        // What is one word of the other, or begins alike, was probably meant.
        let (name, wrong) = (name.as_str(), wrong.as_str());
        let alike = name.bytes().zip(wrong.bytes()).take_while(|(a, b)| a == b).count();
        if count <= FEW || alike >= 3 || name.contains(wrong) || wrong.contains(name) {
            near.push(name);
        }
    }
    near.truncate(FEW);
    let list = near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    (!near.is_empty()).then(|| format!("{what} here: {list}"))
}
