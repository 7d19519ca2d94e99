//! Operators: which types they take, and what they become.

use super::expr::{byte_view, is_none, pure, untyped};
use super::{Body, Value};
use crate::constants;
use crate::ty::{I64, Ty, U8, U32};
use crate::world::Def;
use compiler_mir::ir::{self, BinaryOperator as Op, Operand, Place, Rvalue, Terminator};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{BinaryOperator, Expr, ExprKind, Literal, UnaryOperator};

impl Body<'_, '_> {
    pub(super) fn unary(
        &mut self,
        operator: UnaryOperator,
        inner: &Expr,
        want: Option<&Ty>,
        span: Span,
    ) -> Value {
        if let (UnaryOperator::Negate, ExprKind::Literal(Literal::Integer(integer))) =
            (operator, &*inner.kind)
        {
            let value = constants::scaled(integer, inner.span, &mut self.unit.diagnostics);
            return value.map_or_else(Value::error, |value| self.integer(-value, want, &I64, span));
        }
        let value = self.expr(inner, want);
        let fits = match operator {
            UnaryOperator::Negate => matches!(value.ty, Ty::Int { signed: true, .. } | Ty::Float(_)),
            UnaryOperator::Not => value.ty == Ty::Bool,
            UnaryOperator::Complement => value.ty.is_int(),
        };
        if value.ty.is_error() || value.ty == Ty::Never {
            return value;
        }
        if !fits {
            let shown = self.show(&value.ty);
            let (sign, takes) = match operator {
                UnaryOperator::Negate => ("-", "a signed integer or a float"),
                UnaryOperator::Not => ("!", "a bool"),
                UnaryOperator::Complement => ("~", "an integer"),
            };
            return self.fail(
                Diagnostic::error("operand-type", span, format!("`{sign}` takes {takes}, not {shown}"))
                    .also(inner.span, format!("this is {shown}")),
            );
        }
        let op = if operator == UnaryOperator::Negate {
            ir::UnaryOperator::Negate
        } else {
            ir::UnaryOperator::Not
        };
        let operand = self.compute(&value.ty, Rvalue::Unary(op, value.operand), span);
        Value { operand, ty: value.ty }
    }

    pub(super) fn binary_expr(
        &mut self,
        op: BinaryOperator,
        left: &Expr,
        right: &Expr,
        want: Option<&Ty>,
        span: Span,
    ) -> Value {
        match op {
            BinaryOperator::AndThen => self.short_circuit(true, left, right, span),
            BinaryOperator::OrElse => self.short_circuit(false, left, right, span),
            BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterEqual => self.comparison(op, left, right, span),
            BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight => {
                let value = self.expr(left, want.filter(|ty| ty.is_int()));
                let value = if pure(right) { value } else { self.freeze(value, left.span) };
                self.shift(op, value, left, right, span)
            }
            _ => {
                let want = want.filter(|ty| ty.is_numeric() || **ty == Ty::Bool);
                let (a, b) = self.operands(left, right, want);
                self.arithmetic(op, (a, left), (b, right), span)
            }
        }
    }

    pub(super) fn short_circuit(&mut self, both: bool, left: &Expr, right: &Expr, span: Span) -> Value {
        let result = self.temp(&Ty::Bool, span);
        let first = self.expr_as(left, &Ty::Bool);
        self.assign(Place::local(result), Rvalue::Use(first.operand.clone()), span);
        let (more, end) = (self.new_block(), self.new_block());
        let (then, otherwise) = if both { (more, end) } else { (end, more) };
        let condition = Operand::Copy(Place::local(result));
        self.end(Terminator::Branch { condition, then, otherwise }, span);
        self.start(more);
        let second = self.expr_as(right, &Ty::Bool);
        self.assign(Place::local(result), Rvalue::Use(second.operand), span);
        self.goto(end, span);
        self.start(end);
        Value::of_local(result, Ty::Bool)
    }

    /// Whether an expression takes its type from outside: it is made of literals and constants of no stated type.
    pub(super) fn loose(&mut self, expr: &Expr) -> bool {
        match &*expr.kind {
            ExprKind::Name(_) | ExprKind::Field(..) => match self.declared(expr) {
                Some((Def::Constant(at), rest)) if rest.is_empty() => self.loose_constant(at, expr.span),
                Some(_) => false,
                None => self.loose_local(expr),
            },
            ExprKind::Unary(UnaryOperator::Negate | UnaryOperator::Complement, inner) => self.loose(inner),
            ExprKind::Tuple(parts) if parts.len() == 1 => self.loose(&parts[0]),
            ExprKind::Binary(_, left, right) => self.loose(left) && self.loose(right),
            _ => untyped(expr),
        }
    }

