//! Names, fields, elements: places and what is read from them.

use super::property::{TEMPORARY, is_property};
use super::{Access, Binding, Body, Lvalue, Value};
use crate::constants::dotted;
use crate::ty::{Ty, U64};
use crate::types::{self, nearest};
use crate::world::Def;
use compiler_mir::ir::{
    Base, BinaryOperator as Op, Fault, LocalKind, Operand, Place, Rvalue, Statement, Step,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, Expr, ExprKind};

impl Body<'_, '_> {
    /// The declaration that a dotted expression names, and what is left of the path.
    pub(super) fn declared(&mut self, expr: &Expr) -> Option<(Def, Vec<tree::Name>)> {
        let path = dotted(expr)?;
        if self.lookup(path.names[0].as_str()).is_some()
            || self.local_constant(path.names[0].as_str()).is_some()
        {
            return None;
        }
        if path.names[0].as_str() == "Status" {
            return Some((Def::Enum(self.unit.world.status_enum), path.names[1..].to_vec()));
        }
        let mut package = self.package;
        for (depth, name) in path.names.iter().enumerate() {
            let declared = self.unit.world.packages[package as usize].names.get(name.as_str())?;
            if depth > 0 && types::is_authority(declared.def) {
                // See `missing_in_package`.
                return None;
            }
            if depth > 0 && !declared.public {
                let diagnostic = types::private(name, declared);
                self.report(diagnostic);
            }
            let Def::Package(next) = declared.def else {
                return Some((declared.def, path.names[depth + 1..].to_vec()));
            };
            package = next;
        }
        None
    }

    /// Reads a name, field or element.
    pub(super) fn access(&mut self, expr: &Expr, want: Option<&Ty>) -> Value {
        let span = expr.span;
        if let ExprKind::Name(name) = &*expr.kind
            && let Some(value) = self.local_constant(name.as_str())
        {
            return self.retyped(value, want);
        }
        if let Some((def, rest)) = self.declared(expr) {
            match (def, rest.as_slice()) {
                (Def::Enum(at), [variant]) => return self.variant(at, variant, &[], span),
                (Def::Constant(at), []) => return self.constant(at, want, span),
                (Def::Parameter(index), []) => {
                    if self.own_component(span).is_none() {
                        return Value::error();
                    }
                    let operand = self.compute(&U64, Rvalue::Parameter(index), span);
                    return Value { operand, ty: U64 };
                }
                (Def::Capability(_), []) => {
                    return self.fail(
                        Diagnostic::error(
                            "slot-moved",
                            span,
                            "a capability of the component stays in its slot",
                        )
                        .help("pass it to a function whose parameter borrows it, or call its methods"),
                    );
                }
                (Def::State(_) | Def::Constant(_), _) => {}
                (Def::Capability(_) | Def::Export(_), [method]) => {
                    let name = method.as_str();
                    return self.fail(
                        Diagnostic::error(
                            "method-not-called",
                            span,
                            format!("`{name}` is a method and must be called"),
                        )
                        .help(format!("write `{name}(…)`")),
                    );
                }
                (Def::Function(_), []) => {
                    return self.fail(
                        Diagnostic::error("function-not-called", span, "a function is not a value here")
                            .help("call it: write `(…)` behind its name"),
                    );
                }
                _ => {
                    let shown = dotted(expr).map_or_else(String::new, |path| path.dotted());
                    return self.fail(
                        Diagnostic::error("not-a-value", span, format!("`{shown}` is not a value"))
                            .help("name a variable, a constant or a variant"),
                    );
                }
            }
        }
        if let Some(diagnostic) = self.missing_in_package(expr) {
            return self.fail(diagnostic);
        }
        if let ExprKind::Field(base, name) = &*expr.kind
            && is_property(name)
        {
            return match self.property_or_field(base, name, span) {
                Some(lvalue) => Value { operand: self.read(lvalue.place, &lvalue.ty), ty: lvalue.ty },
                None => Value::error(),
            };
        }
        if let ExprKind::Index(base, indices) = &*expr.kind
            && let [Expr { kind, .. }] = indices.as_slice()
            && let ExprKind::Range(from, to) = &**kind
        {
            return self.part(base, from, to, span).map_or_else(Value::error, |(value, _)| value);
        }
        match self.lvalue(expr) {
            Some(lvalue) => Value { operand: self.read(lvalue.place, &lvalue.ty), ty: lvalue.ty },
            None => Value::error(),
        }
    }

