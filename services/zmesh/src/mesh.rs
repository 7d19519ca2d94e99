//! The state of one topology on one host.

use crate::dead::{DeadLetter, DeadLetters, Reason};
use crate::declare::{Declaration, DeclareError, PathRules, WhenFull, check_name};
use crate::directory::Orphans;
use crate::events::{self, Declared};
use crate::flow::{Entry, FlowId, Path, PathId, SELF_PATH, Source, SpaceId, StreamId};
use crate::limits;
use crate::log::Log;
use crate::message::{MessageId, Time};
use crate::record::Change;
use crate::stats::PathStats;
use crate::tap::{Observed, Tap, TapError, TapId};
use crate::wire::Subject;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What is to be done, or to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Messages wait for an instance on this host. It is said once until a taking finds nothing.
    Ready {
        /// The space.
        space: Arc<str>,
        /// Its instance.
        instance: u64,
    },
    /// A sender on this host that was refused for want of credit has some again.
    Credit {
        /// The space.
        space: Arc<str>,
        /// Its instance.
        instance: u64,
        /// The path.
        path: Arc<str>,
    },
    /// A message reached nobody; the letter says how many like it there are by now.
    Dead(DeadLetter),
    /// A frame is to be published.
    Publish {
        /// Where it goes.
        subject: Subject,
        /// Its bytes.
        frame: Vec<u8>,
    },
}

/// Where a space is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// Not yet anywhere, or its host is gone: what is sent to it waits.
    Nowhere,
    /// On this host, whether it runs or not, since this instance.
    Here(u64),
    /// On another.
    There(Arc<str>),
    /// Stopped for good.
    Gone,
}

pub(crate) struct Space {
    pub name: Arc<str>,
    pub place: Place,
    /// The instance that runs.
    pub live: Option<u64>,
    /// The newest that is known.
    pub newest: u64,
    /// Messages that the instance sent.
    pub sent: u64,
    /// Its paths by name, without the one to itself.
    pub paths: BTreeMap<Arc<str>, PathId>,
    pub itself: PathId,
    /// What it receives.
    pub inbound: BTreeSet<FlowId>,
    /// Messages that it may take, in the order in which they came; empty where the space is not here.
    pub waiting: BTreeMap<u64, (FlowId, Source)>,
    /// The message in process.
    pub current: Option<Current>,
    /// The messages that it may answer, and the same in the order in which they were taken.
    pub answerable: BTreeMap<MessageId, Answerable>,
    pub answerable_order: VecDeque<MessageId>,
    /// Events that its instance asked for, those that wait, their bytes, and how many it missed since the last.
    pub subscriptions: BTreeSet<Arc<str>>,
    pub events: VecDeque<events::Waiting>,
    pub event_bytes: u64,
    pub missed: u64,
    /// Whether it was told that messages wait.
    pub told: bool,
}

impl Space {
    pub fn new(name: Arc<str>) -> Self {
        Self {
            name,
            place: Place::Nowhere,
            live: None,
            newest: 0,
            sent: 0,
            paths: BTreeMap::new(),
            itself: 0,
            inbound: BTreeSet::new(),
            waiting: BTreeMap::new(),
            current: None,
            answerable: BTreeMap::new(),
            answerable_order: VecDeque::new(),
            subscriptions: BTreeSet::new(),
            events: VecDeque::new(),
            event_bytes: 0,
            missed: 0,
            told: false,
        }
    }
}

pub(crate) struct Current {
    pub flow: FlowId,
    pub source: Source,
    pub id: MessageId,
}

pub(crate) struct Answerable {
    pub flow: FlowId,
    pub answers: u32,
    /// Until when; `None` while it is in process.
    pub until: Option<u64>,
}

/// Something to say at the next occasion: several reasons for it are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Messages(FlowId),
    Progress(FlowId, StreamId),
}

