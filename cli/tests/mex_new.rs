//! `space mex new`: what it makes is packed as it is, and is one's own.

mod common;

use common::Place;
use std::fs;

#[test]
fn a_new_application_is_a_package_without_any_tool() {
    let place = Place::new();
    let said = place.call("", &["mex", "new", "my-app"]).succeeds();
    let next = "\nNext:\n  cd my-app\n  space mex build . -o my-app.mex\n  space mex verify my-app.mex\n  \
                space mex inspect my-app.mex\n";
    assert!(said.ends_with(next), "{said}");
    fs::create_dir_all(place.path("none")).expect("it is made");
    let none = place.path("none").display().to_string();
    for command in next.lines().filter_map(|line| line.strip_prefix("  space ")) {
        let arguments: Vec<&str> = command.split(' ').collect();
        place.call_with(&place.path("my-app"), &arguments, &[("PATH", &none)]).succeeds();
    }
    let json = place.call("my-app", &["mex", "inspect", "--json", "my-app.mex"]).succeeds();
    let value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(value["name"], "my-app");
    assert_eq!(value["topology"], "my-app");
    assert_eq!((&value["version"], &value["publisher"]), (&"0.1.0".into(), &"unknown".into()));
    assert_eq!(value["spaces"].as_array().map(Vec::len), Some(3));
    for file in ["topology.yaml", "manifest.yaml", "panel/index.html", "README.md"] {
        let text = fs::read_to_string(place.path("my-app").join(file)).expect("it is there");
        assert!(!text.contains("hello-samoza") && !text.contains('%'), "{file}: {text}");
    }
}

#[test]
fn wrong_names_are_refused() {
    let place = Place::new();
    let new = |name: &str| place.call("", &["mex", "new", name]);
    for name in ["My-App", "1app", "a/b", "..", &"a".repeat(64)] {
        new(name).refuses(2, "error[application-name]");
    }
    new("app").succeeds();
    new("app").refuses(2, "error[folder-exists]");
}
