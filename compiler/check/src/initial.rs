//! What is computed before the program runs: the bytes that state starts with, and constants.

use crate::body::Body;
use crate::graph;
use crate::ty::Ty;
use crate::types::Scope;
use crate::unit::Unit;
use compiler_mir::interpret::{self, Stop};
use compiler_mir::ir::{DataId, FunctionId, GlobalId};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::Expr;

/// Steps that an initial value may take.
const FUEL: u64 = 50_000_000;

/// What a computed value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    State(GlobalId),
    Constant(DataId),
}

/// What a value is for, the function that computes it, and where it stands.
pub(crate) type Initial = (Target, FunctionId, Span);

/// Finds the type of a state variable and lowers its initial value.
pub(crate) fn state(unit: &mut Unit<'_>, at: u32) -> Ty {
    let world = unit.world;
    let state = &world.states[at as usize];
    if unit.states_open.contains(&at) {
        unit.report(
            Diagnostic::error(
                "constant-cycle",
                state.span,
                "this variable's initial value depends on itself",
            )
            .help("give one of them a value of its own"),
        );
        return Ty::Error;
    }
    if unit.states_open.len() == crate::constants::DEPTH_MAX as usize {
        unit.constants_too_deep.get_or_insert(state.value.span);
        return Ty::Error;
    }
    unit.states_open.push(at);
    let ty = if let Some(ty) = &state.ty {
        Scope { world, package: state.package, diagnostics: &mut unit.diagnostics }.resolve(ty)
    } else {
        inferred(unit, state.package, &state.name, &state.value)
    };
    if ty.holds_view() {
        unit.report(
            Diagnostic::error("view-in-state", state.span, "state cannot hold a view")
                .help("hold the bytes in an array, and the length beside it"),
        );
    }
    unit.state_types.insert(at, ty.clone());
    let global = unit.global(at, &ty);
    let name = format!("initial {}", state.name);
    lower(unit, state.package, &name, &state.value, &ty, Target::State(global));
    unit.states_open.pop();
    ty
}

/// The type of a value that states none.
pub(crate) fn inferred(unit: &mut Unit<'_>, package: u32, name: &str, value: &Expr) -> Ty {
    let id = unit.reserve(&format!("type of {name}"), value.span);
    let before = unit.diagnostics.len();
    let mut body = Body::new(unit, package, id, &Ty::Unit);
    let ty = body.expr(value, None).ty;
    body.finish(None);
    // The same errors come again where the value itself is lowered.
    unit.diagnostics.truncate(before);
    ty
}

/// Read-only data for a constant, and the function that computes it.
pub(crate) fn constant(unit: &mut Unit<'_>, package: u32, name: &str, value: &Expr, ty: &Ty) -> DataId {
    let id = unit.type_id(ty);
    let layout = compiler_mir::layout::of(&unit.program, id);
    // What no image can hold is refused before it is computed.
    let bytes = if layout.size > sci::limits::IMAGE_BYTES_MAX { 0 } else { layout.size as usize };
    let data = unit.data(vec![0; bytes], layout.align as u32);
    lower(unit, package, name, value, ty, Target::Constant(data));
    data
}

fn lower(unit: &mut Unit<'_>, package: u32, name: &str, value: &Expr, ty: &Ty, target: Target) {
    let id = unit.reserve(name, value.span);
    let mut body = Body::new(unit, package, id, ty);
    body.result_local();
    body.initial_value(value, ty);
    body.finish(None);
    unit.initials.push((target, id, value.span));
}

/// Computes initial values and constants of a checked package, each after those that it reads.
pub(crate) fn compute(unit: &mut Unit<'_>) {
    let initials = ordered(unit);
    for (target, function, span) in initials {
        match bytes(unit, function) {
            Ok(bytes) => match target {
                Target::State(global) if bytes.iter().any(|byte| *byte != 0) => {
                    unit.program.globals[global.index()].initial = bytes;
                }
                Target::State(_) => {}
                Target::Constant(data) => unit.program.data[data.index()].bytes = bytes,
            },
            Err(stop) => {
                let why = match stop {
                    Stop::Trap { fault, .. } => format!("it stops with `{}`", fault.name()),
                    Stop::Fuel => "it takes too long".to_owned(),
                    Stop::Depth => "it recurses too deep".to_owned(),
                    Stop::Refused { what } => format!("it needs {what}"),
                };
                unit.report(
                    Diagnostic::error("initial-value", span, format!("the value cannot be computed: {why}"))
                        .help("use literals, constants and pure functions; do the rest in `start`"),
                );
            }
        }
    }
}

/// What is to be computed, what others read first; what reads itself is refused.
fn ordered(unit: &mut Unit<'_>) -> Vec<Initial> {
    let initials = std::mem::take(&mut unit.initials);
    let reads: Vec<Vec<usize>> = initials
        .iter()
        .map(|(_, function, _)| {
            let reached = graph::reached(unit, *function);
            let read = |target: &Target| {
                reached.iter().any(|function| unit.initial_uses.contains(&(*function, *target)))
            };
            (0..initials.len()).filter(|at| read(&initials[*at].0)).collect()
        })
        .collect();
    let mut done = vec![false; initials.len()];
    let mut order = Vec::new();
    // Each round takes what reads only what is there.
    while order.len() < initials.len() {
        let ready: Vec<usize> = (0..initials.len())
            .filter(|at| !done[*at] && reads[*at].iter().all(|read| done[*read]))
            .collect();
        let Some(first) = ready.first() else {
            let at = done.iter().position(|done| !done).unwrap_or(0);
            unit.report(cycle(initials[at].2));
            return Vec::new();
        };
        done[*first] = true;
        order.push(initials[*first]);
    }
    order
}

fn cycle(span: Span) -> Diagnostic {
    Diagnostic::error("constant-cycle", span, "this value depends on itself")
        .help("give one of them a value of its own")
}

fn bytes(unit: &Unit<'_>, function: FunctionId) -> Result<Vec<u8>, Stop> {
    interpret::evaluate(&unit.program, function, FUEL)
}
