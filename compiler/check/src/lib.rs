//! Trees to MIR: names, types, ownership, authority.
//!
//! [`check`] takes the parsed packages of a project and gives, for each component, a whole program with its
//! facts, and everything that is wrong. It performs no I/O.
#![forbid(unsafe_code)]

mod body;
mod catalog;
mod collect;
mod constants;
mod exhaustive;
mod facts;
mod functions;
mod graph;
mod initial;
mod linear;
mod members;
mod native;
mod nesting;
mod sizes;
mod stubs;
mod system;
mod ty;
mod types;
mod unit;
mod views;
mod vocabulary;
mod world;

pub use catalog::CATALOG;
pub use collect::ParsedPackage;
pub use native::{Carried, EnumShape, ErrorShape, Face, MethodShape, Native, ParameterShape, Shape};
pub use system::{Connection, Grant, GrantKind, Instance, System};

use body::Body;
use compiler_mir::ir::{self, Program};
use compiler_syntax::diagnostic::{Diagnostic, Severity};
use ty::Ty;
use unit::Unit;
use world::World;

/// What checking gives.
#[derive(Debug, Default)]
pub struct Checked {
    /// Errors and warnings, in source order.
    pub diagnostics: Vec<Diagnostic>,
    /// One program for each component and for each package with tests; empty if there are errors.
    pub units: Vec<CheckedUnit>,
    /// The components whose code is a crate; empty if there are errors.
    pub natives: Vec<Native>,
    /// The `system` blocks; empty if there are errors.
    pub systems: Vec<System>,
}

/// The program of one package.
#[derive(Debug)]
pub struct CheckedUnit {
    /// Dotted path of the package; empty for the root package.
    pub package: String,
    /// The program; it holds a component, tests, or both.
    pub program: Program,
    /// Who uses which right of the component.
    pub uses: Vec<RightUse>,
}

/// One reachable use of a right, with one shortest way to it.
#[derive(Clone, Debug)]
pub struct RightUse {
    /// The capability's slot.
    pub capability: u32,
    /// The method's name.
    pub method: String,
    /// Functions from the entry to the use, with where each is declared.
    pub path: Vec<(String, compiler_syntax::span::Span)>,
    /// Where it is used.
    pub span: compiler_syntax::span::Span,
}

/// Checks a project.
pub fn check(packages: &[ParsedPackage]) -> Checked {
    let mut diagnostics = Vec::new();
    let world = collect::collect(packages, &mut diagnostics);
    let mut units = Vec::new();
    for (at, parsed) in packages.iter().enumerate() {
        if parsed.library || parsed.native {
            continue;
        }
        let mut unit = Unit::new(&world, at as u32);
        package(&mut unit, at as u32);
        diagnostics.append(&mut unit.diagnostics);
        units.push(CheckedUnit { package: parsed.path.clone(), program: unit.program, uses: unit.uses });
    }
    let components =
        world.components.iter().any(|component| !world.packages[component.package as usize].library);
    if !components && diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error) {
        let span =
            packages.iter().find(|package| !package.library).map(|package| package.span).unwrap_or_default();
        diagnostics.push(
            Diagnostic::error("no-component", span, "the project has no component")
                .help("write `component Name { }` and `fn start() { }`"),
        );
    }
    let systems = system::systems(&world, &mut diagnostics);
    diagnostics.sort_by(|a, b| (a.primary, a.id, &a.message).cmp(&(b.primary, b.id, &b.message)));
    diagnostics.dedup();
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    if failed {
        // What is unused in a program with errors may be used once they are mended.
        diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        return Checked { diagnostics, ..Checked::default() };
    }
    units.retain(|unit| unit.program.component.is_some() || !unit.program.tests.is_empty());
    let natives = native::natives(&world);
    Checked { diagnostics, units, natives, systems }
}

/// Lowers a package: its state, functions, tests, and component.
fn package(unit: &mut Unit<'_>, at: u32) {
    let world = unit.world;
    for state in (0u32..).zip(&world.states).filter(|(_, state)| state.package == at).map(|(state, _)| state)
    {
        unit.state_type(state);
    }
    for (index, function) in world.functions.iter().enumerate() {
        if function.package == at {
            unit.function_id(index as u32);
        }
    }
    constants(unit, at);
    let component = world.packages[at as usize].component;
    let main = component.map(|component| (component, stubs::main(unit, component)));
    lower_queue(unit);
    tests(unit, at);
    lower_queue(unit);
    if let Some(span) = unit.constants_too_deep {
        let message = "constants and initial values refer to one another too deep";
        unit.report(
            Diagnostic::error("constant-cycle", span, message).help("give one of them a value of its own"),
        );
    }
    // Where lowering failed, values are missing that would look forgotten.
    let lowered = unit.diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    if let Some((component, (main, entries))) = main {
        let def = &world.components[component as usize];
        if lowered && entries.is_empty() && def.exports.is_empty() {
            let message = format!("nothing in `{}` ever runs", def.name);
            unit.report(
                Diagnostic::warning("nothing-runs", def.span, message)
                    .help("write `fn start() { }`, export an interface, or bind an `interrupt fn`"),
            );
        }
        unit.program.component = Some(describe(world, component, main, entries));
        graph::authority(unit, component);
    }
    graph::recursion(unit);
    if lowered {
        linear::check(unit);
        views::check(unit);
        sizes::check(unit);
    }
    if unit.diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error) {
        initial::compute(unit);
    }
}

