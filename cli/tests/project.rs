//! From `space new` to an image: what each command makes of the templates.

mod common;

use std::fs;

use common::Place;

const TEMPLATES: [&str; 3] = ["app", "service", "driver"];

#[test]
fn every_template_builds_checks_tests_and_is_formatted() {
    for template in TEMPLATES {
        let place = Place::with_project(template);
        for command in [&["build"][..], &["check"], &["fmt", "--check"]] {
            let said = place.call("demo", command);
            assert_eq!(said.code, Some(0), "{template} {command:?}: {}", said.err);
            assert!(!said.err.contains("warning"), "{template}: {}", said.err);
        }
        assert!(place.call("demo", &["test"]).succeeds().ends_with("passed, 0 failed\n"), "{template}");
    }
}

#[test]
fn a_build_leaves_one_line_for_each_file_and_then_nothing_to_do() {
    let place = Place::with_project("app");
    let first = place.call("demo", &["build"]);
    assert!(first.err.starts_with("made the development key "), "{}", first.err);
    let lines: Vec<String> = first.succeeds().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("./build/demo.sci  "), "{lines:?}");
    assert!(lines[1].starts_with("./build/system.bundle  "), "{lines:?}");
    assert_eq!(place.call("demo", &["build"]).succeeds(), "demo is up to date\n");
    fs::remove_file(place.path("demo/build/demo.sci")).unwrap();
    assert_eq!(place.call("demo", &["build"]).succeeds().lines().count(), 2);
}

#[test]
fn a_component_that_is_gone_leaves_no_image() {
    let place = Place::with_project("service");
    place.call("demo", &["build"]).succeeds();
    assert!(place.path("demo/build/counter-service.sci").exists());
    fs::remove_dir_all(place.path("demo/counter")).unwrap();
    place.write("demo/demo.in", "component Alone {\n}\n\nfn start() {\n}\n");
    place.call("demo", &["build"]).succeeds();
    assert!(place.path("demo/build/alone.sci").exists());
    assert!(!place.path("demo/build/counter-service.sci").exists());
}

#[test]
fn a_method_that_is_not_declared_is_refused_with_its_call() {
    let place = Place::with_project("app");
    let source = fs::read_to_string(place.path("demo/demo.in")).unwrap();
    place.write(
        "demo/demo.in",
        source.replacen("console.write(\"hello from demo\\n\")", "console.flush()", 1),
    );
    let said = place.call("demo", &["build"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("flush") && said.err.contains("demo.in:7"), "{}", said.err);
}

#[test]
fn an_image_tells_everything_and_verifies() {
    let place = Place::with_project("app");
    place.call("demo", &["build"]).succeeds();
    let json = place.call("demo", &["inspect", "--json", "build/demo.sci"]).succeeds();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["capabilities"]["required"][0]["methods"], serde_json::json!(["write"]));
    assert_eq!(value["identity"]["name"], "Demo");
    assert_eq!(value["signature"]["development"], true);
    assert!(value["sections"][0]["sha256"].as_str().is_some_and(|hash| hash.len() == 64));
    let text = place.call("demo", &["inspect", "build/demo.sci"]).succeeds();
    assert!(text.contains("\ncheckpoint: none\n"), "{text}");
    for file in ["build/demo.sci", "build/system.bundle"] {
        assert!(place.call("demo", &["verify", file]).succeeds().contains("hashes fit"));
    }
    place.call("demo", &["inspect", "build/system.bundle"]).succeeds();
}

#[test]
fn an_image_can_be_read_as_elf() {
    let place = Place::with_project("app");
    place.call("demo", &["build"]).succeeds();
    let said = place.call("demo", &["sci", "to-elf", "build/demo.sci"]).succeeds();
    assert!(said.starts_with("build/demo.elf  "), "{said}");
    assert!(fs::read(place.path("demo/build/demo.elf")).unwrap().starts_with(b"\x7fELF"));
    place.call("demo", &["sci", "to-elf", "demo.in"]).refuses(4, "error[not-an-image]");
}

#[test]
fn trust_is_in_keys() {
    let place = Place::with_project("app");
    place.call("demo", &["build"]).succeeds();
    let stranger = Place::new();
    let image = place.path("demo/build/demo.sci").display().to_string();
    stranger.call("", &["verify", &image]).refuses(4, "error[untrusted]");
    stranger.write("demo.pub", place.call("", &["key", "export"]).succeeds());
    stranger.call("", &["verify", &image, "--key", "demo.pub"]).succeeds();
    stranger.call("", &["key", "new", "mine"]).succeeds();
    stranger.call("", &["sign", &image, "--key", "mine", "-o", "mine.sci"]).succeeds();
    assert!(stranger.call("", &["verify", "mine.sci"]).succeeds().contains("signed by the release key"));
    place.call("demo", &["verify", &image]).succeeds();
}

#[test]
fn authority_can_be_asked_for() {
    let place = Place::with_project("app");
    let text = place.call("demo", &["why", "demo", "console"]).succeeds();
    assert!(text.starts_with("demo holds console: DebugConsole, declared at demo.in:3\n"), "{text}");
    assert!(text.contains("write is used by start (demo.in:"), "{text}");
    place.call("demo", &["why", "demo", "disk"]).refuses(2, "help: it uses console");
    place.call("demo", &["why", "other", "console"]).refuses(2, "help: the components are demo");
    assert!(place.call("demo", &["facts"]).succeeds().contains("stack"));
}

#[test]
fn a_failing_test_is_named() {
    let place = Place::with_project("app");
    let source = fs::read_to_string(place.path("demo/demo.in")).unwrap();
    place.write("demo/demo.in", source.replace("== 42", "== 43"));
    let said = place.call("demo", &["test"]);
    assert!(said.out.contains("0 passed, 1 failed\n"), "{}", said.out);
    said.refuses(1, "error[test-failed]: 1 test failed\n  --> demo.in:");
}

#[test]
fn unformatted_sources_are_named_and_then_formatted() {
    let place = Place::with_project("app");
    let source = fs::read_to_string(place.path("demo/demo.in")).unwrap();
    place.write("demo/demo.in", source.replace("  console.write(", "console.write( "));
    place.call("demo", &["fmt", "--check"]).fails(
        1,
        "demo.in\nerror[not-formatted]: 1 file is not formatted\n  --> demo.in\nhelp: `space fmt` formats them\n",
    );
    assert_eq!(place.call("demo", &["fmt"]).succeeds(), "formatted demo.in\n");
    assert_eq!(fs::read_to_string(place.path("demo/demo.in")).unwrap(), source);
}

#[test]
fn help_completions_and_man_pages_come_from_one_table() {
    let place = Place::new();
    let help = place.call("", &["--help"]).succeeds();
    assert!(help.contains("Exit codes:\n  0  done\n"), "{help}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.call("", &["completions", shell]).succeeds().contains("inspect"));
    }
    let pages = place.call("", &["man", "pages"]).succeeds();
    assert!(
        pages.contains("pages/space-boot.1\n") && place.path("pages/space-key-new.1").exists(),
        "{pages}"
    );
    let version = place.call("", &["--version"]).succeeds();
    assert!(version.contains("image format 1\nkernel ABI 1\n"), "{version}");
}
