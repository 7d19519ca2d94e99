//! The Guest ABI, version 1: what a space imports from its host. Made by `space new` from the table
//! that hosts serve; docs/guest-abi.md describes it in full.
//! A result is 0 for success, below 0 an error code, above 0 bytes, a count or a handle. Where a
//! result does not fit `out`, the call answers the bytes that it needs, more than the buffer has,
//! and writes nothing. The host keeps no address past a call.
//! A space imports only what it uses, and is refused by name where that was not granted.
#![allow(dead_code)]

/// Error codes.
pub mod codes {
    /// An argument is outside what the function accepts: an empty key or name, an unknown mode, a
    /// time that is too long, a handle that was never given.
    pub const INVALID: i32 = -1;
    /// A pointer and its length leave the guest's memory.
    pub const FAULT: i32 = -2;
    /// Nothing is there under this key, name or id.
    pub const NOT_FOUND: i32 = -3;
    /// The capability is held, but not for this: no path leads there, or a blob is open the other
    /// way.
    pub const DENIED: i32 = -4;
    /// The function is in the table, but not in this host.
    pub const UNSUPPORTED: i32 = -5;
    /// A length is beyond its limit, or a value is too large for this function.
    pub const TOO_LARGE: i32 = -6;
    /// The space's quota is used up, or the storage is full.
    pub const QUOTA: i32 = -7;
    /// Another space holds it.
    pub const BUSY: i32 = -8;
    /// The other side is gone, or the handle was closed.
    pub const CLOSED: i32 = -9;
    /// Storage, a device or a service outside failed.
    pub const IO: i32 = -10;
    /// Nothing is waiting, or there is no room now.
    pub const WOULD_BLOCK: i32 = -11;
    /// The lease has ended.
    pub const EXPIRED: i32 = -12;
    /// Text is not UTF-8, or what should be JSON is not.
    pub const MALFORMED: i32 = -13;
}

/// What a call failed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An argument is outside what the function accepts: an empty key or name, an unknown mode, a
    /// time that is too long, a handle that was never given.
    Invalid,
    /// A pointer and its length leave the guest's memory.
    Fault,
    /// Nothing is there under this key, name or id.
    NotFound,
    /// The capability is held, but not for this: no path leads there, or a blob is open the other
    /// way.
    Denied,
    /// The function is in the table, but not in this host.
    Unsupported,
    /// A length is beyond its limit, or a value is too large for this function.
    TooLarge,
    /// The space's quota is used up, or the storage is full.
    Quota,
    /// Another space holds it.
    Busy,
    /// The other side is gone, or the handle was closed.
    Closed,
    /// Storage, a device or a service outside failed.
    Io,
    /// Nothing is waiting, or there is no room now.
    WouldBlock,
    /// The lease has ended.
    Expired,
    /// Text is not UTF-8, or what should be JSON is not.
    Malformed,
    /// A code that this table does not have.
    Other(i32),
}

impl Error {
    /// The error of a code, which is below 0.
    pub fn of(code: i32) -> Self {
        match code {
            -1 => Self::Invalid,
            -2 => Self::Fault,
            -3 => Self::NotFound,
            -4 => Self::Denied,
            -5 => Self::Unsupported,
            -6 => Self::TooLarge,
            -7 => Self::Quota,
            -8 => Self::Busy,
            -9 => Self::Closed,
            -10 => Self::Io,
            -11 => Self::WouldBlock,
            -12 => Self::Expired,
            -13 => Self::Malformed,
            other => Self::Other(other),
        }
    }

