//! Every bound of a package, one name each.

macro_rules! limits {
    ($($name:ident: $kind:ty = $value:expr, $what:literal;)+) => {
        $(#[doc = $what] pub const $name: $kind = $value;)+
        /// Every bound: what it bounds, and how much that is.
        pub const ALL: &[(&str, u64)] = &[$(($what, $name as u64)),+];
    };
}

limits! {
    ARCHIVE_BYTES_MAX: u64 = TOTAL_BYTES_MAX + ENTRIES_MAX as u64 * 1024, "Bytes of an archive.";
    ENTRIES_MAX: usize = 4096, "Files of an archive.";
    FILE_BYTES_MAX: u64 = 64 * 1024 * 1024, "Bytes of one file.";
    TOTAL_BYTES_MAX: u64 = 256 * 1024 * 1024, "Bytes of all files.";
    RATIO_MAX: u64 = 100, "How many times larger a file may be than what it is deflated to.";
    NAME_BYTES_MAX: usize = 255, "Bytes of a file's name.";
    NAME_DEPTH_MAX: usize = 8, "Segments of a file's name.";
    MANIFEST_BYTES_MAX: u64 = 1024 * 1024, "Bytes of `manifest.yaml`.";
}
