//! One program's code in the making: symbols, layout of state and constants, relocations.

use crate::function::Lowering;
use crate::stack;
use crate::{CompiledFunction, Error, Options, Output, Relocation, Target};
use compiler_mir::ir::{Fault, FunctionId, Program, Statement};
use compiler_mir::layout;
use compiler_syntax::span::Span;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self, ExternalName, TrapCode, UserExternalName, UserFuncName};
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use cranelift_frontend::FunctionBuilderContext;
use sci::limits::{SLAB_IMAGE_BYTES_MAX, STACK_BYTES_MAX};
use std::collections::{BTreeMap, BTreeSet};

/// Namespaces of external names.
pub(crate) mod namespace {
    pub(crate) const FUNCTION: u32 = 0;
    pub(crate) const GLOBAL: u32 = 1;
    pub(crate) const DATA: u32 = 2;
    pub(crate) const SLOT: u32 = 3;
    pub(crate) const START_PAGE: u32 = 4;
}

/// Functions begin at multiples of this.
const FUNCTION_ALIGN: usize = 16;

pub(crate) struct Module<'p> {
    pub program: &'p Program,
    pub isa: OwnedTargetIsa,
    globals: Vec<Target>,
    data: Vec<u64>,
    /// System calls in use; the index is the slot.
    pub slots: Vec<u32>,
    output: Output,
}

/// What compiling one function gives.
struct Compiled {
    code: Vec<u8>,
    frame_bytes: u64,
    callees: BTreeSet<FunctionId>,
    relocations: Vec<(u32, UserExternalName, i64)>,
    traps: Vec<(u32, Fault)>,
    places: Vec<(u32, Span)>,
}

impl<'p> Module<'p> {
    pub(crate) fn new(program: &'p Program, options: Options) -> Result<Self, Error> {
        let isa = isa(options).map_err(|reason| Error::Refused { function: "the target".into(), reason })?;
        let mut output = Output::default();
        let mut data = Vec::new();
        for datum in &program.data {
            pad(&mut output.rodata, datum.align as usize);
            data.push(output.rodata.len() as u64);
            output.rodata.extend_from_slice(&datum.bytes);
        }
        let mut globals = Vec::new();
        let mut state_bytes: u64 = 0;
        for global in &program.globals {
            let needs = layout::of(program, global.ty);
            state_bytes = state_bytes.saturating_add(needs.size);
            limit(&format!("the state up to `{}`", global.name), state_bytes, SLAB_IMAGE_BYTES_MAX)?;
            if global.initial.is_empty() {
                output.bss_bytes = layout::align_up(output.bss_bytes, needs.align.max(8));
                globals.push(Target::Bss(output.bss_bytes));
                output.bss_bytes += needs.size;
            } else {
                pad(&mut output.data, needs.align.max(8) as usize);
                globals.push(Target::Data(output.data.len() as u64));
                output.data.extend_from_slice(&global.initial);
            }
        }
        Ok(Self { program, isa, globals, data, slots: Vec::new(), output })
    }

    /// The slot of a system call.
    pub(crate) fn slot(&mut self, call: u32) -> u32 {
        if let Some(at) = self.slots.iter().position(|known| *known == call) {
            return at as u32;
        }
        self.slots.push(call);
        self.slots.len() as u32 - 1
    }

    pub(crate) fn compile(mut self, roots: &[FunctionId]) -> Result<Output, Error> {
        let reached = reach(self.program, roots);
        let mut contexts = (Context::new(), FunctionBuilderContext::new());
        let mut compiled: BTreeMap<FunctionId, Compiled> = BTreeMap::new();
        for id in &reached {
            let result = self.function(*id, &mut contexts)?;
            compiled.insert(*id, result);
        }
        let main =
            self.program.component.as_ref().map(|component| component.main).filter(|id| reached.contains(id));
        let start = match main {
            Some(main) => Some(self.start_stub(main, &mut contexts)?),
            None => None,
        };
        let frames = compiled.iter().map(|(id, one)| (*id, (one.frame_bytes, one.callees.clone()))).collect();
        let bounds = stack::bounds(self.program, &frames)?;
        self.lay_out(&compiled, start.as_ref(), &bounds, main)
    }

