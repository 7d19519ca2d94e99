//! Loads and stores of vectors and of their lanes.

use crate::function::Function;
use cranelift_codegen::ir::types::{I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Opcode, Type, Value};
use cranelift_frontend::FuncInstBuilder;
use wasmparser::{MemArg, Operator as Op};

impl Function<'_, '_, '_> {
    pub(super) fn vector_memory(&mut self, operator: &Op<'_>) -> bool {
        match operator {
            Op::V128Load { memarg } => {
                self.load_vector(memarg, |ins, flags, base, offset| ins.load(I8X16, flags, base, offset));
            }
            Op::V128Store { memarg } => {
                let value = self.pop();
                let value = self.uncast(value);
                self.store_value(memarg, value);
            }
            Op::V128Load8x8S { memarg } => {
                self.load_vector(memarg, |ins, flags, base, offset| ins.sload8x8(flags, base, offset));
            }
            Op::V128Load8x8U { memarg } => {
                self.load_vector(memarg, |ins, flags, base, offset| ins.uload8x8(flags, base, offset));
            }
            Op::V128Load16x4S { memarg } => {
                self.load_vector(memarg, |ins, flags, base, offset| ins.sload16x4(flags, base, offset));
            }
            Op::V128Load16x4U { memarg } => {
                self.load_vector(memarg, |ins, flags, base, offset| ins.uload16x4(flags, base, offset));
            }
            Op::V128Load32x2S { memarg } => {
                self.load_vector(memarg, |ins, flags, base, offset| ins.sload32x2(flags, base, offset));
            }
            Op::V128Load32x2U { memarg } => {
                self.load_vector(memarg, |ins, flags, base, offset| ins.uload32x2(flags, base, offset));
            }
            Op::V128Load8Splat { memarg } => self.load_spread(memarg, Opcode::Splat, I8X16),
            Op::V128Load16Splat { memarg } => self.load_spread(memarg, Opcode::Splat, I16X8),
            Op::V128Load32Splat { memarg } => self.load_spread(memarg, Opcode::Splat, I32X4),
            Op::V128Load64Splat { memarg } => self.load_spread(memarg, Opcode::Splat, I64X2),
            Op::V128Load32Zero { memarg } => self.load_spread(memarg, Opcode::ScalarToVector, I32X4),
            Op::V128Load64Zero { memarg } => self.load_spread(memarg, Opcode::ScalarToVector, I64X2),
            Op::V128Load8Lane { memarg, lane } => self.load_lane(memarg, I8X16, *lane),
            Op::V128Load16Lane { memarg, lane } => self.load_lane(memarg, I16X8, *lane),
            Op::V128Load32Lane { memarg, lane } => self.load_lane(memarg, I32X4, *lane),
            Op::V128Load64Lane { memarg, lane } => self.load_lane(memarg, I64X2, *lane),
            Op::V128Store8Lane { memarg, lane } => self.store_lane(memarg, I8X16, *lane),
            Op::V128Store16Lane { memarg, lane } => self.store_lane(memarg, I16X8, *lane),
            Op::V128Store32Lane { memarg, lane } => self.store_lane(memarg, I32X4, *lane),
            Op::V128Store64Lane { memarg, lane } => self.store_lane(memarg, I64X2, *lane),
            _ => return false,
        }
        true
    }

    /// What one load gives, as a vector.
    fn load_vector(
        &mut self,
        memarg: &MemArg,
        load: impl FnOnce(FuncInstBuilder<'_, '_>, MemFlagsData, Value, i32) -> Value,
    ) {
        let (base, offset) = self.address(memarg);
        let flags = self.memory_flags();
        let vector = load(self.builder.ins(), flags, base, offset);
        self.push_vector(vector);
    }

    /// A vector that an instruction makes of one loaded lane.
    fn load_spread(&mut self, memarg: &MemArg, opcode: Opcode, ty: Type) {
        let scalar = self.load_scalar(memarg, ty.lane_type());
        let (inst, dfg) = self.builder.ins().Unary(opcode, ty, scalar);
        let vector = dfg.first_result(inst);
        self.push_vector(vector);
    }

    fn load_lane(&mut self, memarg: &MemArg, ty: Type, lane: u8) {
        let vector = self.pop_as(ty);
        let scalar = self.load_scalar(memarg, ty.lane_type());
        let vector = self.builder.ins().insertlane(vector, scalar, lane);
        self.push_vector(vector);
    }

    fn store_lane(&mut self, memarg: &MemArg, ty: Type, lane: u8) {
        let vector = self.pop_as(ty);
        let scalar = self.builder.ins().extractlane(vector, lane);
        self.store_value(memarg, scalar);
    }

    fn load_scalar(&mut self, memarg: &MemArg, ty: Type) -> Value {
        let (base, offset) = self.address(memarg);
        let flags = self.memory_flags();
        self.builder.ins().load(ty, flags, base, offset)
    }

    fn store_value(&mut self, memarg: &MemArg, value: Value) {
        let (base, offset) = self.address(memarg);
        let flags = self.memory_flags();
        self.builder.ins().store(flags, value, base, offset);
    }
}
