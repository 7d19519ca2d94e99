//! A module as a unit of Core IR.

use crate::entry::needs_entry;
use crate::error::Error;
use crate::features;
use crate::function::Function;
use crate::module::Module;
use crate::state::{State, references};
use crate::types::{Convention, signature};
use compiler_core::{
    Function as CoreFunction, FunctionId, Lowered, Module as CoreModule, Places, Recursion, Slot, Unit,
    checked, fault_of_code, reach,
};
use compiler_syntax::span::{FileId, Span};
use cranelift_codegen::ir::{self, SourceLoc, TrapCode};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilderContext;
use sci::limits::wasm;
use sci::linkage::{RUNTIME_FUNCTIONS, RUNTIME_MODULE};
use sci::status::Fault;
use std::collections::{BTreeMap, BTreeSet};
use wasmparser::{
    BinaryReaderError, ExternalKind, FuncToValidate, FuncValidatorAllocations, FunctionBody, RefType, ValType,
};

/// How to translate a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of an instance's stack.
    pub stack_bytes: u64,
    /// Whether the code counts its work, and ends when it has used up what it was given.
    pub fuel: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { stack_bytes: wasm::STACK_BYTES, fuel: false }
    }
}

/// A function of the image that no module has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Helper {
    /// Copies bytes.
    Copy,
    /// Fills bytes.
    Fill,
    /// Fills elements of a table.
    FillElements,
}

/// A function behind those of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Extra {
    Helper(Helper),
    Instantiate,
    /// The way in to a function.
    Entry(u32),
}

/// A module, taken in: a unit of Core IR.
pub struct WasmUnit<'m> {
    pub(crate) module: Module<'m>,
    pub(crate) state: State,
    pub(crate) convention: Convention,
    core: CoreModule,
    extras: Vec<Extra>,
    /// The number of each of them.
    numbers: BTreeMap<Extra, FunctionId>,
    /// Globals that are exported.
    shared: BTreeSet<u32>,
    file: FileId,
    bytes: &'m [u8],
}

impl std::fmt::Debug for WasmUnit<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("WasmUnit")
            .field("functions", &self.module.functions.len())
            .finish_non_exhaustive()
    }
}

/// Takes a module in. `file` is the module's own number among the sources: places in it are offsets.
pub fn read(bytes: &[u8], file: FileId, options: Options) -> Result<WasmUnit<'_>, Error> {
    let module = Module::read(bytes)?;
    module.check_import_names()?;
    let mut core = CoreModule { slots: slots(&module), ..CoreModule::default() };
    let state = State::new(&module, &mut core, options.fuel)?;
    let tail = module.facts.iter().any(|facts| facts.calls_tail);
    let convention = if tail { Convention::Tail } else { Convention::SystemV };
    let mut unit = WasmUnit {
        module,
        state,
        convention,
        core,
        extras: Vec::new(),
        numbers: BTreeMap::new(),
        shared: BTreeSet::new(),
        file,
        bytes,
    };
    unit.state_functions();
    unit.core.recursion = Recursion::Checked(checked(&unit.core));
    unit.validate_unreached()?;
    Ok(unit)
}

fn slots(module: &Module<'_>) -> Vec<Slot> {
    let imports = module.imports.iter().filter_map(|import| match import.kind {
        crate::module::ImportKind::Function(index) => Some(Slot {
            module: import.module.to_owned(),
            item: import.item.to_owned(),
            signature: module.function_type(index).to_string(),
        }),
        _ => None,
    });
    let runtime = RUNTIME_FUNCTIONS.iter().map(|function| Slot {
        module: RUNTIME_MODULE.to_owned(),
        item: function.name.to_owned(),
        signature: String::new(),
    });
    imports.chain(runtime).collect()
}

impl<'m> WasmUnit<'m> {
    /// The slot of an imported function.
    #[expect(clippy::unused_self, reason = "what the numbering is belongs to the unit")]
    pub(crate) fn slot_of(&self, function: u32) -> u32 {
        function
    }

