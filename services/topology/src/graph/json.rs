//! The canonical form as JSON.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use sci::guest::GuestCapability;

use crate::agent::{AgentBody, Model};
use crate::graph::{Demand, Edge, FORM, Graph, Node};
use crate::name::Name;
use crate::topology::{Resources, Restart};

/// A value of the form.
pub(super) enum Value {
    Text(String),
    Number(u64),
    List(Vec<Value>),
    Object(Members),
}

/// Members by name.
#[derive(Default)]
pub(super) struct Members(BTreeMap<&'static str, Value>);

impl Members {
    fn text(&mut self, name: &'static str, text: &(impl ToString + ?Sized)) {
        self.0.insert(name, Value::Text(text.to_string()));
    }

    /// A number, where it is stated.
    fn number(&mut self, name: &'static str, number: Option<impl Into<u64>>) {
        if let Some(number) = number {
            self.0.insert(name, Value::Number(number.into()));
        }
    }

    /// A list, where it lists something.
    fn list(&mut self, name: &'static str, list: Vec<Value>) {
        if !list.is_empty() {
            self.0.insert(name, Value::List(list));
        }
    }

    /// Texts, where there are some.
    fn texts(&mut self, name: &'static str, texts: impl IntoIterator<Item = impl ToString>) {
        self.list(name, texts.into_iter().map(|text| Value::Text(text.to_string())).collect());
    }

    /// An object, where it has members.
    fn object(&mut self, name: &'static str, members: Self) {
        if !members.0.is_empty() {
            self.0.insert(name, Value::Object(members));
        }
    }
}

pub(super) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Text(text) => quote(text, out),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                write(item, out);
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Object(Members(members)) => {
            for (at, (name, member)) in members.iter().enumerate() {
                out.push(if at == 0 { '{' } else { ',' });
                quote(name, out);
                out.push(':');
                write(member, out);
            }
            out.push_str(if members.is_empty() { "{}" } else { "}" });
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

impl Graph {
    pub(super) fn value(&self) -> Value {
        let mut members = Members::default();
        members.text("form", FORM);
        members.text("name", &self.name);
        members.list("spaces", self.spaces.iter().map(|space| Value::Object(space_members(space))).collect());
        members.list("paths", self.paths.iter().map(|path| Value::Object(path_members(path))).collect());
        let agents = self.agents.iter().map(|(name, body)| {
            let mut members = agent_members(body);
            members.text("name", name);
            Value::Object(members)
        });
        members.list("agents", agents.collect());
        Value::Object(members)
    }
}

fn space_members(space: &Node) -> Members {
    let mut members = Members::default();
    members.text("name", &space.name);
    members.text("type", space.kind.name());
    members.texts("grant", space.grant.iter().map(GuestCapability::name));
    if let Some(namespace) = &space.namespace {
        members.text("path", namespace);
    }
    members.object("placement", placement_members(&space.placement));
    members.object("restart", restart_members(&space.restart));
    members
}

fn path_members(path: &Edge) -> Members {
    let mut members = Members::default();
    members.text("from", &path.from);
    members.text("name", &path.name);
    members.text("to", &path.to);
    members
}

fn placement_members(demand: &Demand) -> Members {
    let Resources { cpu_thousandths, memory_bytes, storage_bytes, queue_messages } = demand.resources;
    let mut resources = Members::default();
    resources.number("cpuThousandths", cpu_thousandths);
    resources.number("memoryBytes", memory_bytes);
    resources.number("storageBytes", storage_bytes);
    resources.number("queueMessages", queue_messages);
    let mut members = Members::default();
    members.object("resources", resources);
    members.texts("sensors", &demand.sensors);
    members.texts("displays", &demand.displays);
    members.texts("affinity", &demand.affinity);
    members.texts("antiAffinity", &demand.anti_affinity);
    if let Some(region) = &demand.region {
        members.text("region", region);
    }
    if let Some(location) = &demand.location {
        members.text("location", location);
    }
    members
}

fn restart_members(restart: &Restart) -> Members {
    let usual = Restart::default();
    let mut members = Members::default();
    if restart.policy != usual.policy {
        members.text("policy", restart.policy.word());
    }
    let unusual = |stated: u64, usual: u64| (stated != usual).then_some(stated);
    members.number("attempts", unusual(restart.attempts.into(), usual.attempts.into()));
    members.number("windowMilliseconds", unusual(restart.window_milliseconds, usual.window_milliseconds));
    members.number("backoffMilliseconds", unusual(restart.backoff_milliseconds, usual.backoff_milliseconds));
    members.number(
        "backoffMostMilliseconds",
        unusual(restart.backoff_most_milliseconds, usual.backoff_most_milliseconds),
    );
    members
}

fn agent_members(body: &AgentBody<Name>) -> Members {
    let mut members = match body {
        AgentBody::Function { space } => {
            let mut members = Members::default();
            members.text("space", space);
            members
        }
        AgentBody::Selector { model, functions, instructions } => {
            let mut members = Members::default();
            members.text("model", model);
            members.texts("functions", functions);
            members.text("instructions", instructions);
            members
        }
        AgentBody::Model(model) => model_members(model),
    };
    members.text("kind", body.word());
    members
}

fn model_members(model: &Model) -> Members {
    let mut members = Members::default();
    members.text("endpoint", &model.endpoint);
    members.text("model", &model.model);
    if let Some(key) = &model.key {
        members.text("key", key);
    }
    let timeout = Some(model.timeout_milliseconds).filter(|stated| *stated != Model::TIMEOUT_MILLISECONDS);
    members.number("timeoutMilliseconds", timeout);
    members.number("retries", Some(model.retries).filter(|stated| *stated != Model::RETRIES));
    let mut budget = Members::default();
    budget.number("requests", model.budget.requests);
    budget.number("tokens", model.budget.tokens);
    budget.number("costMillionths", model.budget.cost_millionths);
    members.object("budget", budget);
    let mut price = Members::default();
    price.number("inputMillionths", model.price.map(|price| price.input_millionths));
    price.number("outputMillionths", model.price.map(|price| price.output_millionths));
    members.object("price", price);
    members
}
