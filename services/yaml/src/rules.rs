//! What a text is held against: one table.

/// A rule that a text can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for reports and for programs.
    pub id: &'static str,
    /// What it says, one sentence.
    pub sentence: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

macro_rules! rules {
    ($($name:ident $id:literal $sentence:literal $remedy:literal;)+) => {
        $(pub(crate) const $name: Rule = Rule { id: $id, sentence: $sentence, remedy: $remedy };)+
        /// Every rule: those of the text first, then those of its shape.
        pub const RULES: &[Rule] = &[$($name),+];
    };
}

rules! {
    TOO_LARGE "yaml-too-large" "A text has at most as many bytes as its reader allows."
        "split it, or move data into files of their own";
    TOO_LONG "yaml-too-long" "A scalar, a comment, and a list or mapping in brackets have at most 65,536 characters."
        "write lists and mappings in lines; move long texts into files of their own";
    NOT_UTF8 "yaml-not-utf8" "A text is UTF-8."
        "save the file as UTF-8";
    BYTE_ORDER_MARK "yaml-byte-order-mark" "A text has no byte order mark."
        "save the file as UTF-8 without byte order mark";
    CONTROL_CHARACTER "yaml-control-character" "A text has no control characters but line ends and tabs."
        "remove it; in a double-quoted string it may be written as an escape";
    TAB_INDENTATION "yaml-tab-indentation" "Lines are indented by spaces."
        "replace the tab by spaces; in a double-quoted string write `\\t`";
    DIRECTIVE "yaml-directive" "A text has no directives."
        "remove the line that begins with `%`";
    EMPTY "yaml-empty" "A text has a document."
        "write the document";
    SYNTAX "yaml-syntax" "A text is well-formed YAML 1.2."
        "mend the text here or just before";
    SECOND_DOCUMENT "yaml-second-document" "A text has one document."
        "keep one document, and move each other one into a file of its own";
    ANCHOR "yaml-anchor" "Nodes have no anchors."
        "remove the `&` name, and write the value out where it is needed";
    ALIAS "yaml-alias" "Nodes are no aliases."
        "write the value out; a string that begins with `*` needs quotes";
    TAG "yaml-tag" "Nodes have no tags."
        "remove the `!` tag; a string that begins with `!` needs quotes";
    MERGE_KEY "yaml-merge-key" "Mappings are not merged."
        "write the entries out";
    DUPLICATE_KEY "yaml-duplicate-key" "A mapping has each key once."
        "remove or rename one of them";
    KEY_NOT_STRING "yaml-key-not-string" "Keys are strings."
        "put the key in quotes";
    TOO_DEEP "yaml-too-deep" "Mappings and lists nest to a depth of at most 32."
        "flatten the text";
    AMBIGUOUS "yaml-ambiguous-word" "Plain `yes`, `no`, `on`, `off`, `y` and `n` are no values: YAML 1.1 reads them as booleans."
        "write `true` or `false`, or put the word in quotes";
    WRONG_TYPE "wrong-type" "A value has the type that its key wants."
        "write a value of that type";
    MISSING_KEY "missing-key" "A mapping has the keys that it needs."
        "add the key";
    UNKNOWN_KEY "unknown-key" "A mapping has known keys only; keys that begin with `x-` are free."
        "remove the key, or let its name begin with `x-`";
    UNKNOWN_WORD "unknown-word" "Where one of several words is wanted, the value is one of them."
        "write one of the words";
    OUT_OF_RANGE "number-out-of-range" "A number is in the range that its key allows."
        "write a number in the range";
}
