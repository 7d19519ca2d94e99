//! The values of literals: digits and units, escapes, interpolation.

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::tree::{Expr, ExprKind, TextPart};

/// The units that may follow digits: sizes, and times.
pub(crate) const UNITS: [&str; 9] = ["B", "KiB", "MiB", "GiB", "ns", "us", "ms", "s", "min"];

/// Why a number has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    TooLarge,
    UnknownUnit(String),
    Malformed(&'static str),
}

impl Fault {
    pub(crate) fn diagnostic(self, span: Span) -> Diagnostic {
        match self {
            Self::TooLarge => {
                Diagnostic::error("integer-too-large", span, "the number does not fit 128 bits")
                    .help("the widest type, u64, ends at 18_446_744_073_709_551_615")
            }
            Self::UnknownUnit(unit) => {
                let diagnostic = Diagnostic::error("unknown-unit", span, format!("`{unit}` is no unit"));
                match unit.as_str() {
                    "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" => diagnostic.help(format!(
                        "numbers take their type from their place; to force one, call it: `{unit}(1)`"
                    )),
                    "KB" | "kB" | "K" | "k" | "kb" => diagnostic.help("1,024 bytes are written `1KiB`"),
                    "MB" | "M" | "mb" => diagnostic.help("1,048,576 bytes are written `1MiB`"),
                    "GB" | "G" | "gb" => diagnostic.help("2 to the 30 bytes are written `1GiB`"),
                    "sec" | "secs" | "second" | "seconds" => diagnostic.help("a second is written `1s`"),
                    "e" | "E" => diagnostic.help("a number with an exponent has a point: `1.0e6`"),
                    _ => diagnostic.help(format!("units are {}", UNITS.join(", "))),
                }
            }
            Self::Malformed(help) => {
                Diagnostic::error("malformed-number", span, "this is not a number").help(help)
            }
        }
    }
}

/// The value of digits and the unit behind them, which is empty if there is none.
pub(crate) fn integer(word: &str) -> Result<(u128, &str), Fault> {
    let (radix, digits) = match word.as_bytes() {
        [b'0', b'x', ..] => (16, &word[2..]),
        [b'0', b'b', ..] => (2, &word[2..]),
        [b'0', b'o', ..] => (8, &word[2..]),
        _ => (10, word),
    };
    let mut value: Option<u128> = Some(0);
    let mut any = false;
    for (at, c) in digits.char_indices() {
        if let Some(digit) = c.to_digit(radix) {
            any = true;
            value = value
                .and_then(|value| value.checked_mul(u128::from(radix)))
                .and_then(|value| value.checked_add(u128::from(digit)));
        } else if radix == 10 && c.is_ascii_alphabetic() {
            let unit = &digits[at..];
            if !UNITS.contains(&unit) {
                return Err(Fault::UnknownUnit(unit.to_owned()));
            }
            return value.map(|value| (value, unit)).ok_or(Fault::TooLarge);
        } else if c != '_' {
            return Err(Fault::Malformed(match radix {
                2 => "after `0b` stand the digits 0 and 1",
                8 => "after `0o` stand the digits 0 to 7",
                _ => "after `0x` stand the digits 0 to 9 and a to f",
            }));
        }
    }
    if !any {
        return Err(Fault::Malformed("digits must follow"));
    }
    value.map(|value| (value, "")).ok_or(Fault::TooLarge)
}

/// The value of a number with a point.
pub(crate) fn float(word: &str) -> Result<f64, Fault> {
    let help = "write `1.5` or `1.5e-3`; a unit needs a whole number, as in `1500ms`";
    let plain = word.replace('_', "");
    let value: f64 = plain.parse().map_err(|_| Fault::Malformed(help))?;
    if value.is_finite() { Ok(value) } else { Err(Fault::Malformed("it is larger than f64 can hold")) }
}

/// The character between two `'`.
pub(crate) fn character(context: &Context<'_>, start: usize, end: usize) -> char {
    let word = context.word(start, end);
    let Some(inside) = word.strip_prefix('\'').and_then(|word| word.strip_suffix('\'')) else {
        return '\0'; // The scanner has reported it.
    };
    let mut rest = inside.chars();
    match rest.next() {
        Some('\\') => {
            let (c, length) = escape(context, start + 1, inside);
            if length != inside.len() {
                context.report(
                    Diagnostic::error(
                        "char-literal",
                        context.span(start, end),
                        "a character literal holds exactly one character",
                    )
                    .help("write `'a'` for one character, `\"ab\"` for text"),
                );
            }
            c
        }
        Some(c) => c,
        None => '\0',
    }
}

