//! A module that recognizes, interpreted: where no host runs its image, or for a guest that is alone.

use super::look::{Looks, MEMORY_BYTES, Misanswer, look};
use super::modules::FUEL;
use crate::imports::Shape;
use crate::lifecycle::{LOOK, LifecycleError, ROOM, judge_recognizer};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Debug, Formatter};
use sci::guest::{MEMORY_EXPORT, ValueType};
use sci::status::Fault;
use wasmi::{
    CompilationMode, Config, EnforcedLimits, Engine, Error, ExternType, Instance, Memory, Module, Store,
    StoreLimits, StoreLimitsBuilder, TrapCode, TypedFunc, ValType,
};

/// Elements of its tables, of which it has [`TABLES`] at most.
const ELEMENTS: usize = 4096;
const TABLES: usize = 4;
/// Bytes of its stack, and calls in each other.
const STACK_BYTES: usize = 256 << 10;
const CALLS: usize = 1000;

/// Why a module is no recognizer, or is one no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// It is no module, or one that the interpreter does not take.
    #[error("{0}")]
    Malformed(String),
    /// It has an import.
    #[error("the recognizer imports `{0}.{1}`")]
    Import(String, String),
    /// Its exports are no recognizer's.
    #[error(transparent)]
    Exports(#[from] LifecycleError),
    /// It did what cannot be done, or has used up its fuel.
    #[error("{}", .0.guest_meaning())]
    Trap(Fault),
    /// Something else has ended it: its first memory is too large.
    #[error("{0}")]
    Ended(String),
    /// It gave an answer that is none.
    #[error(transparent)]
    Answer(#[from] Misanswer),
}

/// A module that was judged and translated, and may run as often as there is room.
pub struct Translated(Module);

impl Debug for Translated {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Translated")
    }
}

impl Translated {
    /// Of a module's bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, ModuleError> {
        let mut config = Config::default();
        config.consume_fuel(true).ignore_custom_sections(true);
        // Memories are few and small. What a constant computes is evaluated by recursion, which has no bound.
        config.wasm_memory64(false).wasm_multi_memory(false).wasm_extended_const(false);
        // What is wrong is found before anything runs, and no reading pays for it.
        config.compilation_mode(CompilationMode::Eager);
        config.enforced_limits(EnforcedLimits::strict());
        config.set_max_stack_height(STACK_BYTES).set_max_recursion_depth(CALLS).set_max_cached_stacks(1);
        // What a module is translated to is gone when it is, since it has an engine of its own.
        let module = Module::new(&Engine::new(&config), bytes)
            .map_err(|error| ModuleError::Malformed(error.to_string()))?;
        if let Some(import) = module.imports().next() {
            return Err(ModuleError::Import(import.module().to_owned(), import.name().to_owned()));
        }
        judge_recognizer(module.exports().map(|export| (export.name(), shape(export.ty()))))?;
        Ok(Self(module))
    }

    /// Begins one.
    pub fn start(&self) -> Result<Interpreted, ModuleError> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY_BYTES as usize)
            .memories(1)
            .table_elements(ELEMENTS)
            .tables(TABLES)
            .instances(1);
        let mut store = Store::new(self.0.engine(), limits.build());
        store.limiter(|limits| limits);
        store.set_fuel(FUEL).map_err(|error| ended(&error))?;
        let instance = Instance::new(&mut store, &self.0, &[]).map_err(|error| ended(&error))?;
        let room = instance.get_typed_func(&store, ROOM).map_err(|error| ended(&error))?;
        let look = instance.get_typed_func(&store, LOOK).map_err(|error| ended(&error))?;
        let memory = instance.get_memory(&store, MEMORY_EXPORT);
        let memory = memory.ok_or(LifecycleError::Missing(MEMORY_EXPORT))?;
        Ok(Interpreted { store, memory, room, look })
    }
}

fn shape(ty: &ExternType) -> Shape {
    match ty {
        ExternType::Func(ty) => Shape::Function {
            parameters: ty.params().iter().copied().map(abi_type).collect(),
            results: ty.results().iter().copied().map(abi_type).collect(),
        },
        _ => Shape::Other(String::new()),
    }
}

fn abi_type(ty: ValType) -> ValueType {
    match ty {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        ValType::V128 => ValueType::V128,
        ValType::FuncRef | ValType::ExternRef => ValueType::Reference,
    }
}

