//! Calls: of functions of the module, of the outside, through tables, in place of the caller.

use crate::function::Function;
use crate::types::{boundary_signature, fits_boundary, results_in_memory, signature, value_type};
use compiler_core::{FunctionId, Symbol, trap_code};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{
    AbiParam, BlockArg, InstBuilder, MemFlagsData, SigRef, Signature, StackSlotData, StackSlotKind, Value,
};
use cranelift_codegen::isa::CallConv;
use sci::linkage::{RUNTIME_FUNCTIONS, runtime, value};
use sci::status::Fault;
use wasmparser::{FuncType, Operator};

/// Alignment of cells, as a shift.
const CELL_SHIFT: u8 = 4;

fn trusted() -> MemFlagsData {
    MemFlagsData::trusted().with_trap_code(None)
}

impl<'m> Function<'_, '_, 'm> {
    pub(crate) fn call_operator(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::Call { function_index } => {
                let ty = self.module.function_type(*function_index);
                let arguments = self.arguments(ty);
                self.store_fuel();
                let results = self.call_function(*function_index, arguments);
                self.reload_fuel();
                self.stack.extend(results);
            }
            Operator::CallIndirect { type_index, table_index } => {
                let ty = &self.module.types[*type_index as usize];
                self.store_fuel();
                let results = self.call_through(*type_index, *table_index, ty);
                self.reload_fuel();
                self.stack.extend(results);
            }
            Operator::ReturnCall { function_index } => {
                let ty = self.module.function_type(*function_index);
                let mut arguments = self.arguments(ty);
                self.store_fuel();
                if self.module.is_imported(*function_index) {
                    let results = self.call_function(*function_index, arguments);
                    self.return_values(&results);
                } else {
                    arguments.extend(self.result_pointer);
                    let callee = self.callee(*function_index);
                    self.builder.ins().return_call(callee, &arguments);
                    self.reachable = false;
                }
            }
            Operator::ReturnCallIndirect { type_index, table_index } => {
                self.store_fuel();
                self.return_call_through(*type_index, *table_index);
            }
            _ => return false,
        }
        true
    }

    fn arguments(&mut self, ty: &FuncType) -> Vec<Value> {
        self.stack.split_off(self.stack.len() - ty.params().len())
    }

    /// A defined function, for a direct call.
    pub(crate) fn callee(&mut self, function: u32) -> cranelift_codegen::ir::FuncRef {
        let ty = self.module.function_type(function);
        let convention = self.convention();
        let id = FunctionId(function - self.module.imported_functions);
        self.symbols.function(&mut self.builder, id, || signature(ty, convention))
    }

    /// Calls a function by its number.
    pub(crate) fn call_function(&mut self, function: u32, mut arguments: Vec<Value>) -> Vec<Value> {
        let ty = self.module.function_type(function);
        if self.module.is_imported(function) {
            let slot = self.symbol(Symbol::Slot(self.unit.slot_of(function)));
            let code = self.builder.ins().load(I64, trusted().with_readonly().with_can_move(), slot, 0);
            return self.call_boundary(ty, code, &arguments);
        }
        let cells = self.result_cells(ty);
        arguments.extend(cells);
        let callee = self.callee(function);
        let call = self.builder.ins().call(callee, &arguments);
        let results = self.builder.inst_results(call).to_vec();
        self.results(ty, cells, results)
    }

    /// Room for results that registers do not hold.
    fn result_cells(&mut self, ty: &FuncType) -> Option<Value> {
        results_in_memory(ty).then(|| self.cells(ty.results().len()))
    }

    fn cells(&mut self, count: usize) -> Value {
        let bytes = 16 * count.max(1) as u32;
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, CELL_SHIFT);
        let slot = self.builder.create_sized_stack_slot(data);
        self.builder.ins().stack_addr(I64, slot, 0)
    }

    fn results(&mut self, ty: &FuncType, cells: Option<Value>, results: Vec<Value>) -> Vec<Value> {
        let Some(cells) = cells else { return results };
        self.load_cells(ty.results(), cells)
    }

    pub(crate) fn load_cells(&mut self, types: &[wasmparser::ValType], cells: Value) -> Vec<Value> {
        let cell = |(index, ty): (usize, &wasmparser::ValType)| {
            self.builder.ins().load(value_type(*ty), trusted(), cells, 16 * index as i32)
        };
        types.iter().enumerate().map(cell).collect()
    }

    pub(crate) fn store_cells(&mut self, values: &[Value], cells: Value) {
        for (index, value) in values.iter().enumerate() {
            self.builder.ins().store(trusted(), *value, cells, 16 * index as i32);
        }
    }

    /// Calls code with the convention of the image's boundary.
    pub(crate) fn call_boundary(&mut self, ty: &FuncType, code: Value, arguments: &[Value]) -> Vec<Value> {
        let signature = self.builder.import_signature(boundary_signature(ty));
        if fits_boundary(ty) {
            let call = self.builder.ins().call_indirect(signature, code, arguments);
            return self.builder.inst_results(call).to_vec();
        }
        let cells = self.cells(ty.params().len().max(ty.results().len()));
        self.store_cells(arguments, cells);
        self.builder.ins().call_indirect(signature, code, &[cells]);
        self.load_cells(ty.results(), cells)
    }

    fn type_signature(&mut self, ty: u32) -> SigRef {
        if let Some(known) = self.signatures.get(&ty) {
            return *known;
        }
        let made = signature(&self.module.types[ty as usize], self.convention());
        let made = self.builder.import_signature(made);
        self.signatures.insert(ty, made);
        made
    }

    /// Calls a function that the runtime owes the guest.
    pub(crate) fn runtime(&mut self, number: u32, arguments: &[Value]) -> Option<Value> {
        let function = &RUNTIME_FUNCTIONS[number as usize];
        let mut signature = Signature::new(CallConv::SystemV);
        let argument = |ty: &u8| AbiParam::new(if *ty == value::I64 { I64 } else { I32 });
        signature.params.extend(function.arguments.iter().map(argument));
        signature.returns.extend(function.result.then(|| AbiParam::new(I32)));
        let signature = self.builder.import_signature(signature);
        let slot = self.unit.runtime_slot(number);
        let call = self.symbols.call_slot(&mut self.builder, slot, signature, arguments);
        self.builder.inst_results(call).first().copied()
    }

    /// The reference that a call through a table finds there.
    fn element(&mut self, table: u32) -> Value {
        let index = self.pop();
        let (address, flags) = self.table_element(table, index);
        self.builder.ins().load(I32, flags, address, 0)
    }

    /// Splits: goes on where the reference is to a function of the image, and gives a block where it is foreign.
    fn split_foreign(&mut self, reference: Value) -> Option<cranelift_codegen::ir::Block> {
        if !self.unit.state.open {
            return None;
        }
        let foreign = self.builder.create_block();
        let own = self.builder.create_block();
        self.builder.set_cold_block(foreign);
        let is_foreign = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, reference, 0);
        self.builder.ins().brif(is_foreign, foreign, &[], own, &[]);
        self.builder.seal_block(foreign);
        self.builder.seal_block(own);
        self.builder.switch_to_block(own);
        Some(foreign)
    }

    /// Traps unless the type found is the one expected.
    fn check_type(&mut self, found: Value, expected: u32, reference: Value) {
        let (fits, wrong) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(wrong);
        let same = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(expected));
        self.builder.ins().brif(same, fits, &[], wrong, &[]);
        self.builder.seal_block(fits);
        self.builder.seal_block(wrong);
        self.builder.switch_to_block(wrong);
        self.builder.ins().trapz(reference, trap_code(Fault::NullElement));
        self.builder.ins().trap(trap_code(Fault::TypeMismatch));
        self.builder.switch_to_block(fits);
    }

    /// The code of a function of the image, once its type is checked.
    fn own_code(&mut self, reference: Value, expected: u32) -> Value {
        let origin = self.symbol(Symbol::Text);
        let place = self.builder.ins().uextend(I64, reference);
        let code = self.builder.ins().iadd(origin, place);
        let found = self.builder.ins().load(I32, trusted().with_readonly(), code, -4);
        self.check_type(found, expected, reference);
        code
    }

    /// Calls a function that only the runtime can call; it checks the type.
    fn call_foreign(
        &mut self,
        ty: &FuncType,
        reference: Value,
        expected: u32,
        arguments: &[Value],
    ) -> Vec<Value> {
        let cells = self.cells(ty.params().len().max(ty.results().len()));
        self.store_cells(arguments, cells);
        let expected = self.number(expected);
        self.runtime(runtime::FOREIGN_CALL, &[reference, expected, cells]);
        self.load_cells(ty.results(), cells)
    }

    fn call_through(&mut self, type_index: u32, table: u32, ty: &FuncType) -> Vec<Value> {
        let reference = self.element(table);
        let arguments = self.arguments(ty);
        let expected = self.module.type_ids[type_index as usize];
        let foreign = self.split_foreign(reference);
        let code = self.own_code(reference, expected);
        let cells = self.result_cells(ty);
        let mut own_arguments = arguments.clone();
        own_arguments.extend(cells);
        let signature = self.type_signature(type_index);
        let call = self.builder.ins().call_indirect(signature, code, &own_arguments);
        let results = self.builder.inst_results(call).to_vec();
        let results = self.results(ty, cells, results);
        let Some(foreign) = foreign else { return results };
        let join = self.builder.create_block();
        for ty in ty.results() {
            self.builder.append_block_param(join, value_type(*ty));
        }
        let values: Vec<BlockArg> = results.into_iter().map(BlockArg::Value).collect();
        self.builder.ins().jump(join, &values);
        self.builder.switch_to_block(foreign);
        let results = self.call_foreign(ty, reference, expected, &arguments);
        let values: Vec<BlockArg> = results.into_iter().map(BlockArg::Value).collect();
        self.builder.ins().jump(join, &values);
        self.builder.seal_block(join);
        self.builder.switch_to_block(join);
        self.builder.block_params(join).to_vec()
    }

    fn return_call_through(&mut self, type_index: u32, table: u32) {
        let ty = &self.module.types[type_index as usize];
        let reference = self.element(table);
        let arguments = self.arguments(ty);
        let expected = self.module.type_ids[type_index as usize];
        let foreign = self.split_foreign(reference);
        let code = self.own_code(reference, expected);
        let mut own_arguments = arguments.clone();
        own_arguments.extend(self.result_pointer);
        let signature = self.type_signature(type_index);
        self.builder.ins().return_call_indirect(signature, code, &own_arguments);
        self.reachable = false;
        if let Some(foreign) = foreign {
            self.builder.switch_to_block(foreign);
            let results = self.call_foreign(ty, reference, expected, &arguments);
            self.return_values(&results);
        }
    }

    /// Returns these values from the function.
    fn return_values(&mut self, values: &[Value]) {
        match self.result_pointer {
            Some(pointer) => {
                self.store_cells(values, pointer);
                self.builder.ins().return_(&[]);
            }
            None => {
                self.builder.ins().return_(values);
            }
        }
        self.reachable = false;
    }
}
