//! The effects of a space's calls as messages: a space in one realm or process, the machine's effects in another.
//!
//! The side of the space is not trusted: [`Server`] checks each request against the grants and the limits before it
//! acts, and answers what it refuses like an effect that failed.

mod desk;
mod optional;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Kept, MESSAGE_BYTES_MAX, PART_BYTES, Parts, TooLarge, exchange};
pub use optional::{Slow, reply_of};

use crate::agents::Agents;
use crate::cache::Cache;
use crate::data::{Store, StoreError};
use crate::devices::{Audio, Devices};
use crate::events::Events;
use crate::mail::{Mail, MailError, Next};
use crate::memory::{copied, room};
use crate::space::{BLOB_BYTES_MAX, Grants};
use crate::world::World;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use optional::Optional;
use sci::guest::{Function, GuestCapability, SENDER};
use sci::limits::guest as limits;
use serde::{Deserialize, Serialize};

/// Bytes of a line of the log: each byte that is no text has become a character of three.
const LINE_BYTES_MAX: usize = 3 * limits::LOG_LINE_BYTES_MAX as usize;
/// Random bytes that one request draws.
const RANDOM_BYTES_MAX: u32 = 4096;

/// What a space asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Request<'r> {
    Log(&'r str),
    Realtime,
    Random(u32),
    NodeInfo,
    Get(&'r str),
    Put(&'r str, &'r [u8]),
    Delete(&'r str),
    /// The prefix, and the key before.
    Next(&'r str, &'r str),
    /// Where to, and what.
    Emit(&'r str, &'r [u8]),
    EmitSelf(&'r [u8]),
    /// Bytes that there is room for.
    Receive(u64),
    Info,
    /// How many times something arrived, and whether the message that was brought last was left.
    Wait(u32, bool),
    /// What a host may lack.
    Optional(Optional<'r>),
}

/// What it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Reply<'r> {
    /// The request is none, or its capability is missing.
    Refused,
    Done,
    /// A time, or whether a key was there.
    Number(u64),
    Bytes(&'r [u8]),
    Text(&'r str),
    Absent,
    Failed(StoreError),
    Undelivered(MailError),
    /// An error code of the Guest ABI.
    Code(i32),
    /// It was begun: [`Optional::Result`] fetches what comes of it.
    Later,
}

/// The way to the other side, and what needs none.
pub trait Channel {
    /// Sends a request and waits for the reply; `Full` where the request is larger than the way allows.
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError>;
    /// As [`Channel::call`] for a request that has no reply until something arrives. A note says the same: it may be left
    /// instead where the other side looks for it.
    fn wait(&mut self, request: &[u8], _note: u32) -> Result<Vec<u8>, StoreError> {
        self.call(request)
    }
    /// Waits before the result is asked for of what the other side has begun; which may be before it is there.
    fn attend(&mut self) {}
    /// As [`World::monotonic`].
    fn monotonic(&mut self) -> u64;
    /// As [`World::sleep`].
    fn sleep(&mut self, nanoseconds: u64) -> bool;
    /// As [`World::pause`].
    fn pause(&mut self);
}

/// A world whose effects are at the other end of a channel.
#[derive(Debug)]
pub struct Remote<C> {
    channel: C,
    /// Which functions the other side serves, by their numbers, once it was asked.
    served: Option<u64>,
    /// A message that came with the news that there is one, until the space takes it.
    brought: Option<Vec<u8>>,
    /// How many times something arrived.
    arrivals: u32,
}

impl<C: Channel> Remote<C> {
    /// Over this channel.
    pub fn new(channel: C) -> Self {
        Self { channel, served: None, brought: None, arrivals: 0 }
    }

    /// Sends a request and gives what `read` makes of the reply; a reply that is none is a failure.
    fn ask<T>(
        &mut self,
        request: Request<'_>,
        read: impl FnOnce(Reply<'_>) -> Option<T>,
    ) -> Result<T, StoreError> {
        let request = encode(&request, request.bytes()).ok_or(StoreError::Full)?;
        understand(&self.channel.call(&request)?, read)
    }

    /// Waits until something arrives: whether it does, and the message if it is brought.
    fn arrival(&mut self) -> Result<(bool, Option<Vec<u8>>), StoreError> {
        let wait = Wait { arrivals: self.arrivals, is_left: self.brought.is_some() };
        let request = Request::Wait(wait.arrivals, wait.is_left);
        let request = encode(&request, 0).ok_or(StoreError::Full)?;
        let reply = self.channel.wait(&request, wait.note())?;
        self.arrivals = self.arrivals.wrapping_add(1);
        understand(&reply, |reply| match reply {
            Reply::Number(is_there) => Some((is_there != 0, None)),
            Reply::Bytes(message) => copied(message).map(|message| (true, Some(message))),
            _ => None,
        })
    }
}

impl<C: Channel> World for Remote<C> {
    fn log(&mut self, line: &str) {
        // A line that does not arrive is lost, as the guest is told of none.
        self.ask(Request::Log(line), |_| Some(())).ok();
    }

    fn realtime(&mut self) -> u64 {
        self.ask(Request::Realtime, number).unwrap_or_default()
    }

    fn monotonic(&mut self) -> u64 {
        self.channel.monotonic()
    }

    fn sleep(&mut self, nanoseconds: u64) -> bool {
        self.channel.sleep(nanoseconds)
    }

    fn pause(&mut self) {
        self.channel.pause();
    }

    fn random(&mut self, bytes: &mut [u8]) -> bool {
        bytes.chunks_mut(RANDOM_BYTES_MAX as usize).all(|piece| {
            let drawn = self.ask(Request::Random(piece.len() as u32), |reply| match reply {
                Reply::Bytes(drawn) if drawn.len() == piece.len() => {
                    piece.copy_from_slice(drawn);
                    Some(())
                }
                _ => None,
            });
            drawn.is_ok()
        })
    }

    fn node_info(&mut self) -> String {
        self.ask(Request::NodeInfo, text).unwrap_or_default()
    }

    fn store(&mut self) -> &mut dyn Store {
        self
    }

    fn mail(&mut self) -> &mut dyn Mail {
        self
    }

    fn cache(&mut self) -> Option<&mut dyn Cache> {
        Some(self)
    }

    fn devices(&mut self) -> Option<&mut dyn Devices> {
        Some(self)
    }

    fn audio(&mut self) -> Option<&mut dyn Audio> {
        Some(self)
    }

    fn events(&mut self) -> Option<&mut dyn Events> {
        Some(self)
    }

    fn agents(&mut self) -> Option<&mut dyn Agents> {
        Some(self)
    }

    fn serves(&mut self, function: &Function) -> bool {
        self.serves_function(function)
    }
}

impl<C: Channel> Remote<C> {
    /// As [`Remote::ask`], where the reply may be that a message was not delivered.
    fn ask_mail<T>(
        &mut self,
        request: Request<'_>,
        read: impl FnOnce(Reply<'_>) -> Option<T>,
    ) -> Result<T, MailError> {
        let read = |reply: Reply<'_>| match reply {
            Reply::Undelivered(error) => Some(Err(error)),
            reply => read(reply).map(Ok),
        };
        self.ask(request, read).unwrap_or(Err(MailError::Failed))
    }
}

impl<C: Channel> Mail for Remote<C> {
    fn emit(&mut self, to: &str, message: &[u8]) -> Result<(), MailError> {
        if to == SENDER && self.brought.is_some() {
            // The other side takes the message to be in process already.
            return Err(MailError::NoPath);
        }
        self.ask_mail(Request::Emit(to, message), done)
    }

    fn emit_self(&mut self, message: &[u8]) -> Result<(), MailError> {
        self.ask_mail(Request::EmitSelf(message), done)
    }

    fn receive(&mut self, capacity: u64) -> Result<Next, MailError> {
        let bytes = self.brought.as_ref().map(|message| message.len() as u64);
        if let Some(bytes) = bytes.filter(|bytes| *bytes > capacity) {
            return Ok(Next::Larger(bytes));
        }
        if let Some(message) = self.brought.take() {
            return Ok(Next::Message(message));
        }
        self.ask_mail(Request::Receive(capacity), |reply| match reply {
            Reply::Absent => Some(Next::Nothing),
            Reply::Number(bytes) => Some(Next::Larger(bytes)),
            Reply::Bytes(message) if message.len() as u64 <= capacity => copied(message).map(Next::Message),
            _ => None,
        })
    }

    fn info(&mut self) -> Option<String> {
        if self.brought.is_some() {
            return None;
        }
        self.ask(Request::Info, text).ok()
    }

    fn wait(&mut self) -> bool {
        let (is_there, message) = self.arrival().unwrap_or_default();
        self.brought = message.or(self.brought.take());
        is_there
    }
}

impl<C: Channel> Store for Remote<C> {
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(Request::Get(key), |reply| match reply {
            Reply::Bytes(value) => copied(value).map(Some),
            Reply::Absent => Some(None),
            _ => None,
        })
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.ask(Request::Put(key, value), done)
    }

    fn delete(&mut self, key: &str) -> Result<bool, StoreError> {
        self.ask(Request::Delete(key), number).map(|found| found != 0)
    }

    fn next(&mut self, prefix: &str, after: &str) -> Result<Option<String>, StoreError> {
        self.ask(Request::Next(prefix, after), |reply| match reply {
            Reply::Absent => Some(None),
            reply => text(reply).map(Some),
        })
    }
}

/// What `read` makes of a reply.
fn understand<T>(reply: &[u8], read: impl FnOnce(Reply<'_>) -> Option<T>) -> Result<T, StoreError> {
    match postcard::from_bytes(reply) {
        Ok(Reply::Failed(error)) => Err(error),
        Ok(reply) => read(reply).ok_or(StoreError::Failed),
        Err(_) => Err(StoreError::Failed),
    }
}

fn done(reply: Reply<'_>) -> Option<()> {
    (reply == Reply::Done).then_some(())
}

fn number(reply: Reply<'_>) -> Option<u64> {
    match reply {
        Reply::Number(number) => Some(number),
        _ => None,
    }
}

fn text(reply: Reply<'_>) -> Option<String> {
    match reply {
        Reply::Text(text) => Some(text.into()),
        _ => None,
    }
}

/// The side that acts.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    grants: Grants,
    /// When the activation began: what a space sees that may not tell the time.
    began: u64,
}

impl Server {
    /// For a space with these grants, whose activation begins now.
    pub fn new(grants: Grants, world: &mut dyn World) -> Self {
        Self { grants, began: world.realtime() }
    }

    /// For a space with these grants, of whose requests only [values](Concern::Values) are served here.
    pub fn of_values(grants: Grants) -> Self {
        Self { grants, began: 0 }
    }

    /// The request, if it is one and the space may make it.
    fn read<'r>(&self, request: &'r [u8]) -> Option<Request<'r>> {
        let (request, rest) = postcard::take_from_bytes(request).ok()?;
        (rest.is_empty() && self.allows(&request) && is_bounded(&request)).then_some(request)
    }

    /// Carries a request out if it is one and the space may make it.
    pub fn serve(&self, request: &[u8], world: &mut dyn World) -> Vec<u8> {
        let Some(request) = self.read(request) else { return answer(Reply::Refused) };
        match request {
            Request::Log(line) => {
                world.log(line);
                answer(Reply::Done)
            }
            Request::Realtime if self.grants.holds(GuestCapability::Clock) => {
                answer(Reply::Number(world.realtime()))
            }
            Request::Realtime => answer(Reply::Number(self.began)),
            Request::Random(count) => {
                let mut bytes = vec![0; count as usize];
                answer(if world.random(&mut bytes) { Reply::Bytes(&bytes) } else { Reply::Refused })
            }
            Request::NodeInfo => answer(Reply::Text(&world.node_info())),
            Request::Get(_) | Request::Put(..) | Request::Delete(_) | Request::Next(..) => {
                serve_values(request, world.store())
            }
            Request::Emit(to, message) => sent(world.mail().emit(to, message)),
            Request::EmitSelf(message) => sent(world.mail().emit_self(message)),
            Request::Receive(capacity) => match world.mail().receive(capacity) {
                Ok(Next::Nothing) => answer(Reply::Absent),
                Ok(Next::Message(message)) => answer(Reply::Bytes(&message)),
                Ok(Next::Larger(bytes)) => answer(Reply::Number(bytes)),
                Err(error) => answer(Reply::Undelivered(error)),
            },
            Request::Info => answer(world.mail().info().as_deref().map_or(Reply::Absent, Reply::Text)),
            Request::Wait(..) => arrived(world.mail().wait()),
            Request::Optional(optional) => optional.serve(world),
        }
    }

    /// Carries a request out that [concerns](concerns) values.
    pub fn serve_values(&self, request: &[u8], store: &mut dyn Store) -> Vec<u8> {
        self.read(request).map_or_else(|| answer(Reply::Refused), |request| serve_values(request, store))
    }

    /// Carries a request out that [concerns](concerns) the intelligence cache.
    pub fn serve_cache(&self, request: &[u8], cache: &mut dyn Cache, now: u64) -> Vec<u8> {
        match self.read(request) {
            Some(Request::Optional(optional)) => optional.serve_cache(cache, now),
            _ => answer(Reply::Refused),
        }
    }

    /// The key of a request of the intelligence cache that the space may make, and whether a value is to be kept for it.
    pub fn cache_key<'r>(&self, request: &'r [u8]) -> Option<(&'r str, bool)> {
        match self.read(request)? {
            Request::Optional(Optional::Lookup(key)) => Some((key, false)),
            Request::Optional(Optional::Keep(key, ..)) => Some((key, true)),
            _ => None,
        }
    }

    fn allows(&self, request: &Request<'_>) -> bool {
        request.needs().is_none_or(|needed| self.grants.holds(needed))
    }
}

impl Request<'_> {
    fn needs(&self) -> Option<GuestCapability> {
        Some(match self {
            Request::Log(_) => GuestCapability::SysLog,
            Request::Realtime | Request::Wait(..) => return None,
            Request::Random(_) => GuestCapability::Random,
            Request::NodeInfo => GuestCapability::NodeInfo,
            Request::Get(_) => GuestCapability::DataRead,
            Request::Put(..) => GuestCapability::DataWrite,
            Request::Delete(_) => GuestCapability::DataDelete,
            Request::Next(..) => GuestCapability::DataList,
            Request::Emit(..) | Request::EmitSelf(_) => GuestCapability::NetEmitTo,
            Request::Receive(_) | Request::Info => GuestCapability::NetRecvNext,
            Request::Optional(optional) => return optional.capability(),
        })
    }
}

/// How a space waits for something to process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How many times something arrived: a wait that says less is over.
    pub arrivals: u32,
    /// Whether the message that was brought last was left: it is brought already. Else the space is done with the last.
    pub is_left: bool,
}

