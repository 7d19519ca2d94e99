//! Who may invoke what, and how far each invocation is: a machine that is told what happened and says what to do next.

use super::budget::{Minute, Spent};
use super::http::{Answer, Outcome, Request, Trouble};
use super::{Kind, chat, service};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use sci::limits::guest::RESULT_BYTES_MAX;
use serde::{Deserialize, Serialize};
use services_topology::agent::{AgentBody, Model};
use services_topology::name::{Name, Secret};
use services_topology::space::{Embedding, Service};

/// Selectors that may select each other before it is a mistake of the topology.
const DEPTH_MAX: u32 = 4;
/// Milliseconds before the second try of a request; each later one waits twice as long, and none longer than that.
const BACKOFF: u64 = 250;
const BACKOFF_MAX: u64 = 8_000;
/// Seconds that an answer may ask to wait.
const RETRY_AFTER_MAX: u64 = 30;
/// The name by which what a space's embeddings cost is kept: no model of its own can have it.
const EMBEDDING: &str = "@embedding";
/// Bytes of an answer that has an embedding: thousands of numbers in JSON.
const EMBEDDING_BYTES_MAX: u64 = 512 << 10;

/// What a space has of its own, beside the agents of its topology.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Own {
    /// Services that it may ask.
    pub services: Vec<Service>,
    /// A model, by the name by which it is invoked.
    pub model: Option<(String, Model)>,
    /// By which its intelligence cache finds what is alike.
    pub embedding: Option<Embedding>,
}

/// What to do next for an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a request; [`Event::Answered`] follows.
    Ask(Request),
    /// Have a space carry a function out; [`Event::Called`] follows.
    Call {
        /// The space.
        space: String,
        /// The function.
        function: String,
        /// What it gets.
        input: Vec<u8>,
    },
    /// Wait so many milliseconds; [`Event::Waited`] follows.
    Wait(u64),
    /// Give the space its result.
    Done(Result<Vec<u8>, ErrorCode>),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request was made.
    Answered(Outcome),
    /// A space has answered, or has not.
    Called(Result<Vec<u8>, ErrorCode>),
    /// The time is over.
    Waited,
}

/// Whose budget it is: a space's own model, or one of the topology.
type Purse = (Option<u32>, String);

/// What is done with a model's answer.
#[derive(Clone, Debug)]
enum Aim {
    Text,
    Choice(Vec<String>),
    Meaning,
}

#[derive(Clone, Debug)]
struct Asking {
    purse: Purse,
    model: Model,
    body: Vec<u8>,
    /// Tries before this one.
    tries: u32,
    aim: Aim,
}

/// An invocation, and how far it is.
#[derive(Clone, Debug)]
pub struct Invocation {
    space: u32,
    depth: u32,
    /// The model that is asked, if one is.
    asking: Option<Asking>,
}

/// The agents of a topology, the spaces that invoke them, and what was spent.
#[derive(Clone, Debug, Default)]
pub struct Book {
    agents: BTreeMap<String, AgentBody<Name>>,
    keys: BTreeMap<String, String>,
    spaces: BTreeMap<u32, Own>,
    spent: BTreeMap<Purse, Spent>,
    minutes: BTreeMap<(u32, String), Minute>,
}

impl Book {
    /// Of a topology's agents, and the secrets by their names.
    pub fn new(
        agents: impl IntoIterator<Item = (String, AgentBody<Name>)>,
        keys: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self { agents: agents.into_iter().collect(), keys: keys.into_iter().collect(), ..Self::default() }
    }

    /// Takes what the topology's agents and the secrets are from now on; what was spent stays so.
    pub fn declare(
        &mut self,
        agents: impl IntoIterator<Item = (String, AgentBody<Name>)>,
        keys: impl IntoIterator<Item = (String, String)>,
    ) {
        self.agents = agents.into_iter().collect();
        self.keys = keys.into_iter().collect();
    }

    /// A space comes, or comes again.
    pub fn join(&mut self, space: u32, own: Own) {
        self.spaces.insert(space, own);
    }

    /// What was spent on a model of the topology in the day of the last request.
    pub fn spent(&self, model: &str) -> Spent {
        self.spent.get(&(None, model.into())).copied().unwrap_or_default()
    }

    /// What was spent on each model: on those of spaces, with the space.
    pub fn all_spent(&self) -> impl Iterator<Item = (Option<u32>, &str, Spent)> {
        self.spent.iter().map(|((space, model), spent)| (*space, model.as_str(), *spent))
    }

