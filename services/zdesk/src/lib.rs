//! The desk: a web server on loopback that shows applications, and the broker between UI spaces in the browser and
//! the paths that they may use. `docs/desk.md` has its rules.
#![forbid(unsafe_code)]

mod api;
mod assets;
mod broker;
mod flat;
mod gate;
mod guard;
mod headers;
pub mod limits;
mod names;
mod server;
mod token;
mod ui;
pub mod view;

pub use assets::{SPACE_D_TS, SPACE_JS};
pub use server::{Desk, ServeError, serve};
pub use view::Source;
