//! A space: what it may do, what it holds, and the functions of the Guest ABI.

use crate::mail::Next;
use crate::memory::{GuestMemory, by_index, bytes, check, give, unsigned};
use crate::world::World;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sci::guest::{self, ErrorCode, Function, GuestCapability, Role, blob_mode, number};
use sci::limits::guest as limits;

/// The capabilities that a space holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants(u64);

impl Grants {
    /// Those of a mask of [`GuestCapability::bit`].
    pub fn of(mask: u64) -> Self {
        Self(mask)
    }

    /// With one more.
    #[must_use]
    pub fn with(self, capability: GuestCapability) -> Self {
        Self(self.0 | capability.bit())
    }

    /// Whether it is among them.
    pub fn holds(self, capability: GuestCapability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// As a mask of [`GuestCapability::bit`].
    pub fn mask(self) -> u64 {
        self.0
    }
}

/// A call that ends the space: a capability was used that it does not hold.
#[derive(Clone, Copy, Debug)]
pub struct Violation {
    /// What was called.
    pub function: &'static Function,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Function { module, item, .. } = self.function;
        write!(formatter, "capability violation: `{module}.{item}` was called without its capability")
    }
}

/// An open blob.
struct Blob {
    key: String,
    content: Vec<u8>,
    /// Where the next read begins; `None` while it is written.
    position: Option<usize>,
}

/// A space.
pub struct Space {
    pub(crate) name: String,
    pub(crate) grants: Grants,
    /// When the activation began: what a clock without its capability shows.
    pub(crate) began: (u64, u64),
    pub(crate) seed: u64,
    /// What the space's launcher gives as arguments, and as environment: `NAME=value`.
    pub arguments: Vec<String>,
    /// See `arguments`.
    pub environment: Vec<String>,
    /// Unfinished lines of the log, by descriptor.
    pub(crate) lines: [Vec<u8>; 2],
    /// What `mem.take` fetches.
    pub(crate) kept: Option<Vec<u8>>,
    blobs: BTreeMap<u32, Blob>,
    next_blob: u32,
}

impl Space {
    /// A space of a name with these capabilities; `seed` is what its random numbers follow from without theirs.
    pub fn new(name: &str, grants: Grants, seed: u64, world: &mut dyn World) -> Self {
        Self {
            name: name.into(),
            grants,
            began: (world.realtime(), world.monotonic()),
            seed,
            arguments: Vec::new(),
            environment: Vec::new(),
            lines: [Vec::new(), Vec::new()],
            kept: None,
            blobs: BTreeMap::new(),
            next_blob: FIRST_BLOB,
        }
    }

