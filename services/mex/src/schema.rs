//! JSON Schemas, for editors. The readers say what is right.

/// `manifest.yaml`.
pub const MANIFEST: &str = include_str!("../schemas/manifest.json");
/// A trust policy.
pub const TRUST: &str = include_str!("../schemas/trust.json");
