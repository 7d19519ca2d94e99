//! Control: what is wanted of topologies beside what hosts report, and the actions that bring the one to the other.
//!
//! What is acknowledged is in the store before. The state is what the store says and what hosts report: a new process
//! reads the one, waits for the other, and goes on.

mod load;
mod reconcile;
mod record;
mod report;
mod status;

use crate::action::{Address, Instance};
use crate::place::{Explanation, HostId, Placer, SpaceId};
use crate::store::{Store, StoreError};
use crate::verdict::{SignedVerdict, VerdictError};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use record::{HOSTS, HostRecord, LEADER, PLACEMENTS, Phase, Placement, Standing, TOPOLOGIES, Wanted};
pub use record::{Revision, SpaceSpec};
pub use report::ReportError;
use sci::sign::PublicKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
pub use status::{HostStatus, SpaceStatus, State, TopologyStatus};

/// What an operator decides. Times are in milliseconds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of the draws.
    pub seed: u64,
    /// Keys whose verdicts hold.
    pub trusted: Vec<PublicKey>,
    /// A host that is not heard for so long counts as late: its spaces are degraded.
    pub late: u64,
    /// A host that is not heard for so long counts as dead: its spaces are placed anew.
    pub dead: u64,
    /// The longest time that passes from one step to the next. What a clock jumps beyond it does not count, so that
    /// neither a jump nor a pause of this process alone makes a host dead.
    pub longest_step: u64,
    /// A space that fits nowhere is tried again after so long, or when hosts change.
    pub placement_retry: u64,
    /// Revisions that are kept of a topology, besides those that still run.
    pub history: usize,
}

impl Default for Config {
    fn default() -> Self {
        let (late, dead, longest_step) = (700, 2000, 400);
        Self { seed: 0, trusted: Vec::new(), late, dead, longest_step, placement_retry: 5000, history: 16 }
    }
}

/// A revision of a topology, to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// SHA-256 of the package.
    pub package: [u8; 32],
    /// What was found of the package.
    pub verdict: SignedVerdict,
    /// Its spaces.
    pub spaces: Vec<SpaceSpec>,
}

/// Why something was not done. Nothing was changed, unless the store failed: then the next step finds out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Another zrms has taken over.
    #[error("another zrms has taken over the store: this one must end")]
    Superseded,
    /// The store did not do what it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name is none.
    #[error("`{0}` is no name: a letter, then at most 62 letters, digits and `-`, all small")]
    Name(String),
    /// Two spaces have one name.
    #[error("two spaces are named `{0}`: rename one")]
    Twice(String),
    /// There are no spaces.
    #[error("the topology has no spaces")]
    Empty,
    /// The verdict does not hold.
    #[error(transparent)]
    Verdict(#[from] VerdictError),
    /// There is no such topology.
    #[error("there is no topology `{0}`")]
    Topology(String),
    /// It is to run, or runs.
    #[error("topology `{0}` runs: stop it first")]
    Runs(String),
    /// There is no such space.
    #[error("topology `{0}` has no space `{1}` that was started")]
    Space(String, String),
    /// There is no such revision.
    #[error("topology `{0}` has no revision {1}: see its history")]
    Revision(String, u64),
}

/// Time as this process lives through it: it only grows, and not by jumps.
#[derive(Clone, Copy, Debug)]
struct Clock {
    last: u64,
    elapsed: u64,
}

impl Clock {
    fn advance(&mut self, now: u64, longest: u64) {
        self.elapsed += now.saturating_sub(self.last).min(longest);
        self.last = now;
    }
}

#[derive(Debug)]
struct HostState {
    id: HostId,
    record: HostRecord,
    version: u64,
    alive: bool,
    heard: u64,
    /// The last report's number, once there was one.
    sequence: Option<u64>,
    instances: BTreeMap<Address, Instance>,
}

/// What is known of a space besides its standing; a new process finds it out anew.
#[derive(Debug)]
struct Runtime {
    id: SpaceId,
    hash: [u8; 32],
    retry_at: u64,
    running_since: Option<u64>,
    /// Why no host fits, and for which state of the hosts that was found.
    refused: Option<(Explanation, u64)>,
}

#[derive(Debug, Default)]
struct Topology {
    wanted: Wanted,
    wanted_version: u64,
    placement: Placement,
    placement_version: u64,
    runtime: BTreeMap<String, Runtime>,
    /// Why the last change is not in the store.
    trouble: Option<StoreError>,
}