/// The parts of a text token, quotes included in its place.
pub(crate) fn text(context: &Context<'_>, start: usize, end: usize) -> Vec<TextPart> {
    let word = context.word(start, end);
    let Some(inside) = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) else {
        return Vec::new(); // Unterminated: the scanner has reported it.
    };
    let base = start + 1;
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(c) = inside[at..].chars().next() {
        match c {
            '\\' => {
                let (c, length) = escape(context, base + at, &inside[at..]);
                literal.push(c);
                at += length;
            }
            '{' => {
                if !literal.is_empty() {
                    parts.push(TextPart::Literal(std::mem::take(&mut literal)));
                }
                let length = interpolation_length(&inside[at..]);
                let Some(length) = length else {
                    context.report(
                        Diagnostic::error(
                            "unclosed-interpolation",
                            context.span(base + at, base + at + 1),
                            "this `{` has no `}` before the text ends",
                        )
                        .here("opened here")
                        .help("write `\\{` for a brace that stands for itself; text inside the braces needs a name of its own, given with `let`"),
                    );
                    return parts;
                };
                let around = context.depth(start);
                parts.push(TextPart::Expr(interpolated(context, base + at, base + at + length, around)));
                at += length;
            }
            '}' => {
                context.report(
                    Diagnostic::error(
                        "unmatched-brace-in-text",
                        context.span(base + at, base + at + 1),
                        "this `}` closes nothing",
                    )
                    .help("write `\\}` for a brace that stands for itself")
                    .edit(context.span(base + at, base + at + 1), "\\}"),
                );
                at += 1;
            }
            c => {
                literal.push(c);
                at += c.len_utf8();
            }
        }
    }
    if !literal.is_empty() {
        parts.push(TextPart::Literal(literal));
    }
    parts
}

/// The bytes from `{` to its `}`, both included.
fn interpolation_length(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at + 1),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The expression between the braces at `start..end`; `around` counts the operators around its text.
fn interpolated(context: &Context<'_>, start: usize, end: usize, around: u32) -> Expr {
    let inside = context.word(start + 1, end - 1);
    let span = context.span(start, end);
    let error = Expr { kind: Box::new(ExprKind::Error), span };
    if inside.trim().is_empty() {
        context.report(
            Diagnostic::error("empty-interpolation", span, "there is no expression between these braces")
                .help("write `\\{\\}` for braces that stand for themselves"),
        );
        return error;
    }
    crate::parse::expression(context, start + 1..end - 1, around).unwrap_or(error)
}

/// The character that an escape stands for, and its length in bytes. `text` begins with `\` at `start`.
fn escape(context: &Context<'_>, start: usize, text: &str) -> (char, usize) {
    let rest = &text[1..];
    let fault = |length: usize, message: String, help: &str| {
        context.report(
            Diagnostic::error("unknown-escape", context.span(start, start + length), message).help(help),
        );
        ('\u{FFFD}', length)
    };
    match rest.chars().next() {
        Some('n') => ('\n', 2),
        Some('r') => ('\r', 2),
        Some('t') => ('\t', 2),
        Some('0') => ('\0', 2),
        Some(c @ ('\\' | '"' | '\'' | '{' | '}')) => (c, 2),
        Some('x') => {
            let digits: String = rest.chars().skip(1).take(2).collect();
            match u8::from_str_radix(&digits, 16) {
                Ok(value)
                    if value < 0x80
                        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
                        && digits.len() == 2 =>
                {
                    (char::from(value), 4)
                }
                Ok(_) if digits.len() == 2 => fault(
                    4,
                    format!("`\\x{digits}` is not a character"),
                    "`\\xNN` goes up to `\\x7F`; write `\\u{..}` for others, and an array of u8 for bytes",
                ),
                _ => fault(2, "two hexadecimal digits must follow `\\x`".into(), "for example `\\x1B`"),
            }
        }
        Some('u') => {
            let help = "for example `\\u{E9}`; up to six hexadecimal digits, no surrogates";
            let Some(close) = rest.strip_prefix("u{").and_then(|rest| rest.find('}')) else {
                return fault(2, "`{` and hexadecimal digits must follow `\\u`".into(), help);
            };
            let digits = &rest[2..2 + close];
            let value = Some(digits)
                .filter(|digits| (1..=6).contains(&digits.len()))
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32);
            match value {
                Some(c) => (c, close + 4),
                None => fault(close + 4, format!("`\\u{{{digits}}}` is not a character"), help),
            }
        }
        Some(c) => fault(
            1 + c.len_utf8(),
            format!("`\\{}` means nothing", c.escape_default()),
            "escapes are \\n \\r \\t \\0 \\\\ \\\" \\' \\{ \\} \\xNN and \\u{..}",
        ),
        None => fault(1, "nothing follows this `\\`".into(), "write `\\\\` for the sign itself"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(integer("1_000"), Ok((1000, "")));
        assert_eq!(integer("0xFF_FF"), Ok((65535, "")));
        assert_eq!(integer("0o755"), Ok((0o755, "")));
        assert_eq!(integer("0b1010"), Ok((10, "")));
        assert_eq!(integer("64KiB"), Ok((64, "KiB")));
        assert_eq!(integer("340282366920938463463374607431768211455"), Ok((u128::MAX, "")));
        assert_eq!(integer("340282366920938463463374607431768211456"), Err(Fault::TooLarge));
        assert_eq!(integer("5u8"), Err(Fault::UnknownUnit("u8".into())));
        assert!(matches!(integer("0x"), Err(Fault::Malformed(_))));
        assert!(matches!(integer("0b12"), Err(Fault::Malformed(_))));
    }

    #[test]
    fn floats() {
        assert_eq!(float("1.5e3"), Ok(1500.0));
        assert_eq!(float("1_0.2_5"), Ok(10.25));
        assert!(float("1.5s").is_err());
        assert!(float("9.9e999").is_err());
    }
}
