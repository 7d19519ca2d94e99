//! What is known of a package that is to run.

use crate::image::{self, Image};
use crate::question::Problem;
use sci::guest::SpaceType;
use sci::sign::PublicKey;
use services_topology::agent::AgentBody;
use services_topology::graph::{Demand as Wanted, Graph, Node};
use services_topology::topology::{Restart, RestartPolicy as Policy};
use services_topology::world::World;
use services_zmesh::{Declaration, EventDeclaration, PathDeclaration, PathRules};
use services_zrms::control::SpaceSpec;
use services_zrms::place::{Demand, Feature, FeatureKind, Resources};
use services_zrms::restart::{RestartPolicy, When};
use services_zrms::verdict::SignedVerdict;
use services_zrun::agents::Own;
use services_zrun::linux::Wave;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that a guest's memory may grow to where the topology states nothing.
pub const MEMORY_BYTES: u64 = 256 << 20;
/// Bytes that are reserved for a space where the topology states nothing.
const RESERVED_BYTES: u64 = 1 << 20;
/// Bytes of keys and values that a space may store where nothing is stated.
pub const STORAGE_BYTES: u64 = 64 << 20;
/// Milliseconds that a space has to end by itself when it is stopped.
const STOP_MILLISECONDS: u64 = 2000;

/// A package that was verified, and is ready to run.
#[derive(Clone, Debug)]
pub struct Application {
    /// How it stands by the trust policy, for people.
    pub trust: String,
    /// SHA-256 of the package.
    pub package: [u8; 32],
    /// What was found of the package.
    pub verdict: SignedVerdict,
    /// What is to run.
    pub graph: Graph,
    /// The world that it is for.
    pub world: Option<World>,
    /// What each space is made of.
    pub contents: BTreeMap<String, Content>,
    /// Signed images of the modules that recognize events, by name.
    pub recognizers: BTreeMap<String, Arc<Vec<u8>>>,
}

/// What a space is made of.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// The hash of all of it: a space whose hash changes starts anew.
    pub hash: [u8; 32],
    /// The signed image of its module; a user interface has none.
    pub image: Option<Image>,
    /// The files of a user interface, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Bytes that it may store.
    pub quota: Option<u64>,
    /// Whether what it stores is gone when it stops.
    pub ephemeral: bool,
    /// The events that it may emit.
    pub events: Vec<String>,
    /// Ids of the sensors and actuators that it may use.
    pub devices: Vec<String>,
    /// Those of them that are simulated where the machine has none.
    pub stand_ins: Vec<StandIn>,
    /// Services that it may ask, and a model of its own.
    pub own: Own,
    /// Answers that are recorded: `docs/agents.md` describes the file.
    pub answers: Vec<u8>,
}

/// A device that is simulated where the machine has none.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Of a sensor, its values; otherwise it is an actuator.
    pub wave: Option<Wave>,
}

/// Makes applications of packages; what it gives was verified.
pub trait Loader: Send + Sync {
    /// Verifies a package in structure and meaning, judges its trust, compiles its guests.
    fn load(&self, package: &[u8]) -> Result<Application, Problem>;
    /// Keys whose images and verdicts are taken.
    fn keys(&self) -> Vec<PublicKey>;
}

impl Application {
    /// Moves its images out of memory, into a file in a folder.
    pub fn stow(&mut self, folder: &Path) -> io::Result<()> {
        image::stow(self.contents.values_mut().filter_map(|content| content.image.as_mut()), folder)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.graph.name.as_str()
    }

    /// A space of it.
    pub fn node(&self, space: &str) -> Option<&Node> {
        self.graph.spaces.iter().find(|node| node.name.as_str() == space)
    }

    /// Whether a space is a user interface: the desk's, not the machine's.
    pub fn is_interface(&self, space: &str) -> bool {
        self.node(space).is_some_and(|node| node.kind == SpaceType::Ui)
    }

    /// Its spaces as zrms wants them.
    pub fn specs(&self) -> Vec<SpaceSpec> {
        let groups = Groups::of(&self.graph);
        let spec = |node: &Node| {
            let name = node.name.as_str();
            SpaceSpec {
                name: name.to_owned(),
                hash: self.contents.get(name).map_or([0; 32], |content| content.hash),
                demand: demand(name, &node.placement, &groups),
                restart: restart(&node.restart),
                stop_deadline: STOP_MILLISECONDS,
            }
        };
        self.graph.spaces.iter().map(spec).collect()
    }

