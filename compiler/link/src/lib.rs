//! Images from code and facts, and systems from images.
//!
//! | module | does |
//! |---|---|
//! | [`image`] | places sections, resolves relocations, writes the manifest |
//! | [`system`] | wires instances, proves the whole, makes the bundle's tables |
#![forbid(unsafe_code)]

pub mod image;
pub mod system;
