//! Expressions.

use super::{Access, Body, Value};
use crate::collect::unsupported;
use crate::constants;
use crate::ty::{I64, Ty, U8, U32, U64};
use crate::unit::NONE;
use compiler_mir::ir::{
    BinaryOperator as Op, BlockId, Constant, Fault, Local, Operand, Place, Rvalue, Statement, Step,
    Terminator,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, Expr, ExprKind, Literal, UnaryOperator};

impl Body<'_, '_> {
    /// Lowers an expression whose place wants the given type, if it wants one.
    pub(crate) fn expr(&mut self, expr: &Expr, want: Option<&Ty>) -> Value {
        let span = expr.span;
        // What an operator, a tuple or an array makes is never an optional itself.
        let inner = want.map(Ty::without_optional);
        match &*expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, want, span),
            ExprKind::Text(_) => self.fail(
                Diagnostic::error("text-needs-writer", span, "text with `{ }` goes straight into a message")
                    .help("pass it as the text argument of an interface's method, such as `console.write`"),
            ),
            ExprKind::Tuple(parts) if parts.len() == 1 => self.expr(&parts[0], want),
            ExprKind::Tuple(parts) if parts.is_empty() => Value::unit(),
            ExprKind::Tuple(parts) => self.tuple(parts, inner, span),
            ExprKind::Name(_) | ExprKind::Field(..) | ExprKind::Index(..) | ExprKind::SelfValue => {
                self.access(expr, want)
            }
            ExprKind::Call(callee, arguments) => self.call(callee, arguments, want, span),
            ExprKind::Unary(operator, operand) => self.unary(*operator, operand, inner, span),
            ExprKind::Binary(operator, left, right) => self.binary_expr(*operator, left, right, inner, span),
            ExprKind::Try(inner) => self.try_expr(inner, span),
            ExprKind::Or(left, right) => self.or_expr(left, right, span),
            ExprKind::Range(..) => self.fail(
                Diagnostic::error("range-here", span, "a range stands only after `in` and in brackets")
                    .help("write `for i in 0..n` or `bytes[2..5]`"),
            ),
            ExprKind::Struct(head, fields) => self.struct_literal(head, fields, span),
            ExprKind::Array(parts) => self.array(parts, inner, span),
            ExprKind::Repeat(value, count) => self.repeat(value, count, inner, span),
            ExprKind::If(condition, then, otherwise) => {
                self.if_expr(condition, then, otherwise.as_ref(), want, span)
            }
            ExprKind::Match(value, arms) => self.match_expr(value, arms, want, span),
            ExprKind::Block(block) => self.block_value(block, want),
            ExprKind::Loop(body) => self.loop_expr(body, span),
            ExprKind::Unsafe(_) => self.fail(unsupported(span, "`unsafe`")),
            ExprKind::Parallel(_) => self.fail(unsupported(span, "`parallel`")),
            ExprKind::Return(value) => self.return_expr(value.as_ref(), span),
            ExprKind::Break => self.leave_loop(false, span),
            ExprKind::Continue => self.leave_loop(true, span),
            ExprKind::Error => Value::error(),
        }
    }

    /// Lowers an expression that must have the type.
    pub(crate) fn expr_as(&mut self, expr: &Expr, want: &Ty) -> Value {
        let value = self.expr(expr, Some(want));
        self.coerce(value, want, expr.span)
    }

    fn literal(&mut self, literal: &Literal, want: Option<&Ty>, span: Span) -> Value {
        let want = if *literal == Literal::None { want } else { want.map(Ty::without_optional) };
        match literal {
            Literal::Integer(integer) => {
                let value = constants::scaled(integer, span, &mut self.unit.diagnostics);
                value.map_or_else(Value::error, |value| self.integer(value, want, &I64, span))
            }
            Literal::Char(value) => self.integer(i128::from(u32::from(*value)), want, &U32, span),
            Literal::Float(value) => {
                let ty = if let Some(Ty::Float(32)) = want { Ty::Float(32) } else { Ty::Float(64) };
                let bits =
                    if ty == Ty::Float(32) { u64::from((*value as f32).to_bits()) } else { value.to_bits() };
                let id = self.unit.type_id(&ty);
                Value { operand: Operand::Constant(Constant::Float(bits, id)), ty }
            }
            Literal::Text(text) => self.text_literal(text, want),
            Literal::Bool(value) => Value::boolean(*value),
            Literal::None => match want {
                Some(ty @ Ty::Optional(_)) => {
                    let local = self.temp(ty, span);
                    self.push(Statement::SetTag(Place::local(local), NONE), span);
                    Value::of_local(local, ty.clone())
                }
                Some(Ty::Error) => Value::error(),
                _ => self.fail(
                    Diagnostic::error("none-without-type", span, "it is not clear what is missing here")
                        .help("say the type: `let x: u32? = none`"),
                ),
            },
        }
    }

    pub(super) fn text_literal(&mut self, text: &str, want: Option<&Ty>) -> Value {
        let data = self.unit.text(text.as_bytes());
        let id = self.unit.type_id(&Ty::Str);
        let ty = match want {
            Some(ty @ Ty::Slice(element)) if **element == U8 => ty.clone(),
            _ => Ty::Str,
        };
        Value { operand: Operand::Constant(Constant::Slice(data, text.len() as u64, id)), ty }
    }

    pub(super) fn integer(&mut self, value: i128, want: Option<&Ty>, default: &Ty, span: Span) -> Value {
        let ty = match want {
            Some(ty) if ty.is_int() => ty,
            Some(ty @ Ty::Float(_)) => {
                let shown = self.show(ty);
                return self.fail(
                    Diagnostic::error(
                        "type-mismatch",
                        span,
                        format!("an integer stands where {shown} is wanted"),
                    )
                    .help(format!("write `{value}.0`")),
                );
            }
            _ => default,
        };
        let (least, greatest) = ty.int_range().unwrap_or((i128::MIN, i128::MAX));
        if value < least || value > greatest {
            let shown = self.show(ty);
            return self.fail(
                Diagnostic::error("integer-range", span, format!("{value} does not fit {shown}"))
                    .help(format!("{shown} holds {least} to {greatest}")),
            );
        }
        Value { operand: self.int(ty, value), ty: ty.clone() }
    }

    fn tuple(&mut self, parts: &[Expr], want: Option<&Ty>, span: Span) -> Value {
        let wants = match want {
            Some(Ty::Tuple(wants)) if wants.len() == parts.len() => wants.iter().map(Some).collect(),
            _ => vec![None; parts.len()],
        };
        let mut values = Vec::new();
        for (part, want) in parts.iter().zip(wants) {
            let value = match want {
                Some(want) => self.expr_as(part, want),
                None => self.expr(part, None),
            };
            values.push(self.freeze(value, part.span));
        }
        let ty = Ty::Tuple(values.iter().map(|value| value.ty.clone()).collect());
        let local = self.temp(&ty, span);
        for (at, value) in values.into_iter().enumerate() {
            let place = Place::local(local).then(Step::Field(at as u32));
            self.assign(place, Rvalue::Use(value.operand), span);
        }
        Value::of_local(local, ty)
    }

    fn array(&mut self, parts: &[Expr], want: Option<&Ty>, span: Span) -> Value {
        let mut element = match want {
            Some(Ty::Array(element, _) | Ty::Slice(element)) => Some((**element).clone()),
            _ => None,
        };
        let mut values = Vec::new();
        for part in parts {
            let value = match &element {
                Some(element) => self.expr_as(part, &element.clone()),
                None => self.expr(part, None),
            };
            if element.is_none() && value.ty != Ty::Never {
                element = Some(value.ty.clone());
            }
            values.push(self.freeze(value, part.span));
        }
        let Some(element) = element else {
            return self.fail(
                Diagnostic::error("empty-array", span, "the type of an empty array is not clear")
                    .help("say the type: `let a: [u8; 0] = []`"),
            );
        };
        if self.unit.world.is_linear(&element) {
            return self.fail(crate::collect::handle_array(span));
        }
        let ty = Ty::Array(Box::new(element), values.len() as u64);
        let local = self.temp(&ty, span);
        for (at, value) in values.into_iter().enumerate() {
            let place = Place::local(local).then(Step::ConstantIndex(at as u64));
            self.assign(place, Rvalue::Use(value.operand), span);
        }
        Value::of_local(local, ty)
    }

    fn repeat(&mut self, value: &Expr, count: &Expr, want: Option<&Ty>, span: Span) -> Value {
        let element = match want {
            Some(Ty::Array(element, _) | Ty::Slice(element)) => Some((**element).clone()),
            _ => None,
        };
        let first = match &element {
            Some(element) => self.expr_as(value, element),
            None => self.expr(value, None),
        };
        if self.unit.world.is_linear(&first.ty) {
            return self.fail(
                Diagnostic::error(
                    "handle-copied",
                    value.span,
                    "a value with a handle in it cannot be repeated",
                )
                .help("make each element by itself"),
            );
        }
        let package = self.package;
        let Some(count) = constants::integer(self.unit.world, package, count, &mut self.unit.diagnostics)
        else {
            return Value::error();
        };
        let Some(count) = u64::try_from(count).ok().filter(|count| *count <= 1 << 28) else {
            return self.fail(Diagnostic::error(
                "bad-count",
                span,
                format!("{count} is not a number of elements"),
            ));
        };
        let ty = Ty::Array(Box::new(first.ty.clone()), count);
        let local = self.temp(&ty, span);
        if matches!(first.operand, Operand::Constant(Constant::Int(0, _) | Constant::Bool(false))) {
            self.push(Statement::Zero(Place::local(local)), span);
        } else {
            let first = self.freeze(first, span);
            self.counted(count, span, |body, at| {
                let place = Place::local(local).then(Step::Index(at));
                body.assign(place, Rvalue::Use(first.operand.clone()), span);
            });
        }
        Value::of_local(local, ty)
    }

    /// Emits a loop over `0..count` whose body gets the `u64` index.
    pub(super) fn counted(&mut self, count: u64, span: Span, mut each: impl FnMut(&mut Self, Local)) {
        let at = self.temp(&U64, span);
        let zero = self.int(&U64, 0);
        let (limit, one) = (self.int(&U64, i128::from(count)), self.int(&U64, 1));
        self.assign(Place::local(at), Rvalue::Use(zero), span);
        let (head, inside, end) = (self.new_block(), self.new_block(), self.new_block());
        self.goto(head, span);
        self.start(head);
        let index = Operand::Copy(Place::local(at));
        let more = self.binary(&Ty::Bool, Op::Less, index.clone(), limit, span);
        self.end(Terminator::Branch { condition: more, then: inside, otherwise: end }, span);
        self.start(inside);
        each(self, at);
        self.assign(Place::local(at), Rvalue::Binary(Op::AddWrap, index, one), span);
        self.goto(head, span);
        self.start(end);
    }

    /// A temporary's value, moved if it is linear.
    pub(super) fn out(&self, local: Local, ty: &Ty) -> Value {
        Value { operand: self.read(Place::local(local), ty), ty: ty.clone() }
    }

    fn struct_literal(&mut self, head: &Expr, fields: &[(tree::Name, Option<Expr>)], span: Span) -> Value {
        let Some(at) = self.struct_named(head) else { return Value::error() };
        let def = &self.unit.world.structs[at as usize];
        let ty = Ty::Struct(at);
        let mut given: Vec<Option<Value>> = def.fields.iter().map(|_| None).collect();
        for (name, value) in fields {
            let Some(index) = def.fields.iter().position(|field| field.name == name.as_str()) else {
                let known: Vec<&str> = def.fields.iter().map(|field| field.name.as_str()).collect();
                let help = format!("its fields are {}", known.join(", "));
                self.report(
                    Diagnostic::error(
                        "unknown-field",
                        name.span,
                        format!("`{}` has no field `{}`", def.name, name.as_str()),
                    )
                    .help(help),
                );
                continue;
            };
            if given[index].is_some() {
                self.report(
                    Diagnostic::error(
                        "duplicate-member",
                        name.span,
                        format!("the field `{}` is given twice", name.as_str()),
                    )
                    .help("remove one of them"),
                );
            }
            let wanted = &def.fields[index].ty;
            let shorthand = Expr { kind: Box::new(ExprKind::Name(name.clone())), span: name.span };
            let value = self.expr_as(value.as_ref().unwrap_or(&shorthand), wanted);
            given[index] = Some(self.freeze(value, name.span));
        }
        let local = self.temp(&ty, span);
        let mut missing = Vec::new();
        for (index, (field, value)) in def.fields.iter().zip(given).enumerate() {
            let value = match (value, &field.default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.expr_as(default, &field.ty),
                (None, None) => {
                    missing.push(field.name.as_str());
                    continue;
                }
            };
            let place = Place::local(local).then(Step::Field(index as u32));
            self.assign(place, Rvalue::Use(value.operand), span);
        }
        if !missing.is_empty() {
            let (name, missing) = (def.name.clone(), missing.join("`, `"));
            self.report(
                Diagnostic::error("missing-field", span, format!("`{name}` lacks `{missing}`"))
                    .also(def.span, "declared here")
                    .help("give every field a value"),
            );
        }
        Value { operand: self.read(Place::local(local), &ty), ty }
    }

    fn if_expr(
        &mut self,
        condition: &Expr,
        then: &tree::Block,
        otherwise: Option<&Expr>,
        want: Option<&Ty>,
        span: Span,
    ) -> Value {
        let condition = self.expr_as(condition, &Ty::Bool);
        let (yes, no, join) = (self.new_block(), self.new_block(), self.new_block());
        self.end(Terminator::Branch { condition: condition.operand, then: yes, otherwise: no }, span);
        let mut merge = Merge::new(join, want.cloned());
        self.start(yes);
        let value = self.block_value(then, want);
        if otherwise.is_none() {
            self.discard(&value, then.span);
            merge.ty = Some(Ty::Unit);
            merge.reached = true;
            self.goto(join, span);
        } else {
            merge.arm(self, value, then.span);
        }
        self.start(no);
        match otherwise {
            Some(otherwise) => {
                let want = merge.ty.clone();
                let value = self.expr(otherwise, want.as_ref());
                merge.arm(self, value, otherwise.span);
            }
            None => self.goto(join, span),
        }
        merge.finish(self)
    }

    /// A value that is not used: a linear one would be forgotten.
    pub(super) fn discard(&mut self, value: &Value, span: Span) {
        let fallible = matches!(value.ty, Ty::Result(..));
        if fallible {
            let shown = self.show(&value.ty);
            self.report(
                Diagnostic::error(
                    "error-ignored",
                    span,
                    format!("the result is {shown} and nobody looks at it"),
                )
                .help("hand the error on with `?`, or say what to do with `or`"),
            );
        } else if self.unit.world.is_linear(&value.ty) {
            self.report(
                Diagnostic::error("handle-forgotten", span, "a handle must be used, kept or closed")
                    .help("bind it with `let`, or `close(…)` it"),
            );
        }
    }

    fn loop_expr(&mut self, body: &tree::Block, span: Span) -> Value {
        let (next, end) = (self.new_block(), self.new_block());
        self.goto(next, span);
        self.start(next);
        let breaks = self.loop_body(next, end, body);
        self.goto(next, span);
        self.start(end);
        if breaks {
            Value::unit()
        } else {
            self.current = None;
            Value::never()
        }
    }

    /// Checks that a place may be written, or says why not.
    pub(super) fn writable(&mut self, access: &Access, span: Span) {
        if let Access::Read(why) = access {
            self.report(crate::views::not_writable(why, span));
        }
    }

    /// Traps with `fault` where control stands.
    pub(super) fn trap(&mut self, fault: Fault, span: Span) {
        self.end(Terminator::Trap(fault), span);
    }
}