    /// Its code.
    pub fn code(self) -> i32 {
        match self {
            Self::Invalid => -1,
            Self::Fault => -2,
            Self::NotFound => -3,
            Self::Denied => -4,
            Self::Unsupported => -5,
            Self::TooLarge => -6,
            Self::Quota => -7,
            Self::Busy => -8,
            Self::Closed => -9,
            Self::Io => -10,
            Self::WouldBlock => -11,
            Self::Expired => -12,
            Self::Malformed => -13,
            Self::Other(code) => code,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Fault => "fault",
            Self::NotFound => "not-found",
            Self::Denied => "denied",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too-large",
            Self::Quota => "quota",
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Io => "io",
            Self::WouldBlock => "would-block",
            Self::Expired => "expired",
            Self::Malformed => "malformed",
            Self::Other(_) => "unknown",
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        to.write_str(self.name())
    }
}

/// Limits.
pub mod limits {
    /// Bytes of a message or an event.
    pub const MESSAGE_BYTES_MAX: usize = 65536;
    /// Bytes of a value; what is larger is a blob.
    pub const VALUE_BYTES_MAX: usize = 65536;
    /// Bytes of a key.
    pub const KEY_BYTES_MAX: usize = 512;
    /// Bytes of a name: destination, agent, event, sensor, actuator, function.
    pub const NAME_BYTES_MAX: usize = 255;
    /// Bytes of a log line.
    pub const LOG_LINE_BYTES_MAX: usize = 4096;
    /// Bytes of a specification, of options, of an action.
    pub const JSON_BYTES_MAX: usize = 16384;
    /// Bytes of what an agent or the intelligence cache is asked.
    pub const INPUT_BYTES_MAX: usize = 65536;
    /// Bytes of a result that the host keeps.
    pub const RESULT_BYTES_MAX: usize = 1048576;
    /// Bytes of a blob or of sound that one call takes or gives.
    pub const CHUNK_BYTES_MAX: usize = 65536;
    /// Blobs that a space may have open.
    pub const OPEN_BLOBS_MAX: usize = 16;
    /// Milliseconds of one `sys.sleep`.
    pub const SLEEP_MILLISECONDS_MAX: usize = 86400000;
    /// Milliseconds for which an actuator is locked.
    pub const LEASE_MILLISECONDS_MAX: usize = 60000;
    /// Buffers of one `fd_write`.
    pub const WASI_IOVECS_MAX: usize = 1024;
    /// Subscriptions of one `poll_oneoff`.
    pub const WASI_SUBSCRIPTIONS_MAX: usize = 64;
}

/// Log, waiting, messages to oneself.
pub mod sys {
    /// Writes a line to the space's log.
    /// Capability: `sys.log`.
    /// `line` has at most 4096 bytes.
    pub fn log(line: &str) -> i32 {
        unsafe { raw::log(line.as_ptr(), line.len()) }
    }

    /// Waits for so long.
    /// Capability: `sys.sleep`.
    /// `milliseconds` is at most 86400000.
    pub fn sleep(milliseconds: u32) -> i32 {
        unsafe { raw::sleep(milliseconds) }
    }

    /// Lets others run.
    /// Capability: `sys.yield`.
    pub fn r#yield() -> i32 {
        unsafe { raw::r#yield() }
    }

    /// Puts a message into the space's own queue.
    /// Capability: `net.emit_to`.
    /// `message` has at most 65536 bytes.
    pub fn self_emit(message: &[u8]) -> i32 {
        unsafe { raw::self_emit(message.as_ptr(), message.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "sys")]
        extern "C" {
            pub fn log(line_ptr: *const u8, line_len: usize) -> i32;
            pub fn sleep(milliseconds: u32) -> i32;
            pub fn r#yield() -> i32;
            pub fn self_emit(message_ptr: *const u8, message_len: usize) -> i32;
        }
    }
}

/// Messages along paths.
pub mod net {
    /// Sends a message to a path, to a space that one path leads to, to one instance of it as
    /// `name#instance`, or to `@sender` while a message is processed.
    /// Capability: `net.emit_to`.
    /// `to` has at most 255 bytes, `message` has at most 65536 bytes.
    pub fn emit_to(to: &str, message: &[u8]) -> i32 {
        unsafe { raw::emit_to(to.as_ptr(), to.len(), message.as_ptr(), message.len()) }
    }

    /// Takes the next message out of the space's queue; answers its bytes, `would-block` where none
    /// waits.
    /// Capability: `net.recv_next`.
    pub fn recv_next(out: &mut [u8]) -> i32 {
        unsafe { raw::recv_next(out.as_mut_ptr(), out.len()) }
    }

    /// Writes where the message taken last comes from, as JSON: `from`, a name or `@self`; `path`;
    /// `id` and `answers`, the number of the message that it answers or null, both as text; `time`
    /// in milliseconds since 1970, 0 where nobody tells it; answers its bytes, `not-found` before
    /// the first.
    /// Capability: `net.recv_next`.
    pub fn message_info(out: &mut [u8]) -> i32 {
        unsafe { raw::message_info(out.as_mut_ptr(), out.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "net")]
        extern "C" {
            pub fn emit_to(to_ptr: *const u8, to_len: usize, message_ptr: *const u8, message_len: usize) -> i32;
            pub fn recv_next(out: *mut u8, cap: usize) -> i32;
            pub fn message_info(out: *mut u8, cap: usize) -> i32;
        }
    }
}

/// Values and blobs by key.
pub mod data {
    /// Writes the value of a key; answers its bytes, `not-found` where there is none, `too-large`
    /// for a blob beyond a value's limit.
    /// Capability: `data.read`.
    /// `key` has at most 512 bytes.
    pub fn get(key: &str, out: &mut [u8]) -> i32 {
        unsafe { raw::get(key.as_ptr(), key.len(), out.as_mut_ptr(), out.len()) }
    }

