//! One function: locals, control flow, calls.

use super::MirUnit;
use super::memory::Held;
use crate::{FunctionId as Id, Symbol, Symbols, trap_code};
use compiler_mir::ir::{
    Argument, Base, Function, FunctionId, Local, LocalKind, Place, Program, Rvalue, Statement, Step,
    Terminator, Type, TypeId,
};
use compiler_mir::layout;
use compiler_syntax::span::Span;
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use cranelift_codegen::ir::{
    self, FuncRef, InstBuilder, MemFlagsData, SigRef, SourceLoc, StackSlot, StackSlotData, StackSlotKind,
    Value,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::collections::BTreeMap;

/// A function being lowered.
pub(crate) struct Lowering<'u, 'p, 'b> {
    pub unit: &'u MirUnit<'p>,
    pub program: &'p Program,
    pub function: &'p Function,
    pub builder: FunctionBuilder<'b>,
    pub held: Vec<Held>,
    blocks: Vec<ir::Block>,
    symbols: Symbols,
    signatures: BTreeMap<(usize, usize), SigRef>,
    /// The frame of messages; one serves all, since each is read before the next is written.
    pub message: Option<StackSlot>,
    viewed: Vec<bool>,
    spans: Vec<Span>,
}

/// Flags of accesses that cannot fault and are aligned.
pub(crate) fn trusted() -> MemFlagsData {
    MemFlagsData::trusted().with_trap_code(None)
}

/// The Cranelift type of a scalar.
pub(crate) fn scalar_type(ty: &Type) -> Option<ir::Type> {
    Some(match ty {
        Type::Bool | Type::Int { bits: 8, .. } => I8,
        Type::Int { bits: 16, .. } => I16,
        Type::Int { bits: 32, .. } => I32,
        Type::Int { .. } | Type::Handle { .. } => I64,
        Type::Float { bits: 32 } => F32,
        Type::Float { .. } => F64,
        _ => return None,
    })
}

fn by_pointer(ty: &Type) -> bool {
    matches!(ty, Type::Struct { .. } | Type::Enum { .. } | Type::Array(..))
}

impl<'u, 'p, 'b> Lowering<'u, 'p, 'b> {
    fn new(
        unit: &'u MirUnit<'p>,
        function: &'p Function,
        target: &'b mut ir::Function,
        context: &'b mut FunctionBuilderContext,
    ) -> Self {
        let program = unit.program;
        Self {
            unit,
            program,
            function,
            builder: FunctionBuilder::new(target, context),
            held: Vec::new(),
            blocks: Vec::new(),
            symbols: Symbols::default(),
            signatures: BTreeMap::new(),
            message: None,
            viewed: viewed_locals(function),
            spans: Vec::new(),
        }
    }

    /// Lowers a function; gives the spans that source locations index.
    pub(crate) fn run(
        unit: &'u MirUnit<'p>,
        function: &'p Function,
        target: &'b mut ir::Function,
        context: &'b mut FunctionBuilderContext,
        config: TargetFrontendConfig,
    ) -> Vec<Span> {
        target.signature = function_signature(unit.program, function);
        let mut lowering = Self::new(unit, function, target, context);
        lowering.body();
        lowering.close(config)
    }

    fn close(self, config: TargetFrontendConfig) -> Vec<Span> {
        let Self { mut builder, spans, .. } = self;
        builder.seal_all_blocks();
        builder.finalize(config);
        spans
    }

    /// The stub where a component's thread begins: main, then exit.
    pub(crate) fn start_stub(
        unit: &'u MirUnit<'p>,
        main: FunctionId,
        target: &'b mut ir::Function,
        context: &'b mut FunctionBuilderContext,
        config: TargetFrontendConfig,
    ) -> Vec<Span> {
        let function = &unit.program.functions[main.index()];
        target.signature = signature(&[I64], &[]);
        let mut lowering = Self::new(unit, function, target, context);
        let entry = lowering.builder.create_block();
        lowering.builder.append_block_params_for_function_params(entry);
        lowering.builder.switch_to_block(entry);
        let callee = lowering.callee(main);
        lowering.builder.ins().call(callee, &[]);
        let zero = lowering.builder.ins().iconst(I64, 0);
        let exit = lowering.builder.ins().iconst(I64, sci::syscall::thread_operation::EXIT as i64);
        lowering.call_slot(sci::syscall::number::thread_control, &[zero, exit, zero]);
        lowering.builder.ins().trap(trap_code(sci::status::Fault::Unreachable));
        lowering.close(config)
    }

