//! What a guest has of devices, sound and events that is in no topology: simulated, and its own alone.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::{EVENTS, ErrorCode};
use services_zrun::{Alone, Devices, Events, Hub, Recognized, Seen, Silence, Simulated, Simulation, Watch};

/// Modules that recognize at once: so many memories the heap of `services/zrun/alone` has room for, beside values.
const MODULES_MAX: usize = 2;
/// The number of the one guest.
const ALONE: u32 = 0;

/// The devices of a guest, its events, and its messages, among which these arrive.
#[derive(Default)]
pub struct Senses {
    /// Its messages.
    pub mail: Alone,
    simulated: Option<Simulated>,
    /// Ids of its sensors and actuators.
    stated: Vec<String>,
    sound: Option<Silence>,
    hub: Hub,
    /// What is to be said.
    lines: Vec<String>,
    /// Milliseconds since 1970.
    now: u64,
}

impl Senses {
    /// Of what is described for a guest of a name, beginning now.
    pub fn new(mut described: Simulation, name: &str, now: u64) -> Self {
        let mut hub = Hub::default();
        hub.join(ALONE, name, None);
        Self {
            mail: Alone::default(),
            stated: described.ids().map(String::from).collect(),
            sound: described.sound(now),
            simulated: described.start(now, MODULES_MAX),
            lines: Vec::new(),
            hub,
            now,
        }
    }

    /// It, at a time.
    pub fn at(&mut self, now: u64) -> &mut Self {
        self.now = now;
        self
    }

    /// Puts what was recognized by now among its messages.
    pub fn collect(&mut self) {
        let Some(simulated) = &mut self.simulated else { return };
        let recognized = simulated.recognized(self.now).into_iter().map(Seen::Event);
        let all: Vec<_> = recognized.chain(simulated.look()).collect();
        for seen in all {
            match seen {
                // A name that is none was refused with its recognizer.
                Seen::Event(Recognized { event, payload, .. }) => drop(self.raise(&event, &payload)),
                Seen::Ended(_, says) => self.lines.push(says),
            }
        }
    }

    /// What is to be said since the last time.
    pub fn lines(&mut self) -> Vec<String> {
        core::mem::take(&mut self.lines)
    }

    /// Milliseconds until a recognizer looks again, if there is one.
    pub fn due(&self) -> Option<u64> {
        let due = self.simulated.as_ref()?.due()?;
        Some(due.saturating_sub(self.now))
    }

    /// Whether there are sensors or actuators.
    pub fn has_devices(&self) -> bool {
        self.simulated.is_some()
    }

    /// Its sound, where there is any.
    pub fn sound(&mut self) -> Option<&mut Silence> {
        let now = self.now;
        self.sound.as_mut().map(|sound| sound.at(now))
    }

    fn with<T>(
        &mut self,
        does: impl FnOnce(&mut dyn Devices) -> Result<T, ErrorCode>,
    ) -> Result<T, ErrorCode> {
        let simulated = self.simulated.as_mut().ok_or(ErrorCode::Unsupported)?;
        does(&mut simulated.for_space(ALONE, &self.stated, self.now))
    }
}

impl Devices for Senses {
    fn subscribe(&mut self, id: &str, options: &str) -> Result<(), ErrorCode> {
        self.with(|devices| devices.subscribe(id, options))
    }

    fn read(&mut self, id: &str) -> Result<Vec<u8>, ErrorCode> {
        self.with(|devices| devices.read(id))
    }

    fn lock(&mut self, id: &str, milliseconds: u32) -> Result<u32, ErrorCode> {
        self.with(|devices| devices.lock(id, milliseconds))
    }

    fn command(&mut self, lock: u32, action: &str) -> Result<Vec<u8>, ErrorCode> {
        self.with(|devices| devices.command(lock, action))
    }

    fn release(&mut self, lock: u32) -> Result<(), ErrorCode> {
        self.with(|devices| devices.release(lock))
    }
}

