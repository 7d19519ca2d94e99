//! Sending, answering, taking, finishing.

use crate::address::{AddressError, shortened};
use crate::dead::Reason;
use crate::declare::WhenFull;
use crate::directory::DirectoryError;
use crate::flow::{Entry, FlowId, Source, SpaceId};
use crate::journal::JournalError;
use crate::limits;
use crate::mesh::{Answerable, Current, Due, Mesh, Output, Place};
use crate::message::{Instance, Message, MessageId, Time};
use crate::record::Change;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sci::guest::{ErrorCode, SENDER};

/// What became of a message that was taken from its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// It will be taken, or become a dead letter.
    Accepted(MessageId),
    /// There was no room, and the path drops what has none: it is a dead letter.
    Dropped,
}

/// Why a message was not taken from its sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The sender is no instance that runs here.
    #[error(transparent)]
    NotLive(#[from] DirectoryError),
    /// The address means nothing, or not one thing.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The message is too large.
    #[error("a message of {bytes} bytes: {} is the most", limits::MESSAGE_BYTES_MAX)]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// The sender has no credit on the path.
    #[error("`{path}` holds {messages} messages, {bytes} bytes: wait until `{to}` takes some")]
    NoCredit {
        /// The path.
        path: Arc<str>,
        /// Its receiver.
        to: Arc<str>,
        /// Messages that wait on it.
        messages: u32,
        /// Their bytes.
        bytes: u64,
    },
    /// The host holds as much for the topology as it may.
    #[error("the topology's messages take as much as this host may hold: wait until some are taken")]
    HostFull,
    /// The message could not be written to the journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The receiver was stopped for good.
    #[error("`{0}` was stopped: start it, or remove the path")]
    Stopped(Arc<str>),
    /// `@sender` outside of processing a message.
    #[error("`@sender` is the sender of the message in process, and there is none: take one first")]
    NothingInProcess,
    /// The space never got this message, or too long ago.
    #[error(
        "`{id}` cannot be answered: it is none of the last {} messages that this instance took",
        limits::ANSWERABLE_MAX
    )]
    UnknownMessage {
        /// What should be answered.
        id: MessageId,
    },
    /// The answer comes too late.
    #[error("`{id}` was done more than {} s ago: answer sooner", limits::ANSWER_NANOSECONDS / 1_000_000_000)]
    Late {
        /// What should be answered.
        id: MessageId,
    },
    /// There were enough answers.
    #[error("`{id}` has {} answers, the most that a message may have", limits::ANSWERS_MAX)]
    AnsweredTooOften {
        /// What should be answered.
        id: MessageId,
    },
    /// Who asked is no more.
    #[error("`{id}` needs no answer: the instance that sent it has ended")]
    AskerGone {
        /// What should be answered.
        id: MessageId,
    },
}

impl EmitError {
    /// What a guest gets.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotLive(_) | Self::Stopped(_) | Self::AskerGone { .. } => ErrorCode::Closed,
            Self::Address(error) => match error {
                AddressError::Malformed(_) | AddressError::Ambiguous { .. } | AddressError::Itself(_) => {
                    ErrorCode::Invalid
                }
                AddressError::Unknown { .. } => ErrorCode::NotFound,
                AddressError::NoPath { .. } => ErrorCode::Denied,
                AddressError::NoInstance { .. } => ErrorCode::Closed,
            },
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::NoCredit { .. } => ErrorCode::WouldBlock,
            Self::HostFull | Self::AnsweredTooOften { .. } => ErrorCode::Quota,
            Self::NothingInProcess | Self::UnknownMessage { .. } => ErrorCode::NotFound,
            Self::Late { .. } => ErrorCode::Expired,
            Self::Journal(error) => error.code(),
        }
    }
}

/// Why there is no message to take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// Who asks is no instance that runs here.
    #[error(transparent)]
    NotLive(#[from] DirectoryError),
    /// That it was taken could not be written to the journal; nothing was taken, and the message in process stays it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Nothing waits.
    #[error("no message waits")]
    Empty,
    /// The buffer is too short; nothing was taken, and the message in process stays it.
    #[error("the next message has {needed} bytes")]
    Short {
        /// Bytes of the next message.
        needed: usize,
    },
}