    fn lay_out(
        mut self,
        compiled: &BTreeMap<FunctionId, Compiled>,
        start: Option<&Compiled>,
        bounds: &BTreeMap<FunctionId, u64>,
        main: Option<FunctionId>,
    ) -> Result<Output, Error> {
        let mut offsets = BTreeMap::new();
        let mut pending: Vec<(u32, UserExternalName, i64)> = Vec::new();
        if let (Some(start), Some(main)) = (start, main) {
            let stack_bytes = start.frame_bytes.saturating_add(bounds[&main]);
            limit("the stack", stack_bytes, STACK_BYTES_MAX)?;
            self.output.stack_bytes = stack_bytes;
            self.output.start = self.append("_start", None, start, stack_bytes, &mut pending)?;
        }
        for (id, one) in compiled {
            let name = self.program.functions[id.index()].name.clone();
            let offset = self.append(&name, Some(*id), one, bounds[id], &mut pending)?;
            offsets.insert(id.0, offset);
        }
        for (offset, name, addend) in pending {
            if name.namespace == namespace::FUNCTION {
                let distance = i64::from(offsets[&name.index]) + addend - i64::from(offset);
                let place = offset as usize;
                self.output.text[place..place + 4].copy_from_slice(&(distance as i32).to_le_bytes());
                continue;
            }
            let target = match name.namespace {
                namespace::GLOBAL => self.globals[name.index as usize],
                namespace::DATA => Target::Rodata(self.data[name.index as usize]),
                namespace::SLOT => Target::Slot(name.index),
                _ => Target::StartPage,
            };
            self.output.relocations.push(Relocation { offset, target, addend });
        }
        self.output.slots = self.slots;
        Ok(self.output)
    }

    fn append(
        &mut self,
        name: &str,
        id: Option<FunctionId>,
        one: &Compiled,
        stack_bytes: u64,
        pending: &mut Vec<(u32, UserExternalName, i64)>,
    ) -> Result<u32, Error> {
        // `int3` between functions: nothing falls through.
        let aligned = self.output.text.len().next_multiple_of(FUNCTION_ALIGN);
        self.output.text.resize(aligned, 0xcc);
        limit("the code", aligned as u64, SLAB_IMAGE_BYTES_MAX)?;
        let offset = aligned as u32;
        self.output.text.extend_from_slice(&one.code);
        self.output.functions.push(CompiledFunction {
            id,
            name: name.to_owned(),
            offset,
            size: one.code.len() as u32,
            stack_bytes,
        });
        self.output.traps.extend(one.traps.iter().map(|(at, fault)| (at + offset, *fault)));
        self.output.places.extend(one.places.iter().map(|(at, span)| (at + offset, *span)));
        pending.extend(one.relocations.iter().map(|(at, name, addend)| (at + offset, name.clone(), *addend)));
        Ok(offset)
    }

    fn function(
        &mut self,
        id: FunctionId,
        contexts: &mut (Context, FunctionBuilderContext),
    ) -> Result<Compiled, Error> {
        let function = &self.program.functions[id.index()];
        for local in &function.locals {
            let bytes = layout::of(self.program, local.ty).size;
            limit(&format!("a local of `{}`", function.name), bytes, STACK_BYTES_MAX)?;
        }
        let (context, builder) = contexts;
        context.clear();
        context.func.name = UserFuncName::user(namespace::FUNCTION, id.0);
        let spans = Lowering::run(self, id, &mut context.func, builder);
        let mut compiled = self.finish(&function.name, context, &spans)?;
        // The prologue is the function's own: it is where the stack overflows.
        if compiled.places.first().is_none_or(|(at, _)| *at > 0) {
            compiled.places.insert(0, (0, function.span));
        }
        Ok(compiled)
    }

    fn start_stub(
        &mut self,
        main: FunctionId,
        contexts: &mut (Context, FunctionBuilderContext),
    ) -> Result<Compiled, Error> {
        let (context, builder) = contexts;
        context.clear();
        context.func.name = UserFuncName::user(namespace::FUNCTION, u32::MAX);
        let spans = Lowering::start_stub(self, main, &mut context.func, builder);
        self.finish("_start", context, &spans)
    }

