//! Sensors: who gets readings of which, and what waits for whom.

use crate::json::object;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use serde_json::{Value, json};

/// Readings that wait for a subscriber where it does not say.
const QUEUE: usize = 16;
/// Readings that may wait for a subscriber.
const QUEUE_MAX: u64 = 1024;

/// What a sensor measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its number, from 1 for each sensor.
    pub number: u64,
    /// Milliseconds since 1970.
    pub time: u64,
    /// What was measured.
    pub value: Value,
}

/// What a subscriber asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Options {
    /// Readings that wait at most; then the oldest is lost.
    queue: usize,
    /// Milliseconds from one reading to the next at least.
    every: u64,
}

impl Options {
    fn read(text: &str) -> Result<Self, ErrorCode> {
        let mut options = Self { queue: QUEUE, every: 0 };
        if text.is_empty() {
            return Ok(options);
        }
        for (key, value) in object(text)? {
            let number = value.as_u64();
            match (key.as_str(), number) {
                ("queue", Some(number @ 1..=QUEUE_MAX)) => options.queue = number as usize,
                ("every", Some(number)) => options.every = number,
                _ => return Err(ErrorCode::Invalid),
            }
        }
        Ok(options)
    }
}

#[derive(Debug)]
struct Subscriber {
    options: Options,
    queue: VecDeque<Reading>,
    lost: u64,
    /// When it got its last reading.
    last: Option<u64>,
}

impl Subscriber {
    fn new(options: Options) -> Self {
        Self { options, queue: VecDeque::new(), lost: 0, last: None }
    }

    fn push(&mut self, reading: &Reading) {
        let is_early = |last: u64| reading.time < last.saturating_add(self.options.every);
        if self.options.every > 0 && self.last.is_some_and(is_early) {
            return;
        }
        self.last = Some(reading.time);
        self.queue.push_back(reading.clone());
        self.bound();
    }

    fn bound(&mut self) {
        while self.queue.len() > self.options.queue {
            self.queue.pop_front();
            self.lost += 1;
        }
    }
}

#[derive(Debug)]
struct Sensor {
    kind: String,
    subscribers: BTreeMap<u32, Subscriber>,
    readings: u64,
    last: Option<Reading>,
    /// Why no more readings come.
    ended: Option<ErrorCode>,
}

/// Sensors by their ids, and the spaces that read them, by numbers of the caller's.
#[derive(Debug, Default)]
pub struct Sensors {
    sensors: BTreeMap<String, Sensor>,
}

impl Sensors {
    /// Adds a sensor of a type; one that is there already begins anew.
    pub fn add(&mut self, id: &str, kind: &str) {
        let sensor =
            Sensor { kind: kind.into(), subscribers: BTreeMap::new(), readings: 0, last: None, ended: None };
        self.sensors.insert(id.into(), sensor);
    }

    fn sensor(&mut self, id: &str) -> Result<&mut Sensor, ErrorCode> {
        self.sensors.get_mut(id).ok_or(ErrorCode::NotFound)
    }

    /// Gives a space the readings of a sensor from now on. A second time changes the options and keeps what waits.
    pub fn subscribe(&mut self, space: u32, id: &str, options: &str) -> Result<(), ErrorCode> {
        let options = Options::read(options)?;
        let subscriber =
            self.sensor(id)?.subscribers.entry(space).or_insert_with(|| Subscriber::new(options));
        subscriber.options = options;
        subscriber.bound();
        Ok(())
    }

    /// The next reading for a space, as JSON. One that has not subscribed gets the last reading, and then what comes,
    /// one at a time.
    pub fn read(&mut self, space: u32, id: &str) -> Result<Vec<u8>, ErrorCode> {
        let sensor = self.sensor(id)?;
        let last = &sensor.last;
        let subscriber = sensor.subscribers.entry(space).or_insert_with(|| {
            let mut subscriber = Subscriber::new(Options { queue: 1, every: 0 });
            if let Some(last) = last {
                subscriber.push(last);
            }
            subscriber
        });
        let Some(Reading { number, time, value }) = subscriber.queue.pop_front() else {
            return Err(sensor.ended.unwrap_or(ErrorCode::WouldBlock));
        };
        let lost = core::mem::take(&mut subscriber.lost);
        let mut reading = json!({
            "sensor": id, "type": sensor.kind, "number": number, "time": time, "lost": lost, "value": value,
        });
        // The same reading is the same bytes, whichever order other crates have objects kept in.
        reading.sort_all_objects();
        serde_json::to_vec(&reading).map_err(|_| ErrorCode::Io)
    }

    /// A sensor has measured; gives the reading to its subscribers. `None` where there is no such sensor.
    pub fn push(&mut self, id: &str, time: u64, value: Value) -> Option<Reading> {
        let sensor = self.sensors.get_mut(id)?;
        sensor.readings += 1;
        sensor.ended = None;
        let reading = Reading { number: sensor.readings, time, value };
        for subscriber in sensor.subscribers.values_mut() {
            subscriber.push(&reading);
        }
        sensor.last = Some(reading.clone());
        Some(reading)
    }

