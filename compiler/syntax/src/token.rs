//! The words and signs of the language, and the scanner that finds them.
//!
//! A [`Token`] carries no text: its place in the source says what it stands for.

use logos::{Lexer, Logos};

/// A token, or a piece of text between tokens that layout and formatter need (`Newline`, `Comment`).
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r]+", error = Fault)]
pub(crate) enum Token {
    #[token("\n")]
    Newline,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment,
    // A hyphen joins only when a letter follows: `heap-next` is one name, `n-1` is three tokens.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z][A-Za-z0-9_]*)*")]
    Name,
    #[regex(r"[0-9]", number)]
    Integer,
    /// A number with a point; the scanner finds it as an integer.
    Float,
    #[token("\"", text)]
    Text,
    #[token("'", character)]
    Char,

    // Words that begin a declaration, and are names elsewhere: see `layout`.
    Package,
    Use,
    Struct,
    Enum,
    Interface,
    Component,
    Object,
    Registers,
    Capability,
    Export,
    Impl,
    Event,
    Extern,
    Test,

    #[token("import")]
    Import,
    #[token("pub")]
    Pub,
    #[token("fn")]
    Fn,
    #[token("let")]
    Let,
    #[token("var")]
    Var,
    #[token("const")]
    Const,
    #[token("effects")]
    Effects,
    #[token("requires")]
    Requires,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("while")]
    While,
    #[token("for")]
    For,
    #[token("in")]
    In,
    #[token("loop")]
    Loop,
    #[token("match")]
    Match,
    #[token("return")]
    Return,
    #[token("break")]
    Break,
    #[token("continue")]
    Continue,
    #[token("self")]
    SelfValue,
    #[token("defer")]
    Defer,
    #[token("assert")]
    Assert,
    #[token("unsafe")]
    Unsafe,
    #[token("parallel")]
    Parallel,
    #[token("or")]
    Or,
    #[token("true")]
    True,
    #[token("false")]
    False,
    #[token("none")]
    None,

    #[token("(")]
    ParenOpen,
    #[token(")")]
    ParenClose,
    #[token("[")]
    BracketOpen,
    #[token("]")]
    BracketClose,
    #[token("{")]
    BraceOpen,
    #[token("}")]
    BraceClose,
    #[token(",")]
    Comma,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("@")]
    At,
    #[token("->")]
    Arrow,
    #[token("?")]
    Question,
    #[token("!")]
    Bang,
    #[token("&")]
    Amp,
    #[token("|")]
    Pipe,
    #[token("^")]
    Caret,
    #[token("~")]
    Tilde,
    #[token("&&")]
    AmpAmp,
    #[token("||")]
    PipePipe,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("+%")]
    PlusWrap,
    #[token("-%")]
    MinusWrap,
    #[token("*%")]
    StarWrap,
    #[token("<<")]
    ShiftLeft,
    #[token(">>")]
    ShiftRight,
    #[token("==")]
    EqualEqual,
    #[token("!=")]
    NotEqual,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("=")]
    Equal,
    #[token("+=")]
    PlusEqual,
    #[token("-=")]
    MinusEqual,
    #[token("*=")]
    StarEqual,
    #[token("/=")]
    SlashEqual,
    #[token("%=")]
    PercentEqual,
    #[token("|=")]
    PipeEqual,
    #[token("&=")]
    AmpEqual,
    #[token("^=")]
    CaretEqual,
    #[token("<<=")]
    ShiftLeftEqual,
    #[token(">>=")]
    ShiftRightEqual,
    #[token("+%=")]
    PlusWrapEqual,
    #[token("-%=")]
    MinusWrapEqual,
    #[token("*%=")]
    StarWrapEqual,
    #[token("_", priority = 100)]
    Underscore,

    /// Put before the tokens of a piece of a file, so that one automaton reads pieces and expressions.
    BeginChunk,
    /// Put before the tokens of an expression in text.
    BeginExpression,
}

/// Why the scanner could not take what it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No token begins with this character.
    #[default]
    Character,
    /// The line ends before the text does.
    Text,
    /// Not one character between two `'`.
    Char,
}

impl Token {
    /// Whether a statement can end after this token, so that a line end behind it separates.
    pub(crate) fn ends(self) -> bool {
        matches!(
            self,
            Self::Name
                | Self::Integer
                | Self::Float
                | Self::Text
                | Self::Char
                | Self::True
                | Self::False
                | Self::None
                | Self::SelfValue
                | Self::Return
                | Self::Break
                | Self::Continue
                | Self::ParenClose
                | Self::BracketClose
                | Self::BraceClose
                | Self::Question
                | Self::Underscore
        )
    }

    /// Whether this token at the start of a line continues the line before.
    pub(crate) fn continues(self) -> bool {
        matches!(
            self,
            Self::Dot
                | Self::Else
                | Self::AmpAmp
                | Self::PipePipe
                | Self::Or
                | Self::Arrow
                | Self::Effects
                | Self::Requires
                | Self::ParenClose
                | Self::BracketClose
                | Self::Comma
        )
    }

