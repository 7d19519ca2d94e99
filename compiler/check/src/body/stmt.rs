//! Statements, blocks, loops, and leaving them.

use super::{Body, Scope, Value};
use crate::ty::Ty;
use crate::unit::{ERR, NONE, OK};
use compiler_mir::ir::{BinaryOperator as Op, Fault, Operand, Place, Rvalue, Statement, Step, Terminator};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, BinaryOperator, Expr, ExprKind, PatternKind, StmtKind};

impl Body<'_, '_> {
    /// The body of a function: its statements, and the check that it gives what it says.
    pub(crate) fn function_body(&mut self, block: &tree::Block) {
        let depth = self.scopes.len();
        self.scopes.push(Scope::default());
        let wants = !matches!(self.result_type(), Ty::Unit);
        self.statements(&block.statements);
        let closing = Span::new(block.span.file, block.span.end.saturating_sub(1), block.span.end);
        if self.current.is_some() {
            if wants {
                let shown = self.show(&self.result_type().clone());
                self.report(
                    Diagnostic::error(
                        "missing-return",
                        closing,
                        format!("the function ends without giving {shown}"),
                    )
                    .also(self.function.span, "it says so here")
                    .help("end it with `return`"),
                );
            } else {
                self.leave_scopes(depth);
                self.set_good_result(closing);
            }
        }
        self.pop_scope();
    }

    /// What `return` takes: the result without the error.
    fn result_type(&self) -> Ty {
        match &self.returns {
            Ty::Result(ok, _) => (**ok).clone(),
            other => other.clone(),
        }
    }

    pub(super) fn statements(&mut self, statements: &[tree::Stmt]) {
        let mut warned = false;
        for statement in statements {
            if self.current.is_none() && !warned {
                warned = true;
                self.report(
                    Diagnostic::warning("unreachable-code", statement.span, "this is never reached")
                        .help("remove it, or what leaves before it"),
                );
            }
            let dead = self.current.is_none();
            self.statement(statement);
            if dead {
                self.current = None;
            }
        }
    }

    /// A block as a value: that of its last expression.
    pub(super) fn block_value(&mut self, block: &tree::Block, want: Option<&Ty>) -> Value {
        let depth = self.scopes.len();
        self.scopes.push(Scope::default());
        let value = match block.statements.split_last() {
            Some((last, before)) if matches!(last.kind, StmtKind::Expr(_)) => {
                self.statements(before);
                let dead = self.current.is_none();
                let StmtKind::Expr(last) = &last.kind else { return Value::unit() };
                let value = self.expr(last, want);
                if dead {
                    self.current = None;
                    Value::never()
                } else {
                    self.outlives(value, last)
                }
            }
            _ => {
                self.statements(&block.statements);
                if self.current.is_some() { Value::unit() } else { Value::never() }
            }
        };
        self.leave_scopes(depth);
        self.pop_scope();
        value
    }

    /// A block's value is read before its deferred code runs.
    fn outlives(&mut self, value: Value, expr: &Expr) -> Value {
        let deferred = self.scopes.last().is_some_and(|scope| !scope.defers.is_empty());
        if deferred { self.freeze(value, expr.span) } else { value }
    }

    pub(super) fn pop_scope(&mut self) {
        let Some(scope) = self.scopes.pop() else { return };
        for binding in scope.bindings {
            if !binding.used && !binding.name.is_empty() {
                self.report(
                    Diagnostic::warning(
                        "unused-variable",
                        binding.span,
                        format!("`{}` is never used", binding.name),
                    )
                    .help(format!("remove it, or name it `_{}`", binding.name)),
                );
            }
        }
    }

