//! How large a source may be. Each limit has a test at it and one above it.

/// Bytes in one source file.
pub const SOURCE_BYTES_MAX: usize = 4 << 20;

/// Tokens in one source file.
pub const TOKENS_MAX: usize = 1_000_000;

/// Bytes in one name.
pub const NAME_BYTES_MAX: usize = 100;

/// Brackets open at once.
pub const NESTING_MAX: usize = 200;

/// Operators, keywords and brackets on the way from a declaration to anything in it. Text counts what
/// is around it too. It bounds the depth of the tree, so that code which walks a tree may recurse: a debug build
/// of the checker takes 2 to 4 KiB of stack for each, and a thread of a test has 2 MiB.
pub const CHAIN_MAX: u32 = 500;

/// Diagnostics of one file; behind them one more says that there were too many.
pub const DIAGNOSTICS_MAX: usize = 100;
