//! `space plan`: what `space up` or `space topo submit` would do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sci::guest::GuestCapability;
use serde_json::{Value, json};
use services_topology::graph::{Graph, Node};
use services_zdesk::view::State;
use services_zhost::question::{Answer, Question};

use super::{loader, parent, up};
use crate::arguments::PlanArguments;
use crate::commands::mex::{self, judge};
use crate::print;
use crate::report::Failure;

/// What is compared of an application.
struct Plan {
    graph: Graph,
    /// The hash of all that a space is made of, and of its place.
    hashes: BTreeMap<String, [u8; 32]>,
}

impl Plan {
    fn of(what: &Path, bytes: &[u8]) -> Result<Self, Failure> {
        let judged = judge::read(what, bytes)?;
        let hashes = loader::contents(&judged).into_iter().map(|(name, content)| (name, content.hash));
        Ok(Self { hashes: hashes.collect(), graph: judged.graph })
    }

    fn node(&self, space: &str) -> Option<&Node> {
        self.graph.spaces.iter().find(|node| node.name.as_str() == space)
    }

    fn paths(&self) -> BTreeSet<String> {
        let path =
            |edge: &services_topology::graph::Edge| format!("{} -> {}: {}", edge.from, edge.to, edge.name);
        self.graph.paths.iter().map(path).collect()
    }
}

/// One thing that would be done, or not.
struct Step {
    what: &'static str,
    /// `space` or `path`.
    of: &'static str,
    name: String,
    why: String,
}

/// Prints it.
pub fn run(arguments: &PlanArguments) -> Result<(), Failure> {
    let what = &arguments.what;
    let bytes = up::package(what)?;
    // A package of somebody's is judged as `up` would.
    let trust = judge::trust(&judge::read(what, &bytes)?, what, None)?;
    let next = Plan::of(what, &bytes)?;
    let name = next.graph.name.to_string();
    let now = running(&name)?;
    let steps = steps(now.as_ref(), &next);
    if arguments.output.json {
        let step =
            |step: &Step| json!({"what": step.what, "of": step.of, "name": step.name, "why": step.why});
        let steps: Vec<Value> = steps.iter().map(step).collect();
        return print::json(&json!({
            "application": name, "runs": now.is_some(), "trust": trust.standing, "steps": steps,
        }));
    }
    let changes = steps.iter().any(|step| step.what != "same");
    let mut text = match (&now, changes) {
        (None, _) => format!("{name} does not run: `space up` starts all of it\n"),
        (Some(_), true) => format!("{name} runs: `space topo submit` changes it\n"),
        (Some(_), false) => format!("{name} runs as it is: nothing would change\n"),
    };
    text += &format!("{}\n", trust.standing);
    let width = steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
    for Step { what, of, name, why } in &steps {
        text += format!("  {what:<7}  {of:<5}  {name:width$}  {why}").trim_end();
        text.push('\n');
    }
    print::text(&text)
}

/// What runs under a name; nothing where it is stopped, or no parent runs.
fn running(name: &str) -> Result<Option<Plan>, Failure> {
    if up::current(name)?.is_none_or(|application| application.state == State::Stopped) {
        return Ok(None);
    }
    let question = Question::History { application: name.to_owned() };
    let Some(Answer::History(revisions)) = parent::ask(&question)? else { return Ok(None) };
    let Some(last) = revisions.last() else { return Ok(None) };
    let file = parent::home()?.packages().join(format!("{}.mex", last.package));
    Plan::of(&file, &mex::read(&file)?).map(Some)
}

fn steps(now: Option<&Plan>, next: &Plan) -> Vec<Step> {
    let space = |what, name: &str, why| Step { what, of: "space", name: name.to_owned(), why };
    let was = |name: &str| now.and_then(|now| Some((now.node(name)?, now.hashes.get(name)?)));
    let mut steps: Vec<Step> = next
        .graph
        .spaces
        .iter()
        .map(|node| {
            let name = node.name.as_str();
            match was(name) {
                None => space("new", name, String::new()),
                Some((_, hash)) if next.hashes.get(name) == Some(hash) => space("same", name, String::new()),
                Some((before, _)) => space("changed", name, difference(before, node)),
            }
        })
        .collect();
    let gone = now.iter().flat_map(|now| &now.graph.spaces).map(|node| node.name.as_str());
    steps
        .extend(gone.filter(|name| next.node(name).is_none()).map(|name| space("gone", name, String::new())));
    let (before, after) = (now.map(Plan::paths).unwrap_or_default(), next.paths());
    let path = |what, name: &String| Step { what, of: "path", name: name.clone(), why: String::new() };
    steps.extend(after.difference(&before).map(|name| path("new", name)));
    steps.extend(before.difference(&after).map(|name| path("gone", name)));
    steps
}

/// In what a space differs.
fn difference(before: &Node, after: &Node) -> String {
    let grants = |node: &Node| node.grant.iter().map(GuestCapability::name).collect::<BTreeSet<_>>();
    let (old, new) = (grants(before), grants(after));
    let mut parts: Vec<String> = new.difference(&old).map(|name| format!("+{name}")).collect();
    parts.extend(old.difference(&new).map(|name| format!("-{name}")));
    let places = [
        ("type", before.kind != after.kind),
        ("path", before.namespace != after.namespace),
        ("placement", format!("{:?}", before.placement) != format!("{:?}", after.placement)),
        ("restart", format!("{:?}", before.restart) != format!("{:?}", after.restart)),
    ];
    parts.extend(places.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()));
    if parts.is_empty() {
        parts.push("its files".to_owned());
    }
    parts.join(", ")
}
