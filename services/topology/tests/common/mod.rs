//! Applications from texts.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use services_topology::check::{Application, Mode, SpaceFacts, check};
use services_topology::name::Name;
use services_topology::read;
use services_topology::topology::Topology;
use services_topology::violation::Violation;

/// A sample's text.
pub fn sample(name: &str) -> String {
    let path = format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A topology that reads without violations.
pub fn topology(text: &str) -> Topology {
    read::topology(text.as_bytes(), "topology.yaml").unwrap_or_else(|list| panic!("{}", show(&list)))
}

/// A name that is one.
pub fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// What is wrong with a topology, read and checked alone.
pub fn judge(text: &str, mode: Mode) -> Vec<Violation> {
    judge_with(text, None, &BTreeMap::new(), mode)
}

/// What is wrong with a topology, its world, and what is known of its spaces.
pub fn judge_with(
    text: &str,
    world: Option<&str>,
    spaces: &BTreeMap<Name, SpaceFacts>,
    mode: Mode,
) -> Vec<Violation> {
    let world = world.map(|text| read::world(text.as_bytes(), "world/layout.yaml")).transpose();
    match (read::topology(text.as_bytes(), "topology.yaml"), world) {
        (Ok(topology), Ok(world)) => {
            check(Application { topology: &topology, world: world.as_ref(), spaces }, mode)
        }
        (Err(list), _) | (_, Err(list)) => list,
    }
}

/// Violations as they are printed.
pub fn show(list: &[Violation]) -> String {
    list.iter().fold(String::new(), |mut text, violation| {
        let _ = writeln!(text, "{violation}");
        text
    })
}

/// Numbers from a seed (xorshift64*): the same seed, the same texts.
pub struct Random(pub u64);

impl Random {
    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}