impl Events for Senses {
    fn register(&mut self, event: &str, spec: &str) -> Result<(), ErrorCode> {
        // It declares no events: any may be its own.
        let declared = [String::from(event)];
        match &mut self.simulated {
            Some(simulated) => {
                simulated.for_space(ALONE, &self.stated, self.now).register(event, spec, &declared)
            }
            None => Watch::admit(event, spec, &declared, |_| false).map(drop),
        }
    }

    fn follow(&mut self, event: &str) -> Result<(), ErrorCode> {
        self.hub.follow(ALONE, event)
    }

    fn raise(&mut self, event: &str, payload: &[u8]) -> Result<(), ErrorCode> {
        for delivery in self.hub.raise(ALONE, event, payload)? {
            // One that there is no room for is lost, as for any subscriber.
            let _ = self.mail.put_from(&delivery.from, &format!("{EVENTS}{event}"), &delivery.payload);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use services_zrun::{Audio as _, Format, Mail as _, Next, Shape, SimulatedSensor, Wave};

    fn senses() -> Senses {
        let oven = SimulatedSensor {
            id: "oven".into(),
            kind: "heat".into(),
            wave: Wave::new(Shape::Ramp, (0.0, 1.0), 100, 10, 0),
        };
        let described = Simulation {
            sensors: vec![oven],
            actuators: vec!["valve".into()],
            sound: Some(Format { channels: 1, rate: 1000 }),
            ..Simulation::default()
        };
        Senses::new(described, "probe", 0)
    }

    #[test]
    fn devices_are_there_as_they_are_described() {
        let mut senses = senses();
        assert!(senses.has_devices() && senses.read("oven").is_ok());
        assert_eq!(
            (senses.read("oven"), senses.read("door")),
            (Err(ErrorCode::WouldBlock), Err(ErrorCode::NotFound))
        );
        assert!(senses.at(10).read("oven").is_ok(), "time makes another reading");
        let lock = senses.lock("valve", 1000).unwrap();
        assert!(senses.command(lock, "1").is_ok());
        assert_eq!(senses.sound().unwrap().playback(&[0; 4000]), Ok(2000));
        let mut none = Senses::new(Simulation::default(), "probe", 0);
        assert!(!none.has_devices() && none.sound().is_none());
        assert_eq!(none.read("oven"), Err(ErrorCode::Unsupported));
    }

    #[test]
    fn events_come_back_as_messages() {
        let mut senses = senses();
        assert_eq!((senses.raise("hot", b"1"), senses.mail.wait()), (Ok(()), false));
        assert_eq!((senses.follow("hot"), senses.raise("hot", b"2")), (Ok(()), Ok(())));
        assert!(senses.mail.wait());
        assert_eq!(senses.mail.receive(9), Ok(Next::Message(b"2".to_vec())));
        assert!(senses.mail.info().unwrap().contains(r#""from":"probe","path":"@events/hot""#));
        assert_eq!(senses.raise("No Name", b""), Err(ErrorCode::Invalid));
        assert_eq!(senses.due(), None, "nobody looks");
        let spec = r#"{"sensor":"oven","when":{"above":0.45}}"#;
        assert_eq!(senses.register("warm", &spec.replace("oven", "fridge")), Err(ErrorCode::NotFound));
        assert_eq!((senses.register("warm", spec), senses.follow("warm")), (Ok(()), Ok(())));
        assert_eq!(senses.at(40).due(), Some(0));
        senses.collect();
        assert_eq!((senses.mail.wait(), senses.due()), (false, Some(10)));
        senses.at(60).collect();
        let Ok(Next::Message(told)) = senses.mail.receive(1000) else { panic!("an event") };
        assert!(String::from_utf8(told).unwrap().contains(r#""state":"begun""#));
        let mut none = Senses::new(Simulation::default(), "probe", 0);
        assert_eq!(none.register("warm", spec), Err(ErrorCode::NotFound));
    }
}
