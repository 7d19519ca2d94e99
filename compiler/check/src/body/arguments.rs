//! Calls of functions: arguments that fit the parameters, lent or given, and none that overlaps what is lent.

use super::call::wrong_count;
use super::{Body, Value};
use crate::ty::Ty;
use crate::unit::Unit;
use crate::world::{Def, Mode, ParameterDef};
use compiler_mir::ir::{Argument, Base, Operand, Place, Rvalue, Statement, Step};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{CallArgument, Expr, ExprKind};

impl Body<'_, '_> {
    /// Checks count and labels of arguments against parameters.
    pub(super) fn matched(
        &mut self,
        parameters: &[ParameterDef],
        arguments: &[CallArgument],
        what: &str,
        span: Span,
    ) -> bool {
        if parameters.len() != arguments.len() {
            let takes: Vec<String> = parameters
                .iter()
                .map(|parameter| format!("{}: {}", parameter.name, self.show(&parameter.ty)))
                .collect();
            self.report(
                Diagnostic::error(
                    "argument-count",
                    span,
                    wrong_count(what, parameters.len(), arguments.len()),
                )
                .help(format!("it takes ({})", takes.join(", "))),
            );
            return false;
        }
        for (parameter, argument) in parameters.iter().zip(arguments) {
            if let Some(label) = &argument.label
                && label.as_str() != parameter.name
            {
                self.report(
                    Diagnostic::error(
                        "wrong-label",
                        label.span,
                        format!("this argument is `{}`, not `{}`", parameter.name, label.as_str()),
                    )
                    .help("arguments stand in the order of the parameters"),
                );
            }
            let lends = parameter.mode == Mode::Inout;
            if lends != argument.inout {
                let (message, help) = if lends {
                    ("this argument is changed by the call and needs `&`", "write `&` before it")
                } else {
                    ("this argument is only read and takes no `&`", "remove the `&`")
                };
                self.report(Diagnostic::error("argument-mode", argument.value.span, message).help(help));
            }
        }
        true
    }

    /// Calls a function of the program.
    pub(super) fn call_function(
        &mut self,
        at: u32,
        receiver: Option<(super::Lvalue, Span)>,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        let def = &self.unit.world.functions[at as usize];
        let (name, parameters) = (def.name.clone(), def.parameters.clone());
        let result = Unit::full_result(def);
        let skip = usize::from(receiver.is_some());
        if !self.matched(&parameters[skip.min(parameters.len())..], arguments, &name, span) {
            return Value { ty: result, ..Value::error() };
        }
        let mut lowered = Vec::new();
        let mut places: Vec<(Place, bool, Span)> = Vec::new();
        if let (Some((receiver, place_span)), Some(parameter)) = (receiver, parameters.first()) {
            if parameter.mode == Mode::Inout {
                self.writable(&receiver.access, place_span);
            }
            let place = if parameter.mode == Mode::Take && !self.unit.world.is_linear(&receiver.ty) {
                // What is taken is the callee's own; the caller keeps its value.
                let whole = Rvalue::Use(Operand::Copy(receiver.place));
                Place::local(self.keep(&receiver.ty, whole, place_span))
            } else {
                receiver.place
            };
            places.push((place.clone(), parameter.mode == Mode::Inout, place_span));
            lowered.push(Argument::Reference(place));
        }
        let later_effects =
            |index: usize| arguments[index + 1..].iter().any(|argument| !super::expr::pure(&argument.value));
        for (index, (parameter, argument)) in parameters[skip..].iter().zip(arguments).enumerate() {
            let value_span = argument.value.span;
            let argument = self.argument(parameter, argument, later_effects(index));
            match &argument {
                Argument::Reference(place) => {
                    places.push((place.clone(), parameter.mode == Mode::Inout, value_span));
                }
                Argument::Value(Operand::Copy(place)) => {
                    places.push((
                        place.clone(),
                        parameter.mode == Mode::Inout && parameter.ty.is_view(),
                        value_span,
                    ));
                }
                Argument::Value(_) => {}
            }
            lowered.push(argument);
        }
        self.exclusive(&places);
        let function = self.unit.function_id(at);
        self.emit_call(function, lowered, &result, span)
    }

    pub(crate) fn emit_call(
        &mut self,
        function: compiler_mir::ir::FunctionId,
        arguments: Vec<Argument>,
        result: &Ty,
        span: Span,
    ) -> Value {
        if matches!(result, Ty::Unit | Ty::Error) {
            self.push(Statement::Call { destination: None, function, arguments }, span);
            return Value { ty: result.clone(), ..Value::unit() };
        }
        let local = self.temp(result, span);
        let destination = Some(Place::local(local));
        self.push(Statement::Call { destination, function, arguments }, span);
        self.out(local, result)
    }

