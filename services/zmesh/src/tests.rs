//! Tests of the mesh as a whole.

mod audit;
mod day;
mod disk;
mod events;
mod journal;
mod local;
mod random;
mod remote;
mod resolution;
mod simulation;

use crate::*;
use alloc::string::String;
use alloc::vec::Vec;

const SECOND: u64 = 1_000_000_000;

fn at(monotonic: u64) -> Time {
    Time { monotonic, realtime: monotonic + 1_000 * SECOND }
}

fn a(space: &str) -> Instance<'_> {
    Instance { space, number: 1 }
}

fn path(from: &str, name: &str, to: &str) -> PathDeclaration {
    PathDeclaration { from: from.into(), name: name.into(), to: to.into(), rules: PathRules::default() }
}

/// Paths, and the spaces that they name.
fn declaration(paths: &[(&str, &str, &str)]) -> Declaration {
    let mut spaces: Vec<String> =
        paths.iter().flat_map(|(from, _, to)| [(*from).into(), (*to).into()]).collect();
    spaces.sort();
    spaces.dedup();
    Declaration {
        revision: 0,
        spaces,
        paths: paths.iter().map(|(from, name, to)| path(from, name, to)).collect(),
        events: Vec::new(),
    }
}

/// A mesh with everything on this host and started once.
fn running(declaration: &Declaration) -> Mesh {
    let mut mesh = Mesh::new("app", "here", 1).unwrap();
    mesh.declare(declaration, at(0)).unwrap();
    for space in &declaration.spaces {
        mesh.start(a(space), at(0)).unwrap();
    }
    mesh
}

fn outputs(mesh: &mut Mesh) -> Vec<Output> {
    core::iter::from_fn(|| mesh.next_output()).collect()
}

fn taken(mesh: &mut Mesh, by: Instance<'_>) -> Option<Vec<u8>> {
    mesh.take(by, usize::MAX, at(0)).ok().map(|message| message.body.to_vec())
}

fn reasons(mesh: &Mesh) -> Vec<Reason> {
    mesh.dead_letters().iter().map(|letter| letter.reason).collect()
}