/// One topology on one host: a directory of its spaces, and the messages on their way.
pub struct Mesh {
    pub(crate) topology: Arc<str>,
    pub(crate) host: Arc<str>,
    pub(crate) incarnation: u64,
    /// Of the declaration.
    pub(crate) revision: u64,
    pub(crate) spaces: BTreeMap<SpaceId, Space>,
    pub(crate) by_name: BTreeMap<Arc<str>, SpaceId>,
    pub(crate) paths: BTreeMap<PathId, Path>,
    /// Events that are declared, by who emits them.
    pub(crate) events: BTreeMap<(SpaceId, Arc<str>), Declared>,
    /// Who asked for events, by their name.
    pub(crate) subscribers: BTreeMap<Arc<str>, BTreeSet<SpaceId>>,
    pub(crate) last_id: u32,
    /// Other hosts that are up, and which run of each.
    pub(crate) peers: BTreeMap<Arc<str>, u64>,
    pub(crate) now: Time,
    pub(crate) arrivals: u64,
    /// Bytes of everything that waits or is in process here, copies among it.
    pub(crate) held_bytes: u64,
    /// And the most that they may be.
    pub(crate) held_bytes_max: u64,
    /// Flows whose senders were refused since this host held too much.
    pub(crate) wait_for_host: BTreeSet<FlowId>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) due: BTreeSet<Due>,
    /// Flows with messages for receivers on other hosts.
    pub(crate) outgoing: BTreeSet<FlowId>,
    pub(crate) dead: DeadLetters,
    pub(crate) log: Log,
    taps: BTreeMap<TapId, Tap>,
    last_tap: u64,
}

impl Mesh {
    /// A topology without spaces. `incarnation` is higher in each run of the host.
    pub fn new(topology: &str, host: &str, incarnation: u64) -> Result<Self, DeclareError> {
        check_name("topology", topology)?;
        check_name("host", host)?;
        Ok(Self {
            topology: topology.into(),
            host: host.into(),
            incarnation,
            revision: 0,
            spaces: BTreeMap::new(),
            by_name: BTreeMap::new(),
            paths: BTreeMap::new(),
            events: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            last_id: 0,
            peers: BTreeMap::new(),
            now: Time::default(),
            arrivals: 0,
            held_bytes: 0,
            held_bytes_max: limits::MESH_BYTES_MAX,
            wait_for_host: BTreeSet::new(),
            outputs: VecDeque::new(),
            due: BTreeSet::new(),
            outgoing: BTreeSet::new(),
            dead: DeadLetters::default(),
            log: Log::default(),
            taps: BTreeMap::new(),
            last_tap: 0,
        })
    }

    /// Bounds the bytes of everything that waits or is in process here, for a host with less room than
    /// [`limits::MESH_BYTES_MAX`].
    pub fn hold_at_most(&mut self, bytes: u64) {
        self.held_bytes_max = bytes;
    }

    /// Declares the whole topology. What was declared before and is the same stays as it is, with its messages;
    /// messages on a path that is no longer there become dead letters.
    pub fn declare(&mut self, declaration: &Declaration, time: Time) -> Result<(), DeclareError> {
        declaration.check()?;
        if declaration.revision < self.revision {
            let (revision, newest) = (declaration.revision, self.revision);
            return Err(DeclareError::Older { revision, newest });
        }
        self.advance(time);
        self.owe(|| Change::Declared(declaration.clone()));
        self.do_declare(declaration);
        Ok(())
    }

    pub(crate) fn do_declare(&mut self, declaration: &Declaration) {
        self.revision = declaration.revision;
        let wanted: BTreeMap<(&str, &str), &str> = declaration
            .paths
            .iter()
            .map(|path| ((path.from.as_str(), path.name.as_str()), path.to.as_str()))
            .collect();
        let spaces: BTreeSet<&str> = declaration.spaces.iter().map(String::as_str).collect();
        let is_kept = |path: &Path| {
            let (from, to) = (&*self.spaces[&path.from].name, &*self.spaces[&path.to].name);
            if path.from == path.to {
                spaces.contains(from)
            } else {
                wanted.get(&(from, &*path.name)) == Some(&to)
            }
        };
        let removed: Vec<PathId> =
            self.paths.iter().filter(|(_, path)| !is_kept(path)).map(|(id, _)| *id).collect();
        for path in removed {
            self.remove_path(path);
        }
        self.by_name.retain(|name, _| spaces.contains(&**name));
        let gone = self.spaces.iter().filter(|(_, space)| !self.by_name.contains_key(&space.name));
        for id in gone.map(|(id, _)| *id).collect::<Vec<SpaceId>>() {
            self.forget_events(id);
            self.spaces.remove(&id);
        }
        for name in &declaration.spaces {
            self.add_space(name);
        }
        for path in &declaration.paths {
            let (from, to) = (self.by_name[path.from.as_str()], self.by_name[path.to.as_str()]);
            match self.spaces[&from].paths.get(path.name.as_str()).copied() {
                Some(id) => self.change_rules(id, path.rules),
                None => {
                    let id = self.add_path(from, &path.name, to, path.rules);
                    self.space_mut(from).paths.insert(path.name.as_str().into(), id);
                }
            }
        }
        let events = declaration.events.iter();
        self.declare_events(&events.map(|event| (event.from.as_str(), event.name.as_str())).collect());
    }

