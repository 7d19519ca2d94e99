//! Values that may be missing or failed: `?` and `or`.

use super::{Body, Value};
use crate::ty::{Ty, U32};
use crate::unit::{ERR, NONE, OK, SOME};
use compiler_mir::ir::{BlockId, Fault, Place, Rvalue, Step, Terminator};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::Expr;

impl Body<'_, '_> {
    /// `value?`: the value, or out of the function with the error.
    pub(super) fn try_expr(&mut self, inner: &Expr, span: Span) -> Value {
        let value = self.expr(inner, None);
        if self.in_defer && !self.in_test {
            return self.fail(super::stmt::leaves_defer(span, "?"));
        }
        let place = self.place_of(&value, span);
        match value.ty.clone() {
            Ty::Error | Ty::Never => value,
            Ty::Result(ok, _) if self.in_test => {
                let good = self.test_tag(&place, OK, span, |body| body.trap(Fault::Assertion, span));
                self.start(good);
                self.payload(&place, OK, &ok)
            }
            Ty::Optional(some) if self.in_test => {
                let good = self.test_tag(&place, SOME, span, |body| body.trap(Fault::Assertion, span));
                self.start(good);
                self.payload(&place, SOME, &some)
            }
            Ty::Result(ok, error) => {
                let Ty::Result(_, wanted) = self.returns.clone() else {
                    return self.fail(
                        Diagnostic::error(
                            "try-outside",
                            span,
                            "`?` hands the error on, but this function gives none",
                        )
                        .help(format!("add `! {}` to the function, or use `or`", self.show(&error))),
                    );
                };
                if *wanted != *error {
                    let (has, wants) = (self.show(&error), self.show(&wanted));
                    return self.fail(
                        Diagnostic::error(
                            "error-mismatch",
                            span,
                            format!("the error is {has}, this function gives {wants}"),
                        )
                        .help("turn the error into the function's own with `match` or `or return`"),
                    );
                }
                let good = self.test_tag(&place, OK, span, |body| {
                    let payload = place.then(Step::Payload(ERR, 0));
                    let operand = body.read(payload, &error);
                    body.spent(&place, &value.ty, span);
                    body.leave_with(ERR, Some(Value { operand, ty: (*error).clone() }), span);
                });
                self.start(good);
                self.payload(&place, OK, &ok)
            }
            Ty::Optional(some) => {
                if !matches!(self.returns, Ty::Optional(_)) {
                    return self.fail(
                        Diagnostic::error(
                            "try-outside",
                            span,
                            "`?` hands `none` on, but this function gives no optional",
                        )
                        .help("use `or` to say what to do when it is missing"),
                    );
                }
                let good = self.test_tag(&place, SOME, span, |body| {
                    body.spent(&place, &value.ty, span);
                    body.leave_with(NONE, None, span);
                });
                self.start(good);
                self.payload(&place, SOME, &some)
            }
            other => {
                let shown = self.show(&other);
                self.fail(
                    Diagnostic::error(
                        "not-fallible",
                        span,
                        format!("`?` needs a value that may fail, not {shown}"),
                    )
                    .help("remove the `?`"),
                )
            }
        }
    }

    /// Branches on the tag; what happens when it differs is emitted by `otherwise`. Gives the block where it holds.
    pub(super) fn test_tag(
        &mut self,
        place: &Place,
        tag: u32,
        span: Span,
        otherwise: impl FnOnce(&mut Self),
    ) -> BlockId {
        let found = self.compute(&U32, Rvalue::Tag(place.clone()), span);
        let (good, bad) = (self.new_block(), self.new_block());
        self.end(
            Terminator::Switch { value: found, arms: vec![(u64::from(tag), good)], otherwise: bad },
            span,
        );
        self.start(bad);
        otherwise(self);
        good
    }

    pub(super) fn payload(&mut self, place: &Place, variant: u32, ty: &Ty) -> Value {
        if *ty == Ty::Unit {
            return Value::unit();
        }
        let operand = self.read(place.then(Step::Payload(variant, 0)), ty);
        Value { operand, ty: ty.clone() }
    }

    /// `left or right`: the left value, or the right where the left is missing or failed.
    pub(super) fn or_expr(&mut self, left: &Expr, right: &Expr, span: Span) -> Value {
        let value = self.expr(left, None);
        let (inner, tag) = match &value.ty {
            Ty::Optional(some) => ((**some).clone(), SOME),
            Ty::Result(ok, _) => ((**ok).clone(), OK),
            Ty::Error | Ty::Never => return value,
            other => {
                let shown = self.show(other);
                return self.fail(
                    Diagnostic::error(
                        "not-fallible",
                        left.span,
                        format!("`or` needs a value that may be missing, not {shown}"),
                    )
                    .help("for two bools write `||`"),
                );
            }
        };
        let place = self.place_of(&value, span);
        let result = (inner != Ty::Unit).then(|| self.temp(&inner, span));
        let join = self.new_block();
        let good = self.test_tag(&place, tag, span, |body| {
            body.spent(&place, &value.ty, span);
            let other = body.expr(right, Some(&inner));
            let other = body.coerce(other, &inner, right.span);
            if let Some(result) = result {
                body.assign(Place::local(result), Rvalue::Use(other.operand), span);
            }
            body.goto(join, span);
        });
        self.start(good);
        let found = self.payload(&place, tag, &inner);
        if let Some(result) = result {
            self.assign(Place::local(result), Rvalue::Use(found.operand), span);
        }
        self.goto(join, span);
        self.start(join);
        result.map_or_else(Value::unit, |result| self.out(result, &inner))
    }
}
