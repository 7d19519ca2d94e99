//! What models cost on the nanokernel outlives the machine, where it has a disk. QEMU must be installed.

mod common;

use common::Place;
use serde_json::json;

const HEAD: &str = "apiVersion: samoza/v1\nkind: ";

/// Asks a model once, says what it answered or that it did not, and ends.
const GUEST: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "mem" "take" (func $take (param i32 i32) (result i32)))
  (import "agent" "invoke_llm" (func $model (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "smallHello?error -0")
  (func (export "on_init") (local i32)
    (local.set 0 (call $model (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 6)))
    (if (i32.gt_s (local.get 0) (i32.const 0))
      (then (drop (call $log (i32.const 100) (call $take (i32.const 100) (i32.const 100)))))
      (else
        (i32.store8 (i32.const 19) (i32.sub (i32.const 48) (local.get 0)))
        (drop (call $log (i32.const 11) (i32.const 9)))))
    (call $exit (i32.const 0)))
  (func (export "on_process"))
  (func (export "on_close")))"#;

/// An application whose space may ask twice a day.
fn application(place: &Place) {
    place.write(
        "app/manifest.yaml",
        format!(
            "{HEAD}MEX\nmetadata:\n  name: frugal\n  version: 1.0.0\n  publisher: tests\n  \
             created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n    - brain\n"
        ),
    );
    place.write(
        "app/topology.yaml",
        format!(
            "{HEAD}Topology\nmetadata:\n  name: frugal\nspaces:\n  - name: brain\n    type: CHAT\n    \
             capabilities: [sys.log, agent.invoke_llm]\n    restart:\n      policy: never\nagents:\n  \
             - name: small\n    kind: LLM\n    endpoint: http://recorded.invalid/v1\n    model: small-1\n    \
             retries: 0\n    budget:\n      requests: 2\n"
        ),
    );
    place.write(
        "app/spaces/brain/space.yaml",
        format!("{HEAD}Space\nmetadata:\n  name: brain\ntype: CHAT\nmodel: small\n"),
    );
    let greeting = json!({"model": "small-1", "messages": [{"role": "user", "content": "Hello?"}]});
    let answer = json!({"choices": [{"message": {"content": "Good day."}}]});
    let recorded = json!({"request": {"path": "/v1/chat/completions", "body": greeting}, "answer": answer});
    place.write("app/spaces/brain/assets/answers.jsonl", recorded.to_string());
    place.write("app/spaces/brain/core.wasm", wat::parse_str(GUEST).expect("the module is text"));
}

#[test]
fn what_models_cost_outlives_the_machine() {
    let place = Place::new();
    application(&place);
    let said = |options: &[&str]| {
        let mut all = vec!["boot"];
        all.extend(options);
        all.push("app");
        let out = place.call("", &all).succeeds();
        let line = out.lines().find_map(|line| line.strip_prefix("brain | "));
        line.unwrap_or_else(|| panic!("{out}")).to_owned()
    };
    assert_eq!(said(&[]), "Good day.");
    assert!(place.path("home/machines/frugal.disk").is_file());
    assert_eq!(said(&[]), "Good day.");
    assert_eq!(said(&[]), "error -07", "two a day");
    // Where nothing is kept, each machine begins anew.
    assert_eq!(said(&["--disk", "none"]), "Good day.");
    assert_eq!(said(&[]), "error -07");
}
