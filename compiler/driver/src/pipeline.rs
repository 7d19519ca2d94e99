//! The compiler as a function from sources to images.

use crate::rust::{self, Crates, NoCrates};
use crate::{Compilation, CompiledComponent, Fact, Options, PackageSource, ProjectSource, TestResult, Use};
use compiler_check::{Checked, CheckedUnit, Native, ParsedPackage, RightUse};
use compiler_codegen::Output;
use compiler_link::{image, system};
use compiler_mir::interpret::{Host, Interpreter, Message, Stop};
use compiler_mir::ir::{Component, Program};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::{Sources, Span};
use sci::digest::sha256;
use std::collections::BTreeMap;

/// The runtime's library, compiled into whatever uses it: package path, file name, text.
const LIBRARY: &[(&str, &str, &str)] =
    &[("space.text", "space/text.in", include_str!("../../../runtime/guest/std/text.in"))];

/// Steps that one `test` block may take.
const TEST_FUEL: u64 = 200_000_000;

/// Compiles every component of a project and links its system; a project with crates is refused.
pub fn compile(project: &ProjectSource, options: &Options) -> Compilation {
    compile_with(project, options, &NoCrates)
}

/// As [`compile`], with someone who builds the crates.
pub fn compile_with(project: &ProjectSource, options: &Options, crates: &dyn Crates) -> Compilation {
    let mut compilation = Compilation::default();
    let mut packages = Vec::new();
    for package in &project.packages {
        packages.push(parse(package, &mut compilation));
    }
    for (path, name, text) in LIBRARY {
        let file = compilation.sources.add(*name, *text);
        let (tree, diagnostics) = compiler_syntax::parse(file, text);
        compilation.diagnostics.extend(diagnostics);
        let span = Span::new(file, 0, 0);
        let (path, files) = ((*path).to_owned(), vec![tree]);
        packages.push(ParsedPackage { path, files, span, library: true, native: false });
    }
    if compilation.refused() {
        return compilation;
    }
    let checked = compiler_check::check(&packages);
    compilation.diagnostics.extend(checked.diagnostics.iter().cloned());
    if compilation.refused() {
        return compilation;
    }
    if options.tests {
        compilation.tests = checked.units.iter().flat_map(|unit| tests(unit, &compilation.sources)).collect();
    }
    compilation.diagnostics.extend(same_names(&checked));
    if compilation.refused() {
        return compilation;
    }
    let mut linked = Vec::new();
    for unit in &checked.units {
        if let Some(component) = &unit.program.component {
            match generate(unit, component, project, &compilation.sources) {
                Ok((compiled, image)) => {
                    linked.push((unit.package.clone(), image));
                    compilation.components.push(compiled);
                }
                Err(diagnostic) => compilation.diagnostics.push(diagnostic),
            }
        }
    }
    if !compilation.refused() {
        for native in &checked.natives {
            match rust::component(native, project, crates, &compilation.sources) {
                Ok((compiled, image)) => {
                    linked.push((native.package.clone(), image));
                    compilation.components.push(compiled);
                }
                Err(diagnostic) => compilation.diagnostics.push(diagnostic),
            }
        }
    }
    if !compilation.refused() {
        link_system(&checked, &linked, options, &mut compilation);
    }
    if compilation.refused() {
        compilation.components.clear();
    }
    compilation.components.sort_by(|a, b| a.name.cmp(&b.name));
    compilation
}

/// Components whose images would have one file name.
fn same_names(checked: &Checked) -> Vec<Diagnostic> {
    let mut known: BTreeMap<String, Span> = BTreeMap::new();
    let mut same = Vec::new();
    for component in components(checked) {
        let file = system::file_stem(&component.name);
        match known.get(&file) {
            Some(first) => {
                let message = format!("two components would be built into `{file}.sci`");
                same.push(
                    Diagnostic::error("duplicate-component", component.span, message)
                        .also(*first, "the other one")
                        .help("give one of them another name"),
                );
            }
            None => {
                known.insert(file, component.span);
            }
        }
    }
    same
}