    /// The bracket that closes this one.
    pub(crate) fn closer(self) -> Option<Self> {
        match self {
            Self::ParenOpen => Some(Self::ParenClose),
            Self::BracketOpen => Some(Self::BracketClose),
            Self::BraceOpen => Some(Self::BraceClose),
            _ => None,
        }
    }

    /// Whether it closes a bracket.
    pub(crate) fn is_closer(self) -> bool {
        matches!(self, Self::ParenClose | Self::BracketClose | Self::BraceClose)
    }

    /// Whether it is a name or a literal, or ends a list element: what does not deepen the tree.
    pub(crate) fn is_leaf(self) -> bool {
        matches!(
            self,
            Self::Name
                | Self::Integer
                | Self::Float
                | Self::Text
                | Self::Char
                | Self::True
                | Self::False
                | Self::None
                | Self::SelfValue
                | Self::Underscore
                | Self::Colon
        )
    }

    /// Whether it is a word that is never a name.
    pub(crate) fn is_reserved_word(self) -> bool {
        matches!(
            self,
            Self::Import
                | Self::Pub
                | Self::Fn
                | Self::Let
                | Self::Var
                | Self::Const
                | Self::Effects
                | Self::Requires
                | Self::If
                | Self::Else
                | Self::While
                | Self::For
                | Self::In
                | Self::Loop
                | Self::Match
                | Self::Return
                | Self::Break
                | Self::Continue
                | Self::SelfValue
                | Self::Defer
                | Self::Assert
                | Self::Unsafe
                | Self::Parallel
                | Self::Or
                | Self::True
                | Self::False
                | Self::None
        )
    }

    /// Whether it sets a variable.
    pub(crate) fn assigns(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::PlusEqual
                | Self::MinusEqual
                | Self::StarEqual
                | Self::SlashEqual
                | Self::PercentEqual
                | Self::PipeEqual
                | Self::AmpEqual
                | Self::CaretEqual
                | Self::ShiftLeftEqual
                | Self::ShiftRightEqual
                | Self::PlusWrapEqual
                | Self::MinusWrapEqual
                | Self::StarWrapEqual
        )
    }

    /// Whether it is an operator that compares.
    pub(crate) fn compares(self) -> bool {
        matches!(
            self,
            Self::EqualEqual
                | Self::NotEqual
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
        )
    }
}

/// Takes the rest of a number: digits and letters, a point if a digit follows, a sign in an exponent. What
/// it means is `literal`'s affair.
fn number(lexer: &mut Lexer<'_, Token>) {
    let rest = lexer.remainder().as_bytes();
    let based = lexer.slice() == "0" && matches!(rest.first(), Some(b'x' | b'b' | b'o'));
    let mut at = 0;
    let mut point = false;
    while let Some(&byte) = rest.get(at) {
        let next = rest.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => {}
            b'.' if !based && !point && next.is_ascii_digit() => point = true,
            b'+' | b'-' if point && matches!(rest[at - 1], b'e' | b'E') && next.is_ascii_digit() => {}
            _ => break,
        }
        at += 1;
    }
    lexer.bump(at);
}

/// Takes text up to its closing quote, which stands on the same line.
fn text(lexer: &mut Lexer<'_, Token>) -> Result<(), Fault> {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    loop {
        match rest.get(at) {
            Some(b'"') => {
                lexer.bump(at + 1);
                return Ok(());
            }
            Some(b'\\') if !matches!(rest.get(at + 1), None | Some(b'\n')) => at += 1,
            None | Some(b'\n') => {
                lexer.bump(at);
                return Err(Fault::Text);
            }
            Some(_) => {}
        }
        at += 1;
        // An escaped character may have more than one byte; stop only between characters.
        while rest.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
            at += 1;
        }
    }
}

/// Takes `'c'` or `'\..'`.
fn character(lexer: &mut Lexer<'_, Token>) -> Result<(), Fault> {
    // Longer than any escape; without a bound, a line of quotes would take quadratic time.
    const LENGTH_MAX: usize = 32;
    let rest = lexer.remainder();
    let window = &rest[..rest.floor_char_boundary(LENGTH_MAX)];
    let line = &window[..window.find('\n').unwrap_or(window.len())];
    let quote = match line.strip_prefix('\\') {
        Some(escaped) => escaped.char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(at, _)| at + 1),
        None => line.char_indices().nth(1).filter(|(_, c)| *c == '\'').map(|(at, _)| at),
    };
    match quote {
        Some(at) if !line.starts_with('\'') => {
            lexer.bump(at + 1);
            Ok(())
        }
        _ => {
            // `''` and `'ab'`: take all of it if it closes soon, else only the quote.
            let length = line.find('\'').map_or(0, |at| at + 1);
            lexer.bump(length);
            Err(Fault::Char)
        }
    }
}
