//! `space new space --type` and `space mex new --lang`: what they make is packed, and runs.

mod common;

use common::house::House;
use common::{Place, Said};
use std::fs;

/// Whether a build lacked its tools; then the test is left out, loudly.
fn is_skipped(said: &Said) -> bool {
    let lacks = said.err.contains("error[no-toolchain]");
    if lacks {
        eprintln!("skipped: {}", said.err);
    }
    lacks
}

const SPACES: [(&str, &str); 5] =
    [("page", "UI"), ("devices", "io"), ("store", "DATA"), ("talk", "CHAT"), ("caller", "CALL")];

#[test]
fn spaces_of_every_type_are_packed_as_their_readme_says() {
    let place = Place::new();
    let mut topology = "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: all\nspaces:\n".to_owned();
    fs::create_dir(place.path("app")).expect("the folder is ours");
    for (name, kind) in SPACES {
        let lang = if kind == "UI" { &[][..] } else { &["--lang", "c"] };
        place.call("app", &[&["new", "space", name, "--type", kind], lang].concat()).succeeds();
        let readme =
            fs::read_to_string(place.path("app").join(name).join("README.md")).expect("there is one");
        let lines = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
        topology += lines.expect("it has lines for the topology");
        for file in ["README.md", "space.yaml"] {
            let text = fs::read_to_string(place.path("app").join(name).join(file)).expect("there is one");
            assert!(!text.contains('%'), "{name}/{file}: {text}");
        }
    }
    topology += "paths:\n  - from: devices\n    to: page\n    name: readings\nagents:\n  - name: assistant\n    \
                 kind: LLM\n    endpoint: http://127.0.0.1:1\n    model: none\n";
    place.write("app/topology.yaml", topology);
    let said = place.call("app", &["mex", "build"]);
    if is_skipped(&said) {
        return;
    }
    said.succeeds();
    let said = place.call("app", &["mex", "inspect", "all.mex"]).succeeds();
    for (name, kind) in SPACES {
        assert!(said.contains(&format!("{name} {}", kind.to_uppercase())), "{said}");
    }
}

#[test]
fn a_page_has_no_language_and_others_have_one() {
    let place = Place::new();
    let new = |arguments: &[&str]| place.call("", &[&["new", "space", "one"], arguments].concat());
    new(&["--type", "UI", "--lang", "c"]).refuses(2, "which has no `--lang`");
    new(&["--type", "IO"]).refuses(2, "a space has a language");
    new(&["--type", "DATUM", "--lang", "c"]).refuses(2, "UI, IO, DATA, CHAT, CALL");
    new(&["--type", "UI"]).succeeds();
}

#[test]
fn an_application_in_a_language_greets() {
    for (lang, name) in [
        ("c", "C"),
        ("rust", "Rust"),
        ("zig", "Zig"),
        ("go", "Go"),
        ("tinygo", "TinyGo"),
        ("as", "AssemblyScript"),
    ] {
        let house = House(Place::new());
        house.0.call("", &["mex", "new", "app", "--lang", lang]).succeeds();
        for file in ["README.md", "topology.yaml", "manifest.yaml"] {
            let text = fs::read_to_string(house.0.path("app").join(file)).expect("there is one");
            assert!(!text.contains('%'), "{file}: {text}");
        }
        let said = house.call(&["up", "--detach"]);
        if is_skipped(&said) {
            continue;
        }
        assert!(said.succeeds().contains("app: running: all of it runs"), "{lang}");
        let greeting = format!("greeter | hello from greeter, a space in {name}\n");
        house.until("it greets", |house| house.call(&["logs"]).succeeds().contains(&greeting));
        house.call(&["down"]).succeeds();
    }
}
