//! An application of spaces that nothing joins, each with what it may use, and the parent that runs it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use super::Place;
use super::house::PATIENCE;
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Waits for what never comes.
pub const IDLE: &str = r#"(module (memory (export "memory") 1)
  (func (export "on_init")) (func (export "on_process")) (func (export "on_close")))"#;

/// An application of spaces, and the parent that is gone with it.
pub struct Crowd(pub Place);

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

impl Crowd {
    /// An application of spaces: their names, their modules, and what they may use.
    pub fn new(spaces: &[(String, &str, &str)]) -> Self {
        let house = Self(Place::new());
        let mut manifest = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: quota\n  version: 1.0.0\n  publisher: \
                            tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n"
            .to_owned();
        let mut topology =
            "apiVersion: samoza/v1\nkind: Topology\nmetadata:\n  name: quota\nspaces:\n".to_owned();
        for (name, module, resources) in spaces {
            let of = format!("app/spaces/{name}");
            let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name:";
            house.0.write(
                &format!("{of}/space.yaml"),
                format!("{head} {name}\ntype: DATA\npersistence: {{}}\n"),
            );
            house.0.write(&format!("{of}/core.wasm"), wat::parse_str(module).expect("the module is text"));
            writeln!(manifest, "    - {name}").expect("a string takes it");
            writeln!(
                topology,
                "  - name: {name}\n    type: DATA\n    capabilities: [data.read, data.write, sys.log, sys.sleep, net.emit_to, \
                 net.recv_next]\n    restart:\n      policy: never"
            )
            .expect("a string takes it");
            if !resources.is_empty() {
                writeln!(topology, "    placement:\n      resources:\n        {resources}")
                    .expect("a string takes it");
            }
        }
        house.0.write("app/manifest.yaml", manifest);
        house.0.write("app/topology.yaml", topology);
        house
    }

    /// The application as `space ps` tells it.
    pub fn application(&self) -> Value {
        self.0.application("app")
    }

    /// A space of it.
    pub fn space(&self, name: &str) -> Value {
        let spaces = self.application()["spaces"].as_array().cloned().unwrap_or_default();
        spaces.into_iter().find(|space| space["name"] == name).unwrap_or_default()
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "not in time: {what}\n{}", self.0.call("app", &["status"]).out);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How often the witness sent itself a message.
    pub fn sent(&self) -> u64 {
        let witness = self.space("witness");
        let uses = witness["capabilities"].as_array().expect("capabilities").iter();
        let mut sent = uses.filter(|one| one["name"] == "net.emit_to");
        sent.next().and_then(|one| one["used"].as_u64()).expect("it is counted")
    }
}
