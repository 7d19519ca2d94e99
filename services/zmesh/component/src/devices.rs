//! The devices of a machine that has none of its own: simulated, and shared by the spaces of its topology.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use services_zrun::{Format, Silence, Simulated, Wave};

/// A simulated sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// What it measures.
    pub wave: Wave,
}

/// What is simulated, as the bundle describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Devices {
    /// Sensors.
    pub sensors: Vec<Sensor>,
    /// Ids of actuators.
    pub actuators: Vec<String>,
    /// What silence, and sound that nobody hears, look like.
    pub sound: Option<Format>,
}

impl Devices {
    /// The sensors and actuators, beginning now, where there are any.
    pub fn start(&self, now: u64) -> Option<Simulated> {
        if self.sensors.is_empty() && self.actuators.is_empty() {
            return None;
        }
        let mut devices = Simulated::default();
        for Sensor { id, kind, wave } in &self.sensors {
            devices.add_sensor(id, kind, wave.clone(), now);
        }
        for id in &self.actuators {
            devices.add_actuator(id);
        }
        Some(devices)
    }

    /// The sound of a space that begins now, where there is any.
    pub fn sound(&self, now: u64) -> Option<Silence> {
        self.sound.map(|format| Silence::new(format, now))
    }
}
