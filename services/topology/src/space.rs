//! What a space says of itself: `space.yaml`.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use sci::guest::{GuestCapability, SpaceType};

use crate::agent::Model;
use crate::name::{HeaderName, HeaderValue, Kind, Name, Secret, Url};
use crate::place::{Located, Place};

/// A space's own manifest.
#[derive(Clone, Debug)]
pub struct SpaceManifest {
    /// Its name.
    pub name: Located<Name>,
    /// What it is for, and what that needs.
    pub role: Role,
    /// Where the type is written.
    pub kind_place: Place,
    /// What it requests; where nothing is stated, it requests what it is granted.
    pub capabilities: Option<Vec<Located<GuestCapability>>>,
    /// Events that it may emit.
    pub events: Vec<Located<Name>>,
}

/// What a space is for, and what that needs.
#[derive(Clone, Debug)]
pub enum Role {
    /// A user interface.
    Ui,
    /// Devices.
    Io(Devices),
    /// Persistence.
    Data(Persistence),
    /// Reasoning.
    Chat(Box<Chat>),
    /// Services outside.
    Call(Vec<Service>),
}

impl Role {
    /// The type of the space.
    pub const fn kind(&self) -> SpaceType {
        match self {
            Self::Ui => SpaceType::Ui,
            Self::Io(_) => SpaceType::Io,
            Self::Data(_) => SpaceType::Data,
            Self::Chat(_) => SpaceType::Chat,
            Self::Call(_) => SpaceType::Call,
        }
    }
}

/// Devices of an IO space.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    /// Inputs.
    pub sensors: Vec<Device>,
    /// Outputs.
    pub actuators: Vec<Device>,
}

/// A sensor or an actuator.
#[derive(Clone, Debug)]
pub struct Device {
    /// The name by which the guest knows it.
    pub id: Located<Name>,
    /// What it is.
    pub kind: Kind,
    /// What it is for, for people.
    pub description: Option<String>,
    /// What stands in for it where the machine has no such device.
    pub stand_in: Option<StandIn>,
}

/// A simulated device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StandIn {
    /// An actuator, which does what it is told and says so.
    Actuator,
    /// A sensor.
    Sensor(Wave),
}

/// The values of a simulated sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wave {
    /// What they look like over time.
    pub shape: Shape,
    /// The lowest and the highest.
    pub range: [f64; 2],
    /// Milliseconds after which they begin anew.
    pub period_milliseconds: u64,
    /// Milliseconds from one reading to the next.
    pub every_milliseconds: u64,
    /// Another seed is another walk.
    pub seed: u32,
}

/// What values look like over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Up and down, smoothly.
    Sine,
    /// From low to high, and at once back.
    Ramp,
    /// High for half the period, then low.
    Square,
    /// Steps of random size.
    Walk,
}

impl Shape {
    /// Every shape.
    pub const ALL: &'static [Self] = &[Self::Sine, Self::Ramp, Self::Square, Self::Walk];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sine => "sine",
            Self::Ramp => "ramp",
            Self::Square => "square",
            Self::Walk => "walk",
        }
    }
}

/// What a DATA space keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Persistence {
    /// Bytes that it may keep.
    pub quota_bytes: Option<u64>,
    /// Whether what it keeps is gone when it stops.
    pub ephemeral: bool,
}

/// With what a CHAT space reasons.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Its language model.
    pub model: ChatModel,
    /// By which the intelligence cache finds what is alike; without it the cache is exact.
    pub embedding: Option<Embedding>,
}

/// By which an intelligence cache finds what is alike.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Embedding {
    /// The model that is asked.
    pub model: Model,
    /// How alike a question must be to one that was answered: a thousand times the cosine of the two.
    pub similarity_thousandths: u32,
}

impl Embedding {
    /// Where nothing is said.
    pub const SIMILARITY_THOUSANDTHS: u32 = 900;
}

/// The language model of a CHAT space.
#[derive(Clone, Debug)]
pub enum ChatModel {
    /// An agent of the topology.
    Agent(Located<Name>),
    /// One of its own.
    Own {
        /// The name by which the guest invokes it.
        name: Located<Name>,
        /// The model.
        model: Model,
    },
}

/// A service binding of a CALL space: a deterministic function whose body is a request that the host makes.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Service {
    /// The name by which the guest invokes it.
    pub name: Located<Name>,
    /// Where requests go; what the guest asks for lies below.
    pub url: Url,
    /// Methods that it may use.
    pub methods: Vec<Method>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The secret that admits to the service, and the header that carries it.
    pub key: Option<(Secret, HeaderName)>,
    /// Bounds.
    pub limits: ServiceLimits,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// Every method.
    pub const ALL: &'static [Self] =
        &[Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Bounds of a service binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ServiceLimits {
    /// Bytes of a request's body.
    pub request_bytes: u64,
    /// Bytes of an answer's body.
    pub response_bytes: u64,
    /// Milliseconds that one answer may take.
    pub timeout_milliseconds: u64,
    /// Requests in a minute.
    pub per_minute: u32,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            request_bytes: 64 * 1024,
            response_bytes: 1024 * 1024,
            timeout_milliseconds: 30_000,
            per_minute: 60,
        }
    }
}
