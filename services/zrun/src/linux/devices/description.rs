//! Which devices a machine has, as a file in JSON says it: `docs/devices.md` describes it.

use super::{Rack, Replay, ReplayError, Shape, SimulatedActuator, Socket, Source, Time, Wave, listen};
use crate::devices::{SimulatedSensor, Simulation};
use crate::linux::audio::{AudioError, Format, Microphone, Sounds, checked};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why devices are not there.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// The text is no description.
    #[error("the devices are not described as docs/devices.md says: {0}")]
    Text(#[from] serde_json::Error),
    /// Two devices have one id.
    #[error("the {0} `{1}` is there twice: each needs an id of its own")]
    Twice(&'static str, String),
    /// A sensor has too much or too little.
    #[error("the sensor `{0}` needs {1}")]
    Sensor(String, &'static str),
    /// A file is not replayed.
    #[error("the sensor `{0}`: {1}")]
    Replay(String, ReplayError),
    /// A device is to be attached, and there is no socket for it.
    #[error("the {0} `{1}` is attached by a socket, and `socket` names none")]
    NoSocket(&'static str, String),
    /// The socket cannot be made.
    #[error("the socket `{0}` cannot be made: {1}")]
    Socket(PathBuf, io::Error),
    /// There is no such sound.
    #[error("`sound`: {0}")]
    Sound(#[from] AudioError),
}

/// The devices of a machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Description {
    sensors: Vec<Sensor>,
    actuators: Vec<Actuator>,
    socket: Option<PathBuf>,
    sound: Option<SoundDescription>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SoundDescription {
    #[serde(default = "channels")]
    channels: u16,
    #[serde(default = "rate")]
    rate: u32,
    /// A file.
    microphone: Option<PathBuf>,
    /// A folder.
    speaker: Option<PathBuf>,
}

fn channels() -> u16 {
    1
}

fn rate() -> u32 {
    16_000
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sensor {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    simulated: Option<Simulated>,
    replayed: Option<Replayed>,
    attached: Option<Attached>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulated {
    shape: Shape,
    low: f64,
    high: f64,
    /// Milliseconds.
    #[serde(default = "period")]
    period: u32,
    /// Milliseconds.
    #[serde(default = "every")]
    every: u64,
    #[serde(default)]
    seed: u64,
}

impl Simulated {
    fn wave(&self) -> Wave {
        Wave::new(self.shape, (self.low, self.high), self.period, self.every, self.seed)
    }
}

fn period() -> u32 {
    10_000
}

fn every() -> u64 {
    1_000
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replayed {
    file: PathBuf,
    /// Milliseconds.
    repeat: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attached {}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Actuator {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Simulated,
    Attached,
}

impl Description {
    /// Of a text in JSON.
    pub fn read(text: &str) -> Result<Self, DescriptionError> {
        let description: Self = serde_json::from_str(text)?;
        let (sensors, actuators) = (&description.sensors, &description.actuators);
        twice("sensor", sensors.iter().map(|sensor| &sensor.id))?;
        twice("actuator", actuators.iter().map(|actuator| &actuator.id))?;
        for Sensor { id, simulated, replayed, attached, .. } in sensors {
            let needs = |what| Err(DescriptionError::Sensor(id.clone(), what));
            match (simulated, replayed, attached) {
                (Some(wave), None, None) if wave.period == 0 || wave.every == 0 => {
                    return needs("a `period` and an `every` above 0");
                }
                (Some(wave), None, None) if wave.low > wave.high => {
                    return needs("a `low` that is not above `high`");
                }
                (None, None, Some(_)) if description.socket.is_none() => {
                    return Err(DescriptionError::NoSocket("sensor", id.clone()));
                }
                (Some(_), None, None) | (None, Some(_), None) | (None, None, Some(_)) => {}
                _ => return needs("one of `simulated`, `replayed`, `attached`"),
            }
        }
        let no_socket = |actuator: &&Actuator| actuator.by == By::Attached && description.socket.is_none();
        match actuators.iter().find(no_socket) {
            Some(actuator) => Err(DescriptionError::NoSocket("actuator", actuator.id.clone())),
            None => Ok(description),
        }
    }

    /// The devices, beginning now; paths are relative to a folder. They last as long as the rack and the socket.
    pub fn start(&self, folder: &Path, time: Time) -> Result<(Rack, Option<Socket>), DescriptionError> {
        let rack = Rack::new(time);
        let socket = match &self.socket {
            Some(path) => {
                let path = folder.join(path);
                Some(listen(&rack, &path).map_err(|error| DescriptionError::Socket(path, error))?)
            }
            None => None,
        };
        for Sensor { id, kind, simulated, replayed, .. } in &self.sensors {
            let source: Option<Box<dyn Source>> = match (simulated, replayed) {
                (Some(simulated), _) => Some(Box::new(simulated.wave())),
                (None, Some(Replayed { file, repeat })) => {
                    let replay = Replay::open(&folder.join(file), *repeat);
                    Some(Box::new(replay.map_err(|error| DescriptionError::Replay(id.clone(), error))?))
                }
                (None, None) => None,
            };
            let is_attached = source.is_none();
            rack.add_sensor(id, kind, source);
            if let (true, Some(socket)) = (is_attached, &socket) {
                socket.add_sensor(id);
            }
        }
        for Actuator { id, by, .. } in &self.actuators {
            match (by, &socket) {
                (By::Attached, Some(socket)) => rack.add_actuator(id, socket.add_actuator(id)),
                _ => rack.add_actuator(id, Arc::new(SimulatedActuator::default())),
            }
        }
        Ok((rack, socket))
    }

    /// The sound, if there is any; paths are relative to a folder.
    pub fn sounds(&self, folder: &Path) -> Result<Option<Sounds>, DescriptionError> {
        let Some(SoundDescription { channels, rate, microphone, speaker }) = &self.sound else {
            return Ok(None);
        };
        let format = Format { channels: *channels, rate: *rate };
        // What is played has this format, too.
        let silence = Microphone::silence(format)?;
        let microphone = match microphone {
            Some(file) => Microphone::file(&folder.join(file))?,
            None => silence,
        };
        Ok(Some(Sounds::new(microphone, format, speaker.as_ref().map(|speaker| folder.join(speaker)))))
    }

    /// What needs nothing of this machine, and so can be described to another: what is simulated, and sound as silence.
    pub fn simulation(&self) -> Result<Simulation, DescriptionError> {
        let sensor = |sensor: &Sensor| {
            let wave = sensor.simulated.as_ref()?.wave();
            Some(SimulatedSensor { id: sensor.id.clone(), kind: sensor.kind.clone(), wave })
        };
        let actuators = self.actuators.iter().filter(|actuator| actuator.by == By::Simulated);
        let format = |sound: &SoundDescription| Format { channels: sound.channels, rate: sound.rate };
        Ok(Simulation {
            sensors: self.sensors.iter().filter_map(sensor).collect(),
            actuators: actuators.map(|actuator| actuator.id.clone()).collect(),
            sound: self.sound.as_ref().map(format).map(checked).transpose()?,
            ..Simulation::default()
        })
    }

    /// Ids and types of the sensors.
    pub fn sensors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sensors.iter().map(|sensor| (sensor.id.as_str(), sensor.kind.as_str()))
    }

    /// Ids and types of the actuators.
    pub fn actuators(&self) -> impl Iterator<Item = (&str, &str)> {
        self.actuators.iter().map(|actuator| (actuator.id.as_str(), actuator.kind.as_str()))
    }
}

fn twice<'d>(what: &'static str, ids: impl Iterator<Item = &'d String>) -> Result<(), DescriptionError> {
    let mut ids: Vec<&String> = ids.collect();
    ids.sort();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(DescriptionError::Twice(what, pair[0].clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| Description::read(text).unwrap_err().to_string();
        let sensor = |from: &str| format!(r#"{{"sensors":[{{"id":"a","type":"t",{from}}}]}}"#);
        assert!(wrong("{").starts_with("the devices are not described as docs/devices.md says: EOF"));
        assert!(wrong(r#"{"sensor":[]}"#).contains("unknown field `sensor`"));
        assert!(wrong(&sensor(r#""simulated":{"shape":"circle","low":0,"high":1}"#)).contains("circle"));
        assert!(
            wrong(&sensor(r#""simulated":{"shape":"sine","low":0,"high":1,"every":0}"#)).contains("above 0")
        );
        assert!(
            wrong(&sensor(r#""simulated":{"shape":"sine","low":1,"high":0}"#)).contains("not above `high`")
        );
        assert!(wrong(&sensor(r#""attached":{}"#)).contains("`socket` names none"));
        let two = r#"{"actuators":[{"id":"a","type":"t","by":"simulated"},{"id":"a","type":"t","by":"simulated"}]}"#;
        assert_eq!(wrong(two), "the actuator `a` is there twice: each needs an id of its own");
        let sound =
            |text: &str| Description::read(text).unwrap().sounds(Path::new("/")).unwrap_err().to_string();
        let bounds = "`sound`: sound has 1 to 8 channels and 1 to 192000 samples a second";
        assert_eq!(sound(r#"{"sound":{"channels":0}}"#), bounds);
        let error = sound(r#"{"sound":{"microphone":"no such file"}}"#);
        assert!(error.starts_with("`sound`: the sound cannot be opened as a WAV file"), "{error}");
        let missing = Description::read(&sensor(r#""replayed":{"file":"no such file"}"#)).unwrap();
        let error = missing.start(Path::new("/"), Box::new(|| 0)).err().unwrap().to_string();
        assert!(error.starts_with("the sensor `a`: the readings cannot be read"), "{error}");
    }
}
