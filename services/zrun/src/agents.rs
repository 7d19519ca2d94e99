//! Agents: deterministic functions, agentic functions, language models.

#[cfg(feature = "cores")]
mod book;
#[cfg(feature = "cores")]
mod budget;
#[cfg(feature = "cores")]
mod chat;
#[cfg(feature = "cores")]
mod http;
#[cfg(feature = "cores")]
mod service;

#[cfg(feature = "cores")]
pub use book::{Book, Event, Invocation, Own, Step};
#[cfg(feature = "cores")]
pub use budget::Spent;
#[cfg(feature = "cores")]
pub use http::{Answer, Outcome, Request, Trouble, reference};

// What a book is made of.
#[cfg(feature = "cores")]
pub use services_topology::agent::{AgentBody, Budget, Model};
#[cfg(feature = "cores")]
pub use services_topology::name::{Name, Secret, Url};

use alloc::vec::Vec;
use sci::guest::{ErrorCode, GuestCapability};
use serde::{Deserialize, Serialize};

/// What is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// DF: a deterministic function.
    Function,
    /// AF: a model that selects among functions.
    Selector,
    /// LLM: a language model.
    Model,
}

impl Kind {
    /// What whoever invokes it holds.
    pub const fn capability(self) -> GuestCapability {
        match self {
            Self::Function => GuestCapability::AgentInvokeDf,
            Self::Selector => GuestCapability::AgentInvokeAf,
            Self::Model => GuestCapability::AgentInvokeLlm,
        }
    }
}

/// The agents that a space may invoke.
pub trait Agents {
    /// Invokes an agent and waits for its result.
    fn invoke(&mut self, kind: Kind, name: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode>;
}
