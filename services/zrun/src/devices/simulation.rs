//! The devices of a machine that has none of its own, as a bundle describes them.

use super::{Format, Silence, Simulated, Wave};
use crate::events::Package;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A simulated sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedSensor {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// What it measures.
    pub wave: Wave,
}

/// What is simulated, as the bundle describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    /// Sensors.
    pub sensors: Vec<SimulatedSensor>,
    /// Ids of actuators.
    pub actuators: Vec<String>,
    /// What silence, and sound that nobody hears, look like.
    pub sound: Option<Format>,
    /// Modules that recognize, by name.
    pub modules: Package,
}

impl Simulation {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// From its bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// Ids of the sensors and actuators.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let sensors = self.sensors.iter().map(|sensor| sensor.id.as_str());
        sensors.chain(self.actuators.iter().map(String::as_str))
    }

    /// The sensors and actuators, beginning now, where there are any; so many modules recognize at once.
    pub fn start(&mut self, now: u64, modules: usize) -> Option<Simulated> {
        if self.sensors.is_empty() && self.actuators.is_empty() {
            return None;
        }
        let mut devices = Simulated::default();
        for SimulatedSensor { id, kind, wave } in &self.sensors {
            devices.add_sensor(id, kind, wave.clone(), now);
        }
        for id in &self.actuators {
            devices.add_actuator(id);
        }
        devices.add_modules(core::mem::take(&mut self.modules), modules);
        Some(devices)
    }

    /// The sound of a space that begins now, where there is any.
    pub fn sound(&self, now: u64) -> Option<Silence> {
        self.sound.map(|format| Silence::new(format, now))
    }
}
