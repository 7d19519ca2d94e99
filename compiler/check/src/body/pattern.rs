//! `match`: patterns as chains of tests, and whether they leave nothing out.

use super::expr::Merge;
use super::{Body, Value};
use crate::constants;
use crate::exhaustive::{Constructor, Pat, missing};
use crate::ty::{Ty, U32};
use crate::unit::{ERR, NONE, OK, SOME};
use crate::world::Def;
use compiler_mir::ir::{BinaryOperator as Op, BlockId, Fault, Operand, Place, Rvalue, Step, Terminator};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, Expr, Literal, PatternKind};

/// What a pattern's tests and bindings work on.
struct Subject {
    place: Place,
    ty: Ty,
}

/// Each arm is compared with all before it.
const ARMS_MAX: usize = 2048;

impl Body<'_, '_> {
    pub(super) fn match_expr(
        &mut self,
        value: &Expr,
        arms: &[tree::Arm],
        want: Option<&Ty>,
        span: Span,
    ) -> Value {
        if arms.len() > ARMS_MAX {
            let message = format!("a `match` has at most {ARMS_MAX} arms, this one has {}", arms.len());
            return self.fail(
                Diagnostic::error("too-many-arms", span, message)
                    .help("look the value up in a constant array"),
            );
        }
        let Some(subject) = self.lvalue_or_temp(value) else {
            for arm in arms {
                self.scopes.push(super::Scope::default());
                self.bind_unknown(&arm.pattern);
                self.expr(&arm.value, want);
                self.scopes.pop();
            }
            return Value::error();
        };
        let mut subject = Subject { place: subject.place, ty: subject.ty };
        let guards_change =
            arms.iter().filter_map(|arm| arm.guard.as_ref()).any(|guard| !super::expr::pure(guard));
        if guards_change && !self.unit.world.is_linear(&subject.ty) && !subject.ty.is_error() {
            // The arms look at the value as it was.
            let whole = Rvalue::Use(Operand::Copy(subject.place));
            subject.place = Place::local(self.keep(&subject.ty, whole, span));
        }
        let join = self.new_block();
        let mut merge = Merge::new(join, want.cloned());
        let mut rows: Vec<Pat> = Vec::new();
        let mut known = !subject.ty.is_error();
        for arm in arms {
            let next = self.new_block();
            self.scopes.push(super::Scope::default());
            let row = self.test(&arm.pattern, &subject, next);
            if let Some(row) = row {
                if missing_one(self, &rows, &row, &subject.ty) {
                    self.report(
                        Diagnostic::warning(
                            "unreachable-arm",
                            arm.pattern.span,
                            "an earlier arm already takes these values",
                        )
                        .help("remove this arm, or put it before the other"),
                    );
                }
                if arm.guard.is_none() {
                    rows.push(row);
                }
            } else {
                known = false;
                self.bind_unknown(&arm.pattern);
            }
            if let Some(guard) = &arm.guard {
                let holds = self.expr_as(guard, &Ty::Bool);
                let inside = self.new_block();
                self.end(
                    Terminator::Branch { condition: holds.operand, then: inside, otherwise: next },
                    guard.span,
                );
                self.start(inside);
            }
            let wanted = merge.ty.clone();
            let value = self.expr(&arm.value, wanted.as_ref());
            self.close_scope();
            merge.arm(self, value, arm.value.span);
            self.start(next);
        }
        self.trap(Fault::Unreachable, span);
        if known && let Some(example) = missing(self.unit.world, &rows, &subject.ty) {
            self.report(
                Diagnostic::error("not-exhaustive", value.span, format!("the match leaves out `{example}`"))
                    .help("add an arm for it, or `_ -> …` for all the rest"),
            );
        }
        merge.finish(self)
    }

    fn close_scope(&mut self) {
        let Some(scope) = self.scopes.pop() else { return };
        for binding in scope.bindings {
            if !binding.used && !binding.name.starts_with('_') {
                self.report(
                    Diagnostic::warning(
                        "unused-variable",
                        binding.span,
                        format!("`{}` is never used", binding.name),
                    )
                    .help("write `_` in its place"),
                );
            }
        }
    }

    /// Names of a pattern whose subject has no type, so that they are not reported as unknown too.
    fn bind_unknown(&mut self, pattern: &tree::Pattern) {
        match &pattern.kind {
            PatternKind::Name(name) => {
                self.declare(name, Value::error(), false);
                if let Some(binding) = self.lookup(name.as_str()) {
                    binding.used = true;
                }
            }
            PatternKind::Constructor(_, parts)
            | PatternKind::Tuple(parts)
            | PatternKind::Alternatives(parts) => {
                for part in parts {
                    self.bind_unknown(part);
                }
            }
            _ => {}
        }
    }

