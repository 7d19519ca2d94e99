//! What a topology says.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use sci::guest::{GuestCapability, SpaceType};

use crate::agent::Agent;
use crate::capabilities::Capabilities;
use crate::name::{Kind, LocationId, Name, Namespace};
use crate::place::{Located, Place};

/// What every file's `apiVersion` is.
pub const API_VERSION: &str = "samoza/v1";

/// A topology as it is written.
#[derive(Clone, Debug)]
pub struct Topology {
    /// Its name.
    pub name: Located<Name>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is, for people.
    pub description: Option<String>,
    /// Its spaces.
    pub spaces: Vec<Space>,
    /// Its paths.
    pub paths: Vec<Path>,
    /// Its agents.
    pub agents: Vec<Agent>,
}

/// A space of a topology.
#[derive(Clone, Debug)]
pub struct Space {
    /// Its name, unique in the topology.
    pub name: Located<Name>,
    /// What it is for.
    pub kind: SpaceType,
    /// What it is granted; nothing stated is not the same as nothing granted.
    pub capabilities: Option<Vec<Located<GuestCapability>>>,
    /// The root of its keys; of DATA spaces only.
    pub namespace: Option<Located<Namespace>>,
    /// Where its code is, in a loose topology.
    pub source: Option<Located<Source>>,
    /// Where it may run.
    pub placement: Placement,
    /// What happens when it ends.
    pub restart: Restart,
}

/// Where the code of a space in a loose topology is, relative to the topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `mex:`, a package with exactly one space.
    Package(String),
    /// `build:`, a folder with its sources.
    Folder(String),
}

/// A path: messages go from one space to another, replies ride back.
#[derive(Clone, Debug)]
pub struct Path {
    /// Its name, unique among its sender's.
    pub name: Located<Name>,
    /// Who sends.
    pub from: Located<Name>,
    /// Who receives.
    pub to: Located<Name>,
}

/// Where a space may run.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    /// What it is given of a host.
    pub resources: Resources,
    /// The region of the host.
    pub region: Option<Name>,
    /// Types of sensors that the host has.
    pub sensors: Vec<Located<Kind>>,
    /// Displays that the host has.
    pub displays: Vec<Located<Name>>,
    /// Spaces that run on the same host.
    pub affinity: Vec<Located<Name>>,
    /// Spaces that run on other hosts.
    pub anti_affinity: Vec<Located<Name>>,
    /// The location of the world in which the host stands.
    pub location: Option<Located<LocationId>>,
}

/// What a space is given: reserved where it is placed, and never exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a processor.
    pub cpu_thousandths: Option<u32>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Bytes of stored values.
    pub storage_bytes: Option<u64>,
    /// Messages that wait for it.
    pub queue_messages: Option<u32>,
}

/// When a space that ended starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Whenever it ended.
    Always,
    /// When it failed.
    OnFailure,
    /// Never.
    Never,
}

impl RestartPolicy {
    /// Every policy.
    pub const ALL: &'static [Self] = &[Self::Always, Self::OnFailure, Self::Never];

    /// Its word in topologies.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::OnFailure => "on-failure",
            Self::Never => "never",
        }
    }
}

/// What happens when a space ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// When it starts again.
    pub policy: RestartPolicy,
    /// How often within the window; then it has failed.
    pub attempts: u32,
    /// Milliseconds in which attempts count.
    pub window_milliseconds: u64,
    /// Milliseconds before the first attempt; each further one waits twice as long.
    pub backoff_milliseconds: u64,
    /// Milliseconds that no wait exceeds.
    pub backoff_most_milliseconds: u64,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::OnFailure,
            attempts: 5,
            window_milliseconds: 60_000,
            backoff_milliseconds: 100,
            backoff_most_milliseconds: 10_000,
        }
    }
}

impl Topology {
    /// What paths add to the request and the grant of their ends alike: the right to send and to receive.
    pub fn added_by_paths(&self) -> BTreeMap<&Name, Capabilities> {
        let mut added: BTreeMap<&Name, Capabilities> = BTreeMap::new();
        for path in &self.paths {
            let ends = [(&path.from, GuestCapability::NetEmitTo), (&path.to, GuestCapability::NetRecvNext)];
            for (end, capability) in ends {
                let of_end = added.entry(&end.value).or_default();
                *of_end = of_end.with(capability);
            }
        }
        added
    }
}

impl Space {
    /// What it is granted besides what paths add; `inherited` are the grants of its own package, which hold where
    /// the topology states none.
    pub fn stated(&self, inherited: Capabilities) -> Capabilities {
        match &self.capabilities {
            Some(stated) => stated.iter().map(|capability| capability.value).collect(),
            None => inherited,
        }
    }

    /// The root of its keys, of a DATA space.
    pub fn effective_namespace(&self) -> Option<Namespace> {
        let stated = self.namespace.as_ref().map(|namespace| namespace.value.clone());
        (self.kind == SpaceType::Data)
            .then(|| stated.unwrap_or_else(|| Namespace::of_space(&self.name.value)))
    }

    /// Where it is written.
    pub const fn place(&self) -> &Place {
        &self.name.place
    }
}
