//! The stack bound: a function's frame and the deepest of what it calls.

use crate::Error;
use compiler_mir::ir::{FunctionId, Program};
use std::collections::{BTreeMap, BTreeSet};

/// Distance of the probes of a large frame: Cranelift's default, a page.
const PROBE_BYTES: u64 = 4096;
/// What lies above the part of a frame that is probed: the return address and the registers that a call keeps.
const PUSHED_BYTES: u64 = 64;

/// Frame bytes and callees of each function.
pub(crate) type Frames = BTreeMap<FunctionId, (u64, BTreeSet<FunctionId>)>;

/// Stack bytes of each function with all that it calls.
pub(crate) fn bounds(program: &Program, frames: &Frames) -> Result<BTreeMap<FunctionId, u64>, Error> {
    let mut bounds: BTreeMap<FunctionId, u64> = BTreeMap::new();
    for component in components(frames) {
        let outside = component
            .iter()
            .flat_map(|id| &frames[id].1)
            .filter(|callee| !component.contains(callee))
            .filter_map(|callee| bounds.get(callee))
            .copied()
            .max()
            .unwrap_or(0);
        let own = cycle_bytes(program, frames, &component)?;
        let probed = component.iter().map(|id| probed(frames[id].0)).max().unwrap_or(0);
        // The deepest probe of the last activation lies below all of them.
        let deepest = own.saturating_add(outside.max(probed));
        for id in component {
            bounds.insert(id, deepest);
        }
    }
    Ok(bounds)
}

/// How far below its frame a function touches the stack before it uses it: large frames are probed page by page, and
/// the last probe lies a whole page below the one before.
fn probed(frame: u64) -> u64 {
    if frame < PROBE_BYTES { 0 } else { frame.next_multiple_of(PROBE_BYTES) - frame + PUSHED_BYTES }
}

/// Stack bytes of functions that call each other, or of one that does not call itself.
///
/// A function with `@depth(n)` is active at most n times. Between two activations of such functions, and before the
/// first and behind the last, each of the others is active at most once, provided that no cycle is among them alone.
fn cycle_bytes(program: &Program, frames: &Frames, component: &[FunctionId]) -> Result<u64, Error> {
    let depth = |id: &FunctionId| program.functions[id.index()].depth;
    let (stated, others): (Vec<FunctionId>, Vec<FunctionId>) =
        component.iter().copied().partition(|id| depth(id).is_some());
    let among: Frames = others
        .iter()
        .map(|id| {
            let callees = frames[id].1.iter().filter(|callee| others.contains(callee)).copied().collect();
            (*id, (frames[id].0, callees))
        })
        .collect();
    if let Some(cycle) = cycle_among(&among) {
        let name = |id: &FunctionId| program.functions[id.index()].name.clone();
        return Err(Error::Recursion { cycle: cycle.iter().map(name).collect() });
    }
    let bytes = |ids: &[FunctionId]| ids.iter().map(|id| frames[id].0).sum::<u64>();
    if component.len() == 1 && !frames[&component[0]].1.contains(&component[0]) {
        return Ok(bytes(component));
    }
    let turns: u64 = stated.iter().filter_map(depth).map(u64::from).sum();
    let deepest = stated.iter().fold(0, |sum: u64, id| {
        sum.saturating_add(frames[id].0.saturating_mul(u64::from(depth(id).unwrap_or(0))))
    });
    Ok(deepest.saturating_add(bytes(&others).saturating_mul(turns + 1)))
}

/// A cycle, each function calling the next, if there is one.
fn cycle_among(frames: &Frames) -> Option<Vec<FunctionId>> {
    let component =
        components(frames).into_iter().find(|ids| ids.len() > 1 || frames[&ids[0]].1.contains(&ids[0]))?;
    // Every member calls a member: following the first such call comes back to where it has been.
    let mut path = vec![component[0]];
    loop {
        let last = path[path.len() - 1];
        let next = *frames[&last].1.iter().find(|callee| component.contains(callee))?;
        if let Some(first) = path.iter().position(|id| *id == next) {
            return Some(path.split_off(first));
        }
        path.push(next);
    }
}

/// Strongly connected components, callees before callers (Tarjan, "Depth-first search and linear graph
/// algorithms", 1972), iteratively.
fn components(frames: &Frames) -> Vec<Vec<FunctionId>> {
    let mut state = Tarjan::default();
    for root in frames.keys() {
        if state.index.contains_key(root) {
            continue;
        }
        let mut path: Vec<(FunctionId, Vec<FunctionId>)> = Vec::new();
        state.open(*root);
        path.push((*root, frames[root].1.iter().copied().collect()));
        while let Some((at, rest)) = path.last_mut() {
            let at = *at;
            if let Some(callee) = rest.pop() {
                if !frames.contains_key(&callee) {
                    continue;
                }
                if !state.index.contains_key(&callee) {
                    state.open(callee);
                    path.push((callee, frames[&callee].1.iter().copied().collect()));
                } else if state.on_stack.contains(&callee) {
                    let low = state.low[&at].min(state.index[&callee]);
                    state.low.insert(at, low);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                let low = state.low[parent].min(state.low[&at]);
                state.low.insert(*parent, low);
            }
            state.close(at);
        }
    }
    state.found
}

#[derive(Default)]
struct Tarjan {
    index: BTreeMap<FunctionId, u32>,
    low: BTreeMap<FunctionId, u32>,
    stack: Vec<FunctionId>,
    on_stack: BTreeSet<FunctionId>,
    found: Vec<Vec<FunctionId>>,
}

impl Tarjan {
    fn open(&mut self, id: FunctionId) {
        let next = self.index.len() as u32;
        self.index.insert(id, next);
        self.low.insert(id, next);
        self.stack.push(id);
        self.on_stack.insert(id);
    }

    fn close(&mut self, id: FunctionId) {
        if self.low[&id] != self.index[&id] {
            return;
        }
        let mut component = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.on_stack.remove(&member);
            component.push(member);
            if member == id {
                break;
            }
        }
        component.sort_unstable();
        self.found.push(component);
    }
}
