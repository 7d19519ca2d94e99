//! The store: the last value of the sensor, and how often the panel's button was pressed. Both outlive a restart.
#![no_std]

mod space;

use space::{codes, data, net, sys};

/// Bytes of a message that it takes, and of a value that it keeps.
const BYTES: usize = 1024;
/// Under what the two lie.
const LAST: &str = "last";
const PRESSES: &str = "presses";

/// A text in the making.
struct Text {
    bytes: [u8; 2 * BYTES],
    length: usize,
}

impl Text {
    fn new() -> Self {
        Self { bytes: [0; 2 * BYTES], length: 0 }
    }

    fn put(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
                self.length += 1;
            }
        }
    }

    fn put_number(&mut self, number: u64) {
        if number >= 10 {
            self.put_number(number / 10);
        }
        self.put(&[b'0' + (number % 10) as u8]);
    }

    fn written(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// What was written of a buffer, or the code of a failure.
fn part(buffer: &[u8], result: i32) -> Result<&[u8], i32> {
    let length = usize::try_from(result).map_err(|_| result)?;
    buffer.get(..length).ok_or(codes::TOO_LARGE)
}

fn presses() -> Result<u64, i32> {
    let mut value = [0; 8];
    match data::get(PRESSES, &mut value) {
        codes::NOT_FOUND => Ok(0),
        result => part(&value, result).map(|_| u64::from_le_bytes(value)),
    }
}

/// What is kept, as JSON: `{"presses":3,"last":{"reading":70,"celsius":21.50}}`.
fn kept() -> Result<Text, i32> {
    let mut text = Text::new();
    text.put(b"{\"presses\":");
    text.put_number(presses()?);
    text.put(b",\"last\":");
    let mut value = [0; BYTES];
    match data::get(LAST, &mut value) {
        codes::NOT_FOUND => text.put(b"null"),
        result => text.put(part(&value, result)?),
    }
    text.put(b"}");
    Ok(text)
}

/// Whether what is known of the message taken last has a text in it.
fn is_known(text: &[&[u8]]) -> Result<bool, i32> {
    let mut buffer = [0; BYTES];
    let result = net::message_info(&mut buffer);
    let info = part(&buffer, result)?;
    let mut wanted = Text::new();
    text.iter().for_each(|part| wanted.put(part));
    let wanted = wanted.written();
    Ok(info.windows(wanted.len()).any(|part| part == wanted))
}

/// Whether it came along a path.
fn came_along(path: &str) -> Result<bool, i32> {
    is_known(&[b"\"path\":\"", path.as_bytes(), b"\""])
}

/// Whether it is from this space itself, as what `space send` puts there: an answer would be the next one.
fn is_own() -> Result<bool, i32> {
    is_known(&[b"\"from\":\"@self\""])
}

/// Keeps a value of the sensor; counts a press, and answers whoever asks.
fn process() -> Result<(), i32> {
    let mut buffer = [0; BYTES];
    let result = net::recv_next(&mut buffer);
    let message = part(&buffer, result)?;
    if came_along("values")? {
        return done(data::put(LAST, message));
    }
    if message == b"press" {
        done(data::put(PRESSES, &(presses()? + 1).to_le_bytes()))?;
    }
    if is_own()? {
        return Ok(());
    }
    done(net::emit_to("@sender", kept()?.written()))
}

fn done(result: i32) -> Result<(), i32> {
    if result < 0 { Err(result) } else { Ok(()) }
}

fn status(result: Result<(), i32>) -> i32 {
    result.err().unwrap_or(0)
}

/// Once, before any message.
#[no_mangle]
pub extern "C" fn on_init() -> i32 {
    status(kept().and_then(|kept| {
        let mut line = Text::new();
        line.put(b"kept: ");
        line.put(kept.written());
        match core::str::from_utf8(line.written()) {
            Ok(line) => done(sys::log(line)),
            Err(_) => Err(codes::MALFORMED),
        }
    }))
}

/// For each message.
#[no_mangle]
pub extern "C" fn on_process() -> i32 {
    match process() {
        Err(codes::WOULD_BLOCK) => 0,
        result => status(result),
    }
}

/// Once, at the end.
#[no_mangle]
pub extern "C" fn on_close() -> i32 {
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
