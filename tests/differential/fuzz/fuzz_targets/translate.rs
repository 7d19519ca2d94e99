//! Any bytes, as a module that is taken in.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tests_conformance::fuzz::translate(bytes);
});
