//! Text to model. Everything that is wrong is reported, each with its place, its rule and its remedy.

mod agent;
mod alone;
mod quantity;
mod space;
mod topology;
mod value;
mod world;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use services_yaml::{Errors, Fields, Node, shown};

pub use self::alone::Alone;
use crate::name::Name;
use crate::place::{Located, Place};
use crate::rules::{self, Level, Rule};
use crate::space::SpaceManifest;
pub use crate::topology::API_VERSION;
use crate::topology::Topology;
use crate::violation::{VIOLATIONS_MAX, Violation};
use crate::world::World;

/// Bytes of a file.
pub const BYTES_MAX: usize = services_yaml::BYTES_MAX;

/// Reads a topology; `file` is what reports call it.
pub fn topology(bytes: &[u8], file: &str) -> Result<Topology, Vec<Violation>> {
    Reader::read(bytes, file, Reader::topology)
}

/// Reads a `space.yaml`.
pub fn space(bytes: &[u8], file: &str) -> Result<SpaceManifest, Vec<Violation>> {
    Reader::read(bytes, file, Reader::space)
}

/// Reads what a guest may invoke that is in no topology.
pub fn alone(bytes: &[u8], file: &str) -> Result<Alone, Vec<Violation>> {
    Reader::read(bytes, file, Reader::alone)
}

/// Reads a world.
pub fn world(bytes: &[u8], file: &str) -> Result<World, Vec<Violation>> {
    Reader::read(bytes, file, Reader::world)
}

/// A reading: what is wrong so far.
struct Reader {
    file: Arc<str>,
    errors: Errors,
    list: Vec<Violation>,
}

impl Reader {
    fn read<T>(
        bytes: &[u8],
        file: &str,
        read: impl FnOnce(&mut Self, &Node) -> Option<T>,
    ) -> Result<T, Vec<Violation>> {
        let mut reader = Self { file: Arc::from(file), errors: Errors::default(), list: Vec::new() };
        let value = match services_yaml::parse(bytes, BYTES_MAX) {
            Ok(root) => read(&mut reader, &root),
            Err(error) => {
                reader.errors.push(error);
                None
            }
        };
        reader.settle(None, 0);
        match value {
            Some(value) if reader.list.is_empty() => Ok(value),
            _ => {
                reader.list.sort_by(|a, b| a.place.cmp(&b.place));
                Err(reader.list)
            }
        }
    }

    /// Turns what is wrong with the text's shape into violations, and says of all since `from` which space they are
    /// about.
    fn settle(&mut self, space: Option<&str>, from: usize) {
        for error in core::mem::take(&mut self.errors).list() {
            let broken = error.kind.rule();
            let rule = Rule {
                id: broken.id,
                level: Level::Structural,
                sentence: broken.sentence,
                remedy: broken.remedy,
            };
            let violation = Violation::new(rule, &self.place(error.place), format!("{}", error.kind));
            self.add(violation.remedy(error.kind.remedy()));
        }
        for violation in self.list.iter_mut().skip(from) {
            violation.space = violation.space.take().or_else(|| space.map(ToOwned::to_owned));
        }
    }

    fn place(&self, place: services_yaml::Place) -> Place {
        Place { file: self.file.clone(), line: place.line, column: place.column }
    }

    fn at<T>(&self, node: &Node, value: T) -> Located<T> {
        Located::new(value, self.place(node.place))
    }

    fn add(&mut self, violation: Violation) {
        if self.list.len() < VIOLATIONS_MAX {
            self.list.push(violation);
        }
    }

    fn wrong(&mut self, rule: Rule, node: &Node, message: impl fmt::Display) {
        let violation = Violation::new(rule, &self.place(node.place), format!("{message}"));
        self.add(violation);
    }

    /// The fields of a file, once `apiVersion` and `kind` are what they are to be.
    fn file<'n>(&mut self, root: &'n Node, kind: &str) -> Option<Fields<'n>> {
        let mut fields = root.fields(&mut self.errors)?;
        for (key, wanted, rule) in
            [("apiVersion", API_VERSION, rules::WRONG_API_VERSION), ("kind", kind, rules::WRONG_KIND)]
        {
            let node = fields.required(key, &mut self.errors);
            let Some(text) = node.and_then(|node| node.string(&mut self.errors)) else { continue };
            if let Some(node) = node.filter(|_| text != wanted) {
                let violation = Violation::new(
                    rule,
                    &self.place(node.place),
                    format!("`{key}` is `{}`; a {kind} has `{wanted}`", shown(text)),
                );
                self.add(violation.remedy(format!("write `{key}: {wanted}`")));
            }
        }
        Some(fields)
    }

    /// The name in a file's `metadata`, which may describe it, too.
    fn named(&mut self, fields: &mut Fields<'_>) -> Option<Located<Name>> {
        let metadata = fields.required("metadata", &mut self.errors);
        let mut metadata = metadata.and_then(|node| node.fields(&mut self.errors))?;
        let name = metadata.required("name", &mut self.errors).and_then(|node| self.name(node));
        let _ = metadata.optional("description").and_then(|node| self.prose(node));
        metadata.finish(&mut self.errors);
        name
    }
}