    fn add_space(&mut self, name: &str) {
        if self.by_name.contains_key(name) {
            return;
        }
        let id = self.next_id();
        let name: Arc<str> = name.into();
        self.by_name.insert(Arc::clone(&name), id);
        self.spaces.insert(id, Space::new(name));
        let itself = self.add_path(id, SELF_PATH, id, PathRules::default());
        self.space_mut(id).itself = itself;
    }

    fn add_path(&mut self, from: SpaceId, name: &str, to: SpaceId, rules: PathRules) -> PathId {
        let id = self.next_id();
        self.insert_path(id, Path::new(from, name.into(), to, rules, self.revision));
        id
    }

    pub(crate) fn insert_path(&mut self, id: PathId, path: Path) {
        let (from, to) = (path.from, path.to);
        self.paths.insert(id, path);
        self.space_mut(to).inbound.insert(FlowId { path: id, answers: false });
        self.space_mut(from).inbound.insert(FlowId { path: id, answers: true });
    }

    fn change_rules(&mut self, id: PathId, rules: PathRules) {
        self.path_mut(id).rules = rules;
        for answers in [false, true] {
            // A sender that waits for room may have some now, or need none from now on.
            let owned = &mut self.path_mut(id).flow_mut(answers).owned;
            if owned.starved && (rules.when_full == WhenFull::Drop || owned.has_room(0, &rules)) {
                owned.starved = false;
                self.tell_credit(FlowId { path: id, answers });
            }
        }
    }

    fn remove_path(&mut self, id: PathId) {
        for answers in [false, true] {
            let flow = FlowId { path: id, answers };
            let (_, receiver) = self.paths[&id].ends(answers);
            self.forget_current(receiver, flow);
            self.drop_copies(flow, Orphans::Bury);
            self.drop_owned(flow, Reason::NoSuchPath);
            let space = self.space_mut(receiver);
            space.inbound.remove(&flow);
            space.answerable.retain(|_, answerable| answerable.flow != flow);
            let answerable = &space.answerable;
            space.answerable_order.retain(|id| answerable.contains_key(id));
        }
        if let Some(path) = self.paths.remove(&id) {
            self.space_mut(path.from).paths.remove(&path.name);
        }
        self.due.retain(|due| match due {
            Due::Messages(flow) | Due::Progress(flow, _) => flow.path != id,
        });
        self.wait_for_host.retain(|flow| flow.path != id);
        self.taps.retain(|_, tap| tap.path != id);
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Lets the time pass: what is older than its path allows dies, and frames that were not answered are sent again.
    pub fn tick(&mut self, time: Time) {
        self.advance(time);
        self.expire();
        self.retry();
        self.shorten();
    }

    /// What is to be done next. Ask until there is nothing after whatever the mesh was fed.
    pub fn next_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        // Only now: what is to be said to another host is said once for all that happened; and never before it is sure.
        while self.outputs.is_empty() && !self.log.owes() {
            match self.due.pop_first()? {
                Due::Messages(flow) => self.send_messages(flow),
                Due::Progress(flow, stream) => self.send_progress(flow, &stream),
            }
        }
        self.outputs.pop_front()
    }

    pub(crate) fn advance(&mut self, time: Time) {
        self.now = Time { monotonic: time.monotonic.max(self.now.monotonic), realtime: time.realtime };
    }

    pub(crate) fn space_mut(&mut self, id: SpaceId) -> &mut Space {
        self.spaces.get_mut(&id).expect("spaces are named by what is removed before them")
    }

