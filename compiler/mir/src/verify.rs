//! Whether a program is what [`crate::ir`] says: indices in range, types that match, writes to what may be written.
//!
//! The checker builds well-formed programs; this finds its bugs before they become wrong code. It does not look at
//! values: that an index is in bounds is the business of the `Check` before it.

mod body;
mod value;

use crate::ir::{BlockId, Component, Function, FunctionId, LocalKind, Program, Type, TypeId};
use crate::layout;
use compiler_syntax::span::Span;
use sci::limits;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {what}")]
pub struct Defect {
    /// What it is in: `type %3`, or a function's name, block and statement.
    pub subject: String,
    /// What is wrong.
    pub what: String,
    /// Where it comes from.
    pub span: Span,
}

/// Finds everything that is wrong with a program. With a defect in its types nothing else is looked at.
pub fn verify(program: &Program) -> Result<(), Vec<Defect>> {
    let mut verifier =
        Verifier { program, defects: Vec::new(), subject: String::new(), span: Span::default() };
    verifier.types();
    if verifier.defects.is_empty() {
        verifier.memory();
        verifier.functions();
    }
    if let Some(component) = &program.component {
        verifier.component(component);
    }
    for (name, function) in &program.tests {
        verifier.at(format!("test {name:?}"), Span::default());
        verifier.plain_function(*function);
    }
    if verifier.defects.is_empty() { Ok(()) } else { Err(verifier.defects) }
}

struct Verifier<'p> {
    program: &'p Program,
    defects: Vec<Defect>,
    subject: String,
    span: Span,
}

impl<'p> Verifier<'p> {
    fn at(&mut self, subject: String, span: Span) {
        self.subject = subject;
        self.span = span;
    }

    fn defect(&mut self, what: impl Into<String>) {
        self.defects.push(Defect { subject: self.subject.clone(), what: what.into(), span: self.span });
    }

    fn require(&mut self, holds: bool, what: &str) {
        if !holds {
            self.defect(what);
        }
    }

