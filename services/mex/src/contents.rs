//! What a package's topology, spaces and world say, handed to those who judge it.

use crate::Package;
use crate::archive::Entry;
use crate::layout::{SPACE, WORLD};
use crate::manifest::TOPOLOGY;
use sci::guest::{GuestCapability, SpaceType};
use services_topology::capabilities::Capabilities;
use services_topology::check::{Application, Mode, SpaceFacts, check};
use services_topology::graph::Graph;
use services_topology::name::Name;
use services_topology::read;
use services_topology::topology::Topology;
use services_topology::violation::Violation;
use services_topology::world::World;
use std::collections::BTreeMap;

/// The texts of a package, read.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Its topology.
    pub topology: Topology,
    /// Its world, if it has one.
    pub world: Option<World>,
    /// What its spaces say of themselves.
    pub spaces: BTreeMap<Name, SpaceFacts>,
}

impl Contents {
    /// Reads the texts of a package; this is the rest of the structural level.
    pub fn read(package: &Package<'_>) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        let content = |name: &str| package.archive().entry(name).map(Entry::content);
        let topology = read::topology(&content(TOPOLOGY).unwrap_or_default(), TOPOLOGY)
            .map_err(|wrong| violations.extend(wrong));
        let world = content(WORLD).map(|text| read::world(&text, WORLD));
        let world = world.transpose().map_err(|wrong| violations.extend(wrong));
        let mut spaces = BTreeMap::new();
        for name in package.manifest().spaces.iter().filter_map(|name| Name::new(name)) {
            let path = format!("spaces/{name}/{SPACE}");
            let manifest = content(&path).map(|text| read::space(&text, &path));
            match manifest.transpose() {
                Ok(manifest) => {
                    spaces.insert(name, SpaceFacts { manifest, ..SpaceFacts::default() });
                }
                Err(wrong) => violations.extend(wrong),
            }
        }
        match (topology, world) {
            (Ok(topology), Ok(world)) if violations.is_empty() => Ok(Self { topology, world, spaces }),
            _ => Err(violations),
        }
    }

    /// The type of each space, as [`Package::check_layout`] wants it.
    pub fn types(&self) -> Vec<(&str, SpaceType)> {
        self.topology.spaces.iter().map(|space| (space.name.value.as_str(), space.kind)).collect()
    }

    /// What all spaces together are granted, as [`crate::trust::Policy::judge`] wants it: what the topology states,
    /// and what its paths add.
    pub fn granted(&self) -> Vec<GuestCapability> {
        let graph = Graph::of(&self.topology, |_| Capabilities::NONE);
        let all: Capabilities = graph.spaces.iter().flat_map(|space| space.grant.iter()).collect();
        all.iter().collect()
    }

    /// Holds the texts against each other and against what each module's imports prove that it needs: the semantic
    /// level.
    pub fn check(&self, needs: &BTreeMap<Name, Capabilities>, strict: bool) -> Vec<Violation> {
        let mut spaces = self.spaces.clone();
        for (name, facts) in &mut spaces {
            facts.needs = needs.get(name).copied();
        }
        let application =
            Application { topology: &self.topology, world: self.world.as_ref(), spaces: &spaces };
        check(application, Mode { packaged: true, strict })
    }
}
