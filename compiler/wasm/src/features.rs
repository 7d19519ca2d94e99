//! What of WebAssembly is supported, and how the rest is refused.

use crate::error::Error;
use crate::module::Module;
use wasmparser::{BinaryReaderError, KnownCustom, Parser, Payload, Validator, WasmFeatures};

/// WebAssembly 2.0, tail calls, extended constants, several memories, relaxed SIMD.
pub(crate) const SUPPORTED: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::BULK_MEMORY_OPT)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::GC_TYPES);

/// A feature that is not supported: what turns it off in the tools that use it.
struct Feature {
    flag: WasmFeatures,
    name: &'static str,
    clang: Option<&'static str>,
    rustc: Option<&'static str>,
}

const REFUSED: &[Feature] = &[
    Feature {
        flag: WasmFeatures::THREADS,
        name: "threads",
        clang: Some("compile without -pthread and -matomics"),
        rustc: Some("build with -C target-feature=-atomics"),
    },
    Feature {
        flag: WasmFeatures::LEGACY_EXCEPTIONS,
        name: "legacy exceptions",
        clang: Some("compile with -fno-exceptions, or without -fwasm-exceptions"),
        rustc: Some("build with -C panic=abort"),
    },
    Feature {
        flag: WasmFeatures::EXCEPTIONS,
        name: "exceptions",
        clang: Some("compile with -fno-exceptions, or without -fwasm-exceptions"),
        rustc: Some("build with -C panic=abort"),
    },
    Feature {
        flag: WasmFeatures::MEMORY64,
        name: "64-bit memory",
        clang: Some("compile for wasm32 in place of wasm64"),
        rustc: Some("build for a wasm32 target"),
    },
    Feature {
        flag: WasmFeatures::FUNCTION_REFERENCES,
        name: "typed function references",
        clang: None,
        rustc: None,
    },
    Feature {
        flag: WasmFeatures::FUNCTION_REFERENCES.union(WasmFeatures::GC),
        name: "garbage collection",
        clang: None,
        rustc: None,
    },
    Feature { flag: WasmFeatures::STACK_SWITCHING, name: "stack switching", clang: None, rustc: None },
    Feature {
        flag: WasmFeatures::WIDE_ARITHMETIC,
        name: "wide arithmetic",
        clang: Some("compile with -mno-wide-arithmetic"),
        rustc: Some("build with -C target-feature=-wide-arithmetic"),
    },
    Feature { flag: WasmFeatures::CUSTOM_PAGE_SIZES, name: "custom page sizes", clang: None, rustc: None },
    Feature { flag: WasmFeatures::MEMORY_CONTROL, name: "memory control", clang: None, rustc: None },
    Feature { flag: WasmFeatures::COMPACT_IMPORTS, name: "compact imports", clang: None, rustc: None },
    Feature {
        flag: WasmFeatures::THREADS.union(WasmFeatures::SHARED_EVERYTHING_THREADS),
        name: "shared-everything threads",
        clang: None,
        rustc: None,
    },
];

/// Judges a whole module, as [`crate::read`] and the translation of its functions would.
pub fn validate(bytes: &[u8]) -> Result<(), Error> {
    Module::read(bytes)?;
    Validator::new_with_features(SUPPORTED).validate_all(bytes).map_err(|error| explain(bytes, &error))?;
    Ok(())
}

/// The error of a module that is not valid with the supported features: the feature that is missing, if one is.
///
/// With only the missing feature added, the module is valid, or breaks at a later place.
pub(crate) fn explain(bytes: &[u8], error: &BinaryReaderError) -> Error {
    let offset = error.offset();
    let missing = REFUSED.iter().find(|feature| {
        let with = SUPPORTED.union(feature.flag);
        match Validator::new_with_features(with).validate_all(bytes) {
            Ok(_) => true,
            Err(next) => next.offset() > offset,
        }
    });
    let component = Parser::is_component(bytes);
    match missing {
        _ if component => Error::Unsupported {
            offset,
            feature: "the component model",
            hint: Some("give the core module inside the component".into()),
        },
        Some(feature) => Error::Unsupported { offset, feature: feature.name, hint: hint(bytes, feature) },
        None => error.clone().into(),
    }
}

/// The flag of the tool that made the module.
fn hint(bytes: &[u8], feature: &Feature) -> Option<String> {
    let tools = tools(bytes);
    let used = |name: &str| tools.iter().any(|tool| tool.to_ascii_lowercase().contains(name));
    let hint = if used("rustc") {
        feature.rustc
    } else if used("clang") || used("emscripten") {
        feature.clang
    } else {
        None
    };
    hint.map(str::to_owned)
}

/// Names that the module's producers section gives.
fn tools(bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(Payload::CustomSection(section)) = payload else { continue };
        let KnownCustom::Producers(fields) = section.as_known() else { continue };
        for field in fields.into_iter().flatten() {
            names.extend(field.values.into_iter().flatten().map(|value| value.name.to_owned()));
        }
    }
    names
}
