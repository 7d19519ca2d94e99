//! The modules of npm that `tests/modules` runs.

use std::process::Command;

use crate::shell::{has, root, step};

/// Fetches them. Without npm, or without the network, the tests that need them say that they are skipped.
pub fn fetch() {
    let script = root().join("tests/modules/fetch");
    if !has("npm") {
        println!("== real modules: left out, there is no npm here");
    } else if let Err(why) = step("fetch real modules", &mut Command::new(script)) {
        println!("   left out: {why}");
    }
}
