//! The stack bound: a function's frame and the deepest of what it calls.

use crate::Error;
use compiler_mir::ir::{FunctionId, Program};
use std::collections::{BTreeMap, BTreeSet};

/// Frame bytes and callees of each function.
pub(crate) type Frames = BTreeMap<FunctionId, (u64, BTreeSet<FunctionId>)>;

/// Stack bytes of each function with all that it calls. A cycle through a function with `@depth(n)` counts n times.
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
        let own: u64 = component.iter().map(|id| frames[id].0).sum();
        let first = component[0];
        let cyclic = component.len() > 1 || frames[&first].1.contains(&first);
        let bytes = if cyclic {
            let depth = component.iter().filter_map(|id| program.functions[id.index()].depth).max();
            let depth = depth.ok_or_else(|| Error::Recursion {
                function: program.functions[first.index()].name.clone(),
            })?;
            own * u64::from(depth) + outside
        } else {
            own + outside
        };
        for id in component {
            bounds.insert(id, bytes);
        }
    }
    Ok(bounds)
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
