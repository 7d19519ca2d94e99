//! One function: from Core IR to bytes.

use crate::{Error, Options};
use compiler_core::{FunctionId, Symbol, Unit};
use compiler_syntax::span::Span;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, UserFuncName};
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use cranelift_frontend::FunctionBuilderContext;
use sci::status::Fault;

/// What compiling one function gives; offsets are from its beginning.
pub(crate) struct Compiled {
    pub code: Vec<u8>,
    pub frame_bytes: u64,
    pub relocations: Vec<(u32, Symbol, i64)>,
    pub traps: Vec<(u32, Fault)>,
    pub places: Vec<(u32, Span)>,
}

/// What a thread keeps from one function to the next.
pub(crate) struct Workspace {
    context: Context,
    builder: FunctionBuilderContext,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        Self { context: Context::new(), builder: FunctionBuilderContext::new() }
    }
}

/// Compiles one function.
pub(crate) fn compile(
    unit: &dyn Unit,
    id: FunctionId,
    isa: &OwnedTargetIsa,
    workspace: &mut Workspace,
) -> Result<Compiled, Error> {
    let name = &unit.module().functions[id.index()].name;
    let refused = |reason: String| Error::Refused { function: name.clone(), reason };
    let Workspace { context, builder } = workspace;
    context.clear();
    context.func.name = UserFuncName::user(0, id.0);
    let lowered = unit.lower(id, &mut context.func, builder, isa.frontend_config())?;
    context
        .compile(&**isa, &mut ControlPlane::default())
        .map_err(|error| refused(format!("{:?}", error.inner)))?;
    let compiled = context.compiled_code().ok_or_else(|| refused("no code".into()))?;
    let buffer = &compiled.buffer;
    let frame = buffer.frame_layout().ok_or_else(|| refused("no frame layout".into()))?;
    let mut relocations = Vec::new();
    for reloc in buffer.relocs() {
        let FinalizedRelocTarget::ExternalName(ExternalName::User(reference)) = &reloc.target else {
            return Err(refused(format!("a reference to {:?}", reloc.target)));
        };
        if !matches!(reloc.kind, Reloc::X86PCRel4 | Reloc::X86CallPCRel4) {
            return Err(refused(format!("a relocation of kind {:?}", reloc.kind)));
        }
        let target = &context.func.params.user_named_funcs()[*reference];
        let symbol = Symbol::of(target).ok_or_else(|| refused(format!("a reference to {target:?}")))?;
        relocations.push((reloc.offset, symbol, reloc.addend));
    }
    let traps = buffer.traps().iter().map(|trap| (trap.offset, unit.fault(trap.code))).collect();
    let mut places: Vec<(u32, Span)> = vec![(0, lowered.entry)];
    for range in buffer.get_srclocs_sorted() {
        let Some(span) = lowered.places.of(range.loc) else { continue };
        if places.last().is_some_and(|(_, last)| *last == span) {
            continue;
        }
        while places.last().is_some_and(|(at, _)| *at >= range.start) {
            places.pop();
        }
        places.push((range.start, span));
    }
    Ok(Compiled {
        code: buffer.data().to_vec(),
        frame_bytes: u64::from(frame.frame_to_fp_offset) + 16,
        relocations,
        traps,
        places,
    })
}

/// x86-64 at level v2, and nothing above it.
pub(crate) fn target(options: Options) -> Result<OwnedTargetIsa, Error> {
    let refused = |reason: String| Error::Refused { function: "the target".into(), reason };
    let mut flags = settings::builder();
    let choices = [
        ("opt_level", if options.optimize { "speed" } else { "none" }),
        ("regalloc_algorithm", if options.optimize { "backtracking" } else { "single_pass" }),
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "false"),
        ("is_pic", "false"),
        ("enable_nan_canonicalization", if options.one_nan { "true" } else { "false" }),
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in choices {
        flags.set(name, value).map_err(|error| refused(error.to_string()))?;
    }
    let mut builder =
        isa::lookup_by_name("x86_64-unknown-none-elf").map_err(|error| refused(error.to_string()))?;
    for feature in ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"] {
        builder.enable(feature).map_err(|error| refused(error.to_string()))?;
    }
    builder.finish(settings::Flags::new(flags)).map_err(|error| refused(error.to_string()))
}
