//! Names of files: a form that every system reads alike.

use crate::limits::{NAME_BYTES_MAX, NAME_DEPTH_MAX};
use crate::rule::Rule;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Names of devices that some system opens instead of a file, whatever follows a dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Checks one name by itself.
pub fn check(name: &[u8]) -> Result<&str, Rule> {
    if name.is_empty() {
        return Err(Rule::NameEmpty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(Rule::NameTooLong);
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+@/".contains(byte);
    if !name.iter().all(allowed) {
        return Err(Rule::NameCharacters);
    }
    let name = str::from_utf8(name).map_err(|_| Rule::NameCharacters)?;
    if name.starts_with('/') {
        return Err(Rule::NameAbsolute);
    }
    if name.split('/').count() > NAME_DEPTH_MAX {
        return Err(Rule::NameTooDeep);
    }
    let segments = name.strip_suffix('/').unwrap_or(name);
    if segments.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(Rule::NameSegment);
    }
    if segments.split('/').any(is_reserved) {
        return Err(Rule::NameReserved);
    }
    if name.ends_with('/') {
        return Err(Rule::NameDirectory);
    }
    Ok(name)
}

fn is_reserved(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = |port: &str| {
        stem.strip_prefix(port)
            .is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
    };
    segment.ends_with('.') || DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// The names of an archive, for what holds among them.
#[derive(Debug, Default)]
pub struct Names<'a> {
    /// Files and folders by their name in lower case.
    known: BTreeMap<String, (&'a str, bool)>,
}

impl<'a> Names<'a> {
    /// Adds a file whose name was checked; an error gives the rule and the name that it meets.
    pub fn add(&mut self, name: &'a str) -> Result<(), (Rule, &'a str)> {
        let folders = name.match_indices('/').map(|(end, _)| (&name[..end], false));
        for (path, is_file) in folders.chain([(name, true)]) {
            match self.known.entry(path.to_ascii_lowercase()) {
                Entry::Vacant(place) => {
                    place.insert((path, is_file));
                }
                Entry::Occupied(place) => {
                    let (other, was_file) = *place.get();
                    let rule = match (other == path, was_file, is_file) {
                        (true, false, false) => continue,
                        (true, true, true) => Rule::NameDuplicate,
                        (true, ..) => Rule::NameFileAndFolder,
                        (false, ..) => Rule::NameCase,
                    };
                    return Err((rule, other));
                }
            }
        }
        Ok(())
    }
}
