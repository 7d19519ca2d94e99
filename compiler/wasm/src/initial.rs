//! Instantiation: what is not known before an instance runs.

use crate::function::Function;
use crate::module::{Item, Module, Placement};
use crate::state::Step;
use compiler_core::Symbol;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Signature, Value};
use cranelift_codegen::isa::CallConv;
use wasmparser::ConstExpr;

impl<'m> Function<'_, '_, 'm> {
    /// Writes the function that computes an instance's state, in the order that WebAssembly gives.
    pub(crate) fn write_instantiate(&mut self) {
        self.builder.func.signature = Signature::new(CallConv::SystemV);
        let entry = self.builder.create_block();
        self.builder.switch_to_block(entry);
        let unit = self.unit;
        for step in &unit.state.steps {
            self.step(*step);
        }
        self.builder.ins().return_(&[]);
        self.builder.seal_all_blocks();
    }

    fn step(&mut self, step: Step) {
        let module = self.module;
        let flags = MemFlagsData::trusted().with_trap_code(None);
        match step {
            Step::Global(index) => {
                let Some(initial) = &module.globals[index as usize].initial else { return };
                let value = self.expression(initial);
                let cell = self.symbol(Symbol::Data(self.unit.state.globals[index as usize]));
                self.builder.ins().store(flags, value, cell, 0);
            }
            Step::Fill(table) => {
                let Some(initial) = &module.tables[table as usize].initial else { return };
                let value = self.expression(initial);
                self.table_fill_all(table, value);
            }
            Step::Item(segment, number) => {
                let Item::Expression(item) = &module.elements[segment as usize].items[number as usize] else {
                    return;
                };
                let value = self.expression(item);
                let items = self.symbol(self.unit.state.elements[segment as usize].0);
                self.builder.ins().store(flags, value, items, 4 * number as i32);
            }
            Step::Elements(segment) => {
                let elements = &module.elements[segment as usize];
                let Placement::Active(table, offset) = &elements.placement else { return };
                let to = self.expression(offset);
                let (from, count) = (self.number(0), self.number(elements.items.len() as u32));
                self.table_init(segment, *table, to, from, count);
                self.elements_drop(segment);
            }
            Step::Data(segment) => {
                let data = &module.data[segment as usize];
                let Placement::Active(memory, offset) = &data.placement else { return };
                let to = self.expression(offset);
                let (from, count) = (self.number(0), self.number(data.bytes.len() as u32));
                self.memory_init(segment, *memory, to, from, count);
                self.data_drop(segment);
            }
        }
    }

    /// The value of a constant expression.
    fn expression(&mut self, expression: &ConstExpr<'m>) -> Value {
        for operator in Module::operators(expression) {
            self.operator(&operator);
        }
        self.pop()
    }
}