impl Mesh {
    /// Sends a message to an address, as `net.emit_to` does.
    pub fn emit(
        &mut self,
        from: Instance<'_>,
        to: &str,
        body: &[u8],
        time: Time,
    ) -> Result<Emitted, EmitError> {
        self.advance(time);
        let sender = self.running(from)?;
        if to == SENDER {
            let current = self.spaces[&sender].current.as_ref().ok_or(EmitError::NothingInProcess)?;
            let id = current.id.clone();
            return self.answer_as(sender, &id, body);
        }
        let route = match self.resolve(sender, to) {
            Ok(route) => route,
            Err(error) => {
                if matches!(error, AddressError::Unknown { .. } | AddressError::NoPath { .. }) {
                    self.bury_letter(from.to_string(), shortened(to), Reason::NoSuchPath, body.len());
                }
                return Err(error.into());
            }
        };
        let flow = FlowId { path: route.path, answers: false };
        self.enqueue(sender, flow, None, route.only, body)
    }

    /// Puts a message into the sender's own queue, as `sys.self_emit` does.
    pub fn self_emit(&mut self, from: Instance<'_>, body: &[u8], time: Time) -> Result<Emitted, EmitError> {
        self.advance(time);
        let sender = self.running(from)?;
        let flow = FlowId { path: self.spaces[&sender].itself, answers: false };
        self.enqueue(sender, flow, None, None, body)
    }

    /// Answers a message that the space took, whether it is in process or not.
    pub fn answer(
        &mut self,
        from: Instance<'_>,
        id: &MessageId,
        body: &[u8],
        time: Time,
    ) -> Result<Emitted, EmitError> {
        self.advance(time);
        let sender = self.running(from)?;
        self.answer_as(sender, id, body)
    }

    fn answer_as(&mut self, sender: SpaceId, id: &MessageId, body: &[u8]) -> Result<Emitted, EmitError> {
        let id = || id.clone();
        let Some(answerable) = self.spaces[&sender].answerable.get(&id()) else {
            return Err(EmitError::UnknownMessage { id: id() });
        };
        if answerable.until.is_some_and(|until| until < self.now.monotonic) {
            return Err(EmitError::Late { id: id() });
        }
        if answerable.answers == limits::ANSWERS_MAX {
            return Err(EmitError::AnsweredTooOften { id: id() });
        }
        let back = FlowId { answers: !answerable.flow.answers, ..answerable.flow };
        let asker = id().instance;
        if self.spaces[&self.receiver(back)].live != Some(asker) {
            return Err(EmitError::AskerGone { id: id() });
        }
        self.enqueue(sender, back, Some(id()), Some(asker), body)
    }

    fn enqueue(
        &mut self,
        sender: SpaceId,
        flow: FlowId,
        answers: Option<MessageId>,
        only: Option<u64>,
        body: &[u8],
    ) -> Result<Emitted, EmitError> {
        let from = || {
            let space = &self.spaces[&sender];
            (Arc::clone(&space.name), space.live.unwrap_or_default())
        };
        let (space, instance) = from();
        let receiver = self.receiver(flow);
        let refuse = |mesh: &mut Self, reason| {
            let to = mesh.paths[&flow.path].name.to_string();
            mesh.path_mut(flow.path).flow_mut(flow.answers).counter.stats.dropped += 1;
            mesh.bury_letter(
                Instance { space: &space, number: instance }.to_string(),
                to,
                reason,
                body.len(),
            );
        };
        if body.len() > limits::MESSAGE_BYTES_MAX as usize {
            refuse(self, Reason::TooLarge);
            return Err(EmitError::TooLarge { bytes: body.len() });
        }
        if self.spaces[&receiver].place == Place::Gone {
            refuse(self, Reason::ReceiverStopped);
            return Err(EmitError::Stopped(Arc::clone(&self.spaces[&receiver].name)));
        }
        let is_full = self.held_bytes + body.len() as u64 > self.held_bytes_max;
        let to = Arc::clone(&self.spaces[&receiver].name);
        let path = self.path_mut(flow.path);
        let (rules, name) = (path.rules, Arc::clone(&path.name));
        let way = path.flow_mut(flow.answers);
        if is_full || !way.owned.has_room(body.len(), &rules) {
            if rules.when_full == WhenFull::Drop {
                refuse(self, Reason::QueueFull);
                return Ok(Emitted::Dropped);
            }
            way.counter.stats.blocked += 1;
            let (messages, bytes) = (way.owned.used_messages, way.owned.used_bytes);
            if is_full {
                self.wait_for_host.insert(flow);
                return Err(EmitError::HostFull);
            }
            way.owned.starved = true;
            return Err(EmitError::NoCredit { path: name, to, messages, bytes });
        }
        let (arrival, number) = (self.arrivals + 1, self.spaces[&sender].sent + 1);
        let change = || Change::Sent { flow, arrival, number, answers: answers.clone(), only };
        self.record(change, body)?;
        Ok(Emitted::Accepted(self.push(flow, [arrival, number], answers, only, body)))
    }

