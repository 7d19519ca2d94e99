//! Declarations: from trees to the [`World`], in two passes, names first and then what they mean.

use crate::facts;
use crate::ty::Ty;
use crate::types::Scope;
use crate::vocabulary;
use crate::world::{
    CapabilityDef, ComponentDef, ConstantDef, Declared, Def, EnumDef, ExportDef, FieldDef, FunctionDef,
    FunctionKind, InterfaceDef, MethodDef, Mode, Package, ParameterDef, Served, StateDef, StructDef,
    SystemDef, TestDef, VariantDef, World,
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
        collector.functions(at as u32, parsed);
    }
    collector.world
}

struct Collector<'d> {
    world: World,
    diagnostics: &'d mut Vec<Diagnostic>,
    pending: Vec<(u32, Pending)>,
}

/// What a declared name still needs once every name is known.
enum Pending {
    Struct(u32, Vec<tree::Member>),
    Enum(u32, Vec<tree::Variant>),
    Interface(u32, Vec<tree::InterfaceItem>),
    Component(u32, Vec<tree::ComponentItem>),
}

impl Collector<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn unsupported(&mut self, span: Span, what: &str) {
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

    fn no_generics(&mut self, generics: &[tree::Generic]) {
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
        self.no_endless_types();
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

    fn ty(&mut self, package: u32, ty: &tree::Type) -> Ty {
        Scope { world: &self.world, package, diagnostics: self.diagnostics }.resolve(ty)
    }

    fn fields(&mut self, package: u32, at: u32, members: &[tree::Member]) {
        let mut fields: Vec<FieldDef> = Vec::new();
        for member in members {
            match member {
                tree::Member::Field(field) => {
                    let ty = self.ty(package, &field.ty);
                    if ty.holds_view() {
                        self.report(
                            Diagnostic::error("view-in-field", field.ty.span, "a field cannot hold a view")
                                .here("text and slices live only in locals, parameters and results")
                                .help("hold the bytes in an array, and the length beside it"),
                        );
                    }
                    if let Some(known) = fields.iter().find(|known| known.name == field.name.as_str()) {
                        let span = known.span;
                        self.report(duplicate_member("field", &field.name, span));
                    }
                    fields.push(FieldDef {
                        name: field.name.as_str().to_owned(),
                        ty,
                        default: field.default.clone(),
                        span: field.name.span,
                    });
                }
                tree::Member::Method(_) => {}
                tree::Member::Fact(fact) => self.unsupported(fact.span, "a fact in a struct"),
            }
        }
        self.world.structs[at as usize].fields = fields;
    }

    fn variants(&mut self, package: u32, at: u32, variants: &[tree::Variant]) {
        let mut defs: Vec<VariantDef> = Vec::new();
        let span = self.world.enums[at as usize].span;
        for variant in variants {
            if let Some(discriminant) = &variant.discriminant {
                self.unsupported(discriminant.span, "a variant's number");
            }
            if defs.iter().any(|known| known.name == variant.name.as_str()) {
                self.report(duplicate_member("variant", &variant.name, span));
            }
            let fields = variant
                .payload
                .iter()
                .map(|(name, ty)| (name.as_ref().map(|name| name.as_str().to_owned()), self.ty(package, ty)))
                .collect::<Vec<_>>();
            if fields.iter().any(|(_, ty)| ty.holds_view()) {
                self.report(
                    Diagnostic::error("view-in-field", variant.name.span, "a variant cannot hold a view")
                        .help("hold the bytes in an array, and the length beside it"),
                );
            }
            defs.push(VariantDef { name: variant.name.as_str().to_owned(), fields });
        }
        if defs.is_empty() {
            self.report(
                Diagnostic::error("empty-enum", span, "an enum needs at least one variant")
                    .help("list the variants between the braces"),
            );
            defs.push(VariantDef { name: String::new(), fields: Vec::new() });
        }
        self.world.enums[at as usize].variants = defs;
    }

    /// A struct or enum that contains itself would have no size.
    fn no_endless_types(&mut self) {
        for at in 0..self.world.structs.len() {
            if contains_itself(&self.world, &Ty::Struct(at as u32), &mut Vec::new()) {
                let (span, name) = (self.world.structs[at].span, self.world.structs[at].name.clone());
                self.world.structs[at].fields.clear();
                self.report(endless(span, &name));
            }
        }
        for at in 0..self.world.enums.len() {
            if contains_itself(&self.world, &Ty::Enum(at as u32), &mut Vec::new()) {
                let (span, name) = (self.world.enums[at].span, self.world.enums[at].name.clone());
                for variant in &mut self.world.enums[at].variants {
                    variant.fields.clear();
                }
                self.report(endless(span, &name));
            }
        }
    }

    fn methods(&mut self, package: u32, at: u32, items: &[tree::InterfaceItem]) {
        let mut version = 1;
        let mut methods: Vec<MethodDef> = Vec::new();
        for item in items {
            match item {
                tree::InterfaceItem::Method { attributes, function, .. } => {
                    if let Some(known) = methods.iter().find(|known| known.name == function.name.as_str()) {
                        let span = known.span;
                        self.report(duplicate_member("method", &function.name, span));
                    }
                    let method = self.method(package, attributes, function);
                    methods.push(method);
                }
                tree::InterfaceItem::Event { name, .. } => self.unsupported(name.span, "an `event`"),
                tree::InterfaceItem::Fact(fact) if fact.key.as_str() == "version" => {
                    version = facts::integer_argument(fact, self.diagnostics).unwrap_or(1);
                }
                tree::InterfaceItem::Fact(fact) => {
                    self.unsupported(fact.span, &format!("`{}` in an interface", fact.key.as_str()));
                }
            }
        }
        if methods.len() > sci::limits::METHODS_MAX as usize {
            let span = self.world.interfaces[at as usize].span;
            self.report(
                Diagnostic::error("too-many-methods", span, "an interface has at most 64 methods")
                    .help("split it into two interfaces"),
            );
            methods.truncate(64);
        }
        let hash = vocabulary::hash(&self.world, &self.world.interfaces[at as usize].name, version, &methods);
        self.world.interfaces[at as usize].methods = methods;
        self.world.interfaces[at as usize].hash = hash;
    }

    fn method(
        &mut self,
        package: u32,
        attributes: &[tree::Attribute],
        function: &tree::Function,
    ) -> MethodDef {
        let mut nondeterministic = false;
        for attribute in attributes {
            if attribute.name.as_str() == "nondet" {
                nondeterministic = true;
            } else {
                self.unsupported(
                    attribute.span,
                    &format!("the attribute `@{}` here", attribute.name.as_str()),
                );
            }
        }
        if let Some(body) = &function.body {
            self.report(
                Diagnostic::error(
                    "method-with-body",
                    body.span,
                    "an interface only says what its methods take and give",
                )
                .help("move the body into the component's `impl` block"),
            );
        }
        let (parameters, returns, error) = self.signature(package, function);
        for parameter in &parameters {
            let ok = match (&parameter.ty, parameter.mode) {
                (Ty::Error, _) => true,
                (ty, Mode::Read) if message_scalar(&self.world, ty) => true,
                (Ty::Str, Mode::Read) => true,
                (Ty::Slice(element), Mode::Read | Mode::Inout) => message_scalar(&self.world, element),
                _ => false,
            };
            if !ok {
                self.unsupported(parameter.span, "an argument of this kind in a message");
            }
        }
        let result_ok = |ty: &Ty| matches!(ty, Ty::Unit | Ty::Error) || message_scalar(&self.world, ty);
        let error_ok = error.as_ref().is_none_or(|error| match error {
            Ty::Enum(at) => self.world.enums[*at as usize].variants.iter().all(|variant| {
                variant.fields.len() <= 4
                    && variant.fields.iter().all(|(_, ty)| message_scalar(&self.world, ty))
            }),
            ty => ty.is_error(),
        });
        if !result_ok(&returns) || !error_ok {
            self.unsupported(function.span, "a result of this kind in a message");
        }
        if parameters.len() > sci::limits::MESSAGE_WORDS {
            self.report(
                Diagnostic::error(
                    "too-many-arguments",
                    function.span,
                    "a message carries at most 6 arguments",
                )
                .help("split the method"),
            );
        }
        MethodDef {
            name: function.name.as_str().to_owned(),
            parameters,
            returns,
            error,
            served: Served::Message,
            nondeterministic,
            span: function.name.span,
        }
    }

    fn signature(&mut self, package: u32, function: &tree::Function) -> (Vec<ParameterDef>, Ty, Option<Ty>) {
        self.no_generics(&function.generics);
        if let Some(first) = function.effects.as_ref().and_then(|effects| effects.first()) {
            self.unsupported(first.span, "an `effects` clause");
        }
        let mut parameters: Vec<ParameterDef> = Vec::new();
        for parameter in &function.parameters {
            let Some(ty) = &parameter.ty else { continue };
            let ty = self.ty(package, ty);
            if let Some(known) = parameters.iter().find(|known| known.name == parameter.name.as_str()) {
                let span = known.span;
                self.report(duplicate_member("parameter", &parameter.name, span));
            }
            parameters.push(ParameterDef {
                mode: parameter.mode,
                name: parameter.name.as_str().to_owned(),
                ty,
                any_handle: false,
                span: parameter.span,
            });
        }
        let returns = function.returns.as_ref().map_or(Ty::Unit, |ty| self.ty(package, ty));
        let error = function.error.as_ref().map(|path| {
            Scope { world: &self.world, package, diagnostics: self.diagnostics }.error_type(path)
        });
        (parameters, returns, error)
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
        let (facts, version) = facts::component(&lines, self.diagnostics);
        let component = &mut self.world.components[at as usize];
        component.facts = facts;
        component.version = version;
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

    /// Signatures and bodies, once every type is known.
    fn functions(&mut self, package: u32, parsed: &ParsedPackage) {
        let mut interrupts = 0;
        for item in parsed.files.iter().flat_map(|file| &file.items) {
            match &item.kind {
                ItemKind::Function { modifier, function } => {
                    let kind = if modifier.as_ref().is_some_and(|word| word.as_str() == "interrupt") {
                        interrupts += 1;
                        FunctionKind::Interrupt(interrupts - 1)
                    } else {
                        FunctionKind::Plain
                    };
                    let name = function.name.as_str().to_owned();
                    let Some(at) =
                        self.function(package, &item.attributes, function, name.clone(), kind, None)
                    else {
                        self.world.packages[package as usize].names.remove(&name);
                        continue;
                    };
                    if let Some(declared) = self.world.packages[package as usize].names.get_mut(&name)
                        && matches!(declared.def, Def::Function(_))
                    {
                        declared.def = Def::Function(at);
                    }
                }
                ItemKind::Struct { name, members, .. } => {
                    let Some(Declared { def: Def::Struct(owner), .. }) =
                        self.world.packages[package as usize].names.get(name.as_str()).cloned()
                    else {
                        continue;
                    };
                    for member in members {
                        let tree::Member::Method(function) = member else { continue };
                        let shown = format!("{}.{}", name.as_str(), function.name.as_str());
                        let receiver = Some(Ty::Struct(owner));
                        if let Some(at) =
                            self.function(package, &[], function, shown, FunctionKind::Method, receiver)
                        {
                            self.world.structs[owner as usize]
                                .methods
                                .insert(function.name.as_str().to_owned(), at);
                        }
                    }
                }
                ItemKind::Impl { path, items } => self.implementation(package, path, items),
                _ => {}
            }
        }
        if interrupts > 64 {
            self.report(Diagnostic::error(
                "too-many-interrupts",
                parsed.span,
                "a component has at most 64 interrupt functions",
            ));
        }
        self.complete_exports(package);
    }

    fn function(
        &mut self,
        package: u32,
        attributes: &[tree::Attribute],
        function: &tree::Function,
        name: String,
        kind: FunctionKind,
        receiver: Option<Ty>,
    ) -> Option<u32> {
        let mut depth = None;
        for attribute in attributes {
            match attribute.name.as_str() {
                "depth" => match attribute.arguments.first().map(|argument| &argument.kind) {
                    Some(tree::FactKind::Literal(tree::Literal::Integer(value)))
                        if (1..=1_000_000).contains(&value.value) =>
                    {
                        depth = Some(value.value as u32);
                    }
                    _ => self.report(
                        Diagnostic::error(
                            "bad-depth",
                            attribute.span,
                            "`@depth` takes a number from 1 to 1,000,000",
                        )
                        .help("write `@depth(16)`"),
                    ),
                },
                other => self.unsupported(attribute.span, &format!("the attribute `@{other}`")),
            }
        }
        let (mut parameters, returns, error) = self.signature(package, function);
        if let Some(parameter) = function.parameters.iter().find(|parameter| parameter.ty.is_none()) {
            if let Some(ty) = receiver {
                parameters.insert(
                    0,
                    ParameterDef {
                        mode: parameter.mode,
                        name: "self".to_owned(),
                        ty,
                        any_handle: false,
                        span: parameter.span,
                    },
                );
            } else {
                self.report(
                    Diagnostic::error(
                        "self-outside-method",
                        parameter.span,
                        "only methods of a struct have `self`",
                    )
                    .help("give the parameter a name and a type"),
                );
            }
        } else if receiver.is_some() {
            self.report(
                Diagnostic::error("missing-self", function.name.span, "a method's first parameter is `self`")
                    .help("write `fn name(self, …)`, or move the function out of the struct"),
            );
            return None;
        }
        if matches!(kind, FunctionKind::Interrupt(_))
            && (!parameters.is_empty() || returns != Ty::Unit || error.is_some())
        {
            self.report(
                Diagnostic::error(
                    "interrupt-signature",
                    function.span,
                    "an interrupt function takes and gives nothing",
                )
                .help("keep what it needs in state"),
            );
            parameters.clear();
        }
        let Some(body) = &function.body else {
            self.report(
                Diagnostic::error("missing-body", function.name.span, format!("`{name}` has no body"))
                    .help("write its statements in braces"),
            );
            return None;
        };
        self.world.functions.push(FunctionDef {
            name,
            package,
            parameters,
            returns,
            error,
            body: body.clone(),
            kind,
            depth,
            span: function.name.span,
        });
        Some(self.world.functions.len() as u32 - 1)
    }

    fn implementation(&mut self, package: u32, path: &tree::Path, items: &[tree::Item]) {
        let dotted = path.dotted();
        let declared = self.world.packages[package as usize].names.get(&dotted).map(|declared| declared.def);
        let (Some(Def::Export(export)), Some(component)) =
            (declared, self.world.packages[package as usize].component)
        else {
            self.report(
                Diagnostic::error(
                    "unknown-export",
                    path.span,
                    format!("`{dotted}` is not an export of this component"),
                )
                .help(format!("write `export {dotted}: Interface` in the component block")),
            );
            return;
        };
        for item in items {
            let ItemKind::Function { modifier: None, function } = &item.kind else {
                self.report(
                    Diagnostic::error("not-a-method", item.span, "an `impl` block holds only methods")
                        .help("move this declaration out of the block"),
                );
                continue;
            };
            let interface = self.world.components[component as usize].exports[export as usize].interface;
            let Some(method) = self.world.interfaces[interface as usize].method(function.name.as_str())
            else {
                let (name, has) = {
                    let def = &self.world.interfaces[interface as usize];
                    (def.name.clone(), def.names(u64::MAX))
                };
                self.report(
                    Diagnostic::error(
                        "unknown-method",
                        function.name.span,
                        format!("`{name}` has no method `{}`", function.name.as_str()),
                    )
                    .help(format!("its methods are {has}")),
                );
                continue;
            };
            let shown = format!("{dotted}.{}", function.name.as_str());
            let kind = FunctionKind::Served(export, method);
            let Some(at) = self.function(package, &item.attributes, function, shown, kind, None) else {
                continue;
            };
            self.compare_signature(interface, method, at);
            let slot = &mut self.world.components[component as usize].exports[export as usize].functions
                [method as usize];
            if let Some(first) = *slot {
                let first = self.world.functions[first as usize].span;
                self.report(duplicate_member("method", &function.name, first));
            }
            self.world.components[component as usize].exports[export as usize].functions[method as usize] =
                Some(at);
        }
    }

    fn compare_signature(&mut self, interface: u32, method: u32, function: u32) {
        let wanted = &self.world.interfaces[interface as usize].methods[method as usize];
        let given = &self.world.functions[function as usize];
        let same = wanted.returns == given.returns
            && wanted.error == given.error
            && wanted.parameters.len() == given.parameters.len()
            && wanted.parameters.iter().zip(&given.parameters).all(|(a, b)| a.ty == b.ty && a.mode == b.mode);
        if !same {
            let diagnostic = Diagnostic::error(
                "signature-mismatch",
                given.span,
                format!("`{}` does not take and give what its interface says", given.name),
            )
            .help("copy the line from the interface");
            let diagnostic =
                if wanted.span.end > 0 { diagnostic.also(wanted.span, "declared here") } else { diagnostic };
            self.report(diagnostic);
        }
    }

    fn complete_exports(&mut self, package: u32) {
        let Some(component) = self.world.packages[package as usize].component else { return };
        let mut missing = Vec::new();
        for export in &self.world.components[component as usize].exports {
            let interface = &self.world.interfaces[export.interface as usize];
            for (method, function) in interface.methods.iter().zip(&export.functions) {
                if function.is_none() {
                    missing.push((export.span, export.name.clone(), method.name.clone()));
                }
            }
        }
        for (span, export, method) in missing {
            self.report(
                Diagnostic::error("missing-method", span, format!("`{export}` lacks its method `{method}`"))
                    .help(format!("write `fn {method}` in `impl {export} {{ … }}`")),
            );
        }
    }
}

/// The error for a construct of the language that has no meaning yet.
pub(crate) fn unsupported(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("not-supported-yet", span, format!("{what} is not supported yet"))
}

fn duplicate_member(what: &str, name: &tree::Name, first: Span) -> Diagnostic {
    Diagnostic::error(
        "duplicate-member",
        name.span,
        format!("the {what} `{}` is declared twice", name.as_str()),
    )
    .also(first, "first declared here")
    .help("remove or rename one of them")
}

fn endless(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error("endless-type", span, format!("`{name}` contains itself and would have no size"))
        .help("hold an `Id` of a table's element instead")
}

fn contains_itself(world: &World, ty: &Ty, inside: &mut Vec<Ty>) -> bool {
    if inside.contains(ty) {
        return inside.first() == Some(ty);
    }
    let parts: Vec<Ty> = match ty {
        Ty::Struct(at) => world.structs[*at as usize].fields.iter().map(|field| field.ty.clone()).collect(),
        Ty::Enum(at) => world.enums[*at as usize]
            .variants
            .iter()
            .flat_map(|variant| variant.fields.iter().map(|(_, ty)| ty.clone()))
            .collect(),
        Ty::Array(element, _) | Ty::Optional(element) | Ty::Table(element, _) => {
            return contains_itself(world, element, inside);
        }
        Ty::Tuple(parts) => parts.clone(),
        Ty::Result(ok, error) => vec![(**ok).clone(), (**error).clone()],
        _ => return false,
    };
    inside.push(ty.clone());
    let found = parts.iter().any(|part| contains_itself(world, part, inside));
    inside.pop();
    found
}

/// Whether one message word carries a value of the type.
pub(crate) fn message_scalar(world: &World, ty: &Ty) -> bool {
    match ty {
        Ty::Bool | Ty::Int { .. } | Ty::Float(_) | Ty::Id(_) | Ty::Error => true,
        Ty::Enum(at) => world.enums[*at as usize].variants.iter().all(|variant| variant.fields.is_empty()),
        _ => false,
    }
}
