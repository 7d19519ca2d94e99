//! Events: what a space declares that it emits goes to every instance that asked for events of that name. Nobody
//! waits for a subscriber: what it has no room for, it misses, and it is told how many.

use crate::address::{list, shortened};
use crate::declare::is_name;
use crate::directory::DirectoryError;
use crate::flow::{EVENT_PATH, SpaceId};
use crate::journal::JournalError;
use crate::limits;
use crate::mesh::{Mesh, Output, Place};
use crate::message::{Event, Instance, Message, MessageId, Time};
use crate::record::Change;
use crate::wire::{Frame, FrameError, Happened, Part, Subject, unreadable};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// Why an event was not emitted, or not asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Who calls is no instance that runs here.
    #[error(transparent)]
    NotLive(#[from] DirectoryError),
    /// The space does not declare the event: a violation.
    #[error("`{space}` emitted `{event}`, which is not among its `events:`; {known}")]
    Undeclared {
        /// The space.
        space: String,
        /// The event.
        event: String,
        /// What it does declare.
        known: String,
    },
    /// The event has no name that an event may have.
    #[error("`{0}` is no name of an event")]
    Malformed(String),
    /// No space of the topology declares the event.
    #[error("no space of the topology declares the event `{0}`")]
    Unknown(String),
    /// Its payload is too large.
    #[error("an event of {bytes} bytes: {} is the most", limits::MESSAGE_BYTES_MAX)]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// The subscription could not be written to the journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl EventError {
    /// What a guest gets, where it is not aborted for a violation.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotLive(_) => ErrorCode::Closed,
            Self::Undeclared { .. } => ErrorCode::Denied,
            Self::Malformed(_) => ErrorCode::Invalid,
            Self::Unknown(_) => ErrorCode::NotFound,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Journal(error) => error.code(),
        }
    }

    /// Whether the space did what it did not declare.
    pub fn is_violation(&self) -> bool {
        matches!(self, Self::Undeclared { .. })
    }
}

/// Holds a name against what names are.
fn named(event: &str) -> Result<(), EventError> {
    if is_name(event) { Ok(()) } else { Err(EventError::Malformed(shortened(event))) }
}

/// What became of events on this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventStats {
    /// Emitted here.
    pub published: u64,
    /// Put into queues of subscribers here: as many for each as it has subscribers.
    pub queued: u64,
    /// Not put there, since the subscriber's queue or the host was full.
    pub dropped: u64,
}

/// An event that a space declares.
#[derive(Default)]
pub(crate) struct Declared {
    pub stats: EventStats,
    /// The newest that was seen: the emitter's instance, and which of its events of this name.
    pub newest: (u64, u64),
}

/// An event that waits for a subscriber.
pub(crate) struct Waiting {
    /// It comes after the messages up to this place.
    pub after: u64,
    pub missed: u64,
    pub from: (Arc<str>, u64),
    pub name: Arc<str>,
    pub time: u64,
    pub body: Arc<[u8]>,
}

impl Waiting {
    pub fn message(self) -> Message {
        let (space, instance) = self.from;
        Message {
            id: MessageId { space, instance, number: 0 },
            path: EVENT_PATH.into(),
            answers: None,
            time: self.time,
            redelivered: 0,
            event: Some(Event { name: self.name, missed: self.missed }),
            body: self.body,
        }
    }
}

impl Mesh {
    /// Asks for the events of a name, as `events.subscribe` does, whichever space emits them. It ends with the
    /// instance.
    pub fn subscribe(&mut self, by: Instance<'_>, event: &str, time: Time) -> Result<(), EventError> {
        self.advance(time);
        let id = self.running(by)?;
        named(event)?;
        let known = self.events.keys().find(|(_, name)| **name == *event);
        let Some((_, name)) = known else {
            return Err(EventError::Unknown(shortened(event)));
        };
        let name = Arc::clone(name);
        if !self.spaces[&id].subscriptions.contains(&name) {
            self.record(|| Change::Subscribed { space: id, event }, &[])?;
            self.add_subscriber(id, name);
        }
        Ok(())
    }

    pub(crate) fn add_subscriber(&mut self, id: SpaceId, name: Arc<str>) {
        self.subscribers.entry(Arc::clone(&name)).or_default().insert(id);
        self.space_mut(id).subscriptions.insert(name);
    }

    /// Emits an event, as `events.emit` does. It never waits: a subscriber without room misses it.
    pub fn publish(
        &mut self,
        by: Instance<'_>,
        event: &str,
        body: &[u8],
        time: Time,
    ) -> Result<(), EventError> {
        self.advance(time);
        let id = self.running(by)?;
        named(event)?;
        let key = (id, Arc::from(event));
        if !self.events.contains_key(&key) {
            let own = self.events.keys().filter(|(space, _)| *space == id);
            let known = list(own.map(|(_, name)| &**name));
            let known = if known.is_empty() { "it has none".into() } else { format!("they are {known}") };
            let event = shortened(event);
            return Err(EventError::Undeclared { space: by.space.into(), event, known });
        }
        if body.len() > limits::MESSAGE_BYTES_MAX as usize {
            return Err(EventError::TooLarge { bytes: body.len() });
        }
        let Some(declared) = self.events.get_mut(&key) else { return Ok(()) };
        declared.stats.published += 1;
        let before = Some(declared.newest).filter(|(instance, _)| *instance == by.number);
        let number = before.map_or(0, |(_, number)| number) + 1;
        declared.newest = (by.number, number);
        let realtime = self.now.realtime;
        self.tell_hosts(by, event, Happened { instance: by.number, number, time: realtime, body });
        self.fan_out(&key, by.number, 0, realtime, body);
        Ok(())
    }

