//! Placement: hosts, what spaces demand of them, and the decision for each space with its explanation.
//!
//! What is exact: a space never goes where a rule forbids it, and "nothing fits" is said only after every eligible
//! host was asked. What is not: among the hosts that fit, the best of a few drawn ones is taken, not the best of
//! all; and a space is placed without moving others, so that a demand that only a rearrangement could meet waits.

mod class;
mod decide;
mod explain;
mod placer;
mod table;

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::fmt;
pub use explain::{Choice, Explanation, Reason};
pub use placer::{HostId, Placer, SpaceId};
use serde::{Deserialize, Serialize};

/// What a host has, and what a space takes of it for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Bytes of memory.
    pub memory: u64,
    /// Thousandths of a CPU.
    pub cpu: u32,
    /// Messages in a second.
    pub messages: u32,
}

/// What kind of thing a host offers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FeatureKind {
    /// A label that its operator gave.
    Label,
    /// A capability of the Guest ABI that the host serves.
    Capability,
    /// A sensor.
    Sensor,
    /// An actuator.
    Actuator,
    /// A display.
    Display,
}

impl FeatureKind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Capability => "capability",
            Self::Sensor => "sensor",
            Self::Actuator => "actuator",
            Self::Display => "display",
        }
    }
}

/// Something that a host offers and a space needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Feature {
    /// Its kind.
    pub kind: FeatureKind,
    /// Its name.
    pub name: String,
}

impl Feature {
    /// A feature.
    pub fn new(kind: FeatureKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind.name(), self.name)
    }
}

/// A machine that runs spaces, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Where it stands in the world layout.
    pub location: Option<String>,
    /// What it offers by name.
    pub offers: BTreeSet<Feature>,
    /// What it has.
    pub capacity: Resources,
    /// Whether it takes no more spaces, and wants to be rid of those that it has.
    pub draining: bool,
}

/// What a space demands of its host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// What it takes for itself.
    pub resources: Resources,
    /// What must be there.
    pub needs: BTreeSet<Feature>,
    /// Regions that it may be in; none: any.
    pub regions: BTreeSet<String>,
    /// The group whose spaces all run on one host. They are placed as a whole.
    pub together: Option<String>,
    /// Groups of which a host runs one space at most.
    pub apart: BTreeSet<String>,
    /// Where it stands in the world layout: a host that stands there is preferred.
    pub location: Option<String>,
}

/// What keeps a space from a host. The first one in this order is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// The host is in none of the regions.
    Region,
    /// A label is missing.
    Label,
    /// A capability is not served.
    Capability,
    /// A sensor is missing.
    Sensor,
    /// An actuator is missing.
    Actuator,
    /// A display is missing.
    Display,
    /// The host does not answer.
    Dead,
    /// The host takes no more spaces.
    Draining,
    /// The space's group runs on another host.
    Together,
    /// A space that it must be apart from runs there.
    Apart,
    /// Too little memory is free.
    Memory,
    /// Too little CPU is free.
    Cpu,
    /// Too few messages are free.
    Messages,
}

impl Rule {
    /// Every rule, in order.
    pub const ALL: [Self; 13] = [
        Self::Region,
        Self::Label,
        Self::Capability,
        Self::Sensor,
        Self::Actuator,
        Self::Display,
        Self::Dead,
        Self::Draining,
        Self::Together,
        Self::Apart,
        Self::Memory,
        Self::Cpu,
        Self::Messages,
    ];

    /// Rules that follow from descriptions alone come first; this many.
    pub(crate) const FIXED: usize = Self::Dead as usize;

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Label => "label",
            Self::Capability => "capability",
            Self::Sensor => "sensor",
            Self::Actuator => "actuator",
            Self::Display => "display",
            Self::Dead => "dead",
            Self::Draining => "draining",
            Self::Together => "together",
            Self::Apart => "apart",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Messages => "messages",
        }
    }

    const fn of(kind: FeatureKind) -> Self {
        match kind {
            FeatureKind::Label => Self::Label,
            FeatureKind::Capability => Self::Capability,
            FeatureKind::Sensor => Self::Sensor,
            FeatureKind::Actuator => Self::Actuator,
            FeatureKind::Display => Self::Display,
        }
    }
}

/// How many hosts each rule excluded.
pub(crate) type Counts = [u32; Rule::ALL.len()];
