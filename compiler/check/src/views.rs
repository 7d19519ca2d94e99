//! Views do not outlive what they look at, and write only what may be written: for each local, what its views may
//! look at, whatever the path (Andersen, "Program analysis and specialization for the C programming language", 1994,
//! without fields).

use crate::body::Access;
use crate::unit::Unit;
use compiler_mir::ir::{
    Argument, Base, Constant, Function, FunctionId, Local, LocalKind, Operand, Place, Program, Rvalue,
    Statement, Step, Type, TypeId,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What a view may look at, besides memory of the caller's that may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// A local of this function: ends when it returns.
    Frame(Local),
    /// Memory that must not be written: why.
    ReadOnly(&'static str),
}

type Origins = BTreeSet<Origin>;

/// Checks every function of the unit's program.
pub(crate) fn check(unit: &mut Unit<'_>) {
    let holds = holders(&unit.program);
    let mut diagnostics = Vec::new();
    for (at, function) in (0u32..).zip(&unit.program.functions) {
        let pass = Pass {
            program: &unit.program,
            access: &unit.access,
            id: FunctionId(at),
            function,
            holds: &holds,
            origins: vec![Origins::new(); function.locals.len()],
        };
        diagnostics.extend(pass.run());
    }
    // What was refused where it was written needs no second word.
    diagnostics.retain(|new: &Diagnostic| {
        unit.diagnostics.iter().all(|known| known.id != new.id || known.primary != new.primary)
    });
    unit.diagnostics.extend(diagnostics);
}

/// Whether views are in values of each type.
fn holders(program: &Program) -> Vec<bool> {
    let mut holds: Vec<bool> = Vec::new();
    for ty in &program.types {
        let of = |id: &TypeId| holds.get(id.index()).copied().unwrap_or(false);
        let own = match ty {
            Type::Slice(_) => true,
            Type::Array(element, _) => of(element),
            Type::Struct { fields, .. } => fields.iter().any(|(_, ty)| of(ty)),
            Type::Enum { variants, .. } => variants.iter().any(|variant| variant.fields.iter().any(of)),
            _ => false,
        };
        holds.push(own);
    }
    holds
}

struct Pass<'p> {
    program: &'p Program,
    access: &'p BTreeMap<(FunctionId, Local), Access>,
    id: FunctionId,
    function: &'p Function,
    holds: &'p [bool],
    origins: Vec<Origins>,
}