    fn loose_local(&mut self, expr: &Expr) -> bool {
        let ExprKind::Name(name) = &*expr.kind else { return false };
        self.local_constant(name.as_str()).is_some_and(|value| {
            value.ty == I64 && matches!(value.operand, Operand::Constant(ir::Constant::Int(..)))
        })
    }

    /// Both operands, at one type: a literal takes the other side's.
    pub(super) fn operands(&mut self, left: &Expr, right: &Expr, want: Option<&Ty>) -> (Value, Value) {
        let (a, b);
        if self.loose(left) && !self.loose(right) {
            b = self.expr(right, want);
            a = self.expr(left, Some(&b.ty));
        } else {
            let first = self.expr(left, want);
            a = if pure(right) { first } else { self.freeze(first, left.span) };
            let ty = a.ty.clone();
            b = self.expr(right, Some(&ty));
        }
        (a, b)
    }

    pub(super) fn same_type(&mut self, a: &Value, b: &Value, left: &Expr, right: &Expr, span: Span) -> bool {
        let loose = |ty: &Ty| ty.is_error() || *ty == Ty::Never;
        if loose(&a.ty) || loose(&b.ty) {
            return false;
        }
        let text = |ty: &Ty| *ty == Ty::Str || *ty == Ty::Slice(Box::new(U8));
        if a.ty == b.ty || (text(&a.ty) && text(&b.ty)) {
            return true;
        }
        let (first, second) = (self.show(&a.ty), self.show(&b.ty));
        let mut diagnostic =
            Diagnostic::error("operand-mismatch", span, "the two sides have different types")
                .also(left.span, format!("this is {first}"))
                .also(right.span, format!("this is {second}"));
        if a.ty.is_int() && b.ty.is_int() {
            diagnostic =
                diagnostic.help(format!("convert one of them: `{first}(…)` traps if the value does not fit"));
        }
        self.report(diagnostic);
        false
    }

    /// What `place op= value` assigns; the place was evaluated, once.
    pub(super) fn combine(
        &mut self,
        op: BinaryOperator,
        old: Value,
        place: &Expr,
        right: &Expr,
        span: Span,
    ) -> Value {
        let old = if pure(right) { old } else { self.freeze(old, place.span) };
        let ty = old.ty.clone();
        if matches!(op, BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight) {
            return self.shift(op, old, place, right, span);
        }
        let value = self.expr(right, Some(&ty));
        self.arithmetic(op, (old, place), (value, right), span)
    }

    fn arithmetic(
        &mut self,
        op: BinaryOperator,
        (a, left): (Value, &Expr),
        (b, right): (Value, &Expr),
        span: Span,
    ) -> Value {
        if !self.same_type(&a, &b, left, right, span) {
            let ty = if a.ty == Ty::Never || b.ty == Ty::Never { Ty::Never } else { Ty::Error };
            return Value { ty, ..Value::error() };
        }
        let (lowered, takes): (Op, fn(&Ty) -> bool) = match op {
            BinaryOperator::Add => (Op::Add, Ty::is_numeric),
            BinaryOperator::Subtract => (Op::Subtract, Ty::is_numeric),
            BinaryOperator::Multiply => (Op::Multiply, Ty::is_numeric),
            BinaryOperator::Divide => (Op::Divide, Ty::is_numeric),
            BinaryOperator::Remainder => (Op::Remainder, Ty::is_int),
            BinaryOperator::AddWrap => (Op::AddWrap, Ty::is_int),
            BinaryOperator::SubtractWrap => (Op::SubtractWrap, Ty::is_int),
            BinaryOperator::MultiplyWrap => (Op::MultiplyWrap, Ty::is_int),
            BinaryOperator::And => (Op::And, |ty| ty.is_int() || *ty == Ty::Bool),
            BinaryOperator::Or => (Op::Or, |ty| ty.is_int() || *ty == Ty::Bool),
            _ => (Op::Xor, |ty| ty.is_int() || *ty == Ty::Bool),
        };
        if !takes(&a.ty) {
            let shown = self.show(&a.ty);
            let diagnostic =
                Diagnostic::error("operand-type", span, format!("this operator does not take {shown}"))
                    .also(left.span, format!("this is {shown}"));
            return self.fail(match a.ty {
                Ty::Str => diagnostic.help("texts meet where they are written: `console.write(\"{a}{b}\")`"),
                _ => diagnostic,
            });
        }
        let operand = self.binary(&a.ty, lowered, a.operand, b.operand, span);
        Value { operand, ty: a.ty }
    }

