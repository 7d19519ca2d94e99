//! Words, numbers, strings and spans of the text form.

use crate::ir::FunctionId;
use compiler_syntax::span::{FileId, Span};

/// The text is not MIR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}")]
pub struct Error {
    /// Line, from 1.
    pub line: usize,
    /// What should stand there.
    pub expected: String,
}

impl Error {
    pub(super) fn at_start(expected: &str) -> Self {
        Self { line: 1, expected: format!("`{expected}`") }
    }
}

/// A place in the text, moving forward.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

/// Whether a byte belongs to a word.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

impl<'t> Scanner<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn error(&self, expected: &str) -> Error {
        let line = 1 + self.text[..self.at].matches('\n').count();
        Error { line, expected: expected.to_owned() }
    }

    fn skip(&mut self) -> &'t [u8] {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if *byte == b';' {
                let line = bytes[self.at..].iter().position(|byte| *byte == b'\n');
                self.at = line.map_or(bytes.len(), |length| self.at + length);
            } else if byte.is_ascii_whitespace() {
                self.at += 1;
            } else {
                break;
            }
        }
        &bytes[self.at..]
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.skip().is_empty()
    }

    /// The word that begins here, if one does.
    pub(super) fn word(&mut self) -> Option<&'t str> {
        let rest = self.skip();
        let length = rest.iter().position(|byte| !in_word(*byte)).unwrap_or(rest.len());
        if length == 0 || !rest[0].is_ascii_alphabetic() {
            return None;
        }
        let word = &self.text[self.at..self.at + length];
        self.at += length;
        Some(word)
    }

    /// Takes a word or a sign if it stands here.
    pub(super) fn eat(&mut self, wanted: &str) -> bool {
        let rest = self.skip();
        if !rest.starts_with(wanted.as_bytes()) {
            return false;
        }
        // One letter is a sign: what follows is its number.
        let is_word = wanted.len() > 1 && wanted.as_bytes()[0].is_ascii_alphabetic();
        if is_word && rest.get(wanted.len()).is_some_and(|byte| in_word(*byte)) {
            return false;
        }
        self.at += wanted.len();
        true
    }

    pub(super) fn expect(&mut self, wanted: &str) -> Result<(), Error> {
        if self.eat(wanted) { Ok(()) } else { Err(self.error(&format!("`{wanted}`"))) }
    }

    pub(super) fn at_sign(&mut self, sign: u8) -> bool {
        self.skip().first() == Some(&sign)
    }

    pub(super) fn at_digit(&mut self) -> bool {
        self.skip().first().is_some_and(u8::is_ascii_digit)
    }

    /// A number, decimal or after `0x` hexadecimal.
    pub(super) fn number(&mut self) -> Result<u64, Error> {
        let rest = self.skip();
        let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let digits = &self.text[self.at..self.at + length];
        let number = match digits.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        let number = number.map_err(|_| self.error("a number"))?;
        self.at += length;
        Ok(number)
    }

    /// A number of some narrower type.
    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Error> {
        let error = self.error("a smaller number");
        T::try_from(self.number()?).map_err(|_| error)
    }

    /// A sign and the number behind it.
    pub(super) fn index(&mut self, sign: char) -> Result<u32, Error> {
        let mut buffer = [0; 4];
        self.expect(sign.encode_utf8(&mut buffer))?;
        self.small()
    }

    /// As [`Self::index`]; the number is known.
    pub(super) fn numbered(&mut self, sign: char, number: usize) -> Result<(), Error> {
        let error = self.error(&format!("`{sign}{number}`"));
        if self.index(sign)? as usize == number { Ok(()) } else { Err(error) }
    }

    pub(super) fn function_id(&mut self) -> Result<FunctionId, Error> {
        self.index('#').map(FunctionId)
    }

    /// Bytes as one hexadecimal word.
    pub(super) fn hex(&mut self) -> Result<Vec<u8>, Error> {
        self.expect("0x")?;
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(rest.len());
        if length % 2 != 0 {
            return Err(self.error("an even number of digits"));
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
        let bytes = rest[..length].chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        self.at += length;
        Ok(bytes)
    }

    /// A string in quotes, with the escapes that Rust's debug form has.
    pub(super) fn string(&mut self) -> Result<String, Error> {
        self.expect("\"")?;
        let mut string = String::new();
        loop {
            match self.character()? {
                '"' => return Ok(string),
                '\\' => string.push(self.escape()?),
                other => string.push(other),
            }
        }
    }

    fn character(&mut self) -> Result<char, Error> {
        let next = self.text[self.at..].chars().next().ok_or_else(|| self.error("`\"`"))?;
        self.at += next.len_utf8();
        Ok(next)
    }

    fn escape(&mut self) -> Result<char, Error> {
        Ok(match self.character()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            quote @ ('"' | '\'' | '\\') => quote,
            'u' => {
                self.expect("{")?;
                let end = self.text[self.at..].find('}').ok_or_else(|| self.error("`}`"))?;
                let code = u32::from_str_radix(&self.text[self.at..self.at + end], 16).ok();
                let code = code.and_then(char::from_u32).ok_or_else(|| self.error("a character's number"))?;
                self.at += end + 1;
                code
            }
            _ => return Err(self.error("an escape")),
        })
    }

    /// `at file:start-end`; the default where there is none.
    pub(super) fn span(&mut self) -> Result<Span, Error> {
        if !self.eat("at") {
            return Ok(Span::default());
        }
        let file = FileId(self.small()?);
        self.expect(":")?;
        let start = self.small()?;
        self.expect("-")?;
        Ok(Span::new(file, start, self.small()?))
    }

    /// Items with commas between (one behind the last is allowed), up to the closing sign.
    pub(super) fn list<T>(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while !self.eat(close) {
            if !items.is_empty() {
                self.expect(",")?;
                if self.eat(close) {
                    break;
                }
            }
            items.push(item(self)?);
        }
        Ok(items)
    }
}
