//! Real modules as programs: each linked with a driver, and with a shim for what its own loader would give it, and run
//! as `space run --link` runs them.

#[path = "link/merged.rs"]
mod merged;

use compiler_driver::guest::{Guest, GuestOptions, Input, compile};
use sci::guest::GuestCapability;
use sci::sign::public_key;
use services_zrun::linux::{Limits, Settings, run};
use services_zrun::{Grants, InMemory};
use space_host::Module;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tests_conformance::image::SEED;

fn assemble(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("link").join(file);
    wat::parse_file(path).expect("the module is text")
}

/// The image of a module with its driver and its shim, which it imports as `shim`; none if it was not fetched.
fn image(name: &str, module: &str, shim: &str) -> Option<Vec<u8>> {
    let module = tests_modules::find(module)?;
    let [driver, shim_bytes, print] =
        [format!("{name}/driver.wat"), format!("{name}/shim.wat"), "print.wat".into()]
            .map(|file| assemble(&file));
    let linked = [
        Input { name: "lib", file: "lib.wasm", bytes: &module },
        Input { name: shim, file: "shim.wasm", bytes: &shim_bytes },
        Input { name: "print", file: "print.wasm", bytes: &print },
    ];
    let main = Input { name: "driver", file: "driver.wasm", bytes: &driver };
    let guest = Guest::new(main, &linked).expect("they fit together");
    assert_eq!(guest, Guest::new(main, &linked).expect("again"));
    let image = compile(&guest, GuestOptions::default()).expect("compiles");
    Some(sci::write::sign_image(&image, &SEED, true).expect("is signed"))
}

/// The lines that an image writes, with nothing granted but the log.
fn lines(image: &[u8]) -> Vec<String> {
    let module = Module::load(image, &[public_key(&SEED)]).expect("loads");
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let settings = Settings {
        name: "driver".into(),
        grants: Grants::default().with(GuestCapability::SysLog),
        arguments: Vec::new(),
        environment: Vec::new(),
        seed: 0,
        log: Box::new(move |line| sink.lock().expect("whole").push(line.to_owned())),
        values: Box::new(InMemory::new(0)),
        limits: Limits { memory_bytes: Some(64 << 20), ..Limits::default() },
        profile: None,
    };
    run(&module, settings).expect("runs");
    lines.lock().expect("whole").clone()
}

#[test]
fn lz4_unpacks_what_it_packed() {
    let Some(image) = image("lz4", "lz4-wasm/lz4_wasm_bg.wasm", "./lz4_wasm_bg.js") else { return };
    assert_eq!(lines(&image), [LZ4]);
}

const LZ4: &str = "65536 bytes packed to 400 and unpacked to 65536: the same";

#[test]
fn argon2_has_its_known_answer() {
    let Some(image) = image("argon2", "argon2-browser/dist/argon2.wasm", "a") else { return };
    assert_eq!(
        lines(&image),
        [
            "0",
            "ec57ec9c0eaf51eeea2e92ffdcaa9cdee478f1927215b515b7b8d66657f41ed9",
            "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHQ$7FfsnA6vUe7qLpL/3Kqc3uR48ZJyFbUVt7jWZlf0Htk",
        ]
    );
}

#[test]
fn sqlite_answers() {
    let Some(image) = image("sqlite", "sql.js/dist/sql-wasm.wasm", "a") else { return };
    assert_eq!(
        lines(&image),
        [
            "10000 333383335000 row 10000 5000.5",
            "9777 row 09777",
            "8777 row 08777",
            "7777 row 07777",
            "3.5",
            "no such column: missing",
        ]
    );
}

#[test]
fn every_mapping_of_a_source_map_is_listed() {
    let Some(image) = image("source-map", "source-map/lib/mappings.wasm", "env") else { return };
    assert_eq!(
        lines(&image),
        [
            "0 0 0 0 0",
            "0 4 0 0 6 0",
            "0 6 0 0 10",
            "1 0 0 1 0",
            "1 4 0 1 6 1",
            "1 6 0 1 10",
            "2 0 1 1 0",
            "2 8 1 1 8",
            "2 12 1 1 12",
        ]
    );
}

/// A library for dynamic linking: the shim gives it a memory, a table, and the places in these.
#[test]
fn a_grammar_is_placed_and_names_its_symbols() {
    let Some(image) = image("grammar", "tree-sitter-javascript/tree-sitter-javascript.wasm", "env") else {
        return;
    };
    assert_eq!(lines(&image), ["15 261", "identifier hash_bang_line export * default as { , } import from "]);
}
