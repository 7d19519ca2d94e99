//! `space test`

use std::path::Path;

use serde_json::json;

use crate::print;
use crate::report::{Exit, Failure};
use crate::session;

/// Runs every `test` block on this machine.
pub fn run(folder: &Path, as_json: bool) -> Result<(), Failure> {
    let compilation = session::compile(folder, true)?;
    let tests = &compilation.tests;
    let failed: Vec<_> = tests.iter().filter(|test| test.failure.is_some()).collect();
    if as_json {
        let listed: Vec<_> = tests
            .iter()
            .map(|test| json!({"name": test.name, "place": test.place, "failure": test.failure}))
            .collect();
        print::json(&json!(listed))?;
    } else {
        let mut text = String::new();
        for test in tests {
            match &test.failure {
                None => text += &format!("ok      {} ({})\n", test.name, test.place),
                Some(why) => text += &format!("failed  {} ({})\n        {why}\n", test.name, test.place),
            }
        }
        text += &format!("{} passed, {} failed\n", tests.len() - failed.len(), failed.len());
        print::text(&text)?;
    }
    match failed.first() {
        None => Ok(()),
        Some(first) => {
            let message = match failed.len() {
                1 => "1 test failed".to_owned(),
                count => format!("{count} tests failed"),
            };
            Err(Failure::new(Exit::Refused, "test-failed", message).at(first.place.clone()))
        }
    }
}
