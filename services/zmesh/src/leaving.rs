//! How messages leave their queues: done, dead, or too old; and what follows for credit and other hosts.

use crate::dead::Reason;
use crate::flow::{Entry, FlowId, Source};
use crate::limits;
use crate::mesh::{Due, Mesh, Place};
use crate::message::{Message, MessageId, Time};
use crate::record::Change;
use alloc::string::ToString;
use alloc::vec::Vec;

impl Mesh {
    /// Gives credit back for messages up to this one.
    pub(crate) fn settle(&mut self, flow: FlowId, source: &Source, number: u64) {
        let way = self.path_mut(flow.path).flow_mut(flow.answers);
        match source {
            Source::Owned => {
                if way.owned.settle(number) {
                    self.tell_credit(flow);
                }
            }
            Source::Copy(stream) => {
                if let Some(copies) = way.copies.get_mut(stream) {
                    copies.taken = copies.taken.max(number);
                    self.due.insert(Due::Progress(flow, stream.clone()));
                }
            }
        }
    }

    /// The first message of a queue is done, or dead.
    pub(crate) fn remove_first(&mut self, flow: FlowId, source: &Source) -> Option<Entry> {
        let way = self.path_mut(flow.path).flow_mut(flow.answers);
        let entry = way.queue_mut(source)?.pop()?;
        if let Source::Copy(stream) = source
            && let Some(copies) = way.copies.get_mut(stream)
        {
            copies.done = entry.number;
            copies.taken = copies.taken.max(entry.number);
            let is_over = copies.ended && copies.queue.entries.is_empty();
            if is_over {
                way.copies.remove(stream);
            } else {
                self.due.insert(Due::Progress(flow, stream.clone()));
            }
        }
        self.release(entry.body.len() as u64);
        Some(entry)
    }

    /// So many bytes are held no longer; senders that waited for them are told.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.held_bytes -= bytes;
        if self.held_bytes + u64::from(limits::MESSAGE_BYTES_MAX) <= self.held_bytes_max {
            for flow in core::mem::take(&mut self.wait_for_host) {
                self.tell_credit(flow);
            }
        }
    }

    /// The next message of a queue dies; nothing of the queue is in process.
    pub(crate) fn drop_next(&mut self, flow: FlowId, source: &Source, reason: Reason) {
        let receiver = self.receiver(flow);
        let way = self.path_mut(flow.path).flow_mut(flow.answers);
        let Some(number) =
            way.queue_mut(source).and_then(|queue| queue.entries.front()).map(|entry| entry.number)
        else {
            return;
        };
        self.settle(flow, source, number);
        if let Some(entry) = self.remove_first(flow, source) {
            self.space_mut(receiver).waiting.remove(&entry.arrival);
            self.bury(flow, &entry, reason);
        }
    }

    /// A message that was taken for the pages of a user interface reached none. Nobody waits for an event.
    pub fn bury_unshown(&mut self, message: &Message, time: Time) {
        if message.event.is_some() {
            return;
        }
        self.advance(time);
        // An answer comes back along a path of whoever asked.
        let asked = message.answers.as_ref().and_then(|id| self.path_of(&id.space, &message.path));
        let path = asked.or_else(|| self.path_of(&message.id.space, &message.path));
        // It may be gone meanwhile.
        if let Some(path) = path {
            self.path_mut(path).flow_mut(asked.is_some()).counter.stats.dropped += 1;
        }
        let MessageId { space, instance, .. } = &message.id;
        let from = alloc::format!("{space}#{instance}");
        self.bury_letter(from, message.path.to_string(), Reason::Unshown, message.body.len());
    }

    /// Lets die what is too old, as far as nothing before it is in process.
    pub(crate) fn expire(&mut self) {
        if self.judged().into_iter().any(|(flow, source)| self.is_expired(flow, &source)) {
            self.owe(|| Change::Expired);
            self.do_expire();
        }
    }

    pub(crate) fn do_expire(&mut self) {
        for (flow, source) in self.judged() {
            while self.is_expired(flow, &source) {
                self.drop_next(flow, &source, Reason::Expired);
            }
        }
    }

    /// The queues whose messages may become too old here.
    fn judged(&self) -> Vec<(FlowId, Source)> {
        let flows = self
            .paths
            .iter()
            .filter(|(_, path)| path.rules.expires_after.is_some())
            .flat_map(|(id, _)| [false, true].map(|answers| FlowId { path: *id, answers }));
        let mut judged = Vec::new();
        for flow in flows {
            // Where the receiver is on another host, that one judges: it may have given the message already.
            let judges = !matches!(self.spaces[&self.receiver(flow)].place, Place::There(_));
            let way = self.paths[&flow.path].flow(flow.answers);
            let copies = way.copies.keys().cloned().map(Source::Copy);
            let sources = judges.then_some(Source::Owned).into_iter().chain(copies);
            judged.extend(sources.map(|source| (flow, source)));
        }
        judged
    }

    fn is_expired(&self, flow: FlowId, source: &Source) -> bool {
        let path = &self.paths[&flow.path];
        let queue = path.flow(flow.answers).queue(source).filter(|queue| !queue.in_process);
        let first = queue.and_then(|queue| queue.entries.front());
        first.is_some_and(|entry| entry.is_expired(path.rules.expires_after, self.now.monotonic))
    }
}
