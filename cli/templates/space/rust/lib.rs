//! %name%: a space in Rust.

mod space;

use std::sync::atomic::{AtomicU32, Ordering};

/// With `true` the space counts its starts among its values. The module then imports `data.get` and `data.put`, so
/// a run must grant them; README.md has the command.
const KEEP_COUNT: bool = false;

static MESSAGES: AtomicU32 = AtomicU32::new(0);

fn say(line: &str) {
    space::sys::log(line);
}

fn count_start() -> i32 {
    let mut value = [0; 4];
    let got = space::data::get("starts", &mut value);
    if got < 0 && got != space::codes::NOT_FOUND {
        return got;
    }
    let starts = u32::from_le_bytes(value) + 1;
    say(&format!("starts so far: {starts}"));
    space::data::put("starts", &starts.to_le_bytes())
}

/// Once, before any message. An answer below 0 says that it failed.
#[no_mangle]
pub extern "C" fn on_init() -> i32 {
    // A panic traps; this logs its words first.
    std::panic::set_hook(Box::new(|panic| say(&panic.to_string())));
    say("hello from %name%, a space in Rust");
    if KEEP_COUNT {
        count_start()
    } else {
        0
    }
}

/// For each message; `space::net::recv_next` would fetch it.
#[no_mangle]
pub extern "C" fn on_process() -> i32 {
    MESSAGES.fetch_add(1, Ordering::Relaxed);
    0
}

/// Once, at the end.
#[no_mangle]
pub extern "C" fn on_close() -> i32 {
    say(&format!("messages: {}", MESSAGES.load(Ordering::Relaxed)));
    0
}
