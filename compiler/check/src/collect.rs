//! Declarations: from trees to the [`World`], in two passes, names first and then what they mean.

use crate::facts;
use crate::ty::Ty;
use crate::types::Scope;
use crate::vocabulary;
use crate::world::{
    CapabilityDef, ComponentDef, ConstantDef, Declared, Def, EnumDef, ExportDef, InterfaceDef, Package,
    StateDef, StructDef, SystemDef, TestDef, World,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, ItemKind};
use std::collections::BTreeMap;

/// The parsed files of one package.
#[derive(Debug)]
pub struct ParsedPackage {
    /// Dotted path by which others import it; empty for the root package.
    pub path: String,
    /// Trees of its files.
    pub files: Vec<tree::File>,
    /// Where an error about the whole package is shown: the start of its first file.
    pub span: Span,
    /// Whether it is part of the runtime's library.
    pub library: bool,
    /// Whether its component's code is a crate beside its sources, which only declare.
    pub native: bool,
}

/// Builds the world of all packages; what is wrong with declarations goes to `diagnostics`.
pub(crate) fn collect(packages: &[ParsedPackage], diagnostics: &mut Vec<Diagnostic>) -> World {
    let mut world = World::default();
    vocabulary::install(&mut world);
    let mut collector = Collector { world, diagnostics, pending: Vec::new() };
    for parsed in packages {
        collector.declare_package(parsed);
    }
    for (at, parsed) in packages.iter().enumerate() {
        collector.imports(at as u32, parsed);
    }
    collector.resolve();
    for (at, parsed) in packages.iter().enumerate() {
        if parsed.native {
            collector.only_declarations(at as u32, parsed);
        } else {
            collector.functions(at as u32, parsed);
        }
    }
    collector.world
}

pub(crate) struct Collector<'d> {
    pub world: World,
    pub diagnostics: &'d mut Vec<Diagnostic>,
    pending: Vec<(u32, Pending)>,
}

/// What a declared name still needs once every name is known.
pub(crate) enum Pending {
    Struct(u32, Vec<tree::Member>),
    Enum(u32, Vec<tree::Variant>),
    Interface(u32, Vec<tree::InterfaceItem>),
    Component(u32, Vec<tree::ComponentItem>),
}