    /// The struct that the head of a literal names.
    pub(super) fn struct_named(&mut self, head: &Expr) -> Option<u32> {
        match self.declared(head) {
            Some((Def::Struct(at), rest)) if rest.is_empty() => Some(at),
            _ => {
                let diagnostic = match dotted(head) {
                    Some(path) => match types::find(self.unit.world, self.package, &path) {
                        Err(diagnostic) => diagnostic,
                        Ok(_) => Diagnostic::error(
                            "not-a-struct",
                            head.span,
                            format!("`{}` is not a struct", path.dotted()),
                        )
                        .help("a literal with braces needs the name of a struct"),
                    },
                    None => Diagnostic::error(
                        "not-a-struct",
                        head.span,
                        "a literal with braces needs the name of a struct",
                    ),
                };
                self.report(diagnostic);
                None
            }
        }
    }

    /// The place that an expression names, or a temporary that holds its value.
    pub(super) fn lvalue_or_temp(&mut self, expr: &Expr) -> Option<Lvalue> {
        if super::call::names_place(expr)
            && !matches!(self.declared(expr), Some((Def::Constant(_) | Def::Enum(_) | Def::Parameter(_), _)))
        {
            if let ExprKind::Field(base, name) = &*expr.kind
                && is_property(name)
            {
                return self.property_or_field(base, name, expr.span);
            }
            if let ExprKind::Index(base, indices) = &*expr.kind
                && let [Expr { kind, .. }] = indices.as_slice()
                && let ExprKind::Range(from, to) = &**kind
            {
                let (value, access) = self.part(base, from, to, expr.span)?;
                let place = self.place_of(&value, expr.span);
                return Some(Lvalue { place, ty: value.ty, access });
            }
            let constant =
                matches!(&*expr.kind, ExprKind::Name(name) if self.local_constant(name.as_str()).is_some());
            if !constant {
                return self.lvalue(expr);
            }
        }
        let value = self.expr(expr, None);
        if value.ty.is_error() || value.ty == Ty::Never {
            return None;
        }
        let place = self.place_of(&value, expr.span);
        Some(Lvalue { place, ty: value.ty, access: Access::Read(TEMPORARY) })
    }

    /// The place that an expression names.
    pub(super) fn lvalue(&mut self, expr: &Expr) -> Option<Lvalue> {
        let span = expr.span;
        match &*expr.kind {
            ExprKind::Tuple(parts) if parts.len() == 1 => self.lvalue(&parts[0]),
            ExprKind::Name(name) => self.named_place(name),
            ExprKind::SelfValue => {
                let name = tree::Name { text: "self".into(), span };
                self.named_place(&name)
            }
            ExprKind::Field(base, name) => self.property_or_field(base, name, span),
            ExprKind::Index(base, indices) => {
                let [index] = indices.as_slice() else {
                    self.report(
                        Diagnostic::error("index-count", span, "an element has one index")
                            .help("for an array of arrays write `a[i][j]`"),
                    );
                    return None;
                };
                let base = self.lvalue_or_temp(base)?;
                self.element(base, index, span)
            }
            _ => {
                self.report(
                    Diagnostic::error(
                        "not-a-place",
                        span,
                        "this is a value, not a place that can be written or lent",
                    )
                    .help("bind it with `var` first"),
                );
                None
            }
        }
    }

