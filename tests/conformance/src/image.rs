//! A module's image, signed by a key of the tests.

use compiler_syntax::span::FileId;

/// Seed of the key that signs images in tests.
pub const SEED: [u8; 32] = [7; 32];

/// Why a module has no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The module is refused.
    #[error(transparent)]
    Module(#[from] compiler_wasm::Error),
    /// A function is refused.
    #[error(transparent)]
    Code(#[from] compiler_codegen::Error),
    /// The image is refused.
    #[error(transparent)]
    Link(#[from] compiler_link::image::Error),
}

/// Compiles a module to a signed image.
pub fn compile(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    compile_with(bytes, compiler_wasm::Options::default())
}

/// Compiles a module as the options say.
pub fn compile_with(bytes: &[u8], options: compiler_wasm::Options) -> Result<Vec<u8>, Error> {
    let unit = compiler_wasm::read(bytes, FileId(0), options)?;
    let code_options = compiler_codegen::Options { optimize: true, one_nan: false };
    let code = compiler_codegen::compile(&unit, code_options)?;
    let wiring = unit.wiring();
    let image = compiler_link::guest::link(&compiler_link::guest::Input {
        name: "test",
        wiring: &wiring,
        code: &code,
        stack_bytes: options.stack_bytes,
        file: "test.wasm",
        sources: &[("test.wasm", sci::digest::sha256(bytes))],
        flags: "",
    })?;
    Ok(sci::write::sign_image(&image, &SEED, true).map_err(compiler_link::image::Error::Refused)?)
}
