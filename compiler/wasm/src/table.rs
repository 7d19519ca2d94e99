//! Tables and references.

use crate::function::Function;
use crate::state::TablePlace;
use compiler_core::{FunctionId, Symbol};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use sci::linkage::{FOREIGN_BIT, descriptor, runtime};
use sci::status::Fault;
use wasmparser::{Operator, RefType};

fn trusted() -> MemFlagsData {
    MemFlagsData::trusted().with_trap_code(None)
}

impl<'m> Function<'_, '_, 'm> {
    fn table_place(&self, table: u32) -> TablePlace {
        self.unit.state.tables[table as usize]
    }

    fn table_word(&mut self, table: u32, word: u64, flags: MemFlagsData) -> Value {
        let place = self.symbol(Symbol::Data(self.table_place(table).descriptor));
        self.builder.ins().load(I64, flags, place, word as i32)
    }

    /// Elements of a table, 64 bits.
    pub(crate) fn table_size(&mut self, table: u32) -> Value {
        match self.table_place(table).fixed {
            Some(size) => self.builder.ins().iconst(I64, i64::from(size)),
            None => self.table_word(table, descriptor::SIZE, trusted()),
        }
    }

    /// Where a table's elements are.
    pub(crate) fn table_base(&mut self, table: u32) -> Value {
        match self.table_place(table).storage {
            Some(storage) => self.symbol(storage),
            None => self.table_word(table, descriptor::BASE, trusted().with_readonly().with_can_move()),
        }
    }

    /// The address of an element; traps if there is no such element.
    pub(crate) fn table_element(&mut self, table: u32, index: Value) -> (Value, MemFlagsData) {
        let size = self.table_size(table);
        let index = self.builder.ins().uextend(I64, index);
        let beyond = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, size);
        self.trap_if(beyond, Fault::TableBounds);
        let base = self.table_base(table);
        let offset = self.builder.ins().ishl_imm_u(index, 2);
        let mut flags = trusted();
        flags.set_alias_region(Some(self.regions.tables));
        (self.builder.ins().iadd(base, offset), flags)
    }

    /// Whether what is written to a table must mean the same to other instances.
    pub(crate) fn is_shared(&self, table: u32) -> bool {
        let functions = self.module.tables[table as usize].ty.element_type == RefType::FUNCREF;
        functions && self.table_place(table).shared
    }

    pub(crate) fn number(&mut self, number: u32) -> Value {
        self.builder.ins().iconst(I32, i64::from(number))
    }

    /// A reference to a function.
    pub(crate) fn function_reference(&mut self, function: u32) -> Value {
        if self.module.is_imported(function) {
            return self.number(FOREIGN_BIT | function);
        }
        let id = FunctionId(function - self.module.imported_functions);
        let code = self.symbol(Symbol::Function(id));
        let origin = self.symbol(Symbol::Text);
        let place = self.builder.ins().isub(code, origin);
        self.builder.ins().ireduce(I32, place)
    }

    pub(crate) fn table_operator(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::RefNull { .. } => {
                let null = self.number(0);
                self.push(null);
            }
            Operator::RefIsNull => {
                let reference = self.pop();
                let is_null = self.builder.ins().icmp_imm_s(IntCC::Equal, reference, 0);
                self.push_bool(is_null);
            }
            Operator::RefFunc { function_index } => {
                let reference = self.function_reference(*function_index);
                self.push(reference);
            }
            Operator::TableGet { table } => {
                let index = self.pop();
                let (address, flags) = self.table_element(*table, index);
                let reference = self.builder.ins().load(I32, flags, address, 0);
                self.push(reference);
            }
            Operator::TableSet { table } => {
                let (index, value) = self.pop2();
                let (address, flags) = self.table_element(*table, index);
                if self.is_shared(*table) {
                    let table = self.number(*table);
                    self.runtime(runtime::TABLE_SET, &[table, index, value]);
                } else {
                    self.builder.ins().store(flags, value, address, 0);
                }
            }
            Operator::TableSize { table } => {
                let size = self.table_size(*table);
                let size = self.builder.ins().ireduce(I32, size);
                self.push(size);
            }
            Operator::TableGrow { table } => {
                let (value, elements) = self.pop2();
                let table = self.number(*table);
                let before = self.runtime(runtime::TABLE_GROW, &[table, value, elements]);
                self.stack.extend(before);
            }
            _ => return false,
        }
        true
    }
}
