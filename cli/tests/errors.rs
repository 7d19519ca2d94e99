//! What a mistake is answered with: one form, an exit code below 100.

mod common;

use common::Place;

#[test]
fn commands_that_do_not_exist() {
    Place::new().call("", &["frobnicate"]).fails(
        2,
        "error[usage]: unrecognized subcommand 'frobnicate'\n\
         help: `space --help` lists the commands, `space <command> --help` what each takes\n",
    );
    Place::new().call("", &["buidl"]).fails(
        2,
        "error[usage]: unrecognized subcommand 'buidl'\nhelp: a similar subcommand exists: 'build'\n",
    );
    Place::new()
        .call("", &["verify"])
        .refuses(2, "error[usage]: the following required arguments were not provided: <FILE>");
    Place::new().call("", &["boot", "--for", "3h"]).refuses(2, "the units are ms, s and m: 10s");
    Place::new().call("", &["boot", "--machine", "toaster"]).refuses(2, "toaster");
}

#[test]
fn folders_that_are_no_projects() {
    let place = Place::new();
    place.call("", &["build", "nowhere"]).fails(
        2,
        "error[no-project]: there is no folder nowhere\nhelp: `space new <name>` makes a project\n",
    );
    place.call("", &["build"]).fails(
        2,
        "error[no-sources]: . holds no `.in` file\n\
         help: go to the project's folder, or name it; `space new <name>` makes one\n",
    );
}

#[test]
fn new_over_something() {
    let place = Place::with_project("app");
    place.call("", &["new", "demo"]).fails(
        2,
        "error[folder-exists]: demo exists already\n  --> demo\nhelp: choose another name, or remove it first\n",
    );
    place.call("", &["new", "Demo 2"]).fails(
        2,
        "error[project-name]: `Demo 2` cannot be a project's name\n\
         help: lower-case letters, digits and `-`, first a letter, at most 64\n",
    );
}

#[test]
fn files_that_are_no_images() {
    let place = Place::new();
    place.call("", &["verify", "nowhere.sci"]).fails(
        2,
        "error[no-file]: there is no file nowhere.sci\nhelp: `space build` leaves images in `build/`\n",
    );
    place.write("empty.sci", "");
    place
        .call("", &["verify", "empty.sci"])
        .refuses(4, "error[truncated]: the file ends too early\n  --> empty.sci");
    place.write("text.sci", "this is no image");
    place.call("", &["verify", "text.sci"]).refuses(4, "error[not-an-image]");
    place.call("", &["inspect", "text.sci"]).refuses(4, "error[not-an-image]");
    place.call("", &["sign", "text.sci"]).refuses(2, "error[key-missing]");
    place.call("", &["verify", "."]).refuses(2, "error[not-a-file]: . is not a regular file");
}

#[test]
fn sources_that_are_no_sources() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty", b"", "demo.in"),
        ("binary", b"\x00\xff\xfe\x01", "error[not-utf8]: demo.in:1 is not UTF-8 text"),
        ("open string", b"fn start() { let a = \"x\n}\n", "demo.in:1"),
        ("open brace", b"component Hello {\n", "demo.in"),
        ("unknown name", b"component Hello {\n}\nfn start() { let a = b }\n", "demo.in:3"),
        ("no component", b"fn start() { }\n", "error[no-component]"),
    ];
    for (name, bytes, part) in cases {
        let place = Place::with_project("app");
        place.write("demo/demo.in", bytes);
        let said = place.call("demo", &["build"]);
        assert_eq!(said.code, Some(1), "{name}: {}", said.err);
        assert!(said.err.contains(part), "{name}: {}", said.err);
        assert!(!place.path("demo/build").exists(), "{name}");
    }
}

#[test]
fn sources_beyond_every_limit() {
    let nested = format!(
        "component Hello {{\n}}\nfn start() {{ let a = {}1{} }}\n",
        "(".repeat(200_000),
        ")".repeat(200_000)
    );
    for text in [nested, "x".repeat(10_000_000)] {
        let place = Place::with_project("app");
        place.write("demo/demo.in", text);
        place.call("demo", &["build"]).refuses(1, "demo.in");
    }
}

#[test]
fn keys() {
    let place = Place::new();
    assert_eq!(place.call("", &["key", "list"]).succeeds(), "");
    place.call("", &["key", "export"]).fails(
        2,
        "error[key-missing]: there is no key named `development`\nhelp: `space key list` shows what there is\n",
    );
    place.call("", &["key", "new", "mine"]).succeeds();
    place.call("", &["key", "new", "mine"]).refuses(2, "error[key-exists]");
    place.call("", &["key", "new", "../mine"]).refuses(2, "error[key-name]");
    assert!(
        place
            .call("", &["key", "export", "mine"])
            .succeeds()
            .starts_with("space-public-key 1\nkind release\nkey ")
    );
    place.write("home/keys/mine.key", "nonsense");
    place.call("", &["key", "list"]).refuses(5, "error[key-");
}

#[test]
fn a_missing_qemu_has_a_remedy() {
    let place = Place::with_project("app");
    let said = place.call_with(&place.path("demo"), &["boot"], &[("SPACE_QEMU", "/nowhere/qemu")]);
    said.refuses(
        5,
        "error[qemu-missing]: SPACE_QEMU is /nowhere/qemu, which is no program\nhelp: install it (Debian, Ubuntu:",
    );
    let said = place.call_with(&place.path("demo"), &["doctor"], &[("SPACE_QEMU", "/nowhere/qemu")]);
    said.refuses(5, "missing  qemu");
}

#[test]
fn explanations() {
    let place = Place::new();
    let ids = place.call("", &["explain"]).succeeds();
    assert!(ids.lines().count() > 80, "{ids}");
    assert!(place.call("", &["explain", "component-fault"]).succeeds().starts_with("component-fault\n\n"));
    assert!(place.call("", &["explain", "SCI-C012"]).succeeds().contains("text-not-writable"));
    place.call("", &["explain", "no-such"]).refuses(2, "error[unknown-id]: there is no diagnostic `no-such`");
}
