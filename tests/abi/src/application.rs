//! An application whose spaces have the cases, one of each type, and those that they need beside them.

use crate::Setting;
use crate::cases::{self, RECORDS, SERVICES, TAPE, cases};
use crate::script::Script;
use crate::text::Begins;
use sci::guest::SpaceType;
use std::fmt::Write as _;

/// The spaces that have cases, by name.
pub const SPACES: [(&str, SpaceType); 4] =
    [("io", SpaceType::Io), ("data", SpaceType::Data), ("chat", SpaceType::Chat), ("call", SpaceType::Call)];

/// What a machine has that runs it: a sensor whose readings end, and sound.
pub const DEVICES: &str = r#"{
  "sensors": [{"id": "tape", "type": "temperature", "replayed": {"file": "tape.jsonl"}}],
  "sound": {"channels": 2, "rate": 100}
}"#;

/// Locks the crane, and tells the others to begin.
const STARTER: &str = r#"(module
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (import "actuators" "lock" (func $lock (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "iodatachatcallcranego")
  (func $tell (param $path i32) (param $letters i32)
    (drop (call $emit (local.get $path) (local.get $letters) (i32.const 19) (i32.const 2))))
  (func (export "on_init")
    (drop (call $lock (i32.const 14) (i32.const 5) (i32.const 60000)))
    (call $tell (i32.const 0) (i32.const 2))
    (call $tell (i32.const 2) (i32.const 4))
    (call $tell (i32.const 6) (i32.const 4))
    (call $tell (i32.const 10) (i32.const 4)))
  (func (export "on_process"))
  (func (export "on_close")))"#;

/// Answers with what it hears.
const ECHO: &str = r#"(module
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "@sender")
  (func (export "on_init"))
  (func (export "on_process")
    (drop (call $emit (i32.const 0) (i32.const 7) (i32.const 64)
      (call $next (i32.const 64) (i32.const 65536)))))
  (func (export "on_close")))"#;

/// Takes nothing.
const DEAF: &str =
    r#"(module (func (export "on_init")) (func (export "on_process")) (func (export "on_close")))"#;

/// The other spaces: name, type, capabilities, module.
const OTHERS: [(&str, &str, &str, &str); 3] = [
    ("starter", "IO", "net.emit_to, actuators.lock", STARTER),
    ("echo", "DATA", "net.emit_to, net.recv_next", ECHO),
    ("deaf", "DATA", "net.recv_next", DEAF),
];

const SENSORS: &str = "sensors:
  - id: oven
    type: temperature
    x-simulated: {shape: ramp, range: [0, 100], period: 1s, every: 100ms, seed: 1}
  - id: tape
    type: temperature
";

const PATHS: &str = "paths:
  - {from: starter, to: io, name: io}
  - {from: starter, to: data, name: data}
  - {from: starter, to: chat, name: chat}
  - {from: starter, to: call, name: call}
  - {from: io, to: echo, name: words}
  - {from: io, to: deaf, name: full}
  - {from: io, to: deaf, name: more}
";

/// What a space of the application does.
pub fn script(setting: Setting, kind: SpaceType) -> Script<'static> {
    cases(setting, Some(kind))
}

fn own(name: &str, kind: &str) -> String {
    let crane = "  - id: crane\n    type: crane\n    x-simulated: true\n";
    let rest = match (name, kind) {
        ("io", _) => format!(
            "events: [done, hot]\n{SENSORS}actuators:\n  - id: valve\n    type: valve\n    x-simulated: true\n{crane}"
        ),
        ("starter", _) => format!("actuators:\n{crane}"),
        ("chat", _) => "model: small\n".to_owned(),
        ("call", _) => SERVICES.to_owned(),
        _ => "persistence: {}\n".to_owned(),
    };
    format!("apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name: {name}\ntype: {kind}\n{rest}")
}

/// The files of its folder.
pub fn files(setting: Setting) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut manifest = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: cases\n  version: 1.0.0\n  publisher: tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n".to_owned();
    let mut topology =
        "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: cases\nspaces:\n".to_owned();
    let mut space = |name: &str, kind: &str, capabilities: &str, module: Vec<u8>| {
        files.push((format!("spaces/{name}/core.wasm"), module));
        files.push((format!("spaces/{name}/space.yaml"), own(name, kind).into_bytes()));
        let _ = writeln!(manifest, "    - {name}");
        let _ = writeln!(
            topology,
            "  - name: {name}\n    type: {kind}\n    capabilities: [{capabilities}]\n    restart:\n      policy: never"
        );
    };
    for (name, kind) in SPACES {
        let script = script(setting, kind);
        space(name, kind.name(), &script.capabilities().join(", "), script.module(Begins::WhenTold));
    }
    for (name, kind, capabilities, text) in OTHERS {
        space(name, kind, capabilities, crate::text::module(text));
    }
    topology.push_str(PATHS);
    topology.push_str(&cases::together());
    files.push(("spaces/chat/assets/answers.jsonl".to_owned(), RECORDS.into()));
    files.push(("manifest.yaml".to_owned(), manifest.into_bytes()));
    files.push(("topology.yaml".to_owned(), topology.into_bytes()));
    files
}

/// The module of a guest that does everything by itself.
pub fn alone(setting: Setting) -> (Script<'static>, Vec<u8>) {
    let script = cases(setting, None);
    let module = script.module(Begins::ByItself);
    (script, module)
}

/// The files that describe the devices of a machine: for a guest that is alone, or the application.
pub fn devices(setting: Setting) -> [(&'static str, &'static str); 2] {
    let devices = if setting.is_together { DEVICES } else { cases::DEVICES };
    [("devices.json", devices), ("tape.jsonl", TAPE)]
}

/// The files that describe what a guest may invoke that is alone.
pub fn agents() -> [(&'static str, String); 2] {
    [("agents.yaml", cases::alone()), ("answers.jsonl", RECORDS.to_owned())]
}