    pub(crate) fn path_mut(&mut self, id: PathId) -> &mut Path {
        self.paths.get_mut(&id).expect("paths are named by what is removed before them")
    }

    /// The space that receives on a flow.
    pub(crate) fn receiver(&self, flow: FlowId) -> SpaceId {
        self.paths[&flow.path].ends(flow.answers).1
    }

    /// Tells the sender of a flow that it has credit again, if it runs here.
    pub(crate) fn tell_credit(&mut self, flow: FlowId) {
        let path = &self.paths[&flow.path];
        let sender = &self.spaces[&path.ends(flow.answers).0];
        if let (Place::Here(_), Some(instance)) = (&sender.place, sender.live) {
            let (space, path) = (Arc::clone(&sender.name), Arc::clone(&path.name));
            self.outputs.push_back(Output::Credit { space, instance, path });
        }
    }

    /// Records that a message of a flow died.
    pub(crate) fn bury(&mut self, flow: FlowId, entry: &Entry, reason: Reason) {
        let path = self.path_mut(flow.path);
        path.flow_mut(flow.answers).counter.stats.dropped += 1;
        let to = alloc::format!("{}", path.name);
        let from = alloc::format!("{}#{}", entry.id.space, entry.id.instance);
        self.bury_letter(from, to, reason, entry.body.len());
    }

    pub(crate) fn bury_letter(&mut self, from: String, to: String, reason: Reason, bytes: usize) {
        let time = self.now.realtime;
        let letter = DeadLetter { from, to, reason, time, bytes: bytes as u64, times: 1 };
        let times = self.dead.add(letter.clone());
        self.outputs.push_back(Output::Dead(DeadLetter { times, ..letter }));
    }

    /// The dead letters of this host.
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.dead
    }

    pub(crate) fn path_of(&self, from: &str, name: &str) -> Option<PathId> {
        self.spaces[self.by_name.get(from)?].paths.get(name).copied()
    }

    /// What a path did on this host.
    pub fn stats(&self, from: &str, name: &str) -> Option<PathStats> {
        let path = &self.paths[&self.path_of(from, name)?];
        let read = |answers| {
            let flow = path.flow(answers);
            let mut stats = flow.counter.read(self.now.monotonic);
            stats.queued = flow.owned.queue.entries.len() as u64;
            stats.queued_bytes = flow.owned.queue.bytes;
            stats
        };
        Some(PathStats { messages: read(false), answers: read(true) })
    }

    /// How many messages and events wait for a space on this host.
    pub fn waiting(&self, space: &str) -> usize {
        let count = |space: &Space| space.waiting.len() + space.events.len();
        self.by_name.get(space).map_or(0, |id| count(&self.spaces[id]))
    }

    /// That the next message waits for a space is told, whether a taking found nothing before or not: for whoever knows
    /// that none waits.
    pub fn tell_again(&mut self, space: &str) {
        if let Some(id) = self.by_name.get(space).copied() {
            self.space_mut(id).told = false;
        }
    }

    /// Copies what passes on a path from now on.
    pub fn tap(&mut self, from: &str, name: &str) -> Result<TapId, TapError> {
        let path = self.path_of(from, name).ok_or(TapError::NoPath)?;
        if self.taps.len() == limits::TAPS_MAX {
            return Err(TapError::TooMany);
        }
        self.last_tap += 1;
        let id = TapId(self.last_tap);
        self.taps.insert(id, Tap::new(path));
        Ok(id)
    }

    /// What passed next; `None` where nothing did, or the path is gone.
    pub fn observe(&mut self, tap: TapId) -> Option<Observed> {
        self.taps.get_mut(&tap)?.next()
    }

    /// Ends a tap.
    pub fn untap(&mut self, tap: TapId) {
        self.taps.remove(&tap);
    }

    pub(crate) fn copy_to_taps(&mut self, flow: FlowId, entry: &Entry) {
        if self.taps.is_empty() {
            return;
        }
        let message = entry.message(&self.paths[&flow.path].name);
        for tap in self.taps.values_mut().filter(|tap| tap.path == flow.path) {
            tap.copy(&message, flow.answers);
        }
    }
}
