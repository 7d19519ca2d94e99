//! The portable nanokernel: every decision, no hardware.
//!
//! [`Kernel`] owns the objects and carries out calls over a [`Hal`]; the machine owns registers, page tables and
//! devices. There is no heap: objects live in tables of fixed size, and a call that finds a table full answers
//! `quota`. There is no kernel stack per thread: every wait is a [`thread::ThreadState`].
//!
//! | module | holds |
//! |---|---|
//! | [`kernel`] | the state, dispatch, answers |
//! | [`hal`] | what is asked of the machine |
//! | [`capability`], `authority` | handles, masks, badges; mint, drop, query |
//! | [`thread`], [`scheduler`] | threads, the ready queue |
//! | [`endpoint`], [`ipc`] | inboxes; call, receive, reply |
//! | [`notification`], [`interrupt`] | event bits; lines and ports |
//! | [`memory`], `linear` | pages that are shared; pages of guests' linear memories |
//! | [`admit`], [`program`] | admission; admitted images |
//! | [`realm`], `build` | realms and how they are made |
//! | `supervise`, `life` | what a supervisor does; how realms end |
//! | `boot`, `console`, [`exit`] | the first realm; printing; how a run ends |
//! | [`graph`] | a walk over all objects |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod admit;
mod authority;
mod boot;
mod build;
pub mod capability;
mod console;
pub mod endpoint;
pub mod exit;
pub mod graph;
pub mod hal;
pub mod interrupt;
pub mod ipc;
pub mod kernel;
mod life;
mod linear;
pub mod memory;
pub mod notification;
pub mod program;
pub mod realm;
pub mod scheduler;
mod supervise;
pub mod table;
pub mod thread;

pub use capability::Area;
pub use console::print_line;
pub use exit::Exit;
pub use hal::{Frame, Hal, MapError, Owner, Page, Rights, Space, Width};
pub use ipc::Switch;
pub use kernel::{Kernel, Options};