    /// Emits the tests of a pattern, going to `next` where it does not match, and its bindings.
    fn test(&mut self, pattern: &tree::Pattern, subject: &Subject, next: BlockId) -> Option<Pat> {
        let span = pattern.span;
        match &pattern.kind {
            PatternKind::Wildcard => Some(Pat::Any),
            PatternKind::Name(name) => self.test_name(name, subject, next),
            PatternKind::Path(path) => {
                let (variant, fields) = self.variant_of(path, &subject.ty)?;
                self.test_variant(variant, &fields, &[], subject, next, span)
            }
            PatternKind::Constructor(path, parts) => {
                let (variant, fields) = self.variant_of(path, &subject.ty)?;
                self.test_variant(variant, &fields, parts, subject, next, span)
            }
            PatternKind::Literal { negative, literal } => {
                self.test_literal(*negative, literal, subject, next, span)
            }
            PatternKind::Range(from, to) => self.test_range(from, to, subject, next, span),
            PatternKind::Alternatives(parts) => self.test_alternatives(parts, subject, next, span),
            PatternKind::Tuple(parts) => {
                let Ty::Tuple(types) = &subject.ty else { return self.wrong_pattern(span, &subject.ty) };
                if parts.len() != types.len() {
                    return self.wrong_pattern(span, &subject.ty);
                }
                let types = types.clone();
                let mut rows = Vec::new();
                for (at, (part, ty)) in parts.iter().zip(types).enumerate() {
                    let subject = Subject { place: subject.place.then(Step::Field(at as u32)), ty };
                    rows.push(self.test(part, &subject, next)?);
                }
                Some(Pat::Of(Constructor::Tuple, rows))
            }
        }
    }

    fn wrong_pattern(&mut self, span: Span, ty: &Ty) -> Option<Pat> {
        if !ty.is_error() {
            let shown = self.show(ty);
            self.report(
                Diagnostic::error("pattern-type", span, format!("this pattern does not fit {shown}"))
                    .help("write a pattern of the value's own type"),
            );
        }
        None
    }

    fn test_name(&mut self, name: &tree::Name, subject: &Subject, next: BlockId) -> Option<Pat> {
        // A single name that is a constant or a variant of the subject's enum is a test; else it binds.
        if let Ty::Enum(at) = &subject.ty
            && let Some(variant) = self.unit.world.enums[*at as usize].variant(name.as_str())
        {
            let fields = self.variant_fields(&subject.ty, variant);
            return self.test_variant(variant, &fields, &[], subject, next, name.span);
        }
        if matches!(
            (&subject.ty, name.as_str()),
            (Ty::Optional(_), "some" | "none") | (Ty::Result(..), "ok" | "err")
        ) {
            let path = tree::Path { names: vec![name.clone()], span: name.span };
            let (variant, fields) = self.variant_of(&path, &subject.ty)?;
            return self.test_variant(variant, &fields, &[], subject, next, name.span);
        }
        if let Some(Def::Constant(_)) = self.declared_name(name)
            && subject.ty.is_int()
        {
            let path = tree::Path { names: vec![name.clone()], span: name.span };
            let value = constants::named(self.unit.world, self.package, &path, &mut self.unit.diagnostics)?;
            return self.test_value(value, subject, next, name.span);
        }
        let constant = matches!(self.declared_name(name), Some(Def::Constant(_)));
        if constant || self.local_constant(name.as_str()).is_some() {
            self.report(
                Diagnostic::error(
                    "pattern-type",
                    name.span,
                    format!("the constant `{}` is no pattern here", name.as_str()),
                )
                .help("compare with it in a guard: `value if value == limit`"),
            );
            return None;
        }
        let operand = self.read(subject.place.clone(), &subject.ty);
        self.declare(name, Value { operand, ty: subject.ty.clone() }, false);
        Some(Pat::Any)
    }

    fn declared_name(&self, name: &tree::Name) -> Option<Def> {
        let names = &self.unit.world.packages[self.package as usize].names;
        names.get(name.as_str()).map(|declared| declared.def)
    }

    fn variant_fields(&self, ty: &Ty, variant: u32) -> Vec<Ty> {
        let of = |ty: &Ty| if *ty == Ty::Unit { Vec::new() } else { vec![ty.clone()] };
        match ty {
            Ty::Enum(at) => self.unit.world.enums[*at as usize].variants[variant as usize]
                .fields
                .iter()
                .map(|(_, ty)| ty.clone())
                .collect(),
            Ty::Optional(inner) if variant == SOME => of(inner),
            Ty::Result(ok, _) if variant == OK => of(ok),
            Ty::Result(_, error) if variant == ERR => of(error),
            _ => Vec::new(),
        }
    }

