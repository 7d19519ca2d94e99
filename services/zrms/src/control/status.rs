//! The states of topologies, spaces and hosts, each with its reason.

use super::record::{Phase, Standing};
use super::{Control, ControlError, Topology};
use crate::action::InstanceState;
use crate::place::Explanation;
use crate::store::Store;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The state of a topology or a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is to run, and does not yet.
    Pending,
    /// It runs.
    Running,
    /// It runs, but not as it should.
    Degraded,
    /// It does not run, and is not to.
    Stopped,
    /// It does not run, and will not by itself.
    Failed,
}

impl State {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// How a space is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceStatus {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Why.
    pub reason: String,
    /// Milliseconds until it is tried again, where it is.
    pub next_retry: Option<u64>,
    /// Starts again in a row.
    pub attempts: u32,
    /// Its host and the epoch of its start there.
    pub host: Option<(String, u64)>,
    /// Why that host, or none.
    pub explanation: Option<Explanation>,
}

/// How a topology is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyStatus {
    /// Its state.
    pub state: State,
    /// Why.
    pub reason: String,
    /// Its last revision.
    pub revision: u64,
    /// Its spaces.
    pub spaces: Vec<SpaceStatus>,
}

/// How a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// Its name.
    pub name: String,
    /// Whether it counts as alive.
    pub alive: bool,
    /// Milliseconds since its last report.
    pub silent: u64,
}

impl<S: Store> Control<S> {
    /// The state of a topology and its spaces.
    pub fn status(&self, name: &str) -> Result<TopologyStatus, ControlError> {
        let topology = self.topology(name)?;
        let current = topology.current().map(|revision| &revision.spaces);
        let new =
            current.into_iter().flatten().filter(|spec| !topology.placement.spaces.contains_key(&spec.name));
        let mut spaces: Vec<SpaceStatus> = new
            .map(|spec| {
                let phase = Phase::Waiting { reason: "it is new".into() };
                self.space(name, topology, &spec.name, &Standing { attempts: 0, phase })
            })
            .collect();
        let standing = topology.placement.spaces.iter();
        spaces.extend(standing.map(|(space, standing)| self.space(name, topology, space, standing)));
        spaces.sort_by(|a, b| a.name.cmp(&b.name));
        let (mut state, mut reason) = overall(topology.wanted.run, &spaces);
        if let Some(trouble) = &topology.trouble {
            if state == State::Running {
                state = State::Degraded;
            }
            reason = format!("changes wait: {trouble}");
        }
        let revision = topology.wanted.revisions.last().map_or(0, |revision| revision.number);
        Ok(TopologyStatus { state, reason, revision, spaces })
    }

    /// The state of every host.
    pub fn hosts(&self) -> Vec<HostStatus> {
        let status = |(name, host): (&String, &super::HostState)| HostStatus {
            name: name.clone(),
            alive: host.alive,
            silent: self.clock.elapsed - host.heard,
        };
        self.hosts.iter().map(status).collect()
    }

    fn space(&self, name: &str, topology: &Topology, space: &str, standing: &Standing) -> SpaceStatus {
        let (mut host, mut explanation, mut next_retry) = (None, None, None);
        let (state, reason) = match &standing.phase {
            Phase::Waiting { reason } => {
                let runtime = topology.runtime.get(space);
                next_retry = runtime.map(|runtime| runtime.retry_at.saturating_sub(self.clock.elapsed));
                explanation = runtime
                    .and_then(|runtime| runtime.refused.as_ref())
                    .map(|(explanation, _)| explanation.clone());
                (State::Pending, explanation.as_ref().map_or(reason.clone(), ToString::to_string))
            }
            Phase::Ended { failed, reason, .. } => {
                (if *failed { State::Failed } else { State::Stopped }, reason.clone())
            }
            Phase::Placed(placed) => {
                host = Some((placed.host.clone(), placed.epoch));
                explanation = Some(placed.explanation.clone());
                let late = self
                    .hosts
                    .get(&placed.host)
                    .is_none_or(|host| !host.alive || self.clock.elapsed - host.heard > self.config.late);
                let state = self.own_instance(name, space, placed).map(|instance| &instance.state);
                match (&placed.stopping, state) {
                    (Some(reason), _) => (State::Degraded, format!("it is being stopped: {reason}")),
                    (None, Some(InstanceState::Ended { reason, .. })) => (State::Pending, reason.clone()),
                    (None, _) if late => (State::Degraded, format!("host `{}` is late", placed.host)),
                    (None, None) => (State::Pending, format!("host `{}` was told to start it", placed.host)),
                    (None, Some(InstanceState::Starting)) => (State::Pending, "it begins".into()),
                    (None, Some(InstanceState::Running)) => (State::Running, "it runs".into()),
                    (None, Some(InstanceState::Degraded(reason))) => (State::Degraded, reason.clone()),
                }
            }
        };
        SpaceStatus {
            name: space.into(),
            state,
            reason,
            next_retry,
            attempts: standing.attempts,
            host,
            explanation,
        }
    }
}

/// A topology's state from its spaces': the worst one speaks for it.
fn overall(run: bool, spaces: &[SpaceStatus]) -> (State, String) {
    let first = |state: State| spaces.iter().find(|space| space.state == state);
    let says = |space: &SpaceStatus| format!("`{}` is {}: {}", space.name, space.state.name(), space.reason);
    if !run {
        return match spaces.first() {
            None => (State::Stopped, "it was stopped".into()),
            Some(space) => (State::Degraded, says(space)),
        };
    }
    let works = first(State::Running).or(first(State::Degraded)).is_some();
    match (first(State::Failed), first(State::Degraded), first(State::Pending)) {
        (Some(failed), ..) => (if works { State::Degraded } else { State::Failed }, says(failed)),
        (None, Some(degraded), _) => (State::Degraded, says(degraded)),
        (None, None, Some(pending)) => (if works { State::Degraded } else { State::Pending }, says(pending)),
        (None, None, None) if works => (State::Running, "all of it runs".into()),
        (None, None, None) => (State::Stopped, "all of it ended".into()),
    }
}
