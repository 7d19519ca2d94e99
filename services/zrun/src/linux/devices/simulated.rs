//! Devices that are not there, among those of a rack.

use super::{Sink, Source};
use crate::devices::{Actor, Wave};
use sci::guest::ErrorCode;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

impl Source for Wave {
    fn due(&self) -> Option<u64> {
        Some(Self::due(self))
    }

    fn take(&mut self) -> Option<Value> {
        Some(Self::take(self))
    }

    fn skip(&mut self, before: u64) {
        Self::skip(self, before);
    }
}

/// A simulated actuator: it does what it is told and says so.
#[derive(Debug, Default)]
pub struct SimulatedActuator(Mutex<Actor>);

impl Sink for SimulatedActuator {
    fn carry_out(&self, actuator: &str, fence: u32, action: &Value) -> Result<Value, ErrorCode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).carry_out(actuator, fence, action)
    }
}
