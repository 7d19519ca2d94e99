//! Sensors and actuators on Linux: simulated, replayed, or attached by a socket.

mod description;
mod replay;
mod simulated;
mod socket;

pub use crate::devices::{Shape, Wave};
pub use description::{Description, DescriptionError};
pub use replay::{Replay, ReplayError};
pub use simulated::SimulatedActuator;
pub use socket::{Socket, listen};

use super::workers::{Done, Workers};
use crate::devices::{Actuators, Devices, LAG_MAX, Reading, Sensors};
use sci::guest::ErrorCode;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Milliseconds since 1970.
pub type Time = Box<dyn Fn() -> u64 + Send + Sync>;
/// Gets every reading of every sensor, and says whether it wants more. It must neither wait nor use the rack.
pub type Watcher = Box<dyn FnMut(&str, &Reading) -> bool + Send>;

/// Where a sensor's readings come from, one after another. Times are milliseconds since it was added.
pub trait Source: Send {
    /// When the next reading is there; `None` where no more come.
    fn due(&self) -> Option<u64>;
    /// Takes it.
    fn take(&mut self) -> Option<Value>;
    /// Leaves out what was due before a time.
    fn skip(&mut self, before: u64) {
        while self.due().is_some_and(|due| due < before) && self.take().is_some() {}
    }
}

/// What carries an actuator's actions out.
pub trait Sink: Send + Sync {
    /// Carries one out, and waits for its result. It refuses a fence below one that it has seen, with `expired`.
    fn carry_out(&self, actuator: &str, fence: u32, action: &Value) -> Result<Value, ErrorCode>;
}

/// The sensors and actuators of a machine, for the spaces on it.
#[derive(Clone)]
pub struct Rack(Arc<Mutex<Inner>>);

struct Inner {
    time: Time,
    sensors: Sensors,
    actuators: Actuators,
    /// A sensor's source, and when it was added.
    sources: BTreeMap<String, (Box<dyn Source>, u64)>,
    sinks: BTreeMap<String, Arc<dyn Sink>>,
    /// Simulated devices that an application brought, by their ids; of a sensor, what it began as.
    stand_ins: BTreeMap<String, Option<Wave>>,
    watchers: Vec<Watcher>,
    workers: Workers,
}

impl Inner {
    fn push(&mut self, id: &str, time: u64, value: Value) {
        if let Some(reading) = self.sensors.push(id, time, value) {
            self.watchers.retain_mut(|watcher| watcher(id, &reading));
        }
    }

    /// Takes what the sources have by now.
    fn advance(&mut self, now: u64) {
        let ids: Vec<String> = self.sources.keys().cloned().collect();
        for id in ids {
            while let Some((source, start)) = self.sources.get_mut(&id) {
                let start = *start;
                source.skip(now.saturating_sub(start).saturating_sub(LAG_MAX));
                let Some(due) = source.due() else {
                    self.sources.remove(&id);
                    self.sensors.end(&id, ErrorCode::Closed);
                    break;
                };
                if start + due > now {
                    break;
                }
                if let Some(value) = source.take() {
                    self.push(&id, start + due, value);
                }
            }
        }
    }

    fn next(&self) -> Option<u64> {
        self.sources.values().filter_map(|(source, start)| Some(start + source.due()?)).min()
    }
}

