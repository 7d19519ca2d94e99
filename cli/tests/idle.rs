//! A build with nothing to do costs next to nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![cfg(target_os = "linux")]

mod common;

use std::fs;

use common::Place;

/// Milliseconds of CPU for one build; an unoptimised `space` may take longer.
const LIMIT: u64 = if cfg!(debug_assertions) { 500 } else { 50 };
/// Builds that are measured together: the kernel counts in steps of 10 ms.
const BUILDS: u64 = 10;

#[test]
fn nothing_to_do() {
    let place = Place::with_project("app");
    place.call("demo", &["build"]).succeeds();
    let before = children();
    for _ in 0..BUILDS {
        place.call("demo", &["build"]).succeeds();
    }
    let each = (children() - before) * 10 / BUILDS;
    assert!(each < LIMIT, "{each} ms");
}

/// CPU time of the children that have ended, in ticks of 10 ms.
fn children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap()
}
