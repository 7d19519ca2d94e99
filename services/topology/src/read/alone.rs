//! What a guest may invoke that is in no topology.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use services_yaml::{Node, Value};

use crate::agent::{Agent, AgentBody};
use crate::name::Name;
use crate::place::Located;
use crate::read::Reader;
use crate::rules::{self, Rule};
use crate::space::Service;
use crate::violation::Violation;

/// What a guest may invoke that is in no topology.
#[derive(Clone, Debug, Default)]
pub struct Alone {
    /// Models, and selectors.
    pub agents: Vec<Agent>,
    /// Services.
    pub services: Vec<Service>,
    /// The file of recorded answers, as it is written.
    pub answers: Option<String>,
}

impl Alone {
    /// The kind of what has a name.
    fn word(&self, name: &Name) -> Option<&'static str> {
        let agent = self.agents.iter().find(|agent| agent.name.value == *name);
        let is_service = || self.services.iter().any(|service| service.name.value == *name);
        agent.map(|agent| agent.body.word()).or_else(|| is_service().then_some("DF"))
    }
}

impl Reader {
    pub(super) fn alone(&mut self, root: &Node) -> Option<Alone> {
        let mut fields = root.fields(&mut self.errors)?;
        let agents = self.each(fields.optional("agents"), Self::agent);
        let services = fields.optional("service").map(|node| match node.value {
            Value::Mapping(_) => self.service(node).into_iter().collect(),
            _ => self.each(Some(node), Self::service),
        });
        let answers = fields.optional("answers").and_then(|node| self.prose(node));
        fields.finish(&mut self.errors);
        let alone = Alone { agents, services: services.unwrap_or_default(), answers };
        self.names_of(&alone);
        Some(alone)
    }

    /// Holds its names against each other.
    fn names_of(&mut self, alone: &Alone) {
        let services = alone.services.iter().map(|service| &service.name);
        let names: Vec<&Located<Name>> =
            alone.agents.iter().map(|agent| &agent.name).chain(services).collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].iter().any(|other| other.value == name.value) {
                self.broken(
                    rules::DUPLICATE_AGENT,
                    name,
                    format!("the agent `{}` is there twice", name.value),
                );
            }
        }
        for agent in &alone.agents {
            match &agent.body {
                AgentBody::Model(_) => {}
                AgentBody::Function { space } => {
                    let message = format!("a guest that is alone has no space `{}` beside it", space.value);
                    self.broken(rules::UNKNOWN_SPACE, space, message);
                }
                AgentBody::Selector { model, functions, .. } => {
                    let wanted = functions.iter().map(|function| (function, "DF")).chain([(model, "LLM")]);
                    for (name, word) in wanted {
                        self.wanted(alone, name, word);
                    }
                }
            }
        }
    }

    fn wanted(&mut self, alone: &Alone, name: &Located<Name>, word: &str) {
        match alone.word(&name.value) {
            None => self.broken(rules::UNKNOWN_AGENT, name, format!("there is no `{}`", name.value)),
            Some(is) if is != word => {
                let message = format!("`{}` is of kind {is}; it is to be of kind {word}", name.value);
                self.broken(rules::AGENT_OF_ANOTHER_KIND, name, message);
            }
            Some(_) => {}
        }
    }

    fn broken(&mut self, rule: Rule, name: &Located<Name>, message: String) {
        self.add(Violation::new(rule, &name.place, message));
    }
}

#[cfg(test)]
mod tests {
    use crate::read;

    const GOOD: &str = "agents:
  - name: small
    kind: LLM
    endpoint: http://recorded.invalid/v1
    model: small-1
  - name: triage
    kind: AF
    model: small
    functions: [forecast]
service:
  name: forecast
  url: http://recorded.invalid/weather
  methods: [GET]
answers: answers.jsonl
";

    #[test]
    fn agents_and_services_of_a_guest_are_read() {
        let alone = read::alone(GOOD.as_bytes(), "agents.yaml").unwrap();
        assert_eq!((alone.agents.len(), alone.services.len()), (2, 1));
        assert_eq!(alone.answers.as_deref(), Some("answers.jsonl"));
        assert!(read::alone(b"answers: a\n", "agents.yaml").unwrap().agents.is_empty());
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (text, rule) in [
            (GOOD.replace("model: small\n", "model: large\n"), "unknown-agent"),
            (GOOD.replace("[forecast]", "[small]"), "agent-of-another-kind"),
            (GOOD.replace("name: triage", "name: forecast"), "duplicate-agent"),
            (GOOD.replace("service:", "services:"), "unknown-key"),
            (
                GOOD.replace("service:", "  - name: same\n    kind: DF\n    space: echo\nservice:"),
                "unknown-space",
            ),
        ] {
            let violations = read::alone(text.as_bytes(), "agents.yaml").unwrap_err();
            assert!(violations.iter().any(|violation| violation.rule.id == rule), "{rule}: {violations:?}");
        }
    }
}