impl Wait {
    /// As a note: the lowest bit is whether a message was left.
    fn note(self) -> u32 {
        self.arrivals << 1 | u32::from(self.is_left)
    }

    /// What a note says.
    pub fn noted(note: u32) -> Self {
        Self { arrivals: note >> 1, is_left: note & 1 == 1 }
    }

    /// Whether something arrived so many times, as far as a note can tell.
    pub fn is_after(self, arrivals: u32) -> bool {
        self.arrivals << 1 == arrivals << 1
    }
}

/// What a request is about, for whoever serves some requests elsewhere than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Values: [`Server::serve_values`] is enough.
    Values,
    /// The intelligence cache: [`Server::serve_cache`] is enough.
    Cache,
    /// The next message to process: the space waits until it has [`arrived`] or is [`brought`].
    Arrival(Wait),
    /// What comes of an invocation that was begun: [`reply_of`] it, or [`later`].
    Result,
    /// Anything else.
    Other,
}

/// What a request is about.
pub fn concerns(request: &[u8]) -> Concern {
    match postcard::from_bytes(request) {
        Ok(Request::Get(_) | Request::Put(..) | Request::Delete(_) | Request::Next(..)) => Concern::Values,
        Ok(Request::Optional(Optional::Lookup(_) | Optional::Keep(..))) => Concern::Cache,
        Ok(Request::Wait(arrivals, is_left)) => Concern::Arrival(Wait { arrivals, is_left }),
        Ok(Request::Optional(Optional::Result)) => Concern::Result,
        _ => Concern::Other,
    }
}

