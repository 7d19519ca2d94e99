//! What the grammar's actions need beside the tokens: the text, the file, and where faults go.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::expect;
use crate::limits::DIAGNOSTICS_MAX;
use crate::literal;
use crate::span::{FileId, Span, offset};
use crate::tree::{
    BinaryOperator, Expr, ExprKind, Fact, Integer, Item, ItemKind, Literal, Mode, Name, Path, PatternKind,
    TextPart,
};

/// What the parser made of a token stream.
pub(crate) enum Parsed {
    Chunk(Vec<Declaration>),
    Expression(Expr),
}

/// What stands at the top of a file.
#[expect(clippy::large_enum_variant, reason = "nearly all declarations are items")]
pub(crate) enum Declaration {
    /// `package path`, and where the word stands.
    Package(Path, Span),
    Item(Item),
}

/// One file while it is parsed.
pub(crate) struct Context<'t> {
    pub(crate) file: FileId,
    pub(crate) text: &'t str,
    /// What `lexer::documentation` found.
    documentation: &'t [(u32, String)],
    /// Each name's text is kept once per file.
    names: RefCell<HashMap<&'t str, Arc<str>>>,
    /// The operators around each text of the declaration that is being parsed, by its start.
    depths: RefCell<Vec<(usize, u32)>>,
    pub(crate) diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'t> Context<'t> {
    pub(crate) fn new(file: FileId, text: &'t str, documentation: &'t [(u32, String)]) -> Self {
        Self {
            file,
            text,
            documentation,
            names: RefCell::default(),
            depths: RefCell::default(),
            diagnostics: RefCell::default(),
        }
    }

    /// Keeps what `layout::check_chains` found for the declaration that is parsed next.
    pub(crate) fn set_depths(&self, depths: Vec<(usize, u32)>) {
        *self.depths.borrow_mut() = depths;
    }

    /// The operators around the text at `start`.
    pub(crate) fn depth(&self, start: usize) -> u32 {
        let depths = self.depths.borrow();
        depths.binary_search_by_key(&start, |(at, _)| *at).map_or(0, |at| depths[at].1)
    }

    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        // A node without tokens, such as an empty list, has its end before its start.
        Span::new(self.file, offset(start), offset(end.max(start)))
    }

    pub(crate) fn word(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or("")
    }

    /// Keeps a diagnostic, unless there are more than are shown.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.diagnostics.borrow_mut().push(diagnostic);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.diagnostics.borrow().len() > DIAGNOSTICS_MAX
    }

    pub(crate) fn name(&self, start: usize, end: usize) -> Name {
        Name { text: self.intern(self.word(start, end)), span: self.span(start, end) }
    }

    fn intern(&self, word: &'t str) -> Arc<str> {
        Arc::clone(self.names.borrow_mut().entry(word).or_insert_with(|| Arc::from(word)))
    }

    pub(crate) fn documentation(&self, start: usize) -> String {
        let found = self.documentation.binary_search_by_key(&offset(start), |(at, _)| *at);
        found.map_or_else(|_| String::new(), |at| self.documentation[at].1.clone())
    }

    /// A block of facts; a word of another language in its place is reported.
    pub(crate) fn topology(&self, keyword: Name, name: Name, facts: Vec<Fact>) -> ItemKind {
        if let Some(help) = expect::foreign(keyword.as_str()) {
            let message = format!("`{}` begins no declaration", keyword.as_str());
            self.report(Diagnostic::error("expected-item", keyword.span, message).help(help));
        }
        ItemKind::Topology { keyword, name, facts }
    }

    pub(crate) fn mode(&self, word: &Name) -> Mode {
        match word.as_str() {
            "read" => Mode::Read,
            "inout" => Mode::Inout,
            "take" => Mode::Take,
            other => {
                self.report(
                    Diagnostic::error("unknown-mode", word.span, format!("`{other}` is no way to pass a value"))
                        .help("write `inout` to let the function change it, `take` to give it away, or nothing to lend it for reading"),
                );
                Mode::Read
            }
        }
    }

    pub(crate) fn integer(&self, start: usize, end: usize) -> Integer {
        let (value, unit) = literal::integer(self.word(start, end)).unwrap_or_else(|fault| {
            self.report(fault.diagnostic(self.span(start, end)));
            (0, "")
        });
        Integer { value, unit: self.intern(unit) }
    }

    pub(crate) fn float(&self, start: usize, end: usize) -> f64 {
        literal::float(self.word(start, end)).unwrap_or_else(|fault| {
            self.report(fault.diagnostic(self.span(start, end)));
            0.0
        })
    }

    pub(crate) fn character(&self, start: usize, end: usize) -> char {
        literal::character(self, start, end)
    }

    /// Text that stands where nothing can be interpolated.
    pub(crate) fn plain_text(&self, start: usize, end: usize) -> String {
        let mut plain = String::new();
        for part in literal::text(self, start, end) {
            match part {
                TextPart::Literal(text) => plain.push_str(&text),
                TextPart::Expr(expr) => self.report(
                    Diagnostic::error(
                        "misplaced-interpolation",
                        expr.span,
                        "text can hold an expression only inside a function",
                    )
                    .help("write `\\{` and `\\}` for braces that stand for themselves"),
                ),
            }
        }
        plain
    }

    /// Text as an expression: a literal, or parts where something is interpolated.
    pub(crate) fn text_expr(&self, start: usize, end: usize) -> ExprKind {
        let mut parts = literal::text(self, start, end);
        match parts.as_mut_slice() {
            [] => ExprKind::Literal(Literal::Text(String::new())),
            [TextPart::Literal(text)] => ExprKind::Literal(Literal::Text(std::mem::take(text))),
            _ => ExprKind::Text(parts),
        }
    }

    pub(crate) fn expr(&self, start: usize, kind: ExprKind, end: usize) -> Expr {
        Expr { kind: Box::new(kind), span: self.span(start, end) }
    }

    pub(crate) fn binary(
        &self,
        start: usize,
        left: Expr,
        operator: BinaryOperator,
        right: Expr,
        end: usize,
    ) -> Expr {
        self.expr(start, ExprKind::Binary(operator, left, right), end)
    }
}

/// A pattern of names: one name may be a binding.
pub(crate) fn path_pattern(mut path: Path) -> PatternKind {
    match (path.names.len(), path.names.pop()) {
        (1, Some(name)) => PatternKind::Name(name),
        (_, last) => {
            path.names.extend(last);
            PatternKind::Path(path)
        }
    }
}