    /// Goes on with what was spent before.
    pub fn go_on_with(&mut self, space: Option<u32>, model: &str, spent: Spent) {
        self.spent.insert((space, model.into()), spent);
    }

    /// Begins an invocation at a time in milliseconds since 1970.
    pub fn begin(
        &mut self,
        space: u32,
        kind: Kind,
        name: &str,
        input: &[u8],
        now: u64,
    ) -> (Invocation, Step) {
        let mut invocation = Invocation { space, depth: 0, asking: None };
        let step = self.invoke(&mut invocation, kind, name, input, now);
        (invocation, step.unwrap_or_else(|code| Step::Done(Err(code))))
    }

    /// By which a space's intelligence cache finds what is alike.
    pub fn embedding(&self, space: u32) -> Option<&Embedding> {
        self.spaces.get(&space)?.embedding.as_ref()
    }

    /// Begins to ask what a text means for a space's cache; the result is the bytes of the numbers.
    pub fn embed(&mut self, space: u32, text: &str, now: u64) -> (Invocation, Step) {
        let mut invocation = Invocation { space, depth: 0, asking: None };
        let step = self.ask_meaning(&mut invocation, text, now);
        (invocation, step.unwrap_or_else(|code| Step::Done(Err(code))))
    }

    fn ask_meaning(&mut self, invocation: &mut Invocation, text: &str, now: u64) -> Result<Step, ErrorCode> {
        let model = self.embedding(invocation.space).ok_or(ErrorCode::NotFound)?.model.clone();
        let (purse, body) = ((Some(invocation.space), EMBEDDING.into()), chat::meaning(&model, text)?);
        self.ask(invocation, Asking { purse, model, body, tries: 0, aim: Aim::Meaning }, now)
    }

    /// Goes on with an invocation when what it wanted has happened.
    pub fn go_on(&mut self, invocation: &mut Invocation, event: Event, now: u64) -> Step {
        let step = match (event, invocation.asking.take()) {
            (Event::Answered(outcome), Some(asking)) => self.answered(invocation, asking, outcome, now),
            (Event::Answered(outcome), None) => service::result(outcome).map(|body| Step::Done(Ok(body))),
            (Event::Waited, Some(asking)) => self.ask(invocation, asking, now),
            (Event::Called(result), None) => Ok(Step::Done(result)),
            (Event::Waited, None) | (Event::Called(_), Some(_)) => Err(ErrorCode::Io),
        };
        step.unwrap_or_else(|code| Step::Done(Err(code)))
    }

    fn invoke(
        &mut self,
        invocation: &mut Invocation,
        kind: Kind,
        name: &str,
        input: &[u8],
        now: u64,
    ) -> Result<Step, ErrorCode> {
        match kind {
            Kind::Function => self.function(invocation.space, name, input, now),
            Kind::Selector => self.select(invocation, name, input, now),
            Kind::Model => {
                let (purse, model) = self.model(invocation.space, name)?;
                let body = chat::question(&model, input)?;
                self.ask(invocation, Asking { purse, model, body, tries: 0, aim: Aim::Text }, now)
            }
        }
    }

    fn function(&mut self, space: u32, name: &str, input: &[u8], now: u64) -> Result<Step, ErrorCode> {
        let own = self.spaces.get(&space).ok_or(ErrorCode::Closed)?;
        if let Some(service) = own.services.iter().find(|service| service.name.value.as_str() == name) {
            let key = service.key.as_ref().and_then(|(secret, _)| self.keys.get(secret.as_str()));
            let request = service::request(service, key.map(String::as_str), input)?;
            let minute = self.minutes.entry((space, name.into())).or_default();
            minute.admit(service.limits.per_minute, now)?;
            return Ok(Step::Ask(request));
        }
        match self.agents.get(name) {
            Some(AgentBody::Function { space }) => {
                Ok(Step::Call { space: space.to_string(), function: name.into(), input: input.into() })
            }
            _ => Err(ErrorCode::NotFound),
        }
    }

    fn model(&self, space: u32, name: &str) -> Result<(Purse, Model), ErrorCode> {
        let own = self.spaces.get(&space).ok_or(ErrorCode::Closed)?;
        match (&own.model, self.agents.get(name)) {
            (Some((own, model)), _) if own == name => Ok(((Some(space), name.into()), model.clone())),
            (_, Some(AgentBody::Model(model))) => Ok(((None, name.into()), model.clone())),
            _ => Err(ErrorCode::NotFound),
        }
    }

