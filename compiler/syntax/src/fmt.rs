//! The formatter: one style, no options. It works on tokens and comments, never on the tree, so it cannot lose
//! anything.
//!
//! Lines stay as they were broken; what changes is indentation, spaces, empty lines and needless `;`. A block
//! on one line stays there while the line fits. The result parses to the same tree, and formats to itself.

use std::collections::VecDeque;

use crate::diagnostic::{Diagnostic, Severity};
use crate::lexer::{self, Lexeme, Lexemes};
use crate::span::FileId;
use crate::token::Token;

/// Columns of a line with blocks on it; a longer one is broken at its blocks.
const COLUMNS_MAX: usize = 100;

/// Spaces of one level.
const INDENT: usize = 2;

/// The text in house style, or its errors if it has any. Their file is `FileId(0)`.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let file = FileId(0);
    let (_, mut diagnostics) = crate::parse(file, text);
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mut lexemes = lexer::scan(file, text, 0..text.len(), &mut diagnostics);
    break_open_blocks(&mut lexemes.tokens);
    let mut printer =
        Printer { text, output: String::with_capacity(text.len()), open: Vec::new(), last: None };
    let mut queue: VecDeque<Line<'_>> = lines(text, &lexemes).into();
    while let Some(line) = queue.pop_front() {
        let indent = printer.indent(&line);
        let shown = printer.show(&line.tokens);
        if indent + shown.chars().count() > COLUMNS_MAX
            && let Some(parts) = split(&line)
        {
            parts.into_iter().rev().for_each(|part| queue.push_front(part));
            continue;
        }
        printer.print(&line, indent, &shown);
    }
    Ok(printer.output)
}

/// One line of the result.
#[derive(Debug, Default)]
struct Line<'t> {
    tokens: Vec<Lexeme>,
    /// The comment at its end, or alone.
    comment: Option<&'t str>,
    /// Whether an empty line stood before it.
    spaced: bool,
}

/// A block that goes over several lines begins behind the line of its `{` and ends before that of its `}`.
fn break_open_blocks(tokens: &mut [Lexeme]) {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut line = 0;
    for at in 0..tokens.len() {
        line += usize::from(tokens[at].first);
        if tokens[at].token.closer().is_some() {
            open.push((at, line));
        } else if tokens[at].token.is_closer()
            && let Some((opener, opened)) = open.pop()
            && tokens[at].token == Token::BraceClose
            && opened != line
        {
            tokens[opener + 1].first = true;
            tokens[at].first = true;
        }
    }
}

/// The lines as written, without needless `;` and without empty lines.
fn lines<'t>(text: &'t str, lexemes: &Lexemes) -> Vec<Line<'t>> {
    let mut lines: Vec<Line<'t>> = Vec::new();
    let mut comments = lexemes.comments.iter().peekable();
    let mut end = 0;
    let mut open: Vec<Token> = Vec::new();
    for index in 0..=lexemes.tokens.len() {
        while let Some(comment) = comments.next_if(|comment| comment.index == index) {
            let (from, to) = (comment.start as usize, comment.end as usize);
            if comment.own_line || lines.is_empty() {
                lines.push(Line { spaced: is_spaced(&text[end..from]), ..Line::default() });
            }
            if let Some(line) = lines.last_mut() {
                line.comment = Some(text[from..to].trim_end());
            }
            end = to;
        }
        let Some(&lexeme) = lexemes.tokens.get(index) else { break };
        let start = lexeme.start as usize;
        if lexeme.first || lines.is_empty() {
            lines.push(Line { spaced: is_spaced(&text[end..start]), ..Line::default() });
        }
        end = lexeme.end as usize;
        if lexeme.token.closer().is_some() {
            open.push(lexeme.token);
        } else if lexeme.token.is_closer() {
            open.pop();
        }
        let separates = matches!(open.last(), None | Some(Token::BraceOpen));
        let next = lexemes.tokens.get(index + 1);
        let last =
            next.is_none_or(|next| next.first || matches!(next.token, Token::BraceClose | Token::Semicolon));
        if let Some(line) = lines.last_mut() {
            let leads = line.tokens.last().is_none_or(|before| before.token == Token::BraceOpen);
            if lexeme.token != Token::Semicolon || !separates || !(last || leads) {
                line.tokens.push(lexeme);
            }
        }
    }
    // A line of `;` alone is gone; the empty line before it counts for the next.
    let mut spaced = false;
    lines.retain_mut(|line| {
        line.spaced |= spaced;
        let keep = !line.tokens.is_empty() || line.comment.is_some();
        spaced = !keep && line.spaced;
        keep
    });
    lines
}

/// Whether there is an empty line in what stands between two tokens.
fn is_spaced(gap: &str) -> bool {
    gap.bytes().filter(|&byte| byte == b'\n').count() > 1
}

/// The line broken at its outermost blocks, if it has any with something in them.
fn split<'t>(line: &Line<'t>) -> Option<Vec<Line<'t>>> {
    let tokens = &line.tokens;
    let mut parts: Vec<Line<'t>> = vec![Line { spaced: line.spaced, ..Line::default() }];
    let mut at = 0;
    while at < tokens.len() {
        let block = (tokens[at].token == Token::BraceOpen).then(|| closing(tokens, at)).flatten();
        parts.last_mut()?.tokens.push(tokens[at]);
        at += 1;
        if let Some(close) = block.filter(|&close| close > at) {
            parts.extend(elements(&tokens[at..close]));
            parts.push(Line { tokens: vec![tokens[close]], ..Line::default() });
            at = close + 1;
        }
    }
    if parts.len() == 1 {
        return None;
    }
    parts.last_mut()?.comment = line.comment;
    Some(parts)
}

