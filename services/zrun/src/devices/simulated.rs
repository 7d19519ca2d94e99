//! Devices that are not there: what they measure and answer, without I/O.

use super::{Actuators, Devices, Sensors};
use crate::events::{Modules, Package, RECOGNIZERS_MAX, Recognized, Recognizers, Seen, Watch};
use crate::seed;
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::f64::consts::TAU;
use sci::guest::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Readings of the past that nobody has asked for in so many milliseconds are not made.
pub(crate) const LAG_MAX: u64 = 60_000;

/// What a simulated sensor's values look like over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Up and down, smoothly.
    Sine,
    /// From low to high, and at once back.
    Ramp,
    /// High for half the period, then low.
    Square,
    /// Steps of random size, between low and high.
    Walk,
}

/// A simulated sensor: the same numbers give the same values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// The shape.
    pub shape: Shape,
    /// The lowest value.
    pub low: f64,
    /// The highest value.
    pub high: f64,
    /// Milliseconds after which it begins anew.
    pub period: u32,
    /// Milliseconds from one reading to the next.
    pub every: u64,
    /// What a walk follows from.
    state: u64,
    value: f64,
    at: u64,
}

/// A walk's largest step is so much of the range.
const STEP: f64 = 0.05;
/// Values are rounded to so much of a unit, so that they are the same whoever computes the sine.
const GRAIN: f64 = 1e6;

impl Wave {
    /// One that begins now. A period or a distance of 0 milliseconds is one of 1.
    pub fn new(shape: Shape, (low, high): (f64, f64), period: u32, every: u64, seed: u64) -> Self {
        let value = f64::midpoint(low, high);
        Self { shape, low, high, period: period.max(1), every: every.max(1), state: seed, value, at: 0 }
    }

    /// A number from 0 to 1.
    fn draw(&mut self) -> f64 {
        f64::from((seed::next(&mut self.state) >> 32) as u32) / f64::from(u32::MAX)
    }

    /// When the next reading is there, in milliseconds since it began.
    pub fn due(&self) -> u64 {
        self.at
    }

    /// Takes it.
    pub fn take(&mut self) -> Value {
        let (low, range) = (self.low, self.high - self.low);
        let phase = f64::from((self.at % u64::from(self.period)) as u32) / f64::from(self.period);
        let value = match self.shape {
            Shape::Sine => low + range * f64::midpoint(1.0, libm::sin(TAU * phase)),
            Shape::Ramp => low + range * phase,
            Shape::Square => low + if phase < 0.5 { range } else { 0.0 },
            Shape::Walk => {
                let now = self.value;
                self.value += (2.0 * self.draw() - 1.0) * STEP * range;
                self.value = self.value.clamp(low.min(self.high), low.max(self.high));
                now
            }
        };
        self.at += self.every;
        json!(libm::round(value * GRAIN) / GRAIN)
    }

    /// Leaves out what was due before a time.
    pub fn skip(&mut self, before: u64) {
        self.at += before.saturating_sub(self.at).div_ceil(self.every) * self.every;
    }
}

/// A simulated actuator: it does what it is told and says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actor {
    /// The largest fence that it has seen.
    fence: u32,
    /// Actions that it has carried out.
    actions: u64,
}

impl Actor {
    /// Carries an action out.
    pub fn carry_out(&mut self, actuator: &str, fence: u32, action: &Value) -> Result<Value, ErrorCode> {
        if fence < self.fence {
            return Err(ErrorCode::Expired);
        }
        self.fence = fence;
        self.actions += 1;
        Ok(json!({ "actuator": actuator, "done": action, "number": self.actions }))
    }
}

/// The sensors and actuators of a machine where all are simulated. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub struct Simulated {
    sensors: Sensors,
    actuators: Actuators,
    /// What sensors measure, and when each began.
    waves: BTreeMap<String, (Wave, u64)>,
    actors: BTreeMap<String, Actor>,
    recognizers: Recognizers<u32>,
    modules: Modules<u32>,
}

impl Simulated {
    /// Lets spaces have modules of a package recognize, so many at once.
    pub fn add_modules(&mut self, package: Package, most: usize) {
        self.modules = Modules::new(package, most);
    }

    /// Adds a sensor, which begins now.
    pub fn add_sensor(&mut self, id: &str, kind: &str, wave: Wave, now: u64) {
        self.sensors.add(id, kind);
        self.waves.insert(id.to_owned(), (wave, now));
    }

