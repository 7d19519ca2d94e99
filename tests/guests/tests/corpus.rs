//! The corpus: guests of other days run as they did.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::sum;
use tests_conformance::host::{grants, lines_on_both};
use tests_conformance::image::compile;
use tests_guests::unpacked;

/// So many of the first lines of `sums` have this sum. An entry is never changed: what is added gets one of its own.
const FROZEN: &[(usize, &str)] = &[(19, "c8fdd5b85647422846e38a8a42193dfbf23e3dc444f28423980269aef2054480")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn sums() -> String {
    fs::read_to_string(folder().join("sums")).expect("the corpus has sums")
}

fn read(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The modules whose names begin so, and what each prints.
fn modules(begins: &str) -> Vec<(String, Vec<u8>, String)> {
    let sums = sums();
    let files = sums.lines().filter_map(|line| line.split_once("  ").map(|(_, file)| file));
    let modules = files.filter(|file| file.contains(".wasm") && file.starts_with(begins));
    let modules = modules.map(|file| {
        let (name, _) = file.split_once('-').expect("a name and what it is one of");
        let expected = String::from_utf8(read(&format!("{name}.expected"))).expect("it is text");
        (file.to_owned(), unpacked(&read(file)).expect("it is whole"), expected)
    });
    modules.collect()
}

#[test]
fn nothing_was_changed_or_removed() {
    let sums = sums();
    let lines: Vec<&str> = sums.lines().collect();
    for (count, expected) in FROZEN {
        let first: String = sums.split_inclusive('\n').take(*count).collect();
        assert_eq!(sum(first.as_bytes()), *expected, "the first {count} lines of corpus/sums changed");
    }
    assert_eq!(FROZEN.last().map(|(count, _)| *count), Some(lines.len()), "each line is of an entry");
    for line in &lines {
        let (expected, file) = line.split_once("  ").expect("a sum and a file");
        assert_eq!(sum(&read(file)), expected, "corpus/{file} changed");
    }
    let named: BTreeSet<&str> = lines.iter().filter_map(|line| Some(line.split_once("  ")?.1)).collect();
    let there: BTreeSet<String> = fs::read_dir(folder())
        .expect("there is a corpus")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .filter(|file| file != "README.md" && file != "sums")
        .collect();
    assert!(there.iter().map(String::as_str).eq(named.iter().copied()), "{there:?}");
}

#[test]
fn guests_of_other_days_print_what_they_did() {
    let all = modules("");
    assert!(all.len() >= 13, "{}", all.len());
    for (file, module, expected) in all {
        common::prints(&file, &module, &expected);
    }
}

#[test]
fn modules_of_the_shape_of_tinygo_run_on_both_hosts() {
    let all = modules("tinygo-");
    assert_eq!(all.len(), 3);
    for (file, module, expected) in all {
        let image = compile(&module).expect("the module is one");
        let said = lines_on_both(&image, grants(sci::guest::GuestCapability::ALL));
        assert!(said.iter().map(String::as_str).eq(expected.lines()), "{file}: {said:#?}");
    }
}