/// The same words as those of a module that runs as an image.
fn ended(error: &Error) -> ModuleError {
    let Some(code) = error.as_trap_code() else { return ModuleError::Ended(error.to_string()) };
    ModuleError::Trap(match code {
        TrapCode::UnreachableCodeReached => Fault::Unreachable,
        TrapCode::MemoryOutOfBounds => Fault::MemoryBounds,
        TrapCode::TableOutOfBounds => Fault::TableBounds,
        TrapCode::IndirectCallToNull => Fault::NullElement,
        TrapCode::IntegerDivisionByZero => Fault::Division,
        TrapCode::IntegerOverflow => Fault::Overflow,
        TrapCode::BadConversionToInteger => Fault::Conversion,
        TrapCode::StackOverflow => Fault::StackOverflow,
        TrapCode::BadSignature => Fault::TypeMismatch,
        TrapCode::OutOfFuel => Fault::OutOfFuel,
        TrapCode::GrowthOperationLimited => return ModuleError::Ended(error.to_string()),
    })
}

/// One that runs.
pub struct Interpreted {
    store: Store<StoreLimits>,
    memory: Memory,
    room: TypedFunc<i32, i32>,
    look: TypedFunc<(i32, i32), i64>,
}

impl Debug for Interpreted {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Interpreted")
    }
}

impl Interpreted {
    /// Shows it a reading; the payload of the event, if it is one. After an error it has ended.
    pub fn look(&mut self, reading: &[u8]) -> Result<Option<Vec<u8>>, ModuleError> {
        self.store.set_fuel(FUEL).map_err(|error| ended(&error))?;
        look(self, reading)
    }

    /// Units of fuel that the last reading took, or its start.
    pub fn used(&self) -> u64 {
        FUEL.saturating_sub(self.store.get_fuel().unwrap_or_default())
    }
}

impl Looks for Interpreted {
    type Error = ModuleError;

    fn room(&mut self, bytes: u32) -> Result<u32, ModuleError> {
        self.room.call(&mut self.store, bytes as i32).map(|at| at as u32).map_err(|error| ended(&error))
    }

    fn look(&mut self, at: u32, bytes: u32) -> Result<u64, ModuleError> {
        let event = self.look.call(&mut self.store, (at as i32, bytes as i32));
        event.map(|event| event as u64).map_err(|error| ended(&error))
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> bool {
        self.memory.write(&mut self.store, at as usize, bytes).is_ok()
    }

    fn read(&mut self, at: u64, bytes: &mut [u8]) -> bool {
        self.memory.read(&self.store, at as usize, bytes).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use sci::limits::guest::MESSAGE_BYTES_MAX;

    const HEAD: &str = r#"(module (memory (export "memory") 1)
      (func (export "room") (param i32) (result i32) (i32.const 1024))"#;

    /// One whose readings are looked at so.
    fn looks(body: &str) -> Result<Interpreted, ModuleError> {
        whole(&format!(
            r#"{HEAD} (func (export "on_reading") (param $at i32) (param $bytes i32) (result i64) {body}))"#
        ))
    }

    fn whole(text: &str) -> Result<Interpreted, ModuleError> {
        Translated::new(&wat::parse_str(text).unwrap())?.start()
    }

    fn why(body: &str) -> String {
        looks(body).unwrap().look(b"{}").unwrap_err().to_string()
    }

    #[test]
    fn a_reading_is_an_event_or_none() {
        let mut none = looks("(i64.const 0)").unwrap();
        assert_eq!(none.look(b"{}"), Ok(None));
        let echo = "(i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) \
                    (i64.extend_i32_u (local.get $bytes)))";
        let mut echo = looks(echo).unwrap();
        for reading in [b"one".as_slice(), b"", b"three"] {
            assert_eq!(echo.look(reading), Ok(Some(reading.to_vec())));
        }
        assert!((1..100).contains(&echo.used()), "{}", echo.used());
    }

    #[test]
    fn each_reading_has_its_fuel() {
        let turns = |turns: u32| {
            let turn = "(br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))";
            looks(&format!("(local $n i32) (local.set $n (i32.const {turns})) (loop {turn}) (i64.const 0)"))
        };
        let mut many = turns(200_000).unwrap();
        for _ in 0..20 {
            assert_eq!(many.look(b"{}"), Ok(None));
        }
        assert!((200_000..FUEL).contains(&many.used()), "{}", many.used());
        let out = Err(ModuleError::Trap(Fault::OutOfFuel));
        assert_eq!(turns(2_000_000).unwrap().look(b"{}"), out);
        assert_eq!(why("(loop (br 0)) (i64.const 0)"), "all fuel consumed");
        let start = whole(&format!("{HEAD} (func $start (loop (br 0))) (start $start) {LOOKS})"));
        assert_eq!(start.err(), Some(ModuleError::Trap(Fault::OutOfFuel)));
    }

    const LOOKS: &str = r#"(func (export "on_reading") (param i32 i32) (result i64) (i64.const 0))"#;

    #[test]
    fn what_cannot_be_done_ends_it_in_the_words_of_an_image() {
        for (body, words) in [
            ("unreachable", "unreachable executed"),
            ("(drop (i32.load (i32.const 0x7fffffff))) (i64.const 0)", "out of bounds memory access"),
            ("(drop (i32.div_u (i32.const 1) (i32.const 0))) (i64.const 0)", "integer divide by zero"),
            ("(drop (i32.trunc_f32_u (f32.const -2))) (i64.const 0)", "integer overflow"),
            ("(i64.const 0xfffffff000000010)", "`on_reading` answers an event beyond the memory"),
            ("(i64.const 0x0000000000010001)", "`on_reading` answers more than an event may have"),
        ] {
            assert_eq!(why(body), words, "{body}");
        }
        let deep = whole(&format!(
            r#"{HEAD} (func $deep (param i32) (result i64) (call $deep (local.get 0)))
               (func (export "on_reading") (param i32 i32) (result i64)
                 (i64.add (call $deep (i32.const 0)) (i64.const 1))))"#
        ));
        assert_eq!(deep.unwrap().look(b"{}"), Err(ModuleError::Trap(Fault::StackOverflow)));
        let far = format!(
            r#"(module (memory (export "memory") 1) {LOOKS}
               (func (export "room") (param i32) (result i32) (i32.const 65535)))"#
        );
        assert_eq!(whole(&far).unwrap().look(b"{}"), Err(Misanswer::Room.into()));
        let longest = looks(&format!("(i64.const {MESSAGE_BYTES_MAX})")).unwrap().look(b"{}");
        assert_eq!(longest.map(|event| event.map(|payload| payload.len())), Ok(Some(65_536)));
    }