/// Every component of the project.
fn components(checked: &Checked) -> impl Iterator<Item = &Component> {
    let compiled = checked.units.iter().filter_map(|unit| unit.program.component.as_ref());
    compiled.chain(checked.natives.iter().map(|native: &Native| &native.component))
}

fn parse(package: &PackageSource, compilation: &mut Compilation) -> ParsedPackage {
    let mut files = Vec::new();
    let mut span = Span::default();
    for source in package.files.iter().filter(|source| source.is_in()) {
        let file = compilation.sources.add(source.name.clone(), String::from_utf8_lossy(&source.bytes));
        if files.is_empty() {
            span = Span::new(file, 0, 0);
        }
        let (tree, diagnostics) = match compiler_syntax::decode(file, &source.bytes) {
            Ok(text) => compiler_syntax::parse(file, text),
            Err(diagnostic) => (compiler_syntax::tree::File::default(), vec![diagnostic]),
        };
        compilation.diagnostics.extend(diagnostics);
        files.push(tree);
    }
    ParsedPackage { path: package.path.join("."), files, span, library: false, native: package.is_crate() }
}

#[expect(clippy::result_large_err, reason = "made once per component")]
fn generate(
    unit: &CheckedUnit,
    component: &Component,
    project: &ProjectSource,
    sources: &Sources,
) -> Result<(CompiledComponent, Vec<u8>), Diagnostic> {
    let internal = |message: String| {
        Diagnostic::error("code-generation", component.span, message)
            .help("this is a defect of the compiler or a program beyond its limits; please report it")
    };
    let program = &unit.program;
    let unit_of_code =
        compiler_core::mir::unit(program, &[component.main]).map_err(|error| internal(error.to_string()))?;
    let options = compiler_codegen::Options { one_nan: true, ..Default::default() };
    let code =
        compiler_codegen::compile(&unit_of_code, options).map_err(|error| internal(error.to_string()))?;
    let files = hashes(unit, project);
    let input = image::Input { program, code: &code, sources, files: &files, flags: "" };
    let image = image::link(&input).map_err(|error| internal(error.to_string()))?;
    let compiled = CompiledComponent {
        name: system::file_stem(&component.name),
        package: unit.package.clone(),
        image: image.clone(),
        facts: facts(component, &code),
        uses: unit.uses.iter().map(|one| used(one, component, sources)).collect(),
    };
    Ok((compiled, image))
}

/// Names and hashes of the sources that a package's image depends on: its own, and the library's.
fn hashes(unit: &CheckedUnit, project: &ProjectSource) -> Vec<(String, [u8; 32])> {
    let own = project
        .packages
        .iter()
        .filter(|package| package.path.join(".") == unit.package)
        .flat_map(|package| package.files.iter().map(|file| (file.name.clone(), sha256(&file.bytes))));
    let library = LIBRARY.iter().map(|(_, name, text)| ((*name).to_owned(), sha256(text.as_bytes())));
    let mut files: Vec<(String, [u8; 32])> = own.chain(library).collect();
    files.sort();
    files
}

fn facts(component: &Component, code: &Output) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let functions: Vec<String> = code
        .functions
        .iter()
        .map(|function| {
            format!(
                "{}: {} bytes of code, {} bytes of stack",
                function.name, function.size, function.stack_bytes
            )
        })
        .collect();
    let entries: Vec<String> = component.entries.iter().map(|entry| entry.name.clone()).collect();
    vec![
        fact("entries", entries.join(", ")),
        fact("stack", format!("{} bytes, exact", code.stack_bytes)),
        fact("state", format!("{} bytes initialised, {} bytes zero", code.data.len(), code.bss_bytes)),
        fact("arena", format!("{} bytes, declared", component.facts.arena_bytes)),
        fact("system calls", code.slots.iter().map(|slot| slot.item.as_str()).collect::<Vec<_>>().join(", ")),
        fact("functions", functions.join("\n")),
    ]
}

