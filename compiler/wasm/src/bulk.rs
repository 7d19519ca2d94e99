//! Copying and filling of memories and tables; the helpers that do it.

use crate::function::Function;
use crate::unit::Helper;
use compiler_core::Symbol;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I8X16, I32, I64};
use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, Signature, Type, Value};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::Variable;
use sci::linkage::runtime;
use sci::status::Fault;
use wasmparser::Operator;

/// Shift from elements of a table to bytes.
const ELEMENT_SHIFT: i64 = 2;

fn trusted() -> MemFlagsData {
    MemFlagsData::new().with_trap_code(None)
}

/// A helper's signature: destination, source or value, count.
fn helper_signature(helper: Helper) -> Signature {
    let middle = if helper == Helper::Copy { I64 } else { I32 };
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend([I64, middle, I64].map(AbiParam::new));
    signature
}

impl<'m> Function<'_, '_, 'm> {
    fn helper(&mut self, helper: Helper, arguments: [Value; 3]) {
        match helper {
            Helper::Copy | Helper::Fill => self.charge_bytes(arguments[2]),
            Helper::FillElements => self.charge_elements(arguments[2]),
        }
        let id = self.unit.helper(helper);
        let callee = self.symbols.function(&mut self.builder, id, || helper_signature(helper));
        self.builder.ins().call(callee, &arguments);
    }

    fn charge_elements(&mut self, count: Value) {
        let bytes = self.builder.ins().ishl_imm_u(count, ELEMENT_SHIFT);
        self.charge_bytes(bytes);
    }

    /// The same of those that another instance may have, whose bounds are checked later.
    fn charge_shared(&mut self, count: Value) {
        let count = self.builder.ins().uextend(I64, count);
        self.charge_elements(count);
    }

