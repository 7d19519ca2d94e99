//! Any bytes, as a module: what they may do to the compiler.

use crate::image::{self, SEED};
use compiler_syntax::span::FileId;
use sci::image::Image;
use sci::section::SectionKind;
use sci::sign::public_key;
use sci::tables;
use space_host::Module;

/// Takes a module in, without its functions' bodies; whether it was let through.
///
/// # Panics
/// If something is let through that is no module.
pub fn translate(bytes: &[u8]) -> bool {
    let options = compiler_wasm::Options::default();
    let Ok(unit) = compiler_wasm::read(bytes, FileId(0), options) else { return false };
    assert!(bytes.starts_with(b"\0asm\x01\0\0\0"), "no module begins so");
    let wiring = unit.wiring();
    assert!(wiring.exports.len() <= sci::limits::wasm::EXPORTS_MAX as usize);
    true
}

/// Compiles a module with fuel and without; whether it was let through.
///
/// # Panics
/// If it is let through one way only, if what comes out is no image that a host takes, or if it is compiled although
/// it is not valid.
pub fn compile(bytes: &[u8]) -> bool {
    let [plain, fuelled] = [false, true].map(|fuel| {
        let options = compiler_wasm::Options { fuel, ..compiler_wasm::Options::default() };
        image::compile_with(bytes, options).ok()
    });
    assert_eq!(plain.is_some(), fuelled.is_some(), "fuel makes a module no better");
    let (Some(plain), Some(fuelled)) = (plain, fuelled) else { return false };
    assert!(compiler_wasm::validate(bytes).is_ok(), "what is compiled is valid");
    for image in [plain, fuelled] {
        let parsed = Image::verify(&image).expect("what the linker writes follows the contract");
        let traps = parsed.bytes_of(SectionKind::Traps);
        let text = parsed.bytes_of(SectionKind::Text).len() as u64;
        for symbol in tables::functions(parsed.bytes_of(SectionKind::Symbols)) {
            assert!(u64::from(symbol.offset) + u64::from(symbol.size) <= text, "{symbol:?}");
            let _ = tables::trap_at(traps, symbol.offset);
        }
        Module::load(&image, &[public_key(&SEED)]).expect("a host takes what was compiled");
    }
    true
}
