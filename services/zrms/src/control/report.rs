//! Hosts: what they report, and when they count as dead.

use super::record::{HOSTS, HostRecord, Phase};
use super::{Control, HostState};
use crate::action::{Action, Address, Instance, InstanceState, Order, Report};
use crate::store::{Store, StoreError};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Why a report was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A later one was here.
    #[error("a later report of host `{0}` was here")]
    Stale(String),
    /// The host's description could not be stored. It will report again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: Store> Control<S> {
    /// Takes a host's report, which is a sign of life, too. One that is older than the last is refused.
    pub fn report(&mut self, report: Report) -> Result<(), ReportError> {
        let name = report.host.name.clone();
        let known = self.hosts.get(&name);
        let older = known.is_some_and(|known| {
            (report.life, Some(report.sequence)) <= (known.record.life, known.sequence)
                && (report.life < known.record.life || known.sequence.is_some())
        });
        if older {
            return Err(ReportError::Stale(name));
        }
        let record = HostRecord { host: report.host, life: report.life };
        let version = known.map_or(0, |known| known.version);
        if known.is_none_or(|known| known.record != record) {
            let version = self.write(&format!("{HOSTS}{name}"), version, &record)?;
            self.host_described(&name, record, version);
        }
        let Some(host) = self.hosts.get_mut(&name) else { return Ok(()) };
        let instances: BTreeMap<Address, Instance> =
            report.instances.into_iter().map(|instance| (instance.space.clone(), instance)).collect();
        let changed = |one: &BTreeMap<Address, Instance>, other: &BTreeMap<Address, Instance>| {
            let differs = one.iter().filter(|(space, instance)| other.get(*space) != Some(*instance));
            differs.map(|(space, _)| space.topology.clone()).collect::<Vec<_>>()
        };
        if !host.alive || host.sequence.is_none() || host.instances != instances {
            self.reported.insert(name.clone());
        }
        self.attention.extend(changed(&instances, &host.instances));
        self.attention.extend(changed(&host.instances, &instances));
        host.instances = instances;
        host.sequence = Some(report.sequence);
        host.heard = self.clock.elapsed;
        if !host.alive {
            let record = host.record.clone();
            let version = host.version;
            self.host_described(&name, record, version);
        }
        Ok(())
    }

    /// Takes a host's description. It counts as alive and heard.
    pub(super) fn host_described(&mut self, name: &str, record: HostRecord, version: u64) {
        let id = self.placer.describe(record.host.clone());
        let heard = self.clock.elapsed;
        let known = self.hosts.remove(name);
        let was_dead = known.as_ref().is_some_and(|known| !known.alive);
        let same_life = known.filter(|known| known.record.life == record.life);
        let (sequence, instances) =
            same_life.map_or((None, BTreeMap::new()), |known| (known.sequence, known.instances));
        self.hosts
            .insert(name.into(), HostState { id, record, version, alive: true, heard, sequence, instances });
        self.generation += 1;
        // What it runs may have been placed elsewhere while it was dead, and its next report may say nothing new.
        self.reported.insert(name.into());
        if was_dead {
            // What the store has there still takes its room, before anything else can.
            for name in self.attention.clone() {
                let Some(mut topology) = self.topologies.remove(&name) else { continue };
                self.settle(&name, &mut topology);
                self.topologies.insert(name, topology);
            }
        }
        self.attention.extend(self.placer.on(id).filter_map(|space| self.owners.get(&space).cloned()));
    }

    /// Hosts that were not heard for too long are dead.
    pub(super) fn bury(&mut self) {
        let (elapsed, dead) = (self.clock.elapsed, self.config.dead);
        for host in self.hosts.values_mut().filter(|host| host.alive && elapsed - host.heard > dead) {
            host.alive = false;
            let gone = self.placer.bury(host.id);
            self.attention.extend(gone.iter().filter_map(|space| self.owners.get(space).cloned()));
        }
    }

    /// Stops instances that are not those that should run where they run.
    pub(super) fn stop_strays(&mut self, actions: &mut Vec<Action>) {
        let reported = core::mem::take(&mut self.reported);
        for name in reported {
            let Some(host) = self.hosts.get(&name).filter(|host| host.alive) else { continue };
            let running = |instance: &&Instance| !matches!(instance.state, InstanceState::Ended { .. });
            let before = actions.len();
            for instance in host.instances.values().filter(running) {
                let (space, epoch, life) = (&instance.space, instance.epoch, host.record.life);
                let standing = self
                    .topologies
                    .get(&space.topology)
                    .and_then(|topology| topology.placement.spaces.get(&space.space));
                let right = matches!(standing.map(|standing| &standing.phase), Some(Phase::Placed(placed))
                    if placed.host == name && placed.life == life && placed.epoch == epoch);
                if !right {
                    let order = Order::Stop { deadline: 0 };
                    actions.push(Action { host: name.clone(), life, space: space.clone(), epoch, order });
                }
            }
            if actions.len() > before {
                self.reported.insert(name);
            }
        }
    }
}
