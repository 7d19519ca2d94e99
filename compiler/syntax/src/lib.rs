//! Text to tree, for the language `.in`. Knows nothing of names, types or targets.
//!
//! [`parse`](parse::parse) reads a file: `lexer` makes lexemes, `layout` cuts them into declarations and turns
//! line ends into `;`, the grammar makes the [`tree`]. What is wrong comes back as [`diagnostic`]s.
#![forbid(unsafe_code)]

pub mod catalog;
pub mod diagnostic;
pub mod fmt;
pub mod limits;
pub mod parse;
pub mod render;
pub mod span;
pub mod tree;

mod context;
mod expect;
mod layout;
mod lexer;
mod literal;
mod token;

pub use catalog::CATALOG;
pub use fmt::format;
pub use parse::{decode, parse};
pub use render::render;

#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::allow_attributes_without_reason,
    unused,
    unused_qualifications,
    missing_docs,
    elided_lifetimes_in_paths,
    reason = "generated"
)]
mod grammar {
    include!(concat!(env!("OUT_DIR"), "/grammar.rs"));
}
