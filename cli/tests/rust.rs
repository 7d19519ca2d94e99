//! A component in Rust, from `space new` to its faults.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod common;

use common::Place;

/// The template's program with other statements in place of its output.
fn with(place: &Place, statements: &str) {
    let source = std::fs::read_to_string(place.path("demo/src/lib.rs")).unwrap();
    let begin = source.find("        let squares").unwrap();
    let end = source.find("        Self\n").unwrap();
    place.write("demo/src/lib.rs", format!("{}{statements}\n{}", &source[..begin], &source[end..]));
}

#[test]
fn the_template_builds_checks_and_boots() {
    let place = Place::with_project("component-rust");
    for command in [&["build"][..], &["check"], &["fmt", "--check"], &["inspect", "build/demo.sci"]] {
        let said = place.call("demo", command);
        assert_eq!(said.code, Some(0), "{command:?}: {}{}", said.out, said.err);
        assert!(!said.err.contains("warning"), "{command:?}: {}", said.err);
    }
    assert!(place.call("demo", &["boot"]).succeeds().contains("hello from demo: 91\n"));
    assert_eq!(place.call("demo", &["build"]).succeeds(), "demo is up to date\n");
    let why = place.call("demo", &["why", "demo", "console"]).succeeds();
    assert!(why.contains("write is used by the crate, as declared\n"), "{why}");
    assert!(place.call("demo", &["facts"]).succeeds().contains("65536 bytes, declared"));
}

/// The same crate in another folder gives the same bytes: no path of this machine is in them.
#[test]
fn a_crate_gives_the_same_bytes_wherever_it_lies() {
    let image = |place: &Place| {
        place.call("demo", &["build"]).succeeds();
        std::fs::read(place.path("demo/build/demo.sci")).unwrap()
    };
    let one = Place::with_project("component-rust");
    let first = image(&one);
    let folder = one.path("").display().to_string();
    let shown = |bytes: &[u8]| bytes.windows(folder.len()).any(|window| window == folder.as_bytes());
    assert!(!shown(&first), "the folder's name is in the image");
    let other = Place::with_project("component-rust");
    let (inspect, again) = (["inspect", "--json", "build/demo.sci"], image(&other));
    assert_eq!(first.len(), again.len());
    let hashes = |place: &Place| {
        let json: serde_json::Value = serde_json::from_str(&place.call("demo", &inspect).succeeds()).unwrap();
        json["sections"].clone()
    };
    assert_eq!(hashes(&one), hashes(&other));
}

#[test]
fn a_panic_names_its_line_without_a_console() {
    let place = Place::with_project("component-rust");
    place.write("demo/component.in", "component Demo {\n}\n");
    with(
        &place,
        "        drop(authority);\n        let none: Option<u32> = None;\n        none.expect(\"a number\");",
    );
    let source = std::fs::read_to_string(place.path("demo/src/lib.rs")).unwrap();
    let line = 1 + source.lines().position(|line| line.contains("none.expect")).unwrap();
    place.call("demo", &["boot"]).refuses(3, &format!("Demo stopped at src/lib.rs:{line}: panic"));
}

#[test]
fn what_cargo_refuses_is_shown_and_nothing_is_written() {
    let place = Place::with_project("component-rust");
    with(&place, "        authority.console.flush();");
    let said = place.call("demo", &["build"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("no method named `flush`"), "{}", said.err);
    assert!(said.err.contains(concat!("error[", "crate-refused", "]")), "{}", said.err);
    assert!(!place.path("demo/build/demo.sci").exists());
}
