//! Functions and the methods of exports: signatures and bodies, once every type is known.

use crate::collect::{Collector, ParsedPackage, duplicate_member};
use crate::ty::Ty;
use crate::world::{Declared, Def, FunctionDef, FunctionKind, ParameterDef};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::tree::{self, ItemKind};

impl Collector<'_> {
    /// Signatures and bodies, once every type is known.
    pub(crate) fn functions(&mut self, package: u32, parsed: &ParsedPackage) {
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

    /// How many activations of a function `@depth` allows at a time.
    fn depth(&mut self, attributes: &[tree::Attribute]) -> Option<u32> {
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
        depth
    }

    pub(crate) fn function(
        &mut self,
        package: u32,
        attributes: &[tree::Attribute],
        function: &tree::Function,
        name: String,
        kind: FunctionKind,
        receiver: Option<Ty>,
    ) -> Option<u32> {
        let depth = self.depth(attributes);
        let of_struct = receiver.is_some();
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
        let starts = kind == FunctionKind::Plain && !of_struct && name == "start";
        let of_component = self.world.packages[package as usize].component.is_some();
        if starts && of_component && (!parameters.is_empty() || returns != Ty::Unit) {
            self.report(
                Diagnostic::error("start-signature", function.name.span, "`start` takes and gives nothing")
                    .help("`param name = 1` in the component block gives it numbers; `fn start() ! E` lets it fail"),
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

    pub(crate) fn implementation(&mut self, package: u32, path: &tree::Path, items: &[tree::Item]) {
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

    pub(crate) fn compare_signature(&mut self, interface: u32, method: u32, function: u32) {
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

    pub(crate) fn complete_exports(&mut self, package: u32) {
        let Some(component) = self.world.packages[package as usize].component else { return };
        let mut missing = Vec::new();
        for export in &self.world.components[component as usize].exports {
            let interface = &self.world.interfaces[export.interface as usize];
            if !interface.by_message() {
                continue;
            }
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
