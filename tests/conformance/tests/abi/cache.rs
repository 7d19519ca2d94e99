//! `ic`: on both hosts.

use sci::guest::ErrorCode::{Invalid, NotFound, Quota};
use services_zrun::linux::BackEnds;
use services_zrun::{Counts, Exact};
use std::sync::{Arc, Mutex};
use tests_conformance::guest::Argument::{Number, Text};
use tests_conformance::guest::Calls;
use tests_conformance::host::lines_on_both;

const KEY: &[u8] = b"what is it?";

#[test]
fn answers_are_found_again_on_both_hosts() {
    let mut calls = Calls::default();
    calls.call("z.has", &[Text(b"ic.lookup")], 1);
    calls.fails("ic.lookup", &[Text(KEY)], NotFound);
    calls.call("ic.store", &[Text(KEY), Text(b"a cache"), Number(0)], 0);
    calls.call("ic.lookup", &[Text(KEY)], 7);
    calls.takes("a cache");
    calls.call("ic.store", &[Text(KEY), Text(b"another"), Number(3600)], 0);
    calls.call("ic.lookup", &[Text(KEY)], 7);
    calls.fails("ic.lookup", &[Text(b"what")], NotFound);
    calls.takes("another");
    calls.call("ic.store", &[Text(KEY), Text(b""), Number(i32::MAX)], 0);
    calls.call("ic.lookup", &[Text(KEY)], 0);
    calls.takes("");
    calls.fails("ic.store", &[Text(KEY), Text(b"x"), Number(-1)], Invalid);
    calls.compare(&lines_on_both(&calls.image(), calls.needed()));
}

#[test]
fn a_cache_has_an_end() {
    let cache = Arc::new(Mutex::new(Exact::new(10, 2)));
    let back_ends = BackEnds { cache: Some(Box::new(Arc::clone(&cache))), ..BackEnds::default() };
    let mut calls = Calls::default();
    calls.fails("ic.store", &[Text(b"a"), Text(b"1234567890"), Number(0)], Quota);
    calls.call("ic.store", &[Text(b"a"), Text(b"12345678"), Number(0)], 0);
    calls.call("ic.store", &[Text(b"b"), Text(b"12345678"), Number(9)], 0);
    calls.fails("ic.lookup", &[Text(b"a")], NotFound);
    calls.fails("ic.store", &[Text(b"a"), Text(b"1"), Number(0)], Quota);
    calls.call("ic.lookup", &[Text(b"b")], 8);
    calls.hold_with(back_ends);
    let counts = cache.lock().unwrap().counts();
    assert_eq!(counts, Counts { hits: 1, near: 0, misses: 1, dropped: 1 });
}
