//! Sizes and words of the sources.

use std::collections::BTreeMap;

use tests_tidy::{File, files, none, root};

/// Lines of a file without its unit tests.
const CODE_LINES_MAX: usize = 500;
/// Lines of a file.
const FILE_LINES_MAX: usize = 800;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 100;

/// `allow.txt`: what may be longer, how long, and why. It only shrinks.
fn allowed() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(root().join("tests/tidy/allow.txt")).expect("the list exists");
    let entries = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut words = line.splitn(3, ' ');
        let (name, lines, reason) = (words.next(), words.next(), words.next());
        let lines = lines.and_then(|lines| lines.parse().ok());
        match (name, lines, reason) {
            (Some(name), Some(lines), Some(reason)) if !reason.is_empty() => (name.to_owned(), lines),
            _ => panic!("not `name lines reason`: {line}"),
        }
    });
    entries.collect()
}

#[test]
fn files_and_functions_are_short() {
    let mut allowed = allowed();
    let mut wrong = Vec::new();
    let mut judge = |name: String, lines: usize, limit: usize| match allowed.remove(&name) {
        Some(_) if lines <= limit => wrong.push(format!("{name}: short again; remove it from allow.txt")),
        Some(most) if lines > most => wrong.push(format!("{name}: {lines} lines, {most} are allowed")),
        None if lines > limit => wrong.push(format!("{name}: {lines} lines, the limit is {limit}")),
        _ => {}
    };
    for file in files(&["rs", "in", "s"]) {
        let total = file.text.lines().count();
        let code = if file.is_test() { 0 } else { file.code().count() };
        if total > FILE_LINES_MAX || code <= CODE_LINES_MAX {
            judge(file.path.clone(), total, FILE_LINES_MAX);
        } else {
            judge(file.path.clone(), code, CODE_LINES_MAX);
        }
        for (name, lines) in functions(&file) {
            judge(format!("{}::{name}", file.path), lines, FUNCTION_LINES_MAX);
        }
    }
    wrong.extend(allowed.keys().map(|name| format!("{name}: gone; remove it from allow.txt")));
    none(&wrong);
}

/// Functions and their lines; formatted sources close a function at the indentation of its first line.
fn functions(file: &File) -> Vec<(String, usize)> {
    let mut open: Vec<(String, String, usize)> = Vec::new();
    // There a method has no body, and no sign that it has none.
    let of_interface = file.path.rsplit_once('.').is_some_and(|(_, ending)| ending == "in");
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    for (at, line) in file.text.lines().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if line.trim() == "}" && open.last().is_some_and(|(_, begun, _)| begun == indent) {
            let (name, _, first) = open.pop().unwrap_or_default();
            let longest = done.entry(name).or_default();
            *longest = (*longest).max(at - first + 1);
        } else if let Some((before, after)) = line.split_once("fn ")
            && before.trim_start().chars().all(|letter| letter.is_alphanumeric() || " ()\"_".contains(letter))
            && !line.trim_end().ends_with(';')
            && (!of_interface || line.ends_with(['{', '(']))
            && !line.trim_end().ends_with('}')
        {
            let name = after
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || "_-".contains(*letter))
                .collect();
            open.push((name, indent.to_owned(), at));
        }
    }
    done.into_iter().collect()
}

#[test]
fn nothing_is_left_for_later() {
    let markers = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut wrong = Vec::new();
    for file in files(&["rs", "in", "s", "md", "toml"]) {
        for (at, line) in file.text.lines().enumerate() {
            let found = markers.iter().find(|marker| {
                line.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == **marker)
            });
            wrong.extend(found.map(|marker| format!("{}:{}: {marker}", file.path, at + 1)));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_unwraps_outside_tests() {
    let mut wrong = Vec::new();
    for file in files(&["rs"]).iter().filter(|file| !file.is_test()) {
        let lines = file.code().filter(|(_, line)| !line.trim_start().starts_with("//"));
        let found = lines.filter(|(_, line)| line.contains(concat!(".unwr", "ap()")));
        wrong.extend(found.map(|(at, _)| format!("{}:{at}", file.path)));
    }
    none(&wrong);
}

/// Where unsafe code may stand: what touches the machine, and the test that runs generated code.
const UNSAFE: [&str; 5] =
    ["nanokernel/x86_64/", "runtime/guest/", "runtime/host/", "runtime/machine/", "tests/oracle/"];

#[test]
fn only_the_machine_layer_is_unsafe() {
    let mut wrong = Vec::new();
    for file in files(&["rs"]) {
        let is_root = file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs");
        let machine = UNSAFE.iter().any(|folder| file.path.starts_with(folder));
        if is_root && !machine && !file.text.contains("#![forbid(unsafe_code)]") {
            wrong.push(format!("{}: does not forbid unsafe code", file.path));
        }
    }
    none(&wrong);
}

#[test]
fn every_module_says_what_it_is() {
    let sources = files(&["rs"]);
    let wrong = sources.iter().filter(|file| !file.text.starts_with("//!"));
    none(&wrong.map(|file| file.path.clone()).collect::<Vec<_>>());
}
