//! `space key`

use compiler_driver::keys::{Kind, Store};
use serde_json::json;

use crate::print;
use crate::report::Failure;

/// Makes a release key.
pub fn new(name: &str) -> Result<(), Failure> {
    let store = Store::open()?;
    let key = store.create(name, Kind::Release)?;
    print::text(&format!("made {name} {} in {}\n", key.public().short(), store.folder().display()))
}

/// Lists the keys.
pub fn list(as_json: bool) -> Result<(), Failure> {
    let keys = Store::open()?.list()?;
    if as_json {
        let listed: Vec<_> = keys
            .iter()
            .map(|key| {
                let public = compiler_driver::files::hex(&key.public().bytes);
                json!({"name": key.name, "kind": key.kind.name(), "key": public})
            })
            .collect();
        return print::json(&json!(listed));
    }
    let lines: String = keys
        .iter()
        .map(|key| format!("{:<20} {:<12} {}\n", key.name, key.kind.name(), key.public().short()))
        .collect();
    print::text(&lines)
}

/// Prints the public half of a key.
pub fn export(name: &str) -> Result<(), Failure> {
    print::text(&Store::open()?.load(name)?.public().text())
}
