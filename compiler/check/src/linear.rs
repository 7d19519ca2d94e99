//! Handles are neither copied nor forgotten: forward dataflow over each function.
//!
//! A local of linear type is *absent*, *present*, or *maybe*, at each point; a move needs it present and makes it
//! absent; leaving the function with one present is an error. Traps are exempt: the kernel takes a dead realm's
//! capabilities back. Follows the Move prover's `locals` pass (Meta, "Move: a language with programmable
//! resources").

use crate::unit::Unit;
use compiler_mir::ir::{
    Argument, Base, Function, FunctionId, Local, LocalKind, Operand, Place, Program, Rvalue, Statement,
    Terminator, Type, TypeId,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
    Maybe,
}

impl State {
    fn join(self, other: Self) -> Self {
        if self == other { self } else { Self::Maybe }
    }
}

/// Checks every function of the unit's program.
pub(crate) fn check(unit: &mut Unit<'_>) {
    let linear = linear_types(&unit.program);
    if !linear.iter().any(|is| *is) {
        return;
    }
    let mut diagnostics = Vec::new();
    for at in 0..unit.program.functions.len() {
        let id = FunctionId(at as u32);
        let function = &unit.program.functions[at];
        let borrowed = |local: Local| unit.borrowed.contains(&(id, local));
        let pass = Pass { program: &unit.program, function, linear: &linear, borrowed: &borrowed };
        diagnostics.extend(pass.run());
    }
    unit.diagnostics.extend(diagnostics);
}

fn linear_types(program: &Program) -> Vec<bool> {
    let mut linear: Vec<bool> = Vec::new();
    for ty in &program.types {
        let of = |id: &TypeId| linear.get(id.index()).copied().unwrap_or(false);
        let is = match ty {
            Type::Handle { .. } => true,
            Type::Array(element, _) => of(element),
            Type::Struct { fields, .. } => fields.iter().any(|(_, ty)| of(ty)),
            Type::Enum { variants, .. } => variants.iter().any(|variant| variant.fields.iter().any(&of)),
            _ => false,
        };
        linear.push(is);
    }
    linear
}

struct Pass<'p> {
    program: &'p Program,
    function: &'p Function,
    linear: &'p [bool],
    borrowed: &'p dyn Fn(Local) -> bool,
}