/// The capability that a request uses, if it needs one.
pub fn capability(request: &[u8]) -> Option<GuestCapability> {
    postcard::from_bytes::<Request<'_>>(request).ok()?.needs()
}

/// The reply to a space whose invocation was begun, or goes on.
pub fn later() -> Vec<u8> {
    answer(Reply::Later)
}

/// Whether a reply says that a space wanted to store more than it may.
pub fn is_beyond(reply: &[u8]) -> bool {
    matches!(postcard::from_bytes(reply), Ok(Reply::Failed(StoreError::Beyond)))
}

/// Whether a reply says that there was no room for a space's message.
pub fn is_full(reply: &[u8]) -> bool {
    matches!(postcard::from_bytes(reply), Ok(Reply::Undelivered(MailError::Full)))
}

/// The reply to a space that waits for a message: one has arrived, or none will and the space is to end.
pub fn arrived(is_there: bool) -> Vec<u8> {
    answer(Reply::Number(is_there.into()))
}

/// The reply to a space that waits for a message: this one, which was taken for it.
pub fn brought(message: &[u8]) -> Vec<u8> {
    answer(Reply::Bytes(message))
}

fn serve_values(request: Request<'_>, store: &mut dyn Store) -> Vec<u8> {
    match request {
        Request::Get(key) => match store.get(key) {
            Ok(value) => answer(value.as_deref().map_or(Reply::Absent, Reply::Bytes)),
            Err(error) => answer(Reply::Failed(error)),
        },
        Request::Put(key, value) => {
            answer(store.put(key, value).map_or_else(Reply::Failed, |()| Reply::Done))
        }
        Request::Delete(key) => {
            let found = store.delete(key);
            answer(found.map_or_else(Reply::Failed, |found| Reply::Number(found.into())))
        }
        Request::Next(prefix, after) => match store.next(prefix, after) {
            Ok(key) => answer(key.as_deref().map_or(Reply::Absent, Reply::Text)),
            Err(error) => answer(Reply::Failed(error)),
        },
        _ => answer(Reply::Refused),
    }
}

