//! Loops, and leaving them.

use super::stmt::leaves_defer;
use super::{Body, Loop, Scope, Value};
use crate::collect::unsupported;
use crate::ty::{Ty, U32, U64};
use crate::unit::table;
use compiler_mir::ir::{BinaryOperator as Op, BlockId, Operand, Place, Rvalue, Step, Terminator};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, Expr, ExprKind};

impl Body<'_, '_> {
    pub(super) fn loop_attributes(&mut self, attributes: &[tree::Attribute]) {
        for attribute in attributes {
            let what = format!("the attribute `@{}` on a loop", attribute.name.as_str());
            self.report(unsupported(attribute.span, &what));
        }
    }

    pub(super) fn while_loop(&mut self, condition: &Expr, body: &tree::Block, span: Span) {
        let (head, inside, end) = (self.new_block(), self.new_block(), self.new_block());
        self.goto(head, span);
        self.start(head);
        let test = self.expr_as(condition, &Ty::Bool);
        self.end(Terminator::Branch { condition: test.operand, then: inside, otherwise: end }, span);
        self.start(inside);
        self.loop_body(head, end, body);
        self.goto(head, span);
        self.start(end);
    }

    /// A loop's body; whether it has a `break`.
    pub(super) fn loop_body(&mut self, next: BlockId, end: BlockId, body: &tree::Block) -> bool {
        self.loops.push(Loop { next, end, depth: self.scopes.len(), breaks: false });
        let depth = self.scopes.len();
        self.scopes.push(Scope::default());
        self.statements(&body.statements);
        if self.current.is_some() {
            self.leave_scopes(depth);
        }
        self.pop_scope();
        self.loops.pop().is_some_and(|own| own.breaks)
    }

    pub(super) fn for_loop(&mut self, name: &tree::Name, sequence: &Expr, body: &tree::Block, span: Span) {
        match &*sequence.kind {
            ExprKind::Range(from, to) => self.range_loop(name, from, to, body, span),
            _ => self.sequence_loop(name, sequence, body, span),
        }
    }

    pub(super) fn range_loop(
        &mut self,
        name: &tree::Name,
        from: &Expr,
        to: &Expr,
        body: &tree::Block,
        span: Span,
    ) {
        let (first, last);
        if self.loose(from) && !self.loose(to) {
            let end = self.expr(to, None);
            last = self.freeze(end, to.span);
            first = self.expr_as(from, &last.ty.clone());
        } else {
            let start = self.expr(from, None);
            first = self.freeze(start, from.span);
            let end = self.expr_as(to, &first.ty.clone());
            last = self.freeze(end, to.span);
        }
        let ty = first.ty.clone();
        if !ty.is_int() {
            if !ty.is_error() {
                let shown = self.show(&ty);
                self.report(
                    Diagnostic::error(
                        "range-type",
                        from.span,
                        format!("a range runs over integers, not {shown}"),
                    )
                    .help("use integers on both sides of `..`"),
                );
            }
            return;
        }
        let at = self.keep(&ty, Rvalue::Use(first.operand), span);
        let (head, inside, next, end) =
            (self.new_block(), self.new_block(), self.new_block(), self.new_block());
        self.goto(head, span);
        self.start(head);
        let index = Operand::Copy(Place::local(at));
        let more = self.binary(&Ty::Bool, Op::Less, index.clone(), last.operand, span);
        self.end(Terminator::Branch { condition: more, then: inside, otherwise: end }, span);
        self.start(inside);
        self.scopes.push(Scope::default());
        self.loop_variable(name, Value { operand: index.clone(), ty: ty.clone() });
        self.loop_body(next, end, body);
        self.pop_scope();
        self.goto(next, span);
        self.start(next);
        let one = self.int(&ty, 1);
        self.assign(Place::local(at), Rvalue::Binary(Op::AddWrap, index, one), span);
        self.goto(head, span);
        self.start(end);
    }

    pub(super) fn loop_variable(&mut self, name: &tree::Name, value: Value) {
        if name.as_str() == "_" {
            return;
        }
        self.declare(name, value, false);
        if let Some(binding) = self.lookup(name.as_str()) {
            binding.used = true;
        }
    }

    pub(super) fn sequence_loop(
        &mut self,
        name: &tree::Name,
        sequence: &Expr,
        body: &tree::Block,
        span: Span,
    ) {
        let Some(base) = self.lvalue_or_temp(sequence) else { return };
        let base = self.steady(base, span);
        let (element, count) = match &base.ty {
            Ty::Array(element, count) => ((**element).clone(), self.int(&U64, i128::from(*count))),
            Ty::Slice(element) => {
                let element = (**element).clone();
                (element, self.compute(&U64, Rvalue::Length(base.place.clone()), span))
            }
            Ty::Table(element, count) => (Ty::Id(element.clone()), self.int(&U64, i128::from(*count))),
            other => {
                let shown = self.show(other);
                self.report(
                    Diagnostic::error(
                        "not-a-sequence",
                        sequence.span,
                        format!("`for` cannot go through {shown}"),
                    )
                    .help("use a range, an array, a slice or a table"),
                );
                return;
            }
        };
        let is_table = matches!(base.ty, Ty::Table(..));
        if !is_table && self.unit.world.is_linear(&element) {
            self.report(
                Diagnostic::error(
                    "handle-copied",
                    sequence.span,
                    "the elements hold handles and cannot be copied out",
                )
                .help("keep them in a table and go through its ids"),
            );
            return;
        }
        let zero = self.int(&U64, 0);
        let at = self.keep(&U64, Rvalue::Use(zero), span);
        let (head, inside, next, end) =
            (self.new_block(), self.new_block(), self.new_block(), self.new_block());
        self.goto(head, span);
        self.start(head);
        let index = Operand::Copy(Place::local(at));
        let more = self.binary(&Ty::Bool, Op::Less, index.clone(), count, span);
        self.end(Terminator::Branch { condition: more, then: inside, otherwise: end }, span);
        self.start(inside);
        self.scopes.push(Scope::default());
        let operand = if is_table {
            let place = base.place.then(Step::Field(table::GENERATIONS)).then(Step::Index(at));
            let one = self.int(&U32, 1);
            let odd = self.binary(&U32, Op::And, Operand::Copy(place), one, span);
            let live = self.new_block();
            self.end(Terminator::Switch { value: odd, arms: vec![(1, live)], otherwise: next }, span);
            self.start(live);
            self.id_at(&base, at, span)
        } else {
            Operand::Copy(base.place.then(Step::Index(at)))
        };
        self.loop_variable(name, Value { operand, ty: element });
        self.loop_body(next, end, body);
        self.pop_scope();
        self.goto(next, span);
        self.start(next);
        let one = self.int(&U64, 1);
        self.assign(Place::local(at), Rvalue::Binary(Op::AddWrap, index, one), span);
        self.goto(head, span);
        self.start(end);
    }

    /// `break` and `continue`.
    pub(super) fn leave_loop(&mut self, again: bool, span: Span) -> Value {
        let word = if again { "continue" } else { "break" };
        if self.in_defer && self.loops.is_empty() {
            return self.fail(leaves_defer(span, word));
        }
        let Some(own) = self.loops.last_mut() else {
            return self.fail(
                Diagnostic::error("outside-loop", span, format!("`{word}` stands outside a loop"))
                    .help("use `return` to leave the function"),
            );
        };
        own.breaks |= !again;
        let (target, depth) = (if again { own.next } else { own.end }, own.depth);
        self.leave_scopes(depth);
        self.goto(target, span);
        Value::never()
    }
}
