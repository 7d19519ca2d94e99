//! What is known of applications while no parent runs.

use super::{open_control, past};
use crate::home::{Home, HomeError};
use crate::question::{PastRevision, Problem};
use services_zrms::control::State;

/// An application that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Whether it was stopped; otherwise the next parent runs it.
    pub is_stopped: bool,
    /// Its revisions, oldest first.
    pub revisions: Vec<PastRevision>,
}

/// The applications of a folder that no parent has; none while one has it.
pub fn kept(home: &Home) -> Result<Vec<Kept>, Problem> {
    if !home.control().is_file() {
        return Ok(Vec::new());
    }
    let lock = match home.lock() {
        Ok(lock) => lock,
        Err(HomeError::Taken(_)) => return Ok(Vec::new()),
        Err(error @ HomeError::Io(..)) => return Err(Problem::new("io", error.to_string())),
    };
    let control = open_control(home, Vec::new())?;
    let of = |name: &str| {
        let (status, revisions) = (control.status(name).ok()?, control.history(name).ok()?);
        let is_stopped = status.state == State::Stopped;
        Some(Kept { name: name.to_owned(), is_stopped, revisions: revisions.iter().map(past).collect() })
    };
    let all = control.topologies().filter_map(of).collect();
    drop(control);
    lock.leave();
    Ok(all)
}
