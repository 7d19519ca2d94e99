//! Components whose code is a crate: what their blocks declare, in a form that bindings can be made of.

use crate::collect::{Collector, ParsedPackage};
use crate::ty::Ty;
use crate::world::{self, Mode, World};
use compiler_mir::ir::{self, FunctionId};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::tree::{self, ItemKind};
use std::collections::BTreeMap;

/// A component whose code is a crate.
#[derive(Debug)]
pub struct Native {
    /// Dotted path of its package; empty for the root package.
    pub package: String,
    /// What its block says. Every method that is declared counts as used: the compiler does not see the code.
    pub component: ir::Component,
    /// Bytes of stack, as declared.
    pub stack_bytes: u64,
    /// Bytes of heap, as declared.
    pub heap_bytes: u64,
    /// Interfaces that it requires, exports or gets handles to.
    pub faces: Vec<Face>,
    /// For each of its capabilities, the interface among `faces`.
    pub required: Vec<usize>,
    /// For each of its exports, the interface among `faces`.
    pub exported: Vec<usize>,
    /// Enums that the interfaces name.
    pub enums: Vec<EnumShape>,
}

/// An interface.
#[derive(Debug)]
pub struct Face {
    /// Name as manifests carry it, dotted.
    pub name: String,
    /// Methods by number.
    pub methods: Vec<MethodShape>,
}

/// A method.
#[derive(Debug)]
pub struct MethodShape {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub parameters: Vec<ParameterShape>,
    /// What it gives.
    pub returns: Shape,
    /// How it fails, if it may.
    pub error: Option<ErrorShape>,
    /// Who carries it out.
    pub carried: Carried,
}

/// A parameter.
#[derive(Debug)]
pub struct ParameterShape {
    /// Its name.
    pub name: String,
    /// Its type.
    pub shape: Shape,
    /// Whether the callee changes it.
    pub inout: bool,
}

/// The type of an argument or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Unit,
    /// `bool`.
    Bool,
    /// An integer.
    Int {
        /// Whether it has a sign.
        signed: bool,
        /// Bits.
        bits: u8,
    },
    /// `f32` or `f64`, in slices.
    Float(u8),
    /// Text.
    Str,
    /// A slice of numbers.
    Slice(Box<Self>),
    /// An enum of [`Native::enums`], without payload.
    Enum(usize),
    /// A handle to an interface of [`Native::faces`].
    Handle(usize),
    /// Any capability.
    Any,
}

/// How a method fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorShape {
    /// With a status.
    Status,
    /// With an enum of [`Native::enums`].
    Own(usize),
}

/// Who carries a method out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Whoever serves the endpoint.
    Message,
    /// A kernel call, with the constant that stands as its second argument.
    Kernel(u32, Option<u64>),
    /// Nobody: the capability's window is looked at.
    View,
}

/// An enum.
#[derive(Debug)]
pub struct EnumShape {
    /// Its name.
    pub name: String,
    /// Variants: name and what each carries.
    pub variants: Vec<(String, Vec<Shape>)>,
}

impl Collector<'_> {
    /// A package whose component is a crate declares a component, and has no code.
    pub(crate) fn only_declarations(&mut self, package: u32, parsed: &ParsedPackage) {
        for item in parsed.files.iter().flat_map(|file| &file.items) {
            let what = match &item.kind {
                ItemKind::Function { function, .. } => {
                    self.world.packages[package as usize].names.remove(function.name.as_str());
                    "a function"
                }
                ItemKind::Impl { .. } => "an `impl` block",
                ItemKind::Variable { .. } => "state",
                ItemKind::Test { .. } => "a `test` block",
                ItemKind::Component { items, .. }
                    if items.iter().any(|item| matches!(item, tree::ComponentItem::Variable { .. })) =>
                {
                    "state"
                }
                _ => continue,
            };
            let message = format!("{what} stands beside `Cargo.toml`, where all code is Rust");
            self.report(
                Diagnostic::error("code-beside-crate", item.span, message)
                    .help("write it in the crate; `.in` files beside it only declare"),
            );
        }
        if self.world.packages[package as usize].component.is_none() {
            self.report(
                Diagnostic::error("no-component", parsed.span, "the crate's `component.in` has no component")
                    .help("write `component Name { }`: what the crate may do stands there"),
            );
        }
    }
}

