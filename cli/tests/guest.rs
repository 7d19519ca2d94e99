//! Guests on the command line: run, build, check, cache.

mod common;

use common::{Place, Said};

const HELLO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "hello\nyou\n") (data (i32.const 64) "\08\00\00\00\0a\00\00\00")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 80)))))"#;

/// Puts the value of the key `n` up by one and writes it to the log as a digit.
const COUNTER: &str = r#"(module
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "n") (data (i32.const 16) "0")
  (func (export "on_init")
    (drop (call $get (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 1)))
    (i32.store8 (i32.const 16) (i32.add (i32.load8_u (i32.const 16)) (i32.const 1)))
    (drop (call $put (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 1)))
    (drop (call $log (i32.const 16) (i32.const 1)))))"#;

fn with(name: &str, text: &str) -> Place {
    let place = Place::new();
    place.write(name, wat::parse_str(text).expect("the module is text"));
    place
}

fn run(text: &str, arguments: &[&str]) -> Said {
    let place = with("guest.wasm", text);
    let mut all = vec!["run"];
    all.extend(arguments);
    all.push("guest.wasm");
    place.call("", &all)
}

#[test]
fn a_guest_runs_from_module_and_image() {
    let place = with("hello.wasm", HELLO);
    assert_eq!(place.call("", &["run", "hello.wasm"]).succeeds(), "hello\nyou\n");
    place.call("", &["build", "hello.wasm", "-o", "hello.sci"]).succeeds();
    assert_eq!(place.call("", &["run", "hello.sci"]).succeeds(), "hello\nyou\n");
    assert!(place.call("", &["check", "hello.sci"]).succeeds().contains("contract rules hold"));
    assert!(place.call("", &["inspect", "hello.sci"]).succeeds().contains("kind: guest"));
}

#[test]
fn a_trap_names_kind_function_and_place() {
    let start = |body: &str| {
        format!(
            r#"(module (memory (export "memory") 1) (table 1 funcref) (func $f {body}) (func (export "_start") (call $f)))"#
        )
    };
    for (body, expected) in [
        ("(drop (i32.load (i32.const 65536)))", "out of bounds memory access in `f`"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divide by zero in `f`"),
        ("(unreachable)", "unreachable executed in `f`"),
        ("(call_indirect (i32.const 0))", "uninitialized element in `f`"),
        ("(call $f)", "call stack exhausted in `f`"),
    ] {
        let said = run(&start(body), &[]);
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains(expected) && said.err.contains("offset 0x"), "{}", said.err);
    }
}

#[test]
fn what_is_not_granted_is_refused_before_it_runs() {
    let said = run(COUNTER, &[]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("`data.get` needs the capability `data.read`"), "{}", said.err);
    let unknown = run(r#"(module (import "env" "launch" (func)) (func (export "_start")))"#, &[]);
    assert!(unknown.code == Some(1) && unknown.err.contains("env.launch"), "{}", unknown.err);
}

#[test]
fn values_last_where_they_are_kept() {
    let place = with("count.wasm", COUNTER);
    let grant = ["run", "--grant", "data.read,data.write"];
    let count = |more: &[&str]| place.call("", &[&grant[..], more, &["count.wasm"]].concat()).succeeds();
    assert_eq!((count(&[]), count(&[])), ("1\n".into(), "1\n".into()));
    assert_eq!((count(&["--data", "values"]), count(&["--data", "values"])), ("1\n".into(), "2\n".into()));
}

#[test]
fn endless_guests_end() {
    let endless = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;
    let late = run(endless, &["--timeout", "200ms"]);
    assert!(late.code == Some(3) && late.err.contains("time is over"), "{}", late.err);
    let spent = run(endless, &["--fuel", "1000000"]);
    assert!(spent.code == Some(3) && spent.err.contains("fuel"), "{}", spent.err);
    let grower = r#"(module (memory (export "memory") 1) (func (export "_start")
        (loop (br_if 0 (i32.ne (memory.grow (i32.const 1000)) (i32.const -1))))))"#;
    run(grower, &["--memory", "64MiB"]).succeeds();
}

#[test]
fn the_same_module_gives_the_same_bytes_whatever_the_threads() {
    let place = with("hello.wasm", HELLO);
    let build = |folder: &str, threads: &str| {
        place.write(&format!("{folder}/hello.wasm"), wat::parse_str(HELLO).expect("the module is text"));
        let variables = [("RAYON_NUM_THREADS", threads)];
        place.call("", &["cache", "clear"]).succeeds();
        place.call_with(&place.path(folder), &["build", "hello.wasm"], &variables).succeeds();
        std::fs::read(place.path(folder).join("hello.sci")).expect("the image is there")
    };
    assert_eq!(build("one", "1"), build("more", "4"));
}

