//! `space check`

use std::path::Path;

use sci::contract::RULES;
use sci::image::Image;
use serde_json::json;

use crate::commands::guest;
use crate::print;
use crate::report::{Exit, Failure};
use crate::session;

/// Compiles, writes nothing, and holds each image against every contract rule, as the kernel will.
pub fn run(folder: &Path, as_json: bool) -> Result<(), Failure> {
    if folder.is_file() {
        return guest::check(folder);
    }
    let compilation = session::compile(folder, false)?;
    let mut text = String::new();
    let mut listed = Vec::new();
    let mut first = None;
    for component in &compilation.components {
        let refusal = Image::verify(&component.image).err();
        let result = match &refusal {
            None => format!("{} contract rules hold", RULES.len()),
            Some(refusal) => refusal.to_string(),
        };
        text += &format!("{}: {result}\n", component.name);
        listed.push(json!({
            "component": component.name,
            "rules": RULES.len(),
            "failure": refusal.map(|refusal| refusal.to_string()),
        }));
        if first.is_none() && refusal.is_some() {
            first = Some((component.name.clone(), result));
        }
    }
    if as_json {
        print::json(&json!(listed))?;
    } else {
        print::text(&text)?;
    }
    match first {
        None => Ok(()),
        Some((name, why)) => Err(Failure::new(Exit::Image, "bad-image", why)
            .at(name)
            .help("this is a mistake of the compiler: keep the sources that cause it, and report it")),
    }
}