/// The index of the bracket that closes `tokens[open]`, if it stands on the same line.
fn closing(tokens: &[Lexeme], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, lexeme) in tokens.iter().enumerate().skip(open) {
        if lexeme.token.closer().is_some() {
            depth += 1;
        } else if lexeme.token.is_closer() {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// What stands in a block, one line for each: parted by `;`, which go, or else by `,`, which stay.
fn elements<'t>(tokens: &[Lexeme]) -> Vec<Line<'t>> {
    let outer = || {
        let mut depth = 0usize;
        tokens.iter().map(move |lexeme| {
            depth -= usize::from(lexeme.token.is_closer());
            let here = depth == 0;
            depth += usize::from(lexeme.token.closer().is_some());
            (*lexeme, here)
        })
    };
    let has = |wanted: Token| outer().any(|(lexeme, here)| here && lexeme.token == wanted);
    let separator = if has(Token::Semicolon) {
        Some(Token::Semicolon)
    } else if has(Token::Effects) || has(Token::Requires) {
        None
    } else {
        Some(Token::Comma)
    };
    let mut parts = vec![Line::default()];
    for (lexeme, here) in outer() {
        let parting = here && separator == Some(lexeme.token);
        if let Some(part) = parts.last_mut()
            && !(parting && lexeme.token == Token::Semicolon)
        {
            part.tokens.push(lexeme);
        }
        if parting {
            parts.push(Line::default());
        }
    }
    parts.retain(|part| !part.tokens.is_empty());
    parts
}

struct Printer<'t> {
    text: &'t str,
    output: String,
    /// The open brackets, each with the indentation of the line that opened it.
    open: Vec<(Token, usize)>,
    last: Option<Token>,
}

impl Printer<'_> {
    fn word(&self, lexeme: Lexeme) -> &str {
        &self.text[lexeme.start as usize..lexeme.end as usize]
    }

    /// Whether a line end here separates.
    fn separates(&self) -> bool {
        matches!(self.open.last(), None | Some((Token::BraceOpen, _)))
    }

    /// The columns before a line.
    fn indent(&self, line: &Line<'_>) -> usize {
        let base = self.open.last().map_or(0, |(_, indent)| indent + INDENT);
        match line.tokens.first() {
            Some(first) if first.token.is_closer() => self.open.last().map_or(0, |(_, indent)| *indent),
            Some(first) if self.separates() && self.continues(first.token) => base + INDENT,
            _ => base,
        }
    }

    fn continues(&self, first: Token) -> bool {
        let inside = match self.last {
            None | Some(Token::BraceOpen | Token::Comma | Token::Semicolon) => false,
            Some(last) => !last.ends(),
        };
        inside || (first.continues() && !matches!(first, Token::Else | Token::Comma))
    }

    /// The tokens with the spaces between them.
    fn show(&self, tokens: &[Lexeme]) -> String {
        let mut shown = String::new();
        let starts_anew =
            self.separates() && tokens.first().is_some_and(|first| !self.continues(first.token));
        let mut before = if starts_anew { None } else { self.last };
        let mut prefixed = true;
        for lexeme in tokens {
            let token = lexeme.token;
            if let Some(before) = before
                && !shown.is_empty()
                && !prefixed
                && has_space(before, token)
            {
                shown.push(' ');
            }
            shown.push_str(self.word(*lexeme));
            prefixed = is_prefix(before, token);
            before = Some(token);
        }
        shown
    }

    fn print(&mut self, line: &Line<'_>, indent: usize, shown: &str) {
        let after_open =
            self.last.is_some_and(|last| last.closer().is_some()) && self.output.ends_with("{\n");
        let closes = line.tokens.first().is_some_and(|first| first.token.is_closer());
        if line.spaced && !self.output.is_empty() && !after_open && !closes {
            self.output.push('\n');
        }
        self.output.extend(std::iter::repeat_n(' ', indent));
        self.output.push_str(shown);
        if let Some(comment) = line.comment {
            if !shown.is_empty() {
                self.output.push_str("  ");
            }
            self.output.push_str(comment);
        }
        self.output.push('\n');
        for lexeme in &line.tokens {
            if lexeme.token.closer().is_some() {
                self.open.push((lexeme.token, indent));
            } else if lexeme.token.is_closer() {
                self.open.pop();
            }
            self.last = Some(lexeme.token);
        }
    }
}

/// Whether a token behind `before` belongs to what follows it.
fn is_prefix(before: Option<Token>, token: Token) -> bool {
    let after_operand = before.is_some_and(|before| {
        before.ends() && !matches!(before, Token::Return | Token::Break | Token::Continue)
    });
    match token {
        Token::At => true,
        Token::Minus | Token::Bang | Token::Tilde | Token::Amp => !after_operand,
        _ => false,
    }
}

fn has_space(before: Token, token: Token) -> bool {
    let callable = matches!(
        before,
        Token::Name
            | Token::ParenClose
            | Token::BracketClose
            | Token::Question
            | Token::SelfValue
            | Token::Text
    );
    match (before, token) {
        (Token::Dot | Token::DotDot | Token::ParenOpen | Token::BracketOpen, _)
        | (
            _,
            Token::Dot
            | Token::DotDot
            | Token::Comma
            | Token::Semicolon
            | Token::Colon
            | Token::Question
            | Token::ParenClose
            | Token::BracketClose,
        )
        | (Token::BraceOpen, Token::BraceClose) => false,
        (_, Token::ParenOpen | Token::BracketOpen) => !callable,
        _ => true,
    }
}
