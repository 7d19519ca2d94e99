//! Requests for effects that a host may lack.

use super::{Channel, Remote, Reply, Request, Server, answer};
use crate::agents::{Agents, Kind};
use crate::cache::Cache;
use crate::calls::there;
use crate::data::StoreError;
use crate::devices::{Audio, Devices};
use crate::events::Events;
use crate::memory::copied;
use crate::world::{World, is_optional};
use alloc::vec::Vec;
use sci::guest::{self, ErrorCode, Function, GuestCapability};
use sci::limits::guest as limits;
use serde::{Deserialize, Serialize};

/// What a space asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Optional<'r> {
    /// Which functions are served, as a mask of their numbers.
    Served,
    Lookup(&'r str),
    /// The key, the value, the seconds.
    Keep(&'r str, &'r [u8], u32),
    /// A sensor, and options.
    Subscribe(&'r str, &'r str),
    Read(&'r str),
    /// An actuator, and milliseconds.
    Lock(&'r str, u32),
    /// A lock, and an action.
    Command(u32, &'r str),
    Release(u32),
    /// Bytes that there is room for.
    Capture(u32),
    Playback(&'r [u8]),
    /// An event, and what recognizes it.
    Register(&'r str, &'r str),
    Await(&'r str),
    /// An event, and its payload.
    Happen(&'r str, &'r [u8]),
    /// What, its name, its input.
    Invoke(Kind, &'r str, &'r [u8]),
    /// What comes of the last invocation.
    Result,
}

/// A request whose result takes time. Whoever serves many spaces gives it to another thread, and replies with
/// [`reply_of`] when the result is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow<'r> {
    /// An agent is invoked.
    Invoke {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: &'r str,
        /// What it gets.
        input: &'r [u8],
    },
    /// An actuator gets a command.
    Command {
        /// The lock.
        lock: u32,
        /// The action, in JSON.
        action: &'r str,
    },
}

/// The reply to a request whose result is here.
pub fn reply_of(result: Result<Vec<u8>, ErrorCode>) -> Vec<u8> {
    match result {
        Ok(bytes) => answer(Reply::Bytes(&bytes)),
        Err(code) => answer(Reply::Code(code.number())),
    }
}

impl Server {
    /// What a request asks for, if that takes time and the space may ask for it; any other is for [`Server::serve`].
    pub fn slow<'r>(&self, request: &'r [u8]) -> Option<Slow<'r>> {
        match self.read(request)? {
            Request::Optional(Optional::Invoke(kind, name, input)) => {
                Some(Slow::Invoke { kind, name, input })
            }
            Request::Optional(Optional::Command(lock, action)) => Some(Slow::Command { lock, action }),
            _ => None,
        }
    }
}

impl Optional<'_> {
    /// What whoever asks holds; nothing, where everyone may ask.
    pub fn capability(&self) -> Option<GuestCapability> {
        Some(match self {
            Self::Served | Self::Result => return None,
            Self::Lookup(_) => GuestCapability::IcLookup,
            Self::Keep(..) => GuestCapability::IcStore,
            Self::Subscribe(..) => GuestCapability::SensorsSubscribe,
            Self::Read(_) => GuestCapability::SensorsRead,
            Self::Lock(..) => GuestCapability::ActuatorsLock,
            Self::Command(..) => GuestCapability::ActuatorsCommand,
            Self::Release(_) => GuestCapability::ActuatorsRelease,
            Self::Capture(_) => GuestCapability::AudioCapture,
            Self::Playback(_) => GuestCapability::AudioPlayback,
            Self::Register(..) | Self::Happen(..) => GuestCapability::EventsRegisterRecognizer,
            Self::Await(_) => GuestCapability::EventsSubscribe,
            Self::Invoke(kind, ..) => kind.capability(),
        })
    }

    /// Whether it is within the limits that a space's own side keeps.
    pub fn is_bounded(&self) -> bool {
        let within = |bytes: usize, most: u32| bytes as u64 <= u64::from(most);
        let is_name = |name: &str| !name.is_empty() && within(name.len(), limits::NAME_BYTES_MAX);
        let is_key = |key: &str| !key.is_empty() && within(key.len(), limits::INPUT_BYTES_MAX);
        match *self {
            Self::Served | Self::Release(_) | Self::Result => true,
            Self::Lookup(key) => is_key(key),
            Self::Keep(key, value, _) => is_key(key) && within(value.len(), limits::VALUE_BYTES_MAX),
            Self::Read(name) | Self::Await(name) => is_name(name),
            Self::Subscribe(name, json) | Self::Register(name, json) => {
                is_name(name) && within(json.len(), limits::JSON_BYTES_MAX)
            }
            Self::Lock(name, milliseconds) => {
                is_name(name) && (1..=limits::LEASE_MILLISECONDS_MAX).contains(&milliseconds)
            }
            Self::Command(_, action) => within(action.len(), limits::JSON_BYTES_MAX),
            Self::Capture(capacity) => (1..=limits::CHUNK_BYTES_MAX).contains(&capacity),
            Self::Playback(sound) => within(sound.len(), limits::CHUNK_BYTES_MAX),
            Self::Happen(name, payload) => is_name(name) && within(payload.len(), limits::MESSAGE_BYTES_MAX),
            Self::Invoke(_, name, input) => is_name(name) && within(input.len(), limits::INPUT_BYTES_MAX),
        }
    }

    /// Bytes of its texts.
    pub fn bytes(&self) -> usize {
        match *self {
            Self::Served | Self::Release(_) | Self::Capture(_) | Self::Result => 0,
            Self::Lookup(text)
            | Self::Read(text)
            | Self::Lock(text, _)
            | Self::Command(_, text)
            | Self::Await(text) => text.len(),
            Self::Subscribe(name, text) | Self::Register(name, text) => name.len() + text.len(),
            Self::Keep(name, bytes, _) | Self::Happen(name, bytes) | Self::Invoke(_, name, bytes) => {
                name.len() + bytes.len()
            }
            Self::Playback(bytes) => bytes.len(),
        }
    }

    /// Carries it out, where it is about the cache.
    pub fn serve_cache(self, cache: &mut dyn Cache, now: u64) -> Vec<u8> {
        match self {
            Self::Lookup(key) => reply_of(cache.lookup(key, now)),
            Self::Keep(key, value, seconds) => done(cache.keep(key, value, seconds, now)),
            _ => answer(Reply::Refused),
        }
    }

    /// Carries it out.
    pub fn serve(self, world: &mut dyn World) -> Vec<u8> {
        let now = world.monotonic();
        match self {
            Self::Served => {
                let served = guest::FUNCTIONS.iter().filter(|function| world.serves(function));
                answer(Reply::Number(served.fold(0, |mask, function| mask | 1 << function.number)))
            }
            Self::Lookup(_) | Self::Keep(..) => match there(world.cache()) {
                Ok(cache) => self.serve_cache(cache, now),
                Err(code) => answer(Reply::Code(code.number())),
            },
            Self::Subscribe(id, options) => {
                done(there(world.devices()).and_then(|devices| devices.subscribe(id, options)))
            }
            Self::Read(id) => reply_of(there(world.devices()).and_then(|devices| devices.read(id))),
            Self::Lock(id, milliseconds) => {
                number(there(world.devices()).and_then(|devices| devices.lock(id, milliseconds)))
            }
            Self::Command(lock, action) => {
                reply_of(there(world.devices()).and_then(|devices| devices.command(lock, action)))
            }
            Self::Release(lock) => done(there(world.devices()).and_then(|devices| devices.release(lock))),
            Self::Capture(capacity) => {
                reply_of(there(world.audio()).and_then(|audio| audio.capture(capacity)))
            }
            Self::Playback(sound) => number(there(world.audio()).and_then(|audio| audio.playback(sound))),
            Self::Register(event, spec) => {
                done(there(world.events()).and_then(|events| events.register(event, spec)))
            }
            Self::Await(event) => done(there(world.events()).and_then(|events| events.follow(event))),
            Self::Happen(event, payload) => {
                done(there(world.events()).and_then(|events| events.raise(event, payload)))
            }
            Self::Invoke(kind, name, input) => {
                reply_of(there(world.agents()).and_then(|agents| agents.invoke(kind, name, input)))
            }
            // Whoever begins what takes time answers this elsewhere.
            Self::Result => answer(Reply::Refused),
        }
    }
}

fn done(result: Result<(), ErrorCode>) -> Vec<u8> {
    answer(result.map_or_else(|code| Reply::Code(code.number()), |()| Reply::Done))
}

fn number(result: Result<u32, ErrorCode>) -> Vec<u8> {
    answer(result.map_or_else(|code| Reply::Code(code.number()), |number| Reply::Number(number.into())))
}

impl<C: Channel> Remote<C> {
    /// As [`World::serves`]. The other side is asked once.
    pub(super) fn serves_function(&mut self, function: &Function) -> bool {
        if !is_optional(function) {
            return true;
        }
        let served =
            self.served.or_else(|| self.ask(Request::Optional(Optional::Served), super::number).ok());
        self.served = served;
        served.is_some_and(|mask| mask & 1 << function.number != 0)
    }

    /// As [`Remote::ask`], where the reply may be an error code.
    fn ask_optional<T>(
        &mut self,
        request: Optional<'_>,
        read: impl FnOnce(Reply<'_>) -> Option<T>,
    ) -> Result<T, ErrorCode> {
        let read = |reply: Reply<'_>| match reply {
            Reply::Code(code) => Some(Err(ErrorCode::from_number(code).unwrap_or(ErrorCode::Io))),
            reply => read(reply).map(Ok),
        };
        match self.ask(Request::Optional(request), read) {
            Ok(result) => result,
            Err(StoreError::Full | StoreError::Beyond) => Err(ErrorCode::Quota),
            Err(StoreError::Failed) => Err(ErrorCode::Io),
        }
    }
}

fn whole(reply: Reply<'_>) -> Option<Vec<u8>> {
    match reply {
        Reply::Bytes(bytes) => copied(bytes),
        _ => None,
    }
}

/// How far an invocation is.
enum Progress {
    Begun,
    Done(Vec<u8>),
}

fn progress(reply: Reply<'_>) -> Option<Progress> {
    match reply {
        Reply::Later => Some(Progress::Begun),
        reply => whole(reply).map(Progress::Done),
    }
}

fn small(reply: Reply<'_>) -> Option<u32> {
    super::number(reply).and_then(|number| u32::try_from(number).ok())
}

impl<C: Channel> Cache for Remote<C> {
    fn lookup(&mut self, key: &str, _: u64) -> Result<Vec<u8>, ErrorCode> {
        self.ask_optional(Optional::Lookup(key), whole)
    }

    fn keep(&mut self, key: &str, value: &[u8], seconds: u32, _: u64) -> Result<(), ErrorCode> {
        self.ask_optional(Optional::Keep(key, value, seconds), super::done)
    }
}

impl<C: Channel> Devices for Remote<C> {
    fn subscribe(&mut self, id: &str, options: &str) -> Result<(), ErrorCode> {
        self.ask_optional(Optional::Subscribe(id, options), super::done)
    }

    fn read(&mut self, id: &str) -> Result<Vec<u8>, ErrorCode> {
        self.ask_optional(Optional::Read(id), whole)
    }

    fn lock(&mut self, id: &str, milliseconds: u32) -> Result<u32, ErrorCode> {
        self.ask_optional(Optional::Lock(id, milliseconds), small)
    }

    fn command(&mut self, lock: u32, action: &str) -> Result<Vec<u8>, ErrorCode> {
        self.ask_optional(Optional::Command(lock, action), whole)
    }

    fn release(&mut self, lock: u32) -> Result<(), ErrorCode> {
        self.ask_optional(Optional::Release(lock), super::done)
    }
}

impl<C: Channel> Audio for Remote<C> {
    fn capture(&mut self, capacity: u32) -> Result<Vec<u8>, ErrorCode> {
        let fits = |reply: Reply<'_>| whole(reply).filter(|sound| sound.len() <= capacity as usize);
        self.ask_optional(Optional::Capture(capacity), fits)
    }

    fn playback(&mut self, sound: &[u8]) -> Result<u32, ErrorCode> {
        self.ask_optional(Optional::Playback(sound), small)
    }
}

impl<C: Channel> Events for Remote<C> {
    fn register(&mut self, event: &str, spec: &str) -> Result<(), ErrorCode> {
        self.ask_optional(Optional::Register(event, spec), super::done)
    }

    fn follow(&mut self, event: &str) -> Result<(), ErrorCode> {
        self.ask_optional(Optional::Await(event), super::done)
    }

    fn raise(&mut self, event: &str, payload: &[u8]) -> Result<(), ErrorCode> {
        self.ask_optional(Optional::Happen(event, payload), super::done)
    }
}

impl<C: Channel> Agents for Remote<C> {
    fn invoke(&mut self, kind: Kind, name: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        let mut progressed = self.ask_optional(Optional::Invoke(kind, name, input), progress)?;
        loop {
            match progressed {
                Progress::Done(result) => return Ok(result),
                Progress::Begun => {
                    self.channel.attend();
                    progressed = self.ask_optional(Optional::Result, progress)?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Exact;
    use crate::data::{InMemory, Store};
    use crate::mail::{Alone, Mail};
    use crate::space::Grants;
    use alloc::string::String;
    use alloc::vec;

    /// A machine with a cache, and agents that answer with what they were asked.
    struct Machine {
        cache: Exact,
        has_cache: bool,
    }

    impl World for Machine {
        fn log(&mut self, _: &str) {}
        fn realtime(&mut self) -> u64 {
            0
        }
        fn monotonic(&mut self) -> u64 {
            0
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
            Box::leak(Box::new(InMemory::new(0)))
        }
        fn mail(&mut self) -> &mut dyn Mail {
            Box::leak(Box::new(Alone::default()))
        }
        fn cache(&mut self) -> Option<&mut dyn Cache> {
            self.has_cache.then_some(&mut self.cache)
        }
        fn devices(&mut self) -> Option<&mut dyn Devices> {
            Some(self)
        }
        fn audio(&mut self) -> Option<&mut dyn Audio> {
            Some(self)
        }
        fn agents(&mut self) -> Option<&mut dyn Agents> {
            Some(self)
        }
    }

    impl Devices for Machine {
        fn subscribe(&mut self, _: &str, options: &str) -> Result<(), ErrorCode> {
            if options.is_empty() { Ok(()) } else { Err(ErrorCode::Malformed) }
        }
        fn read(&mut self, id: &str) -> Result<Vec<u8>, ErrorCode> {
            Ok(id.into())
        }
        fn lock(&mut self, _: &str, milliseconds: u32) -> Result<u32, ErrorCode> {
            Ok(milliseconds)
        }
        fn command(&mut self, lock: u32, action: &str) -> Result<Vec<u8>, ErrorCode> {
            if lock == 1 { Ok(action.into()) } else { Err(ErrorCode::Expired) }
        }
        fn release(&mut self, lock: u32) -> Result<(), ErrorCode> {
            if lock == 1 { Ok(()) } else { Err(ErrorCode::Closed) }
        }
    }

    impl Audio for Machine {
        fn capture(&mut self, capacity: u32) -> Result<Vec<u8>, ErrorCode> {
            Ok(vec![1; capacity as usize])
        }
        fn playback(&mut self, sound: &[u8]) -> Result<u32, ErrorCode> {
            Ok(sound.len() as u32)
        }
    }

    impl Agents for Machine {
        fn invoke(&mut self, kind: Kind, name: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
            Ok([format!("{kind:?} {name} ").as_bytes(), input].concat())
        }
    }

    struct Direct(Server, Machine);

    impl Channel for Direct {
        fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
            Ok(self.0.serve(request, &mut self.1))
        }
        fn monotonic(&mut self) -> u64 {
            0
        }
        fn sleep(&mut self, _: u64) -> bool {
            false
        }
        fn pause(&mut self) {}
    }

    fn remote(grants: Grants) -> Remote<Direct> {
        let mut machine = Machine { cache: Exact::new(1000, 10), has_cache: true };
        Remote::new(Direct(Server::new(grants, &mut machine), machine))
    }

    fn all() -> Grants {
        Grants::of(u64::MAX)
    }

    #[test]
    fn results_and_codes_arrive() {
        let mut remote = remote(all());
        assert_eq!((remote.keep("a", b"1", 0, 0), remote.lookup("a", 0)), (Ok(()), Ok(b"1".to_vec())));
        assert_eq!(remote.lookup("b", 0), Err(ErrorCode::NotFound));
        assert_eq!(remote.subscribe("a", ""), Ok(()));
        assert_eq!(remote.subscribe("a", "{"), Err(ErrorCode::Malformed));
        assert_eq!((remote.read("oven"), remote.lock("oven", 7)), (Ok(b"oven".to_vec()), Ok(7)));
        assert_eq!(
            (remote.command(1, "{}"), remote.command(2, "")),
            (Ok(b"{}".to_vec()), Err(ErrorCode::Expired))
        );
        assert_eq!((remote.release(1), remote.release(2)), (Ok(()), Err(ErrorCode::Closed)));
        assert_eq!((remote.capture(2), remote.playback(&[0; 9])), (Ok(vec![1, 1]), Ok(9)));
        assert_eq!(remote.invoke(Kind::Model, "m", b"x"), Ok(b"Model m x".to_vec()));
        assert_eq!(remote.follow("e"), Err(ErrorCode::Unsupported), "there are none");
    }

    #[test]
    fn the_other_side_says_once_what_it_serves() {
        let mut remote = remote(all());
        let function = |name| guest::by_name(name).unwrap();
        assert!(remote.serves(function("sys.log")) && remote.served.is_none());
        assert!(remote.serves(function("ic.store")) && !remote.serves(function("events.emit")));
        remote.channel.1.has_cache = false;
        assert!(remote.serves(function("ic.store")), "it is not asked again");
        assert_eq!(remote.lookup("a", 0), Err(ErrorCode::Unsupported));
    }

    #[test]
    fn each_effect_needs_its_capability() {
        use GuestCapability as C;
        let without = |capability: C| remote(Grants::of(!capability.bit()));
        let refused = Some(ErrorCode::Io);
        assert_eq!(without(C::IcLookup).lookup("a", 0).err(), refused);
        assert_eq!(without(C::IcStore).keep("a", b"", 0, 0).err(), refused);
        assert_eq!(without(C::SensorsSubscribe).subscribe("a", "").err(), refused);
        assert_eq!(without(C::SensorsRead).read("a").err(), refused);
        assert_eq!(without(C::ActuatorsLock).lock("a", 1).err(), refused);
        assert_eq!(without(C::ActuatorsCommand).command(1, "").err(), refused);
        assert_eq!(without(C::ActuatorsRelease).release(1).err(), refused);
        assert_eq!(without(C::AudioCapture).capture(1).err(), refused);
        assert_eq!(without(C::AudioPlayback).playback(b"a").err(), refused);
        assert_eq!(without(C::EventsRegisterRecognizer).register("a", "").err(), refused);
        assert_eq!(without(C::EventsRegisterRecognizer).raise("a", b"").err(), refused);
        assert_eq!(without(C::EventsSubscribe).follow("a").err(), refused);
        for kind in [Kind::Function, Kind::Selector, Kind::Model] {
            assert_eq!(without(kind.capability()).invoke(kind, "a", b"").err(), refused);
        }
    }

    #[test]
    fn limits_hold_on_the_side_that_acts() {
        let mut remote = remote(all());
        let refused = Some(ErrorCode::Io);
        let name = "n".repeat(limits::NAME_BYTES_MAX as usize + 1);
        let json = " ".repeat(limits::JSON_BYTES_MAX as usize + 1);
        let large = vec![0; limits::CHUNK_BYTES_MAX as usize + 1];
        for name in ["", &name] {
            assert_eq!(remote.read(name).err(), refused);
            assert_eq!(remote.lock(name, 1).err(), refused);
            assert_eq!(remote.register(name, "").err(), refused);
            assert_eq!(remote.invoke(Kind::Model, name, b"").err(), refused);
        }
        assert_eq!((remote.lookup("", 0).err(), remote.keep("a", &large, 0, 0).err()), (refused, refused));
        assert_eq!((remote.command(1, &json).err(), remote.register("a", &json).err()), (refused, refused));
        assert_eq!((remote.lock("a", 0).err(), remote.lock("a", 60_001).err()), (refused, refused));
        assert_eq!((remote.capture(0).err(), remote.capture(u32::MAX).err()), (refused, refused));
        assert_eq!((remote.playback(&large).err(), remote.raise("a", &large).err()), (refused, refused));
        assert_eq!(remote.invoke(Kind::Model, "a", &large).err(), refused);
    }

    #[test]
    fn what_takes_time_is_told_from_the_rest() {
        let mut machine = Machine { cache: Exact::new(0, 0), has_cache: true };
        let server = Server::new(all(), &mut machine);
        let bytes = |request: Optional<'_>| postcard::to_allocvec(&Request::Optional(request)).unwrap();
        let invoke = bytes(Optional::Invoke(Kind::Model, "m", b"x"));
        assert_eq!(server.slow(&invoke), Some(Slow::Invoke { kind: Kind::Model, name: "m", input: b"x" }));
        let command = bytes(Optional::Command(7, "{}"));
        assert_eq!(server.slow(&command), Some(Slow::Command { lock: 7, action: "{}" }));
        assert_eq!(server.slow(&bytes(Optional::Read("oven"))), None);
        let without = Server::new(Grants::default(), &mut machine);
        assert_eq!(without.slow(&invoke), None, "what is not allowed takes no time");
        assert_eq!(reply_of(Ok(b"Model m x".to_vec())), server.serve(&invoke, &mut machine));
    }
}
