//! What `space explain <id>` prints for the ids of this crate.

use crate::diagnostic::Entry;

/// One entry for each id that this crate emits, in alphabetical order.
pub const CATALOG: &[Entry] = &[
    Entry {
        id: "assignment-in-expression",
        explanation: "`=` and its like set a variable; that is a statement and has no value, so it cannot stand in a \
                      condition or an argument. To compare, write `==`. In an arm of `match` it stands in braces: \
                      `Event.tick -> { count += 1 }`.",
    },
    Entry {
        id: "chained-comparison",
        explanation: "`a < b < c` would compare a truth value with `c`. Comparisons do not chain: write `a < b && b < c`.",
    },
    Entry {
        id: "char-literal",
        explanation: "Between two `'` stands exactly one character or one escape: `'a'`, `'\\n'`, `'\\u{E9}'`. Text of any \
                      length stands between two `\"`.",
    },
    Entry {
        id: "empty-interpolation",
        explanation: "Braces in text hold an expression whose value is written there: `\"{count} files\"`. For braces that \
                      stand for themselves write `\\{` and `\\}`.",
    },
    Entry {
        id: "expected-block",
        explanation: "The body of a function, a loop or a condition stands in braces. The opening brace stands on the \
                      line of what it belongs to.",
    },
    Entry {
        id: "expected-expression",
        explanation: "A value is missing where one is needed, for example after `=` or an operator. A line may end after \
                      an operator or a comma; the expression then goes on in the next line. In the head of `if`, \
                      `while`, `for` and `match`, struct literals and blocks stand in parentheses.",
    },
    Entry {
        id: "expected-item",
        explanation: "At the top of a file stand declarations: import, use, fn (perhaps with interrupt, task or \
                      distributed before it), struct, enum, interface, object, registers, component, impl, system, \
                      const, var, test, extern. Each may have `@attributes` and `pub` before it. Statements stand in \
                      functions.",
    },
    Entry {
        id: "expected-name",
        explanation: "A declaration needs a name. A name begins with a letter or `_` and goes on with letters, digits, \
                      `_`, and `-` before a letter: `max-entries`. A test is named by a sentence in quotes.",
    },
    Entry {
        id: "expected-pattern",
        explanation: "After `let`, and before the `->` of a match arm, stands a pattern: `_`, a name, a literal, a range \
                      `1..5`, a variant such as `Error.full(limit)`, a tuple, or several with `|` between them.",
    },
    Entry {
        id: "expected-separator",
        explanation: "Statements, fields and facts stand on lines of their own, or have `;` between them on one line. \
                      Something stands behind a complete one: a separator is missing, or an operator.",
    },
    Entry {
        id: "expected-statement",
        explanation: "In a function stand statements: let, var, const, assignments, if, match, while, for, loop, return, \
                      break, continue, defer, assert, and expressions.",
    },
    Entry {
        id: "expected-type",
        explanation: "After `:` and `->` stands a type: a name such as `u32`, one with arguments such as \
                      `Table[Entry, 64]`, an array `[u8; 4]`, a slice `[u8]`, an optional `u32?`, a tuple, or a handle \
                      with its rights such as `KeyValue(get, put)`.",
    },
    Entry {
        id: "expected-value",
        explanation: "A value is missing. Every variable has one from the start: `var count: u32 = 0`. In a fact, after \
                      `=`, `->`, `:` and `..`, stands a word, a number, text, or a word with values in parentheses.",
    },
    Entry {
        id: "integer-too-large",
        explanation: "Whole numbers are read with 128 bits, and this one has more. The widest type, u64, ends at \
                      18_446_744_073_709_551_615.",
    },
    Entry {
        id: "invalid-character",
        explanation: "No word or sign of the language begins with this character. Outside text and comments a source has \
                      ASCII characters only, so that two names which look alike are the same. Common causes are quotes \
                      and dashes from a word processor, and files that are not text.",
    },
    Entry {
        id: "malformed-number",
        explanation: "A number is decimal (`1_000`), hexadecimal (`0xFF`), binary (`0b1010`), octal (`0o755`), or has a \
                      point (`1.5`, `1.5e-3`). `_` may stand between digits. A unit may follow a whole decimal number.",
    },
    Entry {
        id: "mismatched-bracket",
        explanation: "Brackets close in the reverse order in which they open. This one closes another kind than the last \
                      one that is open, so one is missing or one is wrong.",
    },
    Entry {
        id: "misplaced-ampersand",
        explanation: "`&` before an argument lends a variable so that the function can change it: `fill(&buffer)`. There \
                      are no pointers and no references, so it stands nowhere else; between two values it is the \
                      bitwise and.",
    },
    Entry {
        id: "misplaced-interpolation",
        explanation: "Text in a fact, an attribute, a pattern or the name of a test is fixed when the program is \
                      compiled, so it cannot hold an expression. Write `\\{` and `\\}` for braces.",
    },
    Entry {
        id: "misplaced-package",
        explanation: "`package` says which package a file belongs to. It stands once, before all declarations.",
    },
    Entry {
        id: "name-too-long",
        explanation: "A name has at most 100 characters: it becomes part of file names and of images, which have bounds of their own.",
    },
    Entry {
        id: "not-utf8",
        explanation: "Source files are UTF-8 text. The byte at the given offset cannot occur there: the file has another \
                      encoding, or is not a text file.",
    },
    Entry {
        id: "reserved-word",
        explanation: "Some words are never names, because statements and expressions begin with them: import, pub, fn, let, \
                      var, const, effects, requires, if, else, while, for, in, loop, match, return, break, continue, \
                      self, defer, assert, unsafe, parallel, or, true, false, none. Words that only begin declarations, such as component or \
                      test, are names everywhere else.",
    },
    Entry {
        id: "source-too-large",
        explanation: "A source file has at most 4 MiB. Larger tables belong in data, and larger programs in several files \
                      of one package.",
    },
    Entry {
        id: "too-complex",
        explanation: "One expression has more than 500 operators, counting those around it. The limit keeps the depth of \
                      the tree small for everything that walks it. Name parts of it with `let`, or loop over an array.",
    },
    Entry {
        id: "too-deep",
        explanation: "More than 200 brackets are open at once. Move the inner part to a function of its own.",
    },
    Entry {
        id: "too-many-errors",
        explanation: "A file shows its first 100 errors. Further ones appear when the first are mended.",
    },
    Entry {
        id: "too-many-tokens",
        explanation: "A source file has at most 1,000,000 words and signs. Split it into several files of one package.",
    },
    Entry {
        id: "unclosed-bracket",
        explanation: "A bracket is open where the declaration ends. A declaration ends where the next one begins at the \
                      start of a line. The bracket shown is the one whose closing partner seems to be missing, \
                      judging by the indentation.",
    },
    Entry {
        id: "unclosed-interpolation",
        explanation: "`{` in text begins an expression, which ends at `}` in the same text. An expression in text cannot \
                      hold text itself: name it with `let` first. For a brace that stands for itself write `\\{`.",
    },
    Entry {
        id: "unexpected-token",
        explanation: "What stands here does not fit what comes before it. The help lists what would fit, where that is \
                      short.",
    },
    Entry {
        id: "unknown-escape",
        explanation: "In text, `\\` begins one of: \\n \\r \\t \\0 \\\\ \\\" \\' \\{ \\} \\xNN (two hexadecimal digits, up to 7F) \
                      \\u{..} (one to six hexadecimal digits). For the sign itself write `\\\\`.",
    },
    Entry {
        id: "unknown-mode",
        explanation: "Before the name of a parameter stands how its value is passed: nothing or `read` to lend it for \
                      reading, `inout` to lend it for reading and writing, `take` to give it away.",
    },
    Entry {
        id: "unknown-unit",
        explanation: "Letters behind a whole number are a unit: B, KiB, MiB, GiB for sizes, ns, us, ms, s, min for times. \
                      A number has no type suffix; it takes the type of its place, or of a call such as `u8(1)`.",
    },
    Entry {
        id: "unmatched-brace-in-text",
        explanation: "`}` in text closes an expression that `{` opened. For a brace that stands for itself write `\\}`.",
    },
    Entry {
        id: "unmatched-bracket",
        explanation: "This bracket closes nothing: there is one too many, or the one that should open is missing.",
    },
    Entry {
        id: "unterminated-string",
        explanation: "Text ends on the line on which it begins, with `\"`. A line break in text is written `\\n`, a quote \
                      `\\\"`.",
    },
];
