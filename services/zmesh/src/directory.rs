//! Instances, started and stopped, here and elsewhere; other hosts.

use crate::dead::Reason;
use crate::flow::{Copies, FlowId, Source, SpaceId};
use crate::journal::JournalError;
use crate::limits;
use crate::mesh::{Due, Mesh, Place};
use crate::message::{Instance, Time};
use crate::record::Change;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What follows the end of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Another instance: what waits for the space goes on waiting.
    Restart,
    /// Nothing: what waits for the space are dead letters, and nothing more is taken from its senders.
    Nothing,
}

/// Why the directory stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No such space.
    #[error("there is no space `{0}` in the topology")]
    NoSpace(String),
    /// The instance is not newer than one that was known.
    #[error("`{space}#{instance}` is not new: `{space}#{newest}` was there; a start needs a higher number")]
    NotNew {
        /// The space.
        space: String,
        /// The instance.
        instance: u64,
        /// The newest.
        newest: u64,
    },
    /// The instance does not run.
    #[error("`{0}` does not run here")]
    NotRunning(String),
    /// A host's name is none, or this host's.
    #[error("`{0}` is no other host: a space on this host is started, not placed")]
    NotAnother(String),
    /// The run of a host is older than one that was known.
    #[error("run {incarnation} of host `{host}` is over: run {newest} is up")]
    OldRun {
        /// The host.
        host: String,
        /// The run.
        incarnation: u64,
        /// The newest.
        newest: u64,
    },
    /// The journal could not be written; nothing is changed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Too many hosts.
    #[error("{} other hosts are up, the most that one topology runs on", limits::PEERS_MAX)]
    TooManyHosts,
}

/// What becomes of copies whose host is gone, so that there is no other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orphans {
    Keep,
    Bury,
}

impl Mesh {
    /// An instance runs on this host from now on. One that ran before, here or elsewhere, does no longer. A space's
    /// instances are numbered one by one: where a number was left out, that one ran on another host meanwhile.
    pub fn start(&mut self, instance: Instance<'_>, time: Time) -> Result<(), DirectoryError> {
        self.advance(time);
        let id = self.newer(instance)?;
        self.owe(|| Change::Started { space: id, instance: instance.number });
        self.do_start(id, instance.number);
        Ok(())
    }

    pub(crate) fn do_start(&mut self, id: SpaceId, instance: u64) {
        self.end_instance(id);
        let missed_one = instance - self.spaces[&id].newest > 1;
        if matches!(self.spaces[&id].place, Place::Here(_)) && missed_one {
            // What it was sent here may be done there: who still has it sends it again.
            self.inbound(id).into_iter().for_each(|flow| self.drop_copies(flow, Orphans::Keep));
            self.space_mut(id).place = Place::Here(instance);
        }
        if !matches!(self.spaces[&id].place, Place::Here(_)) {
            self.space_mut(id).place = Place::Here(instance);
            for flow in self.inbound(id) {
                self.outgoing.remove(&flow);
                let queue = &self.paths[&flow.path].flow(flow.answers).owned.queue;
                let arrivals: Vec<u64> = queue.entries.iter().map(|entry| entry.arrival).collect();
                let waiting = &mut self.space_mut(id).waiting;
                waiting.extend(arrivals.into_iter().map(|arrival| (arrival, (flow, Source::Owned))));
            }
        }
        let space = self.space_mut(id);
        space.live = Some(instance);
        space.newest = instance;
        space.sent = 0;
        self.tell_ready(id);
    }

    /// An instance runs on another host from now on.
    pub fn place(&mut self, instance: Instance<'_>, host: &str, time: Time) -> Result<(), DirectoryError> {
        self.advance(time);
        self.check_another(host)?;
        let id = self.known(instance.space)?;
        let space = &self.spaces[&id];
        let is_known =
            instance.number == space.newest && !matches!(space.place, Place::Here(_) | Place::Gone);
        if !is_known {
            self.newer(instance)?;
        }
        self.owe(|| Change::Placed { space: id, instance: instance.number, host });
        self.do_place(id, instance.number, host);
        Ok(())
    }

    pub(crate) fn do_place(&mut self, id: SpaceId, instance: u64, host: &str) {
        self.end_instance(id);
        if !matches!(&self.spaces[&id].place, Place::There(before) if **before == *host) {
            self.leave(id);
            self.space_mut(id).place = Place::There(host.into());
            self.inbound(id).into_iter().for_each(|flow| self.send_anew(flow));
        }
        let space = self.space_mut(id);
        space.live = Some(instance);
        space.newest = instance;
    }