fn lower_queue(unit: &mut Unit<'_>) {
    while let Some(at) = unit.queue.pop() {
        let def = &unit.world.functions[at as usize];
        let id = unit.function_id(at);
        let returns = Unit::full_result(def);
        let mut body = Body::new(unit, def.package, id, &returns);
        for parameter in &def.parameters {
            body.parameter(&parameter.name, &parameter.ty, parameter.mode, parameter.span);
        }
        body.result_local();
        body.function_body(&def.body);
        body.finish(def.depth);
    }
}

fn tests(unit: &mut Unit<'_>, package: u32) {
    let world = unit.world;
    for test in world.tests.iter().filter(|test| test.package == package) {
        let id = unit.reserve(&format!("test {}", test.name), test.span);
        let mut body = Body::new(unit, package, id, &Ty::Unit);
        body.in_test = true;
        body.function_body(&test.body);
        body.finish(None);
        unit.program.tests.push((test.name.clone(), id));
    }
}

/// Checks constants that nobody uses, so that their errors show too.
fn constants(unit: &mut Unit<'_>, package: u32) {
    let world = unit.world;
    for (at, constant) in
        world.constants.iter().enumerate().filter(|(_, constant)| constant.package == package)
    {
        let id = unit.reserve(&format!("constant {}", constant.name), constant.span);
        let mut body = Body::new(unit, package, id, &Ty::Unit);
        body.check_constant(at as u32, constant.span);
        body.finish(None);
    }
}

fn describe(world: &World, component: u32, main: ir::FunctionId, entries: Vec<ir::Entry>) -> ir::Component {
    let def = &world.components[component as usize];
    let capabilities = def
        .capabilities
        .iter()
        .map(|capability| {
            let interface = &world.interfaces[capability.interface as usize];
            ir::Capability {
                name: capability.name.clone(),
                interface: interface.name.clone(),
                hash: interface.hash,
                declared: capability.declared,
                used: 0,
                message: interface.by_message(),
                window_bytes: window_bytes(world, capability.interface),
                span: capability.span,
            }
        })
        .collect();
    let exports = def
        .exports
        .iter()
        .map(|export| {
            let interface = &world.interfaces[export.interface as usize];
            let of = |function: &Option<u32>| {
                function.and_then(|at| entries_function(&entries, world, export, at)).unwrap_or(main)
            };
            ir::Export {
                name: export.name.clone(),
                interface: interface.name.clone(),
                hash: interface.hash,
                methods: export.functions.iter().map(of).collect(),
                method_names: interface.methods.iter().map(|method| method.name.clone()).collect(),
                window_bytes: window_bytes(world, export.interface),
                span: export.span,
            }
        })
        .collect();
    ir::Component {
        package: world.packages[def.package as usize].path.clone(),
        name: def.name.clone(),
        version: def.version.clone(),
        capabilities,
        exports,
        main,
        entries,
        facts: def.facts.clone(),
        span: def.span,
    }
}

fn entries_function(
    entries: &[ir::Entry],
    world: &World,
    export: &world::ExportDef,
    function: u32,
) -> Option<ir::FunctionId> {
    let world::FunctionKind::Served(number, method) = world.functions[function as usize].kind else {
        return None;
    };
    let kind = ir::EntryKind::Method(number, method);
    debug_assert_eq!(
        export.functions[method as usize],
        Some(function),
        "a method is carried out by its function"
    );
    entries.iter().find(|entry| entry.kind == kind).map(|entry| entry.function)
}

/// Bytes of window for an interface whose methods lend text or slices.
fn window_bytes(world: &World, interface: u32) -> u32 {
    let lends = world.interfaces[interface as usize].methods.iter().any(|method| {
        method.served == world::Served::Message && method.parameters.iter().any(|p| p.ty.is_view())
    });
    let inline = world.interfaces[interface as usize].vocabulary.is_some()
        && world.interfaces[interface as usize].name == "Supervisor";
    if lends && !inline { sci::layout::PAGE as u32 } else { 0 }
}