    /// Adds an actuator.
    pub fn add_actuator(&mut self, id: &str) {
        self.actuators.add(id);
        self.actors.entry(id.to_owned()).or_default();
    }

    /// A space is gone, and with it its subscriptions, leases and recognizers.
    pub fn leave(&mut self, space: u32) {
        self.sensors.leave(space);
        self.actuators.leave(space);
        self.recognizers.leave(&space);
        self.modules.forget(&space, None);
    }

    /// What the spaces' recognizers have found by now.
    pub fn recognized(&mut self, now: u64) -> VecDeque<Recognized<u32>> {
        if self.is_watched() {
            self.advance(now);
        }
        self.recognizers.take()
    }

    /// Has modules look at what waits for them.
    pub fn look(&mut self) -> Vec<Seen<u32>> {
        self.modules.look()
    }

    fn is_watched(&self) -> bool {
        self.recognizers.is_any() || self.modules.is_any()
    }

    /// When the next reading is there that a recognizer looks at, if there is any.
    pub fn due(&self) -> Option<u64> {
        if self.modules.is_due() {
            return Some(0);
        }
        let next = self.waves.values().map(|(wave, start)| start + wave.due());
        next.min().filter(|_| self.is_watched())
    }

    /// The devices for a space, by a number that is its own: those that it states.
    pub fn for_space<'s>(&'s mut self, space: u32, stated: &'s [String], now: u64) -> Bench<'s> {
        Bench { devices: self, space, stated, now }
    }

    /// Takes what the sensors have measured by now.
    fn advance(&mut self, now: u64) {
        for (id, (wave, start)) in &mut self.waves {
            wave.skip(now.saturating_sub(*start).saturating_sub(LAG_MAX));
            while *start + wave.due() <= now {
                let time = *start + wave.due();
                if let Some(reading) = self.sensors.push(id, time, wave.take()) {
                    self.recognizers.feed(id, &reading);
                    self.modules.feed(id, &reading);
                }
            }
        }
    }
}

/// The simulated devices of one space, now.
#[derive(Debug)]
pub struct Bench<'s> {
    devices: &'s mut Simulated,
    space: u32,
    stated: &'s [String],
    now: u64,
}

impl Bench<'_> {
    fn stated(&mut self, id: &str) -> Result<&mut Simulated, ErrorCode> {
        if self.stated.iter().any(|one| one == id) { Ok(self.devices) } else { Err(ErrorCode::NotFound) }
    }
}

impl Bench<'_> {
    /// Gives the space a recognizer of an event that it declares, over a sensor that it states: for what is measured from
    /// now on.
    pub fn register(&mut self, event: &str, spec: &str, declared: &[String]) -> Result<(), ErrorCode> {
        let Self { devices, space, stated, now } = self;
        let is_there = |sensor: &str| stated.iter().any(|one| one == sensor) && devices.sensors.has(sensor);
        let watch = Watch::admit(event, spec, declared, is_there)?;
        devices.advance(*now);
        let Simulated { recognizers, modules, .. } = &mut **devices;
        if recognizers.count(space, event) + modules.count(space, event) >= RECOGNIZERS_MAX {
            return Err(ErrorCode::Quota);
        }
        match watch {
            Watch::Condition(recognizer) => {
                recognizers.register(*space, event, recognizer)?;
                modules.forget(space, Some(event));
            }
            Watch::Module(program) => {
                modules.start(*space, event, program)?;
                recognizers.forget(space, event);
            }
        }
        Ok(())
    }
}

