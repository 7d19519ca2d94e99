//! What the core schema of YAML 1.2 reads a plain scalar as.

/// What a scalar is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarKind {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// Text.
    String,
}

impl ScalarKind {
    /// The kind of a plain scalar.
    pub fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            _ if is_integer(text) => Self::Integer,
            _ if is_float(text) => Self::Float,
            _ => Self::String,
        }
    }

    /// What it is, in words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Null => "nothing (null)",
            Self::Bool(_) => "a boolean",
            Self::Integer => "an integer",
            Self::Float => "a number",
            Self::String => "a string",
        }
    }
}

/// Whether YAML 1.1 reads a plain scalar as a boolean and YAML 1.2 as a string.
pub fn is_ambiguous(text: &str) -> bool {
    ["yes", "no", "on", "off", "y", "n"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The value of an integer's text, if 64 bits with a sign hold it.
pub fn integer(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok();
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok();
    }
    text.parse().ok()
}

fn all(text: &str, digit: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(digit)
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0o") {
        return all(digits, |digit| (b'0'..=b'7').contains(&digit));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |digit| digit.is_ascii_hexdigit());
    }
    all(unsigned(text), |digit| digit.is_ascii_digit())
}

fn is_float(text: &str) -> bool {
    if [".nan", ".NaN", ".NAN"].contains(&text) {
        return true;
    }
    let text = unsigned(text);
    if [".inf", ".Inf", ".INF"].contains(&text) {
        return true;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| all(unsigned(exponent), |digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{ScalarKind, integer, is_ambiguous};

    #[test]
    fn plain_scalars_have_the_kinds_of_the_core_schema() {
        let cases: [(ScalarKind, &[&str]); 6] = [
            (ScalarKind::Null, &["", "~", "null", "Null", "NULL"]),
            (ScalarKind::Bool(true), &["true", "True", "TRUE"]),
            (ScalarKind::Bool(false), &["false", "False", "FALSE"]),
            (ScalarKind::Integer, &["0", "-1", "+12", "007", "0o17", "0xfF", "99999999999999999999"]),
            (ScalarKind::Float, &["1.5", "-.5", "3.", "1e3", "+1.0E-2", ".inf", "-.INF", ".NaN"]),
            (
                ScalarKind::String,
                &[
                    "nULL", "tRUE", "yes", "1_000", "0b1", "1:30", "0o8", "0xg", "-0x1", "1e", ".", "e5",
                    "1.2.3", "-", "+", "inf", "nan", "-.nan", "0x", "²",
                ],
            ),
        ];
        for (kind, texts) in cases {
            for text in texts {
                assert_eq!(ScalarKind::of_plain(text), kind, "{text:?}");
            }
        }
    }

    #[test]
    fn integers_have_values() {
        let cases = [
            ("0o17", Some(15)),
            ("0xfF", Some(255)),
            ("+12", Some(12)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
        ];
        for (text, value) in cases {
            assert_eq!(integer(text), value, "{text}");
        }
    }

    #[test]
    fn words_of_yaml_1_1_are_ambiguous_in_any_case() {
        for text in ["yes", "No", "ON", "oFF", "y", "N"] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in ["true", "yess", "north", ""] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
