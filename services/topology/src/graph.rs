//! The Space–Path Graph: what is to run, with one form in bytes.
//!
//! The form is JSON as RFC 8785 writes it: members in the order of their names, no white space; numbers are whole,
//! and lists are in the order of what they list. What is stated at its default and what is not stated are the same, and left out. Places,
//! owners, descriptions and where code comes from are no part of it: a loose topology and the package built from it
//! are one graph.

mod json;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use sci::digest::sha256;
use sci::guest::SpaceType;

use crate::agent::AgentBody;
use crate::capabilities::Capabilities;
use crate::name::{Kind, LocationId, Name, Namespace};
use crate::topology::{Resources, Restart, Topology};

/// The first member of the form; it grows by members that are left out at their default.
pub const FORM: &str = "space-path-graph-1";

/// The graph of a topology. What stands in lists is sorted and there once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The topology's name.
    pub name: Name,
    /// Its spaces, by name.
    pub spaces: Vec<Node>,
    /// Its paths, by sender and name.
    pub paths: Vec<Edge>,
    /// Its agents, by name.
    pub agents: BTreeMap<Name, AgentBody<Name>>,
}

/// A space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub kind: SpaceType,
    /// All that it may do, what paths add among it.
    pub grant: Capabilities,
    /// The root of its keys, of a DATA space.
    pub namespace: Option<Namespace>,
    /// Where it may run.
    pub placement: Demand,
    /// What happens when it ends.
    pub restart: Restart,
}

/// Where a space may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// What it is given of a host.
    pub resources: Resources,
    /// The region of the host.
    pub region: Option<Name>,
    /// Types of sensors that the host has.
    pub sensors: BTreeSet<Kind>,
    /// Displays that the host has.
    pub displays: BTreeSet<Name>,
    /// Spaces that run on the same host.
    pub affinity: BTreeSet<Name>,
    /// Spaces that run on other hosts.
    pub anti_affinity: BTreeSet<Name>,
    /// The location in which the host stands.
    pub location: Option<LocationId>,
}

/// A path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who sends.
    pub from: Name,
    /// Its name, unique among its sender's.
    pub name: Name,
    /// Who receives.
    pub to: Name,
}

impl Graph {
    /// The graph of a topology that [`crate::check::check`] found nothing wrong with; `inherited` are the grants of
    /// a space's own package, which hold where the topology states none.
    pub fn of(topology: &Topology, inherited: impl Fn(&Name) -> Capabilities) -> Self {
        let added = topology.added_by_paths();
        let mut spaces: Vec<Node> = topology
            .spaces
            .iter()
            .map(|space| {
                let name = &space.name.value;
                let placement = &space.placement;
                Node {
                    name: name.clone(),
                    kind: space.kind,
                    grant: space.stated(inherited(name)).union(added.get(name).copied().unwrap_or_default()),
                    namespace: space.effective_namespace(),
                    placement: Demand {
                        resources: placement.resources,
                        region: placement.region.clone(),
                        sensors: placement.sensors.iter().map(|kind| kind.value.clone()).collect(),
                        displays: placement.displays.iter().map(|name| name.value.clone()).collect(),
                        affinity: placement.affinity.iter().map(|name| name.value.clone()).collect(),
                        anti_affinity: placement
                            .anti_affinity
                            .iter()
                            .map(|name| name.value.clone())
                            .collect(),
                        location: placement.location.as_ref().map(|location| location.value.clone()),
                    },
                    restart: space.restart,
                }
            })
            .collect();
        spaces.sort_by(|a, b| a.name.cmp(&b.name));
        let mut paths: Vec<Edge> = topology
            .paths
            .iter()
            .map(|path| Edge {
                from: path.from.value.clone(),
                name: path.name.value.clone(),
                to: path.to.value.clone(),
            })
            .collect();
        paths.sort();
        let agents =
            topology.agents.iter().map(|agent| (agent.name.value.clone(), agent.body.plain())).collect();
        Self { name: topology.name.value.clone(), spaces, paths, agents }
    }

    /// The space of a name.
    pub fn space(&self, name: &Name) -> Option<&Node> {
        self.spaces.binary_search_by(|space| space.name.cmp(name)).ok().map(|at| &self.spaces[at])
    }

    /// The paths that begin at a space.
    pub fn outgoing(&self, name: &Name) -> &[Edge] {
        let begin = self.paths.partition_point(|path| path.from < *name);
        let end = self.paths.partition_point(|path| path.from <= *name);
        &self.paths[begin..end]
    }

    /// The canonical form: the same content, the same bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        json::write(&self.value(), &mut text);
        text.into_bytes()
    }

    /// The SHA-256 of the canonical form.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.bytes())
    }
}
