//! Model to text: what the reader reads back as the same topology. Comments and `x-…` keys are no part of the model.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{Display, Write as _};

use crate::agent::{Agent, AgentBody, Model};
use crate::graph::quote;
use crate::place::Located;
use crate::topology::{API_VERSION, Placement, Restart, Source, Space, Topology};

/// Words that are no strings where they stand without quotes, or that readers disagree about.
const WORDS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// Writes a `topology.yaml`. The same topology gives the same text; what is at its default is left out.
pub fn topology(topology: &Topology) -> String {
    let mut out = Out::default();
    out.line(0, "apiVersion", API_VERSION);
    out.line(0, "kind", "Topology");
    out.begin(0, "metadata");
    out.line(1, "name", &plain(&topology.name.value));
    for (key, text) in [("owner", &topology.owner), ("description", &topology.description)] {
        out.stated(1, key, text.as_deref().map(quoted));
    }
    out.items("spaces", &topology.spaces, space);
    out.items("paths", &topology.paths, |out, path| {
        for (key, name) in [("from", &path.from), ("to", &path.to), ("name", &path.name)] {
            out.line(2, key, &plain(&name.value));
        }
    });
    out.items("agents", &topology.agents, agent);
    out.0
}

/// A text in the making.
#[derive(Default)]
struct Out(String);

impl Out {
    fn line(&mut self, depth: usize, key: &str, value: &str) {
        let _ = writeln!(self.0, "{:1$}{key}: {value}", "", depth * 2);
    }

    /// What may be stated, where it is.
    fn stated(&mut self, depth: usize, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(depth, key, &value.to_string());
        }
    }

    fn begin(&mut self, depth: usize, key: &str) {
        let _ = writeln!(self.0, "{:1$}{key}:", "", depth * 2);
    }

    /// A number, where it is not what it usually is.
    fn unusual(&mut self, depth: usize, key: &str, value: u64, usual: u64, unit: &str) {
        if value != usual {
            let _ = writeln!(self.0, "{:1$}{key}: {value}{unit}", "", depth * 2);
        }
    }

    /// A mapping, where it says something.
    fn mapping(&mut self, depth: usize, key: &str, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        if !inner.0.is_empty() {
            self.begin(depth, key);
            self.0.push_str(&inner.0);
        }
    }

    /// A list of mappings at the margin; each begins with `- ` where its first key would be indented.
    fn items<T>(&mut self, key: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        if items.is_empty() {
            // Spaces must be there, be it that there are none.
            if key == "spaces" {
                self.line(0, key, "[]");
            }
            return;
        }
        self.begin(0, key);
        for item in items {
            let mut inner = Self::default();
            write(&mut inner, item);
            let _ = write!(self.0, "  - {}", inner.0.trim_start());
        }
    }

    /// Names on one line, where there are some.
    fn names<T: Display>(&mut self, depth: usize, key: &str, names: &[Located<T>]) {
        if !names.is_empty() {
            self.line(depth, key, &list(names.iter().map(|name| plain(&name.value))));
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    alloc::format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A name or the like, in quotes only where it needs them.
fn plain(text: &impl Display) -> String {
    let text = text.to_string();
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.');
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/')
        && text.bytes().all(letters)
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_plain { text } else { quoted(&text) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    quote(text, &mut quoted);
    quoted
}

/// A number in units of which 10 to the power of `digits` are one.
fn amount(value: u64, digits: usize) -> String {
    let unit = 10_u64.pow(digits as u32);
    let text = alloc::format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn space(out: &mut Out, space: &Space) {
    out.line(2, "name", &plain(&space.name.value));
    out.line(2, "type", space.kind.name());
    if let Some(stated) = &space.capabilities {
        out.line(
            2,
            "capabilities",
            &list(stated.iter().map(|capability| capability.value.name().to_string())),
        );
    }
    out.stated(2, "path", space.namespace.as_ref().map(|namespace| plain(&namespace.value)));
    match space.source.as_ref().map(|source| &source.value) {
        Some(Source::Package(package)) => out.line(2, "mex", &quoted(package)),
        Some(Source::Folder(folder)) => out.line(2, "build", &quoted(folder)),
        None => {}
    }
    out.mapping(2, "placement", |out| placement(out, &space.placement));
    out.mapping(2, "restart", |out| restart(out, &space.restart));
}

fn placement(out: &mut Out, placement: &Placement) {
    out.mapping(3, "resources", |out| {
        let resources = &placement.resources;
        out.stated(4, "cpu", resources.cpu_thousandths.map(|cpu| amount(cpu.into(), 3)));
        let queue = resources.queue_messages.map(u64::from);
        let whole =
            [("memory", resources.memory_bytes), ("storage", resources.storage_bytes), ("queue", queue)];
        for (key, value) in whole {
            out.stated(4, key, value);
        }
    });
    out.stated(3, "region", placement.region.as_ref().map(plain));
    out.names(3, "sensors", &placement.sensors);
    out.names(3, "displays", &placement.displays);
    out.names(3, "affinity", &placement.affinity);
    out.names(3, "antiAffinity", &placement.anti_affinity);
    out.stated(3, "location", placement.location.as_ref().map(|location| plain(&location.value)));
}

fn restart(out: &mut Out, restart: &Restart) {
    let usual = Restart::default();
    if restart.policy != usual.policy {
        out.line(3, "policy", restart.policy.word());
    }
    out.unusual(3, "attempts", restart.attempts.into(), usual.attempts.into(), "");
    out.unusual(3, "window", restart.window_milliseconds, usual.window_milliseconds, "ms");
    out.unusual(3, "backoff", restart.backoff_milliseconds, usual.backoff_milliseconds, "ms");
    out.unusual(3, "backoffMax", restart.backoff_most_milliseconds, usual.backoff_most_milliseconds, "ms");
}

fn agent(out: &mut Out, agent: &Agent) {
    out.line(2, "name", &plain(&agent.name.value));
    out.line(2, "kind", agent.body.word());
    match &agent.body {
        AgentBody::Function { space } => out.line(2, "space", &plain(&space.value)),
        AgentBody::Selector { model, functions, instructions } => {
            out.line(2, "model", &plain(&model.value));
            out.line(2, "functions", &list(functions.iter().map(|function| plain(&function.value))));
            if !instructions.is_empty() {
                out.line(2, "instructions", &quoted(instructions));
            }
        }
        AgentBody::Model(agent) => model(out, agent),
    }
}

fn model(out: &mut Out, model: &Model) {
    const MILLIONTHS: usize = 6;
    out.line(2, "endpoint", &quoted(model.endpoint.as_str()));
    out.line(2, "model", &quoted(&model.model));
    out.stated(2, "key", model.key.as_ref().map(|key| alloc::format!("secret:{key}")));
    out.unusual(2, "timeout", model.timeout_milliseconds, Model::TIMEOUT_MILLISECONDS, "ms");
    out.unusual(2, "retries", model.retries.into(), Model::RETRIES.into(), "");
    out.mapping(2, "budget", |out| {
        for (key, count) in [("requests", model.budget.requests), ("tokens", model.budget.tokens)] {
            out.stated(3, key, count);
        }
        out.stated(3, "cost", model.budget.cost_millionths.map(|cost| amount(cost, MILLIONTHS)));
    });
    if let Some(price) = &model.price {
        out.begin(2, "price");
        out.line(3, "input", &amount(price.input_millionths, MILLIONTHS));
        out.line(3, "output", &amount(price.output_millionths, MILLIONTHS));
    }
}