    /// The slot of a function that the runtime owes.
    pub(crate) fn runtime_slot(&self, number: u32) -> u32 {
        self.module.imported_functions + number
    }

    fn defined(&self) -> u32 {
        self.module.bodies.len() as u32
    }

    fn extra(&self, extra: Extra) -> Option<FunctionId> {
        self.numbers.get(&extra).copied()
    }

    pub(crate) fn helper(&self, helper: Helper) -> FunctionId {
        self.extra(Extra::Helper(helper)).expect("helpers are stated before any body is translated")
    }

    /// Whether a global holds a reference to a function that other instances may see.
    pub(crate) fn is_shared_reference(&self, global: u32) -> bool {
        let of = &self.module.globals[global as usize];
        of.ty.content_type == ValType::Ref(RefType::FUNCREF)
            && (of.initial.is_none() || self.shared.contains(&global))
    }

    /// The function that computes an instance's state.
    pub(crate) fn instantiate(&self) -> Option<FunctionId> {
        self.extra(Extra::Instantiate)
    }

    /// Where calls from outside enter a defined function.
    pub(crate) fn entry_of(&self, function: u32) -> FunctionId {
        let own = FunctionId(function - self.module.imported_functions);
        self.extra(Extra::Entry(function)).unwrap_or(own)
    }

    /// Defined functions that can be called from outside, ascending.
    pub(crate) fn callables(&self) -> Vec<u32> {
        let exports = self.module.exports.iter().filter_map(|(_, kind, index)| {
            matches!(kind, ExternalKind::Func | ExternalKind::FuncExact).then_some(*index)
        });
        let mut callables: Vec<u32> =
            exports.chain(references(&self.module)).chain(self.module.start).collect();
        callables.retain(|function| !self.module.is_imported(*function));
        callables.sort_unstable();
        callables.dedup();
        callables
    }

    /// States the functions: the module's own, then helpers and ways in.
    fn state_functions(&mut self) {
        let imported = self.module.imported_functions;
        let defined = |function: &u32| FunctionId(function - imported);
        let callables = self.callables();
        let helpers = [Helper::Copy, Helper::Fill, Helper::FillElements];
        self.extras.extend(helpers.map(Extra::Helper));
        if !self.state.steps.is_empty() {
            self.extras.push(Extra::Instantiate);
        }
        let entered = callables
            .iter()
            .filter(|function| needs_entry(self.module.function_type(**function), self.convention));
        self.extras.extend(entered.map(|function| Extra::Entry(*function)));
        let numbers = self.extras.iter().zip(self.defined()..);
        self.numbers = numbers.map(|(extra, number)| (*extra, FunctionId(number))).collect();
        let globals = self.module.exports.iter().filter(|(_, kind, _)| *kind == ExternalKind::Global);
        self.shared = globals.map(|(_, _, index)| *index).collect();
        let helper_ids = helpers.map(|helper| self.helper(helper));
        for (index, facts) in self.module.facts.iter().enumerate() {
            let function = imported + index as u32;
            let mut calls: Vec<FunctionId> =
                facts.calls.iter().filter(|callee| **callee >= imported).map(defined).collect();
            calls.extend(facts.helps.then_some(helper_ids).into_iter().flatten());
            self.core.functions.push(CoreFunction {
                name: self.module.name(function),
                calls,
                calls_taken: facts.calls_table,
                depth: None,
                word: callables
                    .binary_search(&function)
                    .is_ok()
                    .then(|| self.module.type_ids[self.module.functions[function as usize] as usize]),
            });
        }
        for extra in &self.extras {
            let (name, calls) = match extra {
                Extra::Helper(helper) => (format!("space {helper:?}"), Vec::new()),
                Extra::Instantiate => ("space instantiate".to_owned(), helper_ids.to_vec()),
                Extra::Entry(function) => {
                    (format!("enter {}", self.module.name(*function)), vec![defined(function)])
                }
            };
            self.core.functions.push(CoreFunction { name, calls, ..CoreFunction::default() });
        }
        self.core.taken = callables.iter().map(defined).collect();
        self.core.roots.clone_from(&self.core.taken);
        let first = self.defined() + helpers.len() as u32;
        self.core.roots.extend((first..self.core.functions.len() as u32).map(FunctionId));
        if self.core.roots.is_empty() {
            // An image has code, even that of a module without any.
            self.core.roots.push(helper_ids[0]);
        }
    }