    /// No more readings come for now; what waits is still read.
    pub fn end(&mut self, id: &str, why: ErrorCode) {
        if let Some(sensor) = self.sensors.get_mut(id) {
            sensor.ended = Some(why);
        }
    }

    /// A space is gone.
    pub fn leave(&mut self, space: u32) {
        for sensor in self.sensors.values_mut() {
            sensor.subscribers.remove(&space);
        }
    }

    /// Whether there is such a sensor.
    pub fn has(&self, id: &str) -> bool {
        self.sensors.contains_key(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensors() -> Sensors {
        let mut sensors = Sensors::default();
        sensors.add("oven", "temperature");
        sensors
    }

    fn numbers(sensors: &mut Sensors, space: u32) -> Vec<(u64, u64)> {
        let readings = core::iter::from_fn(|| sensors.read(space, "oven").ok());
        let readings = readings.map(|reading| serde_json::from_slice::<Value>(&reading).unwrap());
        readings
            .map(|reading| (reading["number"].as_u64().unwrap(), reading["lost"].as_u64().unwrap()))
            .collect()
    }

    #[test]
    fn each_subscriber_has_a_queue_of_its_own() {
        let mut sensors = sensors();
        assert_eq!(sensors.subscribe(1, "oven", r#"{"queue":2}"#), Ok(()));
        assert_eq!(sensors.subscribe(2, "oven", ""), Ok(()));
        for time in 1..=4 {
            sensors.push("oven", time, json!(time));
        }
        assert_eq!(numbers(&mut sensors, 1), [(3, 2), (4, 0)], "two are lost, and told of once");
        assert_eq!(numbers(&mut sensors, 2), [(1, 0), (2, 0), (3, 0), (4, 0)]);
        assert_eq!(sensors.read(2, "oven"), Err(ErrorCode::WouldBlock));
        assert_eq!(sensors.read(2, "fridge"), Err(ErrorCode::NotFound));
    }

    #[test]
    fn a_reading_says_what_it_is() {
        let mut sensors = sensors();
        sensors.push("oven", 7, json!({"c": 180.5}));
        let reading = String::from_utf8(sensors.read(1, "oven").unwrap()).unwrap();
        let expected =
            r#"{"lost":0,"number":1,"sensor":"oven","time":7,"type":"temperature","value":{"c":180.5}}"#;
        assert_eq!(reading, expected);
        sensors.push("oven", 8, json!(1));
        sensors.push("oven", 9, json!(2));
        assert_eq!(numbers(&mut sensors, 1), [(3, 1)], "without a subscription one reading waits");
    }

    #[test]
    fn a_subscriber_says_how_often() {
        let mut sensors = sensors();
        sensors.subscribe(1, "oven", r#"{"every":10}"#).unwrap();
        for time in [0, 5, 10, 19, 20, 21] {
            sensors.push("oven", time, json!(0));
        }
        assert_eq!(numbers(&mut sensors, 1), [(1, 0), (3, 0), (5, 0)]);
        for time in 0..20 {
            sensors.push("oven", 100 + 10 * time, json!(0));
        }
        sensors.subscribe(1, "oven", r#"{"queue":1}"#).unwrap();
        assert_eq!(numbers(&mut sensors, 1), [(26, 19)], "a smaller queue loses what it held");
    }

    #[test]
    fn options_are_held_against_their_rules() {
        let mut sensors = sensors();
        for (options, code) in [
            ("{", ErrorCode::Malformed),
            ("[]", ErrorCode::Invalid),
            (r#"{"queue":0}"#, ErrorCode::Invalid),
            (r#"{"queue":1025}"#, ErrorCode::Invalid),
            (r#"{"every":-1}"#, ErrorCode::Invalid),
            (r#"{"queue":1.5}"#, ErrorCode::Invalid),
            (r#"{"often":1}"#, ErrorCode::Invalid),
        ] {
            assert_eq!(sensors.subscribe(1, "oven", options), Err(code), "{options}");
        }
        assert_eq!(sensors.subscribe(1, "fridge", ""), Err(ErrorCode::NotFound));
    }

    #[test]
    fn what_waits_is_read_before_the_end() {
        let mut sensors = sensors();
        sensors.subscribe(1, "oven", "").unwrap();
        sensors.push("oven", 1, json!(1));
        sensors.end("oven", ErrorCode::Closed);
        assert_eq!(numbers(&mut sensors, 1), [(1, 0)]);
        assert_eq!(sensors.read(1, "oven"), Err(ErrorCode::Closed));
        sensors.push("oven", 2, json!(1));
        assert_eq!(numbers(&mut sensors, 1), [(2, 0)], "it came back");
        sensors.leave(1);
        sensors.push("oven", 3, json!(1));
        assert_eq!(numbers(&mut sensors, 1), [(3, 0)], "who left begins anew");
    }
}
