//! Messages: arguments in words and in the window that leads to the server.

use super::text::Piece;
use super::{Body, Value};
use crate::ty::{Ty, U32, U64};
use crate::world::{MethodDef, Mode};
use compiler_mir::ir::{Authority, BinaryOperator as Op, Operand, Place, Rvalue, Statement};
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, CallArgument, Expr};

/// An argument that has its value. Nothing of it is in the window yet: until every argument has its value, a call in
/// one of them may use the same window.
enum Argument {
    Word(Operand),
    Bytes(Vec<Piece>),
    /// Bytes that the server may change, and that are copied back.
    Lease(Operand),
}

/// A lease that is copied back after the call: where it lies in the window, and whose memory it is.
struct WriteLease {
    start: Operand,
    length: Operand,
    into: Operand,
    span: Span,
}

impl Body<'_, '_> {
    pub(super) fn message(
        &mut self,
        reference: Operand,
        method: &MethodDef,
        number: u8,
        arguments: &[CallArgument],
        authority: Authority,
        span: Span,
    ) -> Value {
        let mut values = Vec::new();
        for (parameter, argument) in method.parameters.iter().zip(arguments) {
            let value = self.message_argument(&parameter.ty, parameter.mode, &argument.value);
            values.push((value, argument.value.span));
        }
        let bytes = Self::bytes_type();
        let window = if method.parameters.iter().any(|parameter| parameter.ty.is_view()) {
            self.compute(&bytes, Rvalue::Window(reference.clone()), span)
        } else {
            Value::unit().operand
        };
        let mut words = Vec::new();
        let mut back: Vec<WriteLease> = Vec::new();
        let mut at = self.int(&U64, 0);
        for (value, place) in values {
            let start = at.clone();
            let end = match &value {
                Argument::Word(word) => {
                    words.push(word.clone());
                    continue;
                }
                Argument::Bytes(pieces) => self.put_pieces(&window, start.clone(), pieces),
                Argument::Lease(raw) => self.put(&window, start.clone(), raw.clone(), place),
            };
            let length = self.binary(&U64, Op::SubtractWrap, end.clone(), start.clone(), place);
            let shift = self.int(&U32, 32);
            let high = self.binary(&U64, Op::ShiftLeft, length.clone(), shift, place);
            words.push(self.binary(&U64, Op::Or, high, start.clone(), place));
            at = self.align_up(end, place);
            if let Argument::Lease(into) = value {
                back.push(WriteLease { start, length, into, span: place });
            }
        }
        let status = Place::local(self.temp(&U64, span));
        let results: Vec<Place> =
            (0..result_words(self, method)).map(|_| Place::local(self.temp(&U64, span))).collect();
        self.push(
            Statement::Invoke {
                capability: reference,
                method: number,
                words,
                status: status.clone(),
                results: results.clone(),
                authority: Some(authority),
            },
            span,
        );
        for lease in back {
            self.copy_back(&window, lease);
        }
        self.decode(status, method, &results, span)
    }

    fn message_argument(&mut self, ty: &Ty, mode: Mode, expr: &Expr) -> Argument {
        let span = expr.span;
        if !ty.is_view() {
            let value = self.expr_as(expr, ty);
            let operand = self.to_word(&value, span);
            return Argument::Word(self.freeze(Value { operand, ty: U64 }, span).operand);
        }
        if mode == Mode::Inout {
            return match self.write_lease(ty, expr) {
                Some(raw) => Argument::Lease(raw),
                None => Argument::Bytes(Vec::new()),
            };
        }
        if super::expr::byte_view(ty) {
            return Argument::Bytes(self.text_pieces(expr, ty));
        }
        let value = self.expr_as(expr, ty);
        let raw = self.compute(&Self::bytes_type(), Rvalue::AsBytes(value.operand), span);
        Argument::Bytes(vec![Piece::bytes(raw, span)])
    }

    fn align_up(&mut self, offset: Operand, span: Span) -> Operand {
        let (seven, mask) = (self.int(&U64, 7), self.int(&U64, -8));
        let up = self.binary(&U64, Op::AddWrap, offset, seven, span);
        self.binary(&U64, Op::And, up, mask, span)
    }

    /// The bytes of an argument that the server may change.
    fn write_lease(&mut self, ty: &Ty, expr: &Expr) -> Option<Operand> {
        let span = expr.span;
        let value = match &*expr.kind {
            tree::ExprKind::Index(base, indices) if matches!(indices.as_slice(), [Expr { kind, .. }] if matches!(**kind, tree::ExprKind::Range(..))) =>
            {
                let tree::ExprKind::Range(from, to) = &*indices[0].kind else { return None };
                self.part(base, from, to, span).map(|(value, access)| {
                    self.writable(&access, span);
                    value
                })
            }
            _ => self.lvalue(expr).map(|lvalue| {
                self.writable(&lvalue.access, span);
                Value { operand: Operand::Copy(lvalue.place), ty: lvalue.ty }
            }),
        };
        let value = self.coerce(value?, ty, span);
        Some(if super::expr::byte_view(ty) {
            self.freeze(value, span).operand
        } else {
            self.compute(&Self::bytes_type(), Rvalue::AsBytes(value.operand), span)
        })
    }

    fn copy_back(&mut self, window: &Operand, lease: WriteLease) {
        let bytes = Self::bytes_type();
        let Operand::Copy(place) = window else { return };
        let end = self.binary(&U64, Op::AddWrap, lease.start.clone(), lease.length, lease.span);
        let part = self.compute(&bytes, Rvalue::View(place.clone(), lease.start, end), lease.span);
        let zero = self.int(&U64, 0);
        self.put(&lease.into, zero, part, lease.span);
    }
}

/// Words of a method's answer.
fn result_words(body: &Body<'_, '_>, method: &MethodDef) -> usize {
    let value = usize::from(!matches!(method.returns, Ty::Unit | Ty::Error));
    match &method.error {
        Some(Ty::Enum(at)) if *at != body.unit.world.status_enum => {
            let payload = body.unit.world.enums[*at as usize]
                .variants
                .iter()
                .map(|variant| variant.fields.len())
                .max()
                .unwrap_or(0);
            1 + value.max(payload)
        }
        _ => value,
    }
}
