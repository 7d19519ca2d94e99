//! Text to tree. Never fails and never panics: what cannot be read is reported and left out.

use std::ops::Range;

use lalrpop_util::ParseError;

use crate::context::{Context, Declaration, Parsed};
use crate::diagnostic::Diagnostic;
use crate::grammar::EntryParser;
use crate::layout::{self, Piece, Placed};
use crate::lexer::{self, Lexeme};
use crate::limits::{DIAGNOSTICS_MAX, SOURCE_BYTES_MAX};
use crate::span::{FileId, Span, offset};
use crate::token::Token;
use crate::tree::{Expr, File};

/// The text of a file's bytes, or why they are not text: `not-utf8` or `source-too-large`.
#[expect(clippy::result_large_err, reason = "made once per file")]
pub fn decode(file: FileId, bytes: &[u8]) -> Result<&str, Diagnostic> {
    check_size(file, bytes.len())?;
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = 1 + bytes[..at].split(|&byte| byte == b'\n').skip(1).count();
        Diagnostic::error(
            "not-utf8",
            Span::new(file, offset(at), offset(at)),
            format!("the file is not UTF-8: byte {at}, in line {line}, is {:#04x}", bytes[at]),
        )
        .help("save it as UTF-8; if it is not a text file, it is the wrong file")
    })
}

#[expect(clippy::result_large_err, reason = "made once per file")]
fn check_size(file: FileId, length: usize) -> Result<(), Diagnostic> {
    if length <= SOURCE_BYTES_MAX {
        return Ok(());
    }
    Err(Diagnostic::error(
        "source-too-large",
        Span::new(file, 0, 0),
        format!("the file has {length} bytes; a source file has at most {SOURCE_BYTES_MAX}"),
    )
    .help("split it into several files of the same package"))
}

/// The tree of a file and what is wrong with its text, in the order of the text. Declarations that could not
/// be read are left out of the tree; each gives one error.
pub fn parse(file: FileId, text: &str) -> (File, Vec<Diagnostic>) {
    let mut tree = File::default();
    if let Err(diagnostic) = check_size(file, text.len()) {
        return (tree, vec![diagnostic]);
    }
    let mut diagnostics = Vec::new();
    let lexemes = lexer::scan(file, text, 0..text.len(), &mut diagnostics);
    let documentation = lexer::documentation(text, &lexemes);
    let context = Context::new(file, text, &documentation);
    let parser = EntryParser::new();
    let mut declared = false;
    for range in layout::chunks(text, &lexemes.tokens) {
        if context.is_full() {
            break;
        }
        let chunk = &lexemes.tokens[range];
        match parse_chunk(&parser, &context, chunk) {
            Ok(declarations) => {
                for declaration in declarations {
                    match declaration {
                        Declaration::Item(item) => tree.items.push(item),
                        Declaration::Package(path, _) if !declared && tree.items.is_empty() => {
                            tree.package = Some(path);
                        }
                        Declaration::Package(_, word) => context.report(
                            Diagnostic::error(
                                "misplaced-package",
                                word,
                                "`package` stands once, before all declarations",
                            )
                            .help("remove it, or move it to the first line"),
                        ),
                    }
                    declared = true;
                }
            }
            Err(diagnostic) => {
                declared = true;
                // A fault of the scanner in the same declaration is the cause; this is its echo.
                if !reported_in(text, chunk, &diagnostics) {
                    context.report(*diagnostic);
                }
            }
        }
    }
    diagnostics.extend(context.diagnostics.into_inner());
    finish(file, &mut diagnostics);
    (tree, diagnostics)
}

/// Orders diagnostics by place and keeps as many as a reader can use.
fn finish(file: FileId, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.start, diagnostic.primary.end));
    if let Some(first_hidden) = diagnostics.get(DIAGNOSTICS_MAX) {
        let at = first_hidden.primary.start;
        diagnostics.truncate(DIAGNOSTICS_MAX);
        diagnostics.push(
            Diagnostic::error(
                "too-many-errors",
                Span::new(file, at, at),
                format!("there are more than {DIAGNOSTICS_MAX} errors; from here on they are not shown"),
            )
            .help("mend the ones above first"),
        );
    }
}