    fn named_place(&mut self, name: &tree::Name) -> Option<Lvalue> {
        if let Some(value) = self.local_constant(name.as_str()) {
            let place = self.place_of(&value, name.span);
            return Some(Lvalue { place, ty: value.ty, access: Access::Read("a constant") });
        }
        if let Some(binding) = self.lookup(name.as_str()) {
            binding.used = true;
            let place = Place::local(binding.local);
            return Some(Lvalue { place, ty: binding.ty.clone(), access: binding.access.clone() });
        }
        let package = self.package;
        let Some(declared) = self.unit.world.packages[package as usize].names.get(name.as_str()) else {
            let mut diagnostic = types::unknown_name(self.unit.world, package, name);
            let locals = self.scopes.iter().flat_map(|scope| scope.bindings.iter().map(|b| b.name.as_str()));
            if diagnostic.help.is_none()
                && let Some(near) = nearest(name.as_str(), locals)
            {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            }
            self.report(diagnostic);
            return None;
        };
        match declared.def {
            Def::State(at) => {
                if package != self.unit.package
                    && self.unit.world.packages[package as usize].component.is_some()
                {
                    self.own_component(name.span);
                    return None;
                }
                let ty = self.unit.state_type(at);
                let global = self.unit.global(at, &ty);
                self.unit.initial_uses.insert((self.id, crate::initial::Target::State(global)));
                Some(Lvalue { place: Place::global(global), ty, access: Access::Write })
            }
            Def::Package(_) | Def::Struct(_) | Def::Enum(_) | Def::Interface(_) => {
                self.report(
                    Diagnostic::error(
                        "not-a-value",
                        name.span,
                        format!("`{}` is not a value", name.as_str()),
                    )
                    .help("name a variable, a constant or a variant"),
                );
                None
            }
            _ => {
                self.report(
                    Diagnostic::error(
                        "not-a-place",
                        name.span,
                        format!("`{}` is not a variable", name.as_str()),
                    )
                    .help("only variables, parameters and state can be written or lent"),
                );
                None
            }
        }
    }

    pub(super) fn field(&mut self, base: Lvalue, name: &tree::Name) -> Option<Lvalue> {
        let found = match &base.ty {
            Ty::Struct(at) => self.unit.world.structs[*at as usize]
                .fields
                .iter()
                .position(|field| field.name == name.as_str())
                .map(|index| (index as u32, self.unit.world.structs[*at as usize].fields[index].ty.clone())),
            Ty::Tuple(parts) => name
                .as_str()
                .parse::<usize>()
                .ok()
                .and_then(|at| parts.get(at).map(|ty| (at as u32, ty.clone()))),
            Ty::Error => return None,
            _ => None,
        };
        let Some((index, ty)) = found else {
            let shown = self.show(&base.ty);
            let mut diagnostic = Diagnostic::error(
                "unknown-field",
                name.span,
                format!("{shown} has no field `{}`", name.as_str()),
            );
            if let Ty::Struct(at) = &base.ty {
                let fields = &self.unit.world.structs[*at as usize].fields;
                let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                diagnostic = diagnostic.help(format!("its fields are {}", known.join(", ")));
            }
            self.report(diagnostic);
            return None;
        };
        Some(Lvalue { place: base.place.then(Step::Field(index)), ty, access: base.access })
    }

    fn element(&mut self, base: Lvalue, index: &Expr, span: Span) -> Option<Lvalue> {
        let base = self.steady(base, span);
        let (element, count) = match &base.ty {
            Ty::Array(element, count) => ((**element).clone(), self.int(&U64, i128::from(*count))),
            Ty::Slice(element) => {
                let element = (**element).clone();
                (element, self.compute(&U64, Rvalue::Length(base.place.clone()), span))
            }
            Ty::Table(element, count) => {
                let (element, count) = ((**element).clone(), *count);
                return self.table_element(&base, &element, count, index, span);
            }
            Ty::Error => return None,
            other => {
                let shown = self.show(other);
                self.report(
                    Diagnostic::error("not-indexable", span, format!("{shown} has no elements"))
                        .help("arrays, slices and tables have; text has `.bytes`"),
                );
                return None;
            }
        };
        if let (Ty::Array(_, count), Some(at)) = (&base.ty, literal(index))
            && at < *count
        {
            let place = base.place.then(Step::ConstantIndex(at));
            return Some(Lvalue { place, ty: element, access: base.access });
        }
        let at = self.index(index)?;
        let operand = Operand::Copy(Place::local(at));
        self.check(Op::Less, operand, count, Fault::Bounds, span);
        Some(Lvalue { place: base.place.then(Step::Index(at)), ty: element, access: base.access })
    }

