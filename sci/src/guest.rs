//! The Guest ABI: what a WebAssembly guest imports from its host and exports to it.
//!
//! One table serves the compiler's bindings, the validators, every host and the reference page. It only grows: a
//! guest compiled today runs on every later host. Each [`Version`] is a prefix of [`FUNCTIONS`] whose hash is
//! stated, so that a change of what was published fails a test.

mod capability;
mod error_code;
mod function;
mod lifecycle;
mod module;
mod signature;
mod wasi;

pub use capability::GuestCapability;
pub use error_code::ErrorCode;
pub use function::{EVENTS, FUNCTIONS, Function, SELF, SENDER, blob_mode, by_name, by_number, number};
pub use lifecycle::{
    INSTANTIATE, LIFECYCLE, LifecycleExport, MEMORY_EXPORT, START_FUNCTION, WAYS_IN, lifecycle,
};
pub use module::{MODULES, Module, SpaceType};
pub use signature::{Mismatch, Parameter, Role, Signature, ValueType};
pub use wasi::{Access, Errno, WASI_FUNCTIONS, WASI_MODULE, WasiFunction};

use crate::digest::Hasher;
use crate::hashes::hex;

/// What an import names.
#[derive(Clone, Copy, Debug)]
pub enum Resolved {
    /// A function of the Guest ABI.
    Abi(&'static Function),
    /// A function of the WASI shim.
    Wasi(&'static WasiFunction),
    /// Nothing: the module is refused by this name.
    Unknown,
}

/// Finds what an import names.
pub fn resolve(module: &str, item: &str) -> Resolved {
    if module == WASI_MODULE {
        let found = WASI_FUNCTIONS.iter().find(|function| function.item == item);
        return found.map_or(Resolved::Unknown, Resolved::Wasi);
    }
    let found = FUNCTIONS.iter().find(|function| function.module == module && function.item == item);
    found.map_or(Resolved::Unknown, Resolved::Abi)
}

/// A published state of the table.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    /// How many functions it has: the first ones of the table.
    pub functions: usize,
    /// Their [`table_hash`].
    pub hash: [u8; 32],
}

/// Every version, oldest first; `z.version` answers how many there are.
pub const VERSIONS: &[Version] = &[Version {
    functions: 34,
    hash: hex(b"7ae1e50e79d9b50e7153b26f1d87da428eb2a0f4b446b1736018dd7aa5c02a78"),
}];

/// The hash of functions as guests depend on them: names, signatures, roles, capabilities. Sentences, limits, and
/// whether a host serves them may change.
pub fn table_hash(functions: &[Function]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    let mut line = |key: &str, value: &str| {
        for part in [key, " ", value, "\n"] {
            hasher.update(part.as_bytes());
        }
    };
    for function in functions {
        line("module", function.module);
        line("item", function.item);
        for parameter in function.signature.parameters {
            line("parameter", parameter.value_type.name());
            line("role", parameter.role.name());
        }
        for result in function.signature.results {
            line("result", result.name());
        }
        for capability in function.capabilities {
            line("capability", capability.name());
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{FUNCTIONS, VERSIONS, table_hash};

    #[test]
    fn what_was_published_is_unchanged() {
        for version in VERSIONS {
            assert_eq!(table_hash(&FUNCTIONS[..version.functions]), version.hash);
        }
    }

    #[test]
    fn every_function_is_published() {
        assert!(VERSIONS.is_sorted_by(|older, newer| older.functions < newer.functions));
        assert_eq!(VERSIONS.last().map(|version| version.functions), Some(FUNCTIONS.len()));
    }
}
