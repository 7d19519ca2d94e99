//! Text with `{ }`, written piece by piece into the buffer that will carry it.

use super::{Body, Value};
use crate::ty::{I64, Ty, U8, U32, U64};
use compiler_mir::ir::{Argument, Operand, Rvalue};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{Expr, ExprKind, Literal, TextPart};

impl Body<'_, '_> {
    /// Appends bytes to a buffer; gives the offset behind them.
    pub(super) fn put(&mut self, buffer: &Operand, at: Operand, bytes: Operand, span: Span) -> Operand {
        self.put_with("put", buffer, at, bytes, span)
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

    /// Appends a text argument: a literal, an interpolated one, or any `str` value.
    pub(super) fn put_text(&mut self, buffer: &Operand, at: Operand, expr: &Expr, want: &Ty) -> Operand {
        let ExprKind::Text(parts) = &*expr.kind else {
            let value = self.expr_as(expr, want);
            return self.put(buffer, at, value.operand, expr.span);
        };
        let mut at = at;
        for part in parts {
            at = match part {
                TextPart::Literal(text) => {
                    let piece = self.text_literal(text, None);
                    self.put(buffer, at, piece.operand, expr.span)
                }
                TextPart::Expr(inner) => self.put_value(buffer, at, inner),
            };
        }
        at
    }

    fn put_value(&mut self, buffer: &Operand, at: Operand, expr: &Expr) -> Operand {
        if matches!(&*expr.kind, ExprKind::Literal(Literal::Text(_)) | ExprKind::Text(_)) {
            return self.put_text(buffer, at, expr, &Ty::Str);
        }
        let value = self.expr(expr, None);
        let span = expr.span;
        match &value.ty {
            Ty::Str => self.put(buffer, at, value.operand, span),
            Ty::Int { signed, bits } => {
                let (function, wide) = if *signed { ("put-signed", I64) } else { ("put-unsigned", U64) };
                let operand = if *bits == 64 {
                    value.operand
                } else {
                    let id = self.unit.type_id(&wide);
                    self.compute(&wide, Rvalue::Truncate(value.operand, id), span)
                };
                self.put_with(function, buffer, at, operand, span)
            }
            Ty::Bool => self.put_with("put-bool", buffer, at, value.operand, span),
            Ty::Enum(index) => self.put_enum(buffer, &at, &value, *index, span),
            Ty::Error | Ty::Never => at,
            other => {
                let shown = self.show(other);
                self.report(
                    Diagnostic::error("not-printable", span, format!("{shown} has no text form"))
                        .help("text, integers, bools and enums have; write the parts one by one"),
                );
                at
            }
        }
    }

    /// An enum prints the name of its variant.
    fn put_enum(&mut self, buffer: &Operand, at: &Operand, value: &Value, index: u32, span: Span) -> Operand {
        use compiler_mir::ir::{Place, Terminator};
        let names: Vec<String> = self.unit.world.enums[index as usize]
            .variants
            .iter()
            .map(|variant| variant.name.clone())
            .collect();
        let place = self.place_of(value, span);
        let tag = self.compute(&U32, Rvalue::Tag(place), span);
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