impl Pass<'_> {
    fn run(mut self) -> Vec<Diagnostic> {
        for at in 0..self.function.parameters {
            if self.holds[self.function.locals[at as usize].ty.index()] {
                let denied = self.denied(Local(at));
                self.origins[at as usize].extend(denied);
            }
        }
        while self.flow() {}
        let mut diagnostics = Vec::new();
        for (statement, span) in self.statements() {
            self.written(statement, *span, &mut diagnostics);
            self.escaping(statement, *span, &mut diagnostics);
        }
        diagnostics
    }

    fn statements(&self) -> impl Iterator<Item = &(Statement, Span)> {
        self.function.blocks.iter().flat_map(|block| &block.statements)
    }

    /// Carries what views look at through every statement once; whether anything is new.
    fn flow(&mut self) -> bool {
        let mut grown = false;
        let found: Vec<(Local, Origins)> =
            self.statements().filter_map(|(statement, _)| self.given(statement)).collect();
        for (local, origins) in found {
            let known = &mut self.origins[local.index()];
            let before = known.len();
            known.extend(origins);
            grown |= known.len() > before;
        }
        grown
    }

    /// The local whose views a statement sets, and what they look at.
    fn given(&self, statement: &Statement) -> Option<(Local, Origins)> {
        let (place, origins) = match statement {
            Statement::Assign(place, value) => (place, self.value(value)),
            Statement::Call { destination: Some(place), arguments, .. } => {
                let arguments = arguments.iter().flat_map(|argument| match argument {
                    Argument::Value(operand) => self.operand(operand),
                    Argument::Reference(place) => self.memory(place),
                });
                (place, arguments.collect())
            }
            _ => return None,
        };
        let Base::Local(local) = place.base else { return None };
        (!origins.is_empty() && self.holds_view(place)).then_some((local, origins))
    }

    fn holds_view(&self, place: &Place) -> bool {
        self.holds[self.program.place_type(self.function, place).index()]
    }

    fn value(&self, value: &Rvalue) -> Origins {
        match value {
            Rvalue::Use(operand) | Rvalue::AsBytes(operand) | Rvalue::FromBytes(operand, _) => {
                self.operand(operand)
            }
            Rvalue::View(place, ..) => self.memory(place),
            _ => Origins::new(),
        }
    }

    fn operand(&self, operand: &Operand) -> Origins {
        match operand {
            Operand::Copy(place) | Operand::Move(place) if self.holds_view(place) => self.content(place),
            Operand::Constant(Constant::Slice(..)) => Origins::from([Origin::ReadOnly("a literal")]),
            _ => Origins::new(),
        }
    }

    /// What the views in a place look at.
    fn content(&self, place: &Place) -> Origins {
        match place.base {
            Base::Local(local) => self.origins[local.index()].clone(),
            Base::Global(_) | Base::Data(..) => Origins::new(),
        }
    }

    /// What a view of a place looks at, and with it all that views in the place look at.
    fn memory(&self, place: &Place) -> Origins {
        let mut origins = self.content(place);
        let local = match place.base {
            Base::Local(local) => local,
            Base::Global(_) => return origins,
            Base::Data(..) => return Origins::from([Origin::ReadOnly("a constant")]),
        };
        let part = self.program.type_of(self.program.place_type(self.function, place));
        if matches!(part, Type::Slice(_)) || self.through_view(place) {
            return origins;
        }
        origins.extend(self.denied(local));
        if self.function.locals[local.index()].kind == LocalKind::Value {
            origins.insert(Origin::Frame(local));
        }
        origins
    }

    /// Why a local must not be written, if it must not.
    fn denied(&self, local: Local) -> Option<Origin> {
        match self.access.get(&(self.id, local)) {
            Some(Access::Read(why)) => Some(Origin::ReadOnly(why)),
            _ => None,
        }
    }

    /// Whether a place lies in what a view looks at.
    fn through_view(&self, place: &Place) -> bool {
        let mut prefix = Place { base: place.base, path: Vec::new() };
        for step in &place.path {
            let ty = self.program.type_of(self.program.place_type(self.function, &prefix));
            if matches!(ty, Type::Slice(_)) && matches!(step, Step::Index(_) | Step::ConstantIndex(_)) {
                return true;
            }
            prefix.path.push(step.clone());
        }
        false
    }

    /// Refuses what writes through a view of memory that must not be written.
    fn written(&self, statement: &Statement, span: Span, diagnostics: &mut Vec<Diagnostic>) {
        let place = match statement {
            Statement::Assign(place, _)
            | Statement::Zero(place)
            | Statement::SetTag(place, _)
            | Statement::SetTagFrom(place, _) => Some(place),
            Statement::Call { destination, .. } => destination.as_ref(),
            _ => None,
        };
        if let Some(place) = place
            && self.through_view(place)
        {
            if self.holds_view(place) {
                diagnostics.push(
                    Diagnostic::error("not-writable", span, "views that a view leads to cannot be changed")
                        .help("change the array itself"),
                );
            } else {
                diagnostics.extend(read_only(&self.content(place), span));
            }
        }
        let Statement::Call { function, arguments, .. } = statement else { return };
        for (parameter, argument) in (0u32..).map(Local).zip(arguments) {
            let lent = self.access.get(&(*function, parameter)) == Some(&Access::Write);
            match argument {
                Argument::Value(operand) if lent => {
                    diagnostics.extend(read_only(&self.operand(operand), span));
                }
                Argument::Reference(place) if lent && self.through_view(place) => {
                    diagnostics.extend(read_only(&self.content(place), span));
                }
                _ => {}
            }
        }
    }

    /// Refuses a result that looks at this function's own memory.
    fn escaping(&self, statement: &Statement, span: Span, diagnostics: &mut Vec<Diagnostic>) {
        let Some((local, origins)) = self.given(statement) else { return };
        if Some(local) != self.function.result {
            return;
        }
        let frame = origins.iter().find_map(|origin| match origin {
            Origin::Frame(local) => Some(&self.function.locals[local.index()].name),
            Origin::ReadOnly(_) => None,
        });
        let Some(name) = frame else { return };
        let what = if name.is_empty() { "a value of this function".to_owned() } else { format!("`{name}`") };
        diagnostics.push(
            Diagnostic::error("view-escapes", span, "the view outlives the memory it looks at")
                .here(format!("{what} ends with this function"))
                .help("let the caller lend the memory: take an `inout` slice and fill it"),
        );
    }
}

fn read_only(origins: &Origins, span: Span) -> Option<Diagnostic> {
    origins.iter().find_map(|origin| match origin {
        Origin::ReadOnly(why) => Some(not_writable(why, span)),
        Origin::Frame(_) => None,
    })
}

/// That something cannot be changed, and why.
pub(crate) fn not_writable(why: &str, span: Span) -> Diagnostic {
    let help = match why {
        "a parameter without `inout`" => "declare the parameter `inout`",
        "bound by `let`" => "declare it with `var`",
        _ => "copy it into a `var` first",
    };
    Diagnostic::error("not-writable", span, format!("this cannot be changed: it is {why}")).help(help)
}
