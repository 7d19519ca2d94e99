//! What the calls of a space do here.

use super::Run;
use super::member::Member;
use sci::guest::{ErrorCode, Function};
use services_zmesh::{EmitError, Emitted, Instance, Mesh, TakeError, Time};
use services_zrun::linux::Machine;
use services_zrun::{Audio, Devices, Events, InMemory, Mail, MailError, Next, Store, Watch, World};

/// The effects of one space's calls.
pub struct Effects<'e> {
    pub space: &'e str,
    pub member: &'e mut Member,
    pub mesh: &'e mut Mesh,
    pub run: &'e Run,
    pub now: Time,
    /// Values are served elsewhere: what comes here finds nothing, and no room.
    pub nothing: InMemory,
}

/// What this machine tells any space.
pub fn machine() -> Machine {
    Machine::new(Box::new(|_| ()), Box::new(InMemory::new(0)), None)
}

impl World for Effects<'_> {
    fn log(&mut self, line: &str) {
        self.run.book.line(self.space, line);
    }

    fn realtime(&mut self) -> u64 {
        self.now.realtime
    }

    fn monotonic(&mut self) -> u64 {
        self.now.monotonic
    }

    fn sleep(&mut self, _: u64) -> bool {
        // A space sleeps in its own process.
        true
    }

    fn pause(&mut self) {}

    fn random(&mut self, bytes: &mut [u8]) -> bool {
        machine().random(bytes)
    }

    fn node_info(&mut self) -> String {
        machine().node_info()
    }

    fn store(&mut self) -> &mut dyn Store {
        &mut self.nothing
    }

    fn mail(&mut self) -> &mut dyn Mail {
        self
    }

    fn devices(&mut self) -> Option<&mut dyn Devices> {
        self.member.bench.as_mut().map(|bench| bench as &mut dyn Devices)
    }

    fn audio(&mut self) -> Option<&mut dyn Audio> {
        self.member.sound.as_mut().map(|sound| sound as &mut dyn Audio)
    }

    fn events(&mut self) -> Option<&mut dyn Events> {
        Some(self)
    }

    fn serves(&mut self, function: &Function) -> bool {
        match function.module {
            "sensors" | "actuators" => self.member.bench.is_some(),
            "audio" => self.member.sound.is_some(),
            // Agents and the cache are served elsewhere, too.
            _ => true,
        }
    }
}

impl Events for Effects<'_> {
    fn register(&mut self, event: &str, spec: &str) -> Result<(), ErrorCode> {
        let Member { events, devices, .. } = &*self.member;
        let is_there =
            |sensor: &str| devices.iter().any(|one| one == sensor) && self.run.ways.rack.has_sensor(sensor);
        match Watch::admit(event, spec, events, is_there)? {
            Watch::Module(program) => self.run.start_recognizer(self.space, event, program),
            Watch::Condition(recognizer) => {
                let before = self.run.recognizers.register(self.space, event, recognizer)?;
                self.run.stop_all(before);
                Ok(())
            }
        }
    }

    fn follow(&mut self, event: &str) -> Result<(), ErrorCode> {
        let instance = Instance { space: self.space, number: self.member.epoch };
        self.mesh.subscribe(instance, event, self.now).map_err(|error| error.code())
    }

    fn raise(&mut self, event: &str, payload: &[u8]) -> Result<(), ErrorCode> {
        let instance = Instance { space: self.space, number: self.member.epoch };
        let published = self.mesh.publish(instance, event, payload, self.now);
        published.map_err(|error| {
            self.run.book.event(self.space, &error.to_string());
            error.code()
        })
    }
}

impl Mail for Effects<'_> {
    fn emit(&mut self, to: &str, message: &[u8]) -> Result<(), MailError> {
        let instance = Instance { space: self.space, number: self.member.epoch };
        match self.mesh.emit(instance, to, message, self.now) {
            Ok(Emitted::Accepted(_) | Emitted::Dropped) => Ok(()),
            Err(error) => Err(MailError::of(error.code())),
        }
    }

    fn emit_self(&mut self, message: &[u8]) -> Result<(), MailError> {
        let instance = Instance { space: self.space, number: self.member.epoch };
        let sent = self.mesh.self_emit(instance, message, self.now);
        if matches!(sent, Err(EmitError::NoCredit { .. }))
            && !std::mem::replace(&mut self.member.is_full, true)
        {
            let says =
                "its own queue is full: it has to take what it sent itself before it sends itself more";
            self.run.book.event(self.space, says);
        }
        sent.map(drop).map_err(|error| MailError::of(error.code()))
    }

    fn receive(&mut self, capacity: u64) -> Result<Next, MailError> {
        let instance = Instance { space: self.space, number: self.member.epoch };
        let room = usize::try_from(capacity).unwrap_or(usize::MAX);
        match self.mesh.take(instance, room, self.now) {
            Ok(message) => {
                self.member.info = Some(message.info());
                Ok(Next::Message(message.body.to_vec()))
            }
            Err(TakeError::Empty) => Ok(Next::Nothing),
            Err(TakeError::Short { needed }) => Ok(Next::Larger(needed as u64)),
            Err(TakeError::NotLive(_)) => Err(MailError::Gone),
            Err(TakeError::Journal(_)) => Err(MailError::Failed),
        }
    }

    fn info(&mut self) -> Option<String> {
        self.member.info.clone()
    }

    fn wait(&mut self) -> bool {
        // Whoever waits is called when there is something to process, and not from here.
        false
    }
}