    /// Extends an index and checks that so many more do not pass the end.
    fn range(&mut self, at: Value, count: Value, end: Value, fault: Fault) -> Value {
        let at = self.builder.ins().uextend(I64, at);
        let last = self.builder.ins().iadd(at, count);
        let beyond = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, last, end);
        self.trap_if(beyond, fault);
        at
    }

    fn memory_range(&mut self, memory: u32, at: Value, count: Value) -> Value {
        let bytes = self.memory_bytes(memory);
        let at = self.range(at, count, bytes, Fault::MemoryBounds);
        let base = self.memory_base(memory);
        self.builder.ins().iadd(base, at)
    }

    fn table_range(&mut self, table: u32, at: Value, count: Value) -> Value {
        let size = self.table_size(table);
        let at = self.range(at, count, size, Fault::TableBounds);
        let offset = self.builder.ins().ishl_imm_u(at, ELEMENT_SHIFT);
        let base = self.table_base(table);
        self.builder.ins().iadd(base, offset)
    }

    pub(crate) fn bulk(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::MemoryCopy { dst_mem, src_mem } => {
                let (to, from, count) = self.pop3();
                let count = self.builder.ins().uextend(I64, count);
                let from = self.memory_range(*src_mem, from, count);
                let to = self.memory_range(*dst_mem, to, count);
                self.helper(Helper::Copy, [to, from, count]);
            }
            Operator::MemoryFill { mem } => {
                let (to, value, count) = self.pop3();
                let count = self.builder.ins().uextend(I64, count);
                let to = self.memory_range(*mem, to, count);
                self.helper(Helper::Fill, [to, value, count]);
            }
            Operator::MemoryInit { data_index, mem } => {
                let (to, from, count) = self.pop3();
                self.memory_init(*data_index, *mem, to, from, count);
            }
            Operator::DataDrop { data_index } => self.data_drop(*data_index),
            Operator::TableCopy { dst_table, src_table } => {
                let (to, from, count) = self.pop3();
                if self.is_shared(*dst_table) || self.is_shared(*src_table) {
                    self.charge_shared(count);
                    let (to_table, from_table) = (self.number(*dst_table), self.number(*src_table));
                    self.runtime(runtime::TABLE_COPY, &[to_table, from_table, to, from, count]);
                    return true;
                }
                let count = self.builder.ins().uextend(I64, count);
                let from = self.table_range(*src_table, from, count);
                let to = self.table_range(*dst_table, to, count);
                let bytes = self.builder.ins().ishl_imm_u(count, ELEMENT_SHIFT);
                self.helper(Helper::Copy, [to, from, bytes]);
            }
            Operator::TableFill { table } => {
                let (to, value, count) = self.pop3();
                if self.is_shared(*table) {
                    self.charge_shared(count);
                    let table = self.number(*table);
                    self.runtime(runtime::TABLE_FILL, &[table, to, value, count]);
                    return true;
                }
                let count = self.builder.ins().uextend(I64, count);
                let to = self.table_range(*table, to, count);
                self.helper(Helper::FillElements, [to, value, count]);
            }
            Operator::TableInit { elem_index, table } => {
                let (to, from, count) = self.pop3();
                self.table_init(*elem_index, *table, to, from, count);
            }
            Operator::ElemDrop { elem_index } => self.elements_drop(*elem_index),
            _ => return false,
        }
        true
    }

    /// The word that holds a segment's length.
    fn segment_length(&mut self, word: u32) -> Value {
        let word = self.symbol(Symbol::Data(word));
        let length = self.builder.ins().load(I32, trusted(), word, 0);
        self.builder.ins().uextend(I64, length)
    }

    fn clear_word(&mut self, word: u32) {
        let word = self.symbol(Symbol::Data(word));
        let zero = self.number(0);
        self.builder.ins().store(trusted(), zero, word, 0);
    }

    pub(crate) fn memory_init(&mut self, segment: u32, memory: u32, to: Value, from: Value, count: Value) {
        let (bytes, word) = self.unit.state.data[segment as usize];
        let count = self.builder.ins().uextend(I64, count);
        let length = self.segment_length(word);
        let from = self.range(from, count, length, Fault::MemoryBounds);
        let to = self.memory_range(memory, to, count);
        let bytes = self.symbol(Symbol::Rodata(bytes));
        let from = self.builder.ins().iadd(bytes, from);
        self.helper(Helper::Copy, [to, from, count]);
    }

    pub(crate) fn data_drop(&mut self, segment: u32) {
        self.clear_word(self.unit.state.data[segment as usize].1);
    }

    pub(crate) fn table_init(&mut self, segment: u32, table: u32, to: Value, from: Value, count: Value) {
        if self.is_shared(table) {
            self.charge_shared(count);
            let (table, segment) = (self.number(table), self.number(segment));
            self.runtime(runtime::TABLE_INIT, &[table, segment, to, from, count]);
            return;
        }
        let (items, word) = self.unit.state.elements[segment as usize];
        let count = self.builder.ins().uextend(I64, count);
        let length = self.segment_length(word);
        let from = self.range(from, count, length, Fault::TableBounds);
        let to = self.table_range(table, to, count);
        let items = self.symbol(items);
        let offset = self.builder.ins().ishl_imm_u(from, ELEMENT_SHIFT);
        let from = self.builder.ins().iadd(items, offset);
        let bytes = self.builder.ins().ishl_imm_u(count, ELEMENT_SHIFT);
        self.helper(Helper::Copy, [to, from, bytes]);
    }

    pub(crate) fn elements_drop(&mut self, segment: u32) {
        self.clear_word(self.unit.state.elements[segment as usize].1);
    }

    /// Fills a table with a value.
    pub(crate) fn table_fill_all(&mut self, table: u32, value: Value) {
        let count = self.table_size(table);
        let to = self.table_base(table);
        self.helper(Helper::FillElements, [to, value, count]);
    }

    /// Writes a helper's body.
    pub(crate) fn write_helper(&mut self, helper: Helper) {
        let entry = self.builder.create_block();
        self.builder.func.signature = helper_signature(helper);
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        let parameters = self.builder.block_params(entry).to_vec();
        let to = self.variable_of(parameters[0]);
        let count = self.variable_of(parameters[2]);
        match helper {
            Helper::Copy => self.write_copy(to, parameters[1], count),
            Helper::Fill => {
                let byte = self.builder.ins().ireduce(I8, parameters[1]);
                let vector = self.builder.ins().splat(I8X16, byte);
                self.steps(to, None, count, &[(vector, I8X16, 4), (vector, I8X16, 1), (byte, I8, 1)]);
            }
            Helper::FillElements => self.steps(to, None, count, &[(parameters[1], I32, 1)]),
        }
        self.builder.ins().return_(&[]);
        self.builder.seal_all_blocks();
    }

    fn variable_of(&mut self, value: Value) -> Variable {
        let ty = self.builder.func.dfg.value_type(value);
        let variable = self.builder.declare_var(ty);
        self.builder.def_var(variable, value);
        variable
    }

    /// Copies forwards, or backwards where the source lies before an overlapping destination.
    fn write_copy(&mut self, to: Variable, from: Value, count: Variable) {
        let (backward, forward, end) =
            (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        let (first, bytes) = (self.builder.use_var(to), self.builder.use_var(count));
        let distance = self.builder.ins().isub(first, from);
        let overlaps = self.builder.ins().icmp(IntCC::UnsignedLessThan, distance, bytes);
        self.builder.ins().brif(overlaps, backward, &[], forward, &[]);
        self.builder.switch_to_block(forward);
        let source = self.variable_of(from);
        let none = first;
        self.steps(
            to,
            Some(source),
            count,
            &[(none, I8X16, 4), (none, I8X16, 1), (none, I64, 1), (none, I8, 1)],
        );
        self.builder.ins().jump(end, &[]);
        self.builder.switch_to_block(backward);
        for ty in [I8X16, I64, I8] {
            let size = i64::from(ty.bytes());
            self.while_at_least(count, size, |function| {
                let rest = function.builder.use_var(count);
                let rest = function.builder.ins().iadd_imm_s(rest, -size);
                let source = function.builder.ins().iadd(from, rest);
                let target = function.builder.ins().iadd(first, rest);
                let value = function.builder.ins().load(ty, trusted(), source, 0);
                function.builder.ins().store(trusted(), value, target, 0);
                function.builder.def_var(count, rest);
            });
        }
        self.builder.ins().jump(end, &[]);
        self.builder.switch_to_block(end);
    }

    /// Writes upwards in steps of ever fewer bytes: values of a source, or the given one. A count is in units of the
    /// last step's type.
    fn steps(&mut self, to: Variable, from: Option<Variable>, count: Variable, steps: &[(Value, Type, i32)]) {
        let unit = steps.last().map_or(1, |(_, ty, _)| i64::from(ty.bytes()));
        for (value, ty, times) in steps {
            let bytes = i64::from(ty.bytes()) * i64::from(*times);
            self.while_at_least(count, bytes / unit, |function| {
                let target = function.builder.use_var(to);
                for time in 0..*times {
                    let offset = ty.bytes() as i32 * time;
                    let value = match from {
                        Some(from) => {
                            let source = function.builder.use_var(from);
                            function.builder.ins().load(*ty, trusted(), source, offset)
                        }
                        None => *value,
                    };
                    function.builder.ins().store(trusted(), value, target, offset);
                }
                for pointer in [Some(to), from].into_iter().flatten() {
                    let at = function.builder.use_var(pointer);
                    let next = function.builder.ins().iadd_imm_s(at, bytes);
                    function.builder.def_var(pointer, next);
                }
                let rest = function.builder.use_var(count);
                let rest = function.builder.ins().iadd_imm_s(rest, -(bytes / unit));
                function.builder.def_var(count, rest);
            });
        }
    }

    fn while_at_least(&mut self, count: Variable, least: i64, body: impl FnOnce(&mut Self)) {
        let (head, inside, behind) =
            (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        self.builder.ins().jump(head, &[]);
        self.builder.switch_to_block(head);
        let rest = self.builder.use_var(count);
        let enough = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, rest, least);
        self.builder.ins().brif(enough, inside, &[], behind, &[]);
        self.builder.switch_to_block(inside);
        body(self);
        self.builder.ins().jump(head, &[]);
        self.builder.switch_to_block(behind);
    }
}
