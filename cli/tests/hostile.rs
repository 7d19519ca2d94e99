//! Spaces that try what they may not, the same modules on both hosts: what each is told, or dies of, and that the one
//! beside them goes on.

mod common;

use common::Place;
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(2);
/// Attackers that run beside each other on the nanokernel, where each takes memory for a host of its own.
const TOGETHER: usize = 15;

/// How an attack ends.
#[derive(Clone, Copy)]
enum End {
    /// The call answers this: a letter, `A` for -1, `B` for -2; `@` for 0; `+` for more, which is an error of WASI.
    Told(&'static str),
    /// The space ends, on Linux for this reason.
    Dies(&'static str),
}
use End::{Dies, Told};

/// Name, end, and what it does: instructions that leave a result, or none where it dies.
const ATTACKS: &[(&str, End, &str)] = &[
    ("log-outside", Told("B"), "(call $log (i32.const 65530) (i32.const 100))"),
    ("log-negative", Told("B"), "(call $log (i32.const -1) (i32.const 10))"),
    ("log-all-memory", Told("F"), "(call $log (i32.const 0) (i32.const 0x7fffffff))"),
    ("log-long", Told("F"), "(call $log (i32.const 0) (i32.const 5000))"),
    ("emit-nowhere", Told("D"), "(call $emit (i32.const 100) (i32.const 6) (i32.const 0) (i32.const 1))"),
    ("emit-neighbour", Told("D"), "(call $emit (i32.const 110) (i32.const 7) (i32.const 0) (i32.const 1))"),
    ("emit-instance", Told("D"), "(call $emit (i32.const 110) (i32.const 9) (i32.const 0) (i32.const 1))"),
    ("emit-sender", Told("D"), "(call $emit (i32.const 120) (i32.const 7) (i32.const 0) (i32.const 1))"),
    ("emit-name-outside", Told("B"), "(call $emit (i32.const 65530) (i32.const 9) (i32.const 0) (i32.const 1))"),
    ("emit-outside", Told("B"), "(call $emit (i32.const 110) (i32.const 7) (i32.const 65530) (i32.const 9))"),
    ("emit-large", Told("F"), "(call $emit (i32.const 110) (i32.const 7) (i32.const 0) (i32.const 65537))"),
    ("emit-long-name", Told("F"), "(call $emit (i32.const 0) (i32.const 300) (i32.const 0) (i32.const 1))"),
    ("emit-no-name", Told("A"), "(call $emit (i32.const 110) (i32.const 0) (i32.const 0) (i32.const 1))"),
    ("emit-no-text", Told("M"), "(call $emit (i32.const 130) (i32.const 2) (i32.const 0) (i32.const 1))"),
    ("receive-outside", Told("B"), "(call $receive (i32.const 65530) (i32.const 100))"),
    ("receive-nothing", Told("K"), "(call $receive (i32.const 0) (i32.const 100))"),
    ("info-of-nothing", Told("C"), "(call $info (i32.const 0) (i32.const 100))"),
    (
        "self-flood",
        Told("K"),
        "(local.set 0 (i32.const 0))
         (loop $on (local.set 0 (call $again (i32.const 0) (i32.const 9))) (br_if $on (i32.eqz (local.get 0))))
         (local.get 0)",
    ),
    ("self-large", Told("F"), "(call $again (i32.const 0) (i32.const 65537))"),
    ("key-empty", Told("A"), "(call $put (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))"),
    ("key-long", Told("F"), "(call $put (i32.const 0) (i32.const 513) (i32.const 0) (i32.const 1))"),
    ("key-no-text", Told("M"), "(call $put (i32.const 130) (i32.const 2) (i32.const 0) (i32.const 1))"),
    ("key-outside", Told("B"), "(call $put (i32.const 65530) (i32.const 9) (i32.const 0) (i32.const 1))"),
    ("value-large", Told("F"), "(call $put (i32.const 100) (i32.const 6) (i32.const 0) (i32.const 65537))"),
    ("value-outside", Told("B"), "(call $put (i32.const 100) (i32.const 6) (i32.const 65530) (i32.const 9))"),
    ("value-of-neighbour", Told("C"), "(call $get (i32.const 140) (i32.const 6) (i32.const 200) (i32.const 9))"),
    (
        "keys-of-neighbour",
        Told("@"),
        "(call $list (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 200) (i32.const 99))",
    ),
    ("delete-of-neighbour", Told("@"), "(call $delete (i32.const 140) (i32.const 6))"),
    ("blob-never-opened", Told("A"), "(call $blob_read (i32.const 99) (i32.const 0) (i32.const 9))"),
    ("blob-mode", Told("A"), "(call $blob_open (i32.const 100) (i32.const 6) (i32.const 9))"),
    ("blob-absent", Told("C"), "(call $blob_open (i32.const 100) (i32.const 6) (i32.const 0))"),
    (
        "blobs-many",
        Told("G"),
        "(loop $on (local.set 0 (call $blob_open (i32.const 100) (i32.const 6) (i32.const 1)))
           (br_if $on (i32.ge_s (local.get 0) (i32.const 0))))
         (local.get 0)",
    ),
    ("take-nothing", Told("C"), "(call $take (i32.const 0) (i32.const 100))"),
    ("sleep-for-ever", Told("A"), "(call $sleep (i32.const 0x7fffffff))"),
    (
        "write-iovec",
        Told("+"),
        "(i32.store (i32.const 200) (i32.const 65530)) (i32.store (i32.const 204) (i32.const 100))
         (call $fd_write (i32.const 1) (i32.const 200) (i32.const 1) (i32.const 208))",
    ),
    ("write-elsewhere", Told("+"), "(call $fd_write (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 208))"),
    (
        "open-a-file",
        Told("+"),
        "(call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 6) (i32.const 0) (i64.const -1)
           (i64.const -1) (i32.const 0) (i32.const 208))",
    ),
    ("load-outside", Dies("out of bounds memory access"), "(drop (i32.load (i32.const 65533)))"),
    ("load-far", Dies("out of bounds memory access"), "(drop (i32.load offset=0xfffffff0 (i32.const -1)))"),
    ("store-outside", Dies("out of bounds memory access"), "(i64.store (i32.const 65529) (i64.const 1))"),
    (
        "fill-outside",
        Dies("out of bounds memory access"),
        "(memory.fill (i32.const 65530) (i32.const 1) (i32.const 100))",
    ),
    (
        "copy-outside",
        Dies("out of bounds memory access"),
        "(memory.copy (i32.const 0) (i32.const 65530) (i32.const 100))",
    ),
    ("call-null", Dies("uninitialized element"), "(call_indirect (type $nothing) (i32.const 1))"),
    ("call-outside", Dies("out of bounds table access"), "(call_indirect (type $nothing) (i32.const 4))"),
    ("call-as-another", Dies("indirect call type mismatch"), "(drop (call_indirect (type $one) (i32.const 0)))"),
    ("recurse", Dies("call stack exhausted"), "(call $deeper (i64.const 1))"),
    ("unreachable", Dies("unreachable executed"), "unreachable"),
    ("divide", Dies("integer divide by zero"), "(drop (i32.div_u (i32.const 1) (local.get 0)))"),
    ("overflow", Dies("integer overflow"), "(drop (i32.div_s (i32.const 0x80000000) (i32.sub (local.get 0) (i32.const 1))))"),
    ("convert", Dies("invalid conversion to integer"), "(drop (i32.trunc_f32_s (f32.const nan)))"),
    ("leave", Dies("status 7"), "(call $exit (i32.const 7))"),
];

