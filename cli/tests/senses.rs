//! What IO spaces have of the machine: events recognized in what sensors measure, and sound.

mod common;

use common::{Place, Said};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

const MANIFEST: &str = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: senses\n  version: 1.0.0\n  \
                        publisher: tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  \
                        spaces:\n    - alarm\n    - ear\n    - oven\n";
const TOPOLOGY: &str = "apiVersion: samoza/v1
kind: Topology
metadata:
  name: senses
spaces:
  - name: oven
    type: IO
    capabilities: [sys.log, events.register_recognizer]
  - name: alarm
    type: IO
    capabilities: [sys.log, net.recv_next, events.subscribe]
  - name: ear
    type: IO
    capabilities: [sys.log, sys.sleep, net.emit_to, net.recv_next, audio.capture, audio.playback]
";
const DEVICES: &str = r#"{
  "sensors": [{"id": "heat", "type": "temperature",
    "simulated": {"shape": "ramp", "low": 0, "high": 100, "period": 400, "every": 20}}],
  "sound": {"channels": 1, "rate": 8000, "microphone": "voice.wav", "speaker": "played"}
}"#;

/// Registers recognizers, and logs by a letter for each result which of them are taken: `A` and so on below it.
const OVEN: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "events" "register_recognizer" (func $register (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "hotcold")
  (data (i32.const 16) "{\"sensor\":\"heat\",\"when\":{\"above\":90}}")
  (data (i32.const 64) "{\"sensor\":\"cold\",\"when\":{\"above\":90}}")
  (func $note (param $at i32) (param $result i32)
    (i32.store8 (i32.add (i32.const 200) (local.get $at)) (i32.sub (i32.const 65) (local.get $result))))
  (func (export "on_init")
    (call $note (i32.const 0) (call $register (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 37)))
    (call $note (i32.const 1) (call $register (i32.const 3) (i32.const 4) (i32.const 16) (i32.const 37)))
    (call $note (i32.const 2) (call $register (i32.const 0) (i32.const 3) (i32.const 64) (i32.const 37)))
    (call $note (i32.const 3) (call $register (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 30)))
    (drop (call $log (i32.const 200) (i32.const 4))))
  (func (export "on_process"))
  (func (export "on_close")))"#;

