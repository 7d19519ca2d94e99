//! JSON Schemas of the formats, for editors and other tools; a test holds them against the reader.

/// Of `topology.yaml`.
pub const TOPOLOGY: &str = include_str!("../schemas/topology.json");
/// Of `space.yaml`.
pub const SPACE: &str = include_str!("../schemas/space.json");
/// Of `world/layout.yaml`.
pub const WORLD: &str = include_str!("../schemas/world.json");
