//! Guests on the command line: run, build, check, cache.

mod common;

use common::{Place, Said};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

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
    assert!(said.err.contains("`--grant data.read,data.write` grants this and what else"), "{}", said.err);
    let one = run(COUNTER, &["--grant", "data.read"]);
    assert!(one.err.contains("`--grant data.write` grants it"), "{}", one.err);
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

/// Puts the value of the key `n` up by one, says so, and never ends.
fn endless_counter() -> String {
    let end = "(drop (call $log (i32.const 16) (i32.const 1)))";
    COUNTER.replace(end, &format!("{end} (loop (br 0))"))
}

/// A call of `space` in a place, started, with its outputs to read.
fn started(place: &Place, arguments: &[&str]) -> Child {
    place.command("", arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// Runs the endless counter, and does something to its process when it has counted: what the run said then.
fn disturb(place: &Place, with: impl FnOnce(&str)) -> Said {
    place.write("endless.wasm", wat::parse_str(endless_counter()).expect("the module is text"));
    let mut space =
        started(place, &["run", "--grant", "data.read,data.write", "--data", "values", "endless.wasm"]);
    let mut line = String::new();
    let mut output = BufReader::new(space.stdout.take().expect("it is piped"));
    output.read_line(&mut line).expect("it says that it counted");
    let children = format!("/proc/{0}/task/{0}/children", space.id());
    let child = std::fs::read_to_string(children).expect("the kernel lists them");
    with(child.trim());
    let mut err = String::new();
    space.stderr.take().expect("it is piped").read_to_string(&mut err).expect("it is text");
    Said { code: space.wait().expect("it ends").code(), out: line, err }
}

#[test]
fn a_guest_s_process_that_dies_takes_nothing_with_it() {
    let place = with("count.wasm", COUNTER);
    for (round, (signal, name)) in [("9", "SIGKILL"), ("6", "SIGABRT"), ("9", "SIGKILL")].iter().enumerate() {
        let said = disturb(&place, |child| {
            let sent = Command::new("kill").args([&format!("-{signal}"), child]).status();
            assert!(sent.is_ok_and(|status| status.success()));
        });
        let reason =
            format!("error[guest-process]: the guest's process was killed by signal {signal} ({name})\n");
        assert_eq!((said.code, said.out), (Some(3), format!("{}\n", round + 1)), "{}", said.err);
        assert!(said.err.contains(&reason), "{}", said.err);
    }
    let grant = ["run", "--grant", "data.read,data.write", "--data", "values", "count.wasm"];
    assert_eq!(place.call("", &grant).succeeds(), "4\n");
}

#[test]
fn a_guest_s_process_has_no_authority() {
    let place = Place::new();
    let said = disturb(&place, |child| {
        let status = std::fs::read_to_string(format!("/proc/{child}/status")).expect("it runs");
        let has = |line: &str| status.lines().any(|given| given.split_whitespace().eq(line.split(' ')));
        assert!(has("Seccomp: 2") && has("NoNewPrivs: 1") && has("Threads: 2"), "{status}");
        assert_eq!(std::fs::read(format!("/proc/{child}/environ")).expect("it is ours"), b"");
        let limits = std::fs::read_to_string(format!("/proc/{child}/limits")).expect("it is ours");
        let bounded =
            |name: &str| limits.lines().any(|line| line.starts_with(name) && !line.contains("unlimited"));
        assert!(
            bounded("Max data size") && bounded("Max core file size") && bounded("Max file size"),
            "{limits}"
        );
        let files: Vec<_> = std::fs::read_dir(format!("/proc/{child}/fd"))
            .expect("it is ours")
            .flatten()
            .map(|entry| std::fs::read_link(entry.path()).expect("it is open"))
            .filter(|target| target.starts_with(place.path("")))
            .collect();
        assert_eq!(files, Vec::<std::path::PathBuf>::new(), "no file of the run");
        Command::new("kill").args(["-9", child]).status().expect("it is there");
    });
    assert_eq!(said.code, Some(3), "{}", said.err);
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

/// Spends its time in `hot`, below `warm`, and some in the host; writes the sum to the log.
const HOT: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "done")
  (func $hot (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.xor (i32.mul (local.get $sum) (i32.const 31)) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func $cold (result i32) (i32.load (i32.const 64)))
  (func $warm (param $n i32) (result i32) (i32.add (call $hot (local.get $n)) (call $cold)))
  (func (export "_start") (local $turns i32)
    (local.set $turns (i32.const 40))
    (loop $again
      (i32.store (i32.const 64) (call $warm (i32.const 5000000)))
      (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
    (drop (call $log (i32.const 0) (i32.const 4)))))"#;

#[test]
fn a_profile_names_where_the_time_goes() {
    let place = with("hot.wasm", HOT);
    let options = ["run", "--profile", "hot.json", "--map", "hot.map", "hot.wasm"];
    assert_eq!(place.call("", &options).succeeds(), "done\n");
    let profile: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(place.path("hot.json")).expect("it is written"))
            .expect("the profile is JSON");
    let names: Vec<&str> = profile["shared"]["frames"]
        .as_array()
        .expect("frames")
        .iter()
        .map(|frame| frame["name"].as_str().expect("a name"))
        .collect();
    let run = &profile["profiles"][0];
    assert_eq!((run["type"].as_str(), run["unit"].as_str()), (Some("sampled"), Some("nanoseconds")));
    let stacks: Vec<Vec<&str>> = run["samples"]
        .as_array()
        .expect("samples")
        .iter()
        .map(|stack| {
            stack
                .as_array()
                .expect("a stack")
                .iter()
                .map(|frame| names[frame.as_u64().expect("a number") as usize])
                .collect()
        })
        .collect();
    let weights: Vec<u64> =
        run["weights"].as_array().expect("weights").iter().map(|it| it.as_u64().expect("a number")).collect();
    assert_eq!(stacks.len(), weights.len());
    assert_eq!(run["endValue"].as_u64(), Some(weights.iter().sum()));
    let hot = stacks.iter().filter(|stack| stack.ends_with(&["_start", "warm", "hot"])).count();
    assert!(hot > 10 && hot * 3 > stacks.len() * 2, "{hot} of {} samples are in `hot`", stacks.len());
    let map = std::fs::read_to_string(place.path("hot.map")).expect("it is written");
    let lines: Vec<Vec<&str>> = map.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    let numbers: Vec<u64> =
        lines.iter().map(|line| u64::from_str_radix(line[0], 16).expect("hexadecimal")).collect();
    assert!(numbers.is_sorted(), "{map}");
    for name in ["hot", "warm", "cold", "_start"] {
        assert!(lines.iter().any(|line| line[2] == name), "{name} is not in the map: {map}");
    }
}

#[test]
fn a_profile_is_written_of_a_guest_that_ends_early_and_replaces_no_module() {
    let text = HOT.replace("(drop (call $log (i32.const 0) (i32.const 4)))", "(unreachable)");
    let place = with("hot.wasm", &text);
    let said = place.call("", &["run", "--profile", "hot.json", "hot.wasm"]);
    assert!(said.code == Some(3) && said.err.contains("unreachable"), "{}", said.err);
    assert!(std::fs::read_to_string(place.path("hot.json")).expect("it is written").contains("\"hot\""));
    for option in ["--profile", "--map"] {
        let said = place.call("", &["run", option, "hot.wasm", "hot.wasm"]);
        assert!(said.code == Some(2) && said.err.contains("error[same-file]"), "{}", said.err);
    }
}

/// A guest that writes lines without end.
const CHATTER: &str = r#"(module (import "sys" "log" (func $log (param i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 0) "more")
    (func (export "on_init") (loop (drop (call $log (i32.const 0) (i32.const 4))) (br 0))))"#;

#[test]
fn whoever_reads_no_more_ends_the_run() {
    let place = with("chatter.wasm", CHATTER);
    for command in ["run", "boot"] {
        let mut space = started(&place, &[command, "chatter.wasm"]);
        let mut line = String::new();
        let mut output = BufReader::new(space.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("it writes");
        drop(output);
        assert_eq!((line.as_str(), space.wait().expect("it ends").code()), ("more\n", Some(0)), "{command}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let space = place.command("", &["run", "chatter.wasm"]).stdout(full).output().expect("it starts");
    let said = String::from_utf8_lossy(&space.stderr).into_owned();
    assert!(space.status.code() == Some(6) && said.contains("error[output]: cannot print"), "{said}");
}

#[test]
fn a_signal_ends_a_guest_in_order_and_its_profile_is_written() {
    let sleeper = r#"(module (import "sys" "sleep" (func $sleep (param i32) (result i32)))
        (import "sys" "log" (func $log (param i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "more")
        (func (export "on_init") (drop (call $log (i32.const 0) (i32.const 4)))
            (drop (call $sleep (i32.const 60000000))) (loop (br 0))))"#;
    for (name, text) in [("chatter.wasm", CHATTER), ("sleeper.wasm", sleeper)] {
        let place = with(name, text);
        let mut space = started(&place, &["run", "--grant", "sys.sleep", "--profile", "profile.json", name]);
        let mut output = BufReader::new(space.stdout.take().expect("it is piped"));
        output.read_line(&mut String::new()).expect("it writes");
        let rest = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let sent = Command::new("kill").args(["-INT", &space.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        let mut said = String::new();
        space.stderr.take().expect("it is piped").read_to_string(&mut said).expect("it is text");
        assert!(rest.join().is_ok());
        assert_eq!(space.wait().expect("it ends").code(), Some(7), "{said}");
        assert!(said.contains("error[interrupted]: the run was interrupted"), "{said}");
        let profile = std::fs::read_to_string(place.path("profile.json")).expect("it is written");
        assert!(profile.contains("speedscope"), "{profile}");
    }
}

#[test]
fn a_components_image_is_no_guest() {
    let place = Place::with_project("app");
    place.call("demo", &["build"]).succeeds();
    place.call("demo", &["run", "build/demo.sci"]).refuses(4, "error[no-guest]: the image is not a guest's");
}
