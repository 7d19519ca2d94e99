//! Addresses: what a sender may write, and what it then means.

use crate::declare::is_name;
use crate::flow::{PathId, SpaceId};
use crate::limits;
use crate::mesh::Mesh;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// Why an address means nothing, or not one thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error(
        "`{0}` is no address: write the name of a path, of a space, `name#instance`, or `@sender` in an answer"
    )]
    Malformed(String),
    /// Nothing has this name.
    #[error("`{from}` has no path `{to}`, and there is no space `{to}`; {known}")]
    Unknown {
        /// The sender.
        from: String,
        /// The address.
        to: String,
        /// The paths that there are.
        known: String,
    },
    /// The space is there, but no path of the sender leads to it.
    #[error("no path of `{from}` leads to `{to}`: declare one in the topology; {known}")]
    NoPath {
        /// The sender.
        from: String,
        /// The space.
        to: String,
        /// The paths that there are.
        known: String,
    },
    /// More than one path leads to the space.
    #[error("several paths of `{from}` lead to `{to}`: name the path, one of {paths}")]
    Ambiguous {
        /// The sender.
        from: String,
        /// The space.
        to: String,
        /// The paths.
        paths: String,
    },
    /// The sender's own name.
    #[error("`{0}` is the sender itself: use `sys.self_emit`")]
    Itself(String),
    /// The instance is not the one that runs.
    #[error("`{to}#{instance}` does not run; {}", runs(.to, *.live))]
    NoInstance {
        /// The space.
        to: String,
        /// The instance.
        instance: u64,
        /// The one that runs.
        live: Option<u64>,
    },
}

fn runs(space: &str, live: Option<u64>) -> String {
    live.map_or_else(
        || alloc::format!("no instance of `{space}` does now: send to `{space}`, which waits for one"),
        |live| alloc::format!("`{space}#{live}` does"),
    )
}

/// Paths that an error names.
const NAMED_MAX: usize = 8;

pub(crate) fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut text = String::new();
    for (at, name) in names.enumerate() {
        if at == NAMED_MAX {
            text.push_str(" and more");
            break;
        }
        let comma = if at == 0 { "" } else { ", " };
        write!(text, "{comma}`{name}`").ok();
    }
    text
}

/// A path, and the only instance of its receiver that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub path: PathId,
    pub only: Option<u64>,
}

impl Mesh {
    /// Finds the path that an address of a sender means. A path's name goes before a space's.
    pub(crate) fn resolve(&self, from: SpaceId, to: &str) -> Result<Route, AddressError> {
        let malformed = || AddressError::Malformed(shortened(to));
        let (name, instance) = match to.split_once('#') {
            Some((name, number)) => (name, Some(instance_number(number).ok_or_else(malformed)?)),
            None => (to, None),
        };
        if !is_name(name) {
            return Err(malformed());
        }
        let sender = &self.spaces[&from];
        if instance.is_none()
            && let Some(path) = sender.paths.get(name)
        {
            return Ok(Route { path: *path, only: None });
        }
        let known = || {
            let names = list(sender.paths.keys().map(AsRef::as_ref));
            if names.is_empty() { "it has no paths".into() } else { alloc::format!("its paths are {names}") }
        };
        let from_name = || sender.name.to_string();
        let Some(space) = self.by_name.get(name) else {
            return Err(AddressError::Unknown { from: from_name(), to: name.into(), known: known() });
        };
        if *space == from {
            return Err(AddressError::Itself(name.into()));
        }
        let leads = |path: &&PathId| self.paths[*path].to == *space;
        let paths: Vec<PathId> = sender.paths.values().filter(leads).copied().collect();
        let path = match paths.as_slice() {
            [] => return Err(AddressError::NoPath { from: from_name(), to: name.into(), known: known() }),
            [path] => *path,
            several => {
                let paths = list(several.iter().map(|path| self.paths[path].name.as_ref()));
                return Err(AddressError::Ambiguous { from: from_name(), to: name.into(), paths });
            }
        };
        let live = self.spaces[space].live;
        match instance {
            Some(instance) if live != Some(instance) => {
                Err(AddressError::NoInstance { to: name.into(), instance, live })
            }
            only => Ok(Route { path, only }),
        }
    }
}

/// An instance's number has one form: no sign, no zero before it.
fn instance_number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// As much of an address as an error shows.
pub(crate) fn shortened(address: &str) -> String {
    let printable = |letter: &char| !letter.is_control();
    address.chars().filter(printable).take(limits::NAME_LETTERS_MAX + 1).collect()
}
