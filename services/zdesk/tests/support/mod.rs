//! A source in memory, and a client that can ask for anything.
#![allow(dead_code, reason = "each test uses a part")]

pub mod chromium;
pub mod fake;
pub mod http;
