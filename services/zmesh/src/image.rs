//! A mesh as records. What follows from the rest, or is of this run only, is not among them: counters, taps, what
//! other hosts are to be told.

use crate::dead::KEPT_REASONS;
use crate::flow::{Flow, FlowId, PathId, Queue, Source, SpaceId};
use crate::mesh::{Mesh, Space};
use crate::record::{FORMAT, Image, Record, encode};
use alloc::boxed::Box;
use alloc::vec::Vec;

type Records<'m> = Box<dyn Iterator<Item = Vec<u8>> + 'm>;

impl Mesh {
    /// The whole mesh as frames of a journal, in order.
    pub fn image(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let begin = Image::Begin {
            format: FORMAT,
            topology: &self.topology,
            host: &self.host,
            incarnation: self.incarnation,
            revision: self.revision,
            last_id: self.last_id,
            arrivals: self.arrivals,
        };
        let peers = self.peers.iter().map(|(host, run)| self.part(Image::Peer { host, run: *run }));
        let spaces = self.spaces.iter().map(|(id, space)| self.space_record(*id, space));
        let paths = self.paths.keys().flat_map(|id| self.path_records(*id));
        let events = self.events.keys();
        let events = events.map(|(space, name)| self.part(Image::Event { space: *space, name }));
        let held = self.spaces.iter().flat_map(|(id, space)| self.held_records(*id, space));
        let letters = self.dead.iter().map(|letter| self.part(Image::Dead(letter.clone())));
        let mut counts = [0; KEPT_REASONS];
        counts.copy_from_slice(&self.dead.counts[..KEPT_REASONS]);
        let counts = Image::DeadCounts { counts, forgotten: self.dead.forgotten };
        let ends = [self.part(counts), self.part(Image::End)];
        let begin = core::iter::once(self.part(begin));
        begin.chain(peers).chain(spaces).chain(paths).chain(events).chain(held).chain(letters).chain(ends)
    }

    fn part(&self, part: Image<'_>) -> Vec<u8> {
        encode(self.now, Record::Image(part), &[])
    }

    fn space_record(&self, id: SpaceId, space: &Space) -> Vec<u8> {
        let Space { name, place, live, newest, sent, itself, .. } = space;
        let (place, live, newest, sent, itself) = (place.clone(), *live, *newest, *sent, *itself);
        self.part(Image::Space { id, name, place, live, newest, sent, itself })
    }

    fn path_records(&self, id: PathId) -> Records<'_> {
        let path = &self.paths[&id];
        let (from, to, rules, since) = (path.from, path.to, path.rules, path.since);
        let last = [path.messages.owned.last, path.answers.owned.last];
        let record = self.part(Image::Path { id, from, name: &path.name, to, rules, since, last });
        let flows = [false, true].into_iter().flat_map(move |answers| {
            let flow_id = FlowId { path: id, answers };
            self.flow_records(flow_id, path.flow(answers))
        });
        Box::new(core::iter::once(record).chain(flows))
    }

    fn flow_records<'m>(&'m self, id: FlowId, flow: &'m Flow) -> Records<'m> {
        let owned = self.queue_records(id, Source::Owned, &flow.owned.queue);
        let copies = flow.copies.iter().flat_map(move |(stream, copies)| {
            let (taken, done, ended) = (copies.taken, copies.done, copies.ended);
            let record = self.part(Image::Copies { flow: id, stream: stream.clone(), taken, done, ended });
            let queue = self.queue_records(id, Source::Copy(stream.clone()), &copies.queue);
            core::iter::once(record).chain(queue)
        });
        Box::new(owned.chain(copies))
    }

    fn queue_records<'m>(&'m self, flow: FlowId, source: Source, queue: &'m Queue) -> Records<'m> {
        Box::new(queue.entries.iter().map(move |entry| {
            let held = Image::Held { flow, source: source.clone(), entry: entry.clone() };
            encode(self.now, Record::Image(held), &entry.body)
        }))
    }

    /// What a space has in process, what it may answer, and which events it asked for.
    fn held_records<'m>(&'m self, id: SpaceId, space: &'m Space) -> Records<'m> {
        let current = space.current.iter().map(move |current| {
            let (flow, source) = (current.flow, current.source.clone());
            self.part(Image::InProcess { space: id, flow, source })
        });
        let answerable = space.answerable_order.iter().filter_map(move |message| {
            let answerable = space.answerable.get(message)?;
            let (flow, answers, until) = (answerable.flow, answerable.answers, answerable.until);
            Some(self.part(Image::Answerable { space: id, id: message.clone(), flow, answers, until }))
        });
        let subscribed = space.subscriptions.iter();
        let subscribed = subscribed.map(move |event| self.part(Image::Subscribed { space: id, event }));
        Box::new(current.chain(answerable).chain(subscribed))
    }
}
