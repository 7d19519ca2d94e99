//! Real modules: compiled, linked with what their loaders would give them, run, and compared with what they give
//! elsewhere.

#[path = "all/bytes.rs"]
mod bytes;
#[path = "all/emscripten.rs"]
mod emscripten;
#[path = "all/esbuild.rs"]
mod esbuild;
#[path = "all/quickjs.rs"]
mod quickjs;
#[path = "all/refused.rs"]
mod refused;
#[path = "all/resvg.rs"]
mod resvg;
#[path = "all/source_map.rs"]
mod source_map;
#[path = "all/tree_sitter.rs"]
mod tree_sitter;

use tests_conformance::image;
use tests_modules::guest::{Guest, Surroundings};

/// The image of a module, if the module was fetched.
fn compile(path: &str) -> Option<Vec<u8>> {
    Some(image::compile(&tests_modules::find(path)?).expect("compiles"))
}

/// The instance of a module in these surroundings, if the module was fetched.
fn open(path: &str, surroundings: &Surroundings) -> Option<Guest> {
    Some(surroundings.instantiate(&compile(path)?).expect("instantiates"))
}

fn surroundings() -> Surroundings {
    Surroundings::new().expect("a store")
}

/// Bytes that are neither noise nor all alike.
fn sample(length: u32) -> Vec<u8> {
    (0..length).map(|index| ((u64::from(index) * u64::from(index)) >> 7) as u8).collect()
}

/// SHA-256, in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    hex(&sci::digest::sha256(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}
