//! Linear memories: loads, stores, size, growth.

use crate::function::Function;
use compiler_core::Symbol;
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use sci::layout::instance;
use sci::linkage::runtime;
use wasmparser::{MemArg, Operator};

/// Shift from pages of linear memory to bytes.
const PAGE_SHIFT: i64 = 16;

impl<'m> Function<'_, '_, 'm> {
    /// Where a memory begins.
    pub(crate) fn memory_base(&mut self, memory: u32) -> Value {
        if memory == 0 && !self.module.memories[0].imported {
            return self.symbol(Symbol::Linear);
        }
        // A memory never moves once an instance runs.
        let flags = MemFlagsData::trusted().with_trap_code(None).with_readonly().with_can_move();
        self.memory_word(memory, instance::MEMORY_BASE, flags)
    }

    /// Bytes of a memory.
    pub(crate) fn memory_bytes(&mut self, memory: u32) -> Value {
        self.memory_word(memory, instance::MEMORY_LENGTH, MemFlagsData::trusted().with_trap_code(None))
    }

    fn memory_word(&mut self, memory: u32, word: u64, flags: MemFlagsData) -> Value {
        let block = self.symbol(Symbol::InstanceBlock);
        let at = instance::MEMORIES + instance::MEMORY_BYTES * u64::from(memory) + word;
        self.builder.ins().load(I64, flags, block, at as i32)
    }

    fn load(&mut self, memarg: &MemArg, ty: Type) {
        let (address, offset) = self.address(memarg);
        let flags = self.memory_flags();
        let value = self.builder.ins().load(ty, flags, address, offset);
        self.push(value);
    }

    /// Loads an integer of `from` and extends it to `to`.
    fn load_extended(&mut self, memarg: &MemArg, from: Type, to: Type, signed: bool) {
        let (address, offset) = self.address(memarg);
        let flags = self.memory_flags();
        let value = self.builder.ins().load(from, flags, address, offset);
        let value = if signed {
            self.builder.ins().sextend(to, value)
        } else {
            self.builder.ins().uextend(to, value)
        };
        self.push(value);
    }

    /// Stores the low bits of an operand.
    fn store(&mut self, memarg: &MemArg, to: Type) {
        let value = self.pop();
        let (address, offset) = self.address(memarg);
        let flags = self.memory_flags();
        let wider = self.builder.func.dfg.value_type(value) != to;
        let value = if wider { self.builder.ins().ireduce(to, value) } else { value };
        self.builder.ins().store(flags, value, address, offset);
    }

    pub(crate) fn memory_operator(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::I32Load { memarg } => self.load(memarg, I32),
            Operator::I64Load { memarg } => self.load(memarg, I64),
            Operator::F32Load { memarg } => self.load(memarg, F32),
            Operator::F64Load { memarg } => self.load(memarg, F64),
            Operator::I32Load8S { memarg } => self.load_extended(memarg, I8, I32, true),
            Operator::I32Load8U { memarg } => self.load_extended(memarg, I8, I32, false),
            Operator::I32Load16S { memarg } => self.load_extended(memarg, I16, I32, true),
            Operator::I32Load16U { memarg } => self.load_extended(memarg, I16, I32, false),
            Operator::I64Load8S { memarg } => self.load_extended(memarg, I8, I64, true),
            Operator::I64Load8U { memarg } => self.load_extended(memarg, I8, I64, false),
            Operator::I64Load16S { memarg } => self.load_extended(memarg, I16, I64, true),
            Operator::I64Load16U { memarg } => self.load_extended(memarg, I16, I64, false),
            Operator::I64Load32S { memarg } => self.load_extended(memarg, I32, I64, true),
            Operator::I64Load32U { memarg } => self.load_extended(memarg, I32, I64, false),
            Operator::I32Store { memarg } | Operator::I64Store32 { memarg } => self.store(memarg, I32),
            Operator::I64Store { memarg } => self.store(memarg, I64),
            Operator::F32Store { memarg } => self.store(memarg, F32),
            Operator::F64Store { memarg } => self.store(memarg, F64),
            Operator::I32Store8 { memarg } | Operator::I64Store8 { memarg } => self.store(memarg, I8),
            Operator::I32Store16 { memarg } | Operator::I64Store16 { memarg } => self.store(memarg, I16),
            Operator::MemorySize { mem } => {
                let bytes = self.memory_bytes(*mem);
                let pages = self.builder.ins().ushr_imm_u(bytes, PAGE_SHIFT);
                let pages = self.builder.ins().ireduce(I32, pages);
                self.push(pages);
            }
            Operator::MemoryGrow { mem } => {
                let pages = self.pop();
                let memory = self.builder.ins().iconst(I32, i64::from(*mem));
                let before = self.runtime(runtime::MEMORY_GROW, &[memory, pages]);
                self.stack.extend(before);
            }
            _ => return false,
        }
        true
    }
}
