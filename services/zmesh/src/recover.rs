//! A mesh from the records of its journal.

use crate::flow::{Copies, Entry, FlowId, Path, PathId, Queue, SELF_PATH, Source, SpaceId};
use crate::journal::{Frames, Journal, JournalError, RecoverError, Tail};
use crate::mesh::{Answerable, Current, Mesh, Place, Space};
use crate::message::{Instance, Time};
use crate::record::{Change, FORMAT, Image, Record, decode};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a mesh is recovered with.
#[derive(Clone, Copy, Debug)]
pub struct Recovery<'r> {
    /// Its topology.
    pub topology: &'r str,
    /// Its host.
    pub host: &'r str,
    /// What the end of the journal may look like.
    pub tail: Tail,
    /// Instances on this host that did not end with it; most often none. What the others had in process waits again.
    pub running: &'r [Instance<'r>],
    /// Now.
    pub time: Time,
}

/// A mesh as it was, and how much of its journal is sound: what is after that is to be cut.
pub struct Recovered<'r> {
    mesh: Box<Mesh>,
    recovery: Recovery<'r>,
    /// Where the sound part ends.
    pub end: u64,
}

impl Recovered<'_> {
    /// As it was before the host was away.
    #[cfg(test)]
    pub(crate) fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The mesh. It goes on in the journal that it was recovered from, which ends where its sound part did.
    pub fn go_on_in(mut self, journal: Box<dyn Journal>) -> Result<Mesh, JournalError> {
        self.mesh.go_on_in(journal, self.end);
        self.mesh.resume(&self.recovery)?;
        Ok(*self.mesh)
    }
}