    /// A message that has its place goes on its way.
    pub(crate) fn push(
        &mut self,
        flow: FlowId,
        [arrival, id_number]: [u64; 2],
        answers: Option<MessageId>,
        only: Option<u64>,
        body: &[u8],
    ) -> MessageId {
        let (now, (sender, receiver)) = (self.now, self.paths[&flow.path].ends(flow.answers));
        let way = self.path_mut(flow.path).flow_mut(flow.answers);
        way.counter.sent(body.len(), now.monotonic);
        way.owned.last += 1;
        way.owned.used_messages += 1;
        way.owned.used_bytes += body.len() as u64;
        let number = way.owned.last;
        let sending = self.space_mut(sender);
        sending.sent = id_number;
        if let Some(answerable) = answers.as_ref().and_then(|id| sending.answerable.get_mut(id)) {
            answerable.answers += 1;
        }
        let (space, instance) = (Arc::clone(&sending.name), sending.live.unwrap_or_default());
        let id = MessageId { space, instance, number: id_number };
        self.arrivals = arrival;
        let entry = Entry {
            number,
            arrival,
            id: id.clone(),
            answers,
            only,
            time: now.realtime,
            arrived: now.monotonic,
            age: 0,
            credit: true,
            deliveries: 0,
            body: body.into(),
        };
        self.copy_to_taps(flow, &entry);
        self.held_bytes += entry.body.len() as u64;
        self.path_mut(flow.path).flow_mut(flow.answers).owned.queue.push(entry);
        match self.spaces[&receiver].place {
            Place::Here(_) => self.offer(receiver, arrival, flow, Source::Owned),
            Place::There(_) => {
                self.outgoing.insert(flow);
                self.due.insert(Due::Messages(flow));
            }
            Place::Nowhere | Place::Gone => {}
        }
        id
    }

    /// Lets a space on this host take a message.
    pub(crate) fn offer(&mut self, receiver: SpaceId, arrival: u64, flow: FlowId, source: Source) {
        self.space_mut(receiver).waiting.insert(arrival, (flow, source));
        self.tell_ready(receiver);
    }

    pub(crate) fn tell_ready(&mut self, receiver: SpaceId) {
        let space = self.space_mut(receiver);
        if let Some(instance) = space.live
            && !space.told
            && !(space.waiting.is_empty() && space.events.is_empty())
        {
            space.told = true;
            let space = Arc::clone(&space.name);
            self.outputs.push_back(Output::Ready { space, instance });
        }
    }

    /// Takes the next message into `room` bytes, as `net.recv_next` does. The message in process is then done, whether
    /// there is a next one or not; only where the next one does not fit, all stays as it is.
    pub fn take(&mut self, by: Instance<'_>, room: usize, time: Time) -> Result<Message, TakeError> {
        self.advance(time);
        let receiver = self.running(by)?;
        let (mut dead, mut next) = (Vec::new(), None);
        let space = &self.spaces[&receiver];
        let event = space.events.front().map(|event| (event.after, event.body.len()));
        for (arrival, (flow, source)) in &space.waiting {
            if event.is_some_and(|(after, _)| after < *arrival) {
                break;
            }
            match self.fate(*flow, source, *arrival) {
                Fate::Die(reason) => dead.push((*flow, source.clone(), reason)),
                Fate::Deliver { bytes } if bytes > room => return Err(TakeError::Short { needed: bytes }),
                Fate::Deliver { .. } => {
                    next = Some((*arrival, *flow, source.clone()));
                    break;
                }
            }
        }
        let event = event.filter(|_| next.is_none());
        if let Some((_, bytes)) = event.filter(|(_, bytes)| *bytes > room) {
            return Err(TakeError::Short { needed: bytes });
        }
        if let Some((arrival, _, _)) = next {
            self.record_take(|| Change::Taken { space: receiver, arrival })?;
        } else if space.current.is_some() || !dead.is_empty() {
            let until = event.map_or(u64::MAX, |(after, _)| after);
            self.record_take(|| Change::Passed { space: receiver, until })?;
        }
        // Whatever was before them in their queues is done or dead then.
        self.finish_current(receiver);
        for (flow, source, reason) in dead {
            self.drop_next(flow, &source, reason);
        }
        if let Some((arrival, flow, source)) = next {
            return Ok(self.hand_out(receiver, arrival, flow, source));
        }
        self.take_event(receiver).ok_or_else(|| {
            self.space_mut(receiver).told = false;
            TakeError::Empty
        })
    }

