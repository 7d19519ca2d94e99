//! Comparisons lane by lane, and scalars that say something about all lanes.

use crate::function::Function;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type};
use wasmparser::Operator as Op;

impl Function<'_, '_, '_> {
    pub(super) fn vector_comparison(&mut self, operator: &Op<'_>) -> bool {
        if let Some((condition, ty)) = integer_condition(operator) {
            let (right, left) = (self.pop_as(ty), self.pop_as(ty));
            let result = self.builder.ins().icmp(condition, left, right);
            self.push_vector(result);
            return true;
        }
        if let Some((condition, ty)) = float_condition(operator) {
            let (right, left) = (self.pop_as(ty), self.pop_as(ty));
            let result = self.builder.ins().fcmp(condition, left, right);
            self.push_vector(result);
            return true;
        }
        match operator {
            Op::V128AnyTrue => {
                // A comparison behind it folds into the test.
                let vector = self.pop();
                let vector = self.uncast(vector);
                let found = self.builder.ins().vany_true(vector);
                self.push_bool(found);
            }
            Op::I8x16AllTrue => self.all_true(I8X16),
            Op::I16x8AllTrue => self.all_true(I16X8),
            Op::I32x4AllTrue => self.all_true(I32X4),
            Op::I64x2AllTrue => self.all_true(I64X2),
            Op::I8x16Bitmask => self.bitmask(I8X16),
            Op::I16x8Bitmask => self.bitmask(I16X8),
            Op::I32x4Bitmask => self.bitmask(I32X4),
            Op::I64x2Bitmask => self.bitmask(I64X2),
            _ => return false,
        }
        true
    }

    fn all_true(&mut self, ty: Type) {
        let vector = self.pop_as(ty);
        let all = self.builder.ins().vall_true(vector);
        self.push_bool(all);
    }

    fn bitmask(&mut self, ty: Type) {
        let vector = self.pop_as(ty);
        let bits = self.builder.ins().vhigh_bits(I32, vector);
        self.push(bits);
    }
}

fn integer_condition(operator: &Op<'_>) -> Option<(IntCC, Type)> {
    Some(match operator {
        Op::I8x16Eq => (IntCC::Equal, I8X16),
        Op::I8x16Ne => (IntCC::NotEqual, I8X16),
        Op::I8x16LtS => (IntCC::SignedLessThan, I8X16),
        Op::I8x16LtU => (IntCC::UnsignedLessThan, I8X16),
        Op::I8x16GtS => (IntCC::SignedGreaterThan, I8X16),
        Op::I8x16GtU => (IntCC::UnsignedGreaterThan, I8X16),
        Op::I8x16LeS => (IntCC::SignedLessThanOrEqual, I8X16),
        Op::I8x16LeU => (IntCC::UnsignedLessThanOrEqual, I8X16),
        Op::I8x16GeS => (IntCC::SignedGreaterThanOrEqual, I8X16),
        Op::I8x16GeU => (IntCC::UnsignedGreaterThanOrEqual, I8X16),
        Op::I16x8Eq => (IntCC::Equal, I16X8),
        Op::I16x8Ne => (IntCC::NotEqual, I16X8),
        Op::I16x8LtS => (IntCC::SignedLessThan, I16X8),
        Op::I16x8LtU => (IntCC::UnsignedLessThan, I16X8),
        Op::I16x8GtS => (IntCC::SignedGreaterThan, I16X8),
        Op::I16x8GtU => (IntCC::UnsignedGreaterThan, I16X8),
        Op::I16x8LeS => (IntCC::SignedLessThanOrEqual, I16X8),
        Op::I16x8LeU => (IntCC::UnsignedLessThanOrEqual, I16X8),
        Op::I16x8GeS => (IntCC::SignedGreaterThanOrEqual, I16X8),
        Op::I16x8GeU => (IntCC::UnsignedGreaterThanOrEqual, I16X8),
        Op::I32x4Eq => (IntCC::Equal, I32X4),
        Op::I32x4Ne => (IntCC::NotEqual, I32X4),
        Op::I32x4LtS => (IntCC::SignedLessThan, I32X4),
        Op::I32x4LtU => (IntCC::UnsignedLessThan, I32X4),
        Op::I32x4GtS => (IntCC::SignedGreaterThan, I32X4),
        Op::I32x4GtU => (IntCC::UnsignedGreaterThan, I32X4),
        Op::I32x4LeS => (IntCC::SignedLessThanOrEqual, I32X4),
        Op::I32x4LeU => (IntCC::UnsignedLessThanOrEqual, I32X4),
        Op::I32x4GeS => (IntCC::SignedGreaterThanOrEqual, I32X4),
        Op::I32x4GeU => (IntCC::UnsignedGreaterThanOrEqual, I32X4),
        Op::I64x2Eq => (IntCC::Equal, I64X2),
        Op::I64x2Ne => (IntCC::NotEqual, I64X2),
        Op::I64x2LtS => (IntCC::SignedLessThan, I64X2),
        Op::I64x2GtS => (IntCC::SignedGreaterThan, I64X2),
        Op::I64x2LeS => (IntCC::SignedLessThanOrEqual, I64X2),
        Op::I64x2GeS => (IntCC::SignedGreaterThanOrEqual, I64X2),
        _ => return None,
    })
}

fn float_condition(operator: &Op<'_>) -> Option<(FloatCC, Type)> {
    Some(match operator {
        Op::F32x4Eq => (FloatCC::Equal, F32X4),
        Op::F32x4Ne => (FloatCC::NotEqual, F32X4),
        Op::F32x4Lt => (FloatCC::LessThan, F32X4),
        Op::F32x4Gt => (FloatCC::GreaterThan, F32X4),
        Op::F32x4Le => (FloatCC::LessThanOrEqual, F32X4),
        Op::F32x4Ge => (FloatCC::GreaterThanOrEqual, F32X4),
        Op::F64x2Eq => (FloatCC::Equal, F64X2),
        Op::F64x2Ne => (FloatCC::NotEqual, F64X2),
        Op::F64x2Lt => (FloatCC::LessThan, F64X2),
        Op::F64x2Gt => (FloatCC::GreaterThan, F64X2),
        Op::F64x2Le => (FloatCC::LessThanOrEqual, F64X2),
        Op::F64x2Ge => (FloatCC::GreaterThanOrEqual, F64X2),
        _ => return None,
    })
}
