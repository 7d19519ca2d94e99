//! The Guest Library: what a space does, in Rust's own terms, over the bindings in `space.rs`. Buffers grow as results
//! need it, error codes are an [`Error`], and what is open is closed where it goes out of scope.
#![allow(dead_code)]

use std::fmt::Display;
use std::str::from_utf8;

pub use crate::space::Error;
use crate::space::{self, limits};

/// What a call gives.
pub type Result<T> = std::result::Result<T, Error>;

impl std::error::Error for Error {}

/// What an export answers: 0, or the code of what failed.
pub fn status(result: Result<()>) -> i32 {
    result.err().map_or(0, Error::code)
}

/// Writes to the log. What is longer than a line may be goes on in the next one.
pub fn log(line: impl Display) {
    let line = line.to_string();
    let mut rest = line.as_str();
    while rest.len() > limits::LOG_LINE_BYTES_MAX {
        let end = (0..=limits::LOG_LINE_BYTES_MAX).rev().find(|end| rest.is_char_boundary(*end));
        let (part, after) = rest.split_at(end.unwrap_or_default());
        space::sys::log(part);
        rest = after;
    }
    space::sys::log(rest);
}

/// Waits. A wait that was ended says that the space is to close.
pub fn sleep(milliseconds: u32) -> Result<()> {
    done(space::sys::sleep(milliseconds))
}

/// What the machine says of itself, as JSON.
pub fn node() -> Result<String> {
    text(filled(space::node::info)?)
}

/// Whether the host serves a function of the ABI, such as `data.put`.
pub fn has(function: &str) -> bool {
    space::z::has(function) == 1
}

/// The version of the host's table.
pub fn version() -> i32 {
    space::z::version()
}

fn count(result: i32) -> Result<usize> {
    usize::try_from(result).map_err(|_| Error::of(result))
}

fn done(result: i32) -> Result<()> {
    count(result).map(drop)
}

/// One of the errors is no failure: nothing is there.
fn unless<T>(nothing: Error, result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if error == nothing => Ok(None),
        result => result.map(Some),
    }
}

/// What a call writes, in a buffer that grows until it fits.
fn filled(call: impl Fn(&mut [u8]) -> i32) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 512];
    loop {
        let needed = count(call(&mut buffer))?;
        let is_whole = needed <= buffer.len();
        buffer.resize(needed, 0);
        if is_whole {
            return Ok(buffer);
        }
    }
}

/// The result that the host keeps, after a call that answered its bytes.
fn taken(result: i32) -> Result<Vec<u8>> {
    let mut buffer = vec![0; count(result)?];
    if !buffer.is_empty() {
        done(space::mem::take(&mut buffer))?;
    }
    Ok(buffer)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Error::Malformed)
}

/// A message, and where it comes from.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub bytes: Vec<u8>,
    /// The space that sent it, `@self` for this one.
    pub from: String,
    /// The path that it came by, empty from oneself.
    pub path: String,
    pub id: String,
    /// The id of the message that it answers.
    pub answers: Option<String>,
    /// Milliseconds since 1970.
    pub time: u64,
}

impl Message {
    /// Takes the next message; `None` where none waits.
    pub fn next() -> Result<Option<Self>> {
        let Some(bytes) = unless(Error::WouldBlock, filled(space::net::recv_next))? else { return Ok(None) };
        let info = text(filled(space::net::message_info)?)?;
        let of = |key| json::member(&info, key).map(json::unquoted);
        Ok(Some(Self {
            bytes,
            from: of("from").unwrap_or_default().to_owned(),
            path: of("path").unwrap_or_default().to_owned(),
            id: of("id").unwrap_or_default().to_owned(),
            answers: of("answers").filter(|id| *id != "null").map(str::to_owned),
            time: of("time").and_then(|time| time.parse().ok()).unwrap_or_default(),
        }))
    }

    /// Its bytes as text.
    pub fn text(&self) -> Result<&str> {
        from_utf8(&self.bytes).map_err(|_| Error::Malformed)
    }

    /// The name of the event that it brings.
    pub fn event(&self) -> Option<&str> {
        self.path.strip_prefix("@events/")
    }

    /// Answers it, as long as no other message was taken after it.
    pub fn answer(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        send("@sender", bytes)
    }
}

/// Sends a message to a path, or to a space that one path leads to.
pub fn send(to: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
    done(space::net::emit_to(to, bytes.as_ref()))
}

/// Puts a message into the space's own queue.
pub fn send_self(bytes: impl AsRef<[u8]>) -> Result<()> {
    done(space::sys::self_emit(bytes.as_ref()))
}

/// Values and blobs.
pub mod data {
    use super::{count, done, filled, limits, space, text, unless, Error, Result};
    use std::io;

