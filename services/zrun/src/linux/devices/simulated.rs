//! Devices that are not there.

use super::{Sink, Source};
use crate::seed;
use sci::guest::ErrorCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::sync::{Mutex, PoisonError};

/// What a simulated sensor's values look like over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Debug, PartialEq)]
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
}

impl Source for Wave {
    fn due(&self) -> Option<u64> {
        Some(self.at)
    }

    fn take(&mut self) -> Option<Value> {
        let (low, range) = (self.low, self.high - self.low);
        let phase = f64::from((self.at % u64::from(self.period)) as u32) / f64::from(self.period);
        let value = match self.shape {
            Shape::Sine => low + range * f64::midpoint(1.0, (TAU * phase).sin()),
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
        Some(json!((value * GRAIN).round() / GRAIN))
    }

    fn skip(&mut self, before: u64) {
        self.at += before.saturating_sub(self.at).div_ceil(self.every) * self.every;
    }
}

/// A simulated actuator: it does what it is told and says so.
#[derive(Debug, Default)]
pub struct SimulatedActuator {
    /// The largest fence that it has seen, and how many actions it has carried out.
    seen: Mutex<(u32, u64)>,
}

impl Sink for SimulatedActuator {
    fn carry_out(&self, actuator: &str, fence: u32, action: &Value) -> Result<Value, ErrorCode> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if fence < seen.0 {
            return Err(ErrorCode::Expired);
        }
        *seen = (fence, seen.1 + 1);
        Ok(json!({ "actuator": actuator, "done": action, "number": seen.1 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(mut wave: Wave, count: usize) -> Vec<f64> {
        (0..count).filter_map(|_| wave.take()?.as_f64()).collect()
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
        assert_eq!((wave.due(), wave.take()), (Some(30), Some(json!(3.0))));
        wave.skip(5);
        assert_eq!(wave.due(), Some(40));
    }

    #[test]
    fn an_actuator_refuses_whoever_is_late() {
        let actuator = SimulatedActuator::default();
        let result = actuator.carry_out("valve", 2, &json!({"open": true}));
        assert_eq!(result, Ok(json!({"actuator": "valve", "done": {"open": true}, "number": 1})));
        assert_eq!(actuator.carry_out("valve", 1, &json!(0)), Err(ErrorCode::Expired));
        assert!(actuator.carry_out("valve", 2, &json!(0)).is_ok());
    }
}