/// Whether it is within the limits that a space's own side keeps.
fn is_bounded(request: &Request<'_>) -> bool {
    let is_key = |key: &str| (1..=limits::KEY_BYTES_MAX as usize).contains(&key.len());
    match *request {
        Request::Optional(ref optional) => optional.is_bounded(),
        Request::Log(line) => line.len() <= LINE_BYTES_MAX,
        Request::Realtime | Request::NodeInfo | Request::Receive(_) | Request::Info | Request::Wait(..) => {
            true
        }
        Request::Emit(to, message) => {
            to.len() <= limits::NAME_BYTES_MAX as usize && message.len() <= limits::MESSAGE_BYTES_MAX as usize
        }
        Request::EmitSelf(message) => message.len() <= limits::MESSAGE_BYTES_MAX as usize,
        Request::Random(count) => count <= RANDOM_BYTES_MAX,
        Request::Get(key) | Request::Delete(key) => is_key(key),
        Request::Put(key, value) => is_key(key) && value.len() <= BLOB_BYTES_MAX,
        Request::Next(prefix, after) => {
            prefix.len() <= limits::KEY_BYTES_MAX as usize && after.len() <= limits::KEY_BYTES_MAX as usize
        }
    }
}

/// Bytes of a message without its texts: a variant, and a number or the lengths of two texts.
const FIXED_BYTES_MAX: usize = 32;

