//! Guests for the tests: functions in Cranelift's IR, compiled into the text of one image.
#![allow(clippy::unwrap_used, reason = "what fails here fails the run")]
#![allow(dead_code, reason = "each test uses a part")]

use std::sync::Arc;

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::Offset32;
use cranelift_codegen::ir::types::{F64, I32, I64};
use cranelift_codegen::ir::{
    AbiParam, Endianness, ExtFuncData, ExternalName, Function, GlobalValueData, InstBuilder, MemFlagsData,
    Signature, StackSlotData, StackSlotKind, TrapCode, UserExternalName, UserFuncName, Value,
};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget, isa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use sci::layout::{INSTANCE_PAGE, LINEAR_MEMORY, PAGE, STACK_TOP, instance};
use space_host::machine::{
    Activation, Arguments, Imports, MemoryPart, Outcome, Parts, Placed, Program, Registers, Results, Slab,
};

/// Offsets of the test image.
pub const TEXT: u64 = RELRO - 0x8000;
const RELRO: u64 = DATA - 0x2000;
pub const DATA: u64 = STACK_TOP - STACK_BYTES - 0x10000;
pub const DATA_BYTES: usize = 4096;
pub const BSS: u64 = DATA + PAGE;
pub const STACK_BYTES: u64 = 64 << 10;
pub const STACK_LOW: u64 = STACK_TOP - STACK_BYTES;
pub const WASM_PAGE: u64 = 64 << 10;
/// What memory 0 begins with.
pub const CONTENT: &[u8] = b"content of memory 0";

/// Symbols of namespace 1.
#[derive(Clone, Copy)]
enum Datum {
    Memory,
    Data,
    Instance,
    Slot(u32),
}

/// A function of the image.
pub struct Compiled {
    name: &'static str,
    /// From the start of text.
    pub start: u64,
    /// Offsets in text, and codes.
    pub traps: Vec<(u64, String)>,
}

/// An image and its functions.
pub struct Guest {
    pub program: Arc<Program>,
    functions: Vec<Compiled>,
}

/// How many host functions the image imports.
pub const IMPORTS: usize = 3;

const FUNCTIONS: &[(&str, usize, bool)] = &[
    ("add", 2, false),
    ("ping", 1, false),
    ("wide", 6, true),
    ("floats", 6, true),
    ("load", 1, false),
    ("store", 2, false),
    ("unwrap", 1, false),
    ("divide", 2, false),
    ("recurse", 1, false),
    ("spin", 0, false),
    ("count", 1, false),
    ("datum", 1, false),
    ("memory_bytes", 0, false),
    ("deep", 1, false),
    ("live", 2, false),
];

impl Guest {
    pub fn new() -> Self {
        Self::with_memory(2 * WASM_PAGE, 4 * WASM_PAGE)
    }

    pub fn with_memory(initial: u64, maximum: u64) -> Self {
        let (text, functions) = compile();
        let data: Vec<u8> = (0..DATA_BYTES).map(|at| at as u8).collect();
        let parts = parts(&text, &data, initial, maximum);
        // SAFETY: the code is Cranelift's, and linked to this layout.
        let program = unsafe { Program::new(&parts) }.unwrap();
        Self { program: Arc::new(program), functions }
    }

    /// Where a function lies in the slab.
    pub fn entry(&self, name: &str) -> u64 {
        TEXT + self.function(name).start
    }

    pub fn function(&self, name: &str) -> &Compiled {
        self.functions.iter().find(|function| function.name == name).unwrap()
    }

    /// An instance whose host functions are `imports`, and then some that are never called.
    pub fn activation(&self, imports: Imports) -> Activation {
        Self::activation_of(Slab::new(&self.program).unwrap(), imports)
    }

    pub fn activation_of(slab: Slab, imports: Imports) -> Activation {
        let mut imports = imports;
        while imports.len() < IMPORTS {
            imports.push(Box::new(|_, _| panic!("not linked")));
        }
        Activation::new(slab, Arc::new(imports), Box::new(())).unwrap()
    }

    pub fn call(&self, activation: &Activation, name: &str, arguments: &[u64]) -> Outcome {
        let mut ints = [0; 6];
        ints[..arguments.len()].copy_from_slice(arguments);
        // SAFETY: a function of the image; those with floats are called by `call_floats`.
        unsafe { activation.call(self.entry(name), &ints) }
    }