    fn shift(&mut self, op: BinaryOperator, value: Value, left: &Expr, right: &Expr, span: Span) -> Value {
        let amount = self.expr(right, Some(&U32));
        if !value.ty.is_int() || !amount.ty.is_int() {
            if value.ty.is_error() || amount.ty.is_error() {
                return Value::error();
            }
            let (a, b) = (self.show(&value.ty), self.show(&amount.ty));
            return self.fail(
                Diagnostic::error("operand-type", span, "a shift takes two integers")
                    .also(left.span, format!("this is {a}"))
                    .also(right.span, format!("this is {b}")),
            );
        }
        let amount = if amount.ty == U32 {
            amount.operand
        } else {
            let id = self.unit.type_id(&U32);
            self.compute(&U32, Rvalue::Convert(amount.operand, id), right.span)
        };
        let op = if op == BinaryOperator::ShiftLeft { Op::ShiftLeft } else { Op::ShiftRight };
        let operand = self.binary(&value.ty, op, value.operand, amount, span);
        Value { operand, ty: value.ty }
    }

    pub(super) fn comparison(&mut self, op: BinaryOperator, left: &Expr, right: &Expr, span: Span) -> Value {
        let (a, b) = self.operands(left, right, None);
        if !self.same_type(&a, &b, left, right, span) {
            return Value { ty: Ty::Bool, ..Value::boolean(false) };
        }
        let equality = matches!(op, BinaryOperator::Equal | BinaryOperator::NotEqual);
        let lowered = match op {
            BinaryOperator::Equal => Op::Equal,
            BinaryOperator::NotEqual => Op::NotEqual,
            BinaryOperator::Less => Op::Less,
            BinaryOperator::LessEqual => Op::LessEqual,
            BinaryOperator::Greater => Op::Greater,
            _ => Op::GreaterEqual,
        };
        let operand = match &a.ty {
            Ty::Int { .. } | Ty::Float(_) => self.binary(&Ty::Bool, lowered, a.operand, b.operand, span),
            Ty::Bool | Ty::Id(_) if equality => self.binary(&Ty::Bool, lowered, a.operand, b.operand, span),
            Ty::Str | Ty::Slice(_) if equality && byte_view(&a.ty) => {
                let same = self.bytes_equal(a, b, span);
                if op == BinaryOperator::Equal {
                    same
                } else {
                    self.compute(&Ty::Bool, Rvalue::Unary(ir::UnaryOperator::Not, same), span)
                }
            }
            Ty::Enum(at) if equality && self.plain_enum(*at) => {
                let (left, right) = (self.place_of(&a, span), self.place_of(&b, span));
                let left = self.compute(&U32, Rvalue::Tag(left), span);
                let right = self.compute(&U32, Rvalue::Tag(right), span);
                self.binary(&Ty::Bool, lowered, left, right, span)
            }
            Ty::Optional(_) if equality && (is_none(left) || is_none(right)) => {
                let (left, right) = (self.place_of(&a, span), self.place_of(&b, span));
                let left = self.compute(&U32, Rvalue::Tag(left), span);
                let right = self.compute(&U32, Rvalue::Tag(right), span);
                self.binary(&Ty::Bool, lowered, left, right, span)
            }
            ty => {
                let shown = self.show(ty);
                return self.fail(
                    Diagnostic::error(
                        "not-comparable",
                        span,
                        format!("{shown} cannot be compared like this"),
                    )
                    .help("compare its parts, or use `match`"),
                );
            }
        };
        Value { operand, ty: Ty::Bool }
    }

    pub(super) fn plain_enum(&self, at: u32) -> bool {
        self.unit.world.enums[at as usize].variants.iter().all(|variant| variant.fields.is_empty())
    }
}
