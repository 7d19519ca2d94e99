//! Constants, and vectors made of lanes and taken apart.

use crate::function::Function;
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32, I32X4, I64X2};
use cranelift_codegen::ir::{ConstantData, InstBuilder, Opcode, Type, Value};
use wasmparser::Operator as Op;

impl Function<'_, '_, '_> {
    pub(super) fn vector_lanes(&mut self, operator: &Op<'_>) -> bool {
        match *operator {
            Op::V128Const { value } => {
                let vector = self.vector_constant(I8X16, *value.bytes());
                self.push_vector(vector);
            }
            Op::I8x16Shuffle { lanes } => self.shuffle(lanes),
            Op::I8x16Swizzle => self.vector_binary(Opcode::Swizzle, I8X16),
            Op::I8x16Splat => self.splat(I8X16),
            Op::I16x8Splat => self.splat(I16X8),
            Op::I32x4Splat => self.splat(I32X4),
            Op::I64x2Splat => self.splat(I64X2),
            Op::F32x4Splat => self.splat(F32X4),
            Op::F64x2Splat => self.splat(F64X2),
            Op::I8x16ExtractLaneS { lane } => self.extract_extended(I8X16, lane, Opcode::Sextend),
            Op::I8x16ExtractLaneU { lane } => self.extract_extended(I8X16, lane, Opcode::Uextend),
            Op::I16x8ExtractLaneS { lane } => self.extract_extended(I16X8, lane, Opcode::Sextend),
            Op::I16x8ExtractLaneU { lane } => self.extract_extended(I16X8, lane, Opcode::Uextend),
            Op::I32x4ExtractLane { lane } => self.extract_lane(I32X4, lane),
            Op::I64x2ExtractLane { lane } => self.extract_lane(I64X2, lane),
            Op::F32x4ExtractLane { lane } => self.extract_lane(F32X4, lane),
            Op::F64x2ExtractLane { lane } => self.extract_lane(F64X2, lane),
            Op::I8x16ReplaceLane { lane } => self.replace_lane(I8X16, lane),
            Op::I16x8ReplaceLane { lane } => self.replace_lane(I16X8, lane),
            Op::I32x4ReplaceLane { lane } => self.replace_lane(I32X4, lane),
            Op::I64x2ReplaceLane { lane } => self.replace_lane(I64X2, lane),
            Op::F32x4ReplaceLane { lane } => self.replace_lane(F32X4, lane),
            Op::F64x2ReplaceLane { lane } => self.replace_lane(F64X2, lane),
            _ => return false,
        }
        true
    }

    /// A constant of these bytes, the first one lowest.
    pub(super) fn vector_constant(&mut self, ty: Type, bytes: [u8; 16]) -> Value {
        let constant = self.builder.func.dfg.constants.insert(ConstantData::from(&bytes[..]));
        self.builder.ins().vconst(ty, constant)
    }

    fn shuffle(&mut self, lanes: [u8; 16]) {
        let (right, left) = (self.pop_as(I8X16), self.pop_as(I8X16));
        let lanes = self.builder.func.dfg.immediates.push(ConstantData::from(&lanes[..]));
        let vector = self.builder.ins().shuffle(left, right, lanes);
        self.push_vector(vector);
    }

    fn splat(&mut self, ty: Type) {
        let scalar = self.pop_lane(ty.lane_type());
        let vector = self.builder.ins().splat(ty, scalar);
        self.push_vector(vector);
    }

    fn extract_lane(&mut self, ty: Type, lane: u8) {
        let vector = self.pop_as(ty);
        let scalar = self.builder.ins().extractlane(vector, lane);
        self.push(scalar);
    }

    fn extract_extended(&mut self, ty: Type, lane: u8, extend: Opcode) {
        let vector = self.pop_as(ty);
        let scalar = self.builder.ins().extractlane(vector, lane);
        let (inst, dfg) = self.builder.ins().Unary(extend, I32, scalar);
        let scalar = dfg.first_result(inst);
        self.push(scalar);
    }

    fn replace_lane(&mut self, ty: Type, lane: u8) {
        let scalar = self.pop_lane(ty.lane_type());
        let vector = self.pop_as(ty);
        let vector = self.builder.ins().insertlane(vector, scalar, lane);
        self.push_vector(vector);
    }

    /// Pops a scalar for a lane; lanes narrower than every scalar type take its low bits.
    fn pop_lane(&mut self, lane: Type) -> Value {
        let scalar = self.pop();
        if lane.is_int() && lane.bits() < 32 { self.builder.ins().ireduce(lane, scalar) } else { scalar }
    }
}
