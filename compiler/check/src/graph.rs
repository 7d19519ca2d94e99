//! Facts over the whole call graph: authority, determinism, recursion.

use crate::unit::Unit;
use compiler_mir::ir::{CapabilityId, Determinism, FunctionId, Statement};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One use of a right: where, in which function.
#[derive(Clone, Copy, Debug)]
struct Use {
    function: FunctionId,
    span: Span,
}

/// The call graph of a program, walked from its main function.
struct Walk {
    /// Reached functions, with the caller through which each was first reached.
    parents: BTreeMap<FunctionId, Option<FunctionId>>,
}

fn callees(unit: &Unit<'_>, function: FunctionId) -> Vec<(FunctionId, Span)> {
    let function = &unit.program.functions[function.index()];
    let statements = function.blocks.iter().flat_map(|block| &block.statements);
    statements
        .filter_map(|(statement, span)| match statement {
            Statement::Call { function, .. } => Some((*function, *span)),
            _ => None,
        })
        .collect()
}

fn walk(unit: &Unit<'_>, from: FunctionId) -> Walk {
    let mut parents = BTreeMap::from([(from, None)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        for (callee, _) in callees(unit, at) {
            parents.entry(callee).or_insert_with(|| {
                queue.push_back(callee);
                Some(at)
            });
        }
    }
    Walk { parents }
}

/// What a function may call, itself included.
pub(crate) fn reached(unit: &Unit<'_>, from: FunctionId) -> Vec<FunctionId> {
    walk(unit, from).parents.into_keys().collect()
}

impl Walk {
    /// The calls from the component's entry to a function, as names.
    fn steps(&self, unit: &Unit<'_>, to: FunctionId) -> Vec<(String, Span)> {
        let mut steps = Vec::new();
        let mut at = Some(to);
        while let Some(function) = at {
            let declared = &unit.program.functions[function.index()];
            if declared.name != "main" {
                steps.push((declared.name.clone(), declared.span));
            }
            at = self.parents.get(&function).copied().flatten();
        }
        steps.reverse();
        steps
    }
}

fn uses(unit: &Unit<'_>, reached: &Walk) -> BTreeMap<(CapabilityId, u8), Use> {
    let mut found = BTreeMap::new();
    for function in reached.parents.keys() {
        let blocks = &unit.program.functions[function.index()].blocks;
        for (statement, span) in blocks.iter().flat_map(|block| &block.statements) {
            let (Statement::System { authority: Some(right), .. }
            | Statement::Invoke { authority: Some(right), .. }) = statement
            else {
                continue;
            };
            if let Some(slot) = right.capability {
                found.entry((slot, right.method)).or_insert(Use { function: *function, span: *span });
            }
        }
    }
    for (function, slot, method, span) in &unit.inline_uses {
        if reached.parents.contains_key(function) {
            found.entry((*slot, *method)).or_insert(Use { function: *function, span: *span });
        }
    }
    found
}

/// Computes the rights that reachable code uses; more than declared is an error, less a warning.
pub(crate) fn authority(unit: &mut Unit<'_>, component: u32) {
    let world = unit.world;
    let def = &world.components[component as usize];
    let Some(main) = unit.program.component.as_ref().map(|component| component.main) else { return };
    let reached = walk(unit, main);
    let found = uses(unit, &reached);
    let mut used = vec![0u64; def.capabilities.len()];
    let deterministic = def.facts.deterministic == Determinism::Yes;
    for ((slot, method), place) in &found {
        let capability = &def.capabilities[slot.index()];
        let interface = &world.interfaces[capability.interface as usize];
        let name = &interface.methods[*method as usize].name;
        used[slot.index()] |= 1 << method;
        let steps = reached.steps(unit, place.function);
        let path = steps.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" → ");
        let method_name = name.clone();
        unit.uses.push(crate::RightUse {
            capability: slot.0,
            method: method_name,
            path: steps,
            span: place.span,
        });
        if capability.declared >> method & 1 == 0 {
            let mut rights = interface.names(capability.declared);
            if !rights.is_empty() {
                rights.push_str(", ");
            }
            rights.push_str(name);
            unit.report(
                Diagnostic::error(
                    "undeclared-use",
                    place.span,
                    format!("`{}.{name}` is used and not declared", capability.name),
                )
                .here(format!("reached by {path} → {}.{name}", capability.name))
                .also(capability.rights_span, "the rights that the component declares")
                .help(format!(
                    "declare it: `{}: {}({rights})`, or do not call it",
                    capability.name, interface.name
                ))
                .edit(capability.rights_span, rights),
            );
        }
        if deterministic && interface.methods[*method as usize].nondeterministic {
            unit.report(
                Diagnostic::error(
                    "nondeterministic-use",
                    place.span,
                    format!("`{}.{name}` does not depend on the inputs alone", capability.name),
                )
                .here(format!("reached by {path} → {}.{name}", capability.name))
                .help("remove `deterministic true`, or do without this method"),
            );
        }
    }
    if unit
        .diagnostics
        .iter()
        .all(|diagnostic| diagnostic.severity != compiler_syntax::diagnostic::Severity::Error)
    {
        for (capability, used) in def.capabilities.iter().zip(&used) {
            unused(unit, capability, *used);
        }
    }
    if let Some(component) = &mut unit.program.component {
        for (capability, used) in component.capabilities.iter_mut().zip(used) {
            capability.used = used;
        }
    }
}