#[test]
fn a_damaged_cache_entry_is_written_anew() {
    let place = with("hello.wasm", HELLO);
    place.call("", &["run", "hello.wasm"]).succeeds();
    let folder = place.path("home/cache/guests");
    let entry = std::fs::read_dir(&folder).expect("the cache is there").flatten().next().expect("an entry");
    let whole = std::fs::read(entry.path()).expect("it can be read");
    for damaged in [whole[..whole.len() / 2].to_vec(), vec![0; 100]] {
        std::fs::write(entry.path(), damaged).expect("it can be written");
        assert_eq!(place.call("", &["run", "hello.wasm"]).succeeds(), "hello\nyou\n");
        assert_eq!(std::fs::read(entry.path()).expect("it can be read"), whole);
    }
}

#[test]
fn damaged_modules_are_refused_or_run() {
    let whole = wat::parse_str(HELLO).expect("the module is text");
    let place = Place::new();
    let mut state = 7u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for _ in 0..100 {
        let mut bytes = whole.clone();
        for _ in 0..=random(4) {
            let at = 8 + random(bytes.len() - 8);
            bytes[at] = random(256) as u8;
        }
        place.write("damaged.wasm", bytes);
        let said = place.call("", &["run", "--timeout", "2s", "--memory", "64MiB", "damaged.wasm"]);
        assert!(said.code.is_some_and(|code| code < 100), "{:?}: {}", said.code, said.err);
    }
}

#[test]
fn a_module_with_collected_objects_is_refused_by_the_features_name() {
    let collected = r#"(module
        (type $block (array (mut (ref eq))))
        (type $closure (sub (struct (field (mut i32)) (field (ref func)))))
        (func (export "on_init") (drop (struct.new $closure (i32.const 1) (ref.func $code))))
        (func $code) (elem declare func $code))"#;
    run(collected, &[]).refuses(1, "the module uses garbage collection, which is not supported");
}

/// Prints by what it is linked with, which is called `log` and prints when it is initialised, too.
const MAIN: &str = r#"(module
  (import "log" "line" (func $line (param i32 i32)))
  (import "library" "memory" (memory 1))
  (export "memory" (memory 0))
  (func (export "_start") (call $line (i32.const 8) (i32.const 4))))"#;

const LIBRARY: &str =
    r#"(module (memory (export "memory") 1) (data (i32.const 8) "text") (data (i32.const 32) "ready"))"#;

const LOG: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "main" "memory" (memory 1))
  (func $line (export "line") (param i32 i32) (drop (call $log (local.get 0) (local.get 1))))
  (func (export "_initialize") (call $line (i32.const 32) (i32.const 5))))"#;

fn linked() -> Place {
    let place = with("main.wasm", MAIN);
    place.write("lib/library.wasm", wat::parse_str(LIBRARY).expect("the module is text"));
    place.write("log.wasm", wat::parse_str(LOG).expect("the module is text"));
    place
}

const LINKS: [&str; 4] = ["--link", "library=lib/library.wasm", "--link", "log=log.wasm"];

#[test]
fn modules_are_linked_into_one_image() {
    let place = linked();
    let run = || place.call("", &[&["run"], &LINKS[..], &["main.wasm"]].concat()).succeeds();
    assert_eq!((run(), run()), ("ready\ntext\n".into(), "ready\ntext\n".into()));
    assert!(place.call("", &["cache", "list"]).succeeds().contains("1 images"));
    place.call("", &[&["build"], &LINKS[..], &["main.wasm"]].concat()).succeeds();
    assert_eq!(place.call("", &["run", "main.sci"]).succeeds(), "ready\ntext\n");
    let inspected = place.call("", &["inspect", "main.sci"]).succeeds();
    for source in ["library.wasm", "log.wasm", "main.wasm"] {
        assert!(inspected.contains(&format!("- {source}\n")), "{inspected}");
    }
    // What is linked is part of what the cache goes by.
    place.write("log.wasm", wat::parse_str(LOG.replace("_initialize", "other")).expect("the module is text"));
    assert_eq!(run(), "text\n");
}

#[test]
fn modules_that_do_not_fit_are_refused() {
    let place = linked();
    let call = |arguments: &[&str]| place.call("", arguments);
    call(&["run", "--link", "log=log.wasm", "main.wasm"]).refuses(1, "library.memory");
    call(&["run", "--link", "library=log.wasm", "main.wasm"]).fails(
        1,
        "error[bad-link]: main.wasm imports `library.memory`, but log.wasm exports no `memory`\n  --> main.wasm\n",
    );
    call(&["run", "--link", "library=nowhere.wasm", "main.wasm"]).refuses(2, "there is no file nowhere.wasm");
    call(&["run", "--link", "log", "main.wasm"]).refuses(2, "env=shim.wasm");
    call(&["run", "--link", "log=log.wasm", "main.sci"]).refuses(2, "`--link` is for WebAssembly modules");
    call(&["build", "--link", "log=log.wasm", "."]).refuses(2, "are for WebAssembly modules");
    place.write("log.wasm", b"\0asm\x01\0\0\0\x01");
    call(&[&["run"], &LINKS[..], &["main.wasm"]].concat()).refuses(1, "error[bad-module]: at offset 0x9: ");
    call(&[&["run"], &LINKS[..], &["main.wasm"]].concat()).refuses(1, "--> log.wasm");
}
