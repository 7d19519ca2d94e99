//! One step: where spaces should be, stored first, then said to hosts.

use super::record::{PLACEMENTS, Phase, Placed, Placement, Standing};
use super::{Control, ControlError, SpaceSpec, Topology};
use crate::action::{Action, Address, Instance, InstanceState, Order};
use crate::place::Rule;
use crate::random;
use crate::restart::{Again, RestartPolicy, When};
use crate::store::Store;
use crate::verdict::SignedVerdict;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// How it came that nothing of a placed space runs.
enum Gone {
    /// It ended.
    Ended { failed: bool, reason: String },
    /// Its host went away.
    Host(String),
}

impl<S: Store> Control<S> {
    /// Goes on at a time: stores what has to change, and gives what hosts are to be told. Actions come again with each
    /// step until reports show their effect.
    pub fn step(&mut self, now: u64) -> Result<Vec<Action>, ControlError> {
        self.clock.advance(now, self.config.longest_step);
        self.follow()?;
        self.bury();
        let mut actions = Vec::new();
        for name in core::mem::take(&mut self.attention) {
            // Taken out, so that hosts and placer can be changed beside it.
            let Some(mut topology) = self.topologies.remove(&name) else { continue };
            let done = self.reconcile(&name, &mut topology, &mut actions);
            self.topologies.insert(name.clone(), topology);
            if !done {
                self.attention.insert(name);
            }
        }
        self.stop_strays(&mut actions);
        Ok(actions)
    }

    /// Whether the topology needs no further attention until something happens.
    fn reconcile(&mut self, name: &str, topology: &mut Topology, actions: &mut Vec<Action>) -> bool {
        self.settle(name, topology);
        let mut next = topology.placement.clone();
        let wanted: Vec<SpaceSpec> =
            topology.current().map(|revision| revision.spaces.clone()).unwrap_or_default();
        let spaces: BTreeSet<String> =
            wanted.iter().map(|spec| &spec.name).chain(next.spaces.keys()).cloned().collect();
        for space in &spaces {
            self.judge(name, topology, &mut next, space);
        }
        // A group is placed as a whole: all that waits is known to the placer before the first is placed.
        let waiting: Vec<&SpaceSpec> = wanted
            .iter()
            .filter(|spec| {
                matches!(next.spaces.get(&spec.name), Some(Standing { phase: Phase::Waiting { .. }, .. }))
            })
            .collect();
        for spec in &waiting {
            self.await_host(name, topology, &next, spec);
        }
        for spec in &waiting {
            if is_group_leaving(&wanted, &next, spec) {
                continue;
            }
            if self.place(topology, &mut next, spec) == Some(false) {
                self.gather(topology, &mut next, &wanted, spec);
            }
        }
        if next == topology.placement {
            topology.trouble = None;
        } else {
            match self.write(&format!("{PLACEMENTS}{name}"), topology.placement_version, &next) {
                Ok(version) => {
                    (topology.placement, topology.placement_version) = (next, version);
                    topology.trouble = None;
                }
                // The placer stays as if it were written until the next step knows: it may have been.
                Err(error) => topology.trouble = Some(error),
            }
        }
        let ordered = actions.len();
        self.order(name, topology, actions);
        actions.len() == ordered && self.is_settled(name, topology)
    }

    fn instance(&self, name: &str, space: &str, placed: &Placed) -> Option<&Instance> {
        let host = self.hosts.get(&placed.host).filter(|host| host.record.life == placed.life)?;
        host.instances.get(&Address { topology: name.into(), space: space.into() })
    }

    /// The instance of this very start.
    pub(super) fn own_instance(&self, name: &str, space: &str, placed: &Placed) -> Option<&Instance> {
        self.instance(name, space, placed).filter(|instance| instance.epoch == placed.epoch)
    }

    fn gone(&self, name: &str, space: &str, placed: &Placed) -> Option<Gone> {
        let Some(host) = self.hosts.get(&placed.host) else {
            return Some(Gone::Host(format!("host `{}` is not known", placed.host)));
        };
        if host.record.life != placed.life {
            return Some(Gone::Host(format!("host `{}` started anew", placed.host)));
        }
        if !host.alive {
            return Some(Gone::Host(format!("host `{}` does not answer", placed.host)));
        }
        let instance = self.instance(name, space, placed)?;
        if instance.epoch > placed.epoch {
            // The store is older than what it was restored from.
            return Some(Gone::Host(format!("a later start was on host `{}`", placed.host)));
        }
        match &instance.state {
            InstanceState::Ended { failed, reason } if instance.epoch == placed.epoch => {
                Some(Gone::Ended { failed: *failed, reason: reason.clone() })
            }
            _ => None,
        }
    }

