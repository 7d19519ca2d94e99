//! What `space explain` says of the checker's diagnostics.

use compiler_syntax::diagnostic::Entry;

/// One entry for each id that this crate emits, in alphabetical order.
pub const CATALOG: &[Entry] = &[];
