//! MIR to Core IR.

mod arithmetic;
mod function;
mod memory;
mod message;

use crate::{
    Error, Function, FunctionId, Lowered, Module, Places, Recursion, Slot, Symbol, Unit, fault_of_code, limit,
};
use compiler_mir::ir::{self, Program, Statement};
use compiler_mir::layout;
use cranelift_codegen::ir::TrapCode;
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilderContext;
use function::Lowering;
use sci::limits::{SLAB_IMAGE_BYTES_MAX, STACK_BYTES_MAX};
use sci::status::Fault;
use std::collections::BTreeSet;

/// A program of MIR as a unit of Core IR. Functions keep their numbers; behind them, where the program has a
/// component, is the stub where its thread begins.
#[derive(Debug)]
pub struct MirUnit<'p> {
    pub(crate) program: &'p Program,
    pub(crate) globals: Vec<Symbol>,
    pub(crate) data: Vec<Symbol>,
    main: Option<ir::FunctionId>,
    module: Module,
}

/// Takes a program in. With a component its main function is among the roots, and its thread begins in a stub that
/// calls it.
pub fn unit<'p>(program: &'p Program, roots: &[ir::FunctionId]) -> Result<MirUnit<'p>, Error> {
    if cfg!(debug_assertions) {
        compiler_mir::verify::verify(program).map_err(Error::Malformed)?;
    }
    let mut module = Module {
        functions: program.functions.iter().map(facts).collect(),
        roots: roots.iter().map(|id| FunctionId(id.0)).collect(),
        recursion: Recursion::Refused,
        slots: sci::syscall::CALLS.iter().map(slot).collect(),
        ..Module::default()
    };
    let main = program.component.as_ref().map(|component| component.main).filter(|main| roots.contains(main));
    if let Some(main) = main {
        module.start = Some(FunctionId(module.functions.len() as u32));
        let calls = vec![FunctionId(main.0)];
        module.functions.push(Function { name: "_start".into(), calls, ..Function::default() });
    }
    let mut data = Vec::new();
    for datum in &program.data {
        pad(&mut module.rodata, datum.align as usize);
        data.push(Symbol::Rodata(module.rodata.len() as u32));
        module.rodata.extend_from_slice(&datum.bytes);
    }
    let mut globals = Vec::new();
    let mut state_bytes: u64 = 0;
    for global in &program.globals {
        let needs = layout::of(program, global.ty);
        state_bytes = state_bytes.saturating_add(needs.size);
        limit(&format!("the state up to `{}`", global.name), state_bytes, SLAB_IMAGE_BYTES_MAX)?;
        if global.initial.is_empty() {
            module.bss_bytes = layout::align_up(module.bss_bytes, needs.align.max(8));
            globals.push(Symbol::Bss(module.bss_bytes as u32));
            module.bss_bytes += needs.size;
        } else {
            pad(&mut module.data, needs.align.max(8) as usize);
            globals.push(Symbol::Data(module.data.len() as u32));
            module.data.extend_from_slice(&global.initial);
        }
    }
    Ok(MirUnit { program, globals, data, main, module })
}

fn facts(function: &ir::Function) -> Function {
    let statements = function.blocks.iter().flat_map(|block| &block.statements);
    let calls: BTreeSet<FunctionId> = statements
        .filter_map(|(statement, _)| match statement {
            Statement::Call { function, .. } => Some(FunctionId(function.0)),
            _ => None,
        })
        .collect();
    Function {
        name: function.name.clone(),
        calls: calls.into_iter().collect(),
        depth: function.depth,
        ..Function::default()
    }
}

fn slot(call: &sci::syscall::Call) -> Slot {
    Slot {
        module: sci::syscall::KERNEL_MODULE.into(),
        item: call.name.into(),
        signature: "(u64, …) -> (status, value)".into(),
    }
}

fn pad(bytes: &mut Vec<u8>, align: usize) {
    bytes.resize(bytes.len().next_multiple_of(align.max(1)), 0);
}

impl Unit for MirUnit<'_> {
    fn module(&self) -> &Module {
        &self.module
    }

    fn lower(
        &self,
        id: FunctionId,
        body: &mut cranelift_codegen::ir::Function,
        context: &mut FunctionBuilderContext,
        config: TargetFrontendConfig,
    ) -> Result<Lowered, Error> {
        let Some(function) = self.program.functions.get(id.index()) else {
            let Some(main) = self.main else { return Err(Error::Body("there is no such function".into())) };
            let entry = self.program.functions[main.index()].span;
            let spans = Lowering::start_stub(self, main, body, context, config);
            return Ok(Lowered { places: Places::Table(spans), entry });
        };
        for local in &function.locals {
            let bytes = layout::of(self.program, local.ty).size;
            limit(&format!("a local of `{}`", function.name), bytes, STACK_BYTES_MAX)?;
        }
        let spans = Lowering::run(self, function, body, context, config);
        Ok(Lowered { places: Places::Table(spans), entry: function.span })
    }

    fn fault(&self, code: TrapCode) -> Fault {
        match code {
            TrapCode::INTEGER_DIVISION_BY_ZERO => Fault::Division,
            TrapCode::INTEGER_OVERFLOW | TrapCode::BAD_CONVERSION_TO_INTEGER => Fault::Conversion,
            TrapCode::STACK_OVERFLOW => Fault::StackOverflow,
            code => fault_of_code(code).unwrap_or(Fault::Unreachable),
        }
    }
}
