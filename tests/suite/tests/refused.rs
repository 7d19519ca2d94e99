//! Every id has a case and an explanation, and every case gives its report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};
use tests_suite::{Case, cases, compile, link, os, report, written};

/// The sources in which the checker gives ids.
const CHECKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../compiler/check/src");
const PIPELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../compiler/driver/src/pipeline.rs");

/// Where crates are refused, whose cases are no sources of ours, and the tests that hold them.
const CRATES: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../compiler/driver/src/rust.rs"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../compiler/link/src/ingest.rs"),
];
const CRATE_TESTS: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../compiler/link/tests/ingest.rs"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../cli/tests/rust.rs"),
];

/// Ids whose cause is a defect of the compiler, so that no program is their case.
const DEFECTS: [&str; 2] = ["code-generation", "system-link"];

/// The id whose case is too long to be written down; see `depth_is_bounded`.
const LONG: &str = "too-many-arms";

fn topics() -> BTreeMap<PathBuf, Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("refused");
    let entries = fs::read_dir(folder).expect("the folder of cases");
    let paths = entries.map(|entry| entry.expect("a file of cases").path());
    paths.map(|path| (path.clone(), cases(&fs::read_to_string(&path).expect("cases")))).collect()
}

/// The cases of `link.txt` reach the linker, which needs the OS components.
fn reported(path: &Path, case: &Case, os: &[(&'static str, Vec<u8>)]) -> (BTreeSet<&'static str>, String) {
    let links = path.file_stem().is_some_and(|stem| stem == "link");
    let compilation = if links { link(&case.source, os) } else { compile(&case.source) };
    let ids = compilation.diagnostics.iter().map(|diagnostic| diagnostic.id).collect();
    (ids, report(&compilation))
}

#[test]
fn each_case_gives_its_report() {
    let bless = env::var_os("BLESS").is_some();
    let os = os();
    let mut wrong = Vec::new();
    for (path, mut cases) in topics() {
        for case in &mut cases {
            let (ids, shown) = reported(&path, case, &os);
            if !ids.contains(case.id.as_str()) {
                wrong.push(format!("`{}: {}` gives {ids:?}\n{shown}", case.id, case.what));
            }
            if bless {
                case.report = shown;
            } else if case.report != shown {
                wrong.push(format!("`{}: {}` gives\n{shown}instead of\n{}", case.id, case.what, case.report));
            }
        }
        if bless {
            fs::write(&path, written(&cases)).expect("the cases can be written");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sources that are short and would take long, or more stack than there is.
#[test]
fn depth_is_bounded() {
    let chain = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let constants = chain(4000, &|at| format!("const c{at}: u64 = c{}\n", at + 1));
    let typeless = chain(4000, &|at| format!("const c{at} = next(c{})\n", at + 1));
    let sums = chain(200, &|at| format!("const c{at} = c{} + 1\n", at + 1));
    let states = chain(2000, &|at| format!("var s{at} = s{} + 1\n", at + 1));
    let structs = chain(4000, &|at| format!("struct S{at} {{ a: S{} }}\n", at + 1));
    let enums = chain(60, &|at| format!("enum E{at} {{ a(E{}), b(E{}) }}\n", at + 1, at + 1));
    let arms = chain(2050, &|at| format!("    {at} -> {at}\n"));
    let arms = format!("fn f(a: u32) -> u32 {{\n  return match a {{\n{arms}    _ -> 0\n  }}\n}}\n");
    let cases = [
        (arms, LONG),
        (constants + "const c4000: u64 = 1\n", "constant-cycle"),
        (typeless + "const c4000 = 1\nfn next(a: u64) -> u64 { return a }\n", "constant-cycle"),
        (sums + "const c200 = 1\n", "constant-cycle"),
        (states + "var s2000 = 1\n", "constant-cycle"),
        (structs + "struct S4000 { a: u8 }\n", "type-too-large"),
        (enums + "enum E60 { a }\n", "type-too-large"),
    ];
    for (source, id) in cases {
        let compilation = compile(&format!("component C {{ }}\n\nfn start() {{ }}\n\n{source}"));
        let ids: BTreeSet<_> = compilation.diagnostics.iter().map(|diagnostic| diagnostic.id).collect();
        assert_eq!(ids, BTreeSet::from([id]), "{}", &source[..100]);
    }
}

#[test]
fn each_id_has_a_case_and_an_explanation() {
    let mut emitted = BTreeSet::new();
    sources(Path::new(CHECKER), &mut emitted);
    ids(&fs::read_to_string(PIPELINE).expect("the pipeline"), &mut emitted);
    let text = |path: &str| fs::read_to_string(path).expect("a source");
    let quoted = |text: String| -> BTreeSet<String> { text.split('"').map(str::to_owned).collect() };
    let of_crates = |literal: &String| literal.starts_with("crate-") || literal.starts_with("cargo-");
    emitted.extend(CRATES.iter().flat_map(|path| quoted(text(path))).filter(of_crates));
    let mut shown: BTreeSet<String> = topics().into_values().flatten().map(|case| case.id).collect();
    shown.extend(CRATE_TESTS.iter().flat_map(|path| quoted(text(path))).filter(of_crates));
    let explained: BTreeSet<&str> =
        compiler_driver::catalog::entries().into_iter().map(|entry| entry.id).collect();
    let without =
        |known: &dyn Fn(&str) -> bool| -> Vec<&String> { emitted.iter().filter(|id| !known(id)).collect() };
    let unexplained = without(&|id| explained.contains(id));
    assert!(unexplained.is_empty(), "without an explanation: {unexplained:?}");
    let unshown = without(&|id| shown.contains(id) || DEFECTS.contains(&id) || LONG == id);
    assert!(unshown.is_empty(), "without a case: {unshown:?}");
    let own: BTreeSet<&str> = compiler_syntax::CATALOG.iter().map(|entry| entry.id).collect();
    let idle: Vec<&&str> =
        explained.iter().filter(|id| !own.contains(**id) && !emitted.contains(**id)).collect();
    assert!(idle.is_empty(), "explained and never given: {idle:?}");
    let all: BTreeSet<&str> = own.iter().copied().chain(emitted.iter().map(String::as_str)).collect();
    println!("{} ids: {} of syntax, {} of the checker and the pipeline", all.len(), own.len(), emitted.len());
    assert!(all.len() >= 80, "{}", all.len());
}

/// Collects the ids in every source below a folder.
fn sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.file_name().is_some_and(|name| name != "catalog.rs") {
            ids(&fs::read_to_string(&path).expect("a source"), found);
        }
    }
}

/// Collects the ids in a source: what stands first in a diagnostic, in a call of `refuse`, and in the linker's
/// pairs of an id and its help.
fn ids(source: &str, found: &mut BTreeSet<String>) {
    let pairs = source.find("system::Error::MissingProvider").map_or("", |at| &source[at..]);
    let calls = ["Diagnostic::error(", "Diagnostic::warning(", ".refuse("].map(|before| (source, before));
    for (source, before) in calls.into_iter().chain([(pairs, "(")]) {
        for after in source.split(before).skip(1) {
            let id = after.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            let kebab = |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            found.extend(id.filter(|(id, _)| kebab(id)).map(|(id, _)| id.to_owned()));
        }
    }
}
