//! Any bytes, as what a valid module is made from, which is run in several engines.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tests_differential::fuzz::run(bytes);
});
