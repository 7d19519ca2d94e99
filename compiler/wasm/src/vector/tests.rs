//! Every vector operator compiles for the target, alone: without calls into a library that is not there.

use crate::function::Function;
use crate::unit::{Options, WasmUnit, read};
use compiler_core::Symbol;
use compiler_syntax::span::FileId;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::types::{F32, F64, I8X16, I32, I64};
use cranelift_codegen::ir::{AbiParam, ExternalName, InstBuilder, Signature, Type, Value};
use cranelift_codegen::isa::{self, CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedMachReloc, FinalizedRelocTarget};
use cranelift_frontend::FunctionBuilderContext;
use wasmparser::{MemArg, MemArgTarget, Operator, V128};

/// What an immediate is in the tests.
trait Sample {
    fn sample() -> Self;
}

impl Sample for MemArg {
    fn sample() -> Self {
        Self { align: 0, max_align: 0, offset: 24, target: MemArgTarget::Memory(0), ordering: None }
    }
}

impl Sample for u8 {
    fn sample() -> Self {
        1
    }
}

impl Sample for [u8; 16] {
    fn sample() -> Self {
        [0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31]
    }
}

impl Sample for V128 {
    fn sample() -> Self {
        Self::from(0x0123_4567_89ab_cdef_0011_2233_4455_6677_u128)
    }
}

/// A module with a memory and nothing else.
fn unit() -> WasmUnit<'static> {
    read(b"\0asm\x01\0\0\0\x05\x03\x01\0\x01", FileId(0), Options::default()).expect("the module is valid")
}

