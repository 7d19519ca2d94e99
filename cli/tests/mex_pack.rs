//! Applications of several sources as packages: `mex:`, `build:`, and what is refused of them.

mod common;

use common::Place;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

const HEAD: &str = "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: greeter\n";
const SPACES: &str = "spaces:\n  - name: page\n    type: UI\n    build: page\n  - name: store\n    \
                      type: DATA\n    mex: packages/store.mex\n  - name: counter\n    type: DATA\n    \
                      capabilities: [data.write]\n    build: ./counter/\n";
const PATHS: &str = "paths:\n  - from: page\n    to: store\n    name: ask\n";
const STORE: &str = "spaces:\n  - name: store\n    type: DATA\n    capabilities: [data.write, sys.log]\n";

fn space(name: &str) -> String {
    format!("apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: {name}\ntype: DATA\npersistence: {{}}\n")
}

/// A guest that puts a value; `pages` tells one from another.
fn module(pages: u32) -> Vec<u8> {
    let text = format!(
        r#"(module
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") {pages})
  (func (export "on_init")) (func (export "on_close"))
  (func (export "on_process") (drop (call $put (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)))))"#
    );
    wat::parse_str(text).expect("the module is text")
}

/// A loose application: a page, a package with one space, and a folder with a module.
fn application() -> Place {
    let place = Place::new();
    for folder in ["home", "app"] {
        fs::create_dir_all(place.path(folder)).expect("it is made");
    }
    place.write("one/topology.yaml", format!("{HEAD}{STORE}"));
    place.write("one/spaces/store/core.wasm", module(1));
    place.write("one/spaces/store/space.yaml", space("store"));
    fs::create_dir_all(place.path("app/packages")).expect("it is made");
    place.call("", &["mex", "build", "one", "-o", "app/packages/store.mex"]).succeeds();
    place.write("app/topology.yaml", format!("{HEAD}  owner: tests\n{SPACES}{PATHS}"));
    place.write("app/page/index.html", "<!doctype html><title>page</title>");
    place.write("app/page/assets/style.css", "body { margin: 0 }");
    place.write("app/page/notes.txt", "no part of the package");
    place.write("app/counter/counter.wasm", module(2));
    place.write("app/counter/space.yaml", space("counter"));
    place.write("app/counter/main.c", "source");
    place.write("app/counter/build.sh", "echo this is not called >&2; exit 1\n");
    age(&place, "app/counter/counter.wasm", 0);
    place
}

/// Makes a file so many seconds older than the others of a test are.
fn age(place: &Place, file: &str, seconds: u64) {
    let time = SystemTime::now() + Duration::from_mins(1) - Duration::from_secs(seconds);
    let file = fs::File::options().write(true).open(place.path(file)).expect("it is there");
    file.set_modified(time).expect("the file is ours");
}

fn inspected(place: &Place, file: &str) -> serde_json::Value {
    let json = place.call("", &["mex", "inspect", "--json", file]).succeeds();
    serde_json::from_str(&json).expect("it is JSON")
}

