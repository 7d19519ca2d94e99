//! Lexemes to the token stream of the parser: pieces, brackets, line ends, words.
//!
//! - A file is cut into *chunks* before declarations that start in column 0. Each is parsed alone, so that
//!   one mistake gives one report.
//! - A line end becomes `;` if its last token can end a statement, the innermost bracket is `{` or none, and
//!   the next line does not begin with a token that continues. The parser never sees a line end.
//! - `component`, `test` and their like are keywords only where they begin a declaration.
//! - Brackets are matched and depth is bounded here, so that no input overflows a stack later.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::lexer::Lexeme;
use crate::limits::{CHAIN_MAX, NESTING_MAX};
use crate::span::{FileId, Span, offset};
use crate::token::Token;

/// What the parser reads: start, token, end. A `;` made of a line end is empty.
pub(crate) type Placed = (usize, Token, usize);

/// What is parsed in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A declaration, or what stands on its lines.
    Declaration,
    /// An expression in text.
    Expression,
}

impl Piece {
    /// What its end is the end of.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::Expression => "expression",
        }
    }
}

/// The pieces of a file, as ranges of its lexemes.
pub(crate) fn chunks(text: &str, lexemes: &[Lexeme]) -> Vec<Range<usize>> {
    let balanced = is_balanced(lexemes);
    let mut cuts = vec![0];
    let mut depth = 0usize;
    // The token up to which attributes hold what follows to them.
    let mut attributed = 0;
    for (index, lexeme) in lexemes.iter().enumerate() {
        let column_zero = lexeme.start == 0 || text.as_bytes()[lexeme.start as usize - 1] == b'\n';
        if column_zero && index >= attributed && index > 0 {
            let start = if balanced {
                depth == 0 && begins(lexemes, index) != Begin::No
            } else {
                begins(lexemes, index) == Begin::Surely || (depth == 0 && begins(lexemes, index) != Begin::No)
            };
            if start {
                cuts.push(index);
                depth = 0;
            }
        }
        if lexeme.token == Token::At && depth == 0 && index >= attributed {
            attributed = after_attributes(lexemes, index) + 1;
        }
        if lexeme.token.closer().is_some() {
            depth += 1;
        } else if lexeme.token.is_closer() {
            depth = depth.saturating_sub(1);
        }
    }
    cuts.push(lexemes.len());
    cuts.windows(2).map(|pair| pair[0]..pair[1]).filter(|range| !range.is_empty()).collect()
}

/// Whether a declaration begins at a token in column 0.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    No,
    /// If no bracket is open.
    Perhaps,
    /// Even where a bracket seems open: it was forgotten.
    Surely,
}

fn begins(lexemes: &[Lexeme], index: usize) -> Begin {
    let token = lexemes[index].token;
    let before = index.checked_sub(1).map(|before| lexemes[before].token);
    let after = lexemes.get(index + 1).map(|after| after.token);
    if before == Some(Token::Pub) {
        return Begin::No;
    }
    match token {
        Token::Import | Token::Pub | Token::Fn | Token::Var | Token::Const | Token::At => Begin::Surely,
        Token::Name if matches!(after, Some(Token::Name | Token::Fn | Token::Text)) => Begin::Surely,
        Token::Name => match before {
            Some(before) if !before.ends() => Begin::No,
            _ => Begin::Perhaps,
        },
        Token::Let | Token::While | Token::For | Token::If | Token::Match | Token::Return | Token::Loop => {
            Begin::Perhaps
        }
        _ => Begin::No,
    }
}

/// The index behind the attributes that begin at `index`.
fn after_attributes(lexemes: &[Lexeme], mut index: usize) -> usize {
    let token = |index: usize| lexemes.get(index).map(|lexeme| lexeme.token);
    while token(index) == Some(Token::At) && token(index + 1) == Some(Token::Name) {
        index += 2;
        if token(index) == Some(Token::ParenOpen) {
            let mut open = 0usize;
            while let Some(token) = token(index) {
                index += 1;
                match token {
                    Token::ParenOpen => open += 1,
                    Token::ParenClose if open == 1 => break,
                    Token::ParenClose => open -= 1,
                    Token::BraceOpen | Token::BraceClose => return index - 1,
                    _ => {}
                }
            }
        }
    }
    index
}

