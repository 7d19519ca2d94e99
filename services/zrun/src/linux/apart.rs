//! The run child: guests, and what the runtime does for them, in a process that has no authority.
//!
//! The child has the guests' memories and code, and no file, network or other process; each space has a thread there. What
//! a space does outside it, the parent does: it holds log, clock and values, and checks each request against the grants
//! and the limits. It never sees a guest's memory.

mod way;

use super::machine::{BackEnds, Clock, Machine, Stop};
use super::recognize::recognize;
use super::report::Report;
use super::run::{Limits, RunError, Settings, Start, in_time, run_in};
use crate::launch::Texts;
use crate::remote::{Remote, Server, Wait};
use crate::space::Grants;
use runtime_sandbox::{Child, Ended, Inside, Lane, Policy, Role, SpawnError, Voice, restrict};
use sci::digest::Hasher;
use sci::sign::PublicKey;
use serde::{Deserialize, Serialize};
use space_host::Module;
use space_host::machine::Interrupter;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;
use std::time::Duration;
use way::{Replies, ToParent};

/// The role, for [`runtime_sandbox::start`]: a program that uses [`run_apart`] lists it.
pub const ROLE: Role = ("run", serve);

/// Time that a child may take beyond the guest's: to begin, and to be noticed.
const GRACE: Duration = Duration::from_secs(10);
/// Memory beside that which the guest may have: tables, blobs, the image.
const MEMORY_BESIDE: u64 = 1 << 30;
/// A slab's image and the beginning of a guest's memory are one file, most of it empty.
const FILE_BYTES: u64 = 2 << 30;
/// The code of a process whose thread panicked: that of Rust's own.
const PANICKED: i32 = 101;
/// Bytes of stack of a space's thread: guests have stacks of their own.
const STACK_BYTES: usize = 512 << 10;
/// Modules at a time, each of which has a memory file, and some more.
const DESCRIPTORS: u64 = 4096;
/// Bytes of a request or a reply beside its head: the largest value, and its key.
const MESSAGE_BYTES_MAX: u32 = 32 << 20;

/// What a space is to run with; the image goes with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Its name, arguments, environment.
    pub texts: Texts,
    /// What it may do, as a mask.
    pub grants: u64,
    /// What its random numbers follow from without their capability.
    pub seed: u64,
    /// What bounds it.
    pub limits: Limits,
    /// It ends when it asks for more memory than that.
    pub is_strict: bool,
    /// Whether it is sampled.
    pub is_sampled: bool,
    /// Whose images are run.
    pub keys: Vec<PublicKey>,
    /// What it is in its process.
    pub duty: Duty,
}

/// What is run in a process of spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Duty {
    /// A space among others.
    Space,
    /// The only space that will come: the process gives up what it takes to load one.
    OnlySpace,
    /// No space, but a recognizer: what it asks is what it says of the last reading, and the reply is the next one.
    Recognizer,
}

/// What a child is told.
#[derive(Serialize, Deserialize)]
enum Told {
    /// Run a space by this number; its image goes with it, and a lane for the replies to it, if that is so.
    Start(u32, Job, bool),
    /// The reply to the request of a space without a lane goes with this.
    Reply(u32),
    /// End the space.
    Stop(u32),
    /// End.
    End,
}

/// What a child says.
#[derive(Serialize, Deserialize)]
enum Said {
    /// The space asks for an effect; the request goes with it.
    Request(u32),
    /// The space has ended; its samples go with it.
    Ended(u32, Result<(), Report>),
    /// The space's memory has so many bytes now.
    Memory(u32, u64),
    /// There was no room for the space's lane.
    NoLane(u32),
}