#[test]
fn a_loose_topology_becomes_a_package() {
    let place = application();
    place.call("app", &["mex", "build", ".", "-o", "../one.mex"]).succeeds();
    place.call("", &["mex", "build", "app", "-o", "two.mex"]).succeeds();
    place.call("app", &["mex", "build", "topology.yaml", "-o", "../three.mex"]).succeeds();
    let bytes = |name: &str| fs::read(place.path(name)).expect("it is written");
    assert!(bytes("one.mex") == bytes("two.mex"), "same input, same bytes");
    assert!(bytes("one.mex") == bytes("three.mex"), "same input, same bytes");
    let said = place.call("", &["mex", "verify", "one.mex"]).succeeds();
    assert!(said.contains("hold: greeter 0.1.0, 3 spaces, 1 paths, sealed, signed, graph "), "{said}");
    let value = inspected(&place, "one.mex");
    assert_eq!(value["publisher"], "tests");
    assert_eq!(value["created"], "1980-01-01T00:00:00Z");
    let names: Vec<&str> =
        value["files"].as_array().expect("files").iter().map(|file| file["name"].as_str().unwrap()).collect();
    let expected = [
        "manifest.yaml",
        "spaces/counter/core.wasm",
        "spaces/counter/space.yaml",
        "spaces/page/assets/style.css",
        "spaces/page/index.html",
        "spaces/store/core.wasm",
        "spaces/store/space.yaml",
        "topology.yaml",
    ];
    assert_eq!(names, expected);
    let grants = |at: usize| value["spaces"][at]["capabilities"].clone();
    assert_eq!(grants(0), serde_json::json!(["data.write"]), "counter: as the topology states");
    assert_eq!(grants(2), serde_json::json!(["sys.log", "net.recv_next", "data.write"]), "store: inherited");
}

#[test]
fn the_sample_of_the_documents_is_packed_as_it_is() {
    const SAMPLE: &str = include_str!("../../services/topology/tests/samples/hello-samoza.yaml");
    let place = Place::new();
    let one = |name: &str, kind: &str| {
        let spaces = format!("spaces:\n  - name: {name}\n    type: {kind}\n    capabilities: [sys.log]\n");
        place.write(&format!("{name}/topology.yaml"), format!("{HEAD}{spaces}"));
    };
    one("dashboard", "UI");
    place.write("dashboard/spaces/dashboard/index.html", "<!doctype html>");
    one("store", "DATA");
    let guest = r#"(module (memory (export "memory") 1)
        (func (export "on_init")) (func (export "on_process")) (func (export "on_close")))"#;
    place.write("store/spaces/store/core.wasm", wat::parse_str(guest).expect("the module is text"));
    place.write("store/spaces/store/space.yaml", space("store"));
    fs::create_dir_all(place.path("build")).expect("it is made");
    for name in ["dashboard", "store"] {
        place.call("", &["mex", "build", name, "-o", &format!("build/{name}.mex")]).succeeds();
    }
    place.write("topology.yaml", SAMPLE);
    place.call("", &["mex", "build"]).succeeds();
    place.call("", &["mex", "verify", "--strict", "hello-samoza.mex"]).succeeds();
    let value = inspected(&place, "hello-samoza.mex");
    let grants = serde_json::json!([["sys.log", "net.emit_to"], ["sys.log", "net.recv_next"]]);
    assert_eq!(value["spaces"][0]["capabilities"], grants[0]);
    assert_eq!(value["spaces"][1]["capabilities"], grants[1]);
}

#[test]
fn a_manifest_beside_the_topology_is_taken_as_it_is() {
    let place = application();
    let manifest = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: other\n  version: 3.2.1\n  \
                    publisher: somebody\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  \
                    spaces: [page, store, counter]\n";
    place.write("app/manifest.yaml", manifest);
    place.call("", &["mex", "build", "app"]).succeeds();
    assert_eq!(inspected(&place, "other.mex")["version"], "3.2.1");
    place.write("app/manifest.yaml", manifest.replace(", counter", ""));
    let unlisted = "the manifest lists no space `counter`\n  --> app/manifest.yaml\n";
    place.call("", &["mex", "build", "app"]).refuses(4, unlisted);
    // It is the manifest of `topology.yaml`, not of others beside it.
    let text = fs::read(place.path("app/topology.yaml")).expect("it is there");
    place.write("app/another.yaml", text);
    place.call("", &["mex", "build", "app/another.yaml"]).succeeds();
    assert_eq!(inspected(&place, "greeter.mex")["version"], "0.1.0");
}

