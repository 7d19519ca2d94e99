//! What is stored: a topology's revisions, and where its spaces are.

use crate::place::{Demand, Explanation, Host};
use crate::restart::RestartPolicy;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub const LEADER: &str = "leader";
pub const HOSTS: &str = "host/";
pub const TOPOLOGIES: &str = "topology/";
pub const PLACEMENTS: &str = "placement/";

/// A space as it was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceSpec {
    /// Its name.
    pub name: String,
    /// Hash of all that makes it what it is: a space whose hash changes is started anew, and no other.
    pub hash: [u8; 32],
    /// What it demands of its host. Names of groups are the topology's own.
    pub demand: Demand,
    /// When it is started again.
    pub restart: RestartPolicy,
    /// Milliseconds that it has to end by itself when it is stopped.
    pub stop_deadline: u64,
}

/// A revision of a topology.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number.
    pub number: u64,
    /// The earlier revision that this one brought back.
    pub of: Option<u64>,
    /// SHA-256 of the package.
    pub package: [u8; 32],
    /// The package's verdict, as bytes.
    pub verdict: Vec<u8>,
    /// Its spaces.
    pub spaces: Vec<SpaceSpec>,
}

/// What is wanted of a topology.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Whether it is to run: the last revision.
    pub run: bool,
    /// Its revisions, oldest first.
    pub revisions: Vec<Revision>,
}

/// Where a topology's spaces are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The last epoch that was given to a space of it.
    pub epoch: u64,
    /// Its spaces.
    pub spaces: BTreeMap<String, Standing>,
}

/// How a space stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Starts again in a row.
    pub attempts: u32,
    /// Where it is in its life.
    pub phase: Phase,
}

/// Where a space is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It is to run, and has no host.
    Waiting {
        /// Why.
        reason: String,
    },
    /// It has a host.
    Placed(Box<Placed>),
    /// It ended for good.
    Ended {
        /// Whether by a failure.
        failed: bool,
        /// How.
        reason: String,
        /// What ended.
        hash: [u8; 32],
    },
}

/// A space's host, until nothing of it runs there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The host.
    pub host: String,
    /// The host's life.
    pub life: u64,
    /// The start's epoch.
    pub epoch: u64,
    /// The revision that it was started of.
    pub revision: u64,
    /// The space's hash in that revision.
    pub hash: [u8; 32],
    /// Why this host.
    pub explanation: Explanation,
    /// Why it is being stopped.
    pub stopping: Option<String>,
}

/// A host as it last described itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Its description.
    pub host: Host,
    /// Its life.
    pub life: u64,
}
