//! The crate `space-guest`, which components in Rust stand on, as it is written into a project.

/// Its manifest there. In our own tree the package inherits from the workspace.
pub(super) const MANIFEST: &str = concat!(
    "[package]\nname = \"space-guest\"\nversion = \"",
    env!("CARGO_PKG_VERSION"),
    "\"\nedition = \"2024\"\nrust-version = \"",
    env!("CARGO_PKG_RUST_VERSION"),
    "\"\nlicense = \"",
    env!("CARGO_PKG_LICENSE"),
    "\"\npublish = false\n\n[lib]\ntest = false\ndoctest = false\n"
);

macro_rules! sources {
    ($($file:literal),+ $(,)?) => {
        &[$((
            concat!("src/", $file),
            include_str!(concat!("../../../../runtime/guest/rust/src/", $file)),
        )),+]
    };
}

/// Its sources: path in the crate, and text.
pub(super) const SOURCES: &[(&str, &str)] = sources![
    "abi.rs",
    "heap.rs",
    "lib.rs",
    "memory.rs",
    "message.rs",
    "panic.rs",
    "serve.rs",
    "start.rs",
    "view.rs",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_the_crate_is_here() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runtime/guest/rust/src");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| format!("src/{}", entry.unwrap().file_name().to_string_lossy()))
            .collect();
        files.sort();
        assert_eq!(files, SOURCES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
