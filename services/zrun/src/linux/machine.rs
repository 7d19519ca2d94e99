//! The effects of a space's calls on this machine.

use super::events::{Inbox, OwnMail};
use crate::agents::Agents;
use crate::cache::{Cache, Exact};
use crate::data::Store;
use crate::devices::{Audio, Devices};
use crate::events::Events;
use crate::mail::Mail;
use crate::world::World;
use sci::guest::ErrorCode;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where lines of the log go.
pub type Line = Box<dyn FnMut(&str)>;

/// Tells a space to end, from another thread: it waits no longer.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Tells it.
    pub fn stop(&self) {
        *self.told() = true;
        self.0.1.notify_all();
    }

    /// Waits for so long; whether it was told to end meanwhile.
    fn wait(&self, time: Duration) -> bool {
        let waited = self.0.1.wait_timeout_while(self.told(), time, |is_told| !*is_told);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Whether it was told.
    pub fn is_told(&self) -> bool {
        *self.told()
    }

    fn told(&self) -> MutexGuard<'_, bool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time as it passes for a space.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: Instant,
    /// When the space must have ended.
    deadline: Option<Instant>,
    stop: Stop,
}

impl Clock {
    /// Begins now; no wait goes past `time` from now, nor past being told to end.
    pub fn new(time: Option<Duration>, stop: Stop) -> Self {
        let start = Instant::now();
        Self { start, deadline: time.and_then(|time| start.checked_add(time)), stop }
    }

    /// As [`World::monotonic`].
    pub fn monotonic(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Whether the space must have ended by now.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// As [`World::sleep`].
    pub fn sleep(&self, nanoseconds: u64) -> bool {
        let Some(end) = Instant::now().checked_add(Duration::from_nanos(nanoseconds)) else { return false };
        let until = self.deadline.map_or(end, |deadline| deadline.min(end));
        let left = until.saturating_duration_since(Instant::now());
        !self.stop.wait(left) && until == end
    }
}

/// Bytes of keys and values of a space's intelligence cache, and how many there may be.
pub(super) const CACHE_BYTES: u64 = 16 << 20;
pub(super) const CACHE_ENTRIES: usize = 4096;

/// The parts of the world that a host may lack.
pub struct BackEnds {
    /// The intelligence cache.
    pub cache: Option<Box<dyn Cache>>,
    /// Sensors and actuators.
    pub devices: Option<Box<dyn Devices>>,
    /// Microphone and speaker.
    pub audio: Option<Box<dyn Audio>>,
    /// Events.
    pub events: Option<Box<dyn Events>>,
    /// What brings events to the space.
    pub inbox: Option<Inbox>,
    /// Agents.
    pub agents: Option<Box<dyn Agents>>,
}

/// An exact cache in memory, and nothing that would have to be described.
impl Default for BackEnds {
    fn default() -> Self {
        let cache: Box<dyn Cache> = Box::new(Exact::new(CACHE_BYTES, CACHE_ENTRIES));
        Self { cache: Some(cache), devices: None, audio: None, events: None, inbox: None, agents: None }
    }
}

/// A cache whose counts its host looks at while a space uses it.
impl<C: Cache> Cache for Arc<Mutex<C>> {
    fn lookup(&mut self, key: &str, now: u64) -> Result<Vec<u8>, ErrorCode> {
        self.lock().unwrap_or_else(PoisonError::into_inner).lookup(key, now)
    }

    fn keep(&mut self, key: &str, value: &[u8], seconds: u32, now: u64) -> Result<(), ErrorCode> {
        self.lock().unwrap_or_else(PoisonError::into_inner).keep(key, value, seconds, now)
    }
}

/// This machine.
pub struct Machine {
    log: Line,
    store: Box<dyn Store>,
    clock: Clock,
    mail: OwnMail,
    back_ends: BackEnds,
}

impl Machine {
    /// Log lines go to `log`, values to `store`; no wait goes past `time` from now.
    pub fn new(log: Line, store: Box<dyn Store>, time: Option<Duration>) -> Self {
        let clock = Clock::new(time, Stop::default());
        let mail = OwnMail::new(None, clock.clone());
        Self { log, store, clock, mail, back_ends: BackEnds::default() }
    }

    /// The same with these back ends.
    #[must_use]
    pub fn with(self, mut back_ends: BackEnds) -> Self {
        let mail = OwnMail::new(back_ends.inbox.take(), self.clock.clone());
        Self { mail, back_ends, ..self }
    }

    /// Its time.
    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// What ends its waits.
    pub(super) fn stop(&self) -> Stop {
        self.clock.stop.clone()
    }
}

impl World for Machine {
    fn log(&mut self, line: &str) {
        (self.log)(line);
    }

    fn realtime(&mut self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
    }

    fn monotonic(&mut self) -> u64 {
        self.clock.monotonic()
    }

    fn sleep(&mut self, nanoseconds: u64) -> bool {
        self.clock.sleep(nanoseconds)
    }

    fn pause(&mut self) {
        thread::yield_now();
    }

    fn random(&mut self, bytes: &mut [u8]) -> bool {
        File::open("/dev/urandom").and_then(|mut source| source.read_exact(bytes)).is_ok()
    }

    fn node_info(&mut self) -> String {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        format!("{{\"arch\":\"x86_64\",\"cores\":{cores},\"host\":\"linux\"}}")
    }

    fn store(&mut self) -> &mut dyn Store {
        &mut *self.store
    }

    fn mail(&mut self) -> &mut dyn Mail {
        &mut self.mail
    }

    fn cache(&mut self) -> Option<&mut dyn Cache> {
        Some(&mut **self.back_ends.cache.as_mut()?)
    }

    fn devices(&mut self) -> Option<&mut dyn Devices> {
        Some(&mut **self.back_ends.devices.as_mut()?)
    }

    fn audio(&mut self) -> Option<&mut dyn Audio> {
        Some(&mut **self.back_ends.audio.as_mut()?)
    }

    fn events(&mut self) -> Option<&mut dyn Events> {
        Some(&mut **self.back_ends.events.as_mut()?)
    }

    fn agents(&mut self) -> Option<&mut dyn Agents> {
        Some(&mut **self.back_ends.agents.as_mut()?)
    }
}
