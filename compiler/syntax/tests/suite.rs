//! The crate against its cases: what is refused and how, what is accepted, how it is laid out, and that no
//! input stops it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use compiler_syntax::span::{FileId, Sources, Span};
use compiler_syntax::tree::{ComponentItem, ExprKind, File, ItemKind, Literal, Member, StmtKind, TextPart};
use compiler_syntax::{CATALOG, decode, format, limits, parse, render};

const FAULTS: &str = include_str!("../cases/faults.txt");
const FORMAT: &str = include_str!("../cases/format.txt");
const SAMPLES: [(&str, &str); 3] = [
    ("kv.in", include_str!("../cases/kv.in")),
    ("nic.in", include_str!("../cases/nic.in")),
    ("root.in", include_str!("../cases/root.in")),
];

/// The sources in which ids are given.
const EMITTERS: [&str; 6] = [
    include_str!("../src/context.rs"),
    include_str!("../src/expect.rs"),
    include_str!("../src/layout.rs"),
    include_str!("../src/lexer.rs"),
    include_str!("../src/literal.rs"),
    include_str!("../src/parse.rs"),
];

/// The sections of a case file: what follows `=== `, and the lines below it.
fn sections(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("=== ").skip(1).filter_map(|section| section.split_once('\n'))
}

fn ids(text: &str) -> Vec<&'static str> {
    parse(FileId(0), text).1.iter().map(|diagnostic| diagnostic.id).collect()
}