/// Why a space did not run to its end in its own process.
#[derive(Debug, thiserror::Error)]
pub enum ApartError {
    /// There is no process for it.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The process ended before the space.
    #[error("the guest's process {0}")]
    Ended(Ended),
    /// The space ended so.
    #[error(transparent)]
    Space(#[from] Report),
}

impl From<Ended> for ApartError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// What happens in a process of spaces.
#[derive(Debug)]
pub enum Event {
    /// A space asks for an effect: a request for a [`Server`], whose reply it waits for.
    Request {
        /// Its number.
        space: u32,
        /// The request.
        request: Vec<u8>,
    },
    /// A space's memory has another size.
    Memory {
        /// Its number.
        space: u32,
        /// Bytes.
        bytes: u64,
    },
    /// A space has ended.
    Ended {
        /// Its number.
        space: u32,
        /// How.
        result: Result<(), Report>,
        /// Its samples: [`space_host::samples`] reads them.
        samples: Vec<u32>,
    },
}

/// A process that runs spaces, each by a number of the caller's.
#[derive(Debug)]
pub struct Spaces {
    child: Child,
    lanes: Lanes,
}

/// The ways of replies to spaces, by their numbers.
type Lanes = Arc<Mutex<BTreeMap<u32, Arc<Lane>>>>;

/// Tells a process of spaces what to do, from any thread. What a process that has ended does not hear is told by
/// [`Spaces::wait`].
#[derive(Clone, Debug)]
pub struct Orders {
    voice: Voice,
    lanes: Lanes,
    /// What waits on this side, for the one space of a process.
    waits: Option<Stop>,
}

impl Orders {
    /// Runs a space of a signed image. Its number is not that of one that runs.
    pub fn start(&self, space: u32, job: Job, image: &[u8]) {
        // One that is alone is to have no descriptor but those that its process began with.
        if job.duty != Duty::OnlySpace {
            // Held until the lane is there: a request may come at once.
            let mut lanes = lock(&self.lanes);
            if let Ok(lane) = self.voice.send_with_lane(&Told::Start(space, job.clone(), true), image) {
                lanes.insert(space, Arc::new(lane));
                return;
            }
        }
        let _ = self.voice.send(&Told::Start(space, job, false), image);
    }

    /// Ends a space where it is; [`Event::Ended`] follows.
    pub fn stop(&self, space: u32) {
        let _ = self.voice.send(&Told::Stop(space), &[]);
        // It waits for no reply any more.
        lock(&self.lanes).remove(&space);
        if let Some(waits) = &self.waits {
            waits.stop();
        }
    }

    /// Ends the process, and with it all spaces.
    pub fn end(&self) {
        let _ = self.voice.send(&Told::End, &[]);
    }

    /// Gives a space the reply to its request.
    pub fn reply(&self, space: u32, reply: &[u8]) {
        if !self.send(space, REPLY, reply) {
            let _ = self.voice.send(&Told::Reply(space), reply);
        }
    }

    /// Gives a space that waits the reply to that. With `asks` there is more, and it is to send a request when it waits
    /// again; else it leaves a note.
    pub fn arrive(&self, space: u32, reply: &[u8], asks: bool) {
        if !self.send(space, if asks { ARRIVAL_AND_MORE } else { ARRIVAL }, reply) {
            let _ = self.voice.send(&Told::Reply(space), reply);
        }
    }

    /// Has a space send a request when it waits, or waits already.
    pub fn ask(&self, space: u32) {
        // One without a lane does.
        self.send(space, ASK, &[]);
    }

    /// What a space noted that waits.
    pub fn noted(&self, space: u32) -> Option<Wait> {
        let lane = lock(&self.lanes).get(&space).cloned();
        lane?.note().map(Wait::noted)
    }

    /// Sends along its lane; whether it has one.
    fn send(&self, space: u32, kind: u8, message: &[u8]) -> bool {
        let lane = lock(&self.lanes).get(&space).cloned();
        let sent = lane.as_ref().is_none_or(|lane| lane.send(kind, message).is_ok());
        if !sent {
            // One that does not take its replies would wait for ever.
            self.stop(space);
        }
        lane.is_some()
    }
}

impl Spaces {
    /// Starts the process. Its memory is bounded; with `time`, it ends when so much time has passed.
    pub fn new(memory_bytes: Option<u64>, time: Option<Duration>) -> Result<Self, SpawnError> {
        let time = time.map(|time| time.saturating_add(GRACE));
        let allowed = runtime_sandbox::Limits {
            cpu_seconds: time.map(|time| time.as_secs().saturating_add(1)),
            memory_bytes: memory_bytes.unwrap_or(1 << 40).saturating_add(MEMORY_BESIDE),
            file_bytes: FILE_BYTES,
            descriptors: DESCRIPTORS,
        };
        Ok(Self { child: Child::spawn(ROLE.0, allowed, time)?, lanes: Lanes::default() })
    }