impl Devices for Bench<'_> {
    fn subscribe(&mut self, id: &str, options: &str) -> Result<(), ErrorCode> {
        self.devices.advance(self.now);
        let space = self.space;
        self.stated(id)?.sensors.subscribe(space, id, options)
    }

    fn read(&mut self, id: &str) -> Result<Vec<u8>, ErrorCode> {
        self.devices.advance(self.now);
        let space = self.space;
        self.stated(id)?.sensors.read(space, id)
    }

    fn lock(&mut self, id: &str, milliseconds: u32) -> Result<u32, ErrorCode> {
        let (space, now) = (self.space, self.now);
        self.stated(id)?.actuators.lock(space, id, milliseconds, now)
    }

    fn command(&mut self, lock: u32, action: &str) -> Result<Vec<u8>, ErrorCode> {
        let action = serde_json::from_str(action).map_err(|_| ErrorCode::Malformed)?;
        let Simulated { actuators, actors, .. } = &mut *self.devices;
        let id = actuators.of_lock(self.space, lock, self.now)?;
        let result = actors.get_mut(id).ok_or(ErrorCode::Io)?.carry_out(id, lock, &action)?;
        serde_json::to_vec(&result).map_err(|_| ErrorCode::Io)
    }

    fn release(&mut self, lock: u32) -> Result<(), ErrorCode> {
        self.devices.actuators.release(self.space, lock, self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(mut wave: Wave, count: usize) -> Vec<f64> {
        (0..count).filter_map(|_| wave.take().as_f64()).collect()
    }

    #[test]
    fn shapes_are_what_they_are_called() {
        let wave = |shape| Wave::new(shape, (0.0, 8.0), 40, 10, 1);
        assert_eq!(values(wave(Shape::Sine), 5), [4.0, 8.0, 4.0, 0.0, 4.0]);
        assert_eq!(values(wave(Shape::Ramp), 5), [0.0, 2.0, 4.0, 6.0, 0.0]);
        assert_eq!(values(wave(Shape::Square), 5), [8.0, 8.0, 0.0, 0.0, 8.0]);
        let walk = values(wave(Shape::Walk), 1000);
        assert_eq!(walk, values(wave(Shape::Walk), 1000), "the same seed");
        assert_ne!(walk, values(Wave { state: 2, ..wave(Shape::Walk) }, 1000));
        assert!(walk.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 0.4 + 1e-5));
        assert!(walk.iter().all(|value| (0.0..=8.0).contains(value)));
    }

    #[test]
    fn what_is_skipped_is_not_made() {
        let mut wave = Wave::new(Shape::Ramp, (0.0, 4.0), 40, 10, 1);
        wave.skip(25);
        assert_eq!((wave.due(), wave.take()), (30, json!(3.0)));
        wave.skip(5);
        assert_eq!(wave.due(), 40);
    }

    #[test]
    fn an_actuator_refuses_whoever_is_late() {
        let mut actuator = Actor::default();
        let result = actuator.carry_out("valve", 2, &json!({"open": true}));
        assert_eq!(result, Ok(json!({"actuator": "valve", "done": {"open": true}, "number": 1})));
        assert_eq!(actuator.carry_out("valve", 1, &json!(0)), Err(ErrorCode::Expired));
        assert!(actuator.carry_out("valve", 2, &json!(0)).is_ok());
    }

    fn stated(ids: [&str; 2]) -> Vec<String> {
        ids.map(str::to_owned).to_vec()
    }

    #[test]
    fn spaces_share_what_is_simulated_and_see_what_they_state() {
        let mut devices = Simulated::default();
        devices.add_sensor("oven", "heat", Wave::new(Shape::Ramp, (0.0, 10.0), 100, 10, 0), 1000);
        devices.add_actuator("valve");
        let both = stated(["oven", "valve"]);
        assert_eq!(devices.for_space(1, &both, 999).read("oven"), Err(ErrorCode::WouldBlock));
        let reading = devices.for_space(1, &both, 1015).read("oven").unwrap();
        let reading: Value = serde_json::from_slice(&reading).unwrap();
        assert_eq!(
            (&reading["number"], &reading["time"], &reading["value"]),
            (&json!(2), &json!(1010), &json!(1.0))
        );
        let lock = devices.for_space(1, &both, 1015).lock("valve", 10).unwrap();
        assert_eq!(devices.for_space(2, &both, 1016).lock("valve", 10), Err(ErrorCode::Busy));
        let done = br#"{"actuator":"valve","done":1,"number":1}"#.to_vec();
        assert_eq!(devices.for_space(1, &both, 1016).command(lock, "1"), Ok(done));
        assert_eq!(devices.for_space(1, &both, 1025).command(lock, "1"), Err(ErrorCode::Expired));
        let other = stated(["fridge", "lamp"]);
        let mut bench = devices.for_space(3, &other, 1030);
        assert_eq!(
            (bench.read("oven"), bench.lock("valve", 1)),
            (Err(ErrorCode::NotFound), Err(ErrorCode::NotFound))
        );
        devices.for_space(2, &both, 1030).lock("valve", 60_000).unwrap();
        devices.leave(2);
        assert!(devices.for_space(1, &both, 1031).lock("valve", 1).is_ok());
        let late = devices.for_space(4, &both, 1_000_000).read("oven").unwrap();
        assert!(
            core::str::from_utf8(&late).unwrap().contains("\"time\":1000000"),
            "what is long past is not made"
        );
    }
}