    /// The value of a key.
    pub fn get(key: &str) -> Result<Option<Vec<u8>>> {
        unless(Error::NotFound, filled(|buffer| space::data::get(key, buffer)))
    }

    /// Gives a key its value, which is durable on return.
    pub fn put(key: &str, value: impl AsRef<[u8]>) -> Result<()> {
        done(space::data::put(key, value.as_ref()))
    }

    /// Removes a key; whether there was one.
    pub fn delete(key: &str) -> Result<bool> {
        count(space::data::delete(key)).map(|deleted| deleted > 0)
    }

    /// The keys that begin with a prefix, in byte order, fetched as they are needed.
    pub fn keys(prefix: &str) -> Keys<'_> {
        Keys { prefix, last: String::new(), page: Vec::new().into_iter() }
    }

    /// See [`keys`].
    pub struct Keys<'p> {
        prefix: &'p str,
        last: String,
        page: std::vec::IntoIter<String>,
    }

    impl Keys<'_> {
        fn turn(&mut self) -> Result<()> {
            let page = filled(|buffer| space::data::list(self.prefix, &self.last, buffer))?;
            let mut keys = Vec::new();
            let mut rest = page.as_slice();
            while let Some((length, after)) = rest.split_first_chunk() {
                let (key, after) = after.split_at(u32::from_le_bytes(*length) as usize);
                keys.push(text(key.to_vec())?);
                rest = after;
            }
            self.page = keys.into_iter();
            Ok(())
        }
    }

    impl Iterator for Keys<'_> {
        type Item = Result<String>;

        fn next(&mut self) -> Option<Result<String>> {
            if self.page.len() == 0 {
                if let Err(error) = self.turn() {
                    return Some(Err(error));
                }
            }
            let key = self.page.next()?;
            self.last.clone_from(&key);
            Some(Ok(key))
        }
    }

    /// A blob that is written: it appears whole when it is committed, and not at all otherwise.
    pub struct Writer(i32);

    impl Writer {
        /// Begins a blob anew.
        pub fn create(key: &str) -> Result<Self> {
            let handle = space::data::blob_open(key, 1);
            done(handle).map(|()| Self(handle))
        }

        /// Appends to it.
        pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
            bytes
                .chunks(limits::CHUNK_BYTES_MAX)
                .try_for_each(|chunk| done(space::data::blob_write(self.0, chunk)))
        }

        /// Has it appear.
        pub fn commit(self) -> Result<()> {
            let handle = self.0;
            std::mem::forget(self);
            done(space::data::blob_close(handle, 1))
        }
    }

    impl Drop for Writer {
        fn drop(&mut self) {
            space::data::blob_close(self.0, 0);
        }
    }

    impl io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.append(bytes).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A blob that is read, from its beginning.
    pub struct Reader(i32);

    impl Reader {
        /// Opens it; `None` where there is none.
        pub fn open(key: &str) -> Result<Option<Self>> {
            let handle = space::data::blob_open(key, 0);
            unless(Error::NotFound, done(handle).map(|()| Self(handle)))
        }

        /// Its next bytes, as many as fit; 0 at its end.
        pub fn next(&mut self, buffer: &mut [u8]) -> Result<usize> {
            count(space::data::blob_read(self.0, buffer))
        }
    }

    impl Drop for Reader {
        fn drop(&mut self) {
            space::data::blob_close(self.0, 0);
        }
    }

    impl io::Read for Reader {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if buffer.is_empty() {
                return Ok(0);
            }
            self.next(buffer).map_err(io::Error::other)
        }
    }
}

/// Functions, selectors, models.
pub mod agent {
    use super::{ic, space, taken, text, Result};

    /// Calls a deterministic function, or a service.
    pub fn function(name: &str, input: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        taken(space::agent::invoke_df(name, input.as_ref()))
    }

    /// Lets a model choose among functions, and calls the one chosen.
    pub fn select(name: &str, input: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        taken(space::agent::invoke_af(name, input.as_ref()))
    }

    /// Asks a model.
    pub fn model(name: &str, input: &str) -> Result<String> {
        text(taken(space::agent::invoke_llm(name, input.as_bytes()))?)
    }

    /// Asks the cache, then a model, whose answer is kept for so many seconds if there is room.
    pub fn ask(name: &str, input: &str, seconds: u32) -> Result<String> {
        if let Some(kept) = ic::lookup(input)? {
            return text(kept);
        }
        let answer = model(name, input)?;
        let _ = ic::store(input, &answer, seconds);
        Ok(answer)
    }
}

/// The intelligence cache.
pub mod ic {
    use super::{done, space, taken, unless, Error, Result};

    /// Finds an answer.
    pub fn lookup(key: &str) -> Result<Option<Vec<u8>>> {
        unless(Error::NotFound, taken(space::ic::lookup(key)))
    }