#[test]
fn what_a_package_grants_its_space_holds_where_the_topology_states_nothing() {
    let place = application();
    let stated = |list: &str| {
        let spaces = SPACES.replace("    mex:", &format!("    capabilities: {list}\n    mex:"));
        place.write("app/topology.yaml", format!("{HEAD}{spaces}{PATHS}"));
    };
    stated("[data.write]");
    place.call("", &["mex", "build", "app"]).succeeds();
    assert_eq!(
        inspected(&place, "greeter.mex")["spaces"][2]["capabilities"],
        serde_json::json!(["net.recv_next", "data.write"])
    );
    stated("[sys.log]");
    let said = place.call("", &["mex", "build", "app"]);
    assert!(said.err.contains("--> app/topology.yaml:9:"), "the place in the source: {}", said.err);
    said.refuses(4, "error[need-not-granted]: space `store`: its code needs `data.write`");
}

#[test]
fn a_space_whose_source_is_not_there_is_refused_at_its_place() {
    let place = application();
    let with = |from: &str, to: &str| {
        assert!(SPACES.contains(from), "{from}");
        place.write("app/topology.yaml", format!("{HEAD}{}{PATHS}", SPACES.replace(from, to)));
        place.call("", &["mex", "build", "app"])
    };
    with("build: page", "build: nowhere").fails(
        2,
        "error[space-source]: space `page`: there is no folder `nowhere`\n  --> app/topology.yaml:8:12\n\
         help: make it with `space new space <name> --lang c`, or correct `build:`\n",
    );
    with("    build: page\n", "").refuses(2, "it has neither `mex:` nor `build:`, and there is no folder");
    with("mex: packages/store.mex", "mex: packages/stone.mex").refuses(2, "no package `packages/stone.mex`");
    with("build: page", "build: .").refuses(2, "the folder `.` has a topology of its own");
    with("build: page", "build: ../one").refuses(4, "error[malformed-source]");
    with("build: page", "build: /etc").refuses(4, "error[malformed-source]");
    with("type: UI", "type: GUI").refuses(4, "topology.yaml:7:11");
    with("    build: page", "    build: page\n    mex: packages/store.mex").refuses(4, "error[two-sources]");
    with("type: DATA\n    capabilities", "type: IO\n    capabilities")
        .refuses(4, "its `space.yaml` says DATA, the topology says IO");
    with("build: page", "build: packages").refuses(2, "there is no `packages/index.html`");
    with("name: counter", "name: store").refuses(4, "error[duplicate-space]");
    place.call("", &["mex", "build", "nowhere"]).refuses(2, "error[no-package]");
    place.call("", &["mex", "build", "app/page"]).refuses(2, "there is no app/page/topology.yaml");
    fs::remove_file(place.path("app/counter/space.yaml")).expect("it is there");
    with("page", "page").refuses(2, "space `counter`: there is no `./counter/space.yaml`");
    assert!(!place.path("greeter.mex").exists(), "nothing is written of what is refused");
}

#[test]
fn links_lead_nowhere() {
    let place = application();
    let refused = |link: &str| {
        place.call("", &["mex", "build", "app"]).refuses(2, "error[package-link]");
        fs::remove_file(place.path(link)).expect("it is a link");
    };
    place.write("secret", "secret");
    symlink("../../secret", place.path("app/page/assets/link.css")).expect("the folder is ours");
    refused("app/page/assets/link.css");
    fs::rename(place.path("app/page"), place.path("page")).expect("the folder is ours");
    symlink("../page", place.path("app/page")).expect("the folder is ours");
    refused("app/page");
    fs::rename(place.path("page"), place.path("app/page")).expect("the folder is ours");
    fs::rename(place.path("app/packages"), place.path("packages")).expect("the folder is ours");
    symlink("../packages", place.path("app/packages")).expect("the folder is ours");
    refused("app/packages");
    fs::rename(place.path("packages"), place.path("app/packages")).expect("the folder is ours");
    fs::rename(place.path("app/counter/counter.wasm"), place.path("app/counter.wasm")).expect("it is ours");
    symlink("../counter.wasm", place.path("app/counter/core.wasm")).expect("the folder is ours");
    refused("app/counter/core.wasm");
}

