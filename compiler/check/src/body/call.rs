//! Calls: functions, methods, conversions, variants, capabilities.

use super::{Body, Value};
use crate::collect::unsupported;
use crate::constants::dotted;
use crate::ty::{Ty, U64};
use crate::unit::{Unit, table};
use crate::world::{Def, Mode, ParameterDef};
use compiler_mir::ir::{Argument, Base, Operand, Place, Rvalue, Statement, Step};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, CallArgument, Expr, ExprKind};

impl Body<'_, '_> {
    pub(super) fn call(
        &mut self,
        callee: &Expr,
        arguments: &[CallArgument],
        want: Option<&Ty>,
        span: Span,
    ) -> Value {
        if let Some(value) = self.conversion(callee, arguments, span) {
            return value;
        }
        if let ExprKind::Name(name) = &*callee.kind
            && name.as_str() == "close"
            && self.lookup("close").is_none()
        {
            return self.close(arguments, span);
        }
        if let Some((def, rest)) = self.declared(callee) {
            match (def, rest.as_slice()) {
                (Def::Function(at), []) => return self.call_function(at, None, arguments, span),
                (Def::Enum(at), [variant]) => return self.variant(at, variant, arguments, span),
                (Def::Capability(slot), [method]) => return self.slot_method(slot, method, arguments, span),
                (Def::Export(export), [method]) => return self.own_method(export, method, arguments, span),
                _ => {}
            }
        }
        if let Some(diagnostic) = self.missing_in_package(callee) {
            return self.fail(diagnostic);
        }
        let ExprKind::Field(base, name) = &*callee.kind else {
            if let ExprKind::Name(name) = &*callee.kind
                && self.lookup(name.as_str()).is_none()
                && self.declared(callee).is_none()
            {
                let diagnostic = crate::types::unknown_name(self.unit.world, self.package, name);
                return self.fail(diagnostic);
            }
            return self.fail(
                Diagnostic::error("not-callable", callee.span, "this is not a function")
                    .help("name a function, or a method behind a dot"),
            );
        };
        self.method(base, name, arguments, want, span)
    }

    /// The error for a dotted name that begins with a package which does not have the rest.
    pub(super) fn missing_in_package(&mut self, expr: &Expr) -> Option<Diagnostic> {
        let path = dotted(expr)?;
        let first = path.names[0].as_str();
        if path.names.len() < 2 || self.lookup(first).is_some() || self.local_constant(first).is_some() {
            return None;
        }
        let known = self.unit.world.packages[self.package as usize].names.get(first)?;
        if !matches!(known.def, Def::Package(_)) {
            return None;
        }
        crate::types::find(self.unit.world, self.package, &path).err()
    }

    fn method(
        &mut self,
        base: &Expr,
        name: &tree::Name,
        arguments: &[CallArgument],
        want: Option<&Ty>,
        span: Span,
    ) -> Value {
        if let ExprKind::Name(head) = &*base.kind
            && head.as_str() == "Table"
            && name.as_str() == "empty"
        {
            return self.empty_table(want, span);
        }
        if name.as_str() == "low" {
            return self.low_bits(base, arguments, span);
        }
        let Some(receiver) = self.lvalue_or_temp(base) else { return Value::error() };
        match receiver.ty.clone() {
            Ty::Handle(interface, mask) => {
                let handle = Operand::Copy(receiver.place);
                self.handle_method(handle, interface, mask, name, arguments, span)
            }
            Ty::Table(element, count) => self.table_method(&receiver, &element, count, name, arguments, span),
            Ty::Struct(at) => {
                let Some(function) = self.unit.world.structs[at as usize].methods.get(name.as_str()).copied()
                else {
                    return self.no_method(&receiver.ty, name);
                };
                self.call_function(function, Some((receiver, base.span)), arguments, span)
            }
            Ty::Slice(element) | Ty::Array(element, _)
                if *element == crate::ty::U8 && name.as_str() == "copy-from" =>
            {
                self.copy_from(&receiver, base, arguments, span)
            }
            Ty::Error | Ty::Never => Value::error(),
            Ty::Array(..) | Ty::Slice(_) | Ty::Str
                if matches!(name.as_str(), "find" | "swap" | "split" | "only") =>
            {
                self.fail(unsupported(name.span, &format!("the method `{}`", name.as_str())))
            }
            other => self.no_method(&other, name),
        }
    }

    pub(super) fn no_method(&mut self, ty: &Ty, name: &tree::Name) -> Value {
        let shown = self.show(ty);
        self.fail(
            Diagnostic::error(
                "unknown-method",
                name.span,
                format!("{shown} has no method `{}`", name.as_str()),
            )
            .help("methods belong to structs, tables, and interfaces"),
        )
    }

