//! Applications that run: `space up` and its companions. Each asks the parent of the machine's spaces.

pub mod dev;
mod loader;
mod log;
pub mod parent;
pub mod plan;
mod show;
pub mod state;
pub mod up;

use std::path::Path;

use services_mex::limits::FILE_BYTES_MAX;
use services_zdesk::view::{Action, Application, Snapshot, State};
use services_zhost::question::{Answer, Question};
use services_zhost::{Problem, client};

use crate::arguments::{ApplicationArgument, SpaceArgument};
use crate::explanations;
use crate::print;
use crate::report::{Exit, Failure};

pub use loader::Packages;
pub use log::{events, logs, tap};
pub use show::{capabilities, graph, history, ps, status, top, why, why_capability};

/// The file of a topology in an application's folder.
const TOPOLOGY: &str = "topology.yaml";

/// What the parent could not do.
pub fn failure(problem: &Problem) -> Failure {
    let exit = match problem.id.as_str() {
        "already-running" | "no-application" | "no-such-path" | "no-such-thing" | "not-running"
        | "not-up" => Exit::Usage,
        "not-sent" => Exit::Refused,
        "io" | client::GONE => Exit::Io,
        "still-running" | "control" | "too-many-taps" => Exit::System,
        "other-version" | "damaged-state" | "devices" => Exit::Environment,
        _ => Exit::Image,
    };
    let id = explanations::all().iter().map(|(id, _)| *id).find(|id| *id == problem.id).unwrap_or("io");
    let failure = Failure::new(exit, id, problem.message.clone());
    match &problem.help {
        Some(help) => failure.help(help.clone()),
        None => failure,
    }
}

/// How everything is; nothing where no parent runs.
fn snapshot() -> Result<Option<Snapshot>, Failure> {
    Ok(match parent::ask(&Question::Snapshot)? {
        Some(Answer::Snapshot(snapshot)) => Some(snapshot),
        _ => None,
    })
}

/// The name of the application that is meant: the one that is named, that of the topology in this folder, or the only
/// one that there is.
fn name(argument: &ApplicationArgument) -> Result<String, Failure> {
    if let Some(name) = &argument.app {
        return Ok(name.clone());
    }
    if let Some(name) = topology_here() {
        return Ok(name);
    }
    let all = snapshot()?.unwrap_or_default().applications;
    let up: Vec<_> = all.iter().filter(|application| application.state != State::Stopped).collect();
    // Those that are stopped are meant where none is up.
    let meant = if up.is_empty() { all.iter().collect() } else { up };
    let mut names: Vec<String> = meant.into_iter().map(|application| application.name.clone()).collect();
    match names.len() {
        1 => Ok(names.remove(0)),
        0 => Err(nothing_runs()),
        _ => Err(Failure::new(
            Exit::Usage,
            "which-application",
            format!("there are several: {}", names.join(", ")),
        )
        .help("name one with `--app`")),
    }
}

fn topology_here() -> Option<String> {
    let bytes = compiler_driver::files::read(Path::new(TOPOLOGY), FILE_BYTES_MAX).ok()?;
    let topology = services_topology::read::topology(&bytes, TOPOLOGY).ok()?;
    Some(topology.name.value.to_string())
}

/// No parent runs: nothing is up, or whoever ran it was killed.
fn nothing_runs() -> Failure {
    // What cannot be read is said by whoever needs it.
    let mut left = parent::kept().unwrap_or_default();
    left.retain(|kept| !kept.is_stopped);
    let names: Vec<String> = left.into_iter().map(|kept| format!("`{}`", kept.name)).collect();
    if names.is_empty() {
        return Failure::new(Exit::Usage, "nothing-runs", "no application runs")
            .help("`space up <folder>` starts one");
    }
    let message = format!("no application runs: the parent that ran {} is gone", names.join(", "));
    Failure::new(Exit::Usage, "nothing-runs", message).help("`space up <folder>` goes on with what it ran")
}

/// An application as it is now.
fn application(argument: &ApplicationArgument) -> Result<Application, Failure> {
    shown(&name(argument)?, nothing_runs)
}

/// An application of a name as it is now; a failure of one's own where no parent runs.
fn shown(name: &str, no_parent: impl FnOnce() -> Failure) -> Result<Application, Failure> {
    let all = snapshot()?.ok_or_else(no_parent)?.applications;
    all.into_iter().find(|application| application.name == name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Failure {
    Failure::new(Exit::Usage, "no-application", format!("there is no application `{name}`"))
        .help("`space ps` lists those that there are")
}

/// Asks for something to be done, of which nothing is told but that it was.
fn done(question: &Question) -> Result<(), Failure> {
    parent::ask(question)?.map(drop).ok_or_else(nothing_runs)
}

/// Prints an address that opens the desk.
pub fn desk() -> Result<(), Failure> {
    match parent::ask(&Question::Desk)? {
        Some(Answer::Desk(url)) => print::text(&format!("desk: {url}\n")),
        _ => Err(nothing_runs()),
    }
}

/// Whether a folder is an application's.
pub fn is_folder(folder: &Path) -> bool {
    folder.join(TOPOLOGY).is_file()
}

/// Stops an application.
pub fn down(argument: &ApplicationArgument, purge: bool) -> Result<(), Failure> {
    let application = name(argument)?;
    let question = Question::Stop { application: application.clone(), purge };
    if parent::ask(&question)?.is_none() {
        // What it would run again, and what it stored, is known without it.
        parent::offline(|host| host.stop(&application, purge))?;
    }
    print::text(&format!("{application} is {}\n", if purge { "removed" } else { "down" }))
}

/// Whether a failure is that the parent knows no such application: it may be stopped.
fn is_unknown(failure: &Failure) -> bool {
    failure.id() == "no-application"
}

/// Ends a space; its restart policy decides what follows, or it is started anew.
pub fn act(argument: &SpaceArgument, action: Action) -> Result<(), Failure> {
    let application = name(&argument.application)?;
    done(&Question::Act { application, space: argument.space.clone(), action })
}

/// Puts a message into a space's queue.
pub fn send(argument: &SpaceArgument, message: &str, path: Option<String>) -> Result<(), Failure> {
    let application = name(&argument.application)?;
    let message = message.as_bytes().to_vec();
    done(&Question::Send { application, space: argument.space.clone(), path, message })
}

/// Brings a revision back.
pub fn rollback(argument: &ApplicationArgument, revision: u64) -> Result<(), Failure> {
    let application = name(argument)?;
    match parent::ask(&Question::Rollback { application, revision })? {
        Some(Answer::Revision { application, revision }) => {
            print::text(&format!("{application} is at revision {revision}\n"))
        }
        _ => Err(nothing_runs()),
    }
}