    /// Keeps an answer for so many seconds; 0 is until the room is needed.
    pub fn store(key: &str, value: impl AsRef<[u8]>, seconds: u32) -> Result<()> {
        done(space::ic::store(key, value.as_ref(), seconds))
    }
}

/// Sensors.
pub mod sensors {
    use super::{done, json, space, taken, text, unless, Error, Result};

    /// What a sensor measured.
    #[derive(Clone, Debug, Default)]
    pub struct Reading {
        /// Its number among the sensor's, from 1.
        pub number: u64,
        /// Milliseconds since 1970.
        pub time: u64,
        /// How many found no room since the one before.
        pub lost: u64,
        /// What the device says, as JSON.
        pub value: String,
    }

    /// Asks for readings, with options in JSON, which may be empty.
    pub fn subscribe(id: &str, options: &str) -> Result<()> {
        done(space::sensors::subscribe(id, options))
    }

    /// The next reading; `None` where none waits, and the error `Closed` where none will come.
    pub fn read(id: &str) -> Result<Option<Reading>> {
        let Some(json) = unless(Error::WouldBlock, taken(space::sensors::read(id)))? else { return Ok(None) };
        let json = text(json)?;
        let number =
            |key| json::member(&json, key).and_then(|number| number.parse().ok()).unwrap_or_default();
        let value = json::member(&json, "value").unwrap_or("null").to_owned();
        Ok(Some(Reading { number: number("number"), time: number("time"), lost: number("lost"), value }))
    }
}

/// Actuators.
pub mod actuators {
    use super::{done, space, taken, text, Result};

    /// An actuator that is this space's until the lock is dropped, or its time is over.
    pub struct Lock(i32);

    impl Lock {
        /// Takes an actuator.
        pub fn take(id: &str, milliseconds: u32) -> Result<Self> {
            let lock = space::actuators::lock(id, milliseconds);
            done(lock).map(|()| Self(lock))
        }

        /// The fence: it grows from lock to lock.
        pub fn fence(&self) -> i32 {
            self.0
        }

        /// Has an action in JSON carried out; its result, in JSON.
        pub fn command(&self, action: &str) -> Result<String> {
            text(taken(space::actuators::command(self.0, action))?)
        }
    }

    impl Drop for Lock {
        fn drop(&mut self) {
            space::actuators::release(self.0);
        }
    }
}

/// Events. They arrive as messages: see [`Message::event`](super::Message::event).
pub mod events {
    use super::{done, space, Result};

    /// Asks for the events of a name.
    pub fn subscribe(name: &str) -> Result<()> {
        done(space::events::subscribe(name))
    }

    /// Emits an event that the space declares.
    pub fn emit(name: &str, payload: impl AsRef<[u8]>) -> Result<()> {
        done(space::events::emit(name, payload.as_ref()))
    }

    /// Has the host emit an event by a specification in JSON.
    pub fn recognize(name: &str, specification: &str) -> Result<()> {
        done(space::events::register_recognizer(name, specification))
    }
}

/// Sound: bytes as `docs/devices.md` has them.
pub mod audio {
    use super::{count, space, unless, Error, Result};

    /// What was heard, as much as fits; `None` where there is none by now.
    pub fn capture(buffer: &mut [u8]) -> Result<Option<usize>> {
        unless(Error::WouldBlock, count(space::audio::capture(buffer)))
    }

    /// Plays; how many bytes the speaker took.
    pub fn play(sound: &[u8]) -> Result<usize> {
        unless(Error::WouldBlock, count(space::audio::playback(sound))).map(Option::unwrap_or_default)
    }
}

/// As much of JSON as readings and events need: crates read the rest.
pub mod json {
    /// A member of an object, as it stands there.
    pub fn member<'o>(object: &'o str, key: &str) -> Option<&'o str> {
        let bytes = object.as_bytes();
        let (mut at, mut depth, mut start) = (0, 0, None);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let end = end_of_text(bytes, at)?;
                    let is_key = depth == 1 && start.is_none() && object.get(at + 1..end) == Some(key);
                    let after = object.get(end + 1..)?.trim_start();
                    at = end;
                    if let Some(value) = after.strip_prefix(':').filter(|_| is_key) {
                        at = object.len() - value.len() - 1;
                        start = Some(at + 1);
                    }
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' => {
                    if let (1, Some(start)) = (depth, start) {
                        return object.get(start..at).map(str::trim);
                    }
                    depth -= i32::from(*byte != b',');
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Where a text ends that begins at a quote.
    fn end_of_text(bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from + 1;
        while *bytes.get(at)? != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        Some(at)
    }

    /// A text without its quotes; escapes stay as they are.
    pub fn unquoted(value: &str) -> &str {
        value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
    }
}
