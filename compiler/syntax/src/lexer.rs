//! Text to lexemes: the scanner's tokens with their places, comments apart, faults reported.
//!
//! What the scanner cannot take is reported once and replaced by the token that was probably meant, so that
//! the parser has something to go on with.

use logos::Logos;

use crate::diagnostic::Diagnostic;
use crate::limits::{DIAGNOSTICS_MAX, NAME_BYTES_MAX, TOKENS_MAX};
use crate::span::{FileId, Span, offset};
use crate::token::{Fault, Token};

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Whether it is the first token of its line.
    pub(crate) first: bool,
}

/// A comment and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comment {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Whether no token stands before it on its line.
    pub(crate) own_line: bool,
    /// The number of tokens before it.
    pub(crate) index: usize,
}

/// A scanned file.
#[derive(Debug, Default)]
pub(crate) struct Lexemes {
    pub(crate) tokens: Vec<Lexeme>,
    pub(crate) comments: Vec<Comment>,
}

/// Scans `text[from..to]`; places count from the start of `text`.
pub(crate) fn scan(
    file: FileId,
    text: &str,
    range: std::ops::Range<usize>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Lexemes {
    let mut lexemes = Lexemes::default();
    let base = range.start;
    let mut first = true;
    // The end of the last stray character: those on one line are reported together.
    let mut stray_line = false;
    for (token, range) in Token::lexer(&text[range]).spanned() {
        let (start, end) = (offset(base + range.start), offset(base + range.end));
        let span = Span::new(file, start, end);
        let word = &text[span.start as usize..span.end as usize];
        let token = match token {
            Ok(Token::Newline) => {
                (first, stray_line) = (true, false);
                continue;
            }
            Ok(Token::Comment) => {
                lexemes.comments.push(Comment { start, end, own_line: first, index: lexemes.tokens.len() });
                continue;
            }
            Ok(Token::Integer) if is_float(word) => Token::Float,
            Ok(Token::Name) if word.len() > NAME_BYTES_MAX => {
                diagnostics.push(name_too_long(span));
                Token::Name
            }
            Ok(token) => token,
            Err(Fault::Character) => {
                if !stray_line && diagnostics.len() <= DIAGNOSTICS_MAX {
                    diagnostics.push(invalid_character(span, word));
                }
                stray_line = true;
                continue;
            }
            Err(Fault::Text) => {
                diagnostics.push(
                    Diagnostic::error(
                        "unterminated-string",
                        span,
                        "this text has no closing `\"` on its line",
                    )
                    .here("begins here")
                    .help("end it with `\"`; a line break in text is written `\\n`"),
                );
                Token::Text
            }
            Err(Fault::Char) => {
                diagnostics.push(
                    Diagnostic::error(
                        "char-literal",
                        span,
                        "a character literal holds exactly one character",
                    )
                    .help("write `'a'` for one character, `\"ab\"` for text"),
                );
                Token::Char
            }
        };
        if lexemes.tokens.len() == TOKENS_MAX {
            diagnostics.push(
                Diagnostic::error(
                    "too-many-tokens",
                    span,
                    format!("the file has more than {TOKENS_MAX} words and signs"),
                )
                .help("split it into several files of the same package"),
            );
            break;
        }
        lexemes.tokens.push(Lexeme { token, start, end, first });
        // A `;` at the start of a line is as good as none.
        first &= token == Token::Semicolon;
        // More are never shown.
        diagnostics.truncate(DIAGNOSTICS_MAX + 1);
    }
    lexemes
}

/// The text of the `///` lines that stand directly above a token, by the start of that token.
pub(crate) fn documentation(text: &str, lexemes: &Lexemes) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = Vec::new();
    // The next token that is not `;`.
    let mut at = 0;
    for comment in &lexemes.comments {
        let line = &text[comment.start as usize..comment.end as usize];
        let Some(line) = line.strip_prefix("///").filter(|line| !line.starts_with('/')) else { continue };
        at = at.max(comment.index);
        while lexemes.tokens.get(at).is_some_and(|lexeme| lexeme.token == Token::Semicolon) {
            at += 1;
        }
        let Some(token) = lexemes.tokens.get(at).filter(|_| comment.own_line) else { continue };
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        match all.last_mut() {
            Some((start, lines)) if *start == token.start => {
                lines.push('\n');
                lines.push_str(line);
            }
            _ => all.push((token.start, line.to_owned())),
        }
    }
    all
}

fn is_float(word: &str) -> bool {
    word.contains('.')
}

fn name_too_long(span: Span) -> Diagnostic {
    Diagnostic::error("name-too-long", span, format!("a name has at most {NAME_BYTES_MAX} characters"))
        .here(format!("this one has {}", span.end - span.start))
}

fn invalid_character(span: Span, word: &str) -> Diagnostic {
    let c = word.chars().next().unwrap_or('\0');
    let diagnostic = |message: String| Diagnostic::error("invalid-character", span, message);
    match c {
        '\0' => diagnostic("the file holds a zero byte".into()).help("it is probably not a text file"),
        '\u{FEFF}' => diagnostic("the file holds a byte order mark".into())
            .help("save it as UTF-8 without a byte order mark")
            .edit(span, ""),
        '“' | '”' | '„' => diagnostic(format!("`{c}` does not quote text")).edit(span, "\""),
        '‘' | '’' => diagnostic(format!("`{c}` does not quote a character")).edit(span, "'"),
        '\u{A0}' | '\u{2000}'..='\u{200B}' | '\u{3000}' => {
            diagnostic("this is a space that only looks like one".into()).edit(span, " ")
        }
        '–' | '—' | '−' => diagnostic(format!("`{c}` is not a minus sign")).edit(span, "-"),
        '#' => diagnostic("`#` begins no comment".into()).help("a comment begins with `//`"),
        c if c.is_alphabetic() => diagnostic(format!("a name cannot hold `{c}`"))
            .help("names use the letters a to z and A to Z, digits, `_` and `-`"),
        c if c.is_control() => diagnostic(format!("the file holds the control character {:#04x}", c as u32))
            .help("remove it; in text write `\\xNN`"),
        c => diagnostic(format!("the language has no use for `{c}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        let mut diagnostics = Vec::new();
        let lexemes = scan(FileId(0), text, 0..text.len(), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        lexemes.tokens.iter().map(|lexeme| lexeme.token).collect()
    }

    #[test]
    fn hyphen_joins_only_before_a_letter() {
        use Token::{Integer, Minus, Name};
        assert_eq!(tokens("heap-next"), [Name]);
        assert_eq!(tokens("n-1"), [Name, Minus, Integer]);
        assert_eq!(tokens("n - m"), [Name, Minus, Name]);
        assert_eq!(tokens("n -m"), [Name, Minus, Name]);
        assert_eq!(tokens("n- m"), [Name, Minus, Name]);
        assert_eq!(tokens("x-y-2"), [Name, Minus, Integer]);
    }

    #[test]
    fn numbers_stop_before_a_range() {
        use Token::{DotDot, Float, Integer};
        assert_eq!(tokens("100ms..5s"), [Integer, DotDot, Integer]);
        assert_eq!(tokens("1.5e-3 0.0 0x1F"), [Float, Float, Integer]);
    }

    #[test]
    fn documentation_goes_to_the_next_token() {
        let text = "/// a\n///  b\n//// no\nfn f() // x\n/// c\n\nfn g()";
        let lexemes = scan(FileId(0), text, 0..text.len(), &mut Vec::new());
        let docs = documentation(text, &lexemes);
        let texts: Vec<&str> = docs.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a\n b", "c"]);
    }
}