    /// Gives a key its value; on return it is durable.
    /// Capability: `data.write`.
    /// `key` has at most 512 bytes, `value` has at most 65536 bytes.
    pub fn put(key: &str, value: &[u8]) -> i32 {
        unsafe { raw::put(key.as_ptr(), key.len(), value.as_ptr(), value.len()) }
    }

    /// Removes a key and its value or blob; answers how many there were, 0 or 1.
    /// Capability: `data.delete`.
    /// `key` has at most 512 bytes.
    pub fn delete(key: &str) -> i32 {
        unsafe { raw::delete(key.as_ptr(), key.len()) }
    }

    /// Writes the keys that begin with the prefix and come after the other key, in byte order and
    /// as many as fit, each as its length in four bytes, little-endian, and its text; answers the
    /// bytes written, 0 after the last key, and more than `cap` where not even one key fits.
    /// Capability: `data.list`.
    /// `prefix` has at most 512 bytes, `after` has at most 512 bytes.
    pub fn list(prefix: &str, after: &str, out: &mut [u8]) -> i32 {
        unsafe { raw::list(prefix.as_ptr(), prefix.len(), after.as_ptr(), after.len(), out.as_mut_ptr(), out.len()) }
    }

    /// Opens a blob, mode 0 to read and 1 to write anew; answers a handle above 0, `not-found`
    /// where there is nothing to read, `quota` where too many are open.
    /// Capability: `data.read` or `data.write`.
    /// `key` has at most 512 bytes.
    pub fn blob_open(key: &str, mode: u32) -> i32 {
        unsafe { raw::blob_open(key.as_ptr(), key.len(), mode) }
    }

    /// Writes the blob's next bytes, as many as fit; answers how many, 0 at its end; an empty
    /// buffer is `invalid`.
    /// Capability: `data.read`.
    pub fn blob_read(handle: i32, out: &mut [u8]) -> i32 {
        unsafe { raw::blob_read(handle, out.as_mut_ptr(), out.len()) }
    }

    /// Appends to the blob.
    /// Capability: `data.write`.
    /// `chunk` has at most 65536 bytes.
    pub fn blob_write(handle: i32, chunk: &[u8]) -> i32 {
        unsafe { raw::blob_write(handle, chunk.as_ptr(), chunk.len()) }
    }

    /// Closes a blob; with 1 what was written appears whole and is durable on return, with 0 it is
    /// dropped.
    /// Capability: `data.read` or `data.write`.
    pub fn blob_close(handle: i32, commit: u32) -> i32 {
        unsafe { raw::blob_close(handle, commit) }
    }

    mod raw {
        #[link(wasm_import_module = "data")]
        extern "C" {
            pub fn get(key_ptr: *const u8, key_len: usize, out: *mut u8, cap: usize) -> i32;
            pub fn put(key_ptr: *const u8, key_len: usize, value_ptr: *const u8, value_len: usize) -> i32;
            pub fn delete(key_ptr: *const u8, key_len: usize) -> i32;
            pub fn list(prefix_ptr: *const u8, prefix_len: usize, after_ptr: *const u8, after_len: usize, out: *mut u8, cap: usize) -> i32;
            pub fn blob_open(key_ptr: *const u8, key_len: usize, mode: u32) -> i32;
            pub fn blob_read(handle: i32, out: *mut u8, cap: usize) -> i32;
            pub fn blob_write(handle: i32, chunk_ptr: *const u8, chunk_len: usize) -> i32;
            pub fn blob_close(handle: i32, commit: u32) -> i32;
        }
    }
}

/// Agents: deterministic functions, agentic functions, language models.
pub mod agent {
    /// Calls a deterministic function; answers the bytes of its result, which `mem.take` fetches.
    /// Capability: `agent.invoke_df`.
    /// `name` has at most 255 bytes, `input` has at most 65536 bytes.
    pub fn invoke_df(name: &str, input: &[u8]) -> i32 {
        unsafe { raw::invoke_df(name.as_ptr(), name.len(), input.as_ptr(), input.len()) }
    }

