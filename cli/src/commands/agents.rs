//! What one guest may invoke: `docs/agents.md` describes the file.

use std::path::Path;

use compiler_driver::files;
use sci::guest::ErrorCode;
use services_topology::agent::AgentBody;
use services_topology::name::Name;
use services_topology::read;
use services_zhost::{Sources, certificates, missing_of, secrets};
use services_zrun::Agents;
use services_zrun::agents::{Book, Own};
use services_zrun::linux::{Ledger, Records, Runner};

use crate::commands::apps::parent;
use crate::commands::devices::now;
use crate::commands::mex;
use crate::report::{Exit, Failure, say};

/// The number of the one space.
const ALONE: u32 = 0;
/// Bytes of a file of answers.
const ANSWERS_BYTES_MAX: u64 = 64 << 20;

/// Bytes that are said of a request.
const SAID_BYTES_MAX: usize = 4096;

/// Says what only an operator can mend of a request.
pub fn tell(says: &str) {
    say(&format!("{}\n", &says[..says.floor_char_boundary(SAID_BYTES_MAX)]));
}

/// What a file describes, and the secrets of whoever runs the guest.
pub struct Described {
    /// Models and selectors.
    pub agents: Vec<(String, AgentBody<Name>)>,
    /// Services.
    pub own: Own,
    /// What requests are made and answered with.
    pub sources: Sources,
}

/// Reads what a file describes.
pub fn describe(file: &Path) -> Result<Described, Failure> {
    let text = files::read(file, read::BYTES_MAX as u64)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let alone = read::alone(&text, &name).map_err(|violations| mex::violated(file, violations))?;
    let records = alone.answers.map(|name| {
        let path = file.parent().unwrap_or(Path::new("")).join(name);
        let text = String::from_utf8_lossy(&files::read(&path, ANSWERS_BYTES_MAX)?).into_owned();
        Records::read(&text).map_err(|error| wrong(error).at(path.display().to_string()))
    });
    let home = parent::home()?;
    let path = home.secrets();
    let secrets = secrets(&path).map_err(wrong)?;
    let certificates = certificates(&home.certificates()).map_err(wrong)?;
    let agents: Vec<_> =
        alone.agents.iter().map(|agent| (agent.name.value.to_string(), agent.body.plain())).collect();
    let own = Own { services: alone.services, ..Own::default() };
    let bodies = agents.iter().map(|(_, body)| body);
    for text in missing_of(bodies, std::iter::once(&own), &secrets, &path) {
        tell(&text);
    }
    let records = records.transpose()?.unwrap_or_default();
    Ok(Described { agents, own, sources: Sources { records, secrets, certificates } })
}

/// The agents that a file describes, as the back end of a guest on this machine.
pub fn start(file: &Path) -> Result<Box<dyn Agents>, Failure> {
    let Described { agents, own, sources: Sources { records, secrets, certificates } } = describe(file)?;
    let runner = Runner::with_ledger(Book::new(agents, secrets), Box::new(now), None, Some(Box::new(Loud)));
    runner.record(records);
    runner.trust(&certificates);
    Ok(Box::new(runner.for_space(ALONE, own)))
}

/// Says what an operator can mend. What was spent ends with the run.
struct Loud;

impl Ledger for Loud {
    fn keep(&self, _: &Book) -> Result<(), ErrorCode> {
        Ok(())
    }

    fn trouble(&self, _: u32, says: &str) {
        tell(says);
    }
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Environment, "agents", error.to_string())
        .help("`docs/agents.md` says how agents, answers and secrets are described")
}