impl Mesh {
    /// Reads a journal. A mesh that was recovered is the same run of the host as before; other hosts take it as one
    /// that was away.
    pub fn recover<'r>(journal: &[u8], recovery: Recovery<'r>) -> Result<Recovered<'r>, RecoverError> {
        let mut frames = Frames::new(journal, recovery.tail);
        let mut reader = Reader::Nothing;
        loop {
            let at = frames.at as u64;
            let Some(payload) = frames.next()? else { break };
            let (time, record, body) = decode(payload).ok_or(RecoverError::Senseless { at })?;
            reader = match (reader, record) {
                (Reader::Nothing, Record::Image(begin)) => Reader::Image(begun(&begin, &recovery, at)?),
                (Reader::Image(mut mesh), Record::Image(Image::End)) => {
                    mesh.now = time;
                    mesh.complete().ok_or(RecoverError::Senseless { at })?;
                    Reader::Mesh(mesh)
                }
                (Reader::Image(mut mesh), Record::Image(part)) => {
                    mesh.add(part, body).ok_or(RecoverError::Senseless { at })?;
                    Reader::Image(mesh)
                }
                (Reader::Mesh(mut mesh), Record::Change(change)) => {
                    mesh.repeat(change, body, time).ok_or(RecoverError::Senseless { at })?;
                    mesh.outputs.clear();
                    mesh.due.clear();
                    Reader::Mesh(mesh)
                }
                _ => return Err(RecoverError::Senseless { at }),
            };
        }
        let end = frames.at as u64;
        match reader {
            Reader::Mesh(mesh) => Ok(Recovered { mesh, recovery, end }),
            Reader::Nothing | Reader::Image(_) => Err(RecoverError::Incomplete { at: end }),
        }
    }

    /// Begins anew on this host: of what ran before, only these instances still do.
    fn resume(&mut self, recovery: &Recovery<'_>) -> Result<(), JournalError> {
        let still_runs = |space: &Space| {
            let is_it = |instance: &&Instance<'_>| {
                *instance.space == *space.name && space.live == Some(instance.number)
            };
            matches!(space.place, Place::Here(_)) && recovery.running.iter().any(|instance| is_it(&instance))
        };
        let running: Vec<SpaceId> =
            self.spaces.iter().filter(|(_, space)| still_runs(space)).map(|(id, _)| *id).collect();
        // The record has the new time; what was before is still to be judged by the old one.
        let before = core::mem::replace(&mut self.now, recovery.time);
        let written = self.record(|| Change::Resumed { running: running.clone() }, &[]);
        self.now = before;
        written?;
        self.do_resume(&running, recovery.time);
        Ok(())
    }

    fn do_resume(&mut self, running: &[SpaceId], time: Time) {
        let before = core::mem::replace(&mut self.now, time);
        // The monotonic clock may be another one.
        let away = time.realtime.saturating_sub(before.realtime);
        for flow in self.paths.values_mut().flat_map(|path| [&mut path.messages, &mut path.answers]) {
            let copies = flow.copies.values_mut().map(|copies| &mut copies.queue);
            for entry in
                [&mut flow.owned.queue].into_iter().chain(copies).flat_map(|queue| &mut queue.entries)
            {
                entry.age = entry.age(before.monotonic).saturating_add(away);
                entry.arrived = time.monotonic;
            }
            flow.counter.begin_anew();
            flow.owned.starved = false;
            let first = flow.owned.first();
            flow.owned.link.reset(first);
        }
        for answerable in self.spaces.values_mut().flat_map(|space| space.answerable.values_mut()) {
            let left = |until: u64| until.saturating_sub(before.monotonic).saturating_sub(away);
            answerable.until = answerable.until.map(|until| time.monotonic.saturating_add(left(until)));
        }
        for host in core::mem::take(&mut self.peers).into_keys() {
            self.do_peer_down(&host);
        }
        let here: Vec<SpaceId> = self
            .spaces
            .iter()
            .filter(|(_, space)| matches!(space.place, Place::Here(_)))
            .map(|(id, _)| *id)
            .collect();
        for id in here {
            if running.contains(&id) {
                self.space_mut(id).told = false;
                self.tell_ready(id);
            } else {
                self.end_instance(id);
            }
        }
        // Who was refused before does not know whether it was.
        let flows: Vec<PathId> = self.paths.keys().copied().collect();
        for path in flows {
            for answers in [false, true] {
                self.tell_credit(FlowId { path, answers });
            }
        }
    }

    /// Adds a part of an image; `None` where it does not fit.
    fn add(&mut self, part: Image<'_>, body: &[u8]) -> Option<()> {
        match part {
            Image::Begin { .. } | Image::End => return None,
            Image::Peer { host, run } => {
                self.peers.insert(host.into(), run);
            }
            Image::Space { id, name, place, live, newest, sent, itself } => {
                let name: Arc<str> = name.into();
                let is_new = self.by_name.insert(Arc::clone(&name), id).is_none();
                let space = Space { place, live, newest, sent, itself, ..Space::new(name) };
                let is_new = is_new && self.spaces.insert(id, space).is_none();
                return (is_new && id <= self.last_id).then_some(());
            }
            Image::Path { id, from, name, to, rules, since, last } => {
                let is_new = id <= self.last_id && !self.paths.contains_key(&id);
                self.spaces.get(&to).filter(|_| is_new)?;
                let mut path = Path::new(from, name.into(), to, rules, since);
                [path.messages.owned.last, path.answers.owned.last] = last;
                let sender = self.spaces.get_mut(&from)?;
                if name == SELF_PATH {
                    (sender.itself == id && from == to).then_some(())?;
                } else {
                    sender.paths.insert(name.into(), id);
                }
                self.insert_path(id, path);
            }
            Image::Copies { flow, stream, taken, done, ended } => {
                let way = self.paths.get_mut(&flow.path)?.flow_mut(flow.answers);
                let copies = Copies { taken, ended, ..Copies::from(done.checked_add(1)?) };
                way.copies.insert(stream, copies);
            }
            Image::Held { flow, source, entry } => {
                return self.hold(flow, &source, Entry { body: body.into(), ..entry });
            }
            Image::InProcess { space, flow, source } => {
                let path = self.paths.get_mut(&flow.path)?;
                let is_its = path.ends(flow.answers).1 == space;
                let queue = path.flow_mut(flow.answers).queue_mut(&source).filter(|_| is_its)?;
                queue.in_process = true;
                let id = queue.entries.front()?.id.clone();
                let current = Current { flow, source, id };
                return self.spaces.get_mut(&space)?.current.replace(current).is_none().then_some(());
            }
            Image::Answerable { space, id, flow, answers, until } => {
                let is_its = self.paths.get(&flow.path)?.ends(flow.answers).1 == space;
                let space = self.spaces.get_mut(&space).filter(|_| is_its)?;
                space.answerable_order.push_back(id.clone());
                let answerable = Answerable { flow, answers, until };
                // Twice where another host gave two messages one id, which this one cannot prevent.
                space.answerable.insert(id, answerable);
            }
            Image::Event { space, name } => {
                self.spaces.get(&space)?;
                self.events.entry((space, name.into())).or_default();
            }
            Image::Subscribed { space, event } => {
                self.spaces.get(&space)?;
                self.add_subscriber(space, event.into());
            }
            Image::Dead(letter) => self.dead.letters.push_back(letter),
            Image::DeadCounts { counts, forgotten } => {
                self.dead.counts[..counts.len()].copy_from_slice(&counts);
                self.dead.forgotten = forgotten;
            }
        }
        Some(())
    }

    /// Puts a message back into its queue.
    fn hold(&mut self, flow: FlowId, source: &Source, entry: Entry) -> Option<()> {
        let (bytes, number) = (entry.body.len() as u64, entry.number);
        let way = self.paths.get_mut(&flow.path)?.flow_mut(flow.answers);
        if entry.credit {
            way.owned.used_messages = way.owned.used_messages.checked_add(1)?;
            way.owned.used_bytes += bytes;
        }
        if let Source::Copy(stream) = source {
            let copies = way.copies.get_mut(stream)?;
            (copies.expected == number && !entry.credit).then_some(())?;
            copies.expected = number.checked_add(1)?;
        }
        let queue = way.queue_mut(source)?;
        let follows = queue
            .entries
            .back()
            .is_none_or(|last| last.number.checked_add(1) == Some(number) && last.arrival < entry.arrival);
        (follows && entry.arrival <= self.arrivals).then_some(())?;
        queue.push(entry);
        self.held_bytes += bytes;
        Some(())
    }

    /// Derives what an image does not have; `None` where its parts do not fit together.
    fn complete(&mut self) -> Option<()> {
        for (id, space) in &self.spaces {
            let itself = self.paths.get(&space.itself)?;
            ((itself.from, itself.to) == (*id, *id)).then_some(())?;
        }
        for (id, path) in &self.paths {
            for answers in [false, true] {
                let flow = FlowId { path: *id, answers };
                let way = path.flow(answers);
                let last = way.owned.queue.entries.back();
                last.is_none_or(|last| last.number == way.owned.last).then_some(())?;
                let space = self.spaces.get_mut(&path.ends(answers).1)?;
                let queues =
                    way.copies.iter().map(|(stream, copies)| (Source::Copy(stream.clone()), &copies.queue));
                let is_here = matches!(space.place, Place::Here(_));
                for (source, queue) in [(Source::Owned, &way.owned.queue)].into_iter().chain(queues) {
                    is_consistent(space, flow, &source, queue).then_some(())?;
                    if is_here {
                        for entry in queue.entries.iter().skip(usize::from(queue.in_process)) {
                            let before = space.waiting.insert(entry.arrival, (flow, source.clone()));
                            before.is_none().then_some(())?;
                        }
                    }
                }
                if matches!(space.place, Place::There(_)) && !way.owned.queue.entries.is_empty() {
                    self.outgoing.insert(flow);
                }
            }
        }
        Some(())
    }

    /// Makes a change again; `None` where it could not have been made.
    fn repeat(&mut self, change: Change<'_>, body: &[u8], time: Time) -> Option<()> {
        if let Change::Resumed { running } = change {
            running.iter().all(|id| self.spaces.contains_key(id)).then_some(())?;
            self.do_resume(&running, time);
            return Some(());
        }
        self.now = time;
        match change {
            Change::Resumed { .. } => {}
            Change::Declared(declaration) => {
                declaration.check().ok().filter(|()| declaration.revision >= self.revision)?;
                self.do_declare(&declaration);
            }
            Change::Started { space, instance } => {
                self.spaces.get(&space).filter(|space| space.newest < instance)?;
                self.do_start(space, instance);
            }
            Change::Placed { space, instance, host } => {
                self.spaces.get(&space).filter(|space| space.newest <= instance && *host != *self.host)?;
                self.do_place(space, instance, host);
            }
            Change::Stopped { space } => {
                self.spaces.contains_key(&space).then(|| self.end_instance(space))?;
            }
            Change::Retired { space } => self.spaces.contains_key(&space).then(|| self.do_retire(space))?,
            Change::PeerUp { host, run } => self.do_peer_up(host, run),
            Change::PeerDown { host } => self.do_peer_down(host),
            Change::Sent { flow, arrival, number, answers, only } => {
                let sender = self.paths.get(&flow.path)?.ends(flow.answers).0;
                self.spaces[&sender].live.filter(|_| arrival > self.arrivals)?;
                self.push(flow, [arrival, number], answers, only, body);
            }
            Change::Taken { space, arrival } => {
                self.spaces.get(&space)?;
                self.retake(space, arrival)?;
            }
            Change::Passed { space, until } => {
                self.spaces.get(&space)?;
                self.pass(space, until)?;
            }
            Change::Subscribed { space, event } => {
                self.spaces.get(&space)?;
                self.add_subscriber(space, event.into());
            }
            Change::Finished { space } => {
                self.spaces.contains_key(&space).then(|| self.finish_current(space))?;
            }
            Change::Expired => self.do_expire(),
            Change::Opened { flow, stream, first } => {
                let known = self.paths.get(&flow.path)?.flow(flow.answers).copies.get(&stream);
                let is_empty = known.is_none_or(|copies| copies.queue.entries.is_empty());
                (is_empty && first > 0).then_some(())?;
                self.open(flow, &stream, first);
            }
            Change::Accepted { flow, stream, entry } => {
                let path = self.paths.get(&flow.path)?;
                let is_here = matches!(self.spaces[&path.ends(flow.answers).1].place, Place::Here(_));
                let copies = path.flow(flow.answers).copies.get(&stream)?;
                let is_new = copies.expected == entry.number && entry.arrival > self.arrivals;
                (is_here && is_new && !entry.credit && entry.deliveries == 0).then_some(())?;
                self.take_copy(flow, stream, Entry { body: body.into(), ..entry });
            }
            Change::Progress { flow, taken, done } => {
                let path = self.paths.get(&flow.path)?;
                let is_there = matches!(self.spaces[&path.ends(flow.answers).1].place, Place::There(_));
                let last = path.flow(flow.answers).owned.last;
                (is_there && taken <= last && done <= last).then_some(())?;
                self.settle_remote(flow, taken, done);
                if self.paths[&flow.path].flow(flow.answers).owned.queue.entries.is_empty() {
                    self.outgoing.remove(&flow);
                }
            }
        }
        Some(())
    }
}