/// The arms of an `if` or `match` that come together with one type.
pub(super) struct Merge {
    join: BlockId,
    pub(super) ty: Option<Ty>,
    wanted: bool,
    result: Option<Local>,
    reached: bool,
}

impl Merge {
    pub(super) fn new(join: BlockId, want: Option<Ty>) -> Self {
        Self { join, wanted: want.is_some(), ty: want, result: None, reached: false }
    }

    /// Adds an arm's value, where control has come to its end.
    pub(super) fn arm(&mut self, body: &mut Body<'_, '_>, value: Value, span: Span) {
        if value.ty == Ty::Never {
            body.current = None;
            return;
        }
        if self.wanted && self.ty == Some(Ty::Unit) {
            // Nobody looks at the value, so the arms need not agree.
            self.reached |= body.current.is_some();
            body.discard(&value, span);
            body.goto(self.join, span);
            return;
        }
        if self.ty.is_none() || (self.wanted && !self.reached && self.result.is_none() && value.ty.is_error())
        {
            self.ty = Some(value.ty.clone());
        }
        self.reached |= body.current.is_some();
        let ty = self.ty.clone().unwrap_or(Ty::Unit);
        let value = body.coerce(value, &ty, span);
        if ty != Ty::Unit && !ty.is_error() {
            let result = *self.result.get_or_insert_with(|| body.temp(&ty, span));
            body.assign(Place::local(result), Rvalue::Use(value.operand), span);
        }
        body.goto(self.join, span);
    }

