//! Relaxed operators that are not one of the strict ones.

use crate::function::Function;
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use wasmparser::Operator as Op;

impl Function<'_, '_, '_> {
    pub(super) fn vector_relaxed(&mut self, operator: &Op<'_>) -> bool {
        match operator {
            // Out of range, the low four bits count unless the highest one is set.
            Op::I8x16RelaxedSwizzle => {
                let (indexes, vector) = (self.pop_as(I8X16), self.pop_as(I8X16));
                let result = self.builder.ins().x86_pshufb(vector, indexes);
                self.push_vector(result);
            }
            // The product of two smallest numbers wraps.
            Op::I16x8RelaxedQ15mulrS => self.vector_binary(Opcode::X86Pmulhrsw, I16X8),
            Op::F32x4RelaxedMadd => self.multiply_add(F32X4),
            Op::F32x4RelaxedNmadd => self.multiply_subtract(F32X4),
            Op::F64x2RelaxedMadd => self.multiply_add(F64X2),
            Op::F64x2RelaxedNmadd => self.multiply_subtract(F64X2),
            Op::I16x8RelaxedDotI8x16I7x16S => {
                let (right, left) = (self.pop_as(I8X16), self.pop_as(I8X16));
                let dot = self.builder.ins().x86_pmaddubsw(left, right);
                self.push_vector(dot);
            }
            Op::I32x4RelaxedDotI8x16I7x16AddS => {
                let sum = self.pop_as(I32X4);
                let (right, left) = (self.pop_as(I8X16), self.pop_as(I8X16));
                let dot = self.builder.ins().x86_pmaddubsw(left, right);
                let low = self.builder.ins().swiden_low(dot);
                let high = self.builder.ins().swiden_high(dot);
                let pairs = self.builder.ins().iadd_pairwise(low, high);
                let result = self.builder.ins().iadd(pairs, sum);
                self.push_vector(result);
            }
            _ => return false,
        }
        true
    }

    /// `left * right + addend`, rounded twice.
    fn multiply_add(&mut self, ty: Type) {
        let (product, addend) = self.product_and_addend(ty);
        let result = self.builder.ins().fadd(product, addend);
        self.push_vector(result);
    }

    /// `-(left * right) + addend`, rounded twice.
    fn multiply_subtract(&mut self, ty: Type) {
        let (product, addend) = self.product_and_addend(ty);
        let result = self.builder.ins().fsub(addend, product);
        self.push_vector(result);
    }

    fn product_and_addend(&mut self, ty: Type) -> (Value, Value) {
        let addend = self.pop_as(ty);
        let (right, left) = (self.pop_as(ty), self.pop_as(ty));
        (self.builder.ins().fmul(left, right), addend)
    }
}
