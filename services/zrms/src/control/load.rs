//! The state from the store: what is read, and the placer's state made that of it.

use super::record::{HOSTS, HostRecord, PLACEMENTS, Phase, Placement, TOPOLOGIES, Wanted};
use super::{Control, ControlError, Runtime, Topology};
use crate::place::Demand;
use crate::store::Store;
use alloc::format;
use alloc::string::String;

impl<S: Store> Control<S> {
    /// Reads one key into the state, if it is not known in this version.
    pub(super) fn load(&mut self, key: &str) -> Result<(), ControlError> {
        if let Some(name) = key.strip_prefix(HOSTS) {
            let Some((record, version)) = self.read::<HostRecord>(key)? else { return Ok(()) };
            self.host_described(name, record, version);
        } else if let Some(name) = key.strip_prefix(TOPOLOGIES) {
            let Some((wanted, version)) = self.read::<Wanted>(key)? else { return Ok(()) };
            let topology = self.topologies.entry(name.into()).or_default();
            (topology.wanted, topology.wanted_version) = (wanted, version);
            self.attention.insert(name.into());
        } else if let Some(name) = key.strip_prefix(PLACEMENTS) {
            let Some((placement, version)) = self.read::<Placement>(key)? else { return Ok(()) };
            let mut topology = self.topologies.remove(name).unwrap_or_default();
            (topology.placement, topology.placement_version) = (placement, version);
            self.settle(name, &mut topology);
            self.topologies.insert(name.into(), topology);
            self.attention.insert(name.into());
            self.reported.extend(self.hosts.keys().cloned());
        }
        Ok(())
    }

    /// Makes the placer's state that of the stored placement.
    pub(super) fn settle(&mut self, name: &str, topology: &mut Topology) {
        let mut runtime = core::mem::take(&mut topology.runtime);
        runtime.retain(|space, runtime| {
            let stays = topology.placement.spaces.contains_key(space);
            if !stays {
                self.placer.remove(runtime.id);
                self.owners.remove(&runtime.id);
            }
            stays
        });
        topology.runtime = runtime;
        for (space, standing) in topology.placement.spaces.clone() {
            let Phase::Placed(placed) = &standing.phase else {
                if let Some(runtime) = topology.runtime.get(&space) {
                    self.placer.release(runtime.id);
                }
                continue;
            };
            let specs = topology.revision(placed.revision).map(|revision| &revision.spaces);
            let spec = specs.and_then(|specs| specs.iter().find(|spec| spec.name == space));
            let demand = spec.map(|spec| spec.demand.clone()).unwrap_or_default();
            let id = self.register(name, topology, &space, placed.hash, demand).id;
            let host = self.hosts.get(&placed.host).filter(|host| host.alive).map(|host| host.id);
            match host {
                Some(host) if self.placer.host_of(id) != Some(host) => self.placer.keep(id, host),
                None => self.placer.release(id),
                Some(_) => {}
            }
        }
    }

    /// The runtime of a space with this hash; one with another hash is replaced.
    pub(super) fn register<'a>(
        &mut self,
        name: &str,
        topology: &'a mut Topology,
        space: &str,
        hash: [u8; 32],
        mut demand: Demand,
    ) -> &'a mut Runtime {
        let known = topology.runtime.get(space).map(|runtime| (runtime.id, runtime.hash));
        if let Some((id, other)) = known
            && other != hash
        {
            self.placer.remove(id);
            self.owners.remove(&id);
            topology.runtime.remove(space);
        }
        topology.runtime.entry(space.into()).or_insert_with(|| {
            let own = |group: &String| format!("{name}/{group}");
            demand.together = demand.together.as_ref().map(own);
            demand.apart = demand.apart.iter().map(own).collect();
            let id = self.placer.add(&format!("{name}/{space}"), demand);
            self.owners.insert(id, name.into());
            Runtime { id, hash, retry_at: self.clock.elapsed, running_since: None, refused: None }
        })
    }
}
