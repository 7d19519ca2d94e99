//! `examples/hello-samoza` as a package, and its modules, which are built from the sources beside them.

mod common;

use common::Place;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hello-samoza")
}

fn copy(from: &Path, place: &Place, to: &str) {
    for entry in fs::read_dir(from).expect("it is a folder") {
        let path = entry.expect("an entry").path();
        let name = format!("{to}/{}", path.file_name().expect("a name").display());
        if path.is_dir() {
            copy(&path, place, &name);
        } else {
            place.write(&name, fs::read(&path).expect("it is a file"));
        }
    }
}

fn digest(file: &Path) -> String {
    let bytes = fs::read(file).expect("it is a file");
    sci::digest::sha256(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A copy of the example in `app`, and a folder `none` without programs.
fn copied() -> Place {
    let place = Place::new();
    copy(&example(), &place, "app");
    fs::create_dir_all(place.path("none")).expect("it is made");
    let sh = ["/bin/sh", "/usr/bin/sh"].iter().find(|sh| Path::new(sh).exists()).expect("there is a shell");
    std::os::unix::fs::symlink(sh, place.path("none/sh")).expect("the folder is ours");
    for folder in ["/usr/bin", "/bin"] {
        let dirname = Path::new(folder).join("dirname");
        if dirname.exists() && !place.path("none/dirname").exists() {
            std::os::unix::fs::symlink(dirname, place.path("none/dirname")).expect("the folder is ours");
        }
    }
    place
}

#[test]
fn the_modules_were_built_from_the_sources_beside_them() {
    for (space, files) in [
        ("sensor", &["build.sh", "guest.c", "guest.h", "main.c", "sensor.wasm", "space.h"][..]),
        ("store", &["build.sh", "guest.rs", "space.rs", "store.rs", "store.wasm"]),
    ] {
        let folder = example().join(space);
        let sums = fs::read_to_string(folder.join("sums")).expect("rebuild wrote it");
        let expected: Vec<String> =
            files.iter().map(|file| format!("{}  {file}", digest(&folder.join(file)))).collect();
        assert!(sums.lines().eq(expected), "{space}: run examples/hello-samoza/rebuild");
    }
}

#[test]
fn it_is_packed_checked_and_shown_without_any_tool() {
    let place = copied();
    let none = place.path("none").display().to_string();
    let call = |arguments: &[&str]| {
        place.call_with(&place.path("app"), arguments, &[("PATH", none.as_str())]).succeeds()
    };
    call(&["mex", "build", ".", "-o", "app.mex"]);
    call(&["mex", "build", ".", "-o", "app2.mex"]);
    let folder = example().display().to_string();
    call(&["mex", "build", &folder, "-o", "app3.mex"]);
    let bytes = |name: &str| fs::read(place.path("app").join(name)).expect("it is written");
    assert!(bytes("app.mex") == bytes("app2.mex") && bytes("app.mex") == bytes("app3.mex"));
    let said = call(&["mex", "verify", "--strict", "app.mex"]);
    assert!(said.contains("hold: hello-samoza 1.0.0, 3 spaces, 3 paths, sealed, signed"), "{said}");
    let value: serde_json::Value =
        serde_json::from_str(&call(&["mex", "inspect", "--json", "app.mex"])).expect("it is JSON");
    let spaces = json!([
        {"name": "panel", "type": "UI", "capabilities": ["sys.log", "net.emit_to", "net.recv_next"]},
        {"name": "sensor", "type": "IO",
         "capabilities": ["sys.log", "sys.sleep", "net.emit_to", "net.recv_next"]},
        {"name": "store", "type": "DATA",
         "capabilities": ["sys.log", "net.emit_to", "net.recv_next", "data.read", "data.write"]},
    ]);
    assert_eq!(value["spaces"], spaces);
    let files = value["files"].as_array().expect("files");
    for space in ["sensor", "store"] {
        let name = format!("spaces/{space}/core.wasm");
        let file = files.iter().find(|file| file["name"] == name.as_str()).expect("it is there");
        assert_eq!(file["sha256"], digest(&example().join(format!("{space}/{space}.wasm"))));
    }
}

#[test]
fn a_changed_source_needs_its_tools() {
    let place = copied();
    let none = place.path("none").display().to_string();
    let build = || place.call_with(&place.path("app"), &["mex", "build"], &[("PATH", none.as_str())]);
    place.write("app/sensor/main.c", "int x;");
    build().refuses(5, "error[no-toolchain]: the space `sensor` has a module that is not that of its sources, and there is no clang");
    copy(&example(), &place, "app");
    place.write("app/store/store.rs", "//! Nothing.");
    build().refuses(5, "and there is no rustc");
    copy(&example(), &place, "app");
    build().succeeds();
}

#[test]
fn a_path_to_nowhere_is_refused_by_name() {
    let place = copied();
    let topology = fs::read_to_string(place.path("app/topology.yaml")).expect("it is there");
    place.write("app/topology.yaml", topology.replace("    to: panel", "    to: ghost"));
    place.call("app", &["mex", "build"]).refuses(4, "which the topology does not have");
    place.write("app/topology.yaml", topology.replace("      - data.write\n", ""));
    place.call("app", &["mex", "build"]).refuses(4, "its code needs `data.write`");
}

#[test]
fn the_examples_have_the_guest_library_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: PathBuf| fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    for (guest, library) in [
        ("hello-samoza/sensor/guest.c", "c"),
        ("hello-samoza/sensor/guest.h", "c"),
        ("hello-samoza/store/guest.rs", "rust"),
        ("factory-floor/furnace/guest.zig", "zig"),
        ("factory-floor/gate/guest.c", "c"),
        ("factory-floor/gate/guest.h", "c"),
        ("factory-floor/guard/guest.ts", "as"),
        ("assistant/assistant/guest.ts", "as"),
        ("assistant/tools/guest.zig", "zig"),
    ] {
        let guest = root.join("../examples").join(guest);
        let file = guest.file_name().expect("it has a name").to_owned();
        let of_templates = root.join("templates/space").join(library).join(file);
        assert!(
            read(guest.clone()) == read(of_templates),
            "{guest:?}: copy it anew, run the example's `rebuild`"
        );
    }
}