    fn type_of(&self, id: TypeId) -> Option<&'p Type> {
        self.program.types.get(id.index())
    }

    fn types(&mut self) {
        for (at, ty) in self.program.types.iter().enumerate() {
            self.at(format!("type %{at}"), Span::default());
            if self.program.types[..at].contains(ty) {
                self.defect("stands twice");
            }
            let parts: Vec<TypeId> = match ty {
                Type::Slice(element) | Type::Array(element, _) => vec![*element],
                Type::Struct { fields, .. } => fields.iter().map(|(_, ty)| *ty).collect(),
                Type::Enum { variants, .. } => {
                    variants.iter().flat_map(|variant| variant.fields.clone()).collect()
                }
                Type::Int { bits, .. } => {
                    self.require(matches!(bits, 8 | 16 | 32 | 64), "an integer has 8, 16, 32 or 64 bits");
                    Vec::new()
                }
                Type::Float { bits } => {
                    self.require(matches!(bits, 32 | 64), "a float has 32 or 64 bits");
                    Vec::new()
                }
                Type::Unit | Type::Bool | Type::Handle { .. } => Vec::new(),
            };
            self.require(parts.iter().all(|part| part.index() < at), "a type's parts come before it");
        }
    }

    fn memory(&mut self) {
        for (at, global) in self.program.globals.iter().enumerate() {
            self.at(format!("global ${at}"), global.span);
            if self.type_of(global.ty).is_none() {
                self.defect("its type does not exist");
                continue;
            }
            let size = layout::of(self.program, global.ty).size;
            let bytes = global.initial.len() as u64;
            self.require(bytes == 0 || bytes == size, "its initial bytes are not of its type's size");
        }
        for (at, data) in self.program.data.iter().enumerate() {
            self.at(format!("data @{at}"), Span::default());
            self.require(data.align.is_power_of_two(), "its alignment is not a power of two");
        }
    }

    fn functions(&mut self) {
        for function in &self.program.functions {
            self.at(function.name.clone(), function.span);
            let before = self.defects.len();
            self.signature(function);
            if self.defects.len() > before {
                continue;
            }
            for (at, block) in function.blocks.iter().enumerate() {
                for (number, (statement, span)) in block.statements.iter().enumerate() {
                    self.at(format!("{} b{at} {number}", function.name), *span);
                    self.statement(function, statement);
                }
                self.at(format!("{} b{at} end", function.name), block.end_span);
                self.terminator(function, &block.end);
            }
        }
    }

    fn signature(&mut self, function: &Function) {
        let types = self.program.types.len();
        self.require(!function.blocks.is_empty(), "there is no block to enter at");
        self.require(
            function.parameters as usize <= function.locals.len(),
            "there are fewer locals than parameters",
        );
        self.require(function.depth != Some(0), "a depth is at least 1");
        for (at, local) in function.locals.iter().enumerate() {
            if local.ty.index() >= types {
                self.defect(format!("the type of _{at} does not exist"));
                continue;
            }
            let is_parameter = (at as u32) < function.parameters;
            if matches!(local.kind, LocalKind::Reference { .. }) && !is_parameter {
                self.defect(format!("_{at} is a reference and no parameter"));
            }
            if is_parameter && local.kind == LocalKind::Value && self.is_aggregate(local.ty) {
                self.defect(format!("_{at} is an aggregate passed by value"));
            }
        }
        let unit = self.type_of(function.returns) == Some(&Type::Unit);
        match function.result {
            _ if function.returns.index() >= types => self.defect("the result's type does not exist"),
            None => self.require(unit, "the result lies in no local"),
            Some(result) => {
                let local = function.locals.get(result.index());
                let fits = local.is_some_and(|local| {
                    local.ty == function.returns
                        && local.kind == LocalKind::Value
                        && result.0 >= function.parameters
                });
                self.require(fits, "the result's local is not a value of the result's type");
            }
        }
    }

    fn is_aggregate(&self, ty: TypeId) -> bool {
        matches!(self.type_of(ty), Some(Type::Struct { .. } | Type::Enum { .. } | Type::Array(..)))
    }

    fn block(&mut self, function: &Function, block: BlockId) {
        self.require(block.index() < function.blocks.len(), "a target block does not exist");
    }

    /// A function without parameters and result.
    fn plain_function(&mut self, id: FunctionId) {
        let Some(function) = self.program.functions.get(id.index()) else {
            self.defect("its function does not exist");
            return;
        };
        let plain = function.parameters == 0 && self.type_of(function.returns) == Some(&Type::Unit);
        self.require(plain, "its function takes or gives something");
    }

    fn component(&mut self, component: &Component) {
        self.at(format!("component {:?}", component.name), component.span);
        self.plain_function(component.main);
        self.require(
            component.capabilities.len() <= limits::CAPABILITIES_MAX as usize,
            "it has too many capabilities",
        );
        self.require(component.exports.len() <= limits::EXPORTS_MAX as usize, "it has too many exports");
        self.require(
            component.facts.parameters.len() <= limits::PARAMETERS_MAX as usize,
            "it has too many parameters",
        );
        for capability in &component.capabilities {
            self.require(capability.used & !capability.declared == 0, "it uses more than it declares");
        }
        for export in &component.exports {
            let count = export.methods.len();
            let fits = count == export.method_names.len() && count <= limits::METHODS_MAX as usize;
            self.require(fits, "an export's methods and their names do not match");
        }
        let functions = self.program.functions.len();
        let exported = component.exports.iter().flat_map(|export| &export.methods);
        let entered = component.entries.iter().map(|entry| &entry.function);
        let all_exist = exported.chain(entered).all(|function| function.index() < functions);
        self.require(all_exist, "an entry's function does not exist");
    }
}