#[test]
fn a_package_under_mex_is_one_space_and_whole() {
    let place = application();
    let one = |topology: String| {
        place.write("one/topology.yaml", topology);
        place.call("", &["mex", "build", "one", "-o", "app/packages/store.mex"]).succeeds();
        place.call("", &["mex", "build", "app"])
    };
    place.write("one/spaces/page/index.html", "<!doctype html>");
    one(format!("{HEAD}{STORE}  - name: page\n    type: UI\n")).fails(
        2,
        "error[space-package]: space `store`: `packages/store.mex` has 2 spaces: store, page\n  \
         --> app/topology.yaml:12:10\nhelp: name a package with this space alone\n",
    );
    one(format!("{HEAD}{STORE}agents:\n  - name: ask\n    kind: DF\n    space: store\n"))
        .refuses(2, "has agents or a world");
    place.write("one/spaces/shop/space.yaml", space("shop"));
    place.write("one/spaces/shop/core.wasm", module(1));
    one(format!("{HEAD}{}", STORE.replace("store", "shop")))
        .refuses(4, "the name is `store` here and `shop` in `packages/store.mex`");
    let mut bytes = fs::read(place.path("app/packages/store.mex")).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    place.write("app/packages/store.mex", bytes);
    place.call("", &["mex", "build", "app"]).refuses(4, "--> app/packages/store.mex: ");
}

#[test]
fn recognizers_come_with_their_space_and_are_one_file_each() {
    let place = application();
    place.write("one/recognizers/warm.json", "{}");
    place.call("", &["mex", "build", "one", "-o", "app/packages/store.mex"]).succeeds();
    let build = || place.call("", &["mex", "build", "app"]);
    build().succeeds();
    assert_eq!(inspected(&place, "greeter.mex")["files"][1]["name"], "recognizers/warm.json");
    place.write("app/recognizers/warm.json", "{}");
    build().succeeds();
    place.write("app/recognizers/warm.json", "[]");
    build().refuses(2, "`recognizers/warm.json` in `packages/store.mex` is another file");
}

#[test]
fn what_is_too_much_for_a_package_is_not_read_first() {
    let place = application();
    for name in 0..5 {
        let path = place.path(&format!("app/page/assets/{name}"));
        let file = fs::File::create(path).expect("the folder is ours");
        // The first is too large; the others are so together.
        file.set_len(if name == 0 { 65 << 20 } else { 64 << 20 }).expect("a file may have holes");
    }
    let build = || place.call("", &["mex", "build", "app"]);
    build().refuses(2, "error[package-too-large]: the file has more than 67108864 bytes");
    fs::remove_file(place.path("app/page/assets/0")).expect("it is there");
    build().refuses(2, "error[package-too-large]: a package has at most 4096 files and 268435456 bytes");
}

#[test]
fn a_package_is_not_made_of_itself() {
    let place = application();
    place
        .call("", &["mex", "build", "app", "-o", "app/packages/store.mex"])
        .refuses(2, "error[package-of-itself]");
    // Inside a package nothing refers to a package: there is no way around.
    place.write("one/topology.yaml", format!("{HEAD}{STORE}    mex: store.mex\n"));
    fs::copy(place.path("app/packages/store.mex"), place.path("one/store.mex")).expect("it is there");
    place.call("one", &["mex", "build", "-o", "store.mex"]).refuses(2, "error[package-of-itself]");
    place.call("one", &["mex", "build", "-o", "again.mex"]).succeeds();
    place.call("one", &["mex", "build", "-o", "twice.mex"]).succeeds();
}