    /// Serves a call of the Guest ABI. Arguments are as many as the function has.
    pub fn call(
        &mut self,
        function: &'static Function,
        arguments: &[i32],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<i32, Violation> {
        if !function.allowed(self.grants.mask()) {
            return Err(Violation { function });
        }
        if !is_served(function, world) {
            return Ok(ErrorCode::Unsupported.number());
        }
        let answer = check_arguments(function, arguments, memory)
            .and_then(|()| self.serve(function, arguments, memory, world));
        Ok(answer.unwrap_or_else(ErrorCode::number))
    }

    fn serve(
        &mut self,
        function: &Function,
        arguments: &[i32],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<i32, ErrorCode> {
        let argument = by_index(arguments);
        match function.number {
            number::SYS_LOG => {
                let line = text(memory, argument(0), argument(1), limits::LOG_LINE_BYTES_MAX)?;
                world.log(&line);
                Ok(0)
            }
            number::SYS_SLEEP => {
                let milliseconds = milliseconds(argument(0), limits::SLEEP_MILLISECONDS_MAX)?;
                if world.sleep(u64::from(milliseconds) * 1_000_000) { Ok(0) } else { Err(ErrorCode::Closed) }
            }
            number::SYS_YIELD => {
                world.pause();
                Ok(0)
            }
            number::SYS_SELF_EMIT => {
                let message = bytes(memory, argument(0), argument(1), limits::MESSAGE_BYTES_MAX)?;
                world.mail().emit_self(&message)?;
                Ok(0)
            }
            number::NET_EMIT_TO => {
                let to = name(memory, argument(0), argument(1), limits::NAME_BYTES_MAX)?;
                let message = bytes(memory, argument(2), argument(3), limits::MESSAGE_BYTES_MAX)?;
                world.mail().emit(&to, &message)?;
                Ok(0)
            }
            number::NET_RECV_NEXT => match world.mail().receive(unsigned(argument(1)))? {
                Next::Nothing => Err(ErrorCode::WouldBlock),
                Next::Message(message) => give(memory, argument(0), argument(1), &message),
                Next::Larger(bytes) => i32::try_from(bytes).map_err(|_| ErrorCode::TooLarge),
            },
            number::NET_MESSAGE_INFO => {
                let info = world.mail().info().ok_or(ErrorCode::NotFound)?;
                give(memory, argument(0), argument(1), info.as_bytes())
            }
            number::NODE_INFO => give(memory, argument(0), argument(1), world.node_info().as_bytes()),
            number::MEM_TAKE => {
                let Some(kept) = self.kept.take() else { return Err(ErrorCode::NotFound) };
                let answer = give(memory, argument(0), argument(1), &kept);
                if answer.is_ok_and(|bytes| i64::from(bytes) > unsigned(argument(1)).cast_signed()) {
                    self.kept = Some(kept);
                }
                answer
            }
            number::Z_VERSION => Ok(guest::VERSIONS.len() as i32),
            number::Z_HAS => {
                let name = text(memory, argument(0), argument(1), limits::NAME_BYTES_MAX)?;
                Ok(i32::from(guest::by_name(&name).is_some_and(|function| is_served(function, world))))
            }
            _ => self.data(function, arguments, memory, world),
        }
    }

    fn data(
        &mut self,
        function: &Function,
        arguments: &[i32],
        memory: &mut dyn GuestMemory,
        world: &mut dyn World,
    ) -> Result<i32, ErrorCode> {
        let argument = by_index(arguments);
        match function.number {
            number::DATA_GET => {
                let key = name(memory, argument(0), argument(1), limits::KEY_BYTES_MAX)?;
                let value = world.store().get(&key)?.ok_or(ErrorCode::NotFound)?;
                if value.len() as u64 > u64::from(limits::VALUE_BYTES_MAX) {
                    return Err(ErrorCode::TooLarge);
                }
                give(memory, argument(2), argument(3), &value)
            }
            number::DATA_PUT => {
                let key = name(memory, argument(0), argument(1), limits::KEY_BYTES_MAX)?;
                let value = bytes(memory, argument(2), argument(3), limits::VALUE_BYTES_MAX)?;
                world.store().put(&key, &value)?;
                Ok(0)
            }
            number::DATA_DELETE => {
                let key = name(memory, argument(0), argument(1), limits::KEY_BYTES_MAX)?;
                Ok(i32::from(world.store().delete(&key)?))
            }
            number::DATA_LIST => list(arguments, memory, world),
            number::DATA_BLOB_OPEN => {
                let key = name(memory, argument(0), argument(1), limits::KEY_BYTES_MAX)?;
                self.open(key, argument(2).cast_unsigned(), world)
            }
            number::DATA_BLOB_READ => {
                let blob = self.blob(argument(0))?;
                let position = blob.position.as_mut().ok_or(ErrorCode::Denied)?;
                let capacity = unsigned(argument(2)).min(u64::from(limits::CHUNK_BYTES_MAX)) as usize;
                if capacity == 0 {
                    return Err(ErrorCode::Invalid);
                }
                let end = blob.content.len().min(*position + capacity);
                let answer = give(memory, argument(1), argument(2), &blob.content[*position..end])?;
                *position = end;
                Ok(answer)
            }
            number::DATA_BLOB_WRITE => {
                let chunk = bytes(memory, argument(1), argument(2), limits::CHUNK_BYTES_MAX)?;
                let blob = self.blob(argument(0))?;
                if blob.position.is_some() {
                    return Err(ErrorCode::Denied);
                }
                if blob.content.len() + chunk.len() > BLOB_BYTES_MAX {
                    return Err(ErrorCode::Quota);
                }
                blob.content.try_reserve(chunk.len()).map_err(|_| ErrorCode::Quota)?;
                blob.content.extend(chunk);
                Ok(0)
            }
            number::DATA_BLOB_CLOSE => {
                let handle = argument(0);
                self.blob(handle)?;
                let commits = match argument(1) {
                    0 => false,
                    1 => true,
                    _ => return Err(ErrorCode::Invalid),
                };
                let blob = self.blobs.remove(&handle.cast_unsigned()).ok_or_else(|| self.no_blob(handle))?;
                if commits && blob.position.is_none() {
                    world.store().put(&blob.key, &blob.content)?;
                }
                Ok(0)
            }
            _ => self.serve_optional(function, arguments, memory, world),
        }
    }

    fn blob(&mut self, handle: i32) -> Result<&mut Blob, ErrorCode> {
        let absent = self.no_blob(handle);
        self.blobs.get_mut(&handle.cast_unsigned()).ok_or(absent)
    }

    /// Why no blob has the handle: it was closed, or never given.
    fn no_blob(&self, handle: i32) -> ErrorCode {
        let was_given = (FIRST_BLOB..self.next_blob).contains(&handle.cast_unsigned());
        if was_given { ErrorCode::Closed } else { ErrorCode::Invalid }
    }

    fn open(&mut self, key: String, mode: u32, world: &mut dyn World) -> Result<i32, ErrorCode> {
        let needed = match mode {
            blob_mode::READ => GuestCapability::DataRead,
            blob_mode::WRITE => GuestCapability::DataWrite,
            _ => return Err(ErrorCode::Invalid),
        };
        if !self.grants.holds(needed) {
            return Err(ErrorCode::Denied);
        }
        if self.blobs.len() as u64 == u64::from(limits::OPEN_BLOBS_MAX) {
            return Err(ErrorCode::Quota);
        }
        let blob = if mode == blob_mode::READ {
            let content = world.store().get(&key)?.ok_or(ErrorCode::NotFound)?;
            Blob { key, content, position: Some(0) }
        } else {
            Blob { key, content: Vec::new(), position: None }
        };
        let handle = self.next_blob;
        self.next_blob = self.next_blob.checked_add(1).ok_or(ErrorCode::Quota)?;
        self.blobs.insert(handle, blob);
        i32::try_from(handle).map_err(|_| ErrorCode::Quota)
    }

    /// Ends lines of the log that no newline has ended.
    pub fn flush(&mut self, world: &mut dyn World) {
        for line in &mut self.lines {
            if !line.is_empty() {
                world.log(&String::from_utf8_lossy(line));
                line.clear();
            }
        }
    }
}

/// Whether this table and this host serve a function.
fn is_served(function: &Function, world: &mut dyn World) -> bool {
    function.served && world.serves(function)
}

/// A handle is above 0.
const FIRST_BLOB: u32 = 1;

/// Bytes of a blob that a space writes: it is held until it is closed.
pub(crate) const BLOB_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Lengths against their limits, then addresses, then text, as the ABI's order of checks says.
fn check_arguments(
    function: &Function,
    arguments: &[i32],
    memory: &dyn GuestMemory,
) -> Result<(), ErrorCode> {
    let parameters = function.signature.parameters;
    for (parameter, value) in parameters.iter().zip(arguments) {
        if let Role::Length(most) = parameter.role
            && unsigned(*value) > u64::from(most)
        {
            return Err(ErrorCode::TooLarge);
        }
    }
    for (at, pair) in parameters.windows(2).enumerate() {
        let ranged = matches!(
            (pair[0].role, pair[1].role),
            (Role::Text | Role::Bytes, Role::Length(_)) | (Role::Out, Role::Capacity)
        );
        if let (true, Some([start, length])) = (ranged, arguments.get(at..at + 2)) {
            check(memory, *start, unsigned(*length))?;
        }
    }
    Ok(())
}

pub(crate) fn text(memory: &dyn GuestMemory, at: i32, length: i32, most: u32) -> Result<String, ErrorCode> {
    String::from_utf8(bytes(memory, at, length, most)?).map_err(|_| ErrorCode::Malformed)
}

/// Text that is not empty: a name, an id, a key.
pub(crate) fn name(memory: &dyn GuestMemory, at: i32, length: i32, most: u32) -> Result<String, ErrorCode> {
    let name = text(memory, at, length, most)?;
    if name.is_empty() { Err(ErrorCode::Invalid) } else { Ok(name) }
}

/// A time, at most so long.
pub(crate) fn milliseconds(value: i32, most: u32) -> Result<u32, ErrorCode> {
    Some(value.cast_unsigned()).filter(|milliseconds| *milliseconds <= most).ok_or(ErrorCode::Invalid)
}

/// Writes as many keys as fit, each as its length and its text.
fn list(arguments: &[i32], memory: &mut dyn GuestMemory, world: &mut dyn World) -> Result<i32, ErrorCode> {
    let argument = by_index(arguments);
    let prefix = text(memory, argument(0), argument(1), limits::KEY_BYTES_MAX)?;
    let mut after = text(memory, argument(2), argument(3), limits::KEY_BYTES_MAX)?;
    let capacity = unsigned(argument(5));
    let mut written = Vec::new();
    while let Some(key) = world.store().next(&prefix, &after)? {
        let needed = size_of::<u32>() + key.len();
        if (written.len() + needed) as u64 > capacity {
            if written.is_empty() {
                return i32::try_from(needed).map_err(|_| ErrorCode::TooLarge);
            }
            break;
        }
        written.try_reserve(needed).map_err(|_| ErrorCode::Quota)?;
        written.extend((key.len() as u32).to_le_bytes());
        written.extend(key.as_bytes());
        after = key;
    }
    give(memory, argument(4), argument(5), &written)
}