    /// Lets a model choose among registered functions and calls the one chosen; answers the bytes
    /// of its result, which `mem.take` fetches.
    /// Capability: `agent.invoke_af`.
    /// `name` has at most 255 bytes, `input` has at most 65536 bytes.
    pub fn invoke_af(name: &str, input: &[u8]) -> i32 {
        unsafe { raw::invoke_af(name.as_ptr(), name.len(), input.as_ptr(), input.len()) }
    }

    /// Asks a language model; answers the bytes of its answer, which `mem.take` fetches.
    /// Capability: `agent.invoke_llm`.
    /// `name` has at most 255 bytes, `input` has at most 65536 bytes.
    pub fn invoke_llm(name: &str, input: &[u8]) -> i32 {
        unsafe { raw::invoke_llm(name.as_ptr(), name.len(), input.as_ptr(), input.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "agent")]
        extern "C" {
            pub fn invoke_df(name_ptr: *const u8, name_len: usize, input_ptr: *const u8, input_len: usize) -> i32;
            pub fn invoke_af(name_ptr: *const u8, name_len: usize, input_ptr: *const u8, input_len: usize) -> i32;
            pub fn invoke_llm(name_ptr: *const u8, name_len: usize, input_ptr: *const u8, input_len: usize) -> i32;
        }
    }
}

/// Events that recognizers compute.
pub mod events {
    /// Registers a recognizer, which emits this event of the space's, by its specification in JSON;
    /// another one for the event replaces it. `docs/devices.md` describes it.
    /// Capability: `events.register_recognizer`.
    /// `name` has at most 255 bytes, `spec` has at most 16384 bytes.
    pub fn register_recognizer(name: &str, spec: &str) -> i32 {
        unsafe { raw::register_recognizer(name.as_ptr(), name.len(), spec.as_ptr(), spec.len()) }
    }

    /// Asks for the events of a name; they arrive as messages whose path, in `net.message_info`, is
    /// `@events/` and the name. `not-found` where nothing emits them.
    /// Capability: `events.subscribe`.
    /// `name` has at most 255 bytes.
    pub fn subscribe(name: &str) -> i32 {
        unsafe { raw::subscribe(name.as_ptr(), name.len()) }
    }

    /// Emits an event that the space declares, to whoever asked for it; `denied` where the space
    /// does not declare it.
    /// Capability: `events.register_recognizer`.
    /// `name` has at most 255 bytes, `payload` has at most 65536 bytes.
    pub fn emit(name: &str, payload: &[u8]) -> i32 {
        unsafe { raw::emit(name.as_ptr(), name.len(), payload.as_ptr(), payload.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "events")]
        extern "C" {
            pub fn register_recognizer(name_ptr: *const u8, name_len: usize, spec_ptr: *const u8, spec_len: usize) -> i32;
            pub fn subscribe(name_ptr: *const u8, name_len: usize) -> i32;
            pub fn emit(name_ptr: *const u8, name_len: usize, payload_ptr: *const u8, payload_len: usize) -> i32;
        }
    }
}

/// The intelligence cache: answers of models, to be found again.
pub mod ic {
    /// Looks an answer up; answers its bytes, which `mem.take` fetches, `not-found` where there is
    /// none.
    /// Capability: `ic.lookup`.
    /// `key` has at most 65536 bytes.
    pub fn lookup(key: &str) -> i32 {
        unsafe { raw::lookup(key.as_ptr(), key.len()) }
    }

    /// Stores an answer for so long; 0 is until the cache needs the room.
    /// Capability: `ic.store`.
    /// `key` has at most 65536 bytes, `value` has at most 65536 bytes.
    pub fn store(key: &str, value: &[u8], seconds: u32) -> i32 {
        unsafe { raw::store(key.as_ptr(), key.len(), value.as_ptr(), value.len(), seconds) }
    }

    mod raw {
        #[link(wasm_import_module = "ic")]
        extern "C" {
            pub fn lookup(key_ptr: *const u8, key_len: usize) -> i32;
            pub fn store(key_ptr: *const u8, key_len: usize, value_ptr: *const u8, value_len: usize, seconds: u32) -> i32;
        }
    }
}

/// Inputs of any type; readings are JSON.
pub mod sensors {
    /// Asks for readings of a sensor, with options in JSON, which may be empty; `docs/devices.md`
    /// describes them.
    /// Capability: `sensors.subscribe`.
    /// `id` has at most 255 bytes, `options` has at most 16384 bytes.
    pub fn subscribe(id: &str, options: &str) -> i32 {
        unsafe { raw::subscribe(id.as_ptr(), id.len(), options.as_ptr(), options.len()) }
    }

