//! Conversions between integers and floating-point numbers, and between the latter's widths.

use super::widening::Half;
use crate::function::Function;
use cranelift_codegen::ir::types::{F32X4, F64X2, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use wasmparser::Operator as Op;

impl Function<'_, '_, '_> {
    pub(super) fn vector_conversion(&mut self, operator: &Op<'_>) -> bool {
        match operator {
            Op::I32x4TruncSatF32x4S => self.convert(Opcode::FcvtToSintSat, F32X4, I32X4),
            // Relaxed, the machine's answer to what does not fit: the smallest integer.
            Op::I32x4RelaxedTruncF32x4S => self.convert(Opcode::X86Cvtt2dq, F32X4, I32X4),
            Op::I32x4TruncSatF32x4U | Op::I32x4RelaxedTruncF32x4U => {
                self.convert(Opcode::FcvtToUintSat, F32X4, I32X4);
            }
            Op::F32x4ConvertI32x4S => self.convert(Opcode::FcvtFromSint, I32X4, F32X4),
            Op::F32x4ConvertI32x4U => self.convert(Opcode::FcvtFromUint, I32X4, F32X4),
            Op::I32x4TruncSatF64x2SZero => self.truncate_low(Opcode::FcvtToSintSat, Opcode::Snarrow),
            Op::I32x4RelaxedTruncF64x2SZero => self.truncate_low(Opcode::X86Cvtt2dq, Opcode::Snarrow),
            Op::I32x4TruncSatF64x2UZero | Op::I32x4RelaxedTruncF64x2UZero => {
                self.truncate_low(Opcode::FcvtToUintSat, Opcode::Uunarrow);
            }
            Op::F64x2ConvertLowI32x4S => self.convert_low(Half::LowSigned, Opcode::FcvtFromSint),
            Op::F64x2ConvertLowI32x4U => self.convert_low(Half::LowUnsigned, Opcode::FcvtFromUint),
            Op::F32x4DemoteF64x2Zero => {
                let vector = self.pop_as(F64X2);
                let result = self.builder.ins().fvdemote(vector);
                self.push_vector(result);
            }
            Op::F64x2PromoteLowF32x4 => {
                let vector = self.pop_as(F32X4);
                let result = self.builder.ins().fvpromote_low(vector);
                self.push_vector(result);
            }
            _ => return false,
        }
        true
    }

    fn convert(&mut self, opcode: Opcode, from: Type, to: Type) {
        let vector = self.pop_as(from);
        let result = self.convert_value(opcode, to, vector);
        self.push_vector(result);
    }

    fn convert_value(&mut self, opcode: Opcode, to: Type, vector: Value) -> Value {
        let (inst, dfg) = self.builder.ins().Unary(opcode, to, vector);
        dfg.first_result(inst)
    }

    /// Two numbers as integers in the low lanes, above them zeros.
    fn truncate_low(&mut self, convert: Opcode, narrow: Opcode) {
        let vector = self.pop_as(F64X2);
        // The three together are what the machine has an instruction or a sequence for.
        let wide = self.convert_value(convert, I64X2, vector);
        let zero = self.vector_constant(I64X2, [0; 16]);
        let (inst, dfg) = self.builder.ins().Binary(narrow, I64X2, wide, zero);
        let result = dfg.first_result(inst);
        self.push_vector(result);
    }

    /// The two low integers as numbers.
    fn convert_low(&mut self, half: Half, convert: Opcode) {
        let vector = self.pop_as(I32X4);
        let wide = self.widen(half, vector);
        let result = self.convert_value(convert, F64X2, wide);
        self.push_vector(result);
    }
}