    /// Checks count and labels of arguments against parameters.
    fn matched(
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
            places.push((receiver.place.clone(), parameter.mode == Mode::Inout, place_span));
            lowered.push(Argument::Reference(receiver.place));
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

    /// `Enum.variant(payload)`
    pub(super) fn variant(
        &mut self,
        at: u32,
        name: &tree::Name,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        let def = &self.unit.world.enums[at as usize];
        let ty = Ty::Enum(at);
        let Some(index) = def.variant(name.as_str()) else {
            let known: Vec<&str> = def.variants.iter().map(|variant| variant.name.as_str()).collect();
            let message = format!("`{}` has no variant `{}`", def.name, name.as_str());
            let help = format!("its variants are {}", known.join(", "));
            return self.fail(Diagnostic::error("unknown-variant", name.span, message).help(help));
        };
        let parameters: Vec<ParameterDef> = def.variants[index as usize]
            .fields
            .iter()
            .enumerate()
            .map(|(at, (name, ty))| ParameterDef {
                mode: Mode::Read,
                name: name.clone().unwrap_or_else(|| at.to_string()),
                ty: ty.clone(),
                any_handle: false,
                span,
            })
            .collect();
        if !self.matched(&parameters, arguments, name.as_str(), span) {
            return Value { ty, ..Value::error() };
        }
        let mut values = Vec::new();
        for (parameter, argument) in parameters.iter().zip(arguments) {
            let value = self.expr_as(&argument.value, &parameter.ty);
            values.push(self.freeze(value, argument.value.span));
        }
        let local = self.temp(&ty, span);
        self.push(Statement::SetTag(Place::local(local), index), span);
        for (field, value) in values.into_iter().enumerate() {
            let place = Place::local(local).then(Step::Payload(index, field as u32));
            self.assign(place, Rvalue::Use(value.operand), span);
        }
        self.out(local, &ty)
    }

    /// A method of the component's own export, as its tests call it.
    fn own_method(
        &mut self,
        export: u32,
        name: &tree::Name,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        let world = self.unit.world;
        let Some(component) = world.packages[self.package as usize].component else { return Value::error() };
        let export = &world.components[component as usize].exports[export as usize];
        let interface = &world.interfaces[export.interface as usize];
        match interface.method(name.as_str()).and_then(|method| export.functions[method as usize]) {
            Some(function) => self.call_function(function, None, arguments, span),
            None if interface.method(name.as_str()).is_some() => Value::error(),
            None => {
                let help = format!("its methods are {}", interface.names(u64::MAX));
                let message = format!("`{}` has no method `{}`", interface.name, name.as_str());
                self.fail(Diagnostic::error("unknown-method", name.span, message).help(help))
            }
        }
    }

    /// `into.copy-from(bytes)`: copies all of the bytes to the beginning; gives their number.
    fn copy_from(
        &mut self,
        receiver: &super::Lvalue,
        base: &Expr,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        self.writable(&receiver.access, base.span);
        let [argument] = arguments else {
            return self.fail(Diagnostic::error(
                "argument-count",
                span,
                "`copy-from` takes one argument, the bytes",
            ));
        };
        let bytes = Ty::Slice(Box::new(crate::ty::U8));
        let from = self.expr_as(&argument.value, &bytes);
        let zero = self.int(&U64, 0);
        let Some(function) = self.unit.text_function("put") else { return Value::error() };
        let into = Value { operand: Operand::Copy(receiver.place.clone()), ty: receiver.ty.clone() };
        let into = self.coerce(into, &bytes, span).operand;
        let arguments = vec![Argument::Value(into), Argument::Value(zero), Argument::Value(from.operand)];
        self.emit_call(function, arguments, &U64, span)
    }

    /// `close(handle)`: gives a handle up.
    fn close(&mut self, arguments: &[CallArgument], span: Span) -> Value {
        let [argument] = arguments else {
            return self.fail(Diagnostic::error("argument-count", span, "`close` takes one handle"));
        };
        let value = self.expr(&argument.value, None);
        match value.ty {
            Ty::Handle(..) => {
                let id = self.unit.type_id(&U64);
                let raw = self.compute(&U64, Rvalue::Truncate(value.operand, id), span);
                self.system(sci::syscall::number::cap_drop, vec![raw], None, span);
                Value::unit()
            }
            Ty::Error => value,
            other => {
                let shown = self.show(&other);
                self.fail(Diagnostic::error(
                    "argument-type",
                    span,
                    format!("`close` takes a handle, not {shown}"),
                ))
            }
        }
    }

    /// The place in a table that an id names; traps if the element is gone.
    pub(super) fn live_index(
        &mut self,
        table_place: &Place,
        count: u64,
        id: Operand,
        span: Span,
    ) -> compiler_mir::ir::Local {
        use compiler_mir::ir::{BinaryOperator as Op, Fault};
        let mask = self.int(&U64, 0xffff_ffff);
        let index = self.keep(&U64, Rvalue::Binary(Op::And, id.clone(), mask), span);
        let limit = self.int(&U64, i128::from(count));
        self.check(Op::Less, Operand::Copy(Place::local(index)), limit, Fault::StaleId, span);
        let shift = self.int(&crate::ty::U32, 32);
        let wanted = self.binary(&U64, Op::ShiftRight, id, shift, span);
        let id32 = self.unit.type_id(&crate::ty::U32);
        let wanted = self.compute(&crate::ty::U32, Rvalue::Truncate(wanted, id32), span);
        let found = table_place.then(Step::Field(table::GENERATIONS)).then(Step::Index(index));
        self.check(Op::Equal, Operand::Copy(found), wanted, Fault::StaleId, span);
        index
    }
}

/// The sentence of `argument-count`.
pub(super) fn wrong_count(what: &str, takes: usize, given: usize) -> String {
    let plural = if takes == 1 { "" } else { "s" };
    format!("`{what}` takes {takes} argument{plural}, not {given}")
}

/// Whether an expression has the form of a place.
pub(super) fn names_place(expr: &Expr) -> bool {
    match &*expr.kind {
        ExprKind::Name(_) | ExprKind::SelfValue | ExprKind::Field(..) | ExprKind::Index(..) => true,
        ExprKind::Tuple(parts) => parts.len() == 1 && names_place(&parts[0]),
        _ => false,
    }
}

fn is_place(expr: &Expr) -> bool {
    matches!(&*expr.kind, ExprKind::Name(_) | ExprKind::Field(..) | ExprKind::Index(..) | ExprKind::SelfValue)
        && (dotted(expr).is_some() || !matches!(&*expr.kind, ExprKind::Name(_)))
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