    fn select(
        &mut self,
        invocation: &mut Invocation,
        name: &str,
        input: &[u8],
        now: u64,
    ) -> Result<Step, ErrorCode> {
        let Some(AgentBody::Selector { model, functions, instructions }) = self.agents.get(name) else {
            return Err(ErrorCode::NotFound);
        };
        invocation.depth += 1;
        if invocation.depth > DEPTH_MAX {
            return Err(ErrorCode::Invalid);
        }
        let (purse, model) = self.model(invocation.space, model.as_str())?;
        let functions: Vec<String> = functions.iter().map(Name::to_string).collect();
        let body = chat::choice(&model, instructions, &functions, input)?;
        self.ask(invocation, Asking { purse, model, body, tries: 0, aim: Aim::Choice(functions) }, now)
    }

    /// Asks a model, if its budget has room.
    fn ask(&mut self, invocation: &mut Invocation, asking: Asking, now: u64) -> Result<Step, ErrorCode> {
        let mut headers: Vec<(String, String)> = vec![("content-type".into(), "application/json".into())];
        if let Some(key) = &asking.model.key {
            headers.push(("authorization".into(), format!("Bearer {}", self.secret(key)?)));
        }
        self.spent.entry(asking.purse.clone()).or_default().admit(&asking.model.budget, now)?;
        let (below, answer_bytes) = match asking.aim {
            Aim::Meaning => ("embeddings", EMBEDDING_BYTES_MAX),
            Aim::Text | Aim::Choice(_) => ("chat/completions", RESULT_BYTES_MAX.into()),
        };
        let request = Request {
            method: "POST",
            url: format!("{}/{below}", asking.model.endpoint.as_str().trim_end_matches('/')),
            headers,
            body: Some(asking.body.clone()),
            timeout_milliseconds: asking.model.timeout_milliseconds,
            answer_bytes,
        };
        invocation.asking = Some(asking);
        Ok(Step::Ask(request))
    }

    fn secret(&self, name: &Secret) -> Result<&str, ErrorCode> {
        self.keys.get(name.as_str()).map(String::as_str).ok_or(ErrorCode::Denied)
    }

    fn answered(
        &mut self,
        invocation: &mut Invocation,
        asking: Asking,
        outcome: Outcome,
        now: u64,
    ) -> Result<Step, ErrorCode> {
        if let Ok(Answer { status: 200..=299, body, .. }) = &outcome {
            let (question, mut answer) = chat::tokens(&asking.body, body);
            if matches!(asking.aim, Aim::Meaning) {
                // It has no text.
                answer = 0;
            }
            let spent = self.spent.entry(asking.purse.clone()).or_default();
            spent.charge(question, answer, asking.model.price.as_ref());
            match &asking.aim {
                Aim::Text => {
                    if let Some(text) = chat::text_of(body) {
                        return Ok(Step::Done(Ok(text)));
                    }
                }
                Aim::Meaning => {
                    if let Some(numbers) = chat::meaning_of(body) {
                        return Ok(Step::Done(Ok(numbers)));
                    }
                }
                Aim::Choice(functions) => {
                    if let Some(chosen) = chat::chosen_of(body, functions) {
                        let kind = self.kind(&chosen.function);
                        return self.invoke(invocation, kind, &chosen.function, &chosen.input, now);
                    }
                }
            }
        }
        let code = match outcome {
            Err(Trouble::TooLarge) => return Err(ErrorCode::TooLarge),
            Ok(Answer { status: 401 | 403, .. }) => return Err(ErrorCode::Denied),
            Ok(Answer { status: 429, .. }) => ErrorCode::WouldBlock,
            Ok(Answer { status: 200..=299 | 408 | 500..=599, .. }) => ErrorCode::Io,
            Err(trouble) if trouble.may_pass() => ErrorCode::Io,
            Ok(_) | Err(_) => return Err(ErrorCode::Io),
        };
        if asking.tries >= asking.model.retries {
            return Err(code);
        }
        let told = outcome.ok().and_then(|answer| answer.retry_after).unwrap_or_default();
        let backoff = BACKOFF.saturating_mul(1 << asking.tries.min(16)).min(BACKOFF_MAX);
        invocation.asking = Some(Asking { tries: asking.tries + 1, ..asking });
        Ok(Step::Wait(backoff.max(told.min(RETRY_AFTER_MAX) * 1000)))
    }

    /// What an agent that was selected is.
    fn kind(&self, name: &str) -> Kind {
        match self.agents.get(name) {
            Some(AgentBody::Selector { .. }) => Kind::Selector,
            Some(AgentBody::Model(_)) => Kind::Model,
            _ => Kind::Function,
        }
    }
}