    pub fn call_floats(&self, activation: &Activation, name: &str, arguments: &Arguments) -> Outcome {
        // SAFETY: a function of the image.
        unsafe { activation.call_floats(self.entry(name), arguments) }
    }
}

/// The parts of the test image.
pub fn parts<'a>(text: &'a [u8], data: &'a [u8], initial: u64, maximum: u64) -> Parts<'a> {
    Parts {
        text: Placed { offset: TEXT, bytes: text },
        rodata: None,
        relro: Some(Placed { offset: RELRO, bytes: &[0; 8 * IMPORTS] }),
        data: Some(Placed { offset: DATA, bytes: data }),
        bss: Some((BSS, 3 * PAGE)),
        stack_bytes: STACK_BYTES,
        stack_reserve: 0,
        slots: (0..IMPORTS as u64).map(|import| RELRO + 8 * import).collect(),
        memory: Some(MemoryPart { content: CONTENT, initial, maximum }),
    }
}

/// rax of a call that returned.
pub fn returned(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Returned(results) => results.ints[0],
        other => panic!("{other:?}"),
    }
}

/// A result in rax.
pub fn int(value: u64) -> Results {
    Results { ints: [value, 0], ..Results::default() }
}

/// What `ping` adds up, with this host function.
pub fn mix(step: u64, sum: u64) -> u64 {
    (step ^ sum).wrapping_add(3)
}

/// What `ping` returns after `steps`.
pub fn mixed(steps: u64) -> u64 {
    (0..steps).fold(0u64, |sum, step| sum.wrapping_add(mix(step, sum)))
}

/// [`mix`] for the gate.
pub extern "sysv64" fn mix_typed(step: u64, sum: u64) -> u64 {
    mix(step, sum)
}

/// [`mix`], from memory.
pub fn mix_registers(_: &Activation, registers: &mut Registers) {
    registers.results = int(mix(registers.ints[0], registers.ints[1]));
}

/// One host function, by its code.
pub fn typed(code: *const ()) -> Imports {
    let mut imports = Imports::new();
    // SAFETY: the tests pass functions of the signatures that the guests call, without data.
    unsafe { imports.push_typed(code, std::ptr::null_mut()) };
    imports
}

/// One host function, from memory.
pub fn function(function: impl Fn(&Activation, &mut Registers) + Send + Sync + 'static) -> Imports {
    let mut imports = Imports::new();
    imports.push(Box::new(function));
    imports
}

/// Lines of this process's map.
pub fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Lines of the map inside an address range.
pub fn mappings_in(range: std::ops::Range<u64>) -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let is_inside = |line: &&str| {
        let start = line.split('-').next().unwrap();
        range.contains(&u64::from_str_radix(start, 16).unwrap())
    };
    maps.lines().filter(is_inside).map(str::to_owned).collect()
}

/// KiB of this process in memory.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn trusted() -> MemFlagsData {
    MemFlagsData::trusted().with_trap_code(None)
}

fn checked() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little).with_trap_code(Some(TrapCode::HEAP_OUT_OF_BOUNDS))
}

struct Body<'a, 'b> {
    builder: FunctionBuilder<'a>,
    parameters: &'b [Value],
    index: u32,
}

impl Body<'_, '_> {
    fn address(&mut self, datum: Datum) -> Value {
        let index = match datum {
            Datum::Memory => 0,
            Datum::Data => 1,
            Datum::Instance => 2,
            Datum::Slot(import) => 3 + import,
        };
        let function = &mut *self.builder.func;
        let name = function.declare_imported_user_function(UserExternalName { namespace: 1, index });
        let symbol = GlobalValueData::Symbol {
            name: ExternalName::user(name),
            offset: 0.into(),
            colocated: true,
            tls: false,
        };
        let value = function.create_global_value(symbol);
        self.builder.ins().symbol_value(I64, value)
    }

    fn load(&mut self, address: Value, offset: u64) -> Value {
        self.builder.ins().load(I64, trusted(), address, Offset32::new(offset as i32))
    }

