//! Integer operators between lanes of one width and of the next: extension, narrowing, wide products.

use crate::function::Function;
use cranelift_codegen::ir::types::{I8X16, I16X8, I32X4};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use wasmparser::Operator as Op;

/// The halves of a vector and how their lanes are widened.
#[derive(Clone, Copy)]
pub(super) enum Half {
    LowSigned,
    HighSigned,
    LowUnsigned,
    HighUnsigned,
}

impl Function<'_, '_, '_> {
    pub(super) fn vector_widening(&mut self, operator: &Op<'_>) -> bool {
        if let Some((half, ty)) = extension(operator) {
            let vector = self.pop_as(ty);
            let wide = self.widen(half, vector);
            self.push_vector(wide);
            return true;
        }
        if let Some((half, ty)) = product(operator) {
            let (right, left) = (self.pop_as(ty), self.pop_as(ty));
            let result = self.wide_product(half, left, right);
            self.push_vector(result);
            return true;
        }
        match operator {
            Op::I8x16NarrowI16x8S => self.vector_binary(Opcode::Snarrow, I16X8),
            Op::I8x16NarrowI16x8U => self.vector_binary(Opcode::Unarrow, I16X8),
            Op::I16x8NarrowI32x4S => self.vector_binary(Opcode::Snarrow, I32X4),
            Op::I16x8NarrowI32x4U => self.vector_binary(Opcode::Unarrow, I32X4),
            Op::I16x8ExtAddPairwiseI8x16S => self.add_pairs(I8X16, Half::LowSigned, Half::HighSigned),
            Op::I16x8ExtAddPairwiseI8x16U => self.add_pairs(I8X16, Half::LowUnsigned, Half::HighUnsigned),
            Op::I32x4ExtAddPairwiseI16x8S => self.add_pairs(I16X8, Half::LowSigned, Half::HighSigned),
            Op::I32x4ExtAddPairwiseI16x8U => self.add_pairs(I16X8, Half::LowUnsigned, Half::HighUnsigned),
            Op::I32x4DotI16x8S => {
                let (right, left) = (self.pop_as(I16X8), self.pop_as(I16X8));
                let low = self.wide_product(Half::LowSigned, left, right);
                let high = self.wide_product(Half::HighSigned, left, right);
                let result = self.builder.ins().iadd_pairwise(low, high);
                self.push_vector(result);
            }
            _ => return false,
        }
        true
    }

    /// One half of the lanes, twice as wide.
    pub(super) fn widen(&mut self, half: Half, vector: Value) -> Value {
        let ins = self.builder.ins();
        match half {
            Half::LowSigned => ins.swiden_low(vector),
            Half::HighSigned => ins.swiden_high(vector),
            Half::LowUnsigned => ins.uwiden_low(vector),
            Half::HighUnsigned => ins.uwiden_high(vector),
        }
    }

    fn wide_product(&mut self, half: Half, left: Value, right: Value) -> Value {
        let (left, right) = (self.widen(half, left), self.widen(half, right));
        self.builder.ins().imul(left, right)
    }

    fn add_pairs(&mut self, ty: Type, low: Half, high: Half) {
        let vector = self.pop_as(ty);
        let (low, high) = (self.widen(low, vector), self.widen(high, vector));
        let result = self.builder.ins().iadd_pairwise(low, high);
        self.push_vector(result);
    }
}

fn extension(operator: &Op<'_>) -> Option<(Half, Type)> {
    Some(match operator {
        Op::I16x8ExtendLowI8x16S => (Half::LowSigned, I8X16),
        Op::I16x8ExtendHighI8x16S => (Half::HighSigned, I8X16),
        Op::I16x8ExtendLowI8x16U => (Half::LowUnsigned, I8X16),
        Op::I16x8ExtendHighI8x16U => (Half::HighUnsigned, I8X16),
        Op::I32x4ExtendLowI16x8S => (Half::LowSigned, I16X8),
        Op::I32x4ExtendHighI16x8S => (Half::HighSigned, I16X8),
        Op::I32x4ExtendLowI16x8U => (Half::LowUnsigned, I16X8),
        Op::I32x4ExtendHighI16x8U => (Half::HighUnsigned, I16X8),
        Op::I64x2ExtendLowI32x4S => (Half::LowSigned, I32X4),
        Op::I64x2ExtendHighI32x4S => (Half::HighSigned, I32X4),
        Op::I64x2ExtendLowI32x4U => (Half::LowUnsigned, I32X4),
        Op::I64x2ExtendHighI32x4U => (Half::HighUnsigned, I32X4),
        _ => return None,
    })
}

fn product(operator: &Op<'_>) -> Option<(Half, Type)> {
    Some(match operator {
        Op::I16x8ExtMulLowI8x16S => (Half::LowSigned, I8X16),
        Op::I16x8ExtMulHighI8x16S => (Half::HighSigned, I8X16),
        Op::I16x8ExtMulLowI8x16U => (Half::LowUnsigned, I8X16),
        Op::I16x8ExtMulHighI8x16U => (Half::HighUnsigned, I8X16),
        Op::I32x4ExtMulLowI16x8S => (Half::LowSigned, I16X8),
        Op::I32x4ExtMulHighI16x8S => (Half::HighSigned, I16X8),
        Op::I32x4ExtMulLowI16x8U => (Half::LowUnsigned, I16X8),
        Op::I32x4ExtMulHighI16x8U => (Half::HighUnsigned, I16X8),
        Op::I64x2ExtMulLowI32x4S => (Half::LowSigned, I32X4),
        Op::I64x2ExtMulHighI32x4S => (Half::HighSigned, I32X4),
        Op::I64x2ExtMulLowI32x4U => (Half::LowUnsigned, I32X4),
        Op::I64x2ExtMulHighI32x4U => (Half::HighUnsigned, I32X4),
        _ => return None,
    })
}
