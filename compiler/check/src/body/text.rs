//! Text with `{ }`, written piece by piece into the buffer that will carry it.

use super::{Body, Value};
use crate::ty::{I64, Ty, U8, U32, U64};
use compiler_mir::ir::{Argument, BinaryOperator as Op, Constant, Fault, Operand, Rvalue};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{Expr, ExprKind, Literal, TextPart};

/// A piece of a text that has its value.
pub(super) struct Piece {
    kind: PieceKind,
    operand: Operand,
    span: Span,
}

enum PieceKind {
    /// Written by this function of the text library.
    With(&'static str),
    /// The name of a variant of this enum; the operand is its tag.
    Variant(u32),
}

impl Piece {
    /// Bytes as they are.
    pub(super) fn bytes(operand: Operand, span: Span) -> Self {
        Self { kind: PieceKind::With("put"), operand, span }
    }
}

impl Body<'_, '_> {
    /// Appends bytes to a buffer; gives the offset behind them. Bytes that do not fit are a fault here, not in the
    /// library.
    pub(super) fn put(&mut self, buffer: &Operand, at: Operand, bytes: Operand, span: Span) -> Operand {
        let (size, length) = (self.length(buffer, span), self.length(&bytes, span));
        let room = self.binary(&U64, Op::SubtractWrap, size, at.clone(), span);
        self.check(Op::LessEqual, length, room, Fault::Capacity, span);
        self.put_with("put", buffer, at, bytes, span)
    }

    fn length(&mut self, bytes: &Operand, span: Span) -> Operand {
        match bytes {
            Operand::Copy(place) | Operand::Move(place) => {
                self.compute(&U64, Rvalue::Length(place.clone()), span)
            }
            Operand::Constant(Constant::Slice(_, count, _)) => self.int(&U64, i128::from(*count)),
            Operand::Constant(_) => self.int(&U64, 0),
        }
    }

    fn put_with(
        &mut self,
        function: &str,
        buffer: &Operand,
        at: Operand,
        value: Operand,
        span: Span,
    ) -> Operand {
        let Some(function) = self.unit.text_function(function) else { return at };
        let arguments = vec![Argument::Value(buffer.clone()), Argument::Value(at), Argument::Value(value)];
        self.emit_call(function, arguments, &U64, span).operand
    }

    /// The pieces of a text: a literal, an interpolated one, or any `str` value. All of them have their values before
    /// the first is written.
    pub(super) fn text_pieces(&mut self, expr: &Expr, want: &Ty) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.collect_pieces(expr, want, &mut pieces);
        pieces
    }

    fn collect_pieces(&mut self, expr: &Expr, want: &Ty, into: &mut Vec<Piece>) {
        let ExprKind::Text(parts) = &*expr.kind else {
            let value = self.expr_as(expr, want);
            let bytes = self.freeze(value, expr.span).operand;
            into.push(Piece::bytes(bytes, expr.span));
            return;
        };
        for part in parts {
            match part {
                TextPart::Literal(text) => {
                    let bytes = self.text_literal(text, None).operand;
                    into.push(Piece::bytes(bytes, expr.span));
                }
                TextPart::Expr(inner) => self.value_piece(inner, into),
            }
        }
    }

    fn value_piece(&mut self, expr: &Expr, into: &mut Vec<Piece>) {
        if matches!(&*expr.kind, ExprKind::Literal(Literal::Text(_)) | ExprKind::Text(_)) {
            return self.collect_pieces(expr, &Ty::Str, into);
        }
        let value = self.expr(expr, None);
        let span = expr.span;
        let kind = match &value.ty {
            Ty::Str => PieceKind::With("put"),
            Ty::Int { signed: true, .. } => PieceKind::With("put-signed"),
            Ty::Int { .. } => PieceKind::With("put-unsigned"),
            Ty::Bool => PieceKind::With("put-bool"),
            Ty::Enum(index) => PieceKind::Variant(*index),
            Ty::Error | Ty::Never => return,
            other => {
                let shown = self.show(other);
                self.report(
                    Diagnostic::error("not-printable", span, format!("{shown} has no text form"))
                        .help("text, integers, bools and enums have; write the parts one by one"),
                );
                return;
            }
        };
        let operand = match &value.ty {
            Ty::Int { signed, bits } if *bits != 64 => {
                let wide = if *signed { I64 } else { U64 };
                let id = self.unit.type_id(&wide);
                self.compute(&wide, Rvalue::Truncate(value.operand, id), span)
            }
            Ty::Enum(_) => {
                let place = self.place_of(&value, span);
                self.compute(&U32, Rvalue::Tag(place), span)
            }
            _ => self.freeze(value, span).operand,
        };
        into.push(Piece { kind, operand, span });
    }

    /// Appends pieces; gives the offset behind them.
    pub(super) fn put_pieces(&mut self, buffer: &Operand, at: Operand, pieces: &[Piece]) -> Operand {
        let mut at = at;
        for Piece { kind, operand, span } in pieces {
            at = match kind {
                PieceKind::With("put") => self.put(buffer, at, operand.clone(), *span),
                PieceKind::With(function) => self.put_with(function, buffer, at, operand.clone(), *span),
                PieceKind::Variant(index) => self.put_variant(buffer, &at, operand.clone(), *index, *span),
            };
        }
        at
    }

    /// An enum prints the name of its variant.
    fn put_variant(
        &mut self,
        buffer: &Operand,
        at: &Operand,
        tag: Operand,
        index: u32,
        span: Span,
    ) -> Operand {
        use compiler_mir::ir::{Place, Terminator};
        let names: Vec<String> = self.unit.world.enums[index as usize]
            .variants
            .iter()
            .map(|variant| variant.name.clone())
            .collect();
        let result = self.keep(&U64, Rvalue::Use(at.clone()), span);
        let join = self.new_block();
        let blocks: Vec<_> = names.iter().map(|_| self.new_block()).collect();
        let arms = blocks.iter().enumerate().map(|(tag, block)| (tag as u64, *block)).collect();
        self.end(Terminator::Switch { value: tag, arms, otherwise: join }, span);
        for (name, block) in names.iter().zip(blocks) {
            self.start(block);
            let piece = self.text_literal(name, None);
            let end = self.put(buffer, at.clone(), piece.operand, span);
            self.assign(Place::local(result), Rvalue::Use(end), span);
            self.goto(join, span);
        }
        self.start(join);
        Operand::Copy(Place::local(result))
    }

    /// Whether two byte views hold the same bytes.
    pub(super) fn bytes_equal(&mut self, a: Value, b: Value, span: Span) -> Operand {
        let Some(function) = self.unit.text_function("equal") else { return Value::boolean(false).operand };
        let arguments = vec![Argument::Value(a.operand), Argument::Value(b.operand)];
        self.emit_call(function, arguments, &Ty::Bool, span).operand
    }

    /// The type of a byte buffer.
    pub(crate) fn bytes_type() -> Ty {
        Ty::Slice(Box::new(U8))
    }
}
