//! Any bytes, as an image and as a boot module.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tests_contract::read_image(bytes);
    tests_contract::read_module(bytes);
});