    #[test]
    fn memory_grows_to_its_bound() {
        // Answers how many pages there are when no more are given.
        let grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) \
                    (i64.store (i32.const 0) (i64.extend_i32_u (memory.size))) (i64.const 8)";
        let pages = looks(grow).unwrap().look(b"{}").unwrap().unwrap();
        assert_eq!(pages, vec![64, 0, 0, 0, 0, 0, 0, 0]);
        let large = |pages: u32| {
            whole(&format!(
                r#"(module (memory (export "memory") {pages}) {LOOKS}
                   (func (export "room") (param i32) (result i32) (i32.const 0)))"#
            ))
        };
        assert!(large(64).is_ok());
        assert!(matches!(large(65), Err(ModuleError::Ended(_))), "{:?}", large(65));
        assert!(matches!(
            whole(&format!("{HEAD} (table 4097 funcref) {LOOKS})")),
            Err(ModuleError::Ended(_))
        ));
        assert!(whole(&format!("{HEAD} (table 4096 funcref) {LOOKS})")).is_ok());
        assert!(matches!(whole(&format!("{HEAD} (memory 1) {LOOKS})")), Err(ModuleError::Malformed(_))));
    }

    #[test]
    fn one_that_could_do_more_is_refused() {
        let error = |text: &str| whole(text).unwrap_err().to_string();
        let import = format!(
            r#"(module (import "sys" "log" (func (param i32 i32) (result i32))) (memory (export "memory") 1)
               (func (export "room") (param i32) (result i32) (i32.const 0)) {LOOKS})"#
        );
        assert_eq!(error(&import), "the recognizer imports `sys.log`");
        assert_eq!(error("(module)"), "the module exports no `memory`");
        assert_eq!(error(&format!("{HEAD})")), "the module exports no `on_reading`");
        let other = format!(r#"{HEAD} (func (export "on_reading") (param i32) (result i64) (i64.const 0)))"#);
        assert_eq!(error(&other), "the export `on_reading` is not a function of type (i32, i32) -> (i64)");
        assert!(matches!(Translated::new(b"no module").unwrap_err(), ModuleError::Malformed(_)));
        let computed = format!("{HEAD} (global i32 (i32.add (i32.const 1) (i32.const 2))) {LOOKS})");
        assert!(matches!(whole(&computed), Err(ModuleError::Malformed(_))));
        let wide = format!("{HEAD} (memory i64 1) {LOOKS})");
        assert!(matches!(whole(&wide), Err(ModuleError::Malformed(_))));
    }

    #[test]
    fn vectors_and_floating_point_are_there() {
        let sum = "(i64.store (i32.const 0) (i64.trunc_f64_u (f64.sqrt (f64.const 1849)))) \
                   (v128.store (i32.const 8) (i32x4.add (i32x4.splat (i32.const 40)) (i32x4.splat (i32.const 2)))) \
                   (i64.const 12)";
        let payload = looks(sum).unwrap().look(b"{}").unwrap().unwrap();
        assert_eq!(payload, [43, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0]);
    }
}