impl Collector<'_> {
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn unsupported(&mut self, span: Span, what: &str) {
        self.report(unsupported(span, what));
    }

    fn declare(&mut self, package: u32, name: &tree::Name, def: Def, public: bool) {
        let declared = Declared { def, public, span: name.span };
        let known = self.world.packages[package as usize].names.insert(name.as_str().to_owned(), declared);
        if let Some(known) = known {
            self.report(
                Diagnostic::error(
                    "duplicate-name",
                    name.span,
                    format!("`{}` is declared twice", name.as_str()),
                )
                .here("declared again here")
                .also(known.span, "first declared here")
                .help("give one of the two another name"),
            );
        }
        if vocabulary::is_reserved(name.as_str()) {
            self.report(
                Diagnostic::error(
                    "reserved-name",
                    name.span,
                    format!("`{}` is a built-in name and cannot be declared", name.as_str()),
                )
                .help("choose another name"),
            );
        }
    }

    fn declare_package(&mut self, parsed: &ParsedPackage) {
        let package = self.world.packages.len() as u32;
        self.world.packages.push(Package {
            path: parsed.path.clone(),
            library: parsed.library,
            native: parsed.native,
            ..Package::default()
        });
        for item in parsed.files.iter().flat_map(|file| &file.items) {
            self.declare_item(package, item);
        }
    }

    fn declare_item(&mut self, package: u32, item: &tree::Item) {
        let public = item.public;
        match &item.kind {
            ItemKind::Import { .. } | ItemKind::Impl { .. } => {}
            ItemKind::Function { modifier, function } => {
                self.declare_function(package, item, modifier.as_ref(), function);
            }
            ItemKind::Struct { name, generics, members } => {
                self.no_generics(generics);
                let at = self.world.structs.len() as u32;
                self.world.structs.push(StructDef {
                    name: name.as_str().to_owned(),
                    fields: Vec::new(),
                    methods: BTreeMap::new(),
                    span: name.span,
                });
                self.declare(package, name, Def::Struct(at), public);
                self.pending.push((package, Pending::Struct(at, members.clone())));
            }
            ItemKind::Enum { name, generics, variants } => {
                self.no_generics(generics);
                let at = self.world.enums.len() as u32;
                self.world.enums.push(EnumDef {
                    name: name.as_str().to_owned(),
                    variants: Vec::new(),
                    span: name.span,
                });
                self.declare(package, name, Def::Enum(at), public);
                self.pending.push((package, Pending::Enum(at, variants.clone())));
            }
            ItemKind::Interface { name, items } => {
                let at = self.world.interfaces.len() as u32;
                self.world.interfaces.push(InterfaceDef {
                    name: self.qualified(package, name.as_str()),
                    methods: Vec::new(),
                    hash: [0; 32],
                    vocabulary: None,
                    span: name.span,
                });
                self.declare(package, name, Def::Interface(at), public);
                self.pending.push((package, Pending::Interface(at, items.clone())));
            }
            ItemKind::Component { name, items } => self.declare_component(package, name, items),
            ItemKind::Constant { name, ty, value } => {
                let at = self.world.constants.len() as u32;
                self.world.constants.push(ConstantDef {
                    name: name.as_str().to_owned(),
                    package,
                    ty: ty.clone(),
                    value: value.clone(),
                    span: name.span,
                });
                self.declare(package, name, Def::Constant(at), public);
            }
            ItemKind::Variable { name, ty, value } => self.declare_state(package, name, ty.as_ref(), value),
            ItemKind::Test { name, name_span, body } => self.world.tests.push(TestDef {
                name: name.clone(),
                package,
                body: body.clone(),
                span: *name_span,
            }),
            ItemKind::Topology { keyword, name, facts } if keyword.as_str() == "system" => {
                self.world.systems.push(SystemDef {
                    name: name.as_str().to_owned(),
                    package,
                    facts: facts.clone(),
                    span: name.span,
                });
            }
            ItemKind::Topology { keyword, .. } => {
                self.unsupported(keyword.span, &format!("a `{}` block", keyword.as_str()));
            }
            ItemKind::Use { path, .. } => self.unsupported(path.span, "`use`"),
            ItemKind::Object { name, .. } => self.unsupported(name.span, "an `object` schema"),
            ItemKind::Registers { name, .. } => self.unsupported(name.span, "a `registers` block"),
            ItemKind::Extern { language, .. } => self.unsupported(language.span, "`extern`"),
        }
        if !matches!(item.kind, ItemKind::Function { .. }) {
            for attribute in &item.attributes {
                self.unsupported(
                    attribute.span,
                    &format!("the attribute `@{}` here", attribute.name.as_str()),
                );
            }
        }
    }

    fn qualified(&self, package: u32, name: &str) -> String {
        let path = &self.world.packages[package as usize].path;
        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
    }

    pub(crate) fn no_generics(&mut self, generics: &[tree::Generic]) {
        if let Some(first) = generics.first() {
            self.unsupported(first.name.span, "a generic declaration");
        }
    }

    fn declare_function(
        &mut self,
        package: u32,
        item: &tree::Item,
        modifier: Option<&tree::Name>,
        function: &tree::Function,
    ) {
        match modifier.map(tree::Name::as_str) {
            None => {}
            Some("interrupt") => return,
            Some(other) => {
                let span = modifier.map_or(item.span, |name| name.span);
                if matches!(other, "task" | "distributed") {
                    self.unsupported(span, &format!("`{other} fn`"));
                } else {
                    self.report(
                        Diagnostic::error("unknown-modifier", span, format!("there is no `{other} fn`"))
                            .help("write `fn`, or `interrupt fn`"),
                    );
                }
            }
        }
        let at = u32::MAX;
        self.declare(package, &function.name, Def::Function(at), item.public);
    }

    fn declare_state(
        &mut self,
        package: u32,
        name: &tree::Name,
        ty: Option<&tree::Type>,
        value: &tree::Expr,
    ) {
        let at = self.world.states.len() as u32;
        self.world.states.push(StateDef {
            name: name.as_str().to_owned(),
            package,
            ty: ty.cloned(),
            value: value.clone(),
            span: name.span,
        });
        self.declare(package, name, Def::State(at), false);
    }

    fn declare_component(&mut self, package: u32, name: &tree::Name, items: &[tree::ComponentItem]) {
        let at = self.world.components.len() as u32;
        if let Some(first) = self.world.packages[package as usize].component {
            let first = self.world.components[first as usize].span;
            self.report(
                Diagnostic::error("second-component", name.span, "a package holds one component")
                    .also(first, "the first component of this package")
                    .help("move this component into a folder of its own"),
            );
            return;
        }
        self.world.packages[package as usize].component = Some(at);
        self.world.components.push(ComponentDef {
            name: name.as_str().to_owned(),
            package,
            capabilities: Vec::new(),
            exports: Vec::new(),
            facts: compiler_mir::ir::Facts::default(),
            native: facts::NativeFacts::default(),
            version: "0.0.0".to_owned(),
            span: name.span,
        });
        for item in items {
            if let tree::ComponentItem::Variable { name, ty, value } = item {
                self.declare_state(package, name, ty.as_ref(), value);
            }
        }
        self.pending.push((package, Pending::Component(at, items.to_vec())));
    }

    fn imports(&mut self, package: u32, parsed: &ParsedPackage) {
        for item in parsed.files.iter().flat_map(|file| &file.items) {
            let ItemKind::Import { path, alias } = &item.kind else { continue };
            let dotted = path.dotted();
            let Some(target) =
                self.world.packages.iter().position(|known| known.path == dotted && !dotted.is_empty())
            else {
                self.report(
                    Diagnostic::error(
                        "unknown-package",
                        path.span,
                        format!("there is no package `{dotted}`"),
                    )
                    .help("a package is a folder of `.in` files below the project's root"),
                );
                continue;
            };
            let name = alias.as_ref().unwrap_or(&path.names[path.names.len() - 1]);
            self.declare(package, name, Def::Package(target as u32), false);
        }
    }

    fn resolve(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        for (package, what) in &pending {
            match what {
                Pending::Struct(at, members) => self.fields(*package, *at, members),
                Pending::Enum(at, variants) => self.variants(*package, *at, variants),
                Pending::Interface(..) | Pending::Component(..) => {}
            }
        }
        crate::nesting::check(&mut self.world, self.diagnostics);
        for (package, what) in &pending {
            if let Pending::Interface(at, items) = what {
                self.methods(*package, *at, items);
            }
        }
        for (package, what) in pending {
            if let Pending::Component(at, items) = what {
                self.component(package, at, &items);
            }
        }
    }

    pub(crate) fn ty(&mut self, package: u32, ty: &tree::Type) -> Ty {
        Scope { world: &self.world, package, diagnostics: self.diagnostics }.resolve(ty)
    }

    fn component(&mut self, package: u32, at: u32, items: &[tree::ComponentItem]) {
        let mut lines = Vec::new();
        for item in items {
            match item {
                tree::ComponentItem::Capability { name, ty } | tree::ComponentItem::Import { name, ty } => {
                    self.capability(package, at, name, ty);
                }
                tree::ComponentItem::Export { name, interface } => self.export(package, at, name, interface),
                tree::ComponentItem::Variable { .. } => {}
                tree::ComponentItem::Fact(fact) => lines.push(fact.clone()),
            }
        }
        let is_native = self.world.packages[package as usize].native;
        let facts::Stated { facts, native, version } = facts::component(&lines, is_native, self.diagnostics);
        let component = &mut self.world.components[at as usize];
        component.version = version;
        component.native = native;
        let names: Vec<&tree::Name> = lines.iter().filter_map(facts::parameter_name).collect();
        for (index, (parameter, _)) in (0..).zip(&facts.parameters) {
            if let Some(name) = names.iter().find(|name| name.as_str() == parameter) {
                self.declare(package, name, Def::Parameter(index), false);
            }
        }
        self.world.components[at as usize].facts = facts;
    }

    fn capability(&mut self, package: u32, at: u32, name: &tree::Name, ty: &tree::CapabilityType) {
        if let Some(argument) = ty.arguments.first() {
            self.unsupported(argument.span, "a capability with type arguments");
            return;
        }
        let scope = Scope { world: &self.world, package, diagnostics: self.diagnostics };
        let Some(interface) = scope.interface(&ty.path) else { return };
        let Some(rights) = &ty.rights else {
            let names = self.world.interfaces[interface as usize].names(u64::MAX);
            self.report(
                Diagnostic::error("missing-rights", ty.span, format!("`{}` needs its rights", name.as_str()))
                    .here("which methods may be called?")
                    .help(format!("list them in parentheses; the interface has {names}")),
            );
            return;
        };
        let mut declared = 0;
        for right in rights {
            let tree::FactKind::Word(path) = &right.kind else {
                self.unsupported(right.span, "a constraint on a right");
                continue;
            };
            let word = path.dotted();
            let def = &self.world.interfaces[interface as usize];
            if let Some(method) = def.method(&word) {
                declared |= 1 << method;
            } else {
                let (has, name) = (def.names(u64::MAX), def.name.clone());
                self.report(
                    Diagnostic::error(
                        "unknown-right",
                        right.span,
                        format!("`{name}` has no method `{word}`"),
                    )
                    .help(format!("its methods are {has}")),
                );
            }
        }
        let rights_span = match (rights.first(), rights.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => ty.span,
        };
        let component = &mut self.world.components[at as usize];
        let slot = component.capabilities.len() as u32;
        component.capabilities.push(CapabilityDef {
            name: name.as_str().to_owned(),
            interface,
            declared,
            rights_span,
            span: name.span,
        });
        if slot >= sci::limits::CAPABILITIES_MAX {
            self.report(
                Diagnostic::error(
                    "too-many-capabilities",
                    name.span,
                    "a component has at most 64 capabilities",
                )
                .help("split the component"),
            );
        }
        self.declare(package, name, Def::Capability(slot), false);
    }

    fn export(&mut self, package: u32, at: u32, name: &tree::Name, path: &tree::Path) {
        let scope = Scope { world: &self.world, package, diagnostics: self.diagnostics };
        let Some(interface) = scope.interface(path) else { return };
        let def = &self.world.interfaces[interface as usize];
        let functions = vec![None; def.methods.len()];
        if !def.by_message() && !def.methods.is_empty() {
            let shown = def.name.clone();
            self.report(
                Diagnostic::error("kernel-interface", path.span, format!("only the kernel serves `{shown}`"))
                    .help("require it with `capability`, or export an interface of your own"),
            );
        }
        let component = &mut self.world.components[at as usize];
        let number = component.exports.len() as u32;
        component.exports.push(ExportDef {
            name: name.as_str().to_owned(),
            interface,
            functions,
            span: name.span,
        });
        self.declare(package, name, Def::Export(number), false);
    }
}

/// The error for a construct of the language that has no meaning yet.
pub(crate) fn unsupported(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("not-supported-yet", span, format!("{what} is not supported yet"))
}

/// Handles in an array would all be one to the checker: some could be forgotten.
pub(crate) fn handle_array(span: Span) -> Diagnostic {
    unsupported(span, "an array of handles").help("keep them in a table, or in fields of a struct")
}

pub(crate) fn duplicate_member(what: &str, name: &tree::Name, first: Span) -> Diagnostic {
    Diagnostic::error(
        "duplicate-member",
        name.span,
        format!("the {what} `{}` is declared twice", name.as_str()),
    )
    .also(first, "first declared here")
    .help("remove or rename one of them")
}

/// Whether one message word carries a value of the type.
pub(crate) fn message_scalar(world: &World, ty: &Ty) -> bool {
    match ty {
        Ty::Bool | Ty::Int { .. } | Ty::Id(_) | Ty::Error => true,
        Ty::Enum(at) => world.enums[*at as usize].variants.iter().all(|variant| variant.fields.is_empty()),
        _ => false,
    }
}
