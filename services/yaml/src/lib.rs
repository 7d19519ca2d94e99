//! The strict subset of YAML that topologies, spaces, worlds and packages are written in.
//!
//! YAML 1.2 with the core schema, and without what reads differently from what it says: anchors, aliases, tags,
//! merge keys, directives, several documents, duplicate keys, keys that are no strings, plain `yes` and `no`, tabs
//! as indentation. Text is read into a tree whose every node and key knows its place; readers turn the tree into
//! values and collect what is wrong.

#![forbid(unsafe_code)]

mod core_schema;
mod error;
mod node;
mod parse;
mod read;
mod rules;

pub use core_schema::ScalarKind;
pub use error::{ERRORS_MAX, Error, ErrorKind, Errors, shown};
pub use node::{Entry, Key, Mapping, Node, Place, Scalar, Value};
pub use parse::{AHEAD_MAX, BYTES_MAX, DEPTH_MAX, parse};
pub use read::{Fields, nearest};
pub use rules::{RULES, Rule};
