//! Any bytes, as a module that is compiled.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tests_conformance::fuzz::compile(bytes);
});