    /// A view that is looked through is first read into a local of its own, so that a place has one indirection, and
    /// so that what is evaluated later cannot make it look elsewhere.
    pub(super) fn steady(&mut self, base: Lvalue, span: Span) -> Lvalue {
        if !base.ty.is_view() {
            return base;
        }
        let fixed = match base.place.base {
            Base::Local(local) => {
                !matches!(self.unit.access.get(&(self.id, local)), Some(Access::Write))
                    || self.unit.borrowed.contains(&(self.id, local))
            }
            Base::Global(_) | Base::Data(..) => false,
        };
        if fixed && base.place.path.is_empty() {
            return base;
        }
        let local = self.keep(&base.ty, Rvalue::Use(Operand::Copy(base.place)), span);
        Lvalue { place: Place::local(local), ..base }
    }

    /// An index of any integer type, as a `u64` local; a negative one is out of bounds.
    pub(super) fn index(&mut self, index: &Expr) -> Option<compiler_mir::ir::Local> {
        let value = self.expr(index, Some(&U64));
        match &value.ty {
            Ty::Int { signed, bits } => {
                let (signed, bits) = (*signed, *bits);
                if signed {
                    let zero = self.int(&value.ty, 0);
                    self.check(Op::GreaterEqual, value.operand.clone(), zero, Fault::Bounds, index.span);
                }
                let id = self.unit.type_id(&U64);
                let wide = if bits == 64 && !signed {
                    Rvalue::Use(value.operand)
                } else {
                    Rvalue::Truncate(value.operand, id)
                };
                Some(self.keep(&U64, wide, index.span))
            }
            Ty::Error | Ty::Never => None,
            other => {
                let shown = self.show(other);
                self.report(
                    Diagnostic::error(
                        "index-type",
                        index.span,
                        format!("an index is an integer, not {shown}"),
                    )
                    .help("convert it with `u64(…)`"),
                );
                None
            }
        }
    }

    /// `base[from..to]` as a view, and whether it may be written through.
    pub(super) fn part(
        &mut self,
        base: &Expr,
        from: &Expr,
        to: &Expr,
        span: Span,
    ) -> Option<(Value, Access)> {
        let base = self.lvalue_or_temp(base)?;
        let base = self.steady(base, span);
        let ty = match &base.ty {
            Ty::Array(element, _) | Ty::Slice(element) => Ty::Slice(element.clone()),
            other => {
                let shown = self.show(other);
                let help = if *other == Ty::Str {
                    "write `.bytes` behind the text first"
                } else {
                    "arrays and slices have"
                };
                self.report(
                    Diagnostic::error("not-indexable", span, format!("{shown} has no parts in brackets"))
                        .help(help),
                );
                return None;
            }
        };
        let from = self.index(from)?;
        let to = self.index(to)?;
        let (from, to) = (Operand::Copy(Place::local(from)), Operand::Copy(Place::local(to)));
        let length = self.compute(&U64, Rvalue::Length(base.place.clone()), span);
        self.check(Op::LessEqual, to.clone(), length, Fault::Bounds, span);
        self.check(Op::LessEqual, from.clone(), to.clone(), Fault::Bounds, span);
        let operand = self.compute(&ty, Rvalue::View(base.place, from, to), span);
        Some((Value { operand, ty }, base.access))
    }

    /// The whole of an array or slice place as a view.
    pub(super) fn whole(&mut self, place: Place, ty: &Ty, span: Span) -> Operand {
        let length = self.compute(&U64, Rvalue::Length(place.clone()), span);
        let zero = self.int(&U64, 0);
        self.compute(ty, Rvalue::View(place, zero, length), span)
    }

    /// Declares a variable and gives it its value.
    pub(super) fn declare(&mut self, name: &tree::Name, value: Value, mutable: bool) {
        let span = name.span;
        let ty = value.ty;
        let lowered = self.unit.type_id(&ty);
        let local = self.declare_local(name.as_str(), lowered, LocalKind::Value, span);
        if ty != Ty::Unit && ty != Ty::Never && !ty.is_error() {
            self.push(Statement::Assign(Place::local(local), Rvalue::Use(value.operand)), span);
        }
        let access = if mutable { Access::Write } else { Access::Read("bound by `let`") };
        let used = name.as_str().starts_with('_');
        self.bind(Binding { name: name.as_str().to_owned(), local, ty, access, span, used });
    }
}

/// The value of an index that is written down.
fn literal(index: &Expr) -> Option<u64> {
    match &*index.kind {
        ExprKind::Literal(tree::Literal::Integer(value)) if value.unit.is_empty() => {
            value.value.try_into().ok()
        }
        _ => None,
    }
}
