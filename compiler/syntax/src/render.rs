//! Diagnostics as a reader sees them, in the manner of rustc. The only user of codespan-reporting.

use std::fmt::Write;

use codespan_reporting::diagnostic::{Diagnostic as Shown, Label};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::termcolor::{Ansi, NoColor};
use codespan_reporting::term::{Chars, Config, emit_to_write_style};

use crate::diagnostic::{Diagnostic, Severity};
use crate::span::{FileId, Sources, Span, offset};

/// Bytes of a source line that are shown; a longer line is left out.
const LINE_BYTES_MAX: usize = 500;

/// Bytes of replaced text that are quoted.
const EDIT_BYTES_MAX: usize = 80;

/// The diagnostics as text: `error[id]: sentence`, the place, what stands there, the help. `color` adds
/// terminal escapes. Names of files appear as they were given to `sources`.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let mut files = SimpleFiles::new();
    for index in 0..sources.len() {
        let file = FileId(offset(index));
        files.add(sources.name(file), sources.text(file));
    }
    let config = Config { chars: Chars::ascii(), ..Config::default() };
    let mut text = String::new();
    for diagnostic in diagnostics {
        let mut bytes = Vec::new();
        let places =
            || std::iter::once(diagnostic.primary).chain(diagnostic.labels.iter().map(|(at, _)| *at));
        let emitted = places().all(|span| is_presentable(sources, span)) && {
            let shown = shown(diagnostic, sources);
            let result = if color {
                emit_to_write_style(&mut Ansi::new(&mut bytes), &config, &files, &shown)
            } else {
                emit_to_write_style(&mut NoColor::new(&mut bytes), &config, &files, &shown)
            };
            result.is_ok()
        };
        if emitted {
            text.push_str(&String::from_utf8_lossy(&bytes));
        } else {
            write_without_source(&mut text, diagnostic, sources);
        }
        // One empty line between reports, whatever they end with.
        text.truncate(text.trim_end().len());
        text.push_str("\n\n");
    }
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn shown(diagnostic: &Diagnostic, sources: &Sources) -> Shown<usize> {
    let shown = match diagnostic.severity {
        Severity::Error => Shown::error(),
        Severity::Warning => Shown::warning(),
    };
    let primary = diagnostic.primary;
    let mut labels =
        vec![Label::primary(primary.file.0 as usize, primary.range()).with_message(&diagnostic.label)];
    labels.extend(
        diagnostic
            .labels
            .iter()
            .map(|(span, label)| Label::secondary(span.file.0 as usize, span.range()).with_message(label)),
    );
    shown
        .with_code(diagnostic.id)
        .with_message(&diagnostic.message)
        .with_labels(labels)
        .with_notes(helps(diagnostic, sources).map(|help| format!("help: {help}")).collect())
}

/// What to do: the help, and the edit in words.
fn helps(diagnostic: &Diagnostic, sources: &Sources) -> impl Iterator<Item = String> {
    let edit = diagnostic.edit.as_ref().map(|edit| {
        let old = Some(sources.slice(edit.span)).filter(|old| is_legible(old)).map(|old| format!("`{old}`"));
        let old = old.as_deref().unwrap_or("this");
        match (edit.span.range().is_empty(), edit.replacement.as_str()) {
            (true, new) => format!("insert `{new}`"),
            (false, "") => format!("remove {old}"),
            (false, " ") => format!("replace {old} with a space"),
            (false, new) => format!("replace {old} with `{new}`"),
        }
    });
    diagnostic.help.clone().into_iter().chain(edit)
}

/// Whether a reader can tell this text in a sentence.
fn is_legible(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    !text.trim().is_empty() && text.len() <= EDIT_BYTES_MAX && text.chars().all(|c| is_plain(c) || is_sign(c))
}

/// Signs from a word processor.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2027}' | '\u{2212}')
}

/// Whether the span fits its file and the lines at its ends are short enough to show.
fn is_presentable(sources: &Sources, span: Span) -> bool {
    let text = sources.text(span.file);
    let line_is_short = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        end - start <= LINE_BYTES_MAX
    };
    let range = span.range();
    text.get(range.clone()).is_some() && line_is_short(range.start) && line_is_short(range.end)
}

fn write_without_source(text: &mut String, diagnostic: &Diagnostic, sources: &Sources) {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let position = sources.position(diagnostic.primary.file, diagnostic.primary.start);
    let name = sources.name(diagnostic.primary.file);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{severity}[{}]: {}", diagnostic.id, diagnostic.message);
    let _ = writeln!(text, "  --> {name}:{}:{}", position.line, position.column);
    for help in helps(diagnostic, sources) {
        let _ = writeln!(text, "  = help: {help}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_its_place_and_the_next_step() {
        let mut sources = Sources::default();
        let file = sources.add("a/b.in", "package a\nvar x = {\n");
        let diagnostic =
            Diagnostic::error("unclosed-bracket", Span::new(file, 18, 19), "this `{` has no `}`")
                .here("opened here")
                .help("add `}`");
        let text = render(&[diagnostic.clone(), diagnostic.clone()], &sources, false);
        insta::assert_snapshot!(text, @r"
        error[unclosed-bracket]: this `{` has no `}`
          --> a/b.in:2:9
          |
        2 | var x = {
          |         ^ opened here
          |
          = help: add `}`

        error[unclosed-bracket]: this `{` has no `}`
          --> a/b.in:2:9
          |
        2 | var x = {
          |         ^ opened here
          |
          = help: add `}`
        ");
        assert!(render(&[diagnostic], &sources, true).contains("\u{1b}["));
    }

    #[test]
    fn a_long_line_is_not_shown() {
        let mut sources = Sources::default();
        let file = sources.add("a.in", "x".repeat(1 << 20));
        let text =
            render(&[Diagnostic::error("name-too-long", Span::new(file, 0, 9), "long")], &sources, false);
        assert_eq!(text, "error[name-too-long]: long\n  --> a.in:1:1\n");
    }
}
