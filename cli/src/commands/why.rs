//! `space why`: one authority, from the source that declares it to the calls that use it.

use std::path::Path;

use compiler_driver::file_stem;
use serde_json::json;

use crate::print;
use crate::report::{Exit, Failure};
use crate::session;

/// Prints why a component holds a capability.
pub fn run(component: &str, capability: &str, folder: &Path, as_json: bool) -> Result<(), Failure> {
    let compilation = session::compile(folder, false)?;
    // Components have their own name in sources and another in files: either will do.
    let component = &file_stem(component);
    let found = compilation.components.iter().find(|known| known.name == *component);
    let Some(compiled) = found else {
        let names: Vec<&str> = compilation.components.iter().map(|known| known.name.as_str()).collect();
        return Err(Failure::new(
            Exit::Usage,
            "unknown-component",
            format!("there is no component `{component}`"),
        )
        .help(format!("the components are {}", names.join(", "))));
    };
    let uses: Vec<_> = compiled.uses.iter().filter(|one| one.capability == capability).collect();
    if uses.is_empty() {
        let mut names: Vec<&str> = compiled.uses.iter().map(|one| one.capability.as_str()).collect();
        names.dedup();
        let held = if names.is_empty() {
            "it uses none".to_owned()
        } else {
            format!("it uses {}", names.join(", "))
        };
        let message = format!("{component} uses no capability `{capability}`");
        return Err(Failure::new(Exit::Usage, "unknown-capability", message).help(held));
    }
    if as_json {
        let listed: Vec<_> = uses
            .iter()
            .map(|one| {
                json!({
                    "capability": one.capability,
                    "interface": one.interface,
                    "method": one.method,
                    "declared": one.declared,
                    "path": one.path,
                })
            })
            .collect();
        return print::json(&json!(listed));
    }
    let first = uses[0];
    let mut text =
        format!("{component} holds {capability}: {}, declared at {}\n", first.interface, first.declared);
    let methods: Vec<&str> = uses.iter().map(|one| one.method.as_str()).collect();
    for one in &uses {
        text += &format!("  {} is used by {}\n", one.method, one.path.join(" -> "));
    }
    let granted = compilation.system.iter().flat_map(|system| &system.authorities);
    for one in granted.filter(|one| one.component == *component && one.capability == capability) {
        text += &format!("  {} is granted {} from {}\n", one.instance, methods.join(", "), one.source);
    }
    print::text(&text)
}
