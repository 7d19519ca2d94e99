//! `space key`

use compiler_driver::keys::{Key, Store};
use serde_json::json;
use services_mex::base64;

use crate::print;
use crate::report::Failure;

/// Makes a key.
pub fn new(name: &str) -> Result<(), Failure> {
    let store = Store::open()?;
    let key = store.create(name)?;
    let (kind, short) = (key.kind.name(), key.public().short());
    print::text(&format!("made the {kind} key {name} {short} in {}\n", store.folder().display()))
}

/// Lists the keys.
pub fn list(as_json: bool) -> Result<(), Failure> {
    let (keys, wrong) = Store::open()?.list()?;
    if as_json {
        let listed: Vec<_> = keys
            .iter()
            .map(|key| {
                let public = compiler_driver::files::hex(&key.public().bytes);
                json!({"name": key.name, "kind": key.kind.name(), "key": public})
            })
            .collect();
        print::json(&json!(listed))?;
    } else {
        print::text(&lines(&keys))?;
    }
    match wrong.into_iter().next() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn lines(keys: &[Key]) -> String {
    keys.iter()
        .map(|key| format!("{:<20} {:<12} {}\n", key.name, key.kind.name(), key.public().short()))
        .collect()
}

/// Prints the public half of a key, in a form that `--key` takes, or in that of trust policies.
pub fn export(name: &str, is_base64: bool) -> Result<(), Failure> {
    let key = Store::open()?.load(name)?.public();
    print::text(&if is_base64 { format!("{}\n", base64(&key.bytes)) } else { key.text() })
}
