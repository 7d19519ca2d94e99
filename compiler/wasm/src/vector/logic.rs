//! Bits of vectors: logic, selection, shifts.

use crate::function::Function;
use cranelift_codegen::ir::types::{I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type};
use wasmparser::Operator as Op;

impl Function<'_, '_, '_> {
    pub(super) fn vector_logic(&mut self, operator: &Op<'_>) -> bool {
        match operator {
            Op::V128Not => self.vector_unary(Opcode::Bnot, I8X16),
            Op::V128And => self.vector_binary(Opcode::Band, I8X16),
            Op::V128AndNot => {
                let (right, left) = (self.pop_as(I8X16), self.pop_as(I8X16));
                let inverse = self.builder.ins().bnot(right);
                let result = self.builder.ins().band(left, inverse);
                self.push_vector(result);
            }
            Op::V128Or => self.vector_binary(Opcode::Bor, I8X16),
            Op::V128Xor => self.vector_binary(Opcode::Bxor, I8X16),
            Op::V128Bitselect
            | Op::I8x16RelaxedLaneselect
            | Op::I16x8RelaxedLaneselect
            | Op::I32x4RelaxedLaneselect
            | Op::I64x2RelaxedLaneselect => self.bitselect(),
            Op::I8x16Shl => self.vector_shift(Opcode::Ishl, I8X16),
            Op::I8x16ShrS => self.vector_shift(Opcode::Sshr, I8X16),
            Op::I8x16ShrU => self.vector_shift(Opcode::Ushr, I8X16),
            Op::I16x8Shl => self.vector_shift(Opcode::Ishl, I16X8),
            Op::I16x8ShrS => self.vector_shift(Opcode::Sshr, I16X8),
            Op::I16x8ShrU => self.vector_shift(Opcode::Ushr, I16X8),
            Op::I32x4Shl => self.vector_shift(Opcode::Ishl, I32X4),
            Op::I32x4ShrS => self.vector_shift(Opcode::Sshr, I32X4),
            Op::I32x4ShrU => self.vector_shift(Opcode::Ushr, I32X4),
            Op::I64x2Shl => self.vector_shift(Opcode::Ishl, I64X2),
            Op::I64x2ShrS => self.vector_shift(Opcode::Sshr, I64X2),
            Op::I64x2ShrU => self.vector_shift(Opcode::Ushr, I64X2),
            _ => return false,
        }
        true
    }

    fn bitselect(&mut self) {
        // In the type of the mask: one that is seen to come from a comparison becomes a blend or a minimum.
        let mask = self.pop();
        let mask = self.uncast(mask);
        let ty = self.builder.func.dfg.value_type(mask);
        let (right, left) = (self.pop_as(ty), self.pop_as(ty));
        let result = self.builder.ins().bitselect(mask, left, right);
        self.push_vector(result);
    }

    /// Every lane by the same amount, modulo the width of a lane.
    fn vector_shift(&mut self, opcode: Opcode, ty: Type) {
        let amount = self.pop();
        let vector = self.pop_as(ty);
        let (inst, dfg) = self.builder.ins().Binary(opcode, ty, vector, amount);
        let result = dfg.first_result(inst);
        self.push_vector(result);
    }
}