    /// Takes again what was taken when the record was written.
    pub(crate) fn retake(&mut self, receiver: SpaceId, arrival: u64) -> Option<()> {
        self.pass(receiver, arrival.checked_sub(1)?)?;
        let (flow, source) = self.spaces[&receiver].waiting.get(&arrival)?.clone();
        self.hand_out(receiver, arrival, flow, source);
        Some(())
    }

    /// Finishes what is in process; what waits up to this place is dead.
    pub(crate) fn pass(&mut self, receiver: SpaceId, until: u64) -> Option<()> {
        self.finish_current(receiver);
        while let Some((arrival, (flow, source))) = self.spaces[&receiver].waiting.first_key_value()
            && *arrival <= until
        {
            let (arrival, flow, source) = (*arrival, *flow, source.clone());
            let Fate::Die(reason) = self.fate(flow, &source, arrival) else { return None };
            self.drop_next(flow, &source, reason);
        }
        Some(())
    }

    fn hand_out(&mut self, receiver: SpaceId, arrival: u64, flow: FlowId, source: Source) -> Message {
        let (now, name) = (self.now.monotonic, Arc::clone(&self.paths[&flow.path].name));
        let way = self.path_mut(flow.path).flow_mut(flow.answers);
        let queue = way.queue_mut(&source).expect("what waits is in a queue");
        queue.in_process = true;
        let entry = queue.entries.front_mut().expect("what waits is in its queue");
        let message = entry.message(&name);
        entry.deliveries += 1;
        let (number, age) = (entry.number, entry.age(now));
        if message.redelivered == 0 {
            way.counter.taken(message.body.len(), age, source == Source::Owned, now);
        } else {
            way.counter.stats.redelivered += 1;
        }
        self.settle(flow, &source, number);
        let space = self.space_mut(receiver);
        space.waiting.remove(&arrival);
        space.current = Some(Current { flow, source, id: message.id.clone() });
        if space.answerable.len() == limits::ANSWERABLE_MAX
            && let Some(oldest) = space.answerable_order.pop_front()
        {
            space.answerable.remove(&oldest);
        }
        space.answerable.insert(message.id.clone(), Answerable { flow, answers: 0, until: None });
        space.answerable_order.push_back(message.id.clone());
        message
    }

    /// The message in process is done, as when `on_process` returns.
    pub fn finish(&mut self, by: Instance<'_>, time: Time) -> Result<(), DirectoryError> {
        self.advance(time);
        let receiver = self.running(by)?;
        if self.spaces[&receiver].current.is_some() {
            self.record_take(|| Change::Finished { space: receiver })?;
            self.finish_current(receiver);
        }
        Ok(())
    }

    pub(crate) fn finish_current(&mut self, receiver: SpaceId) {
        let until = self.now.monotonic.saturating_add(limits::ANSWER_NANOSECONDS);
        let space = self.space_mut(receiver);
        let Some(current) = space.current.take() else { return };
        if let Some(answerable) = space.answerable.get_mut(&current.id) {
            answerable.until = Some(until);
        }
        self.remove_first(current.flow, &current.source);
    }

    /// Whether a message that waits may be taken now.
    fn fate(&self, flow: FlowId, source: &Source, arrival: u64) -> Fate {
        let (now, live) = (self.now.monotonic, self.spaces[&self.receiver(flow)].live);
        let path = &self.paths[&flow.path];
        let entry = path.flow(flow.answers).queue(source).and_then(|queue| queue.find(arrival));
        let entry = entry.expect("what waits is in a queue");
        if entry.only.is_some_and(|only| live != Some(only)) {
            return Fate::Die(Reason::InstanceGone);
        }
        if entry.is_expired(path.rules.expires_after, now) {
            return Fate::Die(Reason::Expired);
        }
        Fate::Deliver { bytes: entry.body.len() }
    }
}

/// What becomes of a message that is next.
enum Fate {
    Deliver { bytes: usize },
    Die(Reason),
}
