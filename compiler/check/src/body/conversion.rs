//! From one type to another: what fits by itself, and what is asked for.

use super::{Body, Value};
use crate::ty::{Ty, U8};
use crate::types::builtin_type;
use crate::unit::SOME;
use compiler_mir::ir::{Place, Rvalue, Statement, Step};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{CallArgument, Expr, ExprKind};

impl Body<'_, '_> {
    /// Makes a value fit a type, or reports that it does not.
    pub(crate) fn coerce(&mut self, value: Value, want: &Ty, span: Span) -> Value {
        if value.ty == *want || want.is_error() || value.ty.is_error() {
            return Value { ty: want.clone(), ..value };
        }
        if value.ty == Ty::Never {
            return value;
        }
        match (&value.ty, want) {
            (Ty::Array(have, _), Ty::Slice(element)) if have == element => {
                let place = self.place_of(&value, span);
                let operand = self.whole(place, want, span);
                return Value { operand, ty: want.clone() };
            }
            (Ty::Str, Ty::Slice(element)) if **element == U8 => return Value { ty: want.clone(), ..value },
            (Ty::Handle(have, rights), Ty::Handle(interface, asked)) if have == interface => {
                if rights & asked == *asked {
                    return Value { ty: want.clone(), ..value };
                }
                let missing = self.unit.world.interfaces[*interface as usize].names(asked & !rights);
                return self.fail(
                    Diagnostic::error(
                        "rights-missing",
                        span,
                        format!("this handle does not carry the right to {missing}"),
                    )
                    .here(self.show(&value.ty))
                    .help("ask for the right where the handle comes from"),
                );
            }
            (have, Ty::Optional(inner)) if !matches!(have, Ty::Optional(_)) || *have == **inner => {
                let value = self.coerce(value, &inner.clone(), span);
                if value.ty.is_error() {
                    return Value { ty: want.clone(), ..value };
                }
                let local = self.temp(want, span);
                self.push(Statement::SetTag(Place::local(local), SOME), span);
                if **inner != Ty::Unit {
                    let place = Place::local(local).then(Step::Payload(SOME, 0));
                    self.assign(place, Rvalue::Use(value.operand), span);
                }
                return self.out(local, want);
            }
            _ => {}
        }
        let (has, wants) = (self.show(&value.ty), self.show(want));
        let mut diagnostic =
            Diagnostic::error("type-mismatch", span, format!("{wants} is wanted here, this is {has}"));
        if value.ty.is_int() && want.is_int() {
            diagnostic =
                diagnostic.help(format!("`{wants}(…)` converts and traps if the value does not fit"));
        } else if matches!(value.ty, Ty::Optional(_) | Ty::Result(..)) {
            diagnostic =
                diagnostic.help("say with `or` what to do when there is no value, or hand it on with `?`");
        } else if *want == Ty::Str && (value.ty.is_int() || value.ty == Ty::Bool) {
            diagnostic = diagnostic.help("text takes values in braces: `\"{count}\"`");
        } else if *want == Ty::Unit {
            diagnostic =
                diagnostic.help(format!("a function that gives a value says so: `fn name() -> {has}`"));
        }
        self.fail(diagnostic)
    }

    /// `u16(x)`: a conversion that traps; `None` if the callee is not a type.
    pub(super) fn conversion(
        &mut self,
        callee: &Expr,
        arguments: &[CallArgument],
        span: Span,
    ) -> Option<Value> {
        let ExprKind::Name(name) = &*callee.kind else { return None };
        if self.lookup(name.as_str()).is_some() {
            return None;
        }
        let target = builtin_type(self.unit.world, name.as_str())?;
        if target == Ty::Str {
            return Some(self.text_of(arguments, span));
        }
        if !target.is_numeric() {
            return None;
        }
        let [argument] = arguments else {
            return Some(
                self.fail(
                    Diagnostic::error("argument-count", span, "a conversion takes one value")
                        .help(format!("write `{}(value)`", name.as_str())),
                ),
            );
        };
        let value = self.expr(&argument.value, super::expr::untyped(&argument.value).then_some(&target));
        let id = self.unit.type_id(&target);
        let operand = match &value.ty {
            ty if *ty == target => value.operand,
            Ty::Int { .. } | Ty::Float(_) => self.compute(&target, Rvalue::Convert(value.operand, id), span),
            Ty::Bool | Ty::Id(_) if target.is_int() => {
                self.compute(&target, Rvalue::Truncate(value.operand, id), span)
            }
            Ty::Enum(at)
                if target.is_int()
                    && self.unit.world.enums[*at as usize]
                        .variants
                        .iter()
                        .all(|variant| variant.fields.is_empty()) =>
            {
                let place = self.place_of(&value, span);
                let tag = self.compute(&crate::ty::U32, Rvalue::Tag(place), span);
                if target == crate::ty::U32 {
                    tag
                } else {
                    self.compute(&target, Rvalue::Convert(tag, id), span)
                }
            }
            Ty::Error | Ty::Never => return Some(value),
            other => {
                let (has, wants) = (self.show(other), name.as_str().to_owned());
                return Some(
                    self.fail(
                        Diagnostic::error(
                            "no-conversion",
                            argument.value.span,
                            format!("{has} does not convert to {wants}"),
                        )
                        .help("integers, floats, bools and plain enums convert to numbers"),
                    ),
                );
            }
        };
        Some(Value { operand, ty: target })
    }

    /// `str(bytes)`: the same memory, read as text.
    fn text_of(&mut self, arguments: &[CallArgument], span: Span) -> Value {
        let [argument] = arguments else {
            return self.fail(
                Diagnostic::error("argument-count", span, "a conversion takes one value")
                    .help("write `str(bytes)`"),
            );
        };
        let value = self.expr(&argument.value, None);
        let bytes = Ty::Slice(Box::new(U8));
        let is_bytes = value.ty == bytes || matches!(&value.ty, Ty::Array(element, _) if **element == U8);
        match &value.ty {
            Ty::Str | Ty::Error | Ty::Never => value,
            _ if is_bytes => {
                let value = self.coerce(value, &bytes, span);
                Value { operand: value.operand, ty: Ty::Str }
            }
            other => {
                let has = self.show(other);
                self.fail(
                    Diagnostic::error(
                        "no-conversion",
                        argument.value.span,
                        format!("{has} does not convert to str"),
                    )
                    .help("bytes do; a number becomes text where it is written: `console.write(\"{n}\")`"),
                )
            }
        }
    }

    /// `x.low(u16)`: the low bits.
    pub(super) fn low_bits(&mut self, base: &Expr, arguments: &[CallArgument], span: Span) -> Value {
        let target = match arguments {
            [CallArgument { value: Expr { kind, .. }, .. }] => match &**kind {
                ExprKind::Name(name) => builtin_type(self.unit.world, name.as_str()).filter(Ty::is_int),
                _ => None,
            },
            _ => None,
        };
        let Some(target) = target else {
            return self.fail(
                Diagnostic::error("argument-type", span, "`low` takes an integer type")
                    .help("write `x.low(u16)`"),
            );
        };
        let value = self.expr(base, None);
        if !value.ty.is_int() {
            if value.ty.is_error() {
                return value;
            }
            let shown = self.show(&value.ty);
            return self.fail(Diagnostic::error(
                "operand-type",
                base.span,
                format!("`low` takes an integer, not {shown}"),
            ));
        }
        let id = self.unit.type_id(&target);
        let operand = self.compute(&target, Rvalue::Truncate(value.operand, id), span);
        Value { operand, ty: target }
    }
}
