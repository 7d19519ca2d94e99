//! Floating-point arithmetic lane by lane.

use crate::function::Function;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{F32X4, F64X2};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type};
use wasmparser::Operator as Op;

/// Which of two numbers.
#[derive(Clone, Copy)]
enum Extreme {
    Least,
    Greatest,
}

impl Function<'_, '_, '_> {
    pub(super) fn vector_float(&mut self, operator: &Op<'_>) -> bool {
        if let Some((opcode, ty)) = unary(operator) {
            self.vector_unary(opcode, ty);
            return true;
        }
        if let Some((opcode, ty)) = binary(operator) {
            self.vector_binary(opcode, ty);
            return true;
        }
        // Relaxed, NaNs and zeros of both signs may give either operand: one instruction.
        match operator {
            Op::F32x4PMin | Op::F32x4RelaxedMin => self.pseudo_extreme(Extreme::Least, F32X4),
            Op::F32x4PMax | Op::F32x4RelaxedMax => self.pseudo_extreme(Extreme::Greatest, F32X4),
            Op::F64x2PMin | Op::F64x2RelaxedMin => self.pseudo_extreme(Extreme::Least, F64X2),
            Op::F64x2PMax | Op::F64x2RelaxedMax => self.pseudo_extreme(Extreme::Greatest, F64X2),
            _ => return false,
        }
        true
    }

    /// The right operand where it is less or greater, else the left one.
    fn pseudo_extreme(&mut self, which: Extreme, ty: Type) {
        let (right, left) = (self.pop_as(ty), self.pop_as(ty));
        // Both as "less than", the form that becomes a minimum or maximum instruction.
        let (smaller, larger) = match which {
            Extreme::Least => (right, left),
            Extreme::Greatest => (left, right),
        };
        let mask = self.builder.ins().fcmp(FloatCC::LessThan, smaller, larger);
        let mask = self.cast(mask, ty);
        let result = self.builder.ins().bitselect(mask, right, left);
        self.push_vector(result);
    }
}

fn unary(operator: &Op<'_>) -> Option<(Opcode, Type)> {
    Some(match operator {
        Op::F32x4Ceil => (Opcode::Ceil, F32X4),
        Op::F32x4Floor => (Opcode::Floor, F32X4),
        Op::F32x4Trunc => (Opcode::Trunc, F32X4),
        Op::F32x4Nearest => (Opcode::Nearest, F32X4),
        Op::F32x4Abs => (Opcode::Fabs, F32X4),
        Op::F32x4Neg => (Opcode::Fneg, F32X4),
        Op::F32x4Sqrt => (Opcode::Sqrt, F32X4),
        Op::F64x2Ceil => (Opcode::Ceil, F64X2),
        Op::F64x2Floor => (Opcode::Floor, F64X2),
        Op::F64x2Trunc => (Opcode::Trunc, F64X2),
        Op::F64x2Nearest => (Opcode::Nearest, F64X2),
        Op::F64x2Abs => (Opcode::Fabs, F64X2),
        Op::F64x2Neg => (Opcode::Fneg, F64X2),
        Op::F64x2Sqrt => (Opcode::Sqrt, F64X2),
        _ => return None,
    })
}

fn binary(operator: &Op<'_>) -> Option<(Opcode, Type)> {
    Some(match operator {
        Op::F32x4Add => (Opcode::Fadd, F32X4),
        Op::F32x4Sub => (Opcode::Fsub, F32X4),
        Op::F32x4Mul => (Opcode::Fmul, F32X4),
        Op::F32x4Div => (Opcode::Fdiv, F32X4),
        Op::F32x4Min => (Opcode::Fmin, F32X4),
        Op::F32x4Max => (Opcode::Fmax, F32X4),
        Op::F64x2Add => (Opcode::Fadd, F64X2),
        Op::F64x2Sub => (Opcode::Fsub, F64X2),
        Op::F64x2Mul => (Opcode::Fmul, F64X2),
        Op::F64x2Div => (Opcode::Fdiv, F64X2),
        Op::F64x2Min => (Opcode::Fmin, F64X2),
        Op::F64x2Max => (Opcode::Fmax, F64X2),
        _ => return None,
    })
}
