//! A topology, as the bundle describes it.

use crate::agency::Agents;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use services_zmesh::Declaration;
use services_zrun::Simulation as Devices;

/// A space, as the bundle describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Its name.
    pub name: String,
    /// Its capabilities, as a mask.
    pub grants: u64,
    /// Whether it is a user interface: it has no host here.
    pub is_interface: bool,
    /// Ids of the devices that it states.
    pub devices: Vec<String>,
}

/// A topology, as the bundle describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Configuration {
    /// Its name.
    pub topology: String,
    /// Spaces and paths.
    pub declaration: Declaration,
    /// Its spaces by number. The hosts of those that have one are connected in this order.
    pub seats: Vec<Seat>,
    /// What is simulated for its spaces.
    pub devices: Devices,
    /// What its spaces may invoke.
    pub agents: Agents,
    /// Whether its spaces run from the beginning: nobody is there who says so.
    pub runs: bool,
}

impl Configuration {
    /// Of one guest that is in no topology: the mesh is there for its agents.
    pub fn alone(guest: &str, grants: u64, agents: Agents) -> Self {
        let seat = Seat { name: guest.into(), grants, is_interface: false, devices: Vec::new() };
        let spaces = alloc::vec![guest.into()];
        Self {
            topology: guest.into(),
            declaration: Declaration { revision: 1, spaces, ..Declaration::default() },
            seats: alloc::vec![seat],
            devices: Devices::default(),
            agents,
            runs: true,
        }
    }

    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }
}
