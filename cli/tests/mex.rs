//! Packages: built, checked, signed, judged.

mod common;

use common::Place;
use std::fs;
use std::process::Command;

const MANIFEST: &str = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: greeter\n  version: 1.0.0\n  \
                        publisher: tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  \
                        spaces:\n    - page\n    - store\n";
const TOPOLOGY: &str = "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: greeter\nspaces:\n  \
                        - name: page\n    type: UI\n  - name: store\n    type: DATA\n    \
                        capabilities: [data.read, data.write, sys.log]\npaths:\n  - from: page\n    to: store\n    \
                        name: ask\n";
const SPACE: &str =
    "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: store\ntype: DATA\npersistence: {}\n";
const STORE: &str = r#"(module
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init")) (func (export "on_close"))
  (func (export "on_process") (drop (call $put (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)))))"#;

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the module is text")
}

/// The folder of an application.
fn application() -> Place {
    let place = Place::new();
    for folder in ["app/spaces/page/assets", "app/spaces/store"] {
        fs::create_dir_all(place.path(folder)).expect("it is made");
    }
    place.write("app/manifest.yaml", MANIFEST);
    place.write("app/topology.yaml", TOPOLOGY);
    place.write("app/spaces/page/index.html", "<!doctype html><title>page</title>");
    place.write("app/spaces/page/assets/style.css", "body { margin: 0 }");
    place.write("app/spaces/page/notes.txt", "no part of the package");
    place.write("app/spaces/store/space.yaml", SPACE);
    place.write("app/spaces/store/core.wasm", module(STORE));
    place
}

#[test]
fn a_package_is_built_the_same_twice_and_says_what_it_is() {
    let place = application();
    place.call("app", &["mex", "build", "-o", "one.mex"]).succeeds();
    place.call("", &["mex", "build", "app", "-o", "two.mex"]).succeeds();
    let bytes = |name: &str| fs::read(place.path(name)).expect("it is written");
    assert!(bytes("app/one.mex") == bytes("two.mex"), "same input, same bytes");
    let said = place.call("", &["mex", "verify", "two.mex"]).succeeds();
    assert!(said.contains("hold: greeter 1.0.0, 2 spaces, 1 paths, sealed, signed, graph "), "{said}");
    assert!(said.contains("two.mex: runs for development only: `tests` is not known to have"), "{said}");
    let said = place.call("", &["mex", "inspect", "two.mex"]).succeeds();
    assert!(said.contains("page UI") && said.contains("page -> store: ask"), "{said}");
    let json = place.call("", &["mex", "inspect", "--json", "two.mex"]).succeeds();
    let value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let names: Vec<&str> = value["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| file["name"].as_str().expect("a name"))
        .collect();
    let expected = [
        "manifest.yaml",
        "spaces/page/assets/style.css",
        "spaces/page/index.html",
        "spaces/store/core.wasm",
        "spaces/store/space.yaml",
        "topology.yaml",
    ];
    assert_eq!(names, expected);
    let grants = &value["spaces"][1]["capabilities"];
    assert_eq!(grants, &serde_json::json!(["sys.log", "net.recv_next", "data.read", "data.write"]));
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    let place = application();
    place.call("", &["mex", "build", "app", "-o", "app.mex"]).succeeds();
    let whole = fs::read(place.path("app.mex")).expect("it is written");
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        place.write("flipped.mex", bytes);
        let said = place.call("", &["mex", "verify", "flipped.mex"]);
        assert!(matches!(said.code, Some(1..100)), "byte {at}: {:?} {}{}", said.code, said.out, said.err);
    }
}

