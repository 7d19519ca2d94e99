//! Text to tree, for the language `.in`. Knows nothing of names, types or targets.
#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod span;
pub mod tree;
