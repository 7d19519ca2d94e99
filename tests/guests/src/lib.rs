//! The guests for conformance, for whoever runs guests: one program in five languages, built by `rebuild`.
#![forbid(unsafe_code)]

use std::io::{Read as _, Result};

use sci::guest::GuestCapability;

/// The program in one language.
#[derive(Debug)]
pub struct Guest {
    /// The language, as `space new space --lang` takes it.
    pub language: &'static str,
    file: &'static [u8],
}

impl Guest {
    /// The module.
    pub fn module(&self) -> Result<Vec<u8>> {
        unpacked(self.file)
    }
}

/// A module that a file has as it is, or compressed with gzip.
pub fn unpacked(file: &[u8]) -> Result<Vec<u8>> {
    if file.starts_with(b"\0asm") {
        return Ok(file.to_vec());
    }
    let mut module = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut module)?;
    Ok(module)
}

/// Each language.
pub const ALL: &[Guest] = &[
    Guest { language: "c", file: include_bytes!("../c/guest.wasm") },
    Guest { language: "rust", file: include_bytes!("../rust/guest.wasm") },
    Guest { language: "zig", file: include_bytes!("../zig/guest.wasm") },
    Guest { language: "go", file: include_bytes!("../go/guest.wasm.gz") },
    Guest { language: "as", file: include_bytes!("../as/guest.wasm") },
];

/// Each language's program that goes through its Guest Library; it is granted everything.
pub const LIBRARY: &[Guest] = &[
    Guest { language: "c", file: include_bytes!("../library/c/guest.wasm") },
    Guest { language: "rust", file: include_bytes!("../library/rust/guest.wasm") },
    Guest { language: "zig", file: include_bytes!("../library/zig/guest.wasm") },
    Guest { language: "go", file: include_bytes!("../library/go/guest.wasm.gz") },
    Guest { language: "as", file: include_bytes!("../library/as/guest.wasm") },
];

/// What each is granted.
pub const GRANTS: &[GuestCapability] = &[
    GuestCapability::SysLog,
    GuestCapability::DataRead,
    GuestCapability::DataWrite,
    GuestCapability::DataList,
    GuestCapability::DataDelete,
    GuestCapability::NodeInfo,
];

/// The lines of the log of each.
pub const EXPECTED: &str = include_str!("../expected");

/// The lines of each program that goes through its Guest Library.
pub const LIBRARY_EXPECTED: &str = include_str!("../library/expected");