    /// The functions that its spaces carry out, with the space of each.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.graph.agents.iter().filter_map(|(name, body)| match body {
            AgentBody::Function { space } => Some((name.as_str(), space.as_str())),
            _ => None,
        })
    }

    /// Its spaces and paths as zmesh wants them.
    pub fn declaration(&self, revision: u64) -> Declaration {
        let rules = |to: &str| {
            let stated = self.node(to).and_then(|node| node.placement.resources.queue_messages);
            PathRules { messages: stated.unwrap_or(PathRules::default().messages), ..PathRules::default() }
        };
        let path = |edge: &services_topology::graph::Edge| PathDeclaration {
            from: edge.from.to_string(),
            name: edge.name.to_string(),
            to: edge.to.to_string(),
            rules: rules(edge.to.as_str()),
        };
        let events = self.contents.iter().flat_map(|(space, content)| {
            content.events.iter().map(|name| EventDeclaration { from: space.clone(), name: name.clone() })
        });
        Declaration {
            revision,
            spaces: self.graph.spaces.iter().map(|node| node.name.to_string()).collect(),
            paths: self.graph.paths.iter().map(path).collect(),
            events: events.collect(),
        }
    }

    /// The same, and what leads from this machine to functions.
    pub fn declaration_with_calls(&self, revision: u64, machine: &str, patience: Duration) -> Declaration {
        let call = |(function, space): (&str, &str)| PathDeclaration {
            from: machine.to_owned(),
            name: function.to_owned(),
            to: space.to_owned(),
            rules: PathRules { expires_after: Some(patience.as_nanos() as u64), ..PathRules::default() },
        };
        let mut declaration = self.declaration(revision);
        let paths = declaration.paths.len();
        declaration.paths.extend(self.functions().map(call));
        if declaration.paths.len() > paths {
            declaration.spaces.push(machine.to_owned());
        }
        declaration
    }
}

/// Which spaces run on one host, and which do not.
#[derive(Default)]
struct Groups<'g> {
    /// Spaces that affinity joins, each by a space of its group that comes before it in the alphabet.
    together: BTreeMap<&'g str, &'g str>,
    /// Two that are apart.
    apart: BTreeSet<(&'g str, &'g str)>,
}

impl<'g> Groups<'g> {
    fn of(graph: &'g Graph) -> Self {
        let mut groups = Self::default();
        let ordered = |one: &'g str, other: &'g str| if one <= other { (one, other) } else { (other, one) };
        for node in &graph.spaces {
            let name = node.name.as_str();
            for other in &node.placement.affinity {
                let (least, most) = ordered(groups.first(name), groups.first(other.as_str()));
                groups.together.insert(most, least);
                groups.together.insert(least, least);
            }
            let pairs = node.placement.anti_affinity.iter().map(|other| ordered(name, other.as_str()));
            groups.apart.extend(pairs);
        }
        groups
    }

    /// The first space of the group of one, which is itself where there is none.
    fn first(&self, name: &'g str) -> &'g str {
        let mut name = name;
        while let Some(next) = self.together.get(name).filter(|next| **next != name) {
            name = next;
        }
        name
    }

    /// The groups of two that a space is in.
    fn apart(&self, name: &str) -> BTreeSet<String> {
        let of_it = self.apart.iter().filter(|(one, other)| *one == name || *other == name);
        of_it.map(|(one, other)| format!("{one} {other}")).collect()
    }
}

fn demand<'g>(name: &'g str, wanted: &Wanted, groups: &Groups<'g>) -> Demand {
    let resources = wanted.resources;
    let sensors = wanted.sensors.iter().map(|kind| Feature::new(FeatureKind::Sensor, kind.to_string()));
    let displays = wanted.displays.iter().map(|name| Feature::new(FeatureKind::Display, name.to_string()));
    Demand {
        resources: Resources {
            memory: resources.memory_bytes.unwrap_or(RESERVED_BYTES),
            cpu: resources.cpu_thousandths.unwrap_or(0),
            messages: 0,
        },
        needs: sensors.chain(displays).collect(),
        regions: wanted.region.iter().map(ToString::to_string).collect(),
        together: groups.together.contains_key(name).then(|| groups.first(name).to_owned()),
        apart: groups.apart(name),
        location: wanted.location.as_ref().map(ToString::to_string),
    }
}

fn restart(restart: &Restart) -> RestartPolicy {
    RestartPolicy {
        when: match restart.policy {
            Policy::Always => When::Always,
            Policy::OnFailure => When::OnFailure,
            Policy::Never => When::Never,
        },
        attempts: Some(restart.attempts),
        first_wait: restart.backoff_milliseconds,
        longest_wait: restart.backoff_most_milliseconds,
        stable: restart.window_milliseconds,
    }
}