    /// What a space that has a host, or ended, comes to.
    fn judge(&mut self, name: &str, topology: &mut Topology, next: &mut Placement, space: &str) {
        let wanted = topology.spec(space).cloned();
        let new = || Standing { attempts: 0, phase: Phase::Waiting { reason: "it is new".into() } };
        let mut standing = next.spaces.get(space).cloned().unwrap_or_else(new);
        if let Phase::Placed(placed) = &mut standing.phase {
            if let Some(instance) = self.instance(name, space, placed) {
                next.epoch = next.epoch.max(instance.epoch);
            }
            match self.gone(name, space, placed) {
                None => {
                    let (placed, attempts) = (placed.clone(), standing.attempts);
                    standing = self.judge_running(name, topology, space, placed, attempts, wanted.as_ref());
                }
                Some(gone) => {
                    if let Some(runtime) = topology.runtime.get_mut(space) {
                        runtime.running_since = None;
                        self.placer.release(runtime.id);
                    }
                    self.generation += 1;
                    self.reported.insert(placed.host.clone());
                    let placed = placed.clone();
                    standing = self.after(topology, space, &placed, standing.attempts, gone, wanted.as_ref());
                }
            }
        }
        match (&standing.phase, &wanted) {
            (Phase::Placed(_), _) => drop(next.spaces.insert(space.into(), standing)),
            (_, None) => drop(next.spaces.remove(space)),
            (Phase::Ended { hash, .. }, Some(spec)) if *hash != spec.hash => {
                let phase = Phase::Waiting { reason: "it was changed".into() };
                next.spaces.insert(space.into(), Standing { attempts: 0, phase });
            }
            _ => drop(next.spaces.insert(space.into(), standing)),
        }
    }

    fn judge_running(
        &self,
        name: &str,
        topology: &mut Topology,
        space: &str,
        mut placed: Box<Placed>,
        mut attempts: u32,
        wanted: Option<&SpaceSpec>,
    ) -> Standing {
        let running = self.own_instance(name, space, &placed);
        let running = running.is_some_and(|instance| instance.state == InstanceState::Running);
        let stable = wanted.map_or(RestartPolicy::default().stable, |spec| spec.restart.stable);
        if let Some(runtime) = topology.runtime.get_mut(space) {
            let since = *runtime.running_since.get_or_insert(self.clock.elapsed);
            if !running {
                runtime.running_since = None;
            } else if self.clock.elapsed - since >= stable {
                attempts = 0;
            }
        }
        if placed.stopping.is_none() {
            let revision = topology.current().map_or(0, |revision| revision.number);
            placed.stopping = match wanted {
                None if revision == 0 => Some("the topology is stopped".into()),
                None => Some(format!("revision {revision} is without it")),
                Some(spec) if spec.hash != placed.hash => Some(format!("revision {revision} changes it")),
                Some(_) => topology.runtime.get(space).and_then(|runtime| self.move_reason(runtime.id)),
            };
        }
        Standing { attempts, phase: Phase::Placed(placed) }
    }

    /// Why a space should move, if it should and can. A host that has less than before keeps what it runs.
    fn move_reason(&self, id: crate::place::SpaceId) -> Option<String> {
        let rule = self.placer.violated(id).filter(|rule| *rule < Rule::Together)?;
        self.placer.fits_elsewhere(id).then(|| format!("it moves: {}", rule.name()))
    }

    fn after(
        &self,
        topology: &mut Topology,
        space: &str,
        placed: &Placed,
        attempts: u32,
        gone: Gone,
        wanted: Option<&SpaceSpec>,
    ) -> Standing {
        let waiting = |attempts, reason| Standing { attempts, phase: Phase::Waiting { reason } };
        let ended =
            |failed, reason| Standing { attempts, phase: Phase::Ended { failed, reason, hash: placed.hash } };
        let Some(spec) = wanted else { return waiting(0, String::new()) };
        if spec.hash != placed.hash {
            return waiting(0, "it was changed".into());
        }
        if let Some(reason) = &placed.stopping {
            return waiting(attempts, reason.clone());
        }
        match gone {
            Gone::Host(reason) if spec.restart.when == When::Never => ended(true, reason),
            Gone::Host(reason) => waiting(attempts, reason),
            Gone::Ended { failed, reason } => match spec.restart.again(failed, attempts) {
                Again::No => ended(failed, reason),
                Again::GivenUp => ended(true, format!("given up after {attempts} starts again: {reason}")),
                Again::Yes => {
                    if let Some(runtime) = topology.runtime.get_mut(space) {
                        runtime.retry_at = self.retry_at(spec, space, attempts + 1);
                    }
                    waiting(attempts + 1, reason)
                }
            },
        }
    }

    fn retry_at(&self, spec: &SpaceSpec, space: &str, attempts: u32) -> u64 {
        let word = random::of_name(space) ^ self.config.seed;
        let wait = if attempts == 0 { 0 } else { spec.restart.wait(attempts, word) };
        self.clock.elapsed.saturating_add(wait)
    }

    /// Makes a space that waits known to the placer.
    fn await_host(&mut self, name: &str, topology: &mut Topology, next: &Placement, spec: &SpaceSpec) {
        let attempts = next.spaces.get(&spec.name).map_or(0, |standing| standing.attempts);
        let is_new = !topology.runtime.contains_key(&spec.name);
        let runtime = self.register(name, topology, &spec.name, spec.hash, spec.demand.clone());
        if is_new {
            // After a start of this process the wait begins anew.
            runtime.retry_at = self.retry_at(spec, &spec.name, attempts);
        }
    }