impl Rack {
    /// An empty one that tells the time so.
    pub fn new(time: Time) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            time,
            sensors: Sensors::default(),
            actuators: Actuators::default(),
            sources: BTreeMap::new(),
            sinks: BTreeMap::new(),
            stand_ins: BTreeMap::new(),
            watchers: Vec::new(),
            workers: Workers::default(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a sensor. Without a source, [`Rack::push`] gives its readings.
    pub fn add_sensor(&self, id: &str, kind: &str, source: Option<Box<dyn Source>>) {
        let mut inner = self.inner();
        let now = (inner.time)();
        inner.sensors.add(id, kind);
        if let Some(source) = source {
            inner.sources.insert(id.to_owned(), (source, now));
        }
    }

    /// Adds an actuator.
    pub fn add_actuator(&self, id: &str, sink: Arc<dyn Sink>) {
        let mut inner = self.inner();
        inner.actuators.add(id);
        inner.sinks.insert(id.to_owned(), sink);
    }

    /// Simulates a sensor where there is none of this id; whether it is simulated so from now on. Another wave than before
    /// begins anew.
    pub fn stand_in_sensor(&self, id: &str, kind: &str, wave: &Wave) -> bool {
        let mut inner = self.inner();
        if inner.sensors.has(id) && !inner.stand_ins.contains_key(id) {
            return false;
        }
        let wave = Some(wave.clone());
        if inner.stand_ins.get(id) != Some(&wave) {
            inner.stand_ins.insert(id.to_owned(), wave.clone());
            drop(inner);
            let source = wave.map(|wave| Box::new(wave) as Box<dyn Source>);
            self.add_sensor(id, kind, source);
        }
        true
    }

    /// Simulates an actuator where there is none of this id; whether it is simulated.
    pub fn stand_in_actuator(&self, id: &str) -> bool {
        let mut inner = self.inner();
        if inner.sinks.contains_key(id) {
            return inner.stand_ins.contains_key(id);
        }
        inner.stand_ins.insert(id.to_owned(), None);
        drop(inner);
        self.add_actuator(id, Arc::new(SimulatedActuator::default()));
        true
    }

    /// Whether a device is simulated because an application asked for it.
    pub fn is_stand_in(&self, id: &str) -> bool {
        self.inner().stand_ins.contains_key(id)
    }

    /// Whether there is a sensor of this id.
    pub fn has_sensor(&self, id: &str) -> bool {
        self.inner().sensors.has(id)
    }

    /// Shows every reading to someone.
    pub fn watch(&self, watcher: Watcher) {
        self.inner().watchers.push(watcher);
    }

    /// A reading has come, now or at a time of the device's own.
    pub fn push(&self, id: &str, time: Option<u64>, value: Value) {
        let mut inner = self.inner();
        let time = time.unwrap_or_else(|| (inner.time)());
        inner.push(id, time, value);
    }

    /// A sensor's device is gone.
    pub fn end(&self, id: &str) {
        self.inner().sensors.end(id, ErrorCode::Closed);
    }

    /// Takes what the sources have by now; answers how many milliseconds are left to the next reading that a source has.
    pub fn advance(&self) -> Option<u64> {
        let mut inner = self.inner();
        let now = (inner.time)();
        inner.advance(now);
        inner.next().map(|next| next.saturating_sub(now))
    }

    /// The devices for a space, by a number that is its own. Where its devices are stated, others are not there for it.
    pub fn for_space(&self, space: u32, stated: Option<Vec<String>>) -> Bench {
        Bench { rack: self.clone(), space, stated }
    }
}

/// The devices of one space. When it is dropped, its subscriptions and leases end.
pub struct Bench {
    rack: Rack,
    space: u32,
    stated: Option<Vec<String>>,
}

impl Bench {
    fn check(&self, id: &str) -> Result<(), ErrorCode> {
        let is_stated = self.stated.as_ref().is_none_or(|stated| stated.iter().any(|one| one == id));
        if is_stated { Ok(()) } else { Err(ErrorCode::NotFound) }
    }

    fn at<T>(&self, work: impl FnOnce(&mut Inner, u64) -> T) -> T {
        let mut inner = self.rack.inner();
        let now = (inner.time)();
        inner.advance(now);
        work(&mut inner, now)
    }

    /// As [`Devices::command`], carried out by a thread of its own.
    pub fn start(&self, lock: u32, action: &str, done: Done) {
        match self.order(lock, action) {
            Ok(order) => {
                let workers = self.rack.inner().workers.clone();
                workers.start(move || order.carry_out(), done);
            }
            Err(code) => done(Err(code)),
        }
    }

    fn order(&self, lock: u32, action: &str) -> Result<Order, ErrorCode> {
        let action = serde_json::from_str(action).map_err(|_| ErrorCode::Malformed)?;
        self.at(|inner, now| {
            let actuator = inner.actuators.of_lock(self.space, lock, now)?.to_owned();
            let sink = inner.sinks.get(&actuator).cloned().ok_or(ErrorCode::Io)?;
            Ok(Order { sink, actuator, fence: lock, action })
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let mut inner = self.rack.inner();
        inner.sensors.leave(self.space);
        inner.actuators.leave(self.space);
    }
}

/// A command that was allowed when it was given.
struct Order {
    sink: Arc<dyn Sink>,
    actuator: String,
    fence: u32,
    action: Value,
}

impl Order {
    /// Has it carried out; its result, in JSON.
    fn carry_out(self) -> Result<Vec<u8>, ErrorCode> {
        let result = self.sink.carry_out(&self.actuator, self.fence, &self.action)?;
        serde_json::to_vec(&result).map_err(|_| ErrorCode::Io)
    }
}

impl Devices for Bench {
    fn subscribe(&mut self, id: &str, options: &str) -> Result<(), ErrorCode> {
        self.check(id)?;
        self.at(|inner, _| inner.sensors.subscribe(self.space, id, options))
    }

    fn read(&mut self, id: &str) -> Result<Vec<u8>, ErrorCode> {
        self.check(id)?;
        self.at(|inner, _| inner.sensors.read(self.space, id))
    }

    fn lock(&mut self, id: &str, milliseconds: u32) -> Result<u32, ErrorCode> {
        self.check(id)?;
        self.at(|inner, now| inner.actuators.lock(self.space, id, milliseconds, now))
    }

    fn command(&mut self, lock: u32, action: &str) -> Result<Vec<u8>, ErrorCode> {
        self.order(lock, action)?.carry_out()
    }

    fn release(&mut self, lock: u32) -> Result<(), ErrorCode> {
        self.at(|inner, now| inner.actuators.release(self.space, lock, now))
    }
}