impl Pass<'_> {
    fn tracked(&self, local: Local) -> bool {
        let declared = &self.function.locals[local.index()];
        self.linear[declared.ty.index()] && declared.kind == LocalKind::Value && !(self.borrowed)(local)
    }

    fn run(&self) -> Vec<Diagnostic> {
        let locals = self.function.locals.len();
        let mut entry: Vec<Option<Vec<State>>> = vec![None; self.function.blocks.len()];
        let first = (0..locals as u32)
            .map(|at| if at < self.function.parameters { State::Present } else { State::Absent })
            .collect();
        entry[0] = Some(first);
        let mut work = vec![0usize];
        while let Some(at) = work.pop() {
            let Some(mut state) = entry[at].clone() else { continue };
            self.block(at, &mut state, &mut None);
            for next in successors(&self.function.blocks[at].end) {
                let joined: Vec<State> = match &entry[next] {
                    None => state.clone(),
                    Some(known) => known.iter().zip(&state).map(|(a, b)| a.join(*b)).collect(),
                };
                if entry[next].as_ref() != Some(&joined) {
                    entry[next] = Some(joined);
                    work.push(next);
                }
            }
        }
        let mut found = Some(Report::default());
        for (at, state) in entry.iter().enumerate() {
            if let Some(state) = state {
                self.block(at, &mut state.clone(), &mut found);
            }
        }
        found.map(|report| report.diagnostics).unwrap_or_default()
    }

    fn block(&self, at: usize, state: &mut [State], report: &mut Option<Report>) {
        let block = &self.function.blocks[at];
        for (statement, span) in &block.statements {
            self.statement(statement, *span, state, report);
        }
        if matches!(block.end, Terminator::Return) {
            for (local, held) in state.iter().enumerate() {
                let local = Local(local as u32);
                if *held != State::Absent && self.tracked(local) && self.function.result != Some(local) {
                    self.forgotten(local, block.end_span, *held, report);
                }
            }
        }
    }

    fn forgotten(&self, local: Local, span: Span, held: State, report: &mut Option<Report>) {
        let Some(report) = report else { return };
        if !report.seen.insert(local) {
            return;
        }
        let declared = &self.function.locals[local.index()];
        let what =
            if declared.name.is_empty() { "the handle".to_owned() } else { format!("`{}`", declared.name) };
        let when = if held == State::Maybe { "on some paths" } else { "here" };
        report.diagnostics.push(
            Diagnostic::error(
                "handle-forgotten",
                declared.span,
                format!("{what} is never given away or closed {when}"),
            )
            .also(span, "the function leaves here")
            .help("`close(…)` it, keep it in state, or return it"),
        );
    }

    fn statement(&self, statement: &Statement, span: Span, state: &mut [State], report: &mut Option<Report>) {
        let read = |operand: &Operand, state: &mut [State], report: &mut Option<Report>| match operand {
            Operand::Move(place) => self.moved(place, span, state, report),
            Operand::Copy(place) => self.looked_at(place, span, state, report),
            Operand::Constant(_) => {}
        };
        match statement {
            Statement::Assign(place, value) => {
                match value {
                    Rvalue::Use(operand)
                    | Rvalue::Truncate(operand, _)
                    | Rvalue::Window(operand)
                    | Rvalue::HandleOf(operand) => read(operand, state, report),
                    Rvalue::Tag(place) => self.looked_at(place, span, state, report),
                    _ => {}
                }
                self.filled(place, state);
            }
            Statement::Zero(place) => emptied(place, state),
            Statement::SetTag(place, _) if place.path.is_empty() => emptied(place, state),
            Statement::Call { destination, arguments, .. } => {
                for argument in arguments {
                    match argument {
                        Argument::Value(operand) => read(operand, state, report),
                        Argument::Reference(place) => self.looked_at(place, span, state, report),
                    }
                }
                if let Some(place) = destination {
                    self.filled(place, state);
                }
            }
            Statement::Invoke { capability, .. } => read(capability, state, report),
            _ => {}
        }
    }

    fn filled(&self, place: &Place, state: &mut [State]) {
        if let Base::Local(local) = place.base
            && self.linear[self.program.place_type(self.function, place).index()]
        {
            state[local.index()] = State::Present;
        }
    }

    fn looked_at(&self, place: &Place, span: Span, state: &[State], report: &mut Option<Report>) {
        if let Base::Local(local) = place.base
            && self.tracked(local)
            && state[local.index()] != State::Present
            && self.linear[self.program.place_type(self.function, place).index()]
        {
            self.gone(local, span, state[local.index()], report);
        }
    }

    fn moved(&self, place: &Place, span: Span, state: &mut [State], report: &mut Option<Report>) {
        let Base::Local(local) = place.base else {
            if let Some(report) = report {
                report.diagnostics.push(
                    Diagnostic::error(
                        "moved-from-state",
                        span,
                        "a handle cannot be taken out of state like this",
                    )
                    .help("keep it in a table and `remove` it, or only call its methods where it is"),
                );
            }
            return;
        };
        if !self.tracked(local) {
            let declared = &self.function.locals[local.index()];
            if let Some(report) = report
                && self.linear[declared.ty.index()]
            {
                report.diagnostics.push(
                    Diagnostic::error(
                        "moved-borrowed",
                        span,
                        format!("`{}` is only lent to this function", declared.name),
                    )
                    .also(declared.span, "declared here without `take`")
                    .help("declare the parameter with `take`"),
                );
            }
            return;
        }
        if state[local.index()] != State::Present {
            self.gone(local, span, state[local.index()], report);
        }
        state[local.index()] = State::Absent;
    }

    fn gone(&self, local: Local, span: Span, held: State, report: &mut Option<Report>) {
        let Some(report) = report else { return };
        let declared = &self.function.locals[local.index()];
        if declared.name.is_empty() || !report.used.insert((local, span)) {
            return;
        }
        let when = if held == State::Maybe { " on some paths" } else { "" };
        report.diagnostics.push(
            Diagnostic::error(
                "used-after-move",
                span,
                format!("`{}` was given away before{when}", declared.name),
            )
            .also(declared.span, "it is declared here")
            .help("a handle has one owner; lend it instead of giving it away"),
        );
    }
}

fn emptied(place: &Place, state: &mut [State]) {
    if let Base::Local(local) = place.base {
        state[local.index()] = State::Absent;
    }
}

#[derive(Default)]
struct Report {
    diagnostics: Vec<Diagnostic>,
    seen: BTreeSet<Local>,
    used: BTreeSet<(Local, Span)>,
}

fn successors(end: &Terminator) -> Vec<usize> {
    match end {
        Terminator::Goto(block) => vec![block.index()],
        Terminator::Branch { then, otherwise, .. } => vec![then.index(), otherwise.index()],
        Terminator::Switch { arms, otherwise, .. } => {
            arms.iter().map(|(_, block)| block.index()).chain([otherwise.index()]).collect()
        }
        Terminator::Return | Terminator::Trap(_) => Vec::new(),
    }
}
