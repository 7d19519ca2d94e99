//! A recognizer that is a module of the package: what it is bound by, and what it says.

use super::rate::{PER_MINUTE, Rate};
use crate::devices::Reading;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    sensor: String,
    /// Its name, without the ending.
    module: String,
    #[serde(default = "per_minute", rename = "perMinute")]
    per_minute: u32,
}

fn per_minute() -> u32 {
    PER_MINUTE
}

/// A recognizer that is a module of the package.
#[derive(Clone, Debug)]
pub struct Program {
    sensor: String,
    module: String,
    rate: Rate,
}

impl Program {
    /// Of a specification; none where that is of a condition.
    pub fn read(spec: &str) -> Option<Result<Self, ErrorCode>> {
        let spec: Value = serde_json::from_str(spec).ok()?;
        spec.get("module")?;
        Some(Spec::deserialize(spec).map_err(|_| ErrorCode::Invalid).and_then(|spec| {
            if spec.sensor.is_empty() || spec.module.is_empty() {
                return Err(ErrorCode::Invalid);
            }
            Ok(Self { sensor: spec.sensor, module: spec.module, rate: Rate::new(spec.per_minute)? })
        }))
    }

    /// The sensor that it watches.
    pub fn sensor(&self) -> &str {
        &self.sensor
    }

    /// The module.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Whether it may emit one more event, at a time in milliseconds.
    pub fn admit(&mut self, time: u64) -> bool {
        self.rate.admit(time).is_some()
    }

    /// What it is told of a reading, before which so many were lost.
    pub fn told(&self, reading: &Reading, lost: u64) -> Option<Vec<u8>> {
        let Reading { number, time, value } = reading;
        let mut told =
            json!({ "sensor": self.sensor, "number": number, "time": time, "lost": lost, "value": value });
        // The same reading is the same bytes, whichever order other crates have objects kept in.
        told.sort_all_objects();
        serde_json::to_vec(&told).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_specified_by_its_name() {
        let read = |spec: &str| Program::read(spec).map(|read| read.map(|one| one.module));
        assert_eq!(read(r#"{"sensor":"oven","module":"knock"}"#), Some(Ok("knock".into())));
        assert!(read(r#"{"sensor":"oven","when":{"above":1}}"#).is_none());
        assert!(read("{").is_none() && read("[]").is_none());
        for spec in [
            r#"{"module":"knock"}"#,
            r#"{"sensor":"oven","module":""}"#,
            r#"{"sensor":"oven","module":1}"#,
            r#"{"sensor":"oven","module":"knock","when":{"above":1}}"#,
            r#"{"sensor":"oven","module":"knock","perMinute":0}"#,
            r#"{"sensor":"oven","module":"knock","perMinute":6001}"#,
        ] {
            assert_eq!(read(spec), Some(Err(ErrorCode::Invalid)), "{spec}");
        }
        let mut knock =
            Program::read(r#"{"sensor":"oven","module":"knock","perMinute":2}"#).unwrap().unwrap();
        assert_eq!([0, 1, 2, 60_000].map(|time| knock.admit(time)), [true, true, false, true]);
        let told = knock.told(&Reading { number: 3, time: 7, value: json!({"b": 1, "a": 2}) }, 4).unwrap();
        let expected = r#"{"lost":4,"number":3,"sensor":"oven","time":7,"value":{"a":2,"b":1}}"#;
        assert_eq!(String::from_utf8(told).unwrap(), expected);
    }
}
