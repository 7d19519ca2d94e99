//! One function in translation: operands, locals, references to what the linker places.

use crate::control::Frame;
use crate::fuel::Fuel;
use crate::module::Module;
use crate::types::{Convention, results_in_memory, value_type};
use crate::unit::WasmUnit;
use compiler_core::{Symbol, Symbols, trap_code};
use cranelift_codegen::ir::types::{I8X16, I32, I64};
use cranelift_codegen::ir::{
    self, AliasRegion, AliasRegionData, Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode,
    SigRef, TrapCode, Type, Value,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use sci::status::Fault;
use std::collections::BTreeMap;
use wasmparser::{BlockType, FuncType, MemArg, MemArgTarget, Operator, ValType};

/// The memory that an access names: there is no other kind of target among the supported features.
fn memory_of(memarg: &MemArg) -> u32 {
    match memarg.target {
        MemArgTarget::Memory(memory) => memory,
        MemArgTarget::Array(_) => 0,
    }
}

/// A function in translation.
pub(crate) struct Function<'f, 'u, 'm> {
    pub builder: FunctionBuilder<'f>,
    pub unit: &'u WasmUnit<'m>,
    pub module: &'u Module<'m>,
    pub symbols: Symbols,
    pub stack: Vec<Value>,
    pub frames: Vec<Frame>,
    /// Whether the operators that come are reached.
    pub reachable: bool,
    /// Blocks opened since operators are no longer reached.
    pub skipped: u32,
    pub locals: Vec<Variable>,
    /// Where results go that registers do not hold.
    pub result_pointer: Option<Value>,
    pub signatures: BTreeMap<u32, SigRef>,
    pub regions: Regions,
    pub fuel: Option<Fuel>,
}

/// Parts of an instance that no access of another part reaches.
#[derive(Clone, Copy)]
pub(crate) struct Regions {
    pub memory: AliasRegion,
    pub globals: AliasRegion,
    pub tables: AliasRegion,
}

impl Regions {
    fn new(function: &mut ir::Function) -> Self {
        let mut region = |user_id, description: &'static str| {
            function.dfg.alias_regions.insert(AliasRegionData { user_id, description: description.into() })
        };
        Self { memory: region(0, "memory"), globals: region(1, "globals"), tables: region(2, "tables") }
    }
}

impl<'f, 'u, 'm> Function<'f, 'u, 'm> {
    pub(crate) fn new(
        unit: &'u WasmUnit<'m>,
        body: &'f mut ir::Function,
        context: &'f mut FunctionBuilderContext,
    ) -> Self {
        let regions = Regions::new(body);
        Self {
            builder: FunctionBuilder::new(body, context),
            unit,
            module: &unit.module,
            symbols: Symbols::default(),
            stack: Vec::new(),
            frames: Vec::new(),
            reachable: true,
            skipped: 0,
            locals: Vec::new(),
            result_pointer: None,
            signatures: BTreeMap::new(),
            regions,
            fuel: None,
        }
    }

    /// Opens the function: its parameters become its first locals.
    pub(crate) fn open(&mut self, ty: &FuncType) {
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        self.builder.seal_block(entry);
        let parameters = self.builder.block_params(entry).to_vec();
        for (value, ty) in parameters.iter().zip(ty.params()) {
            let local = self.builder.declare_var(value_type(*ty));
            self.builder.def_var(local, *value);
            self.locals.push(local);
        }
        if results_in_memory(ty) {
            self.result_pointer = parameters.last().copied();
        }
        let exit = self.builder.create_block();
        for result in ty.results() {
            self.builder.append_block_param(exit, value_type(*result));
        }
        self.frames.push(Frame::function(exit, ty.results().len()));
    }

    /// Traps where the stack has no room for this function and what it calls before the next such check.
    pub(crate) fn check_depth(&mut self) {
        let pointer = self.builder.ins().get_stack_pointer(I64);
        let limit = self.symbol(Symbol::StackLimit);
        let below = self.builder.ins().icmp(ir::condcodes::IntCC::UnsignedLessThan, pointer, limit);
        self.builder.ins().trapnz(below, TrapCode::STACK_OVERFLOW);
    }

    /// Declares locals beyond the parameters; they begin as zero.
    pub(crate) fn declare_locals(&mut self, count: u32, ty: ValType) {
        let zero = self.zero(value_type(ty));
        for _ in 0..count {
            let local = self.builder.declare_var(value_type(ty));
            self.builder.def_var(local, zero);
            self.locals.push(local);
        }
    }

    pub(crate) fn zero(&mut self, ty: Type) -> Value {
        match ty {
            ir::types::F32 => self.builder.ins().f32const(0.0),
            ir::types::F64 => self.builder.ins().f64const(0.0),
            I8X16 => {
                let bytes = self.builder.func.dfg.constants.insert(vec![0; 16].into());
                self.builder.ins().vconst(I8X16, bytes)
            }
            ty => self.builder.ins().iconst(ty, 0),
        }
    }

    pub(crate) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    pub(crate) fn pop(&mut self) -> Value {
        self.stack.pop().expect("the validator has counted the operands")
    }

    pub(crate) fn pop2(&mut self) -> (Value, Value) {
        let second = self.pop();
        (self.pop(), second)
    }

    pub(crate) fn pop3(&mut self) -> (Value, Value, Value) {
        let third = self.pop();
        let (first, second) = self.pop2();
        (first, second, third)
    }

    /// The last `count` operands, which stay.
    pub(crate) fn top(&self, count: usize) -> &[Value] {
        &self.stack[self.stack.len() - count..]
    }

