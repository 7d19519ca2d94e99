//! Paths between hosts. The sender's host has a message until the receiver is done with it; what the receiver's host
//! has is a copy. Frames may be lost, repeated and reordered: messages are numbered, taken in order only, and sent
//! again until there is progress.

use crate::address::shortened;
use crate::flow::{Copies, Entry, FlowId, Path, PathId, SELF_PATH, Source, StreamId};
use crate::limits;
use crate::mesh::{Due, Mesh, Output, Place};
use crate::message::{MessageId, Time};
use crate::record::Change;
use crate::wire::{Carried, Frame, FrameError, Part, Subject, unreadable};
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Mesh {
    /// Publishes what was not sent yet.
    pub(crate) fn send_messages(&mut self, flow: FlowId) {
        let Some(path) = self.paths.get(&flow.path) else { return };
        let owned = &path.flow(flow.answers).owned;
        let fresh = owned.queue.entries.partition_point(|entry| entry.number <= owned.link.sent);
        self.send_range(flow, fresh..owned.queue.entries.len());
    }

    /// Publishes some of what waits; nothing where the receiver's host is not known to be up.
    fn send_range(&mut self, flow: FlowId, range: core::ops::Range<usize>) {
        let path = &self.paths[&flow.path];
        let (sender, receiver) = path.ends(flow.answers);
        let (receiver, sender) = (&self.spaces[&receiver], &self.spaces[&sender]);
        let Place::There(host) = &receiver.place else { return };
        let Some((host, _)) = self.peer(host) else { return };
        let owned = &path.flow(flow.answers).owned;
        let first = owned.first();
        let mut outputs = Vec::new();
        for entry in owned.queue.entries.range(range) {
            let carried = Carried {
                number: entry.number,
                first,
                receiver: receiver.newest,
                id: (entry.id.instance, entry.id.number),
                answers: entry.answers.as_ref().map(|id| (id.instance, id.number)),
                only: entry.only,
                age: entry.age(self.now.monotonic),
                time: entry.time,
                body: &entry.body,
            };
            debug_assert_eq!(entry.id.space, sender.name);
            outputs.push(self.frame(host, path, flow, flow.path, Part::Message(carried)));
        }
        self.outputs.extend(outputs);
        let now = self.now.monotonic;
        let owned = &mut self.path_mut(flow.path).flow_mut(flow.answers).owned;
        owned.link.sent = owned.link.sent.max(owned.last);
        owned.link.retry_at = now.saturating_add(owned.link.wait);
    }

    /// Publishes how far a stream is.
    pub(crate) fn send_progress(&mut self, flow: FlowId, stream: &StreamId) {
        let Some(path) = self.paths.get(&flow.path) else { return };
        let Some(copies) = path.flow(flow.answers).copies.get(stream) else { return };
        let (host, run, name) = stream;
        if self.peers.get(host) != Some(run) {
            return;
        }
        let (accepted, taken, done) = (copies.expected - 1, copies.taken, copies.done);
        let output = self.frame(host, path, flow, *name, Part::Progress { of: *run, accepted, taken, done });
        self.outputs.push_back(output);
    }

    fn frame(&self, to: &Arc<str>, path: &Path, flow: FlowId, stream: PathId, part: Part<'_>) -> Output {
        let (from, to_space) = (&self.spaces[&path.from].name, &self.spaces[&path.to].name);
        let frame = Frame {
            incarnation: self.incarnation,
            revision: self.revision,
            from,
            to: to_space,
            answers: flow.answers,
            stream,
            part,
        };
        let subject = Subject {
            topology: self.topology.to_string(),
            source: self.host.to_string(),
            destination: to.to_string(),
            path: path.name.to_string(),
        };
        Output::Publish { subject, frame: frame.encode() }
    }

    /// Sends again what had no answer.
    pub(crate) fn retry(&mut self) {
        let now = self.now.monotonic;
        let flows: Vec<FlowId> = self.outgoing.iter().copied().collect();
        for flow in flows {
            let owned = &mut self.path_mut(flow.path).flow_mut(flow.answers).owned;
            if now < owned.link.retry_at {
                continue;
            }
            owned.link.wait = (owned.link.wait * 2).min(limits::RETRY_NANOSECONDS_MAX);
            if owned.link.accepted < owned.last {
                owned.link.sent = owned.link.accepted;
                self.due.insert(Due::Messages(flow));
            } else {
                // It was accepted, but what was said of it since may be lost, or the copy be gone.
                self.send_range(flow, 0..1);
            }
        }
    }

    /// Takes a frame from the bus. An error says why it was not taken; the mesh is as before, and the frame's sender
    /// sends it again if it is worth that.
    pub fn deliver(&mut self, subject: &Subject, bytes: &[u8], time: Time) -> Result<(), FrameError> {
        self.advance(time);
        if *subject.topology != *self.topology || *subject.destination != *self.host {
            return Err(FrameError::NotForUs(format!("{subject}")));
        }
        let frame = match postcard::take_from_bytes::<Frame<'_>>(bytes) {
            Ok((frame, [])) if bytes.len() <= limits::FRAME_BYTES_MAX => frame,
            _ => return Err(unreadable(subject)),
        };
        let stranger = FrameError::Stranger { host: subject.source.clone(), incarnation: frame.incarnation };
        let Some((host, run)) = self.peer(&subject.source) else { return Err(stranger) };
        if run != frame.incarnation {
            return Err(stranger);
        }
        let host = Arc::clone(host);
        match frame.part {
            Part::Message(carried) => {
                let space = self.by_name.get(frame.from).map(|id| &self.spaces[id]);
                let path = space.and_then(|space| match subject.path.as_str() {
                    SELF_PATH => Some(space.itself),
                    name => space.paths.get(name).copied(),
                });
                let path = self.declared(path, subject, &frame)?;
                let (revision, since) = (frame.revision, self.paths[&path].since);
                if revision < since {
                    // What this host knew of the path as it was is gone, and what was done could come again.
                    return Err(FrameError::OldRevision { host: subject.source.clone(), revision, since });
                }
                let flow = FlowId { path, answers: frame.answers };
                self.accept(subject, flow, (host, run, frame.stream), &carried)
            }
            Part::Progress { of, accepted, taken, done } if of == self.incarnation => {
                let path = self.declared(Some(frame.stream), subject, &frame)?;
                let flow = FlowId { path, answers: frame.answers };
                self.progress(flow, subject, [accepted, taken, done])
            }
            Part::Event(happened) => self.hear_event(subject, &frame, happened),
            Part::Progress { .. } => Err(FrameError::NotForUs(format!("{subject}"))),
        }
    }

    /// The path, if it is the one that the frame is about.
    fn declared(
        &self,
        id: Option<PathId>,
        subject: &Subject,
        frame: &Frame<'_>,
    ) -> Result<PathId, FrameError> {
        let name = |space| &*self.spaces[space].name;
        let known = id.and_then(|id| self.paths.get(&id)).is_some_and(|path| {
            (&*path.name, name(&path.from), name(&path.to)) == (&*subject.path, frame.from, frame.to)
        });
        id.filter(|_| known).ok_or_else(|| FrameError::NoSuchPath {
            host: subject.source.clone(),
            from: shortened(frame.from),
            path: subject.path.clone(),
        })
    }

    fn accept(
        &mut self,
        subject: &Subject,
        flow: FlowId,
        stream: StreamId,
        carried: &Carried<'_>,
    ) -> Result<(), FrameError> {
        let path = &self.paths[&flow.path];
        let (sender, receiver) = path.ends(flow.answers);
        let (rules, space) = (path.rules, &self.spaces[&receiver]);
        // What was meant for an earlier stay of the space here may long be done elsewhere.
        let is_here = matches!(space.place, Place::Here(since) if carried.receiver >= since);
        if !is_here {
            return Err(FrameError::NotHere(space.name.to_string()));
        }
        let bytes = carried.body.len();
        if carried.first == 0 || carried.number < carried.first || bytes > limits::MESSAGE_BYTES_MAX as usize
        {
            return Err(unreadable(subject));
        }
        let id =
            |space: &Arc<str>, (instance, number)| MessageId { space: Arc::clone(space), instance, number };
        let answers = carried.answers.map(|answered| id(&space.name, answered));
        let id = id(&self.spaces[&sender].name, carried.id);
        let is_full = self.held_bytes + bytes as u64 > self.held_bytes_max;
        let no_room = FrameError::NoRoom(subject.source.clone());
        let copies = &path.flow(flow.answers).copies;
        let known = copies.get(&stream);
        let begins = known.is_none_or(|known| {
            let is_next = carried.number == carried.first && known.queue.entries.is_empty();
            carried.first > known.expected && is_next
        });
        if begins {
            let spare = copies.iter().filter(|(stream, copies)| self.is_spare(stream, copies)).count();
            if known.is_none() && copies.len() - spare >= limits::STREAMS_MAX {
                return Err(no_room);
            }
            let stream = stream.clone();
            self.record(|| Change::Opened { flow, stream, first: carried.first }, &[])?;
        }
        if begins {
            self.open(flow, &stream, carried.first);
        }
        self.due.insert(Due::Progress(flow, stream.clone()));
        let copies = &self.paths[&flow.path].flow(flow.answers).copies[&stream];
        // Before it: had already. After it: one between is still to come.
        if carried.number != copies.expected {
            return Ok(());
        }
        let (waiting, waiting_bytes) = copies.queue.fresh();
        let has_room =
            waiting < rules.messages as usize && waiting_bytes + bytes as u64 <= u64::from(rules.bytes);
        if is_full || !has_room {
            return Err(no_room);
        }
        let entry = Entry {
            number: carried.number,
            arrival: self.arrivals + 1,
            id,
            answers,
            only: carried.only,
            time: carried.time,
            arrived: self.now.monotonic,
            age: carried.age,
            credit: false,
            deliveries: 0,
            body: carried.body.into(),
        };
        let change = || Change::Accepted { flow, stream: stream.clone(), entry: entry.clone() };
        self.record(change, &entry.body)?;
        self.take_copy(flow, stream, entry);
        Ok(())
    }

    /// Whether a stream may give its place to another: its host is down, and it has nothing here.
    fn is_spare(&self, (host, run, _): &StreamId, copies: &Copies) -> bool {
        copies.queue.entries.is_empty() && self.peers.get(host) != Some(run)
    }

    /// A stream begins here, or begins anew.
    pub(crate) fn open(&mut self, flow: FlowId, stream: &StreamId, first: u64) {
        let copies = &self.paths[&flow.path].flow(flow.answers).copies;
        // A stream whose host is down may go on when it is up again, unless there is need of its place.
        let mut spare = Vec::new();
        if copies.len() >= limits::STREAMS_MAX && !copies.contains_key(stream) {
            spare.extend(copies.iter().filter(|(id, all)| self.is_spare(id, all)).map(|(id, _)| id.clone()));
        }
        let copies = &mut self.path_mut(flow.path).flow_mut(flow.answers).copies;
        copies.retain(|id, _| !spare.contains(id));
        copies.insert(stream.clone(), Copies::from(first));
    }

    /// A message from another host waits here.
    pub(crate) fn take_copy(&mut self, flow: FlowId, stream: StreamId, entry: Entry) {
        let (receiver, arrival) = (self.receiver(flow), entry.arrival);
        self.copy_to_taps(flow, &entry);
        self.arrivals = arrival;
        self.held_bytes += entry.body.len() as u64;
        if let Some(copies) = self.path_mut(flow.path).flow_mut(flow.answers).copies.get_mut(&stream) {
            copies.expected += 1;
            copies.queue.push(entry);
        }
        self.offer(receiver, arrival, flow, Source::Copy(stream));
    }

    /// A receiver on another host is so far. Only the host where it is now may say so.
    fn progress(
        &mut self,
        flow: FlowId,
        subject: &Subject,
        [accepted, taken, done]: [u64; 3],
    ) -> Result<(), FrameError> {
        let receiver = &self.spaces[&self.receiver(flow)];
        if !matches!(&receiver.place, Place::There(host) if **host == *subject.source) {
            return Err(FrameError::NotHere(receiver.name.to_string()));
        }
        let owned = &self.paths[&flow.path].flow(flow.answers).owned;
        let (taken, done) = (taken.max(done).min(owned.last), done.min(owned.last));
        let before = owned.first();
        let given = owned.queue.entries.iter().take_while(|entry| entry.number <= taken);
        if done >= before || given.into_iter().any(|entry| entry.credit) {
            self.record(|| Change::Progress { flow, taken, done }, &[])?;
            self.settle_remote(flow, taken, done);
        }
        let now = self.now.monotonic;
        let owned = &mut self.path_mut(flow.path).flow_mut(flow.answers).owned;
        let link = &mut owned.link;
        let accepted = accepted.max(done).min(owned.last);
        if accepted > link.accepted || owned.queue.entries.front().is_none_or(|entry| entry.number > before) {
            link.wait = limits::RETRY_NANOSECONDS;
            link.retry_at = now.saturating_add(link.wait);
        }
        // Less than was known before is the truth, too: the copies may be gone.
        link.accepted = accepted;
        link.sent = link.sent.max(accepted);
        if owned.queue.entries.is_empty() {
            self.outgoing.remove(&flow);
        }
        Ok(())
    }

    /// Messages up to these were taken, and done, on another host.
    pub(crate) fn settle_remote(&mut self, flow: FlowId, taken: u64, done: u64) {
        let owned = &mut self.path_mut(flow.path).flow_mut(flow.answers).owned;
        let tells = owned.settle(taken);
        let held = owned.queue.bytes;
        while owned.first() <= done && owned.queue.pop().is_some() {}
        let gone = held - owned.queue.bytes;
        self.release(gone);
        if tells {
            self.tell_credit(flow);
        }
    }
}