    /// Takes the next reading of a sensor; answers its bytes of JSON, which `mem.take` fetches,
    /// `would-block` where none waits, `closed` where none will come. A space that has not
    /// subscribed gets the last one first.
    /// Capability: `sensors.read`.
    /// `id` has at most 255 bytes.
    pub fn read(id: &str) -> i32 {
        unsafe { raw::read(id.as_ptr(), id.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "sensors")]
        extern "C" {
            pub fn subscribe(id_ptr: *const u8, id_len: usize, options_ptr: *const u8, options_len: usize) -> i32;
            pub fn read(id_ptr: *const u8, id_len: usize) -> i32;
        }
    }
}

/// Outputs of any type; actions are JSON.
pub mod actuators {
    /// Takes an actuator for so long; answers a lock above 0, `busy` where another space has it.
    /// Capability: `actuators.lock`.
    /// `id` has at most 255 bytes, `milliseconds` is at most 60000.
    pub fn lock(id: &str, milliseconds: u32) -> i32 {
        unsafe { raw::lock(id.as_ptr(), id.len(), milliseconds) }
    }

    /// Carries an action in JSON out; answers the bytes of its result, which `mem.take` fetches,
    /// `expired` where the lock is no longer the last one given, `closed` where it was given back.
    /// Capability: `actuators.command`.
    /// `action` has at most 16384 bytes.
    pub fn command(lock: i32, action: &str) -> i32 {
        unsafe { raw::command(lock, action.as_ptr(), action.len()) }
    }

    /// Gives an actuator back.
    /// Capability: `actuators.release`.
    pub fn release(lock: i32) -> i32 {
        unsafe { raw::release(lock) }
    }

    mod raw {
        #[link(wasm_import_module = "actuators")]
        extern "C" {
            pub fn lock(id_ptr: *const u8, id_len: usize, milliseconds: u32) -> i32;
            pub fn command(lock: i32, action_ptr: *const u8, action_len: usize) -> i32;
            pub fn release(lock: i32) -> i32;
        }
    }
}

/// Sound as a stream of bytes.
pub mod audio {
    /// Writes sound that the microphone took, as much as fits; answers its bytes, `would-block`
    /// where there is none.
    /// Capability: `audio.capture`.
    pub fn capture(out: &mut [u8]) -> i32 {
        unsafe { raw::capture(out.as_mut_ptr(), out.len()) }
    }

    /// Gives sound to the speaker; answers how many bytes it took, `would-block` where it has no
    /// room.
    /// Capability: `audio.playback`.
    /// `chunk` has at most 65536 bytes.
    pub fn playback(chunk: &[u8]) -> i32 {
        unsafe { raw::playback(chunk.as_ptr(), chunk.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "audio")]
        extern "C" {
            pub fn capture(out: *mut u8, cap: usize) -> i32;
            pub fn playback(chunk_ptr: *const u8, chunk_len: usize) -> i32;
        }
    }
}

/// The machine.
pub mod node {
    /// Describes the machine that runs the space, as JSON; answers its bytes.
    /// Capability: `node.info`.
    pub fn info(out: &mut [u8]) -> i32 {
        unsafe { raw::info(out.as_mut_ptr(), out.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "node")]
        extern "C" {
            pub fn info(out: *mut u8, cap: usize) -> i32;
        }
    }
}

/// Results that the host keeps.
pub mod mem {
    /// Writes the result that the host keeps and forgets it; answers its bytes, `not-found` where
    /// none is kept.
    pub fn take(out: &mut [u8]) -> i32 {
        unsafe { raw::take(out.as_mut_ptr(), out.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "mem")]
        extern "C" {
            pub fn take(out: *mut u8, cap: usize) -> i32;
        }
    }
}

/// The ABI itself.
pub mod z {
    /// Answers the version of this table that the host knows.
    pub fn version() -> i32 {
        unsafe { raw::version() }
    }

    /// Answers 1 if the host serves the function of that name, such as `data.put`, and 0 if it does
    /// not.
    /// `name` has at most 255 bytes.
    pub fn has(name: &str) -> i32 {
        unsafe { raw::has(name.as_ptr(), name.len()) }
    }

    mod raw {
        #[link(wasm_import_module = "z")]
        extern "C" {
            pub fn version() -> i32;
            pub fn has(name_ptr: *const u8, name_len: usize) -> i32;
        }
    }
}