#[test]
fn a_module_is_built_where_it_is_missing_or_stale() {
    let place = application();
    place.write("new.wasm", module(3));
    place.write("app/counter/build.sh", "cp ../../new.wasm counter.wasm\n");
    let hash = || {
        place.call("", &["mex", "build", "app"]).succeeds();
        inspected(&place, "greeter.mex")["files"][1]["sha256"].clone()
    };
    age(&place, "app/counter/counter.wasm", 0);
    let old = hash();
    age(&place, "app/counter/counter.wasm", 3600);
    let new = hash();
    assert_ne!(old, new, "sources are younger");
    fs::remove_file(place.path("app/counter/counter.wasm")).expect("it is there");
    assert_eq!(hash(), new, "it was missing");
    place.write("app/counter/second.wasm", module(1));
    place.call("", &["mex", "build", "app"]).refuses(2, "there are several: counter.wasm, second.wasm");
    for file in ["second.wasm", "counter.wasm", "build.sh"] {
        fs::remove_file(place.path("app/counter").join(file)).expect("it is there");
    }
    place.call("", &["mex", "build", "app"]).refuses(2, "error[space-module]");
    place.write("app/counter/build.sh", "true\n");
    place.call("", &["mex", "build", "app"]).refuses(2, "error[space-module]");
    place.write("app/counter/build.sh", "echo main.c is wrong >&2; exit 1\n");
    place.call("", &["mex", "build", "app"]).refuses(1, "main.c is wrong\nerror[space-build]");
}

#[test]
fn sums_say_which_sources_a_module_is_of() {
    let place = application();
    let digest = |name: &str| {
        let bytes = fs::read(place.path(name)).expect("it is there");
        sci::digest::sha256(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    };
    let (source, module_sum) = (digest("app/counter/main.c"), digest("app/counter/counter.wasm"));
    place.write("app/counter/sums", format!("{module_sum}  counter.wasm\n{source}  main.c\n"));
    place.write(
        "app/counter/build.sh",
        "echo 'build.sh: there is no clang' >&2; echo '  apt install clang lld' >&2; exit 1\n",
    );
    // Times do not count, since no copy of a folder keeps them.
    age(&place, "app/counter/counter.wasm", 3600);
    place.call("", &["mex", "build", "app"]).succeeds();
    place.write("app/counter/main.c", "another source");
    place.call("", &["mex", "build", "app"]).fails(
        5,
        "error[no-toolchain]: the space `counter` has a module that is not that of its sources, and there is no \
         clang\n  --> app/counter\nhelp: install it: `apt install clang lld`\n",
    );
    place.write("new.wasm", module(3));
    place.write("app/counter/build.sh", "cp ../../new.wasm counter.wasm\n");
    place.call("", &["mex", "build", "app"]).succeeds();
    let sums = fs::read_to_string(place.path("app/counter/sums")).expect("it is there");
    let (module_sum, source) = (digest("new.wasm"), digest("app/counter/main.c"));
    assert_eq!(sums, format!("{module_sum}  counter.wasm\n{source}  main.c\n"), "building writes them anew");
    place.write("app/counter/build.sh", "exit 1\n");
    place.call("", &["mex", "build", "app"]).succeeds();
}

#[test]
fn a_new_space_is_built_into_a_package() {
    let place = application();
    place.call("app", &["new", "space", "fresh", "--lang", "c"]).succeeds();
    let spaces = SPACES.replace("counter", "fresh").replace("[data.write]", "[sys.log]");
    place.write("app/topology.yaml", format!("{HEAD}{spaces}{PATHS}"));
    place.call("", &["mex", "build", "app"]).refuses(2, "space `fresh`: there is no `./fresh/space.yaml`");
    place.write("app/fresh/space.yaml", space("fresh"));
    let said = place.call("", &["mex", "build", "app"]);
    if said.err.contains("error[no-toolchain]") {
        eprintln!("skipped: {}", said.err);
        return;
    }
    said.succeeds();
    place.call("", &["mex", "verify", "greeter.mex"]).succeeds();
}
