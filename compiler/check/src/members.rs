//! What is inside a declaration: fields, variants, methods, signatures.

use crate::collect::{Collector, duplicate_member, message_scalar};
use crate::facts;
use crate::ty::Ty;
use crate::types::Scope;
use crate::vocabulary;
use crate::world::{FieldDef, MethodDef, Mode, ParameterDef, Served, VariantDef};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::tree::{self};

impl Collector<'_> {
    pub(crate) fn fields(&mut self, package: u32, at: u32, members: &[tree::Member]) {
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

    pub(crate) fn variants(&mut self, package: u32, at: u32, variants: &[tree::Variant]) {
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

    pub(crate) fn methods(&mut self, package: u32, at: u32, items: &[tree::InterfaceItem]) {
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

    pub(crate) fn method(
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
                // Any bytes are a number; not any bytes are a bool or a variant.
                (Ty::Slice(element), Mode::Read | Mode::Inout) => {
                    matches!(**element, Ty::Int { .. } | Ty::Float(_) | Ty::Error)
                }
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

    pub(crate) fn signature(
        &mut self,
        package: u32,
        function: &tree::Function,
    ) -> (Vec<ParameterDef>, Ty, Option<Ty>) {
        self.no_generics(&function.generics);
        if let Some(first) = function.effects.as_ref().and_then(|effects| effects.first()) {
            self.unsupported(first.span, "an `effects` clause");
        }
        let mut parameters: Vec<ParameterDef> = Vec::new();
        for parameter in &function.parameters {
            let Some(ty) = &parameter.ty else { continue };
            let ty = self.ty(package, ty);
            let lent_views = match &ty {
                Ty::Slice(element) => element.holds_view(),
                ty => !ty.is_view() && ty.holds_view(),
            };
            if parameter.mode == Mode::Inout && lent_views {
                self.report(
                    Diagnostic::error(
                        "inout-view",
                        parameter.span,
                        "a view cannot be handed out through `inout`",
                    )
                    .here("it could look at memory that ends with the function")
                    .help("give views as results; `inout` lends the elements of one slice"),
                );
            }
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
}
