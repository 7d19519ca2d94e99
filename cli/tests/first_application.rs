//! What `docs/first-application.md` shows, step by step.

mod common;

use common::Place;
use std::fs;

/// The blocks of a page, each with what stands after the fence.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let parts = page.split("\n```").skip(1).step_by(2);
    parts
        .map(|part| part.split_once('\n').map(|(kind, text)| (kind, format!("{text}\n"))).expect("lines"))
        .collect()
}

#[test]
fn the_tutorial_can_be_followed() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/first-application.md");
    let page = fs::read_to_string(page).expect("there is a page");
    let blocks = blocks(&page);
    let [
        ("sh", new),
        ("", _),
        ("sh", build),
        ("text", ungranted),
        ("c", line),
        ("sh", space),
        ("c", main),
        ("yaml", spaces),
        ("yaml", paths),
        ("yaml", listed),
        ("sh", again),
        ("sh", sign),
        ("yaml", policy),
        ("sh", verify),
        ("text", trusted),
    ] = &blocks[..]
    else {
        panic!("{blocks:?}");
    };
    let place = Place::new();
    let run = |folder: &str, commands: &str| {
        let mut said = String::new();
        for command in commands.lines() {
            let arguments: Vec<&str> = command.split(' ').skip(1).collect();
            said = place.call(folder, &arguments).succeeds();
        }
        said
    };
    let edit = |file: &str, from: &str, to: &str| {
        let file = format!("my-app/{file}");
        let text = fs::read_to_string(place.path(&file)).expect("it is there");
        assert!(text.contains(from), "{file}: {from}");
        place.write(&file, text.replacen(from, to, 1));
    };
    run("", new);
    run("my-app", build);
    edit("topology.yaml", "      - data.write\n", "");
    place.call("my-app", &["mex", "build"]).refuses(4, ungranted);
    edit("topology.yaml", "      - data.read\n", "      - data.read\n      - data.write\n");
    run("my-app", space);
    edit("sensor/main.c", "    count++;\n", &format!("{line}    count++;\n"));
    place.write("my-app/alarm/main.c", main);
    edit("topology.yaml", "paths:\n", &format!("{spaces}paths:\n{paths}"));
    edit("manifest.yaml", "    - panel\n", &format!("    - panel\n{listed}"));
    edit("manifest.yaml", "publisher: unknown", "publisher: ada");
    let said = place.call("my-app", &["mex", "build"]);
    if said.err.contains("error[no-toolchain]") {
        eprintln!("skipped: {}", said.err);
        return;
    }
    said.succeeds();
    let said = run("my-app", again);
    assert!(said.contains("alarm IO") && said.contains("sensor -> alarm: warm"), "{said}");
    run("my-app", sign);
    let key = run("my-app", "space key export ada --base64");
    let said = run("my-app", "space mex verify my-app.mex");
    assert!(said.contains(key.trim_end()), "it names the key that nobody trusts: {said}");
    place.write("my-app/trust.yaml", policy.replace("<key>", key.trim_end()));
    let said = run("my-app", verify);
    assert!(said.contains(trusted.trim_end()), "{said}");
}