    /// Emits the deferred code of the scopes from the innermost out to `depth`.
    pub(super) fn leave_scopes(&mut self, depth: usize) {
        if self.in_defer {
            return;
        }
        for at in (depth..self.scopes.len()).rev() {
            let defers = self.scopes[at].defers.clone();
            for (deferred, bindings, constants) in defers.iter().rev() {
                if self.current.is_none() {
                    return;
                }
                self.in_defer = true;
                // Names mean what they meant where `defer` stands.
                let inner = self.scopes.split_off(at + 1);
                let (later, later_constants) = (
                    self.scopes[at].bindings.split_off(*bindings),
                    self.scopes[at].constants.split_off(*constants),
                );
                // Deferred code may leave its own loops, not those around it.
                let loops = std::mem::take(&mut self.loops);
                let value = self.expr(deferred, None);
                self.discard(&value, deferred.span);
                self.loops = loops;
                self.scopes[at].bindings.extend(later);
                self.scopes[at].constants.extend(later_constants);
                self.scopes.extend(inner);
                self.in_defer = false;
            }
        }
    }

    fn statement(&mut self, statement: &tree::Stmt) {
        let span = statement.span;
        match &statement.kind {
            StmtKind::Let { mutable, pattern, ty, value } => {
                self.let_statement(*mutable, pattern, ty.as_ref(), value);
            }
            StmtKind::Constant { name, value } => {
                let value = self.expr(value, None);
                let value = self.freeze(value, span);
                if let Operand::Copy(place) = &value.operand
                    && let compiler_mir::ir::Base::Local(local) = place.base
                {
                    self.unit.access.insert((self.id, local), super::Access::Read("a constant"));
                }
                if let Some(scope) = self.scopes.last_mut() {
                    scope.constants.push((name.as_str().to_owned(), value, scope.bindings.len()));
                }
            }
            StmtKind::Assign { place, operator, value } => self.assignment(place, *operator, value, span),
            StmtKind::While { attributes, condition, body } => {
                self.loop_attributes(attributes);
                self.while_loop(condition, body, span);
            }
            StmtKind::For { attributes, name, sequence, body } => {
                self.loop_attributes(attributes);
                self.for_loop(name, sequence, body, span);
            }
            StmtKind::Defer(expr) => {
                if self.in_defer {
                    self.report(Diagnostic::error("defer-in-defer", span, "deferred code cannot defer"));
                } else if let Some(scope) = self.scopes.last_mut() {
                    scope.defers.push((expr.clone(), scope.bindings.len(), scope.constants.len()));
                }
            }
            StmtKind::Assert(condition) => {
                let value = self.expr_as(condition, &Ty::Bool);
                self.push(Statement::Check(value.operand, Fault::Assertion), span);
            }
            StmtKind::Expr(expr) => {
                // Nothing is wanted of a statement: the arms of an `if` or `match` may give what they like.
                let value = self.expr(expr, branches(expr).then_some(&Ty::Unit));
                self.discard(&value, expr.span);
                self.useless(&value, expr);
                if value.ty == Ty::Never {
                    self.current = None;
                }
            }
        }
    }

    /// A statement that only computes does nothing.
    fn useless(&mut self, value: &Value, expr: &Expr) {
        let computes = matches!(
            &*expr.kind,
            ExprKind::Literal(_)
                | ExprKind::Name(_)
                | ExprKind::Binary(..)
                | ExprKind::Unary(..)
                | ExprKind::Field(..)
        );
        if computes && !value.ty.is_error() {
            self.report(
                Diagnostic::warning("useless-expression", expr.span, "this value is computed and not used")
                    .help("assign it, or remove the line"),
            );
        }
    }