/// An operator, its name, and its arity as `arity 2 -> 1`.
type Row = (Operator<'static>, &'static str, &'static str);

macro_rules! rows {
    ($(@$proposal:ident $op:ident $({ $($field:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        vec![$((
            Operator::$op $({ $($field: <$ty as Sample>::sample()),* })?,
            stringify!($op),
            stringify!($($arity)*),
        )),*]
    };
}

fn rows() -> Vec<Row> {
    wasmparser::for_each_visit_simd_operator!(rows)
}

/// The types of the operands and of the result; every vector is one of bytes.
fn signature(name: &str, arity: &str) -> (Vec<Type>, Option<Type>) {
    let (operands, results) = arity.split_once("->").unwrap();
    let operands: usize = operands.rsplit(' ').find_map(|word| word.parse().ok()).unwrap();
    let mut parameters = vec![I8X16; operands];
    let memory = name.starts_with("V128Load") || name.starts_with("V128Store");
    let scalar = match &name[..5] {
        "I64x2" => I64,
        "F32x4" => F32,
        "F64x2" => F64,
        _ => I32,
    };
    if memory {
        parameters[0] = I32;
    } else if name.ends_with("Splat") {
        parameters[0] = scalar;
    } else if name.ends_with("ReplaceLane") {
        parameters[1] = scalar;
    } else if ["Shl", "ShrS", "ShrU"].iter().any(|suffix| name.ends_with(suffix)) {
        parameters[1] = I32;
    }
    let result = if name.contains("ExtractLane") {
        scalar
    } else if ["AnyTrue", "AllTrue", "Bitmask"].iter().any(|suffix| name.ends_with(suffix)) {
        I32
    } else {
        I8X16
    };
    (parameters, (results.trim() != "0").then_some(result))
}

/// Where the vectors come from: what makes an operand decides which instructions are matched.
#[derive(Clone, Copy, Debug)]
enum Source {
    Parameter,
    Constant,
    Zero,
    ConstantSplat,
    VariableSplat(Type),
    Comparison,
}

const SOURCES: [Source; 9] = [
    Source::Parameter,
    Source::Constant,
    Source::Zero,
    Source::ConstantSplat,
    Source::VariableSplat(I32),
    Source::VariableSplat(I64),
    Source::VariableSplat(F32),
    Source::VariableSplat(F64),
    Source::Comparison,
];

fn target(level: &str) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    let choices = [
        ("opt_level", level),
        ("regalloc_algorithm", if level == "speed" { "backtracking" } else { "single_pass" }),
        ("enable_verifier", "true"),
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "false"),
        ("is_pic", "false"),
        ("enable_nan_canonicalization", "true"),
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in choices {
        flags.set(name, value).unwrap();
    }
    let mut builder = isa::lookup_by_name("x86_64-unknown-none-elf").unwrap();
    for feature in ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"] {
        builder.enable(feature).unwrap();
    }
    builder.finish(settings::Flags::new(flags)).unwrap()
}

/// Pushes an operand.
fn push(
    function: &mut Function<'_, '_, '_>,
    ty: Type,
    parameter: Value,
    scalars: [Value; 2],
    source: Source,
) {
    if ty != I8X16 {
        function.push(parameter);
        return;
    }
    let integer = scalars[0];
    match source {
        Source::Parameter => function.push(parameter),
        Source::Constant | Source::Zero => {
            let value = if matches!(source, Source::Zero) { V128::from(0_u128) } else { V128::sample() };
            assert!(function.vector(&Operator::V128Const { value }));
        }
        Source::ConstantSplat => {
            let value = function.builder.ins().iconst(I32, 7);
            function.push(value);
            assert!(function.vector(&Operator::I32x4Splat));
        }
        Source::VariableSplat(lane) => {
            let (value, operator) = match lane {
                I64 => (function.builder.ins().uextend(I64, integer), Operator::I64x2Splat),
                F32 => (function.builder.ins().fdemote(F32, scalars[1]), Operator::F32x4Splat),
                F64 => (scalars[1], Operator::F64x2Splat),
                _ => (integer, Operator::I32x4Splat),
            };
            function.push(value);
            assert!(function.vector(&operator));
        }
        Source::Comparison => {
            function.push(parameter);
            function.push(parameter);
            assert!(function.vector(&Operator::F32x4Lt));
        }
    }
}

/// The code of a function of one operator; why it has none.
fn compile(isa: &OwnedTargetIsa, row: &Row, source: Source) -> Result<Vec<u8>, String> {
    let (operator, name, arity) = row;
    let (parameters, result) = signature(name, arity);
    let mut context = Context::new();
    let mut shared = FunctionBuilderContext::new();
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend([I32, F64].iter().chain(&parameters).map(|ty| AbiParam::new(*ty)));
    signature.returns.extend(result.map(AbiParam::new));
    context.func.signature = signature;
    let unit = unit();
    let mut function = Function::new(&unit, &mut context.func, &mut shared);
    let block = function.builder.create_block();
    function.builder.append_block_params_for_function_params(block);
    function.builder.switch_to_block(block);
    function.builder.seal_block(block);
    let values = function.builder.block_params(block).to_vec();
    for (ty, value) in parameters.iter().zip(&values[2..]) {
        push(&mut function, *ty, *value, [values[0], values[1]], source);
    }
    if !function.vector(operator) {
        return Err("it is not translated".into());
    }
    let returned: Vec<Value> = result.map(|_| function.pop()).into_iter().collect();
    function.builder.ins().return_(&returned);
    function.builder.finalize(isa.frontend_config());
    context.compile(&**isa, &mut ControlPlane::default()).map_err(|error| format!("{:?}", error.inner))?;
    let compiled = context.compiled_code().ok_or("no code")?;
    let memory = Symbol::Linear.name();
    let foreign = |relocation: &&FinalizedMachReloc| match &relocation.target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            context.func.params.user_named_funcs()[*name] != memory
        }
        _ => true,
    };
    match compiled.buffer.relocs().iter().find(foreign) {
        Some(relocation) => Err(format!("it refers to {:?}", relocation.target)),
        None => Ok(compiled.buffer.data().to_vec()),
    }
}

fn every_operator_compiles(level: &str) {
    let isa = target(level);
    let rows = rows();
    assert_eq!(rows.len(), 256, "the SIMD proposal has 236 operators, the relaxed one 20");
    let mut refused = Vec::new();
    for row in &rows {
        for source in SOURCES {
            if let Err(reason) = compile(&isa, row, source) {
                refused.push(format!("{} of {source:?}: {reason}", row.1));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn every_operator_compiles_optimized() {
    every_operator_compiles("speed");
}

#[test]
fn every_operator_compiles_unoptimized() {
    every_operator_compiles("none");
}

#[test]
fn scalar_operators_are_left_alone() {
    let mut context = Context::new();
    let mut shared = FunctionBuilderContext::new();
    let unit = unit();
    let mut function = Function::new(&unit, &mut context.func, &mut shared);
    let block = function.builder.create_block();
    function.builder.switch_to_block(block);
    for operator in [Operator::Nop, Operator::I32Add, Operator::I32Load { memarg: MemArg::sample() }] {
        assert!(!function.vector(&operator), "{operator:?}");
    }
}