    fn finish(&self, name: &str, context: &mut Context, spans: &[Span]) -> Result<Compiled, Error> {
        let refused = |reason: String| Error::Refused { function: name.to_owned(), reason };
        context
            .compile(&*self.isa, &mut ControlPlane::default())
            .map_err(|error| refused(format!("{:?}", error.inner)))?;
        let compiled = context.compiled_code().ok_or_else(|| refused("no code".into()))?;
        let buffer = &compiled.buffer;
        let frame = buffer.frame_layout().ok_or_else(|| refused("no frame layout".into()))?;
        let frame_bytes = u64::from(frame.frame_to_fp_offset) + 16;
        let mut relocations = Vec::new();
        let mut callees = BTreeSet::new();
        for reloc in buffer.relocs() {
            let FinalizedRelocTarget::ExternalName(ExternalName::User(reference)) = &reloc.target else {
                return Err(refused(format!("a reference to {:?}", reloc.target)));
            };
            if !matches!(reloc.kind, Reloc::X86PCRel4 | Reloc::X86CallPCRel4) {
                return Err(refused(format!("a relocation of kind {:?}", reloc.kind)));
            }
            let target = context.func.params.user_named_funcs()[*reference].clone();
            if target.namespace == namespace::FUNCTION {
                callees.insert(FunctionId(target.index));
            }
            relocations.push((reloc.offset, target, reloc.addend));
        }
        let traps = buffer.traps().iter().map(|trap| (trap.offset, fault_of(trap.code))).collect();
        let mut places: Vec<(u32, Span)> = Vec::new();
        for range in buffer.get_srclocs_sorted() {
            let at = range.loc.bits() as usize;
            if let Some(span) = spans.get(at)
                && places.last().map(|(_, last)| last) != Some(span)
            {
                places.push((range.start, *span));
            }
        }
        Ok(Compiled { code: buffer.data().to_vec(), frame_bytes, callees, relocations, traps, places })
    }
}

/// Functions that the roots reach, by number.
fn reach(program: &Program, roots: &[FunctionId]) -> BTreeSet<FunctionId> {
    let mut reached = BTreeSet::new();
    let mut queue = roots.to_vec();
    while let Some(id) = queue.pop() {
        if !reached.insert(id) {
            continue;
        }
        for (statement, _) in program.functions[id.index()].blocks.iter().flat_map(|block| &block.statements)
        {
            if let Statement::Call { function, .. } = statement {
                queue.push(*function);
            }
        }
    }
    reached
}

fn isa(options: Options) -> Result<OwnedTargetIsa, String> {
    let mut flags = settings::builder();
    let level = if options.optimize { "speed" } else { "none" };
    let allocator = if options.optimize { "backtracking" } else { "single_pass" };
    let verifier = if cfg!(debug_assertions) { "true" } else { "false" };
    let choices = [
        ("opt_level", level),
        ("regalloc_algorithm", allocator),
        ("enable_verifier", verifier),
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "false"),
        ("is_pic", "false"),
        ("enable_nan_canonicalization", "true"),
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in choices {
        flags.set(name, value).map_err(|error| error.to_string())?;
    }
    let mut builder = isa::lookup_by_name("x86_64-unknown-none-elf").map_err(|error| error.to_string())?;
    for feature in ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"] {
        builder.enable(feature).map_err(|error| error.to_string())?;
    }
    builder.finish(settings::Flags::new(flags)).map_err(|error| error.to_string())
}

/// The trap code of a fault.
pub(crate) fn trap_code(fault: Fault) -> TrapCode {
    TrapCode::unwrap_user(fault as u64 as u8 + 1)
}

fn fault_of(code: TrapCode) -> Fault {
    match code {
        TrapCode::INTEGER_DIVISION_BY_ZERO => Fault::Division,
        TrapCode::INTEGER_OVERFLOW | TrapCode::BAD_CONVERSION_TO_INTEGER => Fault::Conversion,
        TrapCode::STACK_OVERFLOW => Fault::StackOverflow,
        code => {
            Fault::from_number(u64::from(code.as_raw().get()).saturating_sub(1)).unwrap_or(Fault::Unreachable)
        }
    }
}

/// Whether so many bytes are allowed.
fn limit(what: &str, bytes: u64, limit: u64) -> Result<(), Error> {
    if bytes <= limit { Ok(()) } else { Err(Error::TooLarge { what: what.to_owned(), bytes, limit }) }
}

fn pad(bytes: &mut Vec<u8>, align: usize) {
    bytes.resize(bytes.len().next_multiple_of(align.max(1)), 0);
}

/// A signature with the convention of image boundaries.
pub(crate) fn signature(parameters: &[ir::Type], returns: &[ir::Type]) -> ir::Signature {
    let mut signature = ir::Signature::new(isa::CallConv::SystemV);
    signature.params.extend(parameters.iter().map(|ty| ir::AbiParam::new(*ty)));
    signature.returns.extend(returns.iter().map(|ty| ir::AbiParam::new(*ty)));
    signature
}