    fn let_statement(
        &mut self,
        mutable: bool,
        pattern: &tree::Pattern,
        ty: Option<&tree::Type>,
        value: &Expr,
    ) {
        let want = ty.map(|ty| {
            crate::types::Scope {
                world: self.unit.world,
                package: self.package,
                diagnostics: &mut self.unit.diagnostics,
            }
            .resolve(ty)
        });
        let lowered = match &want {
            Some(want) => self.expr_as(value, want),
            None => self.expr(value, None),
        };
        match &pattern.kind {
            PatternKind::Name(name) => {
                if lowered.ty == Ty::Unit {
                    self.report(
                        Diagnostic::warning("unit-variable", value.span, "this gives no value to keep")
                            .help("write the call as a statement of its own"),
                    );
                }
                self.declare(name, lowered, mutable);
            }
            PatternKind::Wildcard => self.discard(&lowered, value.span),
            PatternKind::Tuple(_) => self.destructure(pattern, lowered, mutable),
            _ => self.report(
                Diagnostic::error("refutable-pattern", pattern.span, "this pattern may not match")
                    .help("use `match`, or bind a name and test it"),
            ),
        }
    }

    fn destructure(&mut self, pattern: &tree::Pattern, value: Value, mutable: bool) {
        match (&pattern.kind, &value.ty) {
            (PatternKind::Wildcard, _) => self.discard(&value, pattern.span),
            (PatternKind::Name(name), _) => self.declare(name, value, mutable),
            (PatternKind::Tuple(parts), Ty::Tuple(types)) if parts.len() == types.len() => {
                let types = types.clone();
                let place = self.place_of(&value, pattern.span);
                for (at, (part, ty)) in parts.iter().zip(types).enumerate() {
                    let operand = self.read(place.then(Step::Field(at as u32)), &ty);
                    self.destructure(part, Value { operand, ty }, mutable);
                }
            }
            (_, Ty::Error | Ty::Never) => {}
            (_, other) => {
                let shown = self.show(other);
                self.report(
                    Diagnostic::error(
                        "pattern-type",
                        pattern.span,
                        format!("this pattern does not fit {shown}"),
                    )
                    .help("a tuple pattern has as many parts as the tuple"),
                );
            }
        }
    }

    fn assignment(&mut self, place: &Expr, operator: Option<BinaryOperator>, value: &Expr, span: Span) {
        let before = self.live.len();
        let Some(lvalue) = self.assignable(place) else {
            self.expr(value, None);
            return;
        };
        let elements = self.live.split_off(before);
        self.writable(&lvalue.access, place.span);
        let new = match operator {
            None => {
                self.rebound(&lvalue, place);
                if self.unit.world.is_linear(&lvalue.ty) {
                    self.report(
                        Diagnostic::error(
                            "handle-overwritten",
                            span,
                            "the handle that is here would be forgotten",
                        )
                        .help("take it out and `close(…)` it first, or keep handles in a table"),
                    );
                }
                self.expr_as(value, &lvalue.ty)
            }
            Some(operator) => {
                let old = Value { operand: Operand::Copy(lvalue.place.clone()), ty: lvalue.ty.clone() };
                self.combine(operator, old, place, value, span)
            }
        };
        if !super::expr::pure(value) {
            // The value may have removed the element.
            for (found, wanted, span) in elements {
                self.check(Op::Equal, Operand::Copy(found), wanted, Fault::StaleId, span);
            }
        }
        // The value may change what the place's indices were computed from; they are locals, so the place stands.
        self.assign(lvalue.place, Rvalue::Use(new.operand), span);
    }

    fn assignable(&mut self, place: &Expr) -> Option<super::Lvalue> {
        match &*place.kind {
            ExprKind::Name(_) | ExprKind::Field(..) | ExprKind::Index(..) => self.lvalue(place),
            _ => {
                self.report(
                    Diagnostic::error(
                        "not-a-place",
                        place.span,
                        "the left side of `=` must be a variable or a part of one",
                    )
                    .help("for a comparison write `==`"),
                );
                None
            }
        }
    }

    /// An `inout` view lends its elements; the caller's own view stays where it is.
    fn rebound(&mut self, lvalue: &super::Lvalue, place: &Expr) {
        if lvalue.ty.is_view()
            && lvalue.access == super::Access::Write
            && let compiler_mir::ir::Base::Local(local) = lvalue.place.base
            && lvalue.place.path.is_empty()
            && self.unit.borrowed.contains(&(self.id, local))
        {
            self.report(
                Diagnostic::error(
                    "view-rebound",
                    place.span,
                    "the caller's view cannot be made to look elsewhere",
                )
                .here("an `inout` view lends its elements")
                .help("change the elements, as with `copy-from`, or give the new view as the result"),
            );
        }
    }

