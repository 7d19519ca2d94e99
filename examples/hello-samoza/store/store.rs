//! The store: the last value of the sensor, and how often the panel's button was pressed. Both outlive a restart.

mod guest;
mod space;

use guest::{data, Error, Message, Result};

/// Under what the two lie.
const LAST: &str = "last";
const PRESSES: &str = "presses";

fn presses() -> Result<u64> {
    let value = data::get(PRESSES)?.unwrap_or_default();
    Ok(value.try_into().map_or(0, u64::from_le_bytes))
}

/// What is kept, as JSON: `{"presses":3,"last":{"reading":70,"celsius":21.50}}`.
fn kept() -> Result<String> {
    let last = data::get(LAST)?.unwrap_or_else(|| b"null".to_vec());
    let last = String::from_utf8(last).map_err(|_| Error::Malformed)?;
    Ok(format!("{{\"presses\":{},\"last\":{last}}}", presses()?))
}

/// Keeps a value of the sensor; counts a press, and answers whoever asks.
fn process() -> Result<()> {
    let Some(message) = Message::next()? else { return Ok(()) };
    if message.path == "values" {
        return data::put(LAST, &message.bytes);
    }
    if message.bytes == b"press" {
        data::put(PRESSES, (presses()? + 1).to_le_bytes())?;
    }
    // To itself an answer would be the next message.
    if message.from == "@self" {
        return Ok(());
    }
    message.answer(kept()?)
}

/// Once, before any message.
#[no_mangle]
pub extern "C" fn on_init() -> i32 {
    guest::status(kept().map(|kept| guest::log(format_args!("kept: {kept}"))))
}

/// For each message.
#[no_mangle]
pub extern "C" fn on_process() -> i32 {
    guest::status(process())
}

/// Once, at the end.
#[no_mangle]
pub extern "C" fn on_close() -> i32 {
    0
}