    fn argument(&mut self, parameter: &ParameterDef, argument: &CallArgument, keep: bool) -> Argument {
        let span = argument.value.span;
        let ty = &parameter.ty;
        if parameter.mode == Mode::Inout {
            return self.lent(ty, &argument.value);
        }
        if matches!(ty, Ty::Handle(..)) && parameter.mode == Mode::Read {
            return Argument::Value(self.borrowed_handle(&argument.value, ty));
        }
        if !ty.is_scalar()
            && parameter.mode == Mode::Read
            && is_place(&argument.value)
            && !matches!(self.declared(&argument.value), Some((Def::Enum(_) | Def::Constant(_), _)))
        {
            if let Some(lvalue) = self.lvalue_or_temp(&argument.value) {
                let value = Value { operand: Operand::Copy(lvalue.place), ty: lvalue.ty };
                let value = self.coerce(value, ty, span);
                return Argument::Reference(self.place_of(&value, span));
            }
            return Argument::Value(Value::error().operand);
        }
        let value = self.expr_as(&argument.value, ty);
        if ty.is_scalar() {
            let value = if keep { self.freeze(value, span) } else { value };
            return Argument::Value(value.operand);
        }
        if parameter.mode == Mode::Read
            && let Operand::Copy(place @ Place { base: Base::Data(..), .. }) = &value.operand
        {
            return Argument::Reference(place.clone());
        }
        // The callee gets memory that nobody else changes.
        let local = self.keep(ty, Rvalue::Use(value.operand), span);
        Argument::Reference(Place::local(local))
    }

    /// `&place`, for an `inout` parameter.
    fn lent(&mut self, ty: &Ty, expr: &Expr) -> Argument {
        let span = expr.span;
        if let ExprKind::Index(base, indices) = &*expr.kind
            && let [Expr { kind, .. }] = indices.as_slice()
            && let ExprKind::Range(from, to) = &**kind
        {
            let Some((value, access)) = self.part(base, from, to, span) else {
                return Argument::Value(Value::error().operand);
            };
            self.writable(&access, span);
            return Argument::Value(self.coerce(value, ty, span).operand);
        }
        let Some(lvalue) = self.lvalue(expr) else { return Argument::Value(Value::error().operand) };
        self.writable(&lvalue.access, span);
        if ty.is_view() {
            let value = Value { operand: Operand::Copy(lvalue.place), ty: lvalue.ty };
            return Argument::Value(self.coerce(value, ty, span).operand);
        }
        if lvalue.ty != *ty && !lvalue.ty.is_error() && !ty.is_error() {
            let (has, wants) = (self.show(&lvalue.ty), self.show(ty));
            self.report(Diagnostic::error(
                "type-mismatch",
                span,
                format!("{wants} is wanted here, this is {has}"),
            ));
        }
        Argument::Reference(lvalue.place)
    }

    /// What is lent for writing must not overlap anything else in the same call.
    fn exclusive(&mut self, places: &[(Place, bool, Span)]) {
        for (at, (first, first_lent, first_span)) in places.iter().enumerate() {
            for (second, second_lent, second_span) in &places[at + 1..] {
                if (*first_lent || *second_lent) && overlap(first, second) {
                    self.report(
                        Diagnostic::error(
                            "overlapping-arguments",
                            *second_span,
                            "this overlaps what the same call may change",
                        )
                        .also(*first_span, "the other argument")
                        .help("copy one of the two into a variable first"),
                    );
                }
            }
        }
    }
}

fn is_place(expr: &Expr) -> bool {
    matches!(&*expr.kind, ExprKind::Name(_) | ExprKind::Field(..) | ExprKind::Index(..) | ExprKind::SelfValue)
}

/// Whether two places may share memory: one is a prefix of the other, indices counting as equal unless they are
/// different constants.
fn overlap(first: &Place, second: &Place) -> bool {
    if matches!(first.base, Base::Data(..)) || first.base != second.base {
        return false;
    }
    first.path.iter().zip(&second.path).all(|(a, b)| match (a, b) {
        (Step::ConstantIndex(a), Step::ConstantIndex(b)) => a == b,
        (Step::Index(_), Step::Index(_) | Step::ConstantIndex(_))
        | (Step::ConstantIndex(_), Step::Index(_)) => true,
        (a, b) => a == b,
    })
}
