//! Agents and models.

use alloc::string::String;

use services_yaml::{Fields, Node};

use crate::agent::{Agent, AgentBody, Budget, Model, Price};
use crate::read::Reader;
use crate::rules;
use crate::violation::Violation;

/// Digits of millionths.
const MILLIONTHS: usize = 6;
/// Tries beyond the first.
const RETRIES_MAX: u32 = 10;

#[derive(Clone, Copy)]
enum Word {
    Function,
    Selector,
    Model,
}

impl Reader {
    pub(super) fn agent(&mut self, node: &Node) -> Option<Agent> {
        let mut fields = node.fields(&mut self.errors)?;
        let name = fields.required("name", &mut self.errors).and_then(|node| self.name(node));
        let words = [("DF", Word::Function), ("AF", Word::Selector), ("LLM", Word::Model)];
        let word = fields.required("kind", &mut self.errors);
        let word = word.and_then(|node| node.word(&words, &mut self.errors));
        let body = match word? {
            Word::Function => {
                let space = fields.required("space", &mut self.errors).and_then(|node| self.name(node));
                space.map(|space| AgentBody::Function { space })
            }
            Word::Selector => {
                let model = fields.required("model", &mut self.errors).and_then(|node| self.name(node));
                let functions = fields.required("functions", &mut self.errors);
                let functions = self.each(functions, Self::name);
                let instructions = fields.optional("instructions");
                let instructions = instructions.map_or_else(|| Some(String::new()), |node| self.prose(node));
                model.zip(instructions).map(|(model, instructions)| AgentBody::Selector {
                    model,
                    functions,
                    instructions,
                })
            }
            Word::Model => self.model_fields(&mut fields).map(AgentBody::Model),
        };
        fields.finish(&mut self.errors);
        name.zip(body).map(|(name, body)| Agent { name, body })
    }

    /// The fields of a model.
    pub(super) fn model_fields(&mut self, fields: &mut Fields<'_>) -> Option<Model> {
        let endpoint = fields.required("endpoint", &mut self.errors).and_then(|node| self.url(node));
        let name = fields.required("model", &mut self.errors).and_then(|node| self.prose(node));
        let key = fields.optional("key").and_then(|node| self.secret(node));
        let timeout = fields.optional("timeout").and_then(|node| self.duration(node));
        let retries = fields.optional("retries").and_then(|node| self.count(node, 0, RETRIES_MAX));
        let price = fields.optional("price").and_then(|node| self.price(node));
        let budget_node = fields.optional("budget");
        let budget = budget_node.and_then(|node| self.budget(node)).unwrap_or_default();
        if let Some(node) = budget_node.filter(|_| budget.cost_millionths.is_some() && price.is_none()) {
            let message = "a budget in cost, and no price".into();
            self.add(Violation::new(rules::BUDGET_WITHOUT_PRICE, &self.place(node.place), message));
        }
        Some(Model {
            endpoint: endpoint?,
            model: name?,
            key,
            timeout_milliseconds: timeout.unwrap_or(Model::TIMEOUT_MILLISECONDS),
            retries: retries.unwrap_or(Model::RETRIES),
            budget,
            price,
        })
    }

    fn budget(&mut self, node: &Node) -> Option<Budget> {
        let mut fields = node.fields(&mut self.errors)?;
        let mut whole = |key| {
            let node = fields.optional(key)?;
            node.integer(1..=i64::MAX, &mut self.errors).map(|count| count as u64)
        };
        let (requests, tokens) = (whole("requests"), whole("tokens"));
        let cost_millionths = fields.optional("cost").and_then(|node| self.amount(node, MILLIONTHS));
        fields.finish(&mut self.errors);
        Some(Budget { requests, tokens, cost_millionths })
    }

    fn price(&mut self, node: &Node) -> Option<Price> {
        let mut fields = node.fields(&mut self.errors)?;
        let input = fields.required("input", &mut self.errors);
        let input = input.and_then(|node| self.amount(node, MILLIONTHS));
        let output = fields.required("output", &mut self.errors);
        let output = output.and_then(|node| self.amount(node, MILLIONTHS));
        fields.finish(&mut self.errors);
        let (input_millionths, output_millionths) = input.zip(output)?;
        Some(Price { input_millionths, output_millionths })
    }
}
