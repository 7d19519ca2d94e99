//! Agents, and who names them.

use alloc::format;

use sci::guest::SpaceType;

use crate::agent::AgentBody;
use crate::check::{Application, Found};
use crate::name::Name;
use crate::place::Located;
use crate::rules;
use crate::space::{ChatModel, Role};
use crate::violation::Violation;

pub(super) fn check(application: Application<'_>, found: &mut Found<'_>) {
    let agents = &application.topology.agents;
    found.unique(rules::DUPLICATE_AGENT, "the agent", agents.iter().map(|agent| &agent.name), None);
    for agent in agents {
        let name = &agent.name.value;
        match &agent.body {
            AgentBody::Function { space } => {
                let answers = found.space(space, &format!("the space of agent `{name}`"), None);
                if answers.is_some_and(|answers| answers.kind == SpaceType::Ui) {
                    let message =
                        format!("the function `{name}` is to be answered by the UI space `{}`", space.value);
                    found.add(Violation::new(rules::FUNCTION_OF_UI, &space.place, message));
                }
            }
            AgentBody::Selector { model, functions, .. } => {
                of_kind(model, "LLM", &format!("the model of agent `{name}`"), None, found);
                for function in functions {
                    of_kind(function, "DF", &format!("a function of agent `{name}`"), None, found);
                }
            }
            AgentBody::Model(_) => {}
        }
    }
    for (space, facts) in application.spaces {
        if let Some(Role::Chat(chat)) = facts.manifest.as_ref().map(|manifest| &manifest.role)
            && let ChatModel::Agent(model) = &chat.model
        {
            of_kind(model, "LLM", "its model", Some(space), found);
        }
    }
}

fn of_kind(agent: &Located<Name>, word: &str, what: &str, of: Option<&Name>, found: &mut Found<'_>) {
    if let Some(is) = found.agent(agent, what, of).map(|agent| agent.body.word())
        && is != word
    {
        let message =
            format!("{what} is `{}`, which is of kind {is}; it is to be of kind {word}", agent.value);
        let violation = Violation::new(rules::AGENT_OF_ANOTHER_KIND, &agent.place, message);
        found.add(of.into_iter().fold(violation, Violation::of));
    }
}