    fn import(&mut self, import: u32, signature: Signature, arguments: &[Value]) -> Vec<Value> {
        let slot = self.address(Datum::Slot(import));
        let flags = trusted().with_readonly().with_can_move();
        let code = self.builder.ins().load(I64, flags, slot, Offset32::new(0));
        let signature = self.builder.import_signature(signature);
        let call = self.builder.ins().call_indirect(signature, code, arguments);
        self.builder.inst_results(call).to_vec()
    }

    /// Calls the function itself.
    fn again(&mut self, argument: Value) -> Value {
        let signature = self.builder.func.signature.clone();
        let signature = self.builder.import_signature(signature);
        let external = UserExternalName { namespace: 0, index: self.index };
        let name = self.builder.func.declare_imported_user_function(external);
        let function = self.builder.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        let call = self.builder.ins().call(function, &[argument]);
        self.builder.inst_results(call)[0]
    }

    fn finish(&mut self, results: &[Value]) {
        self.builder.ins().return_(results);
    }

    /// `turn` from 0 to `turns`, with values that it changes.
    fn repeat(
        &mut self,
        turns: Value,
        first: &[Value],
        turn: impl FnOnce(&mut Self, Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let counter = self.builder.declare_var(I64);
        let variables: Vec<_> = first.iter().map(|_| self.builder.declare_var(I64)).collect();
        let zero = self.builder.ins().iconst(I64, 0);
        self.builder.def_var(counter, zero);
        for (variable, value) in variables.iter().zip(first) {
            self.builder.def_var(*variable, *value);
        }
        let (again, done) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().jump(again, &[]);
        self.builder.switch_to_block(again);
        let at = self.builder.use_var(counter);
        let values: Vec<_> = variables.iter().map(|variable| self.builder.use_var(*variable)).collect();
        let values = turn(self, at, &values);
        for (variable, value) in variables.iter().zip(values) {
            self.builder.def_var(*variable, value);
        }
        let next = self.builder.ins().iadd_imm_s(at, 1);
        self.builder.def_var(counter, next);
        let more = self.builder.ins().icmp(IntCC::UnsignedLessThan, next, turns);
        self.builder.ins().brif(more, again, &[], done, &[]);
        self.builder.switch_to_block(done);
        variables.iter().map(|variable| self.builder.use_var(*variable)).collect()
    }
}

fn signature(ints: usize, with_floats: bool) -> Signature {
    let mut signature = Signature::new(isa::CallConv::SystemV);
    signature.params.extend((0..ints).map(|_| AbiParam::new(I64)));
    signature.returns.push(AbiParam::new(I64));
    if with_floats {
        signature.params.extend((0..8).map(|_| AbiParam::new(F64)));
        signature.returns.extend([AbiParam::new(I64), AbiParam::new(F64), AbiParam::new(F64)]);
    }
    signature
}

fn write_body(body: &mut Body<'_, '_>, name: &str) {
    let given = body.parameters.to_vec();
    match name {
        "add" => {
            let sum = body.builder.ins().iadd(given[0], given[1]);
            body.finish(&[sum]);
        }
        // Calls import 0 so many times: sum += import(step, sum).
        "ping" => {
            let zero = body.builder.ins().iconst(I64, 0);
            let sum = body.repeat(given[0], &[zero], |body, step, sums| {
                let result = body.import(0, signature(2, false), &[step, sums[0]])[0];
                vec![body.builder.ins().iadd(sums[0], result)]
            });
            body.finish(&sum);
        }
        // Passes all fourteen arguments to import 0 and its four results back.
        "wide" => {
            let results = body.import(0, signature(6, true), &given);
            body.finish(&results);
        }
        // Sums of even and of odd arguments.
        "floats" => {
            let mut sums = [given[0], given[1], given[6], given[7]];
            for (at, value) in given.iter().enumerate() {
                if (2..6).contains(&at) {
                    sums[at % 2] = body.builder.ins().iadd(sums[at % 2], *value);
                } else if at >= 8 {
                    sums[2 + at % 2] = body.builder.ins().fadd(sums[2 + at % 2], *value);
                }
            }
            body.finish(&sums);
        }
        // Adds to a variable; its value before.
        "datum" => {
            let address = body.address(Datum::Data);
            let value = body.load(address, 0);
            let sum = body.builder.ins().iadd(value, given[0]);
            body.builder.ins().store(trusted(), sum, address, Offset32::new(0));
            body.finish(&[value]);
        }
        "memory_bytes" => {
            let block = body.address(Datum::Instance);
            let value = body.load(block, instance::MEMORIES + 8);
            body.finish(&[value]);
        }
        "live" => write_live(body),
        _ => write_fault_or_loop(body, name),
    }
}

fn write_fault_or_loop(body: &mut Body<'_, '_>, name: &str) {
    let given = body.parameters.to_vec();
    match name {
        "load" | "store" => {
            let memory = body.address(Datum::Memory);
            let index = body.builder.ins().ireduce(I32, given[0]);
            let index = body.builder.ins().uextend(I64, index);
            let address = body.builder.ins().iadd(memory, index);
            let value = if name == "load" {
                body.builder.ins().load(I64, checked(), address, Offset32::new(0x10))
            } else {
                body.builder.ins().store(checked(), given[1], address, Offset32::new(0x10));
                given[1]
            };
            body.finish(&[value]);
        }
        "unwrap" => {
            body.builder.ins().trapz(given[0], TrapCode::unwrap_user(7));
            body.finish(&[given[0]]);
        }
        "divide" => {
            let value = body.builder.ins().sdiv(given[0], given[1]);
            body.finish(&[value]);
        }
        // Needs 256 bytes of stack a level.
        "recurse" => {
            let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 256, 4);
            let slot = body.builder.create_sized_stack_slot(slot);
            let address = body.builder.ins().stack_addr(I64, slot, 0);
            body.builder.ins().store(trusted(), given[0], address, Offset32::new(0));
            let result = body.again(given[0]);
            let kept = body.load(address, 0);
            let sum = body.builder.ins().iadd(result, kept);
            body.finish(&[sum]);
        }
        // So many levels deep, then import 0 with (0, 0). A level needs less stack than parking does.
        "deep" => {
            let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
            let slot = body.builder.create_sized_stack_slot(slot);
            let address = body.builder.ins().stack_addr(I64, slot, 0);
            body.builder.ins().store(trusted(), given[0], address, Offset32::new(0));
            let (leaf, inner) = (body.builder.create_block(), body.builder.create_block());
            body.builder.ins().brif(given[0], inner, &[], leaf, &[]);
            body.builder.switch_to_block(leaf);
            let zero = body.builder.ins().iconst(I64, 0);
            let result = body.import(0, signature(2, false), &[zero, zero]);
            body.finish(&result);
            body.builder.switch_to_block(inner);
            let less = body.builder.ins().iadd_imm_s(given[0], -1);
            let result = body.again(less);
            let kept = body.load(address, 0);
            let sum = body.builder.ins().iadd(result, kept);
            body.finish(&[sum]);
        }
        "spin" => {
            let memory = body.address(Datum::Memory);
            let forever = body.builder.create_block();
            body.builder.ins().jump(forever, &[]);
            body.builder.switch_to_block(forever);
            let value = body.load(memory, 64);
            let value = body.builder.ins().iadd_imm_s(value, 1);
            body.builder.ins().store(trusted(), value, memory, Offset32::new(64));
            body.builder.ins().jump(forever, &[]);
        }
        "count" => {
            let zero = body.builder.ins().iconst(I64, 0);
            let sum = body
                .repeat(given[0], &[zero], |body, step, sums| vec![body.builder.ins().iadd(sums[0], step)]);
            body.finish(&sum);
        }
        _ => unreachable!(),
    }
}