impl Topology {
    fn revision(&self, number: u64) -> Option<&Revision> {
        self.wanted.revisions.iter().find(|revision| revision.number == number)
    }

    /// The revision that is to run.
    fn current(&self) -> Option<&Revision> {
        self.wanted.revisions.last().filter(|_| self.wanted.run)
    }

    fn spec(&self, space: &str) -> Option<&SpaceSpec> {
        self.current()?.spaces.iter().find(|spec| spec.name == space)
    }
}

/// The control of all topologies over a store.
#[derive(Debug)]
pub struct Control<S> {
    store: S,
    config: Config,
    clock: Clock,
    term: u64,
    /// The last version of the store that is known here.
    seen: u64,
    superseded: bool,
    placer: Placer,
    /// Counts what may make a space fit that did not.
    generation: u64,
    hosts: BTreeMap<String, HostState>,
    topologies: BTreeMap<String, Topology>,
    /// Whose numbers the placer's are.
    owners: BTreeMap<SpaceId, String>,
    /// Topologies that are not as they should be, or that something happened to.
    attention: BTreeSet<String>,
    /// Hosts that may run what they should not.
    reported: BTreeSet<String>,
}

fn is_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl<S: Store> Control<S> {
    /// Takes over a store: any other control of it ends at its next step. Hosts that the store knows count as heard
    /// now.
    pub fn open(store: S, config: Config, now: u64) -> Result<Self, ControlError> {
        let mut control = Self {
            placer: Placer::new(config.seed),
            store,
            config,
            clock: Clock { last: now, elapsed: 0 },
            term: 0,
            seen: 0,
            superseded: false,
            generation: 0,
            hosts: BTreeMap::new(),
            topologies: BTreeMap::new(),
            owners: BTreeMap::new(),
            attention: BTreeSet::new(),
            reported: BTreeSet::new(),
        };
        let (term, version) = control.read::<u64>(LEADER)?.unwrap_or_default();
        // Whoever had the store finds this change; what it wrote before is among what is read below.
        let term = term + 1;
        control.term = term;
        control.seen = control.write(LEADER, version, &term)?;
        for key in control.store.keys(HOSTS)?.into_iter().chain(control.store.keys(TOPOLOGIES)?) {
            control.load(&key)?;
        }
        for key in control.store.keys(PLACEMENTS)? {
            control.load(&key)?;
        }
        Ok(control)
    }

    /// How often the store was taken over, this time among them: a number that no earlier control of it had.
    pub fn term(&self) -> u64 {
        self.term
    }

    /// The store, at the end.
    pub fn into_store(self) -> S {
        self.store
    }

    /// Takes what a topology is to be; it runs, or is changed by difference. The same once more is the same revision, which
    /// runs again if it was stopped. The revision's number.
    pub fn submit(&mut self, name: &str, submission: &Submission) -> Result<u64, ControlError> {
        self.follow()?;
        let mut names = BTreeSet::new();
        for name in core::iter::once(name).chain(submission.spaces.iter().map(|space| space.name.as_str())) {
            if !is_name(name) {
                return Err(ControlError::Name(name.into()));
            }
        }
        if submission.spaces.is_empty() {
            return Err(ControlError::Empty);
        }
        if let Some(twice) = submission.spaces.iter().find(|space| !names.insert(&space.name)) {
            return Err(ControlError::Twice(twice.name.clone()));
        }
        submission.verdict.check(&self.config.trusted, &submission.package)?;
        let verdict = submission.verdict.to_bytes()?;
        let (mut wanted, version) = match self.topologies.get(name) {
            Some(topology) => (topology.wanted.clone(), topology.wanted_version),
            None => (Wanted::default(), 0),
        };
        let number = wanted.revisions.last().map_or(0, |last| last.number);
        // Whoever verified it, and when, does not make it another one.
        let same = wanted
            .revisions
            .last_mut()
            .filter(|last| (last.package, &last.spaces) == (submission.package, &submission.spaces));
        if let Some(same) = same {
            if !wanted.run {
                same.verdict = verdict;
                wanted.run = true;
                self.want(name, version, wanted)?;
            }
            return Ok(number);
        }
        self.retry_failed(name)?;
        let (package, spaces) = (submission.package, submission.spaces.clone());
        wanted.revisions.push(Revision { number: number + 1, of: None, package, verdict, spaces });
        wanted.run = true;
        self.want(name, version, wanted)?;
        Ok(number + 1)
    }

    /// Stops a topology. What it was is kept.
    pub fn stop(&mut self, name: &str) -> Result<(), ControlError> {
        self.set_run(name, false)
    }

    /// Runs a topology that was stopped, as it was last.
    pub fn resume(&mut self, name: &str) -> Result<(), ControlError> {
        self.set_run(name, true)
    }

    fn set_run(&mut self, name: &str, run: bool) -> Result<(), ControlError> {
        self.follow()?;
        let topology = self.topology(name)?;
        if topology.wanted.run == run {
            return Ok(());
        }
        let wanted = Wanted { run, ..topology.wanted.clone() };
        let version = topology.wanted_version;
        self.want(name, version, wanted)
    }

    /// Brings an earlier revision back, as a new one. Its number.
    pub fn rollback(&mut self, name: &str, revision: u64) -> Result<u64, ControlError> {
        self.follow()?;
        let topology = self.topology(name)?;
        let unknown = || ControlError::Revision(name.into(), revision);
        let earlier = topology.revision(revision).ok_or_else(unknown)?;
        let number = topology.wanted.revisions.last().map_or(0, |last| last.number) + 1;
        let brought = Revision { number, of: Some(revision), ..earlier.clone() };
        let (mut wanted, version) = (topology.wanted.clone(), topology.wanted_version);
        // The keys that are trusted may be others by now.
        let verdict = SignedVerdict::from_bytes(&brought.verdict)?;
        verdict.check(&self.config.trusted, &brought.package)?;
        wanted.revisions.push(brought);
        wanted.run = true;
        self.retry_failed(name)?;
        self.want(name, version, wanted)?;
        Ok(number)
    }

    /// Starts a space anew, also one that ended for good.
    pub fn restart(&mut self, name: &str, space: &str) -> Result<(), ControlError> {
        self.follow()?;
        let topology = self.topology(name)?;
        let unknown = || ControlError::Space(name.into(), space.into());
        let mut placement = topology.placement.clone();
        let standing = placement.spaces.get_mut(space).ok_or_else(unknown)?;
        let reason: String = "it was asked for".into();
        match &mut standing.phase {
            Phase::Placed(placed) => {
                placed.stopping.get_or_insert(reason);
            }
            _ => *standing = Standing { attempts: 0, phase: Phase::Waiting { reason } },
        }
        self.begin_anew(name, placement, &[space.into()])?;
        Ok(())
    }

    /// Has spaces that were given up tried again: what they failed of may be what a new revision changes.
    fn retry_failed(&mut self, name: &str) -> Result<(), StoreError> {
        let Some(topology) = self.topologies.get(name) else { return Ok(()) };
        let mut placement = topology.placement.clone();
        let failed = |(_, standing): &(&String, &mut Standing)| {
            matches!(standing.phase, Phase::Ended { failed: true, .. })
        };
        let mut spaces = Vec::new();
        for (space, standing) in placement.spaces.iter_mut().filter(failed) {
            let phase = Phase::Waiting { reason: "the topology was changed".into() };
            *standing = Standing { attempts: 0, phase };
            spaces.push(space.clone());
        }
        if spaces.is_empty() { Ok(()) } else { self.begin_anew(name, placement, &spaces) }
    }

    /// Keeps a placement by which spaces start anew, without a wait.
    fn begin_anew(&mut self, name: &str, placement: Placement, spaces: &[String]) -> Result<(), StoreError> {
        let Some(topology) = self.topologies.get(name) else { return Ok(()) };
        let version = self.write(&format!("{PLACEMENTS}{name}"), topology.placement_version, &placement)?;
        let elapsed = self.clock.elapsed;
        if let Some(topology) = self.topologies.get_mut(name) {
            (topology.placement, topology.placement_version) = (placement, version);
            for space in spaces {
                if let Some(runtime) = topology.runtime.get_mut(space) {
                    runtime.retry_at = elapsed;
                }
            }
        }
        self.attention.insert(name.into());
        Ok(())
    }

    /// A topology's revisions, oldest first.
    pub fn history(&self, name: &str) -> Result<&[Revision], ControlError> {
        Ok(&self.topology(name)?.wanted.revisions)
    }

    /// Forgets a topology of which nothing runs any more: its revisions, and how its spaces ended. Numbers of starts go
    /// on, so that one that is submitted again under the name starts anew.
    pub fn forget(&mut self, name: &str) -> Result<(), ControlError> {
        self.follow()?;
        let topology = self.topology(name)?;
        let runs = |standing: &Standing| matches!(standing.phase, Phase::Placed(_));
        if topology.wanted.run || topology.placement.spaces.values().any(runs) {
            return Err(ControlError::Runs(name.into()));
        }
        let (placement, version) = (
            Placement { epoch: topology.placement.epoch, spaces: BTreeMap::new() },
            topology.placement_version,
        );
        let wanted_version = topology.wanted_version;
        if version > 0 {
            let version = self.write(&format!("{PLACEMENTS}{name}"), version, &placement)?;
            if let Some(topology) = self.topologies.get_mut(name) {
                (topology.placement, topology.placement_version) = (placement, version);
            }
        }
        self.want(name, wanted_version, Wanted::default())
    }

    /// The revision that is to run, once nothing runs that it has not or has otherwise.
    pub fn arrived(&self, name: &str) -> Option<&Revision> {
        let topology = self.topologies.get(name)?;
        let stays = |(space, standing): (&String, &Standing)| match &standing.phase {
            Phase::Placed(placed) => {
                placed.stopping.is_none() && topology.spec(space).is_some_and(|spec| spec.hash == placed.hash)
            }
            Phase::Waiting { .. } | Phase::Ended { .. } => true,
        };
        topology.current().filter(|_| topology.placement.spaces.iter().all(stays))
    }

    /// The names of all topologies that are not forgotten.
    pub fn topologies(&self) -> impl Iterator<Item = &str> {
        let known = self.topologies.iter().filter(|(_, topology)| !topology.wanted.revisions.is_empty());
        known.map(|(name, _)| name.as_str())
    }

    fn topology(&self, name: &str) -> Result<&Topology, ControlError> {
        let known = self.topologies.get(name).filter(|topology| !topology.wanted.revisions.is_empty());
        known.ok_or_else(|| ControlError::Topology(name.into()))
    }

    fn want(&mut self, name: &str, version: u64, mut wanted: Wanted) -> Result<(), ControlError> {
        let running: BTreeSet<u64> = self.topologies.get(name).map_or_else(BTreeSet::new, |topology| {
            let phases = topology.placement.spaces.values().map(|standing| &standing.phase);
            phases
                .filter_map(
                    |phase| if let Phase::Placed(placed) = phase { Some(placed.revision) } else { None },
                )
                .collect()
        });
        let beyond = wanted.revisions.len().saturating_sub(self.config.history.max(1));
        let mut at = 0;
        wanted.revisions.retain(|revision| {
            at += 1;
            at > beyond || running.contains(&revision.number)
        });
        let version = self.write(&format!("{TOPOLOGIES}{name}"), version, &wanted)?;
        let topology = self.topologies.entry(name.into()).or_default();
        (topology.wanted, topology.wanted_version) = (wanted, version);
        self.attention.insert(name.into());
        Ok(())
    }

    /// Writes a value, and takes note of its version.
    fn write(&mut self, key: &str, version: u64, value: &impl Serialize) -> Result<u64, StoreError> {
        let bytes = postcard::to_allocvec(value).map_err(|error| StoreError::Failed(error.to_string()))?;
        let new = self.store.put(key, version, &bytes)?;
        // What others wrote in between has to be found yet.
        if new == self.seen + 1 {
            self.seen = new;
        }
        Ok(new)
    }

    fn read<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<(T, u64)>, StoreError> {
        let Some(found) = self.store.get(key)? else { return Ok(None) };
        let value = postcard::from_bytes(&found.value).map_err(|_| StoreError::Damaged(key.into()))?;
        Ok(Some((value, found.version)))
    }

    /// Takes in what changed in the store: writes of which it was not known whether they took place, and whoever took
    /// over.
    fn follow(&mut self) -> Result<(), ControlError> {
        if self.superseded {
            return Err(ControlError::Superseded);
        }
        for (version, key) in self.store.changes(self.seen)? {
            if key == LEADER {
                self.superseded = true;
                return Err(ControlError::Superseded);
            }
            self.load(&key)?;
            self.seen = version;
        }
        Ok(())
    }
}