pub(crate) fn place(sources: &Sources, span: Span) -> String {
    let position = sources.position(span.file, span.start);
    format!("{}:{}", sources.name(span.file), position.line)
}

fn used(one: &RightUse, component: &Component, sources: &Sources) -> Use {
    let capability = &component.capabilities[one.capability as usize];
    let mut path: Vec<String> =
        one.path.iter().map(|(name, span)| format!("{name} ({})", place(sources, *span))).collect();
    path.push(format!("{}.{} ({})", capability.name, one.method, place(sources, one.span)));
    Use {
        capability: capability.name.clone(),
        interface: capability.interface.clone(),
        method: one.method.clone(),
        declared: place(sources, capability.span),
        path,
    }
}

fn link_system(
    checked: &Checked,
    linked: &[(String, Vec<u8>)],
    options: &Options,
    compilation: &mut Compilation,
) {
    if options.os.is_empty() || linked.is_empty() {
        return;
    }
    let os: Vec<(&str, &[u8])> = options.os.iter().map(|image| (image.name, image.bytes)).collect();
    let block = checked.systems.first();
    match system::link(&system::Input { components: linked, os: &os, system: block }) {
        Ok(system) => {
            compilation.system = Some(system.into());
        }
        Err(error) => {
            let first = components(checked).next();
            let span =
                block.map(|system| system.span).or(first.map(|component| component.span)).unwrap_or_default();
            let (id, help) = match &error {
                system::Error::MissingProvider { .. } => (
                    "missing-provider",
                    "add a component that exports it, or a `system` block that grants it",
                ),
                system::Error::SeveralProviders { .. } => {
                    ("several-providers", "write a `system` block with a `connect` line that names the one")
                }
                system::Error::CallCycle { .. } => {
                    ("call-cycle", "let the lower side pull: turn one call around")
                }
                system::Error::PriorityOrder { .. } => {
                    ("priority-order", "raise the server's priority, or leave the priorities out")
                }
                system::Error::TooManyClients { .. } => {
                    ("too-many-clients", "run a second instance of the server")
                }
                system::Error::Image { .. }
                | system::Error::NoRoot
                | system::Error::NoComponent { .. }
                | system::Error::NoParameter { .. } => {
                    ("system-link", "this is a defect of the compiler; please report it")
                }
            };
            compilation.diagnostics.push(Diagnostic::error(id, span, error.to_string()).help(help));
        }
    }
}

/// What a `test` block finds outside itself: consoles swallow what is written, everything else is absent.
struct TestHost<'p> {
    program: &'p Program,
}

impl Host for TestHost<'_> {
    fn invoke(&mut self, message: Message<'_>) -> Result<(u64, [u64; 6]), Stop> {
        let component = self.program.component.as_ref();
        let interface =
            component.and_then(|component| component.capabilities.get(message.capability as usize));
        match interface.map(|capability| capability.interface.as_str()) {
            Some("DebugConsole") => Ok((0, [0; 6])),
            _ => Err(Stop::Refused { what: "another component" }),
        }
    }
}

fn tests(unit: &CheckedUnit, sources: &Sources) -> Vec<TestResult> {
    let program = &unit.program;
    let run = |(name, function): &(String, compiler_mir::ir::FunctionId)| {
        let mut host = TestHost { program };
        let mut interpreter = Interpreter::new(program, &mut host, TEST_FUEL);
        let failure = interpreter.call(*function, &[]).err().map(|stop| match stop {
            Stop::Trap { fault, span } => format!("{} at {}", fault.name(), place(sources, span)),
            Stop::Fuel => "it did not end within its steps".to_owned(),
            Stop::Depth => "it recursed too deep".to_owned(),
            Stop::Refused { what } => format!("it needs {what}, which a test does not have"),
        });
        let span = program.functions[function.index()].span;
        TestResult { name: name.clone(), place: place(sources, span), failure }
    };
    program.tests.iter().map(run).collect()
}