    /// The rest of a group stops where a space of it does not fit, if there is a host for all of it.
    fn gather(&self, topology: &Topology, next: &mut Placement, wanted: &[SpaceSpec], spec: &SpaceSpec) {
        let fits = |id| spec.demand.together.is_some() && self.placer.fits_elsewhere(id);
        if !topology.runtime.get(&spec.name).is_some_and(|runtime| fits(runtime.id)) {
            return;
        }
        for other in wanted.iter().filter(|other| other.demand.together == spec.demand.together) {
            if let Some(Standing { phase: Phase::Placed(placed), .. }) = next.spaces.get_mut(&other.name) {
                placed.stopping.get_or_insert_with(|| "its group moves to where all of it fits".into());
            }
        }
    }

    /// Places a space that waits, if it is due: whether a host fitted.
    fn place(&mut self, topology: &mut Topology, next: &mut Placement, spec: &SpaceSpec) -> Option<bool> {
        let (revision, elapsed) =
            (topology.current().map_or(0, |revision| revision.number), self.clock.elapsed);
        let runtime = topology.runtime.get_mut(&spec.name)?;
        let changed = runtime.refused.as_ref().is_some_and(|(_, generation)| *generation != self.generation);
        if !changed && elapsed < runtime.retry_at {
            return None;
        }
        let chosen = self.placer.place(runtime.id);
        let explanation = self.placer.explain(runtime.id);
        let host = chosen.map(|host| &self.placer.description(host).name);
        let Some(host) = host.and_then(|host| self.hosts.get(host)) else {
            runtime.refused = Some((explanation, self.generation));
            runtime.retry_at = elapsed + self.config.placement_retry;
            return Some(false);
        };
        runtime.refused = None;
        next.epoch += 1;
        if let Some(standing) = next.spaces.get_mut(&spec.name) {
            standing.phase = Phase::Placed(Box::new(Placed {
                host: host.record.host.name.clone(),
                life: host.record.life,
                epoch: next.epoch,
                revision,
                hash: spec.hash,
                explanation,
                stopping: None,
            }));
        }
        Some(true)
    }

    /// What hosts are told, from what is stored.
    fn order(&self, name: &str, topology: &Topology, actions: &mut Vec<Action>) {
        for (space, standing) in &topology.placement.spaces {
            let Phase::Placed(placed) = &standing.phase else { continue };
            let alive = self
                .hosts
                .get(&placed.host)
                .is_some_and(|host| host.alive && host.record.life == placed.life);
            let instance = self.own_instance(name, space, placed);
            let ended =
                instance.is_some_and(|instance| matches!(instance.state, InstanceState::Ended { .. }));
            let revision = topology.revision(placed.revision);
            let spec = revision.and_then(|revision| revision.spaces.iter().find(|spec| spec.name == *space));
            let order = if !alive || ended {
                None
            } else if placed.stopping.is_some() {
                Some(Order::Stop { deadline: spec.map_or(0, |spec| spec.stop_deadline) })
            } else if instance.is_none() {
                revision.and_then(|revision| {
                    let verdict = Box::new(SignedVerdict::from_bytes(&revision.verdict).ok()?);
                    let (revision, package) = (revision.number, revision.package);
                    Some(Order::Start { revision, hash: placed.hash, package, verdict })
                })
            } else {
                None
            };
            actions.extend(order.map(|order| Action {
                host: placed.host.clone(),
                life: placed.life,
                space: Address { topology: name.into(), space: space.clone() },
                epoch: placed.epoch,
                order,
            }));
        }
    }

    /// Whether nothing is under way.
    fn is_settled(&self, name: &str, topology: &Topology) -> bool {
        let settled = |(space, standing): (&String, &Standing)| match &standing.phase {
            Phase::Waiting { .. } => false,
            Phase::Ended { .. } => true,
            Phase::Placed(placed) => {
                let alive = self.hosts.get(&placed.host).is_some_and(|host| host.alive);
                let instance = self.own_instance(name, space, placed);
                let running =
                    instance.is_some_and(|instance| !matches!(instance.state, InstanceState::Ended { .. }));
                let right = topology.spec(space).is_some_and(|spec| spec.hash == placed.hash);
                let stays = topology
                    .runtime
                    .get(space)
                    .is_some_and(|runtime| self.placer.violated(runtime.id).is_none());
                alive && running && right && stays && placed.stopping.is_none() && standing.attempts == 0
            }
        };
        topology.trouble.is_none() && topology.placement.spaces.iter().all(settled)
    }
}

/// Whether a space of the group is being stopped: the group is not placed before all of it can be.
fn is_group_leaving(wanted: &[SpaceSpec], next: &Placement, spec: &SpaceSpec) -> bool {
    let group = wanted.iter().filter(|other| other.demand.together == spec.demand.together);
    spec.demand.together.is_some()
        && group
            .filter_map(|other| next.spaces.get(&other.name))
            .any(|standing| matches!(&standing.phase, Phase::Placed(placed) if placed.stopping.is_some()))
}
