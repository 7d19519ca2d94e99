//! Every bound of a package, one name each.

/// Bytes of an archive: all content stored, and the records of all entries.
pub const ARCHIVE_BYTES_MAX: u64 = TOTAL_BYTES_MAX + ENTRIES_MAX as u64 * 1024;
/// Files of an archive.
pub const ENTRIES_MAX: usize = 4096;
/// Bytes of one file.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of all files.
pub const TOTAL_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How many times larger a file may be than what it is deflated to.
pub const RATIO_MAX: u64 = 100;
/// Bytes of a file's name.
pub const NAME_BYTES_MAX: usize = 255;
/// Segments of a file's name.
pub const NAME_DEPTH_MAX: usize = 8;
/// Bytes of `manifest.yaml`.
pub const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;
