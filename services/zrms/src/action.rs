//! What zrms and hosts say to each other, and which of it a host follows.
//!
//! Messages may be lost, late and repeated. An action is repeated until a report shows its effect, and says which life
//! of the host it is for; a space's epoch grows with each start anywhere, so that what is old is known as old.

use crate::place::Host;
use crate::verdict::{SignedVerdict, VerdictError};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sci::sign::PublicKey;

/// A space of a topology.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The topology.
    pub topology: String,
    /// The space.
    pub space: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topology, self.space)
    }
}

/// What a host is told about a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The host.
    pub host: String,
    /// The life of the host that this is for.
    pub life: u64,
    /// The space.
    pub space: Address,
    /// Which start of the space this is about.
    pub epoch: u64,
    /// What to do.
    pub order: Order,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Run the space. An instance of an earlier epoch is ended first.
    Start {
        /// The revision of the topology.
        revision: u64,
        /// The space's content.
        hash: [u8; 32],
        /// SHA-256 of the package.
        package: [u8; 32],
        /// What was found of the package.
        verdict: Box<SignedVerdict>,
    },
    /// End the instance of this epoch, and any earlier one.
    Stop {
        /// Milliseconds that it has to end by itself.
        deadline: u64,
    },
}

/// An instance on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The space.
    pub space: Address,
    /// Its epoch.
    pub epoch: u64,
    /// Its state.
    pub state: InstanceState,
}

/// How an instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// It begins.
    Starting,
    /// It runs.
    Running,
    /// It runs, but something is wrong.
    Degraded(String),
    /// It ended. It stays in reports as long as the host lives, or until a later epoch comes.
    Ended {
        /// Whether by a failure.
        failed: bool,
        /// How.
        reason: String,
    },
}

/// What a host says, every time all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The host's description.
    pub host: Host,
    /// Its life: a higher number each time it starts.
    pub life: u64,
    /// The report's number in this life.
    pub sequence: u64,
    /// Its instances.
    pub instances: Vec<Instance>,
}

/// Why a host does not follow an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is for another life of the host.
    #[error("the action is for life {0} of this host")]
    Life(u64),
    /// A later epoch of the space was here.
    #[error("epoch {given} of `{space}` is older than {seen}, which was here")]
    Stale {
        /// The space.
        space: Address,
        /// The action's epoch.
        given: u64,
        /// The latest epoch seen.
        seen: u64,
    },
    /// The package's verdict does not hold.
    #[error("`{0}` is not started: {1}")]
    Verdict(Address, VerdictError),
}

/// A host's memory of epochs. It lasts as long as the host's life: actions for an earlier life are refused.
#[derive(Clone, Debug)]
pub struct Fence {
    life: u64,
    trusted: Vec<PublicKey>,
    seen: BTreeMap<Address, u64>,
}

impl Fence {
    /// For one life of a host that trusts the keys.
    pub fn new(life: u64, trusted: Vec<PublicKey>) -> Self {
        Self { life, trusted, seen: BTreeMap::new() }
    }

    /// Whether the action is to be carried out; one that is only repeated is not. What is carried out is remembered.
    pub fn admit(&mut self, action: &Action) -> Result<bool, Refusal> {
        if action.life != self.life {
            return Err(Refusal::Life(action.life));
        }
        let seen = self.seen.get(&action.space).copied().unwrap_or(0);
        if action.epoch < seen {
            return Err(Refusal::Stale { space: action.space.clone(), given: action.epoch, seen });
        }
        if let Order::Start { package, verdict, .. } = &action.order {
            if action.epoch == seen {
                return Ok(false);
            }
            let wrong = |error| Refusal::Verdict(action.space.clone(), error);
            verdict.check(&self.trusted, package).map_err(wrong)?;
        }
        self.seen.insert(action.space.clone(), action.epoch);
        Ok(true)
    }
}
