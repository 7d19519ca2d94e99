//! Vector operators: the 128-bit SIMD proposal and its relaxed extension.
//!
//! A relaxed operator is the cheapest of its allowed forms on x86-64 without FMA, and always the same one.

mod arithmetic;
mod comparison;
mod conversion;
mod float;
mod lanes;
mod logic;
mod memory;
mod relaxed;
#[cfg(test)]
mod tests;
mod widening;

use crate::function::Function;
use cranelift_codegen::ir::{InstBuilder, Opcode, Type};
use wasmparser::Operator;

impl Function<'_, '_, '_> {
    /// Translates an operator of vectors; false if it is of another kind.
    pub(crate) fn vector(&mut self, operator: &Operator<'_>) -> bool {
        self.vector_memory(operator)
            || self.vector_lanes(operator)
            || self.vector_logic(operator)
            || self.vector_comparison(operator)
            || self.vector_arithmetic(operator)
            || self.vector_widening(operator)
            || self.vector_float(operator)
            || self.vector_conversion(operator)
            || self.vector_relaxed(operator)
    }

    /// One instruction on one vector of this type.
    fn vector_unary(&mut self, opcode: Opcode, ty: Type) {
        let operand = self.pop_as(ty);
        let (inst, dfg) = self.builder.ins().Unary(opcode, ty, operand);
        let result = dfg.first_result(inst);
        self.push_vector(result);
    }

    /// One instruction on two vectors of this type.
    fn vector_binary(&mut self, opcode: Opcode, ty: Type) {
        let (right, left) = (self.pop_as(ty), self.pop_as(ty));
        let (inst, dfg) = self.builder.ins().Binary(opcode, ty, left, right);
        let result = dfg.first_result(inst);
        self.push_vector(result);
    }
}
