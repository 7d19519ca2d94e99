//! Modules of the Guest ABI, and which spaces may import them.

/// What a space is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpaceType {
    /// A user interface; it runs in a browser and imports no module of this ABI.
    Ui,
    /// Devices and streams.
    Io,
    /// Persistence.
    Data,
    /// Reasoning with language models.
    Chat,
    /// Services outside.
    Call,
}

impl SpaceType {
    /// Every type.
    pub const ALL: &'static [Self] = &[Self::Ui, Self::Io, Self::Data, Self::Chat, Self::Call];

    /// Its name in topologies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ui => "UI",
            Self::Io => "IO",
            Self::Data => "DATA",
            Self::Chat => "CHAT",
            Self::Call => "CALL",
        }
    }
}

/// A WebAssembly import module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// Types of spaces that may import it.
    pub types: &'static [SpaceType],
    /// What it is for, one sentence.
    pub summary: &'static str,
}

use SpaceType::{Call, Chat, Data, Io};

const EVERY: &[SpaceType] = &[Io, Data, Chat, Call];

const fn module(name: &'static str, types: &'static [SpaceType], summary: &'static str) -> Module {
    Module { name, types, summary }
}

/// Every module, in the order of the functions.
pub const MODULES: &[Module] = &[
    module("sys", EVERY, "Log, waiting, messages to oneself."),
    module("net", EVERY, "Messages along paths."),
    module("data", &[Data], "Values and blobs by key."),
    module("agent", &[Chat, Call], "Agents: deterministic functions, agentic functions, language models."),
    module("events", &[Io, Call], "Events that recognizers compute."),
    module("ic", &[Chat], "The intelligence cache: answers of models, to be found again."),
    module("sensors", &[Io], "Inputs of any type; readings are JSON."),
    module("actuators", &[Io], "Outputs of any type; actions are JSON."),
    module("audio", &[Io], "Sound as a stream of bytes."),
    module("node", EVERY, "The machine."),
    module("mem", EVERY, "Results that the host keeps."),
    module("z", EVERY, "The ABI itself."),
];