impl Request<'_> {
    /// Bytes of its texts.
    fn bytes(&self) -> usize {
        match *self {
            Self::Realtime
            | Self::Random(_)
            | Self::NodeInfo
            | Self::Receive(_)
            | Self::Info
            | Self::Wait(..) => 0,
            Self::Emit(to, message) => to.len() + message.len(),
            Self::EmitSelf(message) => message.len(),
            Self::Log(text) | Self::Get(text) | Self::Delete(text) => text.len(),
            Self::Put(key, value) => key.len() + value.len(),
            Self::Next(prefix, after) => prefix.len() + after.len(),
            Self::Optional(optional) => optional.bytes(),
        }
    }
}

/// A message with so many bytes of texts; `None` where there is no room for it.
fn encode(message: &impl Serialize, bytes: usize) -> Option<Vec<u8>> {
    let mut room = room(bytes + FIXED_BYTES_MAX)?;
    room.resize(bytes + FIXED_BYTES_MAX, 0);
    let used = postcard::to_slice(message, &mut room).ok()?.len();
    room.truncate(used);
    Some(room)
}

/// A reply; no bytes at all, where there is no room for it, read as a failure at the other end.
fn answer(reply: Reply<'_>) -> Vec<u8> {
    let bytes = match reply {
        Reply::Bytes(bytes) => bytes.len(),
        Reply::Text(text) => text.len(),
        Reply::Refused
        | Reply::Done
        | Reply::Number(_)
        | Reply::Absent
        | Reply::Failed(_)
        | Reply::Undelivered(_)
        | Reply::Code(_)
        | Reply::Later => 0,
    };
    encode(&reply, bytes).unwrap_or_default()
}

fn sent(result: Result<(), MailError>) -> Vec<u8> {
    answer(result.map_or_else(Reply::Undelivered, |()| Reply::Done))
}
