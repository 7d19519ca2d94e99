//! State: its types, and the bytes it starts with.

use crate::body::Body;
use crate::ty::Ty;
use crate::types::Scope;
use crate::unit::Unit;
use compiler_mir::interpret::{self, Stop};
use compiler_mir::ir::{FunctionId, GlobalId};
use compiler_syntax::diagnostic::Diagnostic;

/// Steps that an initial value may take.
const FUEL: u64 = 50_000_000;

/// Finds the type of each state variable of a package, before any body needs it.
pub(crate) fn types_of_state(unit: &mut Unit<'_>, package: u32) {
    let world = unit.world;
    for (at, state) in world.states.iter().enumerate().filter(|(_, state)| state.package == package) {
        let at = at as u32;
        let ty = if let Some(ty) = &state.ty {
            Scope { world, package, diagnostics: &mut unit.diagnostics }.resolve(ty)
        } else {
            let id = unit.reserve(&format!("type of {}", state.name), state.span);
            let before = unit.diagnostics.len();
            let mut body = Body::new(unit, package, id, &Ty::Unit);
            let ty = body.expr(&state.value, None).ty;
            body.finish(None);
            // The same errors come again where the value itself is lowered.
            unit.diagnostics.truncate(before);
            ty
        };
        if ty.holds_view() {
            unit.report(
                Diagnostic::error("view-in-state", state.span, "state cannot hold a view")
                    .help("hold the bytes in an array, and the length beside it"),
            );
        }
        unit.state_types.insert(at, ty.clone());
        let global = unit.global(at, &ty);
        lower_initial(unit, at, &ty, global);
    }
}

fn lower_initial(unit: &mut Unit<'_>, at: u32, ty: &Ty, global: GlobalId) {
    let state = &unit.world.states[at as usize];
    let id = unit.reserve(&format!("initial {}", state.name), state.span);
    let mut body = Body::new(unit, state.package, id, ty);
    body.result_local();
    body.initial_value(&state.value, ty);
    body.finish(None);
    unit.initials.push((global, id, state.value.span));
}

/// Runs the initial values of a checked package's state.
pub(crate) fn state(unit: &mut Unit<'_>, _package: u32) {
    let initials = std::mem::take(&mut unit.initials);
    for (global, function, span) in initials {
        match bytes(unit, function) {
            Ok(bytes) => {
                if bytes.iter().any(|byte| *byte != 0) {
                    unit.program.globals[global.index()].initial = bytes;
                }
            }
            Err(stop) => {
                let why = match stop {
                    Stop::Trap { fault, .. } => format!("it stops with `{}`", fault.name()),
                    Stop::Fuel => "it takes too long".to_owned(),
                    Stop::Depth => "it recurses too deep".to_owned(),
                    Stop::Refused { what } => format!("it needs {what}, which only a running component has"),
                };
                unit.report(
                    Diagnostic::error(
                        "initial-value",
                        span,
                        format!("the initial value cannot be computed: {why}"),
                    )
                    .help("use literals, constants and pure functions; do the rest in `start`"),
                );
            }
        }
    }
}

fn bytes(unit: &Unit<'_>, function: FunctionId) -> Result<Vec<u8>, Stop> {
    interpret::evaluate(&unit.program, function, FUEL)
}