    fn body(&mut self) {
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        self.place_locals(entry);
        let reachable = self.reachable();
        self.blocks = self.function.blocks.iter().map(|_| self.builder.create_block()).collect();
        self.builder.ins().jump(self.blocks[0], &[]);
        for (at, block) in self.function.blocks.iter().enumerate() {
            if !reachable[at] {
                continue;
            }
            self.builder.switch_to_block(self.blocks[at]);
            for (statement, span) in &block.statements {
                self.locate(*span);
                self.statement(statement);
            }
            self.locate(block.end_span);
            self.terminator(&block.end);
        }
    }

    fn locate(&mut self, span: Span) {
        if self.spans.last() != Some(&span) {
            self.spans.push(span);
        }
        self.builder.set_srcloc(SourceLoc::new(self.spans.len() as u32 - 1));
    }

    fn reachable(&self) -> Vec<bool> {
        let mut seen = vec![false; self.function.blocks.len()];
        let mut queue = vec![0];
        while let Some(at) = queue.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            match &self.function.blocks[at].end {
                Terminator::Goto(next) => queue.push(next.index()),
                Terminator::Branch { then, otherwise, .. } => queue.extend([then.index(), otherwise.index()]),
                Terminator::Switch { arms, otherwise, .. } => {
                    queue.extend(arms.iter().map(|(_, next)| next.index()));
                    queue.push(otherwise.index());
                }
                Terminator::Return | Terminator::Trap(_) => {}
            }
        }
        seen
    }

    /// Decides how each local is held and takes the parameters in.
    fn place_locals(&mut self, entry: ir::Block) {
        let addressed = addressed_locals(self.program, self.function);
        let mut parameters = self.builder.block_params(entry).to_vec().into_iter();
        let result_by_pointer = by_pointer(self.program.type_of(self.function.returns));
        let mut result_pointer = None;
        if result_by_pointer {
            result_pointer = parameters.next();
        }
        for (at, local) in self.function.locals.iter().enumerate() {
            let ty = self.program.type_of(local.ty);
            let own_result = self.function.result == Some(Local(at as u32));
            let referred = matches!(local.kind, LocalKind::Reference { .. });
            let held = if referred || (own_result && result_by_pointer) {
                Held::Pointer(self.builder.declare_var(I64))
            } else if matches!(ty, Type::Unit) {
                Held::Nothing
            } else if matches!(ty, Type::Slice(_)) && !addressed[at] {
                Held::View(self.builder.declare_var(I64), self.builder.declare_var(I64))
            } else if let (Some(ty), false) = (scalar_type(ty), addressed[at]) {
                Held::Scalar(self.builder.declare_var(ty))
            } else {
                Held::Stack(self.stack_slot(layout::of(self.program, local.ty)))
            };
            self.held.push(held);
            if own_result && let (Held::Pointer(variable), Some(pointer)) = (held, result_pointer) {
                self.builder.def_var(variable, pointer);
            }
            if (at as u32) < self.function.parameters {
                self.take_parameter(held, local.ty, &mut parameters);
            } else if !own_result || !result_by_pointer {
                self.define_zero(held, scalar_type(ty).unwrap_or(I64));
            }
        }
    }

    fn take_parameter(&mut self, held: Held, ty: TypeId, parameters: &mut impl Iterator<Item = Value>) {
        match held {
            Held::Nothing => {}
            Held::Scalar(variable) | Held::Pointer(variable) => {
                if let Some(value) = parameters.next() {
                    self.builder.def_var(variable, value);
                }
            }
            Held::View(pointer, length) => {
                for variable in [pointer, length] {
                    if let Some(value) = parameters.next() {
                        self.builder.def_var(variable, value);
                    }
                }
            }
            Held::Stack(slot) => {
                let count = if matches!(self.program.type_of(ty), Type::Slice(_)) { 2 } else { 1 };
                for part in 0..count {
                    if let Some(value) = parameters.next() {
                        self.builder.ins().stack_store(I64, value, slot, part * 8);
                    }
                }
            }
        }
    }

    /// Registers begin as zero, so that a path that reads one before writing it is still defined.
    fn define_zero(&mut self, held: Held, ty: ir::Type) {
        let variables = match held {
            Held::Scalar(variable) => vec![variable],
            Held::View(pointer, length) => vec![pointer, length],
            _ => return,
        };
        for variable in variables {
            let zero = match ty {
                F32 => self.builder.ins().f32const(0.0),
                F64 => self.builder.ins().f64const(0.0),
                ty => self.builder.ins().iconst(ty, 0),
            };
            self.builder.def_var(variable, zero);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Assign(place, value) => self.assign(place, value),
            Statement::Zero(place) => self.zero(place),
            Statement::SetTag(place, tag) => {
                let tag = self.builder.ins().iconst(I32, i64::from(*tag));
                self.set_tag(place, tag);
            }
            Statement::SetTagFrom(place, tag) => {
                let tag = self.scalar(tag);
                self.set_tag(place, tag);
            }
            Statement::Check(condition, fault) => {
                let condition = self.scalar(condition);
                self.builder.ins().trapz(condition, trap_code(*fault));
            }
            Statement::Call { destination, function, arguments } => {
                self.call(destination.as_ref(), *function, arguments);
            }
            Statement::System { call, arguments, status, value, .. } => {
                let arguments: Vec<Value> = arguments.iter().map(|operand| self.scalar(operand)).collect();
                let (answer, result) = self.call_slot(*call, &arguments);
                self.store_scalar(status, answer);
                self.store_scalar(value, result);
            }
            Statement::Invoke { .. } => self.invoke(statement),
            Statement::Receive { .. } => self.receive(statement),
        }
    }

    fn terminator(&mut self, end: &Terminator) {
        match end {
            Terminator::Goto(next) => {
                self.builder.ins().jump(self.blocks[next.index()], &[]);
            }
            Terminator::Branch { condition, then, otherwise } => {
                let condition = self.scalar(condition);
                let (then, otherwise) = (self.blocks[then.index()], self.blocks[otherwise.index()]);
                self.builder.ins().brif(condition, then, &[], otherwise, &[]);
            }
            Terminator::Switch { value, arms, otherwise } => {
                let value = self.scalar(value);
                let ty = self.builder.func.dfg.value_type(value);
                let mut switch = cranelift_frontend::Switch::new();
                for (case, next) in arms {
                    switch.set_entry(u128::from(*case), self.blocks[next.index()]);
                }
                // The front end's switch takes any integer type but wants the value extended for bools.
                let value = if ty == I8 { self.builder.ins().uextend(I32, value) } else { value };
                switch.emit(&mut self.builder, value, self.blocks[otherwise.index()]);
            }
            Terminator::Return => self.leave(),
            Terminator::Trap(fault) => {
                self.builder.ins().trap(trap_code(*fault));
            }
        }
    }

    fn leave(&mut self) {
        let values = match self.function.result {
            Some(local) if !by_pointer(self.program.type_of(self.function.returns)) => {
                let operand = compiler_mir::ir::Operand::Copy(Place::local(local));
                self.values(&operand)
            }
            _ => Vec::new(),
        };
        self.builder.ins().return_(&values);
    }

    fn call(&mut self, destination: Option<&Place>, function: FunctionId, arguments: &[Argument]) {
        let callee = &self.program.functions[function.index()];
        let mut values = Vec::new();
        let mut spare = None;
        if by_pointer(self.program.type_of(callee.returns)) {
            let own = destination.filter(|place| self.is_own(place, arguments));
            values.push(if let Some(place) = own {
                self.address(place)
            } else {
                let needs = layout::of(self.program, callee.returns);
                let slot = self.stack_slot(needs);
                let pointer = self.builder.ins().stack_addr(I64, slot, 0);
                spare = Some((pointer, needs.size));
                pointer
            });
        }
        for argument in arguments {
            match argument {
                Argument::Value(operand) => values.extend(self.values(operand)),
                Argument::Reference(place) => values.push(self.address(place)),
            }
        }
        let reference = self.callee(function);
        let call = self.builder.ins().call(reference, &values);
        let results = self.builder.inst_results(call).to_vec();
        let Some(place) = destination else { return };
        if let Some((from, size)) = spare {
            let to = self.address(place);
            self.copy_bytes(to, from, size);
        } else {
            self.store_values(place, &results);
        }
    }

    /// Whether nothing but the place itself leads to its memory during a call: the callee may then write its result
    /// there before it has read all that it reads.
    fn is_own(&self, place: &Place, arguments: &[Argument]) -> bool {
        let Base::Local(local) = place.base else { return false };
        let declared = &self.function.locals[local.index()];
        let fixed = place.path.iter().all(|step| !matches!(step, Step::Index(_)));
        let lent = arguments.iter().any(|argument| {
            matches!(argument, Argument::Reference(Place { base: Base::Local(lent), .. }) if *lent == local)
        });
        declared.kind == LocalKind::Value && fixed && !lent && !self.viewed[local.index()]
    }

    fn stack_slot(&mut self, needs: layout::Layout) -> StackSlot {
        let shift = needs.align.max(8).trailing_zeros() as u8;
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, needs.size as u32, shift);
        self.builder.create_sized_stack_slot(data)
    }

    fn callee(&mut self, id: FunctionId) -> FuncRef {
        let program = self.program;
        self.symbols.function(&mut self.builder, Id(id.0), || {
            function_signature(program, &program.functions[id.index()])
        })
    }

    /// The address of something that the linker places.
    pub(crate) fn symbol(&mut self, symbol: Symbol) -> Value {
        self.symbols.address(&mut self.builder, symbol)
    }

    /// Calls a gate function through its slot; gives status and value.
    pub(crate) fn call_slot(&mut self, call: u32, arguments: &[Value]) -> (Value, Value) {
        let key = (arguments.len(), 2);
        let signature = if let Some(known) = self.signatures.get(&key) {
            *known
        } else {
            let made = signature(&vec![I64; arguments.len()], &[I64, I64]);
            let made = self.builder.import_signature(made);
            self.signatures.insert(key, made);
            made
        };
        let call = self.symbols.call_slot(&mut self.builder, call, signature, arguments);
        let results = self.builder.inst_results(call);
        (results[0], results[1])
    }
}

