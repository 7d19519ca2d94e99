//! Standard output: listings for people and for programs.

use std::io::{Write as _, stdout};

use serde_json::Value;

use crate::report::{Failure, visible};

/// Prints text.
pub fn text(text: &str) -> Result<(), Failure> {
    // Whoever reads it no more has seen enough.
    raw(&visible(text)).map(drop)
}

/// Prints text that may command the terminal; whether somebody reads it still.
pub fn raw(text: &str) -> Result<bool, Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        written => Ok(written.map(|()| true)?),
    }
}

/// Prints JSON, indented, with a line end.
pub fn json(value: &Value) -> Result<(), Failure> {
    text(&format!("{value:#}\n"))
}

/// Lines of `name  value`, aligned; further lines of a value stand below its first.
pub fn table(rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in rows {
        let mut lines = value.lines();
        let first = lines.next().unwrap_or_default();
        let pad = width - name.chars().count();
        text += format!("  {name}{:pad$}  {first}", "").trim_end();
        text.push('\n');
        for line in lines {
            text += &format!("  {:width$}  {line}\n", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let text = table(&[row("stack", "128 bytes"), row("a", "one\ntwo"), row("b", "")]);
        assert_eq!(text, "  stack  128 bytes\n  a      one\n         two\n  b\n");
    }
}
