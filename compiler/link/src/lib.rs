//! Images from code and facts, and systems from images.
//!
//! | module | does |
//! |---|---|
//! | [`image`] | places sections, resolves relocations, writes the manifest |
//! | [`ingest`] | makes an image of a crate that cargo built |
//! | [`elf`] | writes an image as ELF with symbols and line numbers |
//! | [`system`] | wires instances, proves the whole, makes the bundle's tables |
#![forbid(unsafe_code)]

pub mod elf;
pub mod guest;
pub mod image;
pub mod ingest;
mod lines;
mod placement;
pub mod system;
