//! %name%: a space in Rust.

mod guest;
mod space;

use std::sync::atomic::{AtomicU32, Ordering};

/// With `true` the space counts its starts among its values. The module then imports `data.get` and `data.put`, so
/// a run must grant them; README.md has the command.
const KEEP_COUNT: bool = false;

static MESSAGES: AtomicU32 = AtomicU32::new(0);

fn count_start() -> guest::Result<()> {
    let kept = guest::data::get("starts")?.unwrap_or_default();
    let before = kept.try_into().map_or(0, u32::from_le_bytes);
    guest::log(format_args!("starts so far: {}", before + 1));
    guest::data::put("starts", (before + 1).to_le_bytes())
}

/// Once, before any message. An answer below 0 says that it failed.
#[no_mangle]
pub extern "C" fn on_init() -> i32 {
    // A panic traps; this logs its words first.
    std::panic::set_hook(Box::new(|panic| guest::log(panic)));
    guest::log("hello from %name%, a space in Rust");
    guest::status(if KEEP_COUNT { count_start() } else { Ok(()) })
}

/// For each message; `guest::Message::next` would fetch it.
#[no_mangle]
pub extern "C" fn on_process() -> i32 {
    MESSAGES.fetch_add(1, Ordering::Relaxed);
    0
}

/// Once, at the end.
#[no_mangle]
pub extern "C" fn on_close() -> i32 {
    guest::log(format_args!("messages: {}", MESSAGES.load(Ordering::Relaxed)));
    0
}
