//! Values that no image and no stack can hold.

use crate::graph;
use crate::initial::Target;
use crate::unit::Unit;
use compiler_mir::ir::TypeId;
use compiler_mir::layout;
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use sci::limits::{IMAGE_BYTES_MAX, SLAB_IMAGE_BYTES_MAX, STACK_BYTES_MAX};
use std::collections::BTreeSet;

/// Checks the locals, state and constants of the unit's program.
pub(crate) fn check(unit: &mut Unit<'_>) {
    let mut diagnostics = Vec::new();
    let mut measure = |ty: TypeId, span: Span, most: u64, what: &str, help: &str| {
        let bytes = layout::of(&unit.program, ty).size;
        if bytes > most {
            let message = format!("this takes {bytes} bytes; {what} has at most {most}");
            diagnostics.push(Diagnostic::error("too-large", span, message).help(help));
        }
        bytes > most
    };
    let entry = unit.program.component.iter().map(|component| component.main);
    let tests = unit.program.tests.iter().map(|(_, function)| *function);
    let running: BTreeSet<_> = entry.chain(tests).flat_map(|from| graph::reached(unit, from)).collect();
    for function in running.iter().map(|id| &unit.program.functions[id.index()]) {
        for local in &function.locals {
            // One is enough: the temporaries of the same value are as large.
            let help = "keep it in state, or work on a part at a time";
            if measure(local.ty, local.span, STACK_BYTES_MAX, "a stack", help) {
                break;
            }
        }
    }
    for global in &unit.program.globals {
        let help = "use fewer elements, or ask for memory at run time";
        measure(global.ty, global.span, SLAB_IMAGE_BYTES_MAX, "a component's state", help);
    }
    for (target, function, span) in &unit.initials {
        if let Target::Constant(_) = target {
            let ty = unit.program.functions[function.index()].returns;
            measure(ty, *span, IMAGE_BYTES_MAX, "an image", "compute it at run time");
        }
    }
    unit.diagnostics.extend(diagnostics);
}