    pub(super) fn return_expr(&mut self, value: Option<&Expr>, span: Span) -> Value {
        if self.in_defer {
            return self.fail(leaves_defer(span, "return"));
        }
        let Some(expr) = value else {
            if !matches!(self.result_type(), Ty::Unit | Ty::Error) {
                let shown = self.show(&self.result_type());
                self.report(
                    Diagnostic::error("return-value", span, format!("the function gives {shown}"))
                        .help("write the value after `return`"),
                );
                self.current = None;
                return Value::never();
            }
            self.leave_scopes(0);
            self.set_good_result(span);
            return Value::never();
        };
        let value = self.result_value(expr);
        match value {
            None => Value::never(),
            Some((tag, value)) => {
                let value = self.freeze(value, expr.span);
                self.leave_with(tag, Some(value), expr.span);
                Value::never()
            }
        }
    }

    /// The value after `return`: a good one, or an error of the function's error type.
    fn result_value(&mut self, expr: &Expr) -> Option<(u32, Value)> {
        let wanted = self.result_type();
        let Ty::Result(_, error) = self.returns.clone() else {
            let value = self.expr_as(expr, &wanted);
            return (value.ty != Ty::Never).then_some((OK, value));
        };
        let value = self.expr(expr, Some(&wanted));
        if value.ty == Ty::Never {
            return None;
        }
        if value.ty == *error && value.ty != wanted {
            return Some((ERR, value));
        }
        if value.ty == self.returns {
            // A whole result is handed on as it is.
            if let Some(result) = self.function.result {
                self.assign(Place::local(result), Rvalue::Use(value.operand), expr.span);
            }
            self.leave_scopes(0);
            self.end(Terminator::Return, expr.span);
            return None;
        }
        Some((OK, self.coerce(value, &wanted, expr.span)))
    }

    /// Stores the result and leaves: a plain value, or a tagged one where the function gives a result or optional.
    pub(super) fn leave_with(&mut self, tag: u32, value: Option<Value>, span: Span) {
        if let Some(result) = self.function.result {
            let place = Place::local(result);
            match self.returns.clone() {
                Ty::Result(ok, error) => {
                    let inner = if tag == OK { ok } else { error };
                    self.push(Statement::SetTag(place.clone(), if tag == OK { OK } else { ERR }), span);
                    if let Some(value) = value
                        && *inner != Ty::Unit
                    {
                        self.assign(place.then(Step::Payload(tag, 0)), Rvalue::Use(value.operand), span);
                    }
                }
                Ty::Optional(_) if value.is_none() => self.push(Statement::SetTag(place, NONE), span),
                _ => {
                    if let Some(value) = value {
                        self.assign(place, Rvalue::Use(value.operand), span);
                    }
                }
            }
        }
        self.leave_scopes(0);
        self.end(Terminator::Return, span);
    }

    /// Ends a function that gives nothing, or `ok` of nothing.
    fn set_good_result(&mut self, span: Span) {
        if let (Some(result), Ty::Result(..)) = (self.function.result, &self.returns) {
            self.push(Statement::SetTag(Place::local(result), OK), span);
        }
        self.end(Terminator::Return, span);
    }
}

fn branches(expr: &Expr) -> bool {
    matches!(&*expr.kind, ExprKind::If(..) | ExprKind::Match(..) | ExprKind::Block(_))
}

pub(super) fn leaves_defer(span: Span, word: &str) -> Diagnostic {
    Diagnostic::error("leaves-defer", span, format!("`{word}` cannot leave deferred code"))
        .help("defer a call that does the whole work")
}