/// Twelve integers and twelve floats live in a loop: each grows by its own step.
fn write_live(body: &mut Body<'_, '_>) {
    let given = body.parameters.to_vec();
    let mut first: Vec<_> = (0..12).map(|at| body.builder.ins().iadd_imm_s(given[1], at * 1000)).collect();
    first.extend((0..12).map(|at| {
        let value = body.builder.ins().iadd_imm_s(given[1], at * 7);
        let value = body.builder.ins().fcvt_from_uint(F64, value);
        body.builder.ins().bitcast(I64, MemFlagsData::new(), value)
    }));
    let last = body.repeat(given[0], &first, |body, _, values| {
        let mut next: Vec<_> = values[..12]
            .iter()
            .zip(1..)
            .map(|(value, step)| {
                let value = body.builder.ins().iadd_imm_s(*value, step);
                body.builder.ins().rotl_imm_u(value, 1)
            })
            .collect();
        next.extend(values[12..].iter().map(|value| {
            let value = body.builder.ins().bitcast(F64, MemFlagsData::new(), *value);
            let one = body.builder.ins().f64const(1.0);
            let value = body.builder.ins().fadd(value, one);
            body.builder.ins().bitcast(I64, MemFlagsData::new(), value)
        }));
        next
    });
    let mut sum = last[0];
    for value in &last[1..] {
        sum = body.builder.ins().rotl_imm_u(sum, 5);
        sum = body.builder.ins().bxor(sum, *value);
    }
    body.finish(&[sum]);
}