    /// Validates the functions that nothing reaches: they are not compiled.
    fn validate_unreached(&self) -> Result<(), Error> {
        let reached = reach(&self.core);
        for (index, body) in self.module.bodies.iter().enumerate().filter(|(index, _)| !reached[*index]) {
            self.validator(index as u32)
                .into_validator(FuncValidatorAllocations::default())
                .validate(body)
                .map_err(|error| features::explain(self.bytes, &error))?;
        }
        Ok(())
    }

    fn validator(&self, index: u32) -> FuncToValidate<wasmparser::ValidatorResources> {
        let function = self.module.imported_functions + index;
        FuncToValidate {
            resources: self.module.resources.clone().expect("a module with bodies has been validated"),
            index: function,
            ty: self.module.functions[function as usize],
            features: features::SUPPORTED,
        }
    }

    fn translate(&self, index: u32, function: &mut Function<'_, '_, 'm>) -> Result<(), BinaryReaderError> {
        let body: &FunctionBody<'m> = &self.module.bodies[index as usize];
        let mut validator = self.validator(index).into_validator(FuncValidatorAllocations::default());
        let mut locals = body.get_locals_reader()?;
        for _ in 0..locals.get_count() {
            let offset = locals.original_position();
            let (count, ty) = locals.read()?;
            validator.define_locals(offset, count, ty)?;
            function.declare_locals(count, ty);
        }
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            validator.op(offset, &operator)?;
            function.builder.set_srcloc(SourceLoc::new(offset as u32));
            function.operator(&operator);
        }
        operators.finish()?;
        Ok(())
    }
}

impl Unit for WasmUnit<'_> {
    fn module(&self) -> &CoreModule {
        &self.core
    }

    fn lower(
        &self,
        id: FunctionId,
        body: &mut ir::Function,
        context: &mut FunctionBuilderContext,
        config: TargetFrontendConfig,
    ) -> Result<Lowered, compiler_core::Error> {
        let mut entry = 0;
        if let Some(index) = id.0.checked_sub(self.defined()) {
            let mut function = Function::new(self, body, context);
            match self.extras[index as usize] {
                Extra::Helper(helper) => function.write_helper(helper),
                Extra::Instantiate => function.write_instantiate(),
                Extra::Entry(of) => function.write_entry(of),
            }
            function.builder.finalize(config);
        } else {
            let ty = self.module.function_type(self.module.imported_functions + id.0);
            body.signature = signature(ty, self.convention);
            let mut function = Function::new(self, body, context);
            function.open(ty);
            if matches!(&self.core.recursion, Recursion::Checked(checked) if checked.contains(&id)) {
                function.check_depth();
            }
            function.open_fuel();
            entry = self.module.bodies[id.index()].range().start as u32;
            self.translate(id.0, &mut function).map_err(|error| {
                compiler_core::Error::Body(features::explain(self.bytes, &error).to_string())
            })?;
            function.builder.finalize(config);
        }
        let entry = Span { file: self.file, start: entry, end: entry };
        Ok(Lowered { places: Places::Offsets(self.file), entry })
    }

    fn fault(&self, code: TrapCode) -> Fault {
        match code {
            TrapCode::INTEGER_DIVISION_BY_ZERO => Fault::Division,
            TrapCode::INTEGER_OVERFLOW => Fault::Overflow,
            TrapCode::BAD_CONVERSION_TO_INTEGER => Fault::Conversion,
            TrapCode::STACK_OVERFLOW => Fault::StackOverflow,
            code => fault_of_code(code).unwrap_or(Fault::Unreachable),
        }
    }
}