/// What works beside them: it keeps a value, counts its own messages, and ends when it has seen enough.
const WITNESS: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $receive (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 0) "secretstill here")
  (func (export "on_init")
    (drop (call $put (i32.const 0) (i32.const 6) (i32.const 0) (i32.const 6)))
    (drop (call $again (i32.const 0) (i32.const 6))))
  (func (export "on_process")
    (drop (call $receive (i32.const 64) (i32.const 64)))
    (drop (call $again (i32.const 0) (i32.const 6)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (if (i32.eq (global.get $count) (i32.const 200))
      (then (drop (call $log (i32.const 6) (i32.const 10))) (call $exit (i32.const 1)))))
  (func (export "on_close")))"#;

/// The module of an attack: it does it, says what it was told, and ends.
fn module((_, end, what): &(&str, End, &str)) -> String {
    let what = match end {
        Told(_) => format!("(local.set 0 {what}) (call $say (local.get 0)) (call $exit (i32.const 1))"),
        Dies(_) => (*what).to_owned(),
    };
    format!(
        r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (import "net" "recv_next" (func $receive (param i32 i32) (result i32)))
  (import "net" "message_info" (func $info (param i32 i32) (result i32)))
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "data" "delete" (func $delete (param i32 i32) (result i32)))
  (import "data" "list" (func $list (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "data" "blob_open" (func $blob_open (param i32 i32 i32) (result i32)))
  (import "data" "blob_read" (func $blob_read (param i32 i32 i32) (result i32)))
  (import "mem" "take" (func $take (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (type $nothing (func))
  (type $one (func (result i32)))
  (memory (export "memory") 1 1)
  (table 4 4 funcref)
  (elem (i32.const 0) $harmless)
  (data (i32.const 100) "nobody")
  (data (i32.const 110) "witness#1")
  (data (i32.const 120) "@sender")
  (data (i32.const 130) "\ff\fe")
  (data (i32.const 140) "secret")
  (func $harmless)
  (func $deeper (param i64) (call $deeper (i64.add (local.get 0) (i64.const 1))) (call $harmless))
  (func $say (param i32)
    (i32.store8 (i32.const 300)
      (select (i32.const 43) (i32.sub (i32.const 64) (local.get 0)) (i32.gt_s (local.get 0) (i32.const 0))))
    (drop (call $log (i32.const 300) (i32.const 1))))
  (func (export "on_init") (local i32) {what})
  (func (export "on_process"))
  (func (export "on_close")))"#
    )
}

/// An application of attackers and the witness.
fn application(place: &Place, attacks: &[(&str, End, &str)]) {
    let mut spaces: Vec<(&str, String)> = attacks.iter().map(|attack| (attack.0, module(attack))).collect();
    spaces.push(("witness", WITNESS.to_owned()));
    let mut manifest =
        "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: hostile\n  version: 1.0.0\n  publisher: \
                        tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n"
            .to_owned();
    let mut topology =
        "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: hostile\nspaces:\n".to_owned();
    for (name, text) in spaces {
        let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        place.write(&format!("app/spaces/{name}/core.wasm"), bytes);
        let own = format!(
            "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: {name}\ntype: DATA\npersistence: {{}}\n"
        );
        place.write(&format!("app/spaces/{name}/space.yaml"), own);
        writeln!(manifest, "    - {name}").expect("a string takes it");
        writeln!(
            topology,
            "  - name: {name}\n    type: DATA\n    capabilities: [data.read, data.write, data.list, data.delete, \
             sys.log, sys.sleep, net.emit_to, net.recv_next]\n    restart:\n      policy: never"
        )
        .expect("a string takes it");
    }
    place.write("app/manifest.yaml", manifest);
    place.write("app/topology.yaml", topology);
}

/// Whether a space said a line.
fn says(out: &str, space: &str, line: &str) -> bool {
    let parts = out.lines().filter_map(|one| one.split_once('|'));
    parts.map(|(who, what)| (who.trim(), what.trim())).any(|one| one == (space, line))
}

/// Holds what a space said and how it ended against its attack.
#[track_caller]
fn judge((name, end, _): &(&str, End, &str), out: &str, reason: &str) {
    match end {
        Told(letter) => {
            assert!(says(out, name, letter), "{name} was told something else than {letter}:\n{out}");
            assert!(reason.contains("status 1"), "{name}: {reason}");
        }
        Dies(words) => assert!(reason.contains(words), "{name}: {reason}"),
    }
}

#[test]
fn hostile_spaces_are_stopped_on_linux() {
    assert!(ATTACKS.len() >= 40);
    let place = Place::new();
    application(&place, ATTACKS);
    // It says that spaces failed, which they should.
    let _ = place.call("app", &["up", "--detach"]);
    let until = Instant::now() + PATIENCE;
    let spaces = loop {
        let said = place.call("app", &["ps", "--json"]).succeeds();
        let all: Value = serde_json::from_str(&said).expect("it is JSON");
        let spaces = all["applications"][0]["spaces"].as_array().expect("spaces").clone();
        if spaces.iter().all(|space| space["state"] == "failed") {
            break spaces;
        }
        assert!(Instant::now() < until, "not in time:\n{}", place.call("app", &["status"]).out);
        std::thread::sleep(Duration::from_millis(50));
    };
    let out = place.call("app", &["logs"]).succeeds();
    place.kill_parent();
    for attack in ATTACKS {
        let space = spaces.iter().find(|space| space["name"] == attack.0).expect("it is there");
        judge(attack, &out, space["reason"].as_str().unwrap_or_default());
    }
    assert!(says(&out, "witness", "still here"), "{out}");
}

#[test]
fn hostile_spaces_are_stopped_on_the_nanokernel() {
    for attacks in ATTACKS.chunks(TOGETHER) {
        let place = Place::new();
        application(&place, attacks);
        let said = place.call("", &["boot", "--timeout", "5m", "app"]);
        assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
        for attack in attacks {
            let failed = format!("zrms: {} failed: ", attack.0);
            let reason = said.out.lines().find_map(|line| line.strip_prefix(&failed)).unwrap_or_default();
            // Which trap it was is told at the end, by who has the tables.
            let beginning = format!("{}: ", attack.0);
            let told = said.err.lines().find_map(|line| line.strip_prefix(&beginning)).unwrap_or_default();
            judge(attack, &said.out, &format!("{reason}; {told}"));
        }
        assert!(says(&said.out, "witness", "still here"), "{}", said.out);
    }
}
