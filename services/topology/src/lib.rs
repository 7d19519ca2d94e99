//! Topologies: which spaces an application has, which paths connect them, and what each may do.
//!
//! Text is read into a model ([`read`]); [`check`](check::check) holds the model against the rules of
//! [`rules::RULES`]; what is to run is the Space–Path Graph ([`graph::Graph`]), with one form in bytes whatever the
//! text looked like. Model, rules and graph need no operating system.

#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "yaml"), no_std)]

extern crate alloc;

pub mod agent;
pub mod capabilities;
pub mod check;
pub mod graph;
pub mod name;
pub mod place;
#[cfg(feature = "yaml")]
pub mod read;
pub mod rules;
pub mod schema;
pub mod space;
pub mod topology;
pub mod violation;
pub mod world;