    /// An instance ended, here or on another host.
    pub fn stop(&mut self, instance: Instance<'_>, after: After, time: Time) -> Result<(), DirectoryError> {
        self.advance(time);
        let id = self.known(instance.space)?;
        if self.spaces[&id].live != Some(instance.number) {
            return Err(DirectoryError::NotRunning(instance.to_string()));
        }
        self.owe(|| Change::Stopped { space: id });
        self.end_instance(id);
        match after {
            After::Restart => Ok(()),
            After::Nothing => self.retire(instance.space, time),
        }
    }

    /// A space is stopped for good, wherever it was, until it is started or placed again.
    pub fn retire(&mut self, space: &str, time: Time) -> Result<(), DirectoryError> {
        self.advance(time);
        let id = self.known(space)?;
        self.owe(|| Change::Retired { space: id });
        self.do_retire(id);
        Ok(())
    }

    pub(crate) fn do_retire(&mut self, id: SpaceId) {
        self.end_instance(id);
        self.leave(id);
        self.space_mut(id).place = Place::Gone;
        self.inbound(id).into_iter().for_each(|flow| self.drop_owned(flow, Reason::ReceiverStopped));
    }

    /// A run of another host is up, and frames from it are taken. A new run knows nothing of what an older one had.
    pub fn peer_up(&mut self, host: &str, incarnation: u64, time: Time) -> Result<(), DirectoryError> {
        self.advance(time);
        self.check_another(host)?;
        match self.peers.get(host) {
            Some(newest) if *newest == incarnation => return Ok(()),
            Some(newest) if *newest > incarnation => {
                return Err(DirectoryError::OldRun { host: host.into(), incarnation, newest: *newest });
            }
            Some(_) => self.peer_down(host, time),
            None if self.peers.len() == limits::PEERS_MAX => return Err(DirectoryError::TooManyHosts),
            None => {}
        }
        self.owe(|| Change::PeerUp { host, run: incarnation });
        self.do_peer_up(host, incarnation);
        Ok(())
    }

    pub(crate) fn do_peer_up(&mut self, host: &str, incarnation: u64) {
        self.peers.insert(host.into(), incarnation);
        for path in self.paths.values_mut() {
            for answers in [false, true] {
                path.flow_mut(answers).copies.retain(|(source, run, _), copies| {
                    copies.ended |= **source == *host && *run < incarnation;
                    !copies.ended || !copies.queue.entries.is_empty()
                });
            }
        }
    }

    /// Another host is down, or cannot be reached. What was sent to spaces there waits until they are placed again;
    /// what was accepted from there is delivered.
    pub fn peer_down(&mut self, host: &str, time: Time) {
        self.advance(time);
        self.owe(|| Change::PeerDown { host });
        self.do_peer_down(host);
    }

    pub(crate) fn do_peer_down(&mut self, host: &str) {
        self.peers.remove(host);
        let there = |place: &Place| matches!(place, Place::There(on) if **on == *host);
        let lost: Vec<SpaceId> =
            self.spaces.iter().filter(|(_, space)| there(&space.place)).map(|(id, _)| *id).collect();
        for id in lost {
            let space = self.space_mut(id);
            space.place = Place::Nowhere;
            space.live = None;
            for flow in self.inbound(id) {
                self.outgoing.remove(&flow);
            }
        }
    }

    /// The number of a space's next instance: that after the newest which is known, on this host or another.
    pub fn next_instance(&self, space: &str) -> Option<u64> {
        self.by_name.get(space).map(|id| self.spaces[id].newest + 1)
    }

    pub(crate) fn known(&self, space: &str) -> Result<SpaceId, DirectoryError> {
        self.by_name.get(space).copied().ok_or_else(|| DirectoryError::NoSpace(space.into()))
    }

    /// The space of an instance that runs on this host.
    pub(crate) fn running(&self, instance: Instance<'_>) -> Result<SpaceId, DirectoryError> {
        let id = self.known(instance.space)?;
        let space = &self.spaces[&id];
        if matches!(space.place, Place::Here(_)) && space.live == Some(instance.number) {
            Ok(id)
        } else {
            Err(DirectoryError::NotRunning(instance.to_string()))
        }
    }

    fn newer(&self, instance: Instance<'_>) -> Result<SpaceId, DirectoryError> {
        let id = self.known(instance.space)?;
        let newest = self.spaces[&id].newest;
        if instance.number > newest {
            Ok(id)
        } else {
            let (space, instance) = (instance.space.into(), instance.number);
            Err(DirectoryError::NotNew { space, instance, newest })
        }
    }

