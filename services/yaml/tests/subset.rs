//! What the subset reads, what it refuses, and with which words.

use std::fmt::Write as _;

use services_yaml::{
    AHEAD_MAX, BYTES_MAX, DEPTH_MAX, ERRORS_MAX, Errors, Node, Place, RULES, Scalar, ScalarKind, Value, parse,
};

fn read(text: &str) -> Node {
    parse(text.as_bytes(), BYTES_MAX).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

fn refusal(bytes: &[u8]) -> (&'static str, Place) {
    let error = parse(bytes, BYTES_MAX).expect_err(&String::from_utf8_lossy(bytes));
    (error.kind.rule().id, error.place)
}

fn scalar(node: &Node) -> &Scalar {
    match &node.value {
        Value::Scalar(scalar) => scalar,
        other => panic!("{} is no scalar", other.describe()),
    }
}

/// A tree on one line a node, with places.
fn show(node: &Node, depth: usize, out: &mut String) {
    match &node.value {
        Value::Scalar(scalar) => {
            let lines = if scalar.multi_line { ", several lines" } else { "" };
            let _ = writeln!(out, "{} {:?} {}{lines}", node.place, scalar.text, scalar.kind.describe());
        }
        Value::Sequence(items) => {
            let _ = writeln!(out, "{} list", node.place);
            for item in items {
                let _ = write!(out, "{:1$}- ", "", depth * 2 + 2);
                show(item, depth + 1, out);
            }
        }
        Value::Mapping(mapping) => {
            let _ = writeln!(out, "{} mapping", node.place);
            for entry in &mapping.entries {
                let _ = write!(out, "{:3$}{}@{}: ", "", entry.key.text, entry.key.place, depth * 2 + 2);
                show(&entry.value, depth + 1, out);
            }
        }
    }
}

#[test]
fn nodes_and_keys_know_their_places() {
    let text = "# comment\nname: factory\nspaces:\n  - name: \"a\\tb\"\n    type: UI\n  - {x: 1, 'on': [2.5, ~]}\n\
                empty:\nyes: true\ntext: |\n  one\n  two\nlong: these\n  are words\n";
    let mut shown = String::new();
    show(&read(text), 0, &mut shown);
    insta::assert_snapshot!("places", shown);
}

#[test]
fn line_ends_of_both_kinds_and_one_document_mark_are_read() {
    for text in ["a: 1\r\nb: [x]\r\n", "---\na: 1\nb: [x]\n...\n", "a: 1\nb: [x]", "\n\n# c\na: 1\nb: [x]\n"]
    {
        let node = read(text);
        let Value::Mapping(mapping) = &node.value else { panic!("{text:?}") };
        assert_eq!(mapping.entries.len(), 2, "{text:?}");
        assert_eq!(scalar(mapping.get("a").expect("there")).text, "1");
    }
}

#[test]
fn ambiguous_words_are_strings_in_quotes_and_free_as_keys() {
    let node = read("on: 'yes'\nY: \"no\"\nnorth: off-side\n");
    let Value::Mapping(mapping) = &node.value else { panic!() };
    let texts: Vec<&str> = mapping.entries.iter().map(|entry| scalar(&entry.value).text.as_str()).collect();
    assert_eq!(texts, ["yes", "no", "off-side"]);
    assert!(mapping.entries.iter().all(|entry| scalar(&entry.value).kind == ScalarKind::String));
}

/// Each with the rule that refuses it and the place.
const REFUSED: &[(&[u8], &str, u32, u32)] = &[
    (b"a: 1\nb: \xff", "yaml-not-utf8", 2, 4),
    (b"\xef\xbb\xbfa: 1", "yaml-byte-order-mark", 1, 1),
    (b"a: \xef\xbb\xbf1", "yaml-byte-order-mark", 1, 4),
    (b"a: 1\0\nb: 2", "yaml-control-character", 1, 5),
    (b"a: \x1b[2J", "yaml-control-character", 1, 4),
    (b"a: 1\rb: 2\n", "yaml-control-character", 1, 5),
    (b"a: 1\n\xc2\x85b: 2\n", "yaml-control-character", 2, 1),
    (b"a: x\xe2\x80\xa8b: 2\n", "yaml-control-character", 1, 5),
    (b"a:\n\tb: 1", "yaml-tab-indentation", 2, 1),
    (b"a:\n  \tb: 1", "yaml-tab-indentation", 2, 3),
    (b"a: \"x\n\ty\"", "yaml-tab-indentation", 2, 1),
    (b"%YAML 1.1\n---\na: 1", "yaml-directive", 1, 1),
    (b"# c\n\n%TAG ! tag:x,2000:\n---\na: 1", "yaml-directive", 3, 1),
    (b"", "yaml-empty", 1, 1),
    (b"# nothing\n", "yaml-empty", 1, 1),
    (b"a: [1", "yaml-syntax", 2, 1),
    (b"a: 1\n b: 2", "yaml-syntax", 2, 3),
    (b"a: b: c", "yaml-syntax", 1, 5),
    (b"a: 1\n---\nb: 2", "yaml-second-document", 2, 1),
    (b"a: 1\n...\n---\nb: 2", "yaml-second-document", 3, 1),
    (b"a: &x 1\nb: *x", "yaml-anchor", 1, 4),
    (b"a: &x [1]", "yaml-anchor", 1, 4),
    (b"a: &x {b: 1}", "yaml-anchor", 1, 4),
    (b"&x a: 1", "yaml-anchor", 1, 1),
    (b"a: &x\n", "yaml-anchor", 1, 4),
    (b"a: &x !!str 1", "yaml-anchor", 1, 4),
    (b"a: *x", "yaml-alias", 1, 4),
    (b"- 1\n- *x", "yaml-alias", 2, 3),
    (b"*x : 1", "yaml-alias", 1, 1),
    (b"a: !!str 1", "yaml-tag", 1, 4),
    (b"a: !x 1", "yaml-tag", 1, 4),
    (b"a: ! 1", "yaml-tag", 1, 4),
    (b"a: !!binary\n", "yaml-tag", 1, 4),
    (b"a: !<tag:yaml.org,2002:str> 1", "yaml-tag", 1, 4),
    (b"!!map {a: 1}", "yaml-tag", 1, 1),
    (b"- !!seq [1]", "yaml-tag", 1, 3),
    (b"a: 1\n<<: {b: 2}", "yaml-merge-key", 2, 1),
    (b"a: 1\nb: 2\na: 3\nb: 4", "yaml-duplicate-key", 3, 1),
    (b"{a: 1, 'a': 2}", "yaml-duplicate-key", 1, 8),
    (b"1: a", "yaml-key-not-string", 1, 1),
    (b"1.5: a", "yaml-key-not-string", 1, 1),
    (b"true: a", "yaml-key-not-string", 1, 1),
    (b"null: a", "yaml-key-not-string", 1, 1),
    (b": a", "yaml-key-not-string", 1, 1),
    (b"[a]: b", "yaml-key-not-string", 1, 1),
    (b"{a: 1}: b", "yaml-key-not-string", 1, 1),
    (b"? - a\n: b", "yaml-key-not-string", 1, 3),
    (b"[a, {b: 1}: 2]", "yaml-key-not-string", 1, 5),
    (b"a: yes", "yaml-ambiguous-word", 1, 4),
    (b"- NO", "yaml-ambiguous-word", 1, 3),
    (b"a: On", "yaml-ambiguous-word", 1, 4),
    (b"[off]", "yaml-ambiguous-word", 1, 2),
    (b"y", "yaml-ambiguous-word", 1, 1),
    (b"{a: N}", "yaml-ambiguous-word", 1, 5),
];

#[test]
fn what_is_outside_the_subset_is_refused_by_rule_and_place() {
    let mut wrong = Vec::new();
    for (bytes, id, line, column) in REFUSED {
        let found = parse(bytes, BYTES_MAX).map(|_| ()).map_err(|error| (error.kind.rule().id, error.place));
        if found != Err((*id, Place { line: *line, column: *column })) {
            wrong.push(format!(
                "{:?}: {found:?}, not {id} at {line}:{column}",
                String::from_utf8_lossy(bytes)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_a_text_is_met() {
    let met = |id| {
        ["yaml-too-large", "yaml-too-long", "yaml-too-deep"].contains(&id)
            || REFUSED.iter().any(|(_, wanted, ..)| *wanted == id)
    };
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| id.starts_with("yaml-")).collect();
    let unmet: Vec<&&str> = ids.iter().filter(|id| !met(**id)).collect();
    assert!(unmet.is_empty(), "{unmet:?}");
    let mut unique: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), RULES.len(), "ids are unique");
}

#[test]
fn refusals_say_what_where_and_what_to_do() {
    let mut shown = String::new();
    for (bytes, ..) in REFUSED {
        let error = parse(bytes, BYTES_MAX).expect_err("refused");
        let _ = writeln!(shown, "{error} [{}]\n  {}", error.kind.rule().id, error.kind.remedy());
    }
    insta::assert_snapshot!("refusals", shown);
}

#[test]
fn reports_hold_nothing_that_a_terminal_obeys() {
    let key = format!("\"\\e[2J{}\"", "x".repeat(1000));
    let mut errors = Errors::default();
    read(&format!("{key}: 1")).fields(&mut errors).expect("a mapping").finish(&mut errors);
    let twice = parse(format!("{key}: 1\n{key}: 2").as_bytes(), BYTES_MAX).expect_err("refused");
    for error in [&errors.list()[0], &twice] {
        let shown = format!("{error}{}", error.kind.remedy());
        assert!(shown.contains("[2Jxx") && shown.len() < 250 && !shown.contains('\u{1b}'), "{shown}");
    }
}

#[test]
fn a_text_is_bounded_in_bytes_and_depth() {
    assert_eq!(refusal(&vec![b' '; BYTES_MAX + 1]).0, "yaml-too-large");
    assert_eq!(refusal(&vec![b'\n'; AHEAD_MAX]).0, "yaml-empty");
    assert!(parse(b"abc", 3).is_ok());
    assert!(parse(b"abcd", 3).is_err());

    let lists = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let mappings = |depth: usize| -> String {
        let lines = (0..=depth)
            .map(|level| if level < depth { " ".repeat(level) + "a:" } else { " ".repeat(level) + "1" });
        lines.collect::<Vec<_>>().join("\n")
    };
    let items = |depth: usize| "- ".repeat(depth) + "1";
    for write in [&lists as &dyn Fn(usize) -> String, &mappings, &items] {
        assert!(parse(write(DEPTH_MAX).as_bytes(), BYTES_MAX).is_ok());
        for depth in [DEPTH_MAX + 1, 300, 1_000] {
            assert_eq!(refusal(write(depth).as_bytes()).0, "yaml-too-deep", "{depth}");
        }
    }
    assert_eq!(refusal("{a: ".repeat(100_000).as_bytes()).0, "yaml-too-deep");
}

#[test]
fn what_the_scanner_must_keep_is_bounded() {
    let list = |items: usize| format!("a: 1\nb:\n  - [{}1]\nc: 2\n", "1,".repeat(items));
    let line = |letters: usize| format!("a: 1\nb: {}\nc: 2\n", "x".repeat(letters));
    for write in [&list as &dyn Fn(usize) -> String, &line] {
        assert!(parse(write(AHEAD_MAX / 2 - 100).as_bytes(), BYTES_MAX).is_ok());
        let (id, place) = refusal(write(AHEAD_MAX + 100).as_bytes());
        assert_eq!((id, place.line <= 3), ("yaml-too-long", true));
    }
    // The bound is for each, not for all.
    let many = format!("- [{}1]\n", "1,".repeat(10_000)).repeat(40);
    assert!(many.len() > 10 * AHEAD_MAX);
    assert!(parse(many.as_bytes(), BYTES_MAX).is_ok());
}

#[test]
fn readers_collect_what_is_wrong() {
    let text = "name: 7\ntyp: UI\nkind: Topolgy\ncount: 12\nbig: 99999999999999999999\nratio: .inf\nlist: {}\n\
                map: []\nflag: 1\nx-mine: 1\nempty:\nzzz: 1\n";
    let mut errors = Errors::default();
    let node = read(text);
    let mut fields = node.fields(&mut errors).expect("a mapping");
    let _ = fields.required("name", &mut errors).and_then(|node| node.string(&mut errors));
    let _ = fields.required("type", &mut errors);
    let kind = fields.required("kind", &mut errors);
    let _ = kind.and_then(|node| node.word(&[("Topology", 1), ("World", 2)], &mut errors));
    let mut integer = |key, range| fields.optional(key).and_then(|node| node.integer(range, &mut errors));
    assert_eq!(integer("count", 0..=12), Some(12));
    assert_eq!(integer("count", 0..=11), None);
    assert_eq!(integer("big", 0..=i64::MAX), None);
    assert_eq!(fields.optional("ratio").and_then(|node| node.number(&mut errors)), None);
    assert_eq!(fields.optional("count").and_then(|node| node.number(&mut errors)), Some(12.0));
    assert!(fields.optional("list").and_then(|node| node.list(&mut errors)).is_none());
    assert!(fields.optional("map").and_then(|node| node.entries(&mut errors)).is_none());
    assert!(fields.optional("flag").and_then(|node| node.boolean(&mut errors)).is_none());
    assert!(fields.optional("empty").and_then(|node| node.list(&mut errors)).is_none());
    fields.finish(&mut errors);
    let mut shown = String::new();
    for error in errors.list() {
        let _ = writeln!(shown, "{error} [{}]\n  {}", error.kind.rule().id, error.kind.remedy());
    }
    insta::assert_snapshot!("readers", shown);
}

#[test]
fn a_hostile_text_does_not_fill_memory_with_errors() {
    let lines: Vec<String> = (0..10_000).map(|number| format!("name{number}: 1")).collect();
    let mut errors = Errors::default();
    let node = read(&lines.join("\n"));
    let mut fields = node.fields(&mut errors).expect("a mapping");
    let _ = fields.optional("name");
    fields.finish(&mut errors);
    assert_eq!(errors.list().len(), ERRORS_MAX);
    assert_eq!(errors.dropped(), 10_000 - ERRORS_MAX);
}