fn is_balanced(lexemes: &[Lexeme]) -> bool {
    let mut open = Vec::new();
    for lexeme in lexemes {
        if let Some(closer) = lexeme.token.closer() {
            open.push(closer);
        } else if lexeme.token.is_closer() && open.pop() != Some(lexeme.token) {
            return false;
        }
    }
    open.is_empty()
}

/// The first bracket of a chunk that has no partner or nests too deep, if there is one.
pub(crate) fn check_brackets(file: FileId, text: &str, chunk: &[Lexeme], piece: Piece) -> Option<Diagnostic> {
    let span = |lexeme: &Lexeme| Span::new(file, lexeme.start, lexeme.end);
    let shown = |lexeme: &Lexeme| &text[lexeme.start as usize..lexeme.end as usize];
    let mut open: Vec<&Lexeme> = Vec::new();
    // The first `{` whose `}` stands further left than the line that opened it.
    let mut suspect: Option<&Lexeme> = None;
    for lexeme in chunk {
        if lexeme.token.closer().is_some() {
            open.push(lexeme);
            if open.len() > NESTING_MAX {
                return Some(too_deep(span(lexeme)));
            }
            continue;
        }
        if !lexeme.token.is_closer() {
            continue;
        }
        let Some(opener) = open.pop() else {
            return Some(
                Diagnostic::error(
                    "unmatched-bracket",
                    span(lexeme),
                    format!("this `{}` closes nothing", shown(lexeme)),
                )
                .help("remove it, or add what it should close"),
            );
        };
        if opener.token.closer() != Some(lexeme.token) {
            return Some(
                Diagnostic::error(
                    "mismatched-bracket",
                    span(lexeme),
                    format!("`{}` cannot close `{}`", shown(lexeme), shown(opener)),
                )
                .also(span(opener), format!("this `{}` is still open", shown(opener)))
                .help(format!("close it first, with `{}`", sign(opener.token.closer()))),
            );
        }
        if lexeme.first && suspect.is_none() && indentation(text, opener) > indentation(text, lexeme) {
            suspect = Some(opener);
        }
    }
    let last = chunk.last()?;
    let opener = *open.first()?;
    let opener = suspect.unwrap_or(opener);
    let closer = sign(opener.token.closer());
    Some(
        Diagnostic::error(
            "unclosed-bracket",
            span(opener),
            format!("this `{}` has no `{closer}`", shown(opener)),
        )
        .here("opened here")
        .also(Span::new(file, last.end, last.end), format!("the {} ends here", piece.noun()))
        .help(format!("add `{closer}` where it should end")),
    )
}

fn sign(closer: Option<Token>) -> &'static str {
    match closer {
        Some(Token::ParenClose) => ")",
        Some(Token::BracketClose) => "]",
        _ => "}",
    }
}

/// The spaces before the first token of a lexeme's line.
fn indentation(text: &str, lexeme: &Lexeme) -> usize {
    let before = &text[..lexeme.start as usize];
    let line = &text[before.rfind('\n').map_or(0, |at| at + 1)..];
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The parser's tokens of a chunk whose brackets match: line ends become `;`, words become keywords.
pub(crate) fn tokens(text: &str, chunk: &[Lexeme]) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::with_capacity(chunk.len() + chunk.len() / 8 + 2);
    // Whether line ends separate inside each open bracket.
    let mut open: Vec<bool> = Vec::new();
    let mut previous: Option<&Lexeme> = None;
    for lexeme in chunk {
        if let Some(previous) = previous
            && lexeme.first
            && open.last() != Some(&false)
            && previous.token.ends()
            && !lexeme.token.continues()
            && lexeme.token != Token::Semicolon
        {
            let end = previous.end as usize;
            placed.push((end, Token::Semicolon, end));
        }
        match lexeme.token {
            Token::ParenOpen | Token::BracketOpen => open.push(false),
            Token::BraceOpen => open.push(true),
            token if token.is_closer() => {
                open.pop();
            }
            _ => {}
        }
        placed.push((lexeme.start as usize, lexeme.token, lexeme.end as usize));
        previous = Some(lexeme);
    }
    if let Some(last) = previous.filter(|last| last.token.ends()) {
        placed.push((last.end as usize, Token::Semicolon, last.end as usize));
    }
    promote_words(text, &mut placed);
    placed
}