    fn check_another(&self, host: &str) -> Result<(), DirectoryError> {
        if crate::is_name(host) && *host != *self.host {
            Ok(())
        } else {
            Err(DirectoryError::NotAnother(host.chars().take(limits::NAME_LETTERS_MAX).collect()))
        }
    }

    pub(crate) fn inbound(&self, id: SpaceId) -> Vec<FlowId> {
        self.spaces[&id].inbound.iter().copied().collect()
    }

    /// The instance of a space is no more; what it had in process waits again, or dies by its path's policy.
    pub(crate) fn end_instance(&mut self, id: SpaceId) {
        if let Some(flow) = self.spaces[&id].current.as_ref().map(|current| current.flow) {
            self.forget_current(id, flow);
        }
        let space = self.space_mut(id);
        space.live = None;
        space.told = false;
        space.answerable.clear();
        space.answerable_order.clear();
        self.forget_events(id);
    }

    /// If a message of this flow is in process, it is no longer, and waits as it did before.
    pub(crate) fn forget_current(&mut self, id: SpaceId, flow: FlowId) {
        let space = self.space_mut(id);
        let Some(current) = space.current.take_if(|current| current.flow == flow) else { return };
        let path = self.path_mut(flow.path);
        let redeliveries = path.rules.redeliveries;
        let queue =
            path.flow_mut(flow.answers).queue_mut(&current.source).expect("it has what is in process");
        queue.in_process = false;
        let entry = queue.entries.front().expect("it is the first");
        let (arrival, deliveries) = (entry.arrival, entry.deliveries);
        if deliveries > redeliveries {
            self.drop_next(flow, &current.source, Reason::Undeliverable);
        } else {
            self.space_mut(id).waiting.insert(arrival, (flow, current.source));
        }
    }

    /// A space is no longer on this host: copies of what it was sent are worth nothing here.
    fn leave(&mut self, id: SpaceId) {
        if matches!(self.spaces[&id].place, Place::Here(_)) {
            self.inbound(id).into_iter().for_each(|flow| self.drop_copies(flow, Orphans::Bury));
            self.space_mut(id).waiting.clear();
        }
    }

    /// Forgets copies of a flow. Their senders' hosts have the messages, but for orphans. Where those are kept, it stays
    /// known what was done, too: one that was done here comes again if its sender's host was not told.
    pub(crate) fn drop_copies(&mut self, flow: FlowId, orphans: Orphans) {
        let receiver = self.receiver(flow);
        for (stream, copies) in core::mem::take(&mut self.path_mut(flow.path).flow_mut(flow.answers).copies) {
            let is_orphan = self.peers.get(&stream.0) != Some(&stream.1);
            if orphans == Orphans::Keep {
                let known = &mut self.path_mut(flow.path).flow_mut(flow.answers).copies;
                if is_orphan {
                    known.insert(stream, copies);
                    continue;
                }
                known.insert(stream, Copies::from(copies.done + 1));
            }
            for entry in copies.queue.entries {
                self.release(entry.body.len() as u64);
                self.space_mut(receiver).waiting.remove(&entry.arrival);
                if is_orphan {
                    self.bury(flow, &entry, Reason::ReceiverStopped);
                }
            }
        }
        self.due.retain(|due| !matches!(due, Due::Progress(of, _) if *of == flow));
    }

    /// What senders on this host gave dies.
    pub(crate) fn drop_owned(&mut self, flow: FlowId, reason: Reason) {
        let receiver = self.receiver(flow);
        let owned = &mut self.path_mut(flow.path).flow_mut(flow.answers).owned;
        let tells = owned.settle(owned.last);
        let entries = core::mem::take(&mut owned.queue).entries;
        for entry in entries {
            self.release(entry.body.len() as u64);
            self.space_mut(receiver).waiting.remove(&entry.arrival);
            self.bury(flow, &entry, reason);
        }
        self.outgoing.remove(&flow);
        if tells {
            self.tell_credit(flow);
        }
    }

    /// The receiver of a flow is on another host than before.
    fn send_anew(&mut self, flow: FlowId) {
        let owned = &mut self.path_mut(flow.path).flow_mut(flow.answers).owned;
        let first = owned.first();
        owned.link.reset(first);
        if !owned.queue.entries.is_empty() {
            self.outgoing.insert(flow);
            self.due.insert(Due::Messages(flow));
        }
    }

    /// The host of a name that is up, and its run.
    pub(crate) fn peer(&self, host: &str) -> Option<(&Arc<str>, u64)> {
        self.peers.get_key_value(host).map(|(host, run)| (host, *run))
    }
}