/// Whether the scanner, whose diagnostics are in order, has reported something on the lines of a chunk.
fn reported_in(text: &str, chunk: &[Lexeme], diagnostics: &[Diagnostic]) -> bool {
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return false };
    // A stray sign before the first token or behind the last is in no chunk.
    let (start, end) = (first.start as usize, last.end as usize);
    let start = offset(text[..start].rfind('\n').map_or(0, |at| at + 1));
    let end = offset(text[end..].find('\n').map_or(text.len(), |length| end + length));
    let at = diagnostics.partition_point(|diagnostic| diagnostic.primary.start < start);
    diagnostics.get(at).is_some_and(|diagnostic| diagnostic.primary.start <= end)
}

fn parse_chunk(
    parser: &EntryParser,
    context: &Context<'_>,
    chunk: &[Lexeme],
) -> Result<Vec<Declaration>, Box<Diagnostic>> {
    if let Some(diagnostic) = layout::check_brackets(context.file, context.text, chunk, Piece::Declaration) {
        return Err(Box::new(diagnostic));
    }
    let tokens = layout::tokens(context.text, chunk);
    context.set_depths(layout::check_chains(context.file, &tokens, 0)?);
    match run(parser, context, Piece::Declaration, &tokens)? {
        Parsed::Chunk(declarations) => Ok(declarations),
        Parsed::Expression(_) => Ok(Vec::new()),
    }
}

/// The expression at `range` of the text, where text interpolates it, with `around` operators around that.
/// Its faults are reported.
pub(crate) fn expression(context: &Context<'_>, range: Range<usize>, around: u32) -> Option<Expr> {
    let mut diagnostics = Vec::new();
    let lexemes = lexer::scan(context.file, context.text, range, &mut diagnostics);
    let result = parse_expression(context, &lexemes.tokens, around);
    let failed = !diagnostics.is_empty();
    for diagnostic in diagnostics {
        context.report(diagnostic);
    }
    match result {
        Ok(Parsed::Expression(expr)) => Some(expr),
        Ok(Parsed::Chunk(_)) => None,
        Err(diagnostic) => {
            if !failed {
                context.report(*diagnostic);
            }
            None
        }
    }
}

fn parse_expression(
    context: &Context<'_>,
    lexemes: &[Lexeme],
    around: u32,
) -> Result<Parsed, Box<Diagnostic>> {
    if let Some(diagnostic) = layout::check_brackets(context.file, context.text, lexemes, Piece::Expression) {
        return Err(Box::new(diagnostic));
    }
    let tokens = layout::tokens(context.text, lexemes);
    layout::check_chains(context.file, &tokens, around)?;
    run(&EntryParser::new(), context, Piece::Expression, &tokens)
}

fn run(
    parser: &EntryParser,
    context: &Context<'_>,
    piece: Piece,
    tokens: &[Placed],
) -> Result<Parsed, Box<Diagnostic>> {
    let begin = match piece {
        Piece::Declaration => Token::BeginChunk,
        Piece::Expression => Token::BeginExpression,
    };
    let start = tokens.first().map_or(0, |(start, ..)| *start);
    let stream = std::iter::once((start, begin, start)).chain(tokens.iter().copied());
    parser.parse(context, stream).map_err(|error| {
        let (at, expected) = match &error {
            ParseError::UnrecognizedToken { token, expected } => {
                (tokens.iter().position(|other| other == token), expected.as_slice())
            }
            ParseError::UnrecognizedEof { expected, .. } => (None, expected.as_slice()),
            ParseError::InvalidToken { .. } | ParseError::ExtraToken { .. } | ParseError::User { .. } => {
                (None, [].as_slice())
            }
        };
        Box::new(crate::expect::explain(context, piece, tokens, at.unwrap_or(tokens.len()), expected))
    })
}