#[test]
fn what_goes_beyond_the_grants_or_is_no_space_is_refused_by_rule() {
    let place = application();
    place.write("app/topology.yaml", TOPOLOGY.replace("data.write, ", ""));
    place.call("", &["mex", "build", "app"]).refuses(4, "[need-not-granted]: space `store`");
    place.write("app/topology.yaml", TOPOLOGY.replace("to: store", "to: ghost"));
    place.call("", &["mex", "build", "app"]).refuses(4, "ghost");
    place.write("app/topology.yaml", TOPOLOGY);
    place.write("app/spaces/store/core.wasm", module(&STORE.replace("on_process", "on_proces")));
    place.call("", &["mex", "build", "app"]).refuses(1, "the module exports no `on_process`");
    place.write(
        "app/spaces/store/core.wasm",
        module(&STORE.replace("(export \"memory\") 1", "(export \"memory\") 1025")),
    );
    place.call("", &["mex", "build", "app"]).refuses(4, "a memory begins with 1025 pages; 1024 are allowed");
    place.write("app/spaces/store/core.wasm", module(&STORE.replace("\"put\"", "\"pout\"")));
    place.call("", &["mex", "build", "app"]).refuses(1, "`data.pout` is not in the Guest ABI");
    place.write("app/spaces/store/core.wasm", b"no module");
    place.call("", &["mex", "build", "app"]).refuses(4, "error[");
    place.call("", &["mex", "build", "nowhere"]).refuses(2, "error[no-package]");
    place.call("", &["mex", "verify", "nowhere.mex"]).refuses(2, "error[no-file]");
    assert!(!place.path("greeter.mex").exists(), "nothing is written of what is refused");
}

#[test]
fn a_policy_says_whose_packages_are_trusted() {
    let place = application();
    place.call("", &["mex", "build", "app", "--unsigned", "-o", "app.mex"]).succeeds();
    let said = place.call("", &["mex", "verify", "app.mex"]).succeeds();
    assert!(said.contains("[trust-unsigned]"), "{said}");
    let head = "apiVersion: samoza/v1\nkind: TrustPolicy\nprofile: release\n";
    place.write("release.yaml", head);
    place
        .call("", &["mex", "verify", "--trust", "release.yaml", "app.mex"])
        .refuses(8, "error[trust-unsigned]");
    place.call("", &["mex", "sign", "app.mex"]).succeeds();
    place
        .call("", &["mex", "verify", "--trust", "release.yaml", "app.mex"])
        .refuses(8, "error[trust-publisher]");
    place.write("broken.yaml", head.replace("release", "careless"));
    place.call("", &["mex", "verify", "--trust", "broken.yaml", "app.mex"]).refuses(4, "careless");
}

#[test]
fn a_policy_that_cannot_be_read_is_not_taken_for_none() {
    let place = application();
    place.call("", &["mex", "build", "app", "-o", "app.mex"]).succeeds();
    place.call("", &["mex", "verify", "app.mex"]).succeeds();
    let policy = place.path("home/trust.yaml");
    let refused = |why: &str| {
        place.call("", &["mex", "verify", "app.mex"]).refuses(6, why);
        place.call("", &["up", "--detach", "app.mex"]).refuses(6, "help: make it a file that you may read");
    };
    std::os::unix::fs::symlink("/nowhere/at/all", &policy).expect("the folder is ours");
    refused("the trust policy cannot be read: No such file");
    fs::remove_file(&policy).expect("it is ours");
    fs::create_dir(&policy).expect("the folder is ours");
    refused("the trust policy cannot be read: it is no file");
    fs::remove_dir(&policy).expect("it is ours");
    assert!(Command::new("mkfifo").arg(&policy).status().is_ok_and(|status| status.success()));
    refused("the trust policy cannot be read: it is no file");
}

#[test]
fn what_is_no_file_is_not_replaced_by_one() {
    let place = application();
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    place.call("", &["mex", "build", "app", "-o", "pipe"]).refuses(6, "it is no regular file");
    place.call("", &["mex", "build", "app", "-o", "app.mex"]).succeeds();
    place.call("", &["mex", "sign", "app.mex", "-o", "pipe"]).refuses(6, "it is no regular file");
    assert!(!fs::symlink_metadata(&pipe).expect("it is there").is_file());
}
