//! Named constants: computed once, before the program runs.

use super::{Body, Scope, Value};
use crate::constants;
use crate::initial::Target;
use crate::ty::{I64, Ty, U64};
use crate::types;
use crate::unit::Known;
use compiler_mir::ir::{Base, Constant, Operand, Place};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{Expr, ExprKind, Literal, UnaryOperator};

/// Constants with views that may lie within one another: each is lowered at each of its uses.
const WRITTEN_MAX: u32 = 6;

impl Body<'_, '_> {
    /// The value of a constant where its name stands.
    pub(super) fn constant(&mut self, at: u32, want: Option<&Ty>, span: Span) -> Value {
        if self.unit.constants_open.contains(&at) {
            return self.fail(
                Diagnostic::error("constant-cycle", span, "this constant depends on itself")
                    .help("give one of them a value of its own"),
            );
        }
        if self.unit.constants_too_deep.is_some() {
            return Value::error();
        }
        if self.unit.constants_open.len() == constants::DEPTH_MAX as usize {
            // Said at the end: what is said while a type is inferred is dropped.
            self.unit.constants_too_deep.get_or_insert(span);
            return Value::error();
        }
        let known = match self.unit.constants.get(&at) {
            Some(known) => known.clone(),
            None => {
                self.unit.constants_open.push(at);
                let known = self.know(at);
                self.unit.constants_open.pop();
                self.unit.constants.insert(at, known.clone());
                known
            }
        };
        match known {
            Known::Failed => Value::error(),
            Known::Integer(value, Some(ty)) => Value { operand: self.int(&ty, value), ty },
            Known::Integer(value, None) => {
                let default = if i64::try_from(value).is_ok() { I64 } else { U64 };
                self.integer(value, want.map(Ty::without_optional), &default, span)
            }
            Known::Data(ty, data) => {
                self.unit.initial_uses.insert((self.id, Target::Constant(data)));
                let id = self.unit.type_id(&ty);
                let place = Place { base: Base::Data(data, id), path: Vec::new() };
                Value { operand: Operand::Copy(place), ty }
            }
            Known::Written => self.written_constant(at, want),
        }
    }

    /// Whether a constant is an integer that takes its type from where it is used.
    pub(super) fn loose_constant(&mut self, at: u32, span: Span) -> bool {
        let constant = &self.unit.world.constants[at as usize];
        if constant.ty.is_some() || self.unit.constants_open.contains(&at) {
            return false;
        }
        super::expr::untyped(&constant.value) || {
            self.constant(at, None, span);
            matches!(self.unit.constants.get(&at), Some(Known::Integer(_, None)))
        }
    }

    /// Finds out what a constant is; what must be computed is lowered into a function of its own.
    fn know(&mut self, at: u32) -> Known {
        let world = self.unit.world;
        let def = &world.constants[at as usize];
        let (package, value) = (def.package, &def.value);
        let stated = def
            .ty
            .as_ref()
            .map(|ty| types::Scope { world, package, diagnostics: &mut self.unit.diagnostics }.resolve(ty));
        if written(value) {
            return Known::Written;
        }
        if stated.as_ref().is_none_or(Ty::is_int)
            && let Some(number) = constants::integer(world, package, value, &mut Vec::new())
        {
            let Some(ty) = stated else { return Known::Integer(number, None) };
            let value = self.integer(number, Some(&ty), &I64, value.span);
            return if value.ty.is_error() { Known::Failed } else { Known::Integer(number, Some(ty)) };
        }
        let name = format!("constant {}", def.name);
        let ty = stated.unwrap_or_else(|| crate::initial::inferred(self.unit, package, &name, value));
        if ty.is_error() || ty.holds_view() || self.unit.world.is_linear(&ty) {
            return Known::Written;
        }
        Known::Data(ty.clone(), crate::initial::constant(self.unit, package, &name, value, &ty))
    }

    /// A constant whose value is lowered where its name stands: a literal, or one with views, which are addresses.
    fn written_constant(&mut self, at: u32, want: Option<&Ty>) -> Value {
        if self.unit.constants_written == WRITTEN_MAX {
            let span = self.unit.world.constants[at as usize].value.span;
            self.unit.constants_too_deep.get_or_insert(span);
            return Value::error();
        }
        self.unit.constants_written += 1;
        let world = self.unit.world;
        let def = &world.constants[at as usize];
        self.unit.constants_open.push(at);
        let outer = std::mem::replace(&mut self.package, def.package);
        let scopes = std::mem::replace(&mut self.scopes, vec![Scope::default()]);
        let result = match &def.ty {
            Some(ty) => {
                let diagnostics = &mut self.unit.diagnostics;
                let ty = types::Scope { world, package: def.package, diagnostics }.resolve(ty);
                self.expr_as(&def.value, &ty)
            }
            None => self.expr(&def.value, want.filter(|ty| ty.is_numeric())),
        };
        self.scopes = scopes;
        self.package = outer;
        self.unit.constants_open.pop();
        self.unit.constants_written -= 1;
        result
    }

    /// A constant integer takes the type that is wanted, if it fits.
    pub(super) fn retyped(&mut self, value: Value, want: Option<&Ty>) -> Value {
        if let (Operand::Constant(Constant::Int(bits, _)), Some(want), Ty::Int { signed: true, bits: 64 }) =
            (&value.operand, want, &value.ty)
            && let Some((least, greatest)) = want.int_range()
        {
            let number = i128::from(*bits as i64);
            if number >= least && number <= greatest {
                return Value { operand: self.int(want, number), ty: want.clone() };
            }
        }
        value
    }

    /// Lowers a constant only to see that it is right.
    pub(crate) fn check_constant(&mut self, at: u32, span: Span) {
        let value = self.constant(at, None, span);
        if self.unit.world.is_linear(&value.ty) {
            self.report(
                Diagnostic::error("constant-handle", span, "a constant cannot hold a handle")
                    .help("handles come from capabilities at run time"),
            );
        }
    }
}

/// Whether an expression is a literal that is no integer, with or without a sign.
fn written(expr: &Expr) -> bool {
    match &*expr.kind {
        ExprKind::Literal(literal) => !matches!(literal, Literal::Integer(_)),
        ExprKind::Unary(UnaryOperator::Negate, inner) => {
            matches!(&*inner.kind, ExprKind::Literal(Literal::Float(_)))
        }
        _ => false,
    }
}
