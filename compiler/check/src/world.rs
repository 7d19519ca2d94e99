//! Everything declared in a project, by index.

use crate::ty::Ty;
use compiler_syntax::span::Span;
use compiler_syntax::tree;
use std::collections::BTreeMap;

/// How a parameter is passed.
pub(crate) use compiler_syntax::tree::Mode;

#[derive(Debug, Default)]
pub(crate) struct World {
    pub packages: Vec<Package>,
    pub structs: Vec<StructDef>,
    pub enums: Vec<EnumDef>,
    pub interfaces: Vec<InterfaceDef>,
    pub functions: Vec<FunctionDef>,
    pub constants: Vec<ConstantDef>,
    pub states: Vec<StateDef>,
    pub components: Vec<ComponentDef>,
    pub tests: Vec<TestDef>,
    pub systems: Vec<SystemDef>,
    /// Index in `enums` of the built-in `Status`.
    pub status_enum: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Package {
    /// Dotted path by which it is imported; empty for the root package.
    pub path: String,
    pub names: BTreeMap<String, Declared>,
    /// Index in `components`.
    pub component: Option<u32>,
    /// Whether it is part of the runtime's library rather than of the project.
    pub library: bool,
    /// Whether its component's code is a crate.
    pub native: bool,
}

/// A name in a package.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub def: Def,
    pub public: bool,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Def {
    Package(u32),
    Struct(u32),
    Enum(u32),
    Interface(u32),
    Function(u32),
    Constant(u32),
    State(u32),
    /// Index in the package's component's `capabilities`.
    Capability(u32),
    /// Index in the package's component's `exports`.
    Export(u32),
    /// Index in the package's component's parameters.
    Parameter(u32),
}

#[derive(Debug)]
pub(crate) struct StructDef {
    pub name: String,
    pub fields: Vec<FieldDef>,
    pub methods: BTreeMap<String, u32>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct FieldDef {
    pub name: String,
    pub ty: Ty,
    pub default: Option<tree::Expr>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct EnumDef {
    pub name: String,
    pub variants: Vec<VariantDef>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct VariantDef {
    pub name: String,
    pub fields: Vec<(Option<String>, Ty)>,
}

impl EnumDef {
    pub(crate) fn variant(&self, name: &str) -> Option<u32> {
        self.variants.iter().position(|variant| variant.name == name).map(|at| at as u32)
    }
}

#[derive(Debug)]
pub(crate) struct InterfaceDef {
    /// Name as manifests carry it.
    pub name: String,
    pub methods: Vec<MethodDef>,
    pub hash: [u8; 32],
    /// Number in the vocabulary; `None` for interfaces declared in source.
    pub vocabulary: Option<u8>,
    pub span: Span,
}

impl InterfaceDef {
    pub(crate) fn method(&self, name: &str) -> Option<u32> {
        self.methods.iter().position(|method| method.name == name).map(|at| at as u32)
    }

    /// Whether messages carry its methods out.
    pub(crate) fn by_message(&self) -> bool {
        self.methods.iter().any(|method| method.served == Served::Message)
    }

    /// Names of the methods in a mask, for people.
    pub(crate) fn names(&self, mask: u64) -> String {
        let names: Vec<&str> = self
            .methods
            .iter()
            .enumerate()
            .filter(|(at, _)| mask >> at & 1 == 1)
            .map(|(_, method)| method.name.as_str())
            .collect();
        names.join(", ")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct MethodDef {
    pub name: String,
    pub parameters: Vec<ParameterDef>,
    pub returns: Ty,
    pub error: Option<Ty>,
    pub served: Served,
    pub nondeterministic: bool,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Message,
    /// Call number and its constant second argument.
    Kernel(u32, Option<u64>),
    /// The pages mapped as the capability's window.
    View,
}

#[derive(Clone, Debug)]
pub(crate) struct ParameterDef {
    pub mode: Mode,
    pub name: String,
    pub ty: Ty,
    /// Any capability is accepted, and its handle travels.
    pub any_handle: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct FunctionDef {
    /// Name with its owner, such as `Point.length` or `kv.get`.
    pub name: String,
    pub package: u32,
    pub parameters: Vec<ParameterDef>,
    pub returns: Ty,
    pub error: Option<Ty>,
    pub body: tree::Block,
    pub kind: FunctionKind,
    pub depth: Option<u32>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FunctionKind {
    Plain,
    /// A method of a struct, with `self`.
    Method,
    /// Carries out a method of an export: export, method.
    Served(u32, u32),
    /// Runs on an interrupt: its notification bit.
    Interrupt(u32),
}

#[derive(Debug)]
pub(crate) struct ConstantDef {
    pub name: String,
    pub package: u32,
    pub ty: Option<tree::Type>,
    pub value: tree::Expr,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct StateDef {
    pub name: String,
    pub package: u32,
    pub ty: Option<tree::Type>,
    pub value: tree::Expr,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct TestDef {
    pub name: String,
    pub package: u32,
    pub body: tree::Block,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct SystemDef {
    pub name: String,
    pub package: u32,
    pub facts: Vec<tree::Fact>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct ComponentDef {
    pub name: String,
    pub package: u32,
    pub capabilities: Vec<CapabilityDef>,
    pub exports: Vec<ExportDef>,
    pub facts: compiler_mir::ir::Facts,
    /// What is stated only where the code is a crate.
    pub native: crate::facts::NativeFacts,
    pub version: String,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct CapabilityDef {
    pub name: String,
    pub interface: u32,
    pub declared: u64,
    /// The right's names within the parentheses, for edits.
    pub rights_span: Span,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct ExportDef {
    pub name: String,
    pub interface: u32,
    /// Functions by method number; filled from `impl` blocks.
    pub functions: Vec<Option<u32>>,
    pub span: Span,
}

impl World {
    /// A type as people write it.
    pub(crate) fn show(&self, ty: &Ty) -> String {
        match ty {
            Ty::Error => "an unknown type".into(),
            Ty::Never => "never".into(),
            Ty::Unit => "()".into(),
            Ty::Bool => "bool".into(),
            Ty::Int { signed, bits } => format!("{}{bits}", if *signed { 'i' } else { 'u' }),
            Ty::Float(bits) => format!("f{bits}"),
            Ty::Str => "str".into(),
            Ty::Slice(element) => format!("[{}]", self.show(element)),
            Ty::Array(element, count) => format!("[{}; {count}]", self.show(element)),
            Ty::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.show(part)).collect();
                format!("({})", parts.join(", "))
            }
            Ty::Struct(at) => self.structs[*at as usize].name.clone(),
            Ty::Enum(at) => self.enums[*at as usize].name.clone(),
            Ty::Optional(inner) => format!("{}?", self.show(inner)),
            Ty::Result(ok, error) => format!("{} ! {}", self.show(ok), self.show(error)),
            Ty::Handle(interface, mask) => {
                let interface = &self.interfaces[*interface as usize];
                format!("{}({})", interface.name, interface.names(*mask))
            }
            Ty::Id(element) => format!("Id[{}]", self.show(element)),
            Ty::Table(element, count) => format!("Table[{}, {count}]", self.show(element)),
        }
    }

    /// Whether handles lie in values of the type where they cannot be followed one by one: in an array.
    pub(crate) fn has_handle_array(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Array(element, _) => self.is_linear(element),
            Ty::Optional(element) => self.has_handle_array(element),
            Ty::Tuple(parts) => parts.iter().any(|part| self.has_handle_array(part)),
            Ty::Result(ok, error) => self.has_handle_array(ok) || self.has_handle_array(error),
            _ => false,
        }
    }

    /// Whether values of the type must be consumed: a handle is in them.
    pub(crate) fn is_linear(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Handle(..) => true,
            Ty::Array(element, _) | Ty::Optional(element) | Ty::Table(element, _) => self.is_linear(element),
            Ty::Tuple(parts) => parts.iter().any(|part| self.is_linear(part)),
            Ty::Result(ok, error) => self.is_linear(ok) || self.is_linear(error),
            Ty::Struct(at) => self.structs[*at as usize].fields.iter().any(|field| self.is_linear(&field.ty)),
            Ty::Enum(at) => self.enums[*at as usize]
                .variants
                .iter()
                .any(|variant| variant.fields.iter().any(|(_, ty)| self.is_linear(ty))),
            _ => false,
        }
    }
}