fn clean(text: &str) -> File {
    let (tree, diagnostics) = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{text}\n{diagnostics:#?}");
    tree
}

/// The tree as text, without its places.
fn shape(text: &str) -> String {
    let shown = format!("{:?}", parse(FileId(0), text).0);
    let mut shape = String::new();
    let mut rest = shown.as_str();
    while let Some((before, after)) = rest.split_once("Span {") {
        shape.push_str(before);
        rest = after.split_once('}').expect("a span ends").1;
    }
    shape + rest
}

#[test]
fn samples_are_accepted() {
    for (name, text) in SAMPLES {
        let (tree, diagnostics) = parse(FileId(0), text);
        assert!(diagnostics.is_empty(), "{name}: {diagnostics:#?}");
        assert!(tree.package.is_some() && tree.items.len() > 5, "{name}");
    }
}

#[test]
fn each_fault_gives_one_report() {
    let mut sources = Sources::default();
    let mut shown = String::new();
    for (id, text) in sections(FAULTS) {
        assert_eq!(ids(text), [id], "{text}");
        let file = sources.add("case.in", text);
        writeln!(shown, "{}", render(&parse(file, text).1, &sources, false)).expect("a string grows");
    }
    insta::assert_snapshot!("faults", shown);
}

#[test]
fn each_id_has_a_case_and_an_explanation() {
    let explained: Vec<&str> = CATALOG.iter().map(|entry| entry.id).collect();
    assert!(explained.is_sorted(), "the catalog is in alphabetical order");
    let explained: BTreeSet<&str> = explained.into_iter().collect();
    let mut cases: BTreeSet<&str> = sections(FAULTS).map(|(id, _)| id).collect();
    cases.extend(above_limits().iter().map(|(id, _)| id));
    assert_eq!(cases, explained);
    let emitted: BTreeSet<&str> = EMITTERS.iter().flat_map(|source| emitted(source)).collect();
    assert_eq!(emitted, explained);
}

/// The ids in a source: the first argument of `Diagnostic::error` and of what stands for it.
fn emitted(source: &'static str) -> impl Iterator<Item = &'static str> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.split("error(")
        .skip(1)
        .filter_map(|after| Some(after.trim_start().strip_prefix('"')?.split_once('"')?.0))
}

/// Bytes above each limit, too many to write down as cases.
fn above_limits() -> [(&'static str, Vec<u8>); 7] {
    [
        ("name-too-long", format!("const {} = 1\n", "a".repeat(limits::NAME_BYTES_MAX + 1)).into_bytes()),
        ("not-utf8", b"const a = 1\nconst b = \"\xFF\"\n".to_vec()),
        ("source-too-large", "\n".repeat(limits::SOURCE_BYTES_MAX + 1).into_bytes()),
        (
            "too-complex",
            format!("const a = 1{}\n", " +\n  1".repeat(limits::CHAIN_MAX as usize)).into_bytes(),
        ),
        ("too-deep", format!("const a = 1 {}\n", "\n(".repeat(limits::NESTING_MAX + 1)).into_bytes()),
        ("too-many-errors", "const a = 0x\n".repeat(limits::DIAGNOSTICS_MAX + 1).into_bytes()),
        ("too-many-tokens", ";\n".repeat(limits::TOKENS_MAX + 1).into_bytes()),
    ]
}

#[test]
fn each_limit_gives_one_report() {
    let mut shown = String::new();
    for (id, bytes) in above_limits() {
        let mut sources = Sources::default();
        let text = String::from_utf8_lossy(&bytes);
        let file = sources.add("case.in", text);
        let diagnostics = match decode(file, &bytes) {
            Ok(text) => parse(file, text).1,
            Err(diagnostic) => vec![diagnostic],
        };
        let last = diagnostics.last().expect("a report");
        assert_eq!((last.id, diagnostics.len() == 1), (id, id != "too-many-errors"));
        writeln!(shown, "{}", render(std::slice::from_ref(last), &sources, false)).expect("a string grows");
    }
    insta::assert_snapshot!("limits", shown);
}

#[test]
fn a_report_needs_no_source() {
    let (_, mut diagnostics) = parse(FileId(7), "const a = “");
    assert_eq!(diagnostics.len(), 1);
    let diagnostic = diagnostics.remove(0);
    let shown = render(std::slice::from_ref(&diagnostic), &Sources::default(), false);
    assert_eq!(
        shown,
        "error[invalid-character]: `“` does not quote text\n  --> :1:1\n  = help: replace this with `\"`\n"
    );
    let mut sources = Sources::default();
    sources.add("short.in", "é");
    let mut misplaced = diagnostic;
    for (start, end) in [(0, 0), (0, 2), (2, 2), (0, 1), (1, 2), (2, 1), (3, 9), (u32::MAX, u32::MAX)] {
        misplaced.primary = Span::new(FileId(0), start, end);
        assert!(render(std::slice::from_ref(&misplaced), &sources, true).contains("short.in:1:"));
    }
}

#[test]
fn one_mistake_spares_the_other_declarations() {
    let text = "fn a() {\n  if x {\n}\n\nfn b() { 1 + }\n\nfn c() { }\n\nconst d = \"open\n\nvar e = 'ab'\n";
    assert_eq!(ids(text), ["unclosed-bracket", "expected-expression", "unterminated-string", "char-literal"]);
    let names: Vec<String> = parse(FileId(0), text)
        .0
        .items
        .iter()
        .map(|item| match &item.kind {
            ItemKind::Function { function, .. } => function.name.as_str().to_owned(),
            ItemKind::Constant { name, .. } | ItemKind::Variable { name, .. } => name.as_str().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["c", "d", "e"]);
}

#[test]
fn empty_files_are_empty_trees() {
    for text in ["", "\n\n", "// only a comment", "/// documentation of nothing\n", ";;\n;"] {
        let tree = clean(text);
        assert!(tree.package.is_none() && tree.items.is_empty());
    }
}

#[test]
fn line_ends_separate_unless_a_line_goes_on() {
    let body = |text: &str| match clean(&format!("fn f() {{\n{text}\n}}\n")).items.remove(0).kind {
        ItemKind::Function { function, .. } => function.body.expect("a body").statements,
        other => panic!("{other:?}"),
    };
    assert_eq!(body("a\nb").len(), 2);
    assert_eq!(body("a\n-b").len(), 2);
    assert_eq!(body("a -\nb").len(), 1);
    assert_eq!(body("a\n.b\nor c").len(), 1);
    assert_eq!(body("f(a,\nb\n)").len(), 1);
    assert_eq!(body("if a { b }\nelse { c }").len(), 1);
    assert_eq!(body("let a = [1\n, 2]; b").len(), 2);
    assert_eq!(body("return\na").len(), 2);
}

#[test]
fn declaration_words_are_names_elsewhere() {
    clean("fn test(component: u32, take: u32) { let object = component; event(object).impl = 3 }\n");
    clean("component C { object 3; test a }\nvar export = 1\nfn use-it() { package() }\n");
}

#[test]
fn text_is_decoded_with_its_places() {
    let text = r#"fn f() { log.write("é\u{E9}\x41 {a.b} \{c\} { d + 1 }") }"#;
    let tree = clean(text);
    let ItemKind::Function { function, .. } = &tree.items[0].kind else { panic!() };
    let StmtKind::Expr(call) = &function.body.as_ref().expect("a body").statements[0].kind else { panic!() };
    let ExprKind::Call(_, arguments) = &*call.kind else { panic!() };
    let ExprKind::Text(parts) = &*arguments[0].value.kind else { panic!() };
    let shown: Vec<String> = parts
        .iter()
        .map(|part| match part {
            TextPart::Literal(literal) => literal.clone(),
            TextPart::Expr(expr) => format!("<{}>", &text[expr.span.start as usize..expr.span.end as usize]),
        })
        .collect();
    assert_eq!(shown, ["éé\u{41} ", "<a.b>", " {c} ", "<d + 1>"]);
}

#[test]
fn documentation_belongs_to_what_follows() {
    let tree = clean(
        "/// One.\n/// Two.\n@pure\npub fn f() { }\n\nstruct S {\n  /// A field.\n  a: u32\n}\n\ncomponent C {\n  arena 4KiB\n}\n",
    );
    assert_eq!(tree.items[0].documentation, "One.\nTwo.");
    let ItemKind::Struct { members, .. } = &tree.items[1].kind else { panic!() };
    let Member::Field(field) = &members[0] else { panic!() };
    assert_eq!(field.documentation, "A field.");
    let ItemKind::Component { items, .. } = &tree.items[2].kind else { panic!() };
    let ComponentItem::Fact(fact) = &items[0] else { panic!() };
    let compiler_syntax::tree::FactKind::Literal(Literal::Integer(size)) = &fact.arguments[0].kind else {
        panic!()
    };
    assert_eq!((size.value, &*size.unit), (4, "KiB"));
}

#[test]
fn layout_of_the_cases() {
    for (name, case) in sections(FORMAT) {
        let (before, after) = case.split_once("-- becomes\n").expect("two parts");
        assert_eq!(format(before).expect(name), after, "{name}");
    }
}

#[test]
fn layout_keeps_the_tree_and_settles() {
    let cases = sections(FORMAT).map(|(_, case)| case.split_once("-- becomes\n").expect("two parts").0);
    for text in cases.chain(SAMPLES.map(|(_, text)| text)) {
        let once = format(text).expect("it parses");
        assert_eq!(format(&once).as_ref(), Ok(&once), "{text}");
        assert!(shape(text) == shape(&once), "{once}");
        assert!(shape(text) == shape(&format(&widen(text)).expect("it parses")), "{text}");
    }
}

/// The text with every run of spaces and every indentation changed.
fn widen(text: &str) -> String {
    let mut wide = String::new();
    for line in text.lines() {
        wide.push_str(&line.trim_start().replace(" = ", "\t =  "));
        wide.push_str("\n\n\n");
    }
    wide
}

#[test]
fn sources_are_limited() {
    let file = FileId(0);
    assert_eq!(decode(file, b"const a = \"\xFF\"").expect_err("not UTF-8").id, "not-utf8");
    assert_eq!(decode(file, "const a = 1".as_bytes()), Ok("const a = 1"));
    assert_eq!(ids(&"\n".repeat(limits::SOURCE_BYTES_MAX)), [""; 0]);
    assert_eq!(ids(&"\n".repeat(limits::SOURCE_BYTES_MAX + 1)), ["source-too-large"]);

    let name = |length: usize| format!("const {} = 1", "a".repeat(length));
    assert_eq!(ids(&name(limits::NAME_BYTES_MAX)), [""; 0]);
    assert_eq!(ids(&name(limits::NAME_BYTES_MAX + 1)), ["name-too-long"]);

    let nested = |depth: usize| format!("const a = {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(ids(&nested(limits::NESTING_MAX)), [""; 0]);
    assert_eq!(ids(&nested(limits::NESTING_MAX + 1)), ["too-deep"]);

    // `const` and `=` count too.
    let chain = |length: usize| format!("const a = 1{}", " + 1".repeat(length));
    assert_eq!(ids(&chain(limits::CHAIN_MAX as usize - 2)), [""; 0]);
    assert_eq!(ids(&chain(limits::CHAIN_MAX as usize - 1)), ["too-complex"]);

    let tokens = |count: usize| format!("const a = [{}]", "0,".repeat((count - 6) / 2));
    assert_eq!(ids(&tokens(limits::TOKENS_MAX)), [""; 0]);
    assert!(ids(&tokens(limits::TOKENS_MAX + 2)).contains(&"too-many-tokens"));

    let errors = |count: usize| "const a = 0x\n".repeat(count);
    assert_eq!(ids(&errors(limits::DIAGNOSTICS_MAX)).len(), limits::DIAGNOSTICS_MAX);
    let ids = ids(&errors(limits::DIAGNOSTICS_MAX + 1));
    assert_eq!((ids.len(), ids.last()), (limits::DIAGNOSTICS_MAX + 1, Some(&"too-many-errors")));
}

#[test]
fn hostile_input_is_refused_quickly() {
    let begin = Instant::now();
    let deep = |open: &str| format!("fn f() {{ {} }}", open.repeat(200_000));
    for (text, id) in [
        ("a".repeat(10 << 20), "source-too-large"),
        ("a".repeat(3 << 20), "name-too-long"),
        (deep("("), "too-deep"),
        ("(".repeat(200_000), "too-deep"),
        (format!("fn f() {}", "(".repeat(200)), "unclosed-bracket"),
        (format!("'{}", " ".repeat(40)).repeat(100_000), "too-many-errors"),
        ("\u{a7}\n".repeat(1 << 20), "too-many-errors"),
        ("fn \u{a7}\n".repeat(200_000), "too-many-errors"),
        ("fn f( { }\n".repeat(100_000), "too-many-errors"),
        (format!("const a = \"{}\"", "\\q".repeat(1 << 20)), "too-many-errors"),
        (format!("fn f() {{ {}{} }}", "(".repeat(100_000), ")".repeat(100_000)), "too-deep"),
        (format!("const a = a{}", ".a".repeat(100_000)), "too-complex"),
        (format!("const a = {}1", "-".repeat(100_000)), "too-complex"),
        (format!("var a: T{} = 1", "?".repeat(100_000)), "too-complex"),
        (format!("fn f() {{ {}b }}", "return ".repeat(100_000)), "too-complex"),
        (format!("fn f() {{ {} {{}} }}", "if a {} else".repeat(100_000)), "too-complex"),
        // Text counts what stands around it.
        (
            format!("fn f() {{ {0}g(\"{{{0}a}}\") }}", "- ".repeat(limits::CHAIN_MAX as usize / 2)),
            "too-complex",
        ),
        // Chains behind brackets at every level add up.
        (
            format!("const a = {}1{}", "(".repeat(100), format!("{})", "+1".repeat(10)).repeat(100)),
            "too-complex",
        ),
        (format!("fn f() {{ g(\"{{{}1{}}}\") }}", "(".repeat(300), ")".repeat(300)), "too-deep"),
        ("\0".repeat(1 << 20), "invalid-character"),
        ("\u{7f}ELF\u{1}\u{2}\0\0\0\n".repeat(1000), "invalid-character"),
        ("}".repeat(1 << 19), "unmatched-bracket"),
        ("@a(".repeat(100_000), "too-deep"),
        ("\"".repeat(1 << 20), "expected-item"),
        ("{".repeat(1 << 19), "too-deep"),
    ] {
        let begin = Instant::now();
        let ids = ids(&text);
        let shown: String = text.chars().take(20).collect();
        assert!(ids.contains(&id), "{shown}: {ids:?}");
        assert!(begin.elapsed() < Duration::from_secs(4), "{shown}: {:?}", begin.elapsed());
    }
    let wide = format!("enum E {{ {} }}", "a, ".repeat(50_000));
    assert_eq!(format(&wide).expect("it parses").lines().count(), 50_002);
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn mutations_never_panic() {
    /// A few seconds' worth.
    const MUTANTS: usize = 1_200;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let faults: Vec<&str> = sections(FAULTS).map(|(_, text)| text).collect();
    for count in 0..MUTANTS {
        let mut text = if count % 4 == 0 {
            faults[random.below(faults.len())].to_owned()
        } else {
            SAMPLES[count % SAMPLES.len()].1.to_owned()
        };
        for _ in 0..=random.below(4) {
            mutate(&mut text, &mut random);
        }
        let mut sources = Sources::default();
        let file = sources.add("mutant.in", text.as_str());
        let (_, diagnostics) = parse(file, &text);
        for diagnostic in &diagnostics {
            assert!(CATALOG.iter().any(|entry| entry.id == diagnostic.id), "{}", diagnostic.id);
            assert!(text.get(diagnostic.primary.range()).is_some(), "{diagnostic:?}");
        }
        render(&diagnostics, &sources, false);
        if let Ok(once) = format(&text) {
            assert_eq!(format(&once).as_ref(), Ok(&once), "{text}");
            assert!(shape(&text) == shape(&once), "{text}\n=====\n{once}");
        }
    }
}

struct Random(u64);

impl Random {
    /// A number below `bound`, by xorshift.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }
}

fn mutate(text: &mut String, random: &mut Random) {
    const PIECES: [&str; 32] = [
        "{", "}", "(", ")", "[", "]", "\"", "'", "\\", ";", "\n", ",", ".", "..", "->", " fn ", "@a ", "=",
        "-", "&", "//", "///", " or ", " if ", "0x", "é", "\0", " match ", "?", "{x", "\n}", " ",
    ];
    let place = |text: &str, random: &mut Random| {
        let mut at = random.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (a, b) = (place(text, random), place(text, random));
    let (from, to) = (a.min(b), a.max(b));
    match random.below(5) {
        0 => text.insert_str(from, PIECES[random.below(PIECES.len())]),
        1 => {
            let to = (from + random.below(8)).min(text.len());
            let to = (from..=to).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(from);
            text.replace_range(from..to, "");
        }
        2 => text.truncate(to),
        3 if to - from < 200 => {
            let piece = text[from..to].to_owned();
            let at = place(text, random);
            text.insert_str(at, &piece);
        }
        _ => {
            let words: Vec<&str> = text.split(' ').collect();
            let piece = words[random.below(words.len())].to_owned();
            text.insert_str(from, &piece);
        }
    }
}