    pub(super) fn finish(self, body: &mut Body<'_, '_>) -> Value {
        body.start(self.join);
        let ty = match self.ty {
            Some(ty) if self.reached || !self.wanted => ty,
            _ if self.reached => Ty::Unit,
            _ => Ty::Never,
        };
        match (self.result, &ty) {
            (Some(result), _) => body.out(result, &ty),
            (None, Ty::Error) => Value::error(),
            (None, Ty::Unit) => Value::unit(),
            (None, _) => {
                body.current = None;
                Value::never()
            }
        }
    }
}

/// Whether an expression is made of literals alone, so that its type comes from outside.
pub(super) fn untyped(expr: &Expr) -> bool {
    match &*expr.kind {
        ExprKind::Literal(Literal::Integer(_) | Literal::Char(_) | Literal::None | Literal::Float(_)) => true,
        ExprKind::Unary(UnaryOperator::Negate | UnaryOperator::Complement, inner) => untyped(inner),
        ExprKind::Tuple(parts) if parts.len() == 1 => untyped(&parts[0]),
        ExprKind::Binary(_, left, right) => untyped(left) && untyped(right),
        _ => false,
    }
}

/// Whether an expression only reads: nothing before it can change under it.
pub(super) fn pure(expr: &Expr) -> bool {
    match &*expr.kind {
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::SelfValue => true,
        ExprKind::Field(base, _) => pure(base),
        ExprKind::Index(base, indices) => pure(base) && indices.iter().all(pure),
        ExprKind::Unary(_, inner) => pure(inner),
        ExprKind::Binary(_, left, right) => pure(left) && pure(right),
        ExprKind::Tuple(parts) => parts.iter().all(pure),
        _ => false,
    }
}

pub(super) fn is_none(expr: &Expr) -> bool {
    matches!(&*expr.kind, ExprKind::Literal(Literal::None))
}

/// Whether the type is text or bytes.
pub(super) fn byte_view(ty: &Ty) -> bool {
    *ty == Ty::Str || *ty == Ty::Slice(Box::new(U8))
}
