//! The call graph: what is reached, and what comes back to itself.

use crate::{FunctionId, Module};
use std::collections::BTreeSet;

/// Who calls whom, by number. A call through a table is a call of the one node behind the functions, which calls every
/// function whose place is a value.
#[derive(Clone, Debug)]
pub struct Graph {
    calls: Vec<Vec<u32>>,
}

impl Graph {
    /// The call graph of a module.
    pub fn new(module: &Module) -> Self {
        let taken = module.functions.len() as u32;
        let mut calls: Vec<Vec<u32>> = module
            .functions
            .iter()
            .map(|function| {
                let own = function.calls.iter().map(|callee| callee.0);
                own.chain(function.calls_taken.then_some(taken)).collect()
            })
            .collect();
        calls.push(module.taken.iter().map(|id| id.0).collect());
        Self { calls }
    }

    /// Whom a node calls.
    pub fn callees(&self, node: u32) -> &[u32] {
        &self.calls[node as usize]
    }

    /// Whether the members of a component come back to themselves.
    pub fn is_cyclic(&self, component: &[u32]) -> bool {
        component.len() > 1 || component.iter().any(|node| self.callees(*node).contains(node))
    }

    /// The graph of some nodes, and the calls among them.
    #[must_use]
    pub fn among(&self, nodes: &[u32]) -> Self {
        let kept: BTreeSet<u32> = nodes.iter().copied().collect();
        let calls = (0..self.calls.len() as u32)
            .map(|node| {
                let own = if kept.contains(&node) { self.callees(node) } else { &[] };
                own.iter().copied().filter(|callee| kept.contains(callee)).collect()
            })
            .collect();
        Self { calls }
    }

    /// Strongly connected components, callees before callers (Tarjan, "Depth-first search and linear graph
    /// algorithms", 1972), iteratively; each ascending.
    pub fn components(&self) -> Vec<Vec<u32>> {
        let mut state = Tarjan::new(self.calls.len());
        let mut path: Vec<(u32, usize)> = Vec::new();
        for root in 0..self.calls.len() as u32 {
            if state.index[root as usize] != UNSEEN {
                continue;
            }
            state.open(root);
            path.push((root, 0));
            while let Some((at, next)) = path.last_mut() {
                let at = *at;
                if let Some(callee) = self.callees(at).get(*next) {
                    *next += 1;
                    if state.index[*callee as usize] == UNSEEN {
                        state.open(*callee);
                        path.push((*callee, 0));
                    } else if state.open[*callee as usize] {
                        state.lower(at, state.index[*callee as usize]);
                    }
                    continue;
                }
                path.pop();
                if let Some((parent, _)) = path.last() {
                    state.lower(*parent, state.low[at as usize]);
                }
                state.close(at);
            }
        }
        state.found
    }

    /// A cycle, each node calling the next, if there is one.
    pub fn cycle(&self) -> Option<Vec<u32>> {
        let component = self.components().into_iter().find(|component| self.is_cyclic(component))?;
        // Every member calls a member: following the first such call comes back to where it has been.
        let mut path = vec![component[0]];
        loop {
            let last = path[path.len() - 1];
            let next = *self.callees(last).iter().find(|callee| component.contains(callee))?;
            if let Some(first) = path.iter().position(|node| *node == next) {
                return Some(path.split_off(first));
            }
            path.push(next);
        }
    }
}

const UNSEEN: u32 = u32::MAX;

struct Tarjan {
    next: u32,
    index: Vec<u32>,
    low: Vec<u32>,
    open: Vec<bool>,
    stack: Vec<u32>,
    found: Vec<Vec<u32>>,
}

impl Tarjan {
    fn new(nodes: usize) -> Self {
        Self {
            next: 0,
            index: vec![UNSEEN; nodes],
            low: vec![0; nodes],
            open: vec![false; nodes],
            stack: Vec::new(),
            found: Vec::new(),
        }
    }

    fn open(&mut self, node: u32) {
        self.index[node as usize] = self.next;
        self.low[node as usize] = self.next;
        self.next += 1;
        self.stack.push(node);
        self.open[node as usize] = true;
    }

    fn lower(&mut self, node: u32, to: u32) {
        let low = &mut self.low[node as usize];
        *low = (*low).min(to);
    }

    fn close(&mut self, node: u32) {
        if self.low[node as usize] != self.index[node as usize] {
            return;
        }
        let mut component = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.open[member as usize] = false;
            component.push(member);
            if member == node {
                break;
            }
        }
        component.sort_unstable();
        self.found.push(component);
    }
}

/// Functions that a module's roots reach, by number: what is compiled.
pub fn reach(module: &Module) -> Vec<bool> {
    let graph = Graph::new(module);
    let mut reached = vec![false; graph.calls.len()];
    let mut queue: Vec<u32> = module.roots.iter().chain(&module.start).map(|id| id.0).collect();
    queue.extend(module.words.iter().map(|word| word.function.0));
    while let Some(node) = queue.pop() {
        if !std::mem::replace(&mut reached[node as usize], true) {
            queue.extend(graph.callees(node));
        }
    }
    reached.truncate(module.functions.len());
    reached
}

/// Functions that check the stack's depth: those that can come back to themselves.
pub fn checked(module: &Module) -> BTreeSet<FunctionId> {
    let graph = Graph::new(module);
    let functions = module.functions.len() as u32;
    let components = graph.components();
    let cyclic = components.iter().filter(|component| graph.is_cyclic(component));
    cyclic.flatten().filter(|node| **node < functions).map(|node| FunctionId(*node)).collect()
}
