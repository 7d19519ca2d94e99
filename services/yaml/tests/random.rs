//! Random texts: trees written as JSON are read as they are, and no mutation of a text makes the reader panic.

use std::fmt::Write as _;

use services_yaml::{BYTES_MAX, Node, ScalarKind, Value, parse};

/// Numbers from a seed (xorshift64*): the same seed, the same texts.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }
}

#[derive(Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    String(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

fn string(random: &mut Random) -> String {
    const PIECES: [&str; 14] =
        ["yes", " ", "#", ": ", "- ", "'", "\"", "\\", "\n", "\u{1f600}", "<<", "*a", "null", "\u{e9}"];
    (0..random.below(5)).map(|_| PIECES[random.below(PIECES.len())]).collect()
}

fn json(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Json::Null,
        1 => Json::Bool(random.below(2) == 0),
        2 => Json::Integer(random.next() as i64),
        3 => Json::String(string(random)),
        4 => Json::List((0..random.below(4)).map(|_| json(random, depth - 1)).collect()),
        _ => {
            let key = |at: usize, random: &mut Random| format!("{}{at}", string(random));
            Json::Object((0..random.below(4)).map(|at| (key(at, random), json(random, depth - 1))).collect())
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            '\n' => out.push_str("\\n"),
            _ => out.push(letter),
        }
    }
    out.push('"');
}

fn write(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => {
            let _ = write!(out, "{value}");
        }
        Json::Integer(value) => {
            let _ = write!(out, "{value}");
        }
        Json::String(text) => quote(text, out),
        Json::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ",\n " });
                quote(key, out);
                out.push_str(": ");
                write(item, out);
            }
            out.push('}');
        }
    }
}

fn tree(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Null => Json::Null,
            ScalarKind::Bool(value) => Json::Bool(value),
            ScalarKind::Integer => Json::Integer(scalar.text.parse().expect("an integer")),
            ScalarKind::Float => panic!("no floats are written"),
            ScalarKind::String => Json::String(scalar.text.clone()),
        },
        Value::Sequence(items) => Json::List(items.iter().map(tree).collect()),
        Value::Mapping(mapping) => Json::Object(
            mapping.entries.iter().map(|entry| (entry.key.text.clone(), tree(&entry.value))).collect(),
        ),
    }
}

#[test]
fn json_is_read_as_it_is() {
    let mut random = Random(7);
    for _ in 0..2_000 {
        let value = json(&mut random, 4);
        let mut text = String::new();
        write(&value, &mut text);
        let node = parse(text.as_bytes(), BYTES_MAX).unwrap_or_else(|error| panic!("{error} in {text}"));
        assert_eq!(tree(&node), value, "{text}");
    }
}

#[test]
fn mutations_are_read_or_refused() {
    const SEED: &str = "apiVersion: samoza/v1\nkind: Topology\nmetadata: {name: a, owner: 'b'}\nspaces:\n  - name: \"c\"\n    \
                        type: UI # comment\n    list: [1, 2.5, ~, true]\n  - ? |\n      block\n    : >-\n      folded\n\
                        paths: []\n";
    const PIECES: &[u8] = b"&*!<>|%@`'\"{}[],:?-#~ \n\t\r\0\\xa0\xff\xc3";
    let mut random = Random(11);
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = SEED.as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = PIECES[random.below(PIECES.len())],
                1 => bytes.insert(at, PIECES[random.below(PIECES.len())]),
                2 => drop(bytes.remove(at)),
                _ => {
                    let end = (at + random.below(20)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = random.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        match parse(&bytes, BYTES_MAX) {
            Ok(_) => read += 1,
            Err(error) => {
                let lines = bytes.split(|byte| *byte == b'\n').count() as u32;
                assert!(error.place.line >= 1 && error.place.line <= lines + 1, "{error}: {bytes:?}");
            }
        }
    }
    assert!(read > 1_000, "{read} mutations are still read");
}