    /// Puts an event into the queue of each subscriber here.
    fn fan_out(&mut self, key: &(SpaceId, Arc<str>), instance: u64, missed: u64, time: u64, body: &[u8]) {
        let from = (Arc::clone(&self.spaces[&key.0].name), instance);
        let body: Arc<[u8]> = body.into();
        let bytes = body.len() as u64;
        let subscribers: Vec<SpaceId> = self.subscribers.get(&key.1).into_iter().flatten().copied().collect();
        let after = self.arrivals;
        for id in subscribers {
            let is_full = self.held_bytes + bytes > self.held_bytes_max;
            let space = self.space_mut(id);
            space.missed = space.missed.saturating_add(missed);
            let has_room = space.events.len() < limits::EVENTS_MAX
                && space.event_bytes + bytes <= limits::EVENT_BYTES_MAX
                && !is_full;
            if has_room {
                let missed = core::mem::take(&mut space.missed);
                let (from, name, body) = (from.clone(), Arc::clone(&key.1), Arc::clone(&body));
                space.events.push_back(Waiting { after, missed, from, name, time, body });
                space.event_bytes += bytes;
                self.held_bytes += bytes;
                self.tell_ready(id);
            } else {
                space.missed = space.missed.saturating_add(1);
            }
            if let Some(declared) = self.events.get_mut(key) {
                declared.stats.queued += u64::from(has_room);
                declared.stats.dropped += u64::from(!has_room);
            }
        }
    }

    /// The next event of a space is taken.
    pub(crate) fn take_event(&mut self, id: SpaceId) -> Option<Message> {
        let space = self.space_mut(id);
        let event = space.events.pop_front()?;
        let bytes = event.body.len() as u64;
        space.event_bytes -= bytes;
        self.release(bytes);
        Some(event.message())
    }

    /// An instance ended, and with it what it asked for.
    pub(crate) fn forget_events(&mut self, id: SpaceId) {
        let space = self.space_mut(id);
        for name in core::mem::take(&mut space.subscriptions) {
            if let Some(subscribers) = self.subscribers.get_mut(&name) {
                subscribers.remove(&id);
            }
        }
        let space = self.space_mut(id);
        space.missed = 0;
        space.events.clear();
        let bytes = core::mem::take(&mut space.event_bytes);
        self.release(bytes);
    }

    /// The events that are declared are these now.
    pub(crate) fn declare_events(&mut self, wanted: &BTreeSet<(&str, &str)>) {
        let spaces = &self.spaces;
        self.events.retain(|(space, name), _| {
            spaces.get(space).is_some_and(|space| wanted.contains(&(&*space.name, &**name)))
        });
        for (space, name) in wanted {
            self.events.entry((self.by_name[*space], Arc::from(*name))).or_default();
        }
        let names: BTreeSet<&str> = wanted.iter().map(|(_, name)| *name).collect();
        self.subscribers.retain(|name, _| names.contains(&**name));
        for space in self.spaces.values_mut() {
            space.subscriptions.retain(|name| names.contains(&**name));
        }
    }

    /// What became of a space's events of a name on this host.
    pub fn event_stats(&self, space: &str, event: &str) -> Option<EventStats> {
        let id = self.by_name.get(space)?;
        self.events.get(&(*id, Arc::from(event))).map(|declared| declared.stats)
    }

    /// Tells the hosts that have spaces of the topology.
    fn tell_hosts(&mut self, by: Instance<'_>, event: &str, happened: Happened<'_>) {
        if self.peers.is_empty() {
            return;
        }
        let hosts: BTreeSet<&Arc<str>> = self
            .spaces
            .values()
            .filter_map(|space| match &space.place {
                Place::There(host) => self.peer(host).map(|(host, _)| host),
                _ => None,
            })
            .collect();
        let frame = Frame {
            incarnation: self.incarnation,
            revision: self.revision,
            from: by.space,
            to: event,
            answers: false,
            stream: 0,
            part: Part::Event(happened),
        };
        let publish = |host: &Arc<str>| {
            let subject = Subject {
                topology: self.topology.to_string(),
                source: self.host.to_string(),
                destination: host.to_string(),
                path: EVENT_PATH.into(),
            };
            Output::Publish { subject, frame: frame.encode() }
        };
        let outputs: Vec<Output> = hosts.into_iter().map(publish).collect();
        self.outputs.extend(outputs);
    }

    /// An event that a space on another host emitted. It may come twice, late, or not at all.
    pub(crate) fn hear_event(
        &mut self,
        subject: &Subject,
        frame: &Frame<'_>,
        happened: Happened<'_>,
    ) -> Result<(), FrameError> {
        let key = self.by_name.get(frame.from).map(|id| (*id, Arc::from(frame.to)));
        let Some((key, declared)) = key.and_then(|key| Some((key.clone(), self.events.get_mut(&key)?)))
        else {
            return Err(FrameError::NoSuchEvent {
                host: subject.source.clone(),
                from: shortened(frame.from),
                event: shortened(frame.to),
            });
        };
        let space = &self.spaces[&key.0];
        let is_there = matches!(&space.place, Place::There(host) if **host == *subject.source);
        if !is_there || happened.instance > space.newest {
            return Err(FrameError::NotFrom { host: subject.source.clone(), from: frame.from.into() });
        }
        let Happened { instance, number, time, body } = happened;
        if body.len() > limits::MESSAGE_BYTES_MAX as usize {
            return Err(unreadable(subject));
        }
        if (instance, number) > declared.newest {
            let before = Some(declared.newest.1).filter(|_| declared.newest.0 == instance);
            declared.newest = (instance, number);
            let missed = before.map_or(0, |before| number - before - 1);
            self.fan_out(&key, instance, missed, time, body);
        }
        Ok(())
    }
}