/// Logs the events that it gets, and where they are from.
const ALARM: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "message_info" (func $info (param i32 i32) (result i32)))
  (import "events" "subscribe" (func $subscribe (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "hot")
  (func (export "on_init") (result i32) (call $subscribe (i32.const 0) (i32.const 3)))
  (func (export "on_process")
    (drop (call $log (i32.const 100) (call $next (i32.const 100) (i32.const 900))))
    (drop (call $log (i32.const 100) (call $info (i32.const 100) (i32.const 900)))))
  (func (export "on_close")))"#;

/// Plays what it hears.
const EAR: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "sleep" (func $sleep (param i32) (result i32)))
  (import "sys" "self_emit" (func $again (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "audio" "capture" (func $capture (param i32 i32) (result i32)))
  (import "audio" "playback" (func $playback (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "over")
  (func (export "on_init") (drop (call $again (i32.const 0) (i32.const 4))))
  (func (export "on_process") (local i32)
    (drop (call $next (i32.const 8) (i32.const 8)))
    (drop (call $sleep (i32.const 10)))
    (local.set 0 (call $capture (i32.const 100) (i32.const 4000)))
    (if (i32.eq (local.get 0) (i32.const -9)) (then
      (drop (call $log (i32.const 0) (i32.const 4)))
      (return)))
    (if (i32.gt_s (local.get 0) (i32.const 0)) (then (drop (call $playback (i32.const 100) (local.get 0)))))
    (drop (call $again (i32.const 0) (i32.const 4))))
  (func (export "on_close")))"#;

/// An application's folder, and the parent that is gone with it.
struct Senses(Place);

impl Senses {
    fn new() -> Self {
        let senses = Self(Place::new());
        let write = |name: &str, text: &str| senses.0.write(&format!("app/{name}"), text);
        let space = |name: &str, rest: &str| {
            let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name:";
            let sensors = "sensors:\n  - id: heat\n    type: temperature\n";
            write(&format!("spaces/{name}/space.yaml"), &format!("{head} {name}\ntype: IO\n{sensors}{rest}"));
        };
        write("manifest.yaml", MANIFEST);
        write("topology.yaml", TOPOLOGY);
        space("oven", "events: [hot]\n");
        space("alarm", "");
        space("ear", "");
        for (space, text) in [("oven", OVEN), ("alarm", ALARM), ("ear", EAR)] {
            let bytes = wat::parse_str(text).expect("the module is text");
            senses.0.write(&format!("app/spaces/{space}/core.wasm"), bytes);
        }
        senses.0.write("home/devices.json", DEVICES);
        senses.0.write("home/voice.wav", wave(&samples()));
        senses
    }

    fn call(&self, arguments: &[&str]) -> Said {
        self.0.call("app", arguments)
    }

    fn lines(&self, space: &str) -> Vec<String> {
        let said = self.call(&["logs", space]).succeeds();
        said.lines().filter_map(|line| line.split_once("| ")).map(|(_, text)| text.to_owned()).collect()
    }

    #[track_caller]
    fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "not in time: {what}\n{}", self.call(&["events"]).out);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Senses {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

/// A fifth of a second.
fn samples() -> Vec<u8> {
    (0..1600_i16).map(|at| at * 7 - 5000).flat_map(i16::to_le_bytes).collect()
}

/// A WAV file of one channel of 8,000 samples a second.
fn wave(samples: &[u8]) -> Vec<u8> {
    let long = |number: usize| u32::try_from(number).expect("it is short").to_le_bytes();
    let format = [long(16), long(0x0001_0001), long(8000), long(16_000), long(0x0010_0002)].concat();
    [
        b"RIFF".as_slice(),
        &long(36 + samples.len()),
        b"WAVEfmt ",
        &format,
        b"data",
        &long(samples.len()),
        samples,
    ]
    .concat()
}

/// The emitter of an event, in a line with what is known of a message.
fn emitter(line: &str) -> Option<String> {
    let info: Value = serde_json::from_str(line).ok()?;
    info["from"].as_str().map(str::to_owned)
}

#[test]
fn what_sensors_measure_becomes_events() {
    let senses = Senses::new();
    senses.call(&["up", "--detach"]).succeeds();
    // Taken; not declared; of a sensor that is not stated; no JSON.
    assert_eq!(senses.lines("oven"), ["AEDN"]);
    senses.until("it was hot twice", |senses| senses.lines("alarm").len() >= 4);
    let lines = senses.lines("alarm");
    let first = emitter(&lines[1]);
    assert!(first.as_ref().is_some_and(|from| from.starts_with("oven#")), "{lines:?}");
    for pair in lines[..4].chunks(2) {
        let payload: Value = serde_json::from_str(&pair[0]).expect("it is JSON");
        assert_eq!((&payload["event"], &payload["state"]), (&"hot".into(), &"begun".into()), "{payload}");
        assert!(payload["value"].as_f64().is_some_and(|value| value > 90.0), "{payload}");
        let info: Value = serde_json::from_str(&pair[1]).expect("it is JSON");
        assert_eq!((&info["path"], emitter(&pair[1])), (&"@events/hot".into(), first.clone()), "{info}");
    }
    // Recognizers end with their space, and the next start has its own.
    senses.call(&["kill", "oven"]).succeeds();
    let told = |senses: &Senses| {
        let lines = senses.lines("alarm");
        lines.iter().any(|line| emitter(line).is_some_and(|from| Some(from) != first))
    };
    senses.until("the next start tells", told);
}

/// Registers a module of the package for `hot`, which may emit twice in a minute, and one that is not there.
const MODULES: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "events" "register_recognizer" (func $register (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "hot")
  (data (i32.const 16) "{\"sensor\":\"heat\",\"module\":\"knock\",\"perMinute\":2}")
  (data (i32.const 96) "{\"sensor\":\"heat\",\"module\":\"other\"}")
  (func $note (param $at i32) (param $result i32)
    (i32.store8 (i32.add (i32.const 200) (local.get $at)) (i32.sub (i32.const 65) (local.get $result))))
  (func (export "on_init")
    (call $note (i32.const 0) (call $register (i32.const 0) (i32.const 3) (i32.const 96) (i32.const 34)))
    (call $note (i32.const 1) (call $register (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 48)))
    (drop (call $log (i32.const 200) (i32.const 2))))
  (func (export "on_process"))
  (func (export "on_close")))"#;

/// Begins a recognizer that has looked at so many readings when it is asked for the next one's room.
const KNOCK: &str = r#"(module
  (memory (export "memory") 1)
  (global $seen (mut i32) (i32.const 0))
  (func (export "room") (param i32) (result i32)
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (i32.const 1024))
  (func (export "on_reading") (param $at i32) (param $bytes i32) (result i64)"#;

/// Says all of a reading.
fn echo() -> String {
    let event = "(i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) \
                 (i64.extend_i32_u (local.get $bytes)))";
    format!("{KNOCK} {event}))")
}

impl Senses {
    /// Whose oven has a module recognize.
    fn with_module(text: &str) -> Self {
        let senses = Self::new();
        senses.module("spaces/oven/core.wasm", MODULES);
        senses.module("recognizers/knock.wasm", text);
        senses
    }

    fn module(&self, file: &str, text: &str) {
        self.0.write(&format!("app/{file}"), wat::parse_str(text).expect("the module is text"));
    }
}

#[test]
fn a_module_recognizes_events_as_often_as_it_may() {
    let senses = Senses::with_module(&echo());
    senses.call(&["up", "--detach"]).succeeds();
    assert_eq!(senses.lines("oven"), ["DA"], "one is not there, one is");
    senses.until("two events", |senses| senses.lines("alarm").len() >= 4);
    let lines = senses.lines("alarm");
    for pair in lines[..4].chunks(2) {
        let reading: Value = serde_json::from_str(&pair[0]).expect("it is JSON");
        assert_eq!((&reading["sensor"], reading["number"].is_u64()), (&"heat".into(), true), "{reading}");
        let info: Value = serde_json::from_str(&pair[1]).expect("it is JSON");
        assert!(emitter(&pair[1]).is_some_and(|from| from.starts_with("oven#")), "{info}");
    }
    // It has looked at many more by now.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(senses.lines("alarm").len(), 4, "twice in a minute");
    // It ends with its space, and the next start has one of its own.
    senses.call(&["kill", "oven"]).succeeds();
    senses.until("another start", |senses| senses.lines("oven").len() == 2);
    senses.until("its events", |senses| senses.lines("alarm").len() >= 8);
}

#[test]
fn a_module_that_is_out_of_fuel_or_traps_ends_alone() {
    let when = |what: &str| {
        let third = format!("(if (i32.eq (global.get $seen) (i32.const 3)) (then {what}))");
        format!("{KNOCK} {third} (i64.const 0)))")
    };
    let beyond = "(return (i64.const 0xfffffff000000010))";
    for (text, why) in [
        (when("(loop (br 0))"), "fuel"),
        (when("unreachable"), "unreachable"),
        (when("(drop (i32.load (i32.const 0x7fffffff)))"), "memory"),
        (when(beyond), "an event beyond the memory"),
    ] {
        let senses = Senses::with_module(&text);
        senses.call(&["up", "--detach"]).succeeds();
        let says = "the recognizer `knock` of the event `hot` has ended, and emits nothing more: ";
        senses.until(why, |senses| senses.call(&["events"]).succeeds().contains(says));
        let events = senses.call(&["events"]).succeeds();
        let line = events.lines().find(|line| line.contains(says)).expect("it is there");
        assert!(line.contains("oven") && line.contains(why), "{line}");
        let status = senses.call(&["status"]).succeeds();
        assert!(status.contains("senses: running"), "{status}");
        assert_eq!(senses.lines("alarm"), [""; 0]);
    }
}

/// What a machine or a guest of its own says, until it has said enough.
fn until_said(senses: &Senses, arguments: &[&str], is_enough: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut command = senses.0.command("", arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let (out, err) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
    let (sender, receiver) = std::sync::mpsc::channel();
    // Whoever reads one of them alone would not see the other.
    let streams: [Box<dyn std::io::Read + Send>; 2] = [Box::new(out), Box::new(err)];
    for stream in streams {
        let sender = sender.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
    }
    drop(sender);
    let mut lines = Vec::new();
    while !is_enough(&lines)
        && let Ok(line) = receiver.recv()
    {
        lines.push(line);
    }
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let ended = child.wait();
    assert!(is_enough(&lines) && told.is_ok() && ended.is_ok(), "{arguments:?}: {lines:#?}");
    lines
}

/// The JSON that lines of a space are.
fn objects(lines: &[String], prefix: &str) -> Vec<Value> {
    let lines = lines.iter().filter_map(|line| line.strip_prefix(prefix));
    lines.filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
}

#[test]
fn a_module_recognizes_events_on_the_nanokernel() {
    let senses = Senses::with_module(&echo());
    let boot = ["boot", "--timeout", "5m", "app"];
    let lines = until_said(&senses, &boot, |lines| objects(lines, "alarm | ").len() >= 4);
    assert!(lines.iter().any(|line| line == "oven | DA"), "one is not there, one is: {lines:#?}");
    let objects = objects(&lines, "alarm | ");
    for pair in objects[..4].chunks(2) {
        assert_eq!((&pair[0]["sensor"], pair[0]["number"].is_u64()), (&"heat".into(), true), "{pair:?}");
        assert!(pair[1]["from"].as_str().is_some_and(|from| from.starts_with("oven#")), "{pair:?}");
        assert_eq!(pair[1]["path"], "@events/hot", "{pair:?}");
    }
}

#[test]
fn a_module_on_the_nanokernel_that_is_out_of_fuel_ends_alone() {
    let third = "(if (i32.eq (global.get $seen) (i32.const 3)) (then (loop (br 0))))";
    let senses = Senses::with_module(&format!("{KNOCK} {third} (i64.const 0)))"));
    let boot = ["boot", "--timeout", "5m", "app"];
    let says = "oven: the recognizer `knock` of the event `hot` has ended, and emits nothing more: all fuel consumed";
    let lines = until_said(&senses, &boot, |lines| lines.iter().any(|line| line.ends_with(says)));
    assert!(!lines.iter().any(|line| line.starts_with("alarm | ")), "{lines:#?}");
}

/// Registers a module of the package for `hot` and for `cold`.
const TWO: &str = r#"(module
  (import "events" "register_recognizer" (func $register (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "hotcold")
  (data (i32.const 16) "{\"sensor\":\"heat\",\"module\":\"knock\"}")
  (func (export "on_init") (result i32)
    (i32.or (call $register (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 34))
      (call $register (i32.const 3) (i32.const 4) (i32.const 16) (i32.const 34))))
  (func (export "on_process"))
  (func (export "on_close")))"#;

#[test]
fn modules_that_take_all_they_may_leave_the_mesh_what_it_needs() {
    let senses = Senses::new();
    let space = senses.0.path("app/spaces/oven/space.yaml");
    let text = fs::read_to_string(&space).expect("it is there");
    senses.0.write("app/spaces/oven/space.yaml", text.replace("[hot]", "[hot, cold]"));
    senses.module("spaces/oven/core.wasm", TWO);
    // Elements are what a byte of a module makes most of, and a memory that grows is copied.
    let elements = " $f".repeat(120_000);
    let most = format!("(func $f) (elem func{elements})");
    let grows = "(drop (memory.grow (i32.const 62))) (drop (memory.grow (i32.const 1)))";
    let echo = echo().replace("(i64.or", &format!("{grows} (i64.or"));
    senses.module("recognizers/knock.wasm", &echo.replacen("(module", &format!("(module {most}"), 1));
    let boot = ["boot", "--timeout", "5m", "app"];
    until_said(&senses, &boot, |lines| objects(lines, "alarm | ").len() >= 8);
    // What has no room is refused before the machine begins.
    senses.module("recognizers/large.wasm", &echo.replacen("(module", &format!("(module {most}"), 1));
    senses.0.call("", &boot).refuses(1, "a machine has room for 131072");
}

/// A guest that has a specification recognize, after what else it tries, and logs what it is told.
fn recognizing(spec: &str, first: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "events" "register_recognizer" (func $register (param i32 i32 i32 i32) (result i32)))
  (import "events" "subscribe" (func $subscribe (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "hot")
  (data (i32.const 16) {spec:?})
  (data (i32.const 96) "{{\"sensor\":\"heat\",\"module\":\"other\"}}")
  (func (export "on_init") (result i32)
    {first}
    (i32.or (call $register (i32.const 0) (i32.const 3) (i32.const 16) (i32.const {bytes}))
      (call $subscribe (i32.const 0) (i32.const 3))))
  (func (export "on_process")
    (drop (call $log (i32.const 100) (call $next (i32.const 100) (i32.const 900)))))
  (func (export "on_close")))"#,
        bytes = spec.len()
    );
    wat::parse_str(text).expect("the module is text")
}

#[test]
fn a_guest_alone_has_modules_that_recognize_on_both_hosts() {
    let senses = Senses::new();
    let other = "(if (i32.ne (call $register (i32.const 0) (i32.const 3) (i32.const 96) (i32.const 34)) (i32.const -3))
      (then (return (i32.const -1))))";
    senses.0.write("alone.wasm", recognizing(r#"{"sensor":"heat","module":"knock"}"#, other));
    let module = |text: &str| {
        senses.0.write("home/recognizers/knock.wasm", wat::parse_str(text).expect("the module is text"));
    };
    let grants = "--grant=net.recv_next,events.register_recognizer,events.subscribe";
    let call = |command: &'static str| {
        [command, grants, "--devices", "home/devices.json", "--timeout", "5m", "alone.wasm"]
    };
    // The third reading is an event, and at the fourth one it ends.
    let seen = |number: u32, what: &str| {
        format!("(if (i32.eq (global.get $seen) (i32.const {number})) (then {what}))")
    };
    let event = "(return (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) \
                 (i64.extend_i32_u (local.get $bytes))))";
    module(&format!("{KNOCK} {} {} (i64.const 0)))", seen(3, event), seen(4, "unreachable")));
    let says =
        "the recognizer `knock` of the event `hot` has ended, and emits nothing more: unreachable executed";
    for command in ["run", "boot"] {
        let is_enough = |lines: &[String]| {
            lines.iter().any(|line| line.ends_with(says)) && !objects(lines, "").is_empty()
        };
        let lines = until_said(&senses, &call(command), is_enough);
        let events = objects(&lines, "");
        assert_eq!(events.len(), 1, "{command}: {lines:#?}");
        assert_eq!((&events[0]["sensor"], &events[0]["lost"]), (&"heat".into(), &0.into()), "{command}");
    }
    // Whoever waits until its time is over has not ended by itself.
    for _ in 0..3 {
        let call = ["run", grants, "--devices", "home/devices.json", "--timeout", "300ms", "alone.wasm"];
        senses.0.call("", &call).refuses(3, "its time is over");
    }
    module("(module)");
    for command in ["run", "boot"] {
        let said = senses.0.call("", &call(command));
        assert!(
            said.err.contains("error[recognizer]") && said.err.contains("exports no `memory`"),
            "{}",
            said.err
        );
        assert!(said.err.contains("knock.wasm"), "{}", said.err);
    }
}

#[test]
fn a_module_that_could_do_more_is_refused_before_anything_runs() {
    let import =
        r#"(module (import "sys" "log" (func (param i32 i32) (result i32))) (memory (export "memory") 1))"#;
    for (text, why) in [
        (import, "the recognizer imports `sys.log`"),
        ("(module)", "the module exports no `memory`"),
        (r#"(module (memory (export "memory") 1))"#, "the module exports no `room`"),
        (
            r#"(module (memory (export "memory") 1) (func (export "room") (param i32) (result i32) (i32.const 0))
              (func (export "on_reading") (param i32 i32) (result i32) (i32.const 0)))"#,
            "the export `on_reading` is not a function of type (i32, i32) -> (i64)",
        ),
    ] {
        let senses = Senses::with_module(text);
        let said = senses.call(&["mex", "build"]);
        assert!(said.err.contains("error[recognizer]") && said.err.contains(why), "{}{}", said.out, said.err);
        assert!(said.err.contains("recognizers/knock.wasm"), "{}", said.err);
    }
}

#[test]
fn a_guest_that_is_run_has_the_devices_of_a_file() {
    let senses = Senses::new();
    senses.0.write("both.wasm", recognizing(r#"{"sensor":"heat","when":{"above":90}}"#, ""));
    let grants = "--grant=net.recv_next,events.register_recognizer,events.subscribe";
    let run = ["run", grants, "--devices", "home/devices.json", "both.wasm"];
    let mut command = senses.0.command("", &run);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("it goes on").expect("it is text");
        let event: Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!((&event["event"], &event["sensor"]), (&"hot".into(), &"heat".into()), "{event}");
    }
    // One that waits for readings is interrupted, too.
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(told.is_ok_and(|status| status.success()));
    assert!(!child.wait().expect("it ends").success());
    senses.0.write("home/devices.json", "{");
    senses
        .0
        .call("", &run)
        .refuses(5, "error[devices]: the devices are not described as docs/devices.md says");
}

#[test]
fn what_is_heard_is_played() {
    let senses = Senses::new();
    senses.0.write("home/devices.json", DEVICES.replace("voice.wav", "nothing.wav"));
    senses.call(&["up", "--detach"]).refuses(5, "devices.json: `sound`: the sound cannot be opened");
    senses.0.write("home/devices.json", DEVICES);
    senses.call(&["up", "--detach"]).succeeds();
    senses.until("all of it was heard", |senses| senses.lines("ear") == ["over"]);
    let files: Vec<_> = fs::read_dir(senses.0.path("home/played")).expect("a folder").flatten().collect();
    let [file] = files.as_slice() else { panic!("one file of the ear's: {files:?}") };
    assert!(file.file_name().to_string_lossy().starts_with("senses-ear-"), "{file:?}");
    let played = fs::read(file.path()).expect("it was played");
    let samples = samples();
    assert!(played.ends_with(&samples), "{} of {} bytes", played.len(), samples.len());
}
