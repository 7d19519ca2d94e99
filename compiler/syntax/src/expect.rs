//! What to say of a token that does not fit: written by hand, for lalrpop's own sets list symbols, not ideas.

mod habits;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::layout::{self, Piece, Placed};
use crate::span::Span;
use crate::token::Token;
pub(crate) use habits::foreign;

/// The words that begin a declaration.
const DECLARATIONS: &str = "a declaration begins with import, use, fn, struct, enum, interface, object, \
     registers, component, impl, system, const, var, test or extern";

/// The error at `tokens[at]`, or at their end. `expected` is what the automaton could have taken.
pub(crate) fn explain(
    context: &Context<'_>,
    piece: Piece,
    tokens: &[Placed],
    at: usize,
    expected: &[String],
) -> Diagnostic {
    let site = Site { context, piece, tokens, at, expected };
    let diagnostic = site.sentence_for();
    match site.habit() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

impl Site<'_, '_> {
    fn sentence_for(&self) -> Diagnostic {
        self.text_in_text()
            .or_else(|| self.reserved_word())
            .or_else(|| self.declaration())
            .or_else(|| self.elsewhere())
            .or_else(|| self.operator())
            .or_else(|| self.category())
            .or_else(|| self.separator())
            .unwrap_or_else(|| self.fallback())
    }
}

struct Site<'s, 't> {
    context: &'s Context<'t>,
    piece: Piece,
    tokens: &'s [Placed],
    at: usize,
    expected: &'s [String],
}

impl Site<'_, '_> {
    fn token(&self) -> Option<Token> {
        self.tokens.get(self.at).map(|(_, token, _)| *token)
    }

    fn before(&self, back: usize) -> Option<Token> {
        self.at.checked_sub(back).map(|at| self.tokens[at].1)
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |(start, _, end)| self.context.word(*start, *end))
    }

    /// The text of the token before, in quotes.
    fn after(&self) -> String {
        match self.at.checked_sub(1) {
            Some(before) if !self.text(before).is_empty() => format!(" after `{}`", short(self.text(before))),
            _ => String::new(),
        }
    }

    fn span(&self) -> Span {
        if let Some((start, _, end)) = self.tokens.get(self.at) {
            return self.context.span(*start, *end);
        }
        let end = self.tokens.last().map_or(0, |(_, _, end)| *end);
        self.context.span(end, end)
    }

    fn found(&self) -> String {
        let text = self.text(self.at);
        match self.token() {
            None => format!("the end of the {}", self.piece.noun()),
            Some(Token::Semicolon) if text.is_empty() && self.piece == Piece::Expression => {
                "the end of the expression".into()
            }
            Some(Token::Semicolon) if text.is_empty() => "the end of the line".into(),
            Some(Token::Text) => "text".into(),
            Some(Token::Integer | Token::Float) => format!("the number `{}`", short(text)),
            Some(Token::Name) => format!("the name `{}`", short(text)),
            Some(_) => format!("`{}`", short(text)),
        }
    }

    fn can(&self, symbol: &str) -> bool {
        // lalrpop puts each symbol in quotes.
        self.expected.iter().any(|expected| expected.trim_matches('"') == symbol)
    }

    fn error(&self, id: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(id, self.span(), message)
    }

    fn expects_expression(&self) -> bool {
        self.can("self") && self.can("integer")
    }

    fn expects_type(&self) -> bool {
        self.can("name") && self.can("[") && self.can("(") && !self.can("self") && !self.can(".")
    }

    /// Text inside an expression inside text ends the outer one.
    fn text_in_text(&self) -> Option<Diagnostic> {
        let (start, token, end) = *self.tokens.get(self.at.checked_sub(1)?)?;
        let open = self.context.word(start, end).rfind('{')?;
        let adjoins =
            self.tokens.get(self.at).is_some_and(|next| next.0 == end && next.1 != Token::Semicolon);
        if token != Token::Text || !adjoins || self.context.word(start + open, end).contains('}') {
            return None;
        }
        Some(
            Diagnostic::error(
                "unclosed-interpolation",
                self.context.span(start + open, start + open + 1),
                "this `{` has no `}` before the text ends",
            )
            .here("opened here")
            .also(self.context.span(end - 1, end), "the text ends here")
            .help("name the inner text with `let` first; for a brace that stands for itself write `\\{`"),
        )
    }

    /// A word of the language where a name belongs.
    fn reserved_word(&self) -> Option<Diagnostic> {
        let token = self.token()?;
        let naming = matches!(
            self.before(1)?,
            Token::Fn
                | Token::Struct
                | Token::Enum
                | Token::Interface
                | Token::Component
                | Token::Object
                | Token::Registers
                | Token::Capability
                | Token::Export
                | Token::Event
                | Token::Let
                | Token::Var
                | Token::Const
                | Token::For
                | Token::Dot
                | Token::Package
                | Token::Import
                | Token::Use
        );
        let field =
            self.can("name") && self.tokens.get(self.at + 1).is_some_and(|next| next.1 == Token::Colon);
        if !token.is_reserved_word() || !self.can("name") || !(naming || field) {
            return None;
        }
        let word = self.text(self.at);
        Some(
            self.error("reserved-word", format!("`{word}` is a word of the language and cannot be a name"))
                .help(format!("choose another name, such as `{word}-value` or `the-{word}`")),
        )
    }

    /// Something else where a declaration belongs.
    fn declaration(&self) -> Option<Diagnostic> {
        if self.piece == Piece::Expression {
            return None;
        }
        // `class Foo {` and `func f(`: two names, the first taken for a kind of block.
        if self.at <= 2 && self.at >= 1 && self.tokens[0].1 == Token::Name && !self.can("fn") {
            let word = self.text(0);
            if let Some(help) = foreign(word) {
                let (start, _, end) = self.tokens[0];
                return Some(
                    Diagnostic::error(
                        "expected-item",
                        self.context.span(start, end),
                        format!("`{word}` begins no declaration"),
                    )
                    .help(help),
                );
            }
        }
        if self.can("fn") && (self.can("struct") || self.can("impl")) {
            let help = match self.token() {
                Some(Token::Let) => {
                    "the state of a component is `var name = value`, a constant `const name = value`"
                }
                Some(Token::Package) => "`package` comes without attributes",
                Some(
                    Token::If
                    | Token::While
                    | Token::For
                    | Token::Return
                    | Token::Match
                    | Token::Loop
                    | Token::Assert
                    | Token::Defer,
                ) => "statements stand in functions",
                _ => foreign(self.text(self.at)).unwrap_or(DECLARATIONS),
            };
            return Some(
                self.error("expected-item", format!("expected a declaration, found {}", self.found()))
                    .help(help),
            );
        }
        // A word that begins a declaration is one only before a name; see `layout`.
        if let Some(before) = self.at.checked_sub(1)
            && self.tokens[before].1 == Token::Name
            && let Some(word) = layout::keyword(self.text(before), 0)
            && (before == 0
                || matches!(self.before(2), Some(Token::Pub | Token::Semicolon | Token::ParenClose)))
        {
            let (after, found) = (self.after(), self.found());
            return Some(match word {
                Token::Test => self.sentence(),
                _ => self.error("expected-name", format!("expected a name{after}, found {found}")),
            });
        }
        if self.at == 1 && self.tokens[0].1 == Token::Name {
            let (start, _, end) = self.tokens[0];
            return Some(
                Diagnostic::error(
                    "expected-item",
                    self.context.span(start, end),
                    format!("`{}` begins no declaration", short(self.text(0))),
                )
                .help(foreign(self.text(0)).unwrap_or(DECLARATIONS)),
            );
        }
        None
    }

    /// Whether a comparison stands before, in the same expression.
    fn compared_before(&self) -> bool {
        let ends = |token: &Token| {
            matches!(token, Token::Semicolon | Token::Comma | Token::AmpAmp | Token::PipePipe | Token::Or)
        };
        self.same_level().take_while(|token| !ends(token)).any(Token::compares)
    }

    /// Signs and words that other languages have.
    fn elsewhere(&self) -> Option<Diagnostic> {
        let (start, token, end) = *self.tokens.get(self.at)?;
        let next = self.tokens.get(self.at + 1).filter(|next| next.0 == end).map(|next| next.1);
        let unfit = |message: &str, help: &str| {
            let end = if next.is_some() { end + 1 } else { end };
            Diagnostic::error("unexpected-token", self.context.span(start, end), message).help(help)
        };
        match (token, next) {
            (Token::Slash, Some(Token::Star)) => {
                Some(unfit("`/*` begins no comment", "a comment goes from `//` to the end of its line"))
            }
            (Token::Equal, Some(Token::Greater)) => {
                Some(unfit("there is no sign `=>`", "an arm of `match` is written `pattern -> value`"))
            }
            (Token::Less, _) if self.can("[") && !self.can("+") => Some(
                self.error("unexpected-token", "`<` only compares; types stand in `[ ]`")
                    .help("write `List[u8]`, and `fn first[T](list: List[T]) -> T`"),
            ),
            _ => None,
        }
    }

    /// The sign of an assignment that stands in an expression.
    fn assignment(&self, token: Token) -> Option<Diagnostic> {
        if !token.assigns() || self.can("=") || !(self.can("+") || self.can("==") || self.can(".")) {
            return None;
        }
        let sign = self.text(self.at);
        let diagnostic =
            self.error("assignment-in-expression", format!("`{sign}` sets a variable and has no value"));
        if self.in_arm() {
            return Some(diagnostic.help(format!("put it in braces: `pattern -> {{ place {sign} value }}`")));
        }
        Some(match token {
            Token::Equal => diagnostic.help("compare with `==`").edit(self.span(), "=="),
            _ => diagnostic.help("make it a statement of its own"),
        })
    }

    /// Whether what stands here belongs to the value of a match arm.
    fn in_arm(&self) -> bool {
        self.same_level()
            .take_while(|token| !matches!(token, Token::Semicolon | Token::Comma))
            .any(|token| token == Token::Arrow)
    }

    /// The tokens before this one in the same brackets, the last one first.
    fn same_level(&self) -> impl Iterator<Item = Token> {
        let mut closed = 0usize;
        let before = self.tokens[..self.at].iter().rev().map_while(move |(_, token, _)| {
            if token.is_closer() {
                closed += 1;
                return Some(None);
            }
            if token.closer().is_some() {
                closed = closed.checked_sub(1)?;
                return Some(None);
            }
            Some((closed == 0).then_some(*token))
        });
        before.flatten()
    }

    /// Operators that exist elsewhere, or not here.
    fn operator(&self) -> Option<Diagnostic> {
        let token = self.token()?;
        if token.compares() && self.before(1).is_some_and(Token::ends) && self.compared_before() {
            return Some(
                self.error("chained-comparison", "comparisons cannot be chained")
                    .help("join two comparisons with `&&`: `a < b && b < c`"),
            );
        }
        if let Some(diagnostic) = self.assignment(token) {
            return Some(diagnostic);
        }
        if token == Token::Amp && self.expects_expression() {
            return Some(
                self.error("misplaced-ampersand", "`&` lends a variable and stands only before an argument")
                    .help("write it in the call, as in `fill(&buffer)`; there are no pointers"),
            );
        }
        if token == Token::Colon
            && self.before(1) == Some(Token::Name)
            && self.before(2) == Some(Token::BraceOpen)
        {
            return Some(
                self.error("unexpected-token", "`:` does not fit here: the `{` before it begins a block")
                    .help("before a block, a struct literal stands in parentheses: `if p == (Point { x: 1 }) { .. }`"),
            );
        }
        let doubled = self.before(1) == Some(token)
            && self.tokens[self.at - 1].2 == self.tokens[self.at].0
            && matches!(token, Token::Plus | Token::Minus);
        if doubled {
            let sign = self.text(self.at);
            return Some(
                self.error("expected-expression", format!("there is no operator `{sign}{sign}`"))
                    .help(format!("write `x {sign}= 1`")),
            );
        }
        None
    }

    /// One idea covers all that could stand here.
    fn category(&self) -> Option<Diagnostic> {
        let (after, found) = (self.after(), self.found());
        let expected = |what: &str| format!("expected {what}{after}, found {found}");
        if self.expects_expression() {
            if self.can("let") {
                return Some(
                    self.error("expected-statement", format!("expected a statement, found {found}"))
                        .help("a statement begins with a name, let, var, if, match, while, for, loop, return, defer or assert"),
                );
            }
            let diagnostic = self.error("expected-expression", expected("an expression"));
            return Some(match self.token() {
                Some(Token::Semicolon) if self.text(self.at).is_empty() => {
                    diagnostic.help("continue it on this line, or remove what stands before the line end")
                }
                Some(Token::If | Token::Match | Token::Loop | Token::BraceOpen) => {
                    diagnostic.help("before a block, put it in parentheses")
                }
                _ => diagnostic,
            });
        }
        if self.can("_") && self.can("integer") {
            return Some(self.error("expected-pattern", expected("a pattern")).help(
                "a pattern is `_`, a name, a number, a range, a variant such as `Error.full(limit)`, or a tuple",
            ));
        }
        if self.expects_type() {
            return Some(self.error("expected-type", expected("a type")).help(
                "a type is a name such as `u32` or `List[u8]`, an array `[u8; 4]`, a slice `[u8]`, or a tuple",
            ));
        }
        if self.can("integer") && self.can("name") && !self.can(";") && !self.can("{") {
            return Some(
                self.error("expected-value", expected("a value"))
                    .help("a value is a word, a number, text, or a word with values in parentheses"),
            );
        }
        if self.can("text") && self.expected.len() == 1 {
            return Some(self.sentence());
        }
        let named = self.can("name") && !self.can("integer") && !self.before(1).is_some_and(Token::ends);
        if named {
            return Some(self.error("expected-name", expected("a name")));
        }
        None
    }

    fn sentence(&self) -> Diagnostic {
        let found = self.found();
        self.error("expected-name", format!("expected a sentence in quotes after `test`, found {found}"))
            .help("a test is named by what it shows: `test \"an empty list has no first\" { .. }`")
    }

    /// A thing is complete and the next begins on the same line, or something is missing in between.
    fn separator(&self) -> Option<Diagnostic> {
        let (after, found) = (self.after(), self.found());
        if self.can("=") && !self.can("+") && !self.can(";") {
            return Some(
                self.error("expected-value", format!("expected `=` and a value{after}, found {found}"))
                    .help("a variable always has a value: `var count: u32 = 0`"),
            );
        }
        let parameter = self.can(":") && self.can("name") && self.can("self");
        if (self.expected.len() == 1 && self.can(":")) || (parameter && self.before(1) == Some(Token::Name)) {
            return Some(
                self.error("expected-type", format!("expected `:` and a type{after}, found {found}"))
                    .help("fields and parameters are written `name: type`"),
            );
        }
        if self.can("{") && !self.can(";") {
            return Some(
                self.error("expected-block", format!("expected `{{`{after}, found {found}"))
                    .help("a body stands in braces, which open on the same line"),
            );
        }
        if self.can("while")
            && self.can("for")
            && !self.can("let")
            && self.before(1) == Some(Token::ParenClose)
        {
            return Some(
                self.error("unexpected-token", format!("an attribute cannot stand before {found}"))
                    .help("in a function, attributes stand before `while` and `for`"),
            );
        }
        if !self.can(";") || self.token().is_none_or(|token| token == Token::Semicolon) {
            return None;
        }
        if self.piece == Piece::Expression {
            return Some(
                self.error("unexpected-token", format!("expected `}}`{after}, found {found}"))
                    .help("the braces hold one expression; `\\{` stands for a brace"),
            );
        }
        let diagnostic =
            self.error("expected-separator", format!("expected the end of the line{after}, found {found}"));
        Some(if self.can(",") {
            diagnostic.help("put each on a line of its own, or `,` between them")
        } else {
            diagnostic.help("put each on a line of its own, or `;` between them")
        })
    }

    fn fallback(&self) -> Diagnostic {
        let diagnostic = self.error("unexpected-token", format!("{} does not fit here", self.found()));
        let mut choices: Vec<String> =
            self.expected.iter().map(|symbol| format!("`{}`", symbol.trim_matches('"'))).collect();
        choices.retain(|choice| choice != "`;`");
        match choices.as_slice() {
            [one] => diagnostic.help(format!("{one} should stand here")),
            [rest @ .., last] if rest.len() < 6 => {
                diagnostic.help(format!("{} or {last} could stand here", rest.join(", ")))
            }
            _ => diagnostic,
        }
    }
}

/// A word as a message shows it: its first characters if it is long.
fn short(text: &str) -> String {
    const LENGTH_MAX: usize = 40;
    match text.char_indices().nth(LENGTH_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