fn unused(unit: &mut Unit<'_>, capability: &crate::world::CapabilityDef, used: u64) {
    let interface = &unit.world.interfaces[capability.interface as usize];
    let spare = capability.declared & !used;
    if used == 0 {
        unit.report(
            Diagnostic::warning(
                "unused-capability",
                capability.span,
                format!("`{}` is never used", capability.name),
            )
            .help("remove the line; the image will not ask for it"),
        );
    } else if spare != 0 {
        let (spare, rest) = (interface.names(spare), interface.names(used));
        unit.report(
            Diagnostic::warning(
                "unused-right",
                capability.rights_span,
                format!("`{}` declares {spare}, which nothing uses", capability.name),
            )
            .help(format!("narrow it to ({rest})"))
            .edit(capability.rights_span, rest),
        );
    }
}

/// Recursion has no stack bound unless every cycle has a function with `@depth`.
pub(crate) fn recursion(unit: &mut Unit<'_>) {
    let count = unit.program.functions.len();
    let mut done: BTreeSet<FunctionId> = BTreeSet::new();
    let mut reported: BTreeSet<FunctionId> = BTreeSet::new();
    for root in 0..count as u32 {
        // Iterative depth-first search; `path` holds the functions that are open, with the callees left to try.
        let root = FunctionId(root);
        if done.contains(&root) || bounded(unit, root) {
            continue;
        }
        let mut path: Vec<(FunctionId, Vec<(FunctionId, Span)>)> = vec![(root, callees(unit, root))];
        while let Some((at, rest)) = path.last_mut() {
            let at = *at;
            let Some((callee, span)) = rest.pop() else {
                done.insert(at);
                path.pop();
                continue;
            };
            if let Some(from) = path.iter().position(|(open, _)| *open == callee) {
                let cycle: Vec<FunctionId> = path[from..].iter().map(|(function, _)| *function).collect();
                cycle_found(unit, &cycle, span, &mut reported);
            } else if !done.contains(&callee) && !bounded(unit, callee) {
                let next = callees(unit, callee);
                path.push((callee, next));
            }
        }
    }
}

/// A cycle through such a function ends; one around it does not.
fn bounded(unit: &Unit<'_>, function: FunctionId) -> bool {
    unit.program.functions[function.index()].depth.is_some()
}

fn cycle_found(unit: &mut Unit<'_>, cycle: &[FunctionId], span: Span, reported: &mut BTreeSet<FunctionId>) {
    if !reported.insert(cycle[0]) {
        return;
    }
    let mut names: Vec<&str> =
        cycle.iter().map(|function| unit.program.functions[function.index()].name.as_str()).collect();
    names.push(names[0]);
    let path = names.join(" → ");
    let declared = unit.program.functions[cycle[0].index()].span;
    unit.report(
        Diagnostic::error("recursion", span, "the recursion has no bound, so the stack has none")
            .here(format!("{path} comes back here"))
            .also(declared, "the cycle begins here")
            .help("write `@depth(n)` before the function, or use a loop"),
    );
}