/// Turns the words that begin a declaration into keywords: a name or text must follow, and the word must
/// stand where a declaration can.
fn promote_words(text: &str, placed: &mut [Placed]) {
    let mut depth = 0usize;
    for index in 0..placed.len() {
        let (start, token, end) = placed[index];
        if token.closer().is_some() {
            depth += 1;
        } else if token.is_closer() {
            depth = depth.saturating_sub(1);
        }
        let before = |back: usize| index.checked_sub(back).map(|at| placed[at].1);
        let begins = match before(1) {
            None => true,
            Some(before_one) => {
                before(2) == Some(Token::At)
                    || matches!(
                        before_one,
                        Token::Semicolon
                            | Token::BraceOpen
                            | Token::BraceClose
                            | Token::ParenClose
                            | Token::Pub
                    )
            }
        };
        let follows = placed.get(index + 1).is_some_and(|(_, token, _)| {
            matches!(token, Token::Name | Token::Text) || (depth == 0 && token.is_reserved_word())
        });
        if token == Token::Name && begins && follows {
            placed[index].1 = keyword(&text[start..end], depth).unwrap_or(token);
        }
    }
}

/// The keyword that a word is at the start of a declaration, by the number of brackets around it.
pub(crate) fn keyword(word: &str, depth: usize) -> Option<Token> {
    Some(match (depth, word) {
        (0, "package") => Token::Package,
        (0, "use") => Token::Use,
        (0, "struct") => Token::Struct,
        (0, "enum") => Token::Enum,
        (0, "interface") => Token::Interface,
        (0, "component") => Token::Component,
        (0, "object") => Token::Object,
        (0, "registers") => Token::Registers,
        (0, "impl") => Token::Impl,
        (0, "extern") => Token::Extern,
        (0, "test") => Token::Test,
        (1, "capability") => Token::Capability,
        (1, "export") => Token::Export,
        (1, "event") => Token::Event,
        _ => return None,
    })
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("too-deep", span, format!("brackets nest more than {NESTING_MAX} deep"))
        .help("move the inner part to a function of its own")
}

/// The operators around each text of a chunk, by the start of the text; or, if operators nest deeper than
/// `limits` allows, the reason not to parse it. `around` counts those around the chunk.
#[expect(clippy::result_large_err, reason = "made once per chunk")]
pub(crate) fn check_chains(
    file: FileId,
    tokens: &[Placed],
    around: u32,
) -> Result<Vec<(usize, u32)>, Diagnostic> {
    struct Segment {
        parent: usize,
        count: u32,
        first: usize,
    }
    // A segment is what stands between two separators in one pair of brackets. Everything in it may end up
    // nested in everything else of it, and in all segments around it.
    let mut segments = vec![Segment { parent: usize::MAX, count: 0, first: 0 }];
    // Each text, and its segment.
    let mut texts: Vec<(usize, usize)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut current = 0;
    for (index, (start, token, _)) in tokens.iter().enumerate() {
        if *token == Token::Text {
            texts.push((*start, current));
        }
        if token.closer().is_some() {
            segments[current].count += 1;
            open.push(current);
            segments.push(Segment { parent: current, count: 0, first: index + 1 });
            current = segments.len() - 1;
        } else if token.is_closer() {
            current = open.pop().unwrap_or(0);
        } else if matches!(token, Token::Comma | Token::Semicolon) {
            let parent = open.last().copied().unwrap_or(usize::MAX);
            segments.push(Segment { parent, count: 0, first: index + 1 });
            current = segments.len() - 1;
        } else if !token.is_leaf() {
            segments[current].count += 1;
        }
    }
    let mut totals: Vec<u32> = Vec::with_capacity(segments.len());
    for (index, segment) in segments.iter().enumerate() {
        let around = if segment.parent < index { totals[segment.parent] } else { around };
        let total = segment.count.saturating_add(around);
        totals.push(total);
        if total > CHAIN_MAX {
            let (start, end) = tokens.get(segment.first).map_or((0, 0), |(start, _, end)| (*start, *end));
            let span = Span::new(file, offset(start), offset(end));
            return Err(Diagnostic::error(
                "too-complex",
                span,
                format!("more than {CHAIN_MAX} operators in one expression"),
            )
            .here("begins here")
            .help("give parts of it names with `let`, or use a loop over an array"));
        }
    }
    Ok(texts.into_iter().map(|(start, segment)| (start, totals[segment])).collect())
}
