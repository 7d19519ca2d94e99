//! Calls: functions, methods, conversions, variants, capabilities.

use super::{Body, Value};
use crate::collect::unsupported;
use crate::constants::dotted;
use crate::ty::{Ty, U64};
use crate::unit::table;
use crate::world::{Def, Mode, ParameterDef};
use compiler_mir::ir::{Operand, Place, Rvalue, Statement, Step};
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
        crate::types::foreign_authority(self.unit.world, self.package, &path)
            .or_else(|| crate::types::find(self.unit.world, self.package, &path).err())
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
        if at == self.unit.world.status_enum && index == 0 {
            return self.fail(
                Diagnostic::error("status-ok", name.span, "`Status.ok` is no error")
                    .help("give the value itself, or return without one"),
            );
        }
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
        let into = Value { operand: Operand::Copy(receiver.place.clone()), ty: receiver.ty.clone() };
        let into = self.coerce(into, &bytes, span).operand;
        Value { operand: self.put(&into, zero, from.operand, span), ty: U64 }
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
        self.check(Op::Equal, Operand::Copy(found.clone()), wanted.clone(), Fault::StaleId, span);
        self.live.push((found, wanted, span));
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
