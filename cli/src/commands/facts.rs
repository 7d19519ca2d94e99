//! `space facts`

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::print;
use crate::report::Failure;
use crate::session;

/// Prints what the compiler derived of each component.
pub fn run(folder: &Path, as_json: bool) -> Result<(), Failure> {
    let compilation = session::compile(folder, false)?;
    if as_json {
        let listed: Vec<_> = compilation
            .components
            .iter()
            .map(|component| {
                let facts: Map<String, Value> =
                    component.facts.iter().map(|fact| (fact.name.clone(), json!(fact.value))).collect();
                json!({"component": component.name, "package": component.package, "facts": facts})
            })
            .collect();
        return print::json(&json!(listed));
    }
    let mut text = String::new();
    for component in &compilation.components {
        let rows: Vec<_> =
            component.facts.iter().map(|fact| (fact.name.clone(), fact.value.clone())).collect();
        text += &format!("{}\n{}", component.name, print::table(&rows));
    }
    print::text(&text)
}
