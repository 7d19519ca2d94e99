//! The stack bound: a function's frame and the deepest of what it calls.

use crate::Error;
use compiler_core::{FunctionId, Graph, Module, Recursion};
use std::collections::BTreeMap;

/// Distance of the probes of a large frame: Cranelift's default, a page.
const PROBE_BYTES: u64 = 4096;
/// What lies above the part of a frame that is probed: the return address and the registers that a call keeps.
const PUSHED_BYTES: u64 = 64;

/// Frame bytes of each compiled function, by number.
pub(crate) type Frames = BTreeMap<u32, u64>;

/// Stack bounds of a module.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    bytes: BTreeMap<u32, u64>,
    /// Where depth is checked: what may be used between two checks.
    pub reserve_bytes: u64,
}

impl Bounds {
    /// Stack bytes of a function with all that it calls, up to the functions that check the depth.
    pub(crate) fn of(&self, id: FunctionId) -> u64 {
        self.bytes.get(&id.0).copied().unwrap_or_default()
    }
}

/// The stack bounds of a module.
pub(crate) fn bounds(module: &Module, frames: &Frames) -> Result<Bounds, Error> {
    let stack = Stack { module, frames, graph: Graph::new(module) };
    let mut bounds = Bounds::default();
    for component in stack.graph.components() {
        let outside = component
            .iter()
            .flat_map(|node| stack.graph.callees(*node))
            .filter(|callee| component.binary_search(callee).is_err() && !stack.is_checked(**callee))
            .map(|callee| bounds.of(FunctionId(*callee)))
            .max()
            .unwrap_or(0);
        let entered = component.iter().map(|node| stack.entered(*node)).max().unwrap_or(0);
        let probed = component.iter().map(|node| probed(stack.frame(*node))).max().unwrap_or(0);
        // The deepest probe of the last activation lies below all of them.
        let below = outside.max(entered).max(probed);
        if component.iter().any(|node| stack.is_checked(*node)) {
            // Between one check and the next: the callees of one activation. Before the first: its own frame.
            bounds.reserve_bytes = bounds.reserve_bytes.max(below);
            for node in component {
                let own = if stack.is_checked(node) { stack.frame(node) } else { below };
                bounds.bytes.insert(node, own);
            }
            continue;
        }
        let deepest = stack.cycle_bytes(&component)?.saturating_add(below);
        for node in component {
            bounds.bytes.insert(node, deepest);
        }
    }
    Ok(bounds)
}

/// How far below its frame a function touches the stack before it uses it: large frames are probed page by page, and
/// the last probe lies a whole page below the one before.
fn probed(frame: u64) -> u64 {
    if frame < PROBE_BYTES { 0 } else { frame.next_multiple_of(PROBE_BYTES) - frame + PUSHED_BYTES }
}

struct Stack<'m> {
    module: &'m Module,
    frames: &'m Frames,
    graph: Graph,
}

impl Stack<'_> {
    fn frame(&self, node: u32) -> u64 {
        self.frames.get(&node).copied().unwrap_or_default()
    }

    fn is_checked(&self, node: u32) -> bool {
        matches!(&self.module.recursion, Recursion::Checked(checked) if checked.contains(&FunctionId(node)))
    }

    /// What a node's callees use before they check.
    fn entered(&self, node: u32) -> u64 {
        let callees = self.graph.callees(node).iter().filter(|callee| self.is_checked(**callee));
        callees.map(|callee| self.frame(*callee) + probed(self.frame(*callee))).max().unwrap_or(0)
    }

    fn depth(&self, node: u32) -> Option<u32> {
        self.module.functions.get(node as usize).and_then(|function| function.depth)
    }

    /// Stack bytes of functions that call each other, or of one that does not call itself.
    ///
    /// A function with a stated depth n is active at most n times. Between two activations of such functions, and
    /// before the first and behind the last, each of the others is active at most once, provided that no cycle is
    /// among them alone.
    fn cycle_bytes(&self, component: &[u32]) -> Result<u64, Error> {
        let bytes = |nodes: &[u32]| nodes.iter().map(|node| self.frame(*node)).sum::<u64>();
        if !self.graph.is_cyclic(component) {
            return Ok(bytes(component));
        }
        let (stated, others): (Vec<u32>, Vec<u32>) =
            component.iter().copied().partition(|node| self.depth(*node).is_some());
        if let Some(cycle) = self.graph.among(&others).cycle() {
            let name = |node: &u32| self.module.functions[*node as usize].name.clone();
            return Err(Error::Recursion { cycle: cycle.iter().map(name).collect() });
        }
        let depths = stated.iter().map(|node| (*node, u64::from(self.depth(*node).unwrap_or(0))));
        let (turns, deepest) = depths.fold((0u64, 0u64), |(turns, sum), (node, depth)| {
            (turns + depth, sum.saturating_add(self.frame(node).saturating_mul(depth)))
        });
        Ok(deepest.saturating_add(bytes(&others).saturating_mul(turns + 1)))
    }
}
