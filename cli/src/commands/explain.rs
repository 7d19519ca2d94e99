//! `space explain`

use serde_json::json;

use crate::explanations;
use crate::print;
use crate::report::{Exit, Failure};

/// Prints what an id means; without one, every id.
pub fn run(id: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let entries = explanations::all();
    let Some(id) = id else {
        if as_json {
            let listed: Vec<_> = entries
                .iter()
                .map(|(id, explanation)| json!({"id": id, "explanation": explanation}))
                .collect();
            return print::json(&json!(listed));
        }
        return print::text(&entries.iter().map(|(id, _)| format!("{id}\n")).collect::<String>());
    };
    let wanted = id.trim_start_matches("error[").trim_start_matches("warning[").trim_end_matches(']');
    match entries.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted)) {
        Some((id, explanation)) if as_json => print::json(&json!({"id": id, "explanation": explanation})),
        Some((id, explanation)) => print::text(&format!("{id}\n\n{}\n", explanation.trim())),
        None => Err(Failure::new(Exit::Usage, "unknown-id", format!("there is no diagnostic `{id}`"))
            .help("`space explain` lists them")),
    }
}