    /// The variant that a path names, in the subject's type.
    fn variant_of(&mut self, path: &tree::Path, ty: &Ty) -> Option<(u32, Vec<Ty>)> {
        let last = path.names.last()?.as_str().to_owned();
        let found = match ty {
            Ty::Optional(_) if path.names.len() == 1 => match last.as_str() {
                "none" => Some(NONE),
                "some" => Some(SOME),
                _ => None,
            },
            Ty::Result(..) if path.names.len() == 1 => match last.as_str() {
                "ok" => Some(OK),
                "err" => Some(ERR),
                _ => None,
            },
            Ty::Enum(at) => {
                if path.names.len() > 1 {
                    let head =
                        tree::Path { names: path.names[..path.names.len() - 1].to_vec(), span: path.span };
                    let named = if head.dotted() == "Status" {
                        Ok(Def::Enum(self.unit.world.status_enum))
                    } else {
                        crate::types::find(self.unit.world, self.package, &head)
                    };
                    match named {
                        Ok(Def::Enum(named)) if named == *at => {}
                        Ok(_) => {
                            self.wrong_pattern(path.span, ty);
                            return None;
                        }
                        Err(diagnostic) => {
                            self.report(diagnostic);
                            return None;
                        }
                    }
                }
                self.unit.world.enums[*at as usize].variant(&last)
            }
            Ty::Error => return None,
            _ => {
                self.wrong_pattern(path.span, ty);
                return None;
            }
        };
        let Some(variant) = found else {
            let shown = self.show(ty);
            let known = match ty {
                Ty::Enum(at) => self.unit.world.enums[*at as usize].variants.iter(),
                _ => [].iter(),
            };
            let known: Vec<&str> = known.map(|variant| variant.name.as_str()).collect();
            let help = format!("its variants are {}", known.join(", "));
            self.report(
                Diagnostic::error("unknown-variant", path.span, format!("{shown} has no variant `{last}`"))
                    .help(help),
            );
            return None;
        };
        let fields = self.variant_fields(ty, variant);
        Some((variant, fields))
    }

    fn test_variant(
        &mut self,
        variant: u32,
        fields: &[Ty],
        parts: &[tree::Pattern],
        subject: &Subject,
        next: BlockId,
        span: Span,
    ) -> Option<Pat> {
        let tag = self.compute(&U32, Rvalue::Tag(subject.place.clone()), span);
        let inside = self.new_block();
        self.end(
            Terminator::Switch { value: tag, arms: vec![(u64::from(variant), inside)], otherwise: next },
            span,
        );
        self.start(inside);
        if fields.is_empty() {
            let ty = subject.ty.clone();
            self.spent(&subject.place, &ty, span);
        }
        if parts.is_empty() && !fields.is_empty() {
            if fields.iter().any(|ty| self.unit.world.is_linear(ty)) {
                self.report(
                    Diagnostic::error(
                        "handle-forgotten",
                        span,
                        "the variant holds a handle that must be taken out",
                    )
                    .help("bind it: write the variant with a name in parentheses"),
                );
            }
            return Some(Pat::Of(Constructor::Variant(variant), fields.iter().map(|_| Pat::Any).collect()));
        }
        if parts.len() != fields.len() {
            self.report(
                Diagnostic::error(
                    "pattern-count",
                    span,
                    format!("the variant has {} fields, the pattern {}", fields.len(), parts.len()),
                )
                .help("write `_` for a field that does not matter"),
            );
            return None;
        }
        let mut rows = Vec::new();
        for (at, (part, ty)) in parts.iter().zip(fields).enumerate() {
            let place = subject.place.then(Step::Payload(variant, at as u32));
            rows.push(self.test(part, &Subject { place, ty: ty.clone() }, next)?);
        }
        Some(Pat::Of(Constructor::Variant(variant), rows))
    }

