//! What people write who know other languages, and what it is here.

use super::Site;
use crate::token::Token;

impl Site<'_, '_> {
    /// The next step, where a token is one that belongs to such a habit.
    pub(super) fn habit(&self) -> Option<&'static str> {
        let word_before = self.at.checked_sub(1).map_or("", |before| self.text(before));
        let token = self.token()?;
        Some(match (word_before, self.text(self.at)) {
            ("not", _) => "the opposite of `a` is `!a`",
            (_, "and") => "both is written `a && b`",
            (_, "as") => "a conversion is a call: `u8(a)`",
            ("mut", _) if self.before(2) == Some(Token::Let) => {
                "a variable that changes is declared with `var`"
            }
            ("if" | "while", "let") => {
                "take the value out with `match`, or with `or`: `let x = found or return`"
            }
            ("..", "=") => "a range ends before its second number: `0..n + 1`",
            (".", _) if token == Token::Integer => "take a tuple apart: `let (first, second) = pair`",
            ("for", "(") => "`for` gives one value; for the index too, count: `for i in 0..list.len`",
            (_, "|" | "||") if self.expects_expression() => "functions are declared with `fn` and have names",
            (_, ":") if self.text(self.at + 1) == "=" => "declare it with `let x = 3`, or `var x = 3`",
            ("?", _) if !self.can("else") => "a choice is `if a { 1 } else { 2 }`",
            (_, "!") if !self.expects_expression() && (self.can("?") || self.can(")")) => {
                "`T ! E` is what a function gives; a parameter is a `T`, or an enum of your own"
            }
            ("throw" | "raise", _) => "an error is returned: `return Problem.full`",
            ("switch" | "case", _) => "choices are written `match value { pattern -> result }`",
            ("f" | "format", _) if token == Token::Text => "every text takes values in braces: `\"{count}\"`",
            (_, "fn") if self.can("let") => "functions stand beside the component, not in each other",
            (
                "int" | "uint" | "long" | "short" | "char" | "byte" | "float" | "double" | "string" | "auto"
                | "bool",
                _,
            ) if token == Token::Name => "declare it with `let name: type = value`, or `var`",
            _ => return None,
        })
    }
}

/// What a declaration's word of another language is here.
pub(crate) fn foreign(word: &str) -> Option<&'static str> {
    Some(match word {
        "func" | "function" | "def" | "proc" | "sub" => "a function begins with `fn`",
        "class" | "record" | "type" | "data" => "a type begins with `struct` or `enum`",
        "trait" | "protocol" => "a set of methods is an `interface`",
        "mod" | "module" | "namespace" => "a directory is a package; its files begin with `package`",
        "public" | "export" => "what others may use is marked `pub`",
        "static" | "mut" | "global" => "the state of a component is `var name = value`",
        "include" | "require" | "from" | "using" => "other packages come with `import`",
        _ => return None,
    })
}
