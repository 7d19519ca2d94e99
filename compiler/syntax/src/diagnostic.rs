//! Diagnostics as data: what is wrong, where, and what to do.

use crate::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program is refused.
    Error,
    /// The program is accepted; something is probably not meant.
    Warning,
}

/// A replacement of source text that would mend the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What to replace.
    pub span: Span,
    /// With what.
    pub replacement: String,
}

/// One message to the author of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable kebab-case id of the cause.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence in the author's words, without a full stop.
    pub message: String,
    /// Where.
    pub primary: Span,
    /// What stands at `primary`; may be empty.
    pub label: String,
    /// Other places that are involved.
    pub labels: Vec<(Span, String)>,
    /// The next step, where there is one.
    pub help: Option<String>,
    /// An edit that would do it.
    pub edit: Option<Edit>,
}

impl Diagnostic {
    /// An error.
    pub fn error(id: &'static str, primary: Span, message: impl Into<String>) -> Self {
        Self {
            id,
            severity: Severity::Error,
            message: message.into(),
            primary,
            label: String::new(),
            labels: Vec::new(),
            help: None,
            edit: None,
        }
    }

    /// A warning.
    pub fn warning(id: &'static str, primary: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(id, primary, message) }
    }

    /// Says what stands at the primary place.
    #[must_use]
    pub fn here(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds an edit.
    #[must_use]
    pub fn edit(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.edit = Some(Edit { span, replacement: replacement.into() });
        self
    }
}

/// What `space explain` prints of one id.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The id.
    pub id: &'static str,
    /// Cause, an example, and the way out, in a few sentences.
    pub explanation: &'static str,
}
