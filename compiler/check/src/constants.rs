//! Constant integers where a type needs one, such as the length of an array.
//!
//! Values of constants at large are computed by the MIR interpreter; a type's length must be known before any
//! function exists, so it is limited to integer arithmetic over literals and named constants.

use crate::types::find;
use crate::world::{Def, World};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{BinaryOperator, Expr, ExprKind, Integer, Literal, Path, UnaryOperator};
use std::collections::BTreeMap;

/// Constants may refer to one another this deep.
pub(crate) const DEPTH_MAX: u32 = 64;

/// The value of an integer literal with its unit: sizes in bytes, times in nanoseconds.
pub(crate) fn scaled(integer: &Integer, span: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<i128> {
    let factor: i128 = match &*integer.unit {
        "" | "B" | "ns" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "min" => 60_000_000_000,
        _ => 0,
    };
    let value = i128::try_from(integer.value).ok().and_then(|value| value.checked_mul(factor));
    match value {
        Some(value) if factor != 0 && value <= i128::from(u64::MAX) => Some(value),
        _ => {
            diagnostics.push(
                Diagnostic::error("integer-range", span, "the number does not fit 64 bits")
                    .help("the greatest is 18,446,744,073,709,551,615"),
            );
            None
        }
    }
}

/// The value of a constant expression.
pub(crate) fn integer(
    world: &World,
    package: u32,
    expr: &Expr,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<i128> {
    let mut evaluator = Evaluator { world, diagnostics, depth: 0, known: BTreeMap::new() };
    evaluator.expr(package, expr)
}

/// The value of the constant that a path names.
pub(crate) fn named(
    world: &World,
    package: u32,
    path: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<i128> {
    let mut evaluator = Evaluator { world, diagnostics, depth: 0, known: BTreeMap::new() };
    evaluator.path(package, path)
}

struct Evaluator<'w> {
    world: &'w World,
    diagnostics: &'w mut Vec<Diagnostic>,
    depth: u32,
    /// Values of the constants that were met.
    known: BTreeMap<u32, Option<i128>>,
}

impl Evaluator<'_> {
    fn refuse(&mut self, span: Span, why: &str) -> Option<i128> {
        self.diagnostics.push(
            Diagnostic::error("not-constant", span, why.to_owned())
                .help("use integer literals, named constants, and arithmetic"),
        );
        None
    }

    fn path(&mut self, package: u32, path: &Path) -> Option<i128> {
        match find(self.world, package, path) {
            Ok(Def::Constant(at)) => {
                if self.depth == DEPTH_MAX {
                    return self.refuse(path.span, "this constant depends on itself");
                }
                if let Some(known) = self.known.get(&at) {
                    return *known;
                }
                self.depth += 1;
                let def = &self.world.constants[at as usize];
                let value = self.expr(def.package, &def.value);
                self.depth -= 1;
                self.known.insert(at, value);
                value
            }
            Ok(_) => self.refuse(path.span, "this is not a constant"),
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    fn expr(&mut self, package: u32, expr: &Expr) -> Option<i128> {
        match &*expr.kind {
            ExprKind::Literal(Literal::Integer(value)) => scaled(value, expr.span, self.diagnostics),
            ExprKind::Literal(Literal::Char(value)) => Some(i128::from(u32::from(*value))),
            ExprKind::Tuple(parts) if parts.len() == 1 => self.expr(package, &parts[0]),
            ExprKind::Name(name) => self.path(package, &Path { names: vec![name.clone()], span: name.span }),
            ExprKind::Field(..) => match dotted(expr) {
                Some(path) => self.path(package, &path),
                None => self.refuse(expr.span, "this is not a constant number"),
            },
            ExprKind::Unary(UnaryOperator::Negate, inner) => self.expr(package, inner).map(|value| -value),
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (self.expr(package, left)?, self.expr(package, right)?);
                let value = match operator {
                    BinaryOperator::Add => left.checked_add(right),
                    BinaryOperator::Subtract => left.checked_sub(right),
                    BinaryOperator::Multiply => left.checked_mul(right),
                    BinaryOperator::Divide => left.checked_div(right),
                    BinaryOperator::Remainder => left.checked_rem(right),
                    BinaryOperator::ShiftLeft if (0..64).contains(&right) => left.checked_mul(1 << right),
                    BinaryOperator::ShiftRight if (0..64).contains(&right) => Some(left >> right),
                    BinaryOperator::And => Some(left & right),
                    BinaryOperator::Or => Some(left | right),
                    BinaryOperator::Xor => Some(left ^ right),
                    _ => None,
                };
                match value {
                    Some(value) => Some(value),
                    None => self.refuse(expr.span, "this has no constant value"),
                }
            }
            _ => self.refuse(expr.span, "this is not a constant number"),
        }
    }
}

/// The path that a chain of field expressions spells, if it is one.
pub(crate) fn dotted(expr: &Expr) -> Option<Path> {
    match &*expr.kind {
        ExprKind::Name(name) => Some(Path { names: vec![name.clone()], span: name.span }),
        ExprKind::Field(base, name) => {
            let mut path = dotted(base)?;
            path.names.push(name.clone());
            path.span = expr.span;
            Some(path)
        }
        _ => None,
    }
}
