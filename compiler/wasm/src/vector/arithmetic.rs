//! Integer arithmetic lane by lane.

use crate::function::Function;
use cranelift_codegen::ir::types::{I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{Opcode, Type};
use wasmparser::Operator as Op;

impl Function<'_, '_, '_> {
    pub(super) fn vector_arithmetic(&mut self, operator: &Op<'_>) -> bool {
        if let Some((opcode, ty)) = unary(operator) {
            self.vector_unary(opcode, ty);
        } else if let Some((opcode, ty)) = binary(operator) {
            self.vector_binary(opcode, ty);
        } else {
            return false;
        }
        true
    }
}

fn unary(operator: &Op<'_>) -> Option<(Opcode, Type)> {
    Some(match operator {
        Op::I8x16Abs => (Opcode::Iabs, I8X16),
        Op::I8x16Neg => (Opcode::Ineg, I8X16),
        Op::I8x16Popcnt => (Opcode::Popcnt, I8X16),
        Op::I16x8Abs => (Opcode::Iabs, I16X8),
        Op::I16x8Neg => (Opcode::Ineg, I16X8),
        Op::I32x4Abs => (Opcode::Iabs, I32X4),
        Op::I32x4Neg => (Opcode::Ineg, I32X4),
        Op::I64x2Abs => (Opcode::Iabs, I64X2),
        Op::I64x2Neg => (Opcode::Ineg, I64X2),
        _ => return None,
    })
}

fn binary(operator: &Op<'_>) -> Option<(Opcode, Type)> {
    Some(match operator {
        Op::I8x16Add => (Opcode::Iadd, I8X16),
        Op::I8x16AddSatS => (Opcode::SaddSat, I8X16),
        Op::I8x16AddSatU => (Opcode::UaddSat, I8X16),
        Op::I8x16Sub => (Opcode::Isub, I8X16),
        Op::I8x16SubSatS => (Opcode::SsubSat, I8X16),
        Op::I8x16SubSatU => (Opcode::UsubSat, I8X16),
        Op::I8x16MinS => (Opcode::Smin, I8X16),
        Op::I8x16MinU => (Opcode::Umin, I8X16),
        Op::I8x16MaxS => (Opcode::Smax, I8X16),
        Op::I8x16MaxU => (Opcode::Umax, I8X16),
        Op::I8x16AvgrU => (Opcode::AvgRound, I8X16),
        Op::I16x8Add => (Opcode::Iadd, I16X8),
        Op::I16x8AddSatS => (Opcode::SaddSat, I16X8),
        Op::I16x8AddSatU => (Opcode::UaddSat, I16X8),
        Op::I16x8Sub => (Opcode::Isub, I16X8),
        Op::I16x8SubSatS => (Opcode::SsubSat, I16X8),
        Op::I16x8SubSatU => (Opcode::UsubSat, I16X8),
        Op::I16x8Mul => (Opcode::Imul, I16X8),
        Op::I16x8MinS => (Opcode::Smin, I16X8),
        Op::I16x8MinU => (Opcode::Umin, I16X8),
        Op::I16x8MaxS => (Opcode::Smax, I16X8),
        Op::I16x8MaxU => (Opcode::Umax, I16X8),
        Op::I16x8AvgrU => (Opcode::AvgRound, I16X8),
        Op::I16x8Q15MulrSatS => (Opcode::SqmulRoundSat, I16X8),
        Op::I32x4Add => (Opcode::Iadd, I32X4),
        Op::I32x4Sub => (Opcode::Isub, I32X4),
        Op::I32x4Mul => (Opcode::Imul, I32X4),
        Op::I32x4MinS => (Opcode::Smin, I32X4),
        Op::I32x4MinU => (Opcode::Umin, I32X4),
        Op::I32x4MaxS => (Opcode::Smax, I32X4),
        Op::I32x4MaxU => (Opcode::Umax, I32X4),
        Op::I64x2Add => (Opcode::Iadd, I64X2),
        Op::I64x2Sub => (Opcode::Isub, I64X2),
        Op::I64x2Mul => (Opcode::Imul, I64X2),
        _ => return None,
    })
}