    /// Pops a vector as one of the lanes of `ty`.
    pub(crate) fn pop_as(&mut self, ty: Type) -> Value {
        let value = self.pop();
        let value = self.uncast(value);
        self.cast(value, ty)
    }

    /// Pushes a vector of any lanes.
    pub(crate) fn push_vector(&mut self, value: Value) {
        let value = self.cast(value, I8X16);
        self.push(value);
    }

    /// The vector that was cast to this one, if one was: instructions match on what makes their operands.
    pub(crate) fn uncast(&self, value: Value) -> Value {
        let dfg = &self.builder.func.dfg;
        match dfg.value_def(value).inst().map(|inst| dfg.insts[inst]) {
            Some(InstructionData::LoadNoOffset { opcode: Opcode::Bitcast, arg, .. })
                if dfg.value_type(arg).is_vector() =>
            {
                arg
            }
            _ => value,
        }
    }

    pub(crate) fn cast(&mut self, value: Value, ty: Type) -> Value {
        if self.builder.func.dfg.value_type(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(ty, flags, value)
    }

    pub(crate) fn symbol(&mut self, symbol: Symbol) -> Value {
        self.symbols.address(&mut self.builder, symbol)
    }

    pub(crate) fn trap_if(&mut self, condition: Value, fault: Fault) {
        self.builder.ins().trapnz(condition, trap_code(fault));
    }

    /// Parameters and results of a block.
    pub(crate) fn block_types(&self, ty: BlockType) -> (Vec<ValType>, Vec<ValType>) {
        match ty {
            BlockType::Empty => (Vec::new(), Vec::new()),
            BlockType::Type(ty) => (Vec::new(), vec![ty]),
            BlockType::FuncType(index) => {
                let ty = &self.module.types[index as usize];
                (ty.params().to_vec(), ty.results().to_vec())
            }
        }
    }

    /// Translates an operator that the validator has accepted; `top` is the type of the topmost operand where an
    /// operator's own name does not say it.
    pub(crate) fn operator(&mut self, operator: &Operator<'m>) {
        if !self.reachable {
            self.skip(operator);
            return;
        }
        self.charge(operator);
        let done = self.control(operator)
            || self.call_operator(operator)
            || self.variable(operator)
            || self.memory_operator(operator)
            || self.numeric(operator)
            || self.table_operator(operator)
            || self.bulk(operator)
            || self.vector(operator);
        debug_assert!(done, "{operator:?} is validated and not translated");
    }

    fn variable(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::LocalGet { local_index } => {
                let value = self.builder.use_var(self.locals[*local_index as usize]);
                self.push(value);
            }
            Operator::LocalSet { local_index } => {
                let value = self.pop();
                self.builder.def_var(self.locals[*local_index as usize], value);
            }
            Operator::LocalTee { local_index } => {
                let value = self.top(1)[0];
                self.builder.def_var(self.locals[*local_index as usize], value);
            }
            Operator::GlobalGet { global_index } => self.global_get(*global_index),
            Operator::GlobalSet { global_index } => self.global_set(*global_index),
            Operator::Drop => {
                self.pop();
            }
            Operator::Select | Operator::TypedSelect { .. } => {
                let (yes, no, condition) = self.pop3();
                let value = self.builder.ins().select(condition, yes, no);
                self.push(value);
            }
            _ => return false,
        }
        true
    }

    /// The address and type of a global's value.
    fn global(&mut self, index: u32) -> (Value, Type, MemFlagsData) {
        let global = &self.module.globals[index as usize];
        let ty = value_type(global.ty.content_type);
        let cell = self.symbol(Symbol::Data(self.unit.state.globals[index as usize]));
        let mut flags = MemFlagsData::trusted().with_trap_code(None);
        if global.initial.is_some() || !global.ty.mutable {
            flags.set_alias_region(Some(self.regions.globals));
            return (cell, ty, flags);
        }
        // The cell of an imported global holds its owner's cell's address.
        let owner = self.builder.ins().load(I64, flags.with_readonly().with_can_move(), cell, 0);
        (owner, ty, flags)
    }

    pub(crate) fn global_get(&mut self, index: u32) {
        let (address, ty, flags) = self.global(index);
        let value = self.builder.ins().load(ty, flags, address, 0);
        self.push(value);
    }

    fn global_set(&mut self, index: u32) {
        let value = self.pop();
        if self.unit.is_shared_reference(index) {
            let index = self.builder.ins().iconst(I32, i64::from(index));
            self.runtime(sci::linkage::runtime::GLOBAL_SET, &[index, value]);
            return;
        }
        let (address, _, flags) = self.global(index);
        self.builder.ins().store(flags, value, address, 0);
    }

    /// Pops an index and gives the address and the offset of an access of a memory.
    pub(crate) fn address(&mut self, memarg: &MemArg) -> (Value, i32) {
        let index = self.pop();
        let base = self.memory_base(memory_of(memarg));
        let index = self.builder.ins().uextend(I64, index);
        let Ok(offset) = i32::try_from(memarg.offset) else {
            let offset = self.builder.ins().iconst(I64, memarg.offset as i64);
            let index = self.builder.ins().iadd(index, offset);
            return (self.builder.ins().iadd(base, index), 0);
        };
        (self.builder.ins().iadd(base, index), offset)
    }

    /// Flags of an access of linear memory: not aligned, little-endian, stopped by the guard behind the memory.
    pub(crate) fn memory_flags(&self) -> MemFlagsData {
        let mut flags = MemFlagsData::new()
            .with_endianness(Endianness::Little)
            .with_trap_code(Some(trap_code(Fault::MemoryBounds)));
        flags.set_alias_region(Some(self.regions.memory));
        flags
    }

    pub(crate) fn convention(&self) -> Convention {
        self.unit.convention
    }
}