/// What `live` returns for a small seed.
pub fn live(turns: u64, seed: u64) -> u64 {
    let mut ints: Vec<u64> = (0..12).map(|at| seed + at * 1000).collect();
    let mut floats: Vec<f64> = (0..12).map(|at| f64::from((seed + at * 7) as u32)).collect();
    for _ in 0..turns {
        for (value, step) in ints.iter_mut().zip(1..) {
            *value = value.wrapping_add(step).rotate_left(1);
        }
        for value in &mut floats {
            *value += 1.0;
        }
    }
    let mut values = ints.into_iter().chain(floats.into_iter().map(f64::to_bits));
    let first = values.next().unwrap();
    values.fold(first, |sum, value| sum.rotate_left(5) ^ value)
}

/// The text, linked, and its functions.
pub fn compile() -> (Vec<u8>, Vec<Compiled>) {
    let mut flags = settings::builder();
    for (name, value) in [("opt_level", "speed"), ("is_pic", "false"), ("unwind_info", "false")] {
        flags.set(name, value).unwrap();
    }
    let isa = isa::lookup_by_name("x86_64-unknown-linux-gnu").unwrap();
    let isa = isa.finish(settings::Flags::new(flags)).unwrap();
    let (mut text, mut functions, mut relocations) = (Vec::new(), Vec::new(), Vec::new());
    let mut builders = FunctionBuilderContext::new();
    for (index, (name, ints, with_floats)) in FUNCTIONS.iter().enumerate() {
        let user = UserFuncName::user(0, index as u32);
        let mut function = Function::with_name_signature(user, signature(*ints, *with_floats));
        let mut builder = FunctionBuilder::new(&mut function, &mut builders);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let parameters = builder.block_params(block).to_vec();
        let mut body = Body { builder, parameters: &parameters, index: index as u32 };
        write_body(&mut body, name);
        body.builder.seal_all_blocks();
        body.builder.finalize(isa.frontend_config());
        let mut context = Context::for_function(function);
        context.compile(&*isa, &mut ControlPlane::default()).unwrap();
        let code = context.compiled_code().unwrap();
        text.resize(text.len().next_multiple_of(32), 0xcc);
        let start = text.len() as u64;
        for relocation in code.buffer.relocs() {
            assert!(matches!(relocation.kind, Reloc::X86CallPCRel4 | Reloc::X86PCRel4));
            if let FinalizedRelocTarget::ExternalName(ExternalName::User(user)) = &relocation.target {
                let user = &context.func.params.user_named_funcs()[*user];
                let at = start as usize + relocation.offset as usize;
                relocations.push((at, user.namespace, user.index, relocation.addend));
            }
        }
        let traps = code.buffer.traps().iter();
        let traps = traps.map(|trap| (start + u64::from(trap.offset), trap.code.to_string())).collect();
        functions.push(Compiled { name, start, traps });
        text.extend_from_slice(code.buffer.data());
    }
    for (at, namespace, index, addend) in relocations {
        let target = match (namespace, index) {
            (0, index) => functions[index as usize].start,
            (_, 0) => LINEAR_MEMORY - TEXT,
            (_, 1) => DATA - TEXT,
            (_, 2) => INSTANCE_PAGE - TEXT,
            (_, slot) => RELRO + 8 * (u64::from(slot) - 3) - TEXT,
        };
        let distance = (target as i64 + addend - at as i64) as i32;
        text[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    }
    (text, functions)
}
