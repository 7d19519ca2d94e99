//! Handles are neither copied nor forgotten: forward dataflow over each function.
//!
//! A handle in a local is *absent*, *present*, or *maybe*, at each point; a move needs it present and makes it absent;
//! leaving the function with one present is an error. Traps are exempt: the kernel takes a dead realm's
//! capabilities back. Follows the Move prover's `locals` pass (Meta, "Move: a language with programmable
//! resources").

use crate::unit::Unit;
use compiler_mir::ir::{
    Argument, Base, Function, FunctionId, Local, Operand, Place, Program, Rvalue, Statement, Step,
    Terminator, Type, TypeId,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use std::collections::BTreeSet;
use std::ops::Range;

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
    let handles = Handles::of(&unit.program);
    if handles.0.iter().all(|count| *count == 0) {
        return;
    }
    let mut diagnostics = Vec::new();
    for at in 0..unit.program.functions.len() {
        let id = FunctionId(at as u32);
        let function = &unit.program.functions[at];
        let borrowed = |function: FunctionId, local: Local| unit.borrowed.contains(&(function, local));
        let slots = Slots::of(function, &handles, &|local| borrowed(id, local));
        let pass = Pass { program: &unit.program, function, handles: &handles, slots, borrowed: &borrowed };
        diagnostics.extend(pass.run());
    }
    unit.diagnostics.extend(diagnostics);
}

/// How many handles are tracked one by one in a value of each type: those in a struct are, what an enum or array
/// holds counts as one.
struct Handles(Vec<usize>);

impl Handles {
    fn of(program: &Program) -> Self {
        let mut counts: Vec<usize> = Vec::new();
        for ty in &program.types {
            let of = |id: &TypeId| counts.get(id.index()).copied().unwrap_or(0);
            let count = match ty {
                Type::Handle { .. } => 1,
                Type::Array(element, _) => of(element).min(1),
                Type::Struct { fields, .. } => fields.iter().map(|(_, ty)| of(ty)).sum(),
                Type::Enum { variants, .. } => {
                    usize::from(variants.iter().any(|variant| variant.fields.iter().any(|ty| of(ty) > 0)))
                }
                _ => 0,
            };
            counts.push(count);
        }
        Self(counts)
    }

    fn count(&self, ty: TypeId) -> usize {
        self.0[ty.index()]
    }
}

/// Where the state of each local's handles lies; a local that is not tracked has none.
struct Slots(Vec<Range<usize>>);

impl Slots {
    fn of(function: &Function, handles: &Handles, borrowed: &dyn Fn(Local) -> bool) -> Self {
        let mut end = 0;
        let ranges = (0u32..).zip(&function.locals).map(|(at, local)| {
            let begin = end;
            end += if borrowed(Local(at)) { 0 } else { handles.count(local.ty) };
            begin..end
        });
        Self(ranges.collect())
    }

    fn local(&self, local: Local) -> Range<usize> {
        self.0[local.index()].clone()
    }

    fn total(&self) -> usize {
        self.0.last().map_or(0, |last| last.end)
    }
}

struct Pass<'p> {
    program: &'p Program,
    function: &'p Function,
    handles: &'p Handles,
    slots: Slots,
    borrowed: &'p dyn Fn(FunctionId, Local) -> bool,
}

impl Pass<'_> {
    /// The states of the handles that a place holds, or is a part of.
    fn held(&self, local: Local, path: &[Step]) -> Range<usize> {
        let mut range = self.slots.local(local);
        let mut ty = self.function.locals[local.index()].ty;
        for step in path {
            let (Type::Struct { fields, .. }, Step::Field(field)) = (&self.program.types[ty.index()], step)
            else {
                break;
            };
            if range.is_empty() {
                break;
            }
            let before: usize = fields[..*field as usize].iter().map(|(_, ty)| self.handles.count(*ty)).sum();
            ty = fields[*field as usize].1;
            range.start += before;
            range.end = range.start + self.handles.count(ty);
        }
        range
    }

    fn is_linear(&self, place: &Place) -> bool {
        self.handles.count(self.program.place_type(self.function, place)) > 0
    }

    fn run(&self) -> Vec<Diagnostic> {
        let mut entry: Vec<Option<Vec<State>>> = vec![None; self.function.blocks.len()];
        let given = match self.function.parameters {
            0 => 0,
            count => self.slots.local(Local(count - 1)).end,
        };
        let mut first = vec![State::Absent; self.slots.total()];
        first[..given].fill(State::Present);
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
            for local in (0..self.function.locals.len() as u32).map(Local) {
                let held = state[self.slots.local(local)].iter().find(|held| **held != State::Absent);
                if let Some(held) = held
                    && self.function.result != Some(local)
                {
                    self.forgotten(local, (block.end_span, "the function leaves here"), *held, report);
                }
            }
        }
    }

    fn forgotten(
        &self,
        local: Local,
        (span, where_lost): (Span, &str),
        held: State,
        report: &mut Option<Report>,
    ) {
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
            .also(span, where_lost)
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
                self.overwritten(place, span, state, report);
                self.filled(place, state);
            }
            Statement::Zero(place) => self.mark(place, State::Absent, state),
            Statement::SetTag(place, _) if place.path.is_empty() => self.mark(place, State::Absent, state),
            Statement::Call { destination, function, arguments } => {
                for (parameter, argument) in (0u32..).map(Local).zip(arguments) {
                    match argument {
                        Argument::Value(operand) => read(operand, state, report),
                        Argument::Reference(place)
                            if self.is_linear(place) && !(self.borrowed)(*function, parameter) =>
                        {
                            self.moved(place, span, state, report);
                        }
                        Argument::Reference(place) => self.looked_at(place, span, state, report),
                    }
                }
                if let Some(place) = destination {
                    self.overwritten(place, span, state, report);
                    self.filled(place, state);
                }
            }
            Statement::Invoke { capability, .. } => read(capability, state, report),
            _ => {}
        }
    }

    /// A variable of a loop's body is filled anew in each turn: what it held must be gone.
    fn overwritten(&self, place: &Place, span: Span, state: &[State], report: &mut Option<Report>) {
        if let Base::Local(local) = place.base
            && place.path.is_empty()
            && !self.function.locals[local.index()].name.is_empty()
            && let Some(held) = state[self.held(local, &[])].iter().find(|held| **held != State::Absent)
        {
            self.forgotten(local, (span, "the next one takes its place"), *held, report);
        }
    }

    fn filled(&self, place: &Place, state: &mut [State]) {
        if self.is_linear(place) {
            self.mark(place, State::Present, state);
        }
    }

    fn mark(&self, place: &Place, held: State, state: &mut [State]) {
        if let Base::Local(local) = place.base {
            state[self.held(local, &place.path)].fill(held);
        }
    }

    fn looked_at(&self, place: &Place, span: Span, state: &[State], report: &mut Option<Report>) {
        if let Base::Local(local) = place.base
            && self.is_linear(place)
        {
            self.needed(local, &state[self.held(local, &place.path)], span, report);
        }
    }

    fn needed(&self, local: Local, state: &[State], span: Span, report: &mut Option<Report>) {
        if let Some(held) = state.iter().find(|held| **held != State::Present) {
            self.gone(local, span, *held, report);
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
        let held = self.held(local, &place.path);
        if held.is_empty() {
            let declared = &self.function.locals[local.index()];
            if let Some(report) = report
                && self.handles.count(declared.ty) > 0
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
        self.needed(local, &state[held.clone()], span, report);
        state[held].fill(State::Absent);
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
