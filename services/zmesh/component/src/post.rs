//! What a space's requests do here: messages, events, and devices that are simulated.

use crate::calling::Calling;
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use services_zmesh::{EmitError, Emitted, Instance, Mesh, TakeError, Time};
use services_zrun::{
    Agents, Audio, Bench, Devices, Events, InMemory, Kind, Mail, MailError, Next, Silence, Store, Watch,
    World,
};

/// The effects of one space's requests.
pub struct Post<'p> {
    pub mesh: &'p mut Mesh,
    pub instance: Instance<'p>,
    pub calling: &'p mut Calling,
    /// What `net.message_info` answers.
    pub info: &'p mut Option<String>,
    pub now: Time,
    /// Why the last message was refused.
    pub refusal: Option<String>,
    /// Values are kept elsewhere: what comes here finds nothing, and no room.
    pub nothing: InMemory,
    /// The space's devices, where any are simulated.
    pub bench: Option<Bench<'p>>,
    /// Events that it declares.
    pub events: &'p [String],
    /// Its sound, where the machine has any.
    pub sound: Option<&'p mut Silence>,
}

impl Post<'_> {
    fn refused(&mut self, to: &str, error: &EmitError) -> MailError {
        let code = error.code();
        // A sender that is to wait learns that by the code, and asks again.
        if !matches!(code, ErrorCode::WouldBlock) {
            self.refusal = Some(alloc::format!("{}: a message to `{to}`: {error}", self.instance.space));
        }
        MailError::of(code)
    }
}

impl Mail for Post<'_> {
    fn emit(&mut self, to: &str, message: &[u8]) -> Result<(), MailError> {
        match self.mesh.emit(self.instance, to, message, self.now) {
            Ok(Emitted::Accepted(_) | Emitted::Dropped) => Ok(()),
            Err(error) => Err(self.refused(to, &error)),
        }
    }

    fn emit_self(&mut self, message: &[u8]) -> Result<(), MailError> {
        let sent = self.mesh.self_emit(self.instance, message, self.now);
        sent.map(drop).map_err(|error| self.refused(self.instance.space, &error))
    }

    fn receive(&mut self, capacity: u64) -> Result<Next, MailError> {
        let room = usize::try_from(capacity).unwrap_or(usize::MAX);
        match self.mesh.take(self.instance, room, self.now) {
            Ok(message) => {
                self.calling.took();
                *self.info = Some(message.info());
                Ok(Next::Message(message.body.to_vec()))
            }
            Err(TakeError::Empty) => Ok(Next::Nothing),
            Err(TakeError::Short { needed }) => Ok(Next::Larger(needed as u64)),
            Err(TakeError::NotLive(_)) => Err(MailError::Gone),
            Err(TakeError::Journal(_)) => Err(MailError::Failed),
        }
    }

    fn info(&mut self) -> Option<String> {
        self.info.clone()
    }

    /// Whoever waits asks the office.
    fn wait(&mut self) -> bool {
        false
    }
}

impl Events for Post<'_> {
    fn register(&mut self, event: &str, spec: &str) -> Result<(), ErrorCode> {
        match &mut self.bench {
            Some(bench) => bench.register(event, spec, self.events),
            None => Watch::admit(event, spec, self.events, |_| false).map(drop),
        }
    }

    fn follow(&mut self, event: &str) -> Result<(), ErrorCode> {
        self.mesh.subscribe(self.instance, event, self.now).map_err(|error| error.code())
    }

    fn raise(&mut self, event: &str, payload: &[u8]) -> Result<(), ErrorCode> {
        let published = self.mesh.publish(self.instance, event, payload, self.now);
        published.map_err(|error| {
            self.refusal = Some(alloc::format!("{}: event `{event}`: {error}", self.instance.space));
            error.code()
        })
    }
}

impl Agents for Post<'_> {
    /// Whoever invokes asks the office.
    fn invoke(&mut self, _: Kind, _: &str, _: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        Err(ErrorCode::Io)
    }
}

impl World for Post<'_> {
    fn log(&mut self, _: &str) {}

    fn realtime(&mut self) -> u64 {
        self.now.realtime
    }

    fn monotonic(&mut self) -> u64 {
        self.now.monotonic
    }

    fn sleep(&mut self, _: u64) -> bool {
        false
    }

    fn pause(&mut self) {}

    fn random(&mut self, _: &mut [u8]) -> bool {
        false
    }

    fn node_info(&mut self) -> String {
        String::new()
    }

    fn store(&mut self) -> &mut dyn Store {
        &mut self.nothing
    }

    fn mail(&mut self) -> &mut dyn Mail {
        self
    }

    fn devices(&mut self) -> Option<&mut dyn Devices> {
        self.bench.as_mut().map(|bench| bench as &mut dyn Devices)
    }

    fn audio(&mut self) -> Option<&mut dyn Audio> {
        self.sound.as_mut().map(|sound| *sound as &mut dyn Audio)
    }

    fn events(&mut self) -> Option<&mut dyn Events> {
        Some(self)
    }

    fn agents(&mut self) -> Option<&mut dyn Agents> {
        Some(self)
    }
}