/// Locals that a view may point into.
fn viewed_locals(function: &Function) -> Vec<bool> {
    let mut viewed = vec![false; function.locals.len()];
    for (statement, _) in function.blocks.iter().flat_map(|block| &block.statements) {
        if let Statement::Assign(_, Rvalue::View(Place { base: Base::Local(local), .. }, ..)) = statement {
            viewed[local.index()] = true;
        }
    }
    viewed
}

/// Locals whose address is needed: aggregates, and what is lent to a call.
fn addressed_locals(program: &Program, function: &Function) -> Vec<bool> {
    let mut addressed: Vec<bool> =
        function.locals.iter().map(|local| by_pointer(program.type_of(local.ty))).collect();
    for (statement, _) in function.blocks.iter().flat_map(|block| &block.statements) {
        if let Statement::Call { arguments, .. } = statement {
            for argument in arguments {
                if let Argument::Reference(Place { base: Base::Local(local), .. }) = argument {
                    addressed[local.index()] = true;
                }
            }
        }
        if let Statement::Assign(_, Rvalue::View(Place { base: Base::Local(local), path }, ..)) = statement
            && path.is_empty()
            && !matches!(program.type_of(function.locals[local.index()].ty), Type::Slice(_))
        {
            addressed[local.index()] = true;
        }
    }
    addressed
}

/// A function's machine signature: a pointer for an aggregate result, then the parameters.
fn function_signature(program: &Program, function: &Function) -> ir::Signature {
    let mut parameters = Vec::new();
    let mut returns = Vec::new();
    match program.type_of(function.returns) {
        ty if by_pointer(ty) => parameters.push(I64),
        Type::Slice(_) => returns.extend([I64, I64]),
        ty => returns.extend(scalar_type(ty)),
    }
    for local in &function.locals[..function.parameters as usize] {
        match (local.kind, program.type_of(local.ty)) {
            (LocalKind::Reference { .. }, _) => parameters.push(I64),
            (LocalKind::Value, Type::Slice(_)) => parameters.extend([I64, I64]),
            (LocalKind::Value, ty) => parameters.extend(scalar_type(ty)),
        }
    }
    signature(&parameters, &returns)
}

/// A signature with the convention of image boundaries.
fn signature(parameters: &[ir::Type], returns: &[ir::Type]) -> ir::Signature {
    let mut signature = ir::Signature::new(CallConv::SystemV);
    signature.params.extend(parameters.iter().map(|ty| ir::AbiParam::new(*ty)));
    signature.returns.extend(returns.iter().map(|ty| ir::AbiParam::new(*ty)));
    signature
}