    /// The way to tell it what to do.
    pub fn orders(&self) -> Orders {
        Orders { voice: self.child.voice(), lanes: Arc::clone(&self.lanes), waits: None }
    }

    /// The kernel's number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for what happens next.
    pub fn wait(&mut self) -> Result<Event, Ended> {
        loop {
            let (said, beside) = self.child.receive(MESSAGE_BYTES_MAX)?;
            return Ok(match said {
                Said::Request(space) => Event::Request { space, request: beside },
                Said::Memory(space, bytes) => Event::Memory { space, bytes },
                Said::NoLane(space) => {
                    // It has asked nothing yet: no reply to it is lost.
                    lock(&self.lanes).remove(&space);
                    continue;
                }
                Said::Ended(space, result) => {
                    lock(&self.lanes).remove(&space);
                    let samples = beside.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
                    Event::Ended { space, result, samples }
                }
            });
        }
    }
}

/// The name of a space's thread in its process, by which the kernel's figures of it are found.
pub fn thread_name(space: u32) -> String {
    format!("space-{space}")
}

/// Kinds of messages along a lane.
const REPLY: u8 = 0;
const ARRIVAL: u8 = 1;
const ARRIVAL_AND_MORE: u8 = 2;
const ASK: u8 = 3;

/// The number of a space that is alone in its process.
pub const ALONE: u32 = 0;

/// Runs a space of an image that one of the keys has signed, in a child process, where it is [`ALONE`]. `started` gets
/// the way to end it.
pub fn run_apart(
    image: &[u8],
    keys: &[PublicKey],
    settings: Settings,
    back_ends: BackEnds,
    started: impl FnOnce(Orders),
) -> Result<(), ApartError> {
    let Settings { name, grants, arguments, environment, seed, log, values, limits, profile } = settings;
    let mut spaces = Spaces::new(limits.memory_bytes, limits.time)?;
    let mut world = Machine::new(log, values, limits.time).with(back_ends);
    let orders = Orders { waits: Some(world.stop()), ..spaces.orders() };
    let server = Server::new(grants, &mut world);
    let job = Job {
        texts: Texts { name, arguments, environment },
        grants: grants.mask(),
        seed,
        limits,
        is_strict: false,
        is_sampled: profile.is_some(),
        keys: keys.to_vec(),
        duty: Duty::OnlySpace,
    };
    orders.start(ALONE, job, image);
    started(orders.clone());
    loop {
        match spaces.wait()? {
            Event::Request { space, request } => orders.reply(space, &server.serve(&request, &mut world)),
            Event::Memory { .. } => {}
            Event::Ended { result, samples, .. } => {
                if let Some(profile) = profile {
                    profile(&samples);
                }
                result?;
                return Ok(in_time(&world.clock()).map_err(|error| Report::from(&error))?);
            }
        }
    }
}

/// What this side has of a space that runs.
struct Running {
    /// Where the replies to its requests go, unless it has a lane, or is to end.
    replies: Option<mpsc::Sender<Vec<u8>>>,
    stop: Stop,
    /// Ends its guest, once there is one.
    guest: Option<Interrupter>,
}

/// Spaces by their numbers.
type House = Arc<Mutex<BTreeMap<u32, Running>>>;

/// Why a guest was ended from outside.
const STOPPED: u32 = 0;

/// The modules that spaces are instances of now, by what they were loaded from: many spaces of one image share its code.
#[derive(Clone, Default)]
struct Modules(Arc<Mutex<BTreeMap<[u8; 32], Weak<Module>>>>);

impl Modules {
    fn load(&self, image: &[u8], keys: &[PublicKey]) -> Result<Arc<Module>, space_host::Error> {
        let mut hasher = Hasher::new();
        hasher.update(keys.as_flattened());
        hasher.update(image);
        let digest = hasher.finish();
        let mut loaded = lock(&self.0);
        if let Some(module) = loaded.get(&digest).and_then(Weak::upgrade) {
            return Ok(module);
        }
        loaded.retain(|_, module| module.strong_count() > 0);
        let module = Arc::new(Module::load(image, keys)?);
        loaded.insert(digest, Arc::downgrade(&module));
        Ok(module)
    }
}

/// The child's side.
fn serve(mut inside: Inside) -> Result<(), Box<dyn std::error::Error>> {
    restrict(Policy::LoadGuests)?;
    let (house, modules) = (House::default(), Modules::default());
    loop {
        let (told, beside) = inside.receive(MESSAGE_BYTES_MAX.max(sci::limits::IMAGE_BYTES_MAX as u32))?;
        match told {
            Told::Start(space, job, has_lane) => {
                let (sender, receiver) = mpsc::channel();
                let stop = Stop::default();
                let replies = match has_lane.then(|| inside.lane()) {
                    Some(Some(lane)) => Replies::Lane { lane, asks: true },
                    Some(None) => {
                        // Who gave it hears of that before the space asks for anything.
                        inside.send(&Said::NoLane(space), &[])?;
                        Replies::Queue(receiver)
                    }
                    None => Replies::Queue(receiver),
                };
                let running = Running { replies: Some(sender), stop: stop.clone(), guest: None };
                lock(&house).insert(space, running);
                let (voice, house, modules) = (inside.voice(), Arc::clone(&house), modules.clone());
                let clock = Clock::new(job.limits.time, stop);
                let way = ToParent { space, voice: voice.clone(), replies, clock };
                let thread = thread::Builder::new().name(thread_name(space)).stack_size(STACK_BYTES);
                thread.spawn(move || {
                    // A mistake of the runtime's own ends the process: its parent waits for no thread that is gone.
                    let made = |guest: Interrupter| {
                        if let Some(running) = lock(&house).get_mut(&space) {
                            if running.stop.is_told() {
                                guest.kill(STOPPED);
                            }
                            running.guest = Some(guest);
                        }
                    };
                    let lived = catch_unwind(AssertUnwindSafe(|| live(job, beside, &modules, way, made)));
                    let (result, samples) = lived.unwrap_or_else(|_| std::process::exit(PANICKED));
                    lock(&house).remove(&space);
                    let samples: Vec<u8> = samples.into_iter().flat_map(u32::to_le_bytes).collect();
                    let said = Said::Ended(space, result.map_err(|error| Report::from(&error)));
                    // A parent that is gone takes this process along.
                    let _ = voice.send(&said, &samples);
                })?;
            }
            Told::Reply(space) => {
                if let Some(replies) = lock(&house).get(&space).and_then(|running| running.replies.as_ref()) {
                    // One that has just ended waits for nothing.
                    let _ = replies.send(beside);
                }
            }
            Told::End => return Ok(()),
            Told::Stop(space) => {
                if let Some(running) = lock(&house).get_mut(&space) {
                    running.stop.stop();
                    running.replies = None;
                    if let Some(guest) = &running.guest {
                        guest.kill(STOPPED);
                    }
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn live(
    job: Job,
    image: Vec<u8>,
    modules: &Modules,
    mut way: ToParent,
    made: impl FnOnce(Interrupter),
) -> (Result<(), RunError>, Vec<u32>) {
    let Job { texts, grants, seed, limits, is_strict, is_sampled, keys, duty } = job;
    // What it takes to load one, of stack too, is gone before the space begins.
    let loaded = thread::scope(|scope| scope.spawn(|| modules.load(&image, &keys)).join());
    drop(image);
    let module = match loaded.unwrap_or_else(|panic| resume_unwind(panic)) {
        Ok(module) => module,
        Err(error) => return (Err(error.into()), Vec::new()),
    };
    if duty == Duty::Recognizer {
        return (recognize(&module, &mut way, made), Vec::new());
    }
    let (of, said) = (way.space, way.voice.clone());
    let mut last = 0;
    let sized = move |bytes: u64| {
        if bytes != last {
            last = bytes;
            // A parent that is gone takes this process along.
            let _ = said.send(&Said::Memory(of, bytes), &[]);
        }
    };
    let start = Start { texts, grants: Grants::of(grants), seed, limits, is_strict, is_sampled };
    if duty == Duty::Space {
        return run_in(&module, start, Remote::new(way), || Ok(()), (made, sized));
    }
    // Its file cannot be closed any more when the guest has run: it lasts as long as the process.
    let module = Box::leak(Box::new(module));
    run_in(module, start, Remote::new(way), || Ok(restrict(Policy::RunGuest)?), (made, sized))
}
