//! What stands behind a dot and is no method: fields, and the lengths and bytes of places and views.

use super::{Access, Body, Lvalue, Value};
use crate::ty::{Ty, U8, U64};
use crate::unit::table;
use compiler_mir::ir::{BinaryOperator as Op, Operand, Rvalue, Step};
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, Expr};

/// Why a temporary cannot be changed.
pub(super) const TEMPORARY: &str = "a value without a place";

impl Body<'_, '_> {
    /// A field, or what a place or view offers with a dot besides its fields.
    pub(super) fn property_or_field(&mut self, base: &Expr, name: &tree::Name, span: Span) -> Option<Lvalue> {
        let lvalue = self.lvalue_or_temp(base)?;
        match self.property(&lvalue, name.as_str(), span) {
            Some(value) => {
                let place = self.place_of(&value, span);
                Some(Lvalue { place, ty: value.ty, access: Access::Read(TEMPORARY) })
            }
            None => self.field(lvalue, name),
        }
    }

    fn property(&mut self, lvalue: &Lvalue, word: &str, span: Span) -> Option<Value> {
        let value = match (&lvalue.ty, word) {
            (Ty::Array(_, count), "len") | (Ty::Table(_, count), "capacity") => {
                Value { operand: self.int(&U64, i128::from(*count)), ty: U64 }
            }
            (Ty::Slice(_) | Ty::Str, "len") => {
                Value { operand: self.compute(&U64, Rvalue::Length(lvalue.place.clone()), span), ty: U64 }
            }
            (Ty::Str, "bytes") => {
                Value { operand: Operand::Copy(lvalue.place.clone()), ty: Ty::Slice(Box::new(U8)) }
            }
            (Ty::Table(_, count), "len" | "full") => {
                let live = Operand::Copy(lvalue.place.then(Step::Field(table::COUNT)));
                if word == "len" {
                    let id = self.unit.type_id(&U64);
                    Value { operand: self.compute(&U64, Rvalue::Truncate(live, id), span), ty: U64 }
                } else {
                    let all = self.int(&crate::ty::U32, i128::from(*count));
                    let operand = self.binary(&Ty::Bool, Op::Equal, live, all, span);
                    Value { operand, ty: Ty::Bool }
                }
            }
            _ => return None,
        };
        Some(value)
    }
}

/// Whether a name after a dot may be something besides a field.
pub(super) fn is_property(name: &tree::Name) -> bool {
    matches!(name.as_str(), "len" | "bytes" | "full" | "capacity")
}