/// The components whose code is a crate.
pub(crate) fn natives(world: &World) -> Vec<Native> {
    let components = (0u32..).zip(&world.components);
    let ours = components.filter(|(_, def)| world.packages[def.package as usize].native);
    ours.map(|(at, def)| native(world, at, def)).collect()
}

fn native(world: &World, at: u32, def: &world::ComponentDef) -> Native {
    let mut component = crate::describe(world, at, FunctionId(0), Vec::new());
    for capability in &mut component.capabilities {
        capability.used = capability.declared;
    }
    let mut shapes = Shapes { world, faces: Vec::new(), interfaces: BTreeMap::new(), enums: Vec::new() };
    let required = def.capabilities.iter().map(|capability| shapes.face(capability.interface)).collect();
    let exported = def.exports.iter().map(|export| shapes.face(export.interface)).collect();
    Native {
        package: world.packages[def.package as usize].path.clone(),
        component,
        stack_bytes: def.native.stack_bytes,
        heap_bytes: def.native.heap_bytes,
        required,
        exported,
        faces: shapes.faces,
        enums: shapes.enums.into_iter().map(|(_, shape)| shape).collect(),
    }
}

/// Interfaces and enums on the way, each once.
struct Shapes<'w> {
    world: &'w World,
    faces: Vec<Face>,
    interfaces: BTreeMap<u32, usize>,
    enums: Vec<(u32, EnumShape)>,
}

impl Shapes<'_> {
    fn face(&mut self, interface: u32) -> usize {
        if let Some(known) = self.interfaces.get(&interface) {
            return *known;
        }
        let def = &self.world.interfaces[interface as usize];
        let at = self.faces.len();
        self.interfaces.insert(interface, at);
        self.faces.push(Face { name: def.name.clone(), methods: Vec::new() });
        let methods = def.methods.iter().map(|method| self.method(method)).collect();
        self.faces[at].methods = methods;
        at
    }

    fn method(&mut self, method: &world::MethodDef) -> MethodShape {
        let parameters = method
            .parameters
            .iter()
            .map(|parameter| ParameterShape {
                name: parameter.name.clone(),
                shape: if parameter.any_handle { Shape::Any } else { self.shape(&parameter.ty) },
                inout: parameter.mode == Mode::Inout,
            })
            .collect();
        let error = match method.error {
            Some(Ty::Enum(at)) if at != self.world.status_enum => Some(ErrorShape::Own(self.enumeration(at))),
            Some(_) => Some(ErrorShape::Status),
            None => None,
        };
        MethodShape {
            name: method.name.clone(),
            parameters,
            returns: self.shape(&method.returns),
            error,
            carried: match method.served {
                world::Served::Message => Carried::Message,
                world::Served::Kernel(call, operation) => Carried::Kernel(call, operation),
                world::Served::View => Carried::View,
            },
        }
    }

    /// What messages and kernel calls do not carry is refused where it is declared.
    fn shape(&mut self, ty: &Ty) -> Shape {
        match ty {
            Ty::Bool => Shape::Bool,
            Ty::Int { signed, bits } => Shape::Int { signed: *signed, bits: *bits },
            Ty::Id(_) => Shape::Int { signed: false, bits: 64 },
            Ty::Float(bits) => Shape::Float(*bits),
            Ty::Str => Shape::Str,
            Ty::Slice(element) => Shape::Slice(Box::new(self.shape(element))),
            Ty::Enum(at) => Shape::Enum(self.enumeration(*at)),
            Ty::Handle(interface, _) => Shape::Handle(self.face(*interface)),
            _ => Shape::Unit,
        }
    }

    fn enumeration(&mut self, at: u32) -> usize {
        if let Some(known) = self.enums.iter().position(|(known, _)| *known == at) {
            return known;
        }
        let def = &self.world.enums[at as usize];
        let place = self.enums.len();
        self.enums.push((at, EnumShape { name: def.name.clone(), variants: Vec::new() }));
        let variants = def
            .variants
            .iter()
            .map(|variant| {
                let fields = variant.fields.iter().map(|(_, ty)| self.shape(ty)).collect();
                (variant.name.clone(), fields)
            })
            .collect();
        self.enums[place].1.variants = variants;
        place
    }
}
