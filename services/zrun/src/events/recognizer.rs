//! What an event is recognized by: a condition on a sensor's readings, stated in JSON.

use super::rate::{PER_MINUTE, Rate};
use crate::devices::Reading;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use serde::Deserialize;
use serde_json::{Value, json};

/// A condition on a number.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Above(f64),
    Below(f64),
    /// Between two numbers, both of them among it.
    Inside(f64, f64),
    Outside(f64, f64),
    /// Each reading is an event of its own.
    Always {},
}

impl Condition {
    /// Whether a value fulfils it; one that did goes on doing so until it is past the hysteresis, too.
    fn holds(self, value: f64, hysteresis: f64) -> bool {
        match self {
            Self::Above(limit) => value > limit - hysteresis,
            Self::Below(limit) => value < limit + hysteresis,
            Self::Inside(low, high) => (low - hysteresis..=high + hysteresis).contains(&value),
            Self::Outside(low, high) => !(low + hysteresis..=high - hysteresis).contains(&value),
            Self::Always {} => true,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    sensor: String,
    /// Where in the reading's value the number is, as a JSON pointer.
    #[serde(default)]
    at: String,
    when: Condition,
    #[serde(default)]
    hysteresis: f64,
    /// Milliseconds.
    #[serde(default, rename = "for")]
    duration: u64,
    /// Whether the end is an event, too.
    #[serde(default)]
    end: bool,
    #[serde(default = "per_minute", rename = "perMinute")]
    per_minute: u32,
}

fn per_minute() -> u32 {
    PER_MINUTE
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The condition does not hold.
    Rest,
    /// It has held since then, which is not long enough yet.
    Pending(u64),
    /// It has held since then, and the event was emitted.
    Begun(u64),
}

/// A recognizer, and how far it is.
#[derive(Clone, Debug)]
pub struct Recognizer {
    event: String,
    spec: Spec,
    state: State,
    rate: Rate,
}

impl Recognizer {
    /// Of a specification, for an event.
    pub fn read(event: &str, spec: &str) -> Result<Self, ErrorCode> {
        let spec: Value = serde_json::from_str(spec).map_err(|_| ErrorCode::Malformed)?;
        let spec = Spec::deserialize(spec).map_err(|_| ErrorCode::Invalid)?;
        let is_ordered = match spec.when {
            Condition::Inside(low, high) | Condition::Outside(low, high) => low <= high,
            _ => true,
        };
        let is_pointer = spec.at.is_empty() || spec.at.starts_with('/');
        let rate = Rate::new(spec.per_minute)?;
        if !is_ordered || !is_pointer || spec.hysteresis < 0.0 || spec.sensor.is_empty() {
            return Err(ErrorCode::Invalid);
        }
        Ok(Self { event: event.into(), spec, state: State::Rest, rate })
    }

    /// The sensor that it watches.
    pub fn sensor(&self) -> &str {
        &self.spec.sensor
    }

    /// Looks at a reading of its sensor; the payload of the event, in JSON, if there is one. A reading without the number
    /// is passed over.
    pub fn feed(&mut self, reading: &Reading) -> Option<Vec<u8>> {
        if self.spec.when == (Condition::Always {}) {
            let value = reading.value.pointer(&self.spec.at)?.clone();
            return self.emit("reading", reading, reading.time, &value);
        }
        let value = reading.value.pointer(&self.spec.at)?.as_f64()?;
        let is_begun = matches!(self.state, State::Begun(_));
        let holds = self.spec.when.holds(value, if is_begun { self.spec.hysteresis } else { 0.0 });
        let since = match self.state {
            State::Rest => reading.time,
            State::Pending(since) | State::Begun(since) => since,
        };
        match (holds, is_begun) {
            (true, true) => None,
            (true, false) if reading.time.saturating_sub(since) >= self.spec.duration => {
                self.state = State::Begun(since);
                self.emit("begun", reading, since, &json!(value))
            }
            (true, false) => {
                self.state = State::Pending(since);
                None
            }
            (false, _) => {
                self.state = State::Rest;
                let tells = is_begun && self.spec.end;
                if tells { self.emit("ended", reading, since, &json!(value)) } else { None }
            }
        }
    }

    fn emit(&mut self, state: &str, reading: &Reading, since: u64, value: &Value) -> Option<Vec<u8>> {
        let lost = self.rate.admit(reading.time)?;
        let payload = json!({
            "event": self.event, "sensor": self.spec.sensor, "state": state, "value": value,
            "time": reading.time, "since": since, "lost": lost,
        });
        serde_json::to_vec(&payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(recognizer: &mut Recognizer, readings: &[(u64, f64)]) -> Vec<(String, u64, u64)> {
        let payloads = readings.iter().filter_map(|(time, value)| {
            let value = json!({ "c": value });
            recognizer.feed(&Reading { number: 0, time: *time, value })
        });
        let payloads = payloads.map(|payload| serde_json::from_slice::<Value>(&payload).unwrap());
        let number = |value: &Value| value.as_u64().unwrap();
        payloads
            .map(|event| {
                (event["state"].as_str().unwrap().into(), number(&event["since"]), number(&event["lost"]))
            })
            .collect()
    }

    fn recognizer(rest: &str) -> Recognizer {
        Recognizer::read("hot", &format!(r#"{{"sensor":"oven","at":"/c",{rest}}}"#)).unwrap()
    }

    fn begun(since: u64) -> (String, u64, u64) {
        ("begun".into(), since, 0)
    }

    #[test]
    fn a_condition_is_told_once_until_it_ends() {
        let mut hot = recognizer(r#""when":{"above":200},"hysteresis":10"#);
        let readings = [(1, 200.0), (2, 201.0), (3, 220.0), (4, 195.0), (5, 205.0), (6, 190.0), (7, 201.0)];
        assert_eq!(feed(&mut hot, &readings), [begun(2), begun(7)], "195 lies within the hysteresis");
        let mut cold = recognizer(r#""when":{"below":5},"end":true"#);
        let told = feed(&mut cold, &[(1, 4.0), (2, 3.0), (3, 5.0)]);
        assert_eq!(told, [begun(1), ("ended".into(), 1, 0)]);
    }

    #[test]
    fn a_condition_holds_for_its_time() {
        let mut hot = recognizer(r#""when":{"above":200},"for":100"#);
        let readings = [(0, 201.0), (99, 201.0), (100, 199.0), (150, 201.0), (250, 201.0), (300, 201.0)];
        assert_eq!(feed(&mut hot, &readings), [begun(150)]);
    }

    #[test]
    fn ranges_have_two_ends() {
        let readings = [(1, 9.0), (2, 10.0), (3, 20.0), (4, 21.0)];
        assert_eq!(feed(&mut recognizer(r#""when":{"inside":[10,20]}"#), &readings), [begun(2)]);
        assert_eq!(feed(&mut recognizer(r#""when":{"outside":[10,20]}"#), &readings), [begun(1), begun(4)]);
        let mut outside = recognizer(r#""when":{"outside":[10,20]},"hysteresis":2"#);
        assert_eq!(
            feed(&mut outside, &[(1, 9.0), (2, 11.0), (3, 9.0), (4, 13.0), (5, 9.0)]),
            [begun(1), begun(5)]
        );
    }

    #[test]
    fn too_many_events_are_lost_and_counted() {
        let mut each = recognizer(r#""when":{"always":{}},"perMinute":2"#);
        let told =
            feed(&mut each, &[(60_000, 1.0), (60_001, 1.0), (60_002, 1.0), (60_003, 1.0), (120_000, 1.0)]);
        let reading = |time, lost| (String::from("reading"), time, lost);
        assert_eq!(told, [reading(60_000, 0), reading(60_001, 0), reading(120_000, 2)]);
    }

    #[test]
    fn specifications_are_held_against_their_rules() {
        let code = |spec: &str| Recognizer::read("hot", spec).err();
        assert_eq!(code("{"), Some(ErrorCode::Malformed));
        for spec in [
            "[]",
            "{}",
            r#"{"sensor":"oven"}"#,
            r#"{"sensor":"","when":{"above":1}}"#,
            r#"{"sensor":"oven","when":{"above":1,"below":2}}"#,
            r#"{"sensor":"oven","when":{"inside":[2,1]}}"#,
            r#"{"sensor":"oven","when":{"near":1}}"#,
            r#"{"sensor":"oven","when":{"above":1},"at":"c"}"#,
            r#"{"sensor":"oven","when":{"above":1},"hysteresis":-1}"#,
            r#"{"sensor":"oven","when":{"above":1},"for":-1}"#,
            r#"{"sensor":"oven","when":{"above":1},"perMinute":0}"#,
            r#"{"sensor":"oven","when":{"above":1},"then":1}"#,
        ] {
            assert_eq!(code(spec), Some(ErrorCode::Invalid), "{spec}");
        }
        let mut hot = recognizer(r#""when":{"above":200}"#);
        assert_eq!(hot.sensor(), "oven");
        let odd = Reading { number: 1, time: 1, value: json!({"c": "hot"}) };
        assert_eq!(hot.feed(&odd), None, "it is no number");
    }
}