    fn test_literal(
        &mut self,
        negative: bool,
        literal: &Literal,
        subject: &Subject,
        next: BlockId,
        span: Span,
    ) -> Option<Pat> {
        match (literal, &subject.ty) {
            (Literal::Bool(value), Ty::Bool) => {
                let inside = self.new_block();
                let (then, otherwise) = if *value { (inside, next) } else { (next, inside) };
                let condition = Operand::Copy(subject.place.clone());
                self.end(Terminator::Branch { condition, then, otherwise }, span);
                self.start(inside);
                Some(Pat::Of(Constructor::Bool(*value), Vec::new()))
            }
            (Literal::None, Ty::Optional(_)) => self.test_variant(NONE, &[], &[], subject, next, span),
            (Literal::Text(text), Ty::Str) => {
                let piece = self.text_literal(text, None);
                let value = Value { operand: Operand::Copy(subject.place.clone()), ty: Ty::Str };
                let condition = self.bytes_equal(value, piece, span);
                let inside = self.new_block();
                self.end(Terminator::Branch { condition, then: inside, otherwise: next }, span);
                self.start(inside);
                Some(Pat::Of(Constructor::Text(text.clone()), Vec::new()))
            }
            (Literal::Integer(_) | Literal::Char(_), ty) if ty.is_int() => {
                let value = self.literal_value(literal, span)?;
                self.test_value(if negative { -value } else { value }, subject, next, span)
            }
            (_, ty) => {
                let ty = ty.clone();
                self.wrong_pattern(span, &ty)
            }
        }
    }

    /// The value of a literal behind its sign.
    fn signed_value(&mut self, (negative, literal): &(bool, Literal), span: Span) -> Option<i128> {
        self.literal_value(literal, span).map(|value| if *negative { -value } else { value })
    }

    fn literal_value(&mut self, literal: &Literal, span: Span) -> Option<i128> {
        match literal {
            Literal::Integer(integer) => constants::scaled(integer, span, &mut self.unit.diagnostics),
            Literal::Char(value) => Some(i128::from(u32::from(*value))),
            _ => None,
        }
    }

    fn test_value(&mut self, value: i128, subject: &Subject, next: BlockId, span: Span) -> Option<Pat> {
        let (least, greatest) = subject.ty.int_range()?;
        if value < least || value > greatest {
            let shown = self.show(&subject.ty);
            self.report(
                Diagnostic::error("integer-range", span, format!("{value} does not fit {shown}"))
                    .help(format!("{shown} holds {least} to {greatest}")),
            );
            return None;
        }
        let wanted = self.int(&subject.ty, value);
        let condition = self.binary(&Ty::Bool, Op::Equal, Operand::Copy(subject.place.clone()), wanted, span);
        let inside = self.new_block();
        self.end(Terminator::Branch { condition, then: inside, otherwise: next }, span);
        self.start(inside);
        Some(Pat::Of(Constructor::Range(value, value), Vec::new()))
    }

    fn test_range(
        &mut self,
        from: &(bool, Literal),
        to: &(bool, Literal),
        subject: &Subject,
        next: BlockId,
        span: Span,
    ) -> Option<Pat> {
        let Some((least, greatest)) = subject.ty.int_range() else {
            let ty = subject.ty.clone();
            return self.wrong_pattern(span, &ty);
        };
        let (from, to) = (self.signed_value(from, span)?, self.signed_value(to, span)?);
        if from >= to || from < least || to - 1 > greatest {
            self.report(
                Diagnostic::error("empty-range", span, "this range holds no value of the type")
                    .help("the end is not part of the range"),
            );
            return None;
        }
        let (first, last) = (self.int(&subject.ty, from), self.int(&subject.ty, to - 1));
        let value = Operand::Copy(subject.place.clone());
        let above = self.binary(&Ty::Bool, Op::GreaterEqual, value.clone(), first, span);
        let below = self.binary(&Ty::Bool, Op::LessEqual, value, last, span);
        let condition = self.binary(&Ty::Bool, Op::And, above, below, span);
        let inside = self.new_block();
        self.end(Terminator::Branch { condition, then: inside, otherwise: next }, span);
        self.start(inside);
        Some(Pat::Of(Constructor::Range(from, to - 1), Vec::new()))
    }

    fn test_alternatives(
        &mut self,
        parts: &[tree::Pattern],
        subject: &Subject,
        next: BlockId,
        span: Span,
    ) -> Option<Pat> {
        let inside = self.new_block();
        let mut rows = Vec::new();
        for part in parts {
            let other = self.new_block();
            let before = self.scopes.last().map_or(0, |scope| scope.bindings.len());
            let row = self.test(part, subject, other);
            if self.scopes.last().map_or(0, |scope| scope.bindings.len()) > before {
                self.report(
                    Diagnostic::error("binding-in-alternative", part.span, "alternatives bind no names")
                        .help("write an arm for each, or `_` in place of the name"),
                );
            }
            rows.push(row?);
            self.goto(inside, span);
            self.start(other);
        }
        self.goto(next, span);
        self.start(inside);
        Some(Pat::OneOf(rows))
    }
}

fn missing_one(body: &Body<'_, '_>, rows: &[Pat], row: &Pat, ty: &Ty) -> bool {
    !crate::exhaustive::useful(body.unit.world, rows, row, ty)
}
