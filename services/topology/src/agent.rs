//! Agents: deterministic functions, agentic functions, language models.

use alloc::string::String;
use alloc::vec::Vec;

use crate::name::{Name, Secret, Url};
use crate::place::Located;

/// An agent that spaces invoke by name.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name, unique in the topology.
    pub name: Located<Name>,
    /// What it is.
    pub body: AgentBody,
}

/// What an agent is; `N` names spaces and agents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AgentBody<N = Located<Name>> {
    /// DF: a space that answers.
    Function {
        /// The space.
        space: N,
    },
    /// AF: a model that selects among functions.
    Selector {
        /// The language model that selects: an agent of the topology.
        model: N,
        /// The functions: agents of the topology.
        functions: Vec<N>,
        /// What the model is told.
        instructions: String,
    },
    /// LLM: a language model.
    Model(Model),
}

impl AgentBody {
    /// It without places, its functions in the order of their names.
    pub fn plain(&self) -> AgentBody<Name> {
        match self {
            Self::Function { space } => AgentBody::Function { space: space.value.clone() },
            Self::Selector { model, functions, instructions } => {
                let mut functions: Vec<Name> = functions.iter().map(|name| name.value.clone()).collect();
                functions.sort();
                functions.dedup();
                let (model, instructions) = (model.value.clone(), instructions.clone());
                AgentBody::Selector { model, functions, instructions }
            }
            Self::Model(model) => AgentBody::Model(model.clone()),
        }
    }
}

impl<N> AgentBody<N> {
    /// Its word in topologies.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Function { .. } => "DF",
            Self::Selector { .. } => "AF",
            Self::Model(_) => "LLM",
        }
    }
}

/// A language model behind an OpenAI-compatible endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Model {
    /// Where it is asked.
    pub endpoint: Url,
    /// Its name there.
    pub model: String,
    /// The secret that admits to it.
    pub key: Option<Secret>,
    /// Milliseconds that one answer may take.
    pub timeout_milliseconds: u64,
    /// How often a failed call is tried again.
    pub retries: u32,
    /// What may be spent.
    pub budget: Budget,
    /// What tokens cost.
    pub price: Option<Price>,
}

impl Model {
    /// Milliseconds that an answer may take where nothing is said.
    pub const TIMEOUT_MILLISECONDS: u64 = 60_000;
    /// Tries beyond the first where nothing is said.
    pub const RETRIES: u32 = 2;
}

/// What a topology may spend on a model in a day; what is not stated is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Budget {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens, of questions and answers together.
    pub tokens: Option<u64>,
    /// Cost, in millionths of the price's unit.
    pub cost_millionths: Option<u64>,
}

/// What a million tokens cost, in millionths of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Price {
    /// Of questions.
    pub input_millionths: u64,
    /// Of answers.
    pub output_millionths: u64,
}