/// Whether what is in process fits the queue.
fn is_consistent(space: &Space, flow: FlowId, source: &Source, queue: &Queue) -> bool {
    let is_here = matches!(space.place, Place::Here(_));
    let current = space.current.as_ref().filter(|current| current.flow == flow && current.source == *source);
    let in_process = queue.entries.front().filter(|_| queue.in_process).map(|entry| &entry.id);
    current.map(|current| &current.id) == in_process
        && (is_here || !queue.in_process)
        && (is_here || *source == Source::Owned || queue.entries.is_empty())
}

enum Reader {
    Nothing,
    Image(Box<Mesh>),
    Mesh(Box<Mesh>),
}

/// The mesh that an image begins.
fn begun(begin: &Image<'_>, recovery: &Recovery<'_>, at: u64) -> Result<Box<Mesh>, RecoverError> {
    let Image::Begin { format, topology, host, incarnation, revision, last_id, arrivals } = *begin else {
        return Err(RecoverError::Senseless { at });
    };
    if format != FORMAT {
        return Err(RecoverError::Format { found: format, known: FORMAT });
    }
    if (topology, host) != (recovery.topology, recovery.host) {
        return Err(RecoverError::Another { topology: topology.into(), host: host.into() });
    }
    let mesh = Mesh::new(topology, host, incarnation).map_err(|_| RecoverError::Senseless { at })?;
    let mut mesh = Box::new(mesh);
    (mesh.revision, mesh.last_id, mesh.arrivals) = (revision, last_id, arrivals);
    Ok(mesh)
}
