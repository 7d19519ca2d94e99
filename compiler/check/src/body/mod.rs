//! Function bodies: from trees to MIR, checking types on the way.
//!
//! [`Body`] holds one function in the making. An expression is lowered together with the type that its place
//! wants, which decides what a literal means. After control has left (`return`, `break`), lowering goes on
//! without emitting, so that the rest is still checked.

mod access;
mod arguments;
mod call;
mod constant;
mod conversion;
mod expr;
mod invoke;
mod loops;
mod message;
mod operator;
mod outcome;
mod pattern;
mod property;
mod stmt;
mod table;
mod text;
mod words;

use crate::ty::Ty;
use crate::unit::Unit;
use crate::world::Mode;
use compiler_mir::ir::{
    BinaryOperator, Block, BlockId, Constant, Fault, Function, FunctionId, Local, LocalDeclaration,
    LocalKind, Operand, Place, Rvalue, Statement, Terminator,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree;

/// A value: how to read it, and its type.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub operand: Operand,
    pub ty: Ty,
}

/// A place that an expression names.
#[derive(Clone, Debug)]
pub(crate) struct Lvalue {
    pub place: Place,
    pub ty: Ty,
    pub access: Access,
}

/// Whether a place may be written, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    /// Bound by `let`, or a read parameter, a constant, a temporary: what to tell.
    Read(&'static str),
}

struct Binding {
    name: String,
    local: Local,
    ty: Ty,
    access: Access,
    span: Span,
    used: bool,
}

#[derive(Default)]
struct Scope {
    bindings: Vec<Binding>,
    /// Name, value, and how many bindings stood before it.
    constants: Vec<(String, Value, usize)>,
    /// Deferred code, and how many bindings and constants stood before it: what it may name.
    defers: Vec<(tree::Expr, usize, usize)>,
}

struct Loop {
    next: BlockId,
    end: BlockId,
    /// Scopes outside the loop.
    depth: usize,
    breaks: bool,
}

pub(crate) struct Body<'u, 'w> {
    pub unit: &'u mut Unit<'w>,
    package: u32,
    id: FunctionId,
    function: Function,
    /// `None` after control has left.
    current: Option<BlockId>,
    scopes: Vec<Scope>,
    loops: Vec<Loop>,
    returns: Ty,
    /// Elements of tables that were found: the place of the generation, the generation that it must have, where.
    live: Vec<(Place, Operand, Span)>,
    /// The exit of a function whose `return` sits inside deferred code is refused.
    in_defer: bool,
    /// In a test `?` fails the test.
    pub in_test: bool,
}

impl<'u, 'w> Body<'u, 'w> {
    pub(crate) fn new(unit: &'u mut Unit<'w>, package: u32, id: FunctionId, returns: &Ty) -> Self {
        let lowered = unit.type_id(returns);
        let function = Function {
            name: unit.program.functions[id.index()].name.clone(),
            parameters: 0,
            returns: lowered,
            result: None,
            locals: Vec::new(),
            blocks: Vec::new(),
            depth: None,
            span: unit.program.functions[id.index()].span,
        };
        let mut body = Self {
            unit,
            package,
            id,
            function,
            current: None,
            scopes: vec![Scope::default()],
            loops: Vec::new(),
            live: Vec::new(),
            returns: returns.clone(),
            in_defer: false,
            in_test: false,
        };
        let first = body.new_block();
        body.current = Some(first);
        body
    }

    /// Declares a parameter; all of them come before any other local.
    pub(crate) fn parameter(&mut self, name: &str, ty: &Ty, mode: Mode, span: Span) -> Local {
        if self.unit.world.has_handle_array(ty) {
            self.report(crate::collect::handle_array(span));
        }
        let kind = if ty.is_scalar() && (mode != Mode::Inout || ty.is_view()) {
            LocalKind::Value
        } else {
            LocalKind::Reference { mutable: mode != Mode::Read }
        };
        let lowered = self.unit.type_id(ty);
        let local = self.declare_local(name, lowered, kind, span);
        self.function.parameters += 1;
        if mode != Mode::Take {
            self.unit.borrowed.insert((self.id, local));
        }
        let access = match mode {
            Mode::Read => Access::Read("a parameter without `inout`"),
            Mode::Inout | Mode::Take => Access::Write,
        };
        self.bind(Binding { name: name.to_owned(), local, ty: ty.clone(), access, span, used: true });
        local
    }

    /// Makes the local that holds the result, after the parameters.
    pub(crate) fn result_local(&mut self) {
        if self.returns != Ty::Unit && self.returns != Ty::Never && !self.returns.is_error() {
            let (ty, span) = (self.function.returns, self.function.span);
            self.function.result = Some(self.declare_local("", ty, LocalKind::Value, span));
        }
    }

    /// Ends the function: falls off the end of its body.
    pub(crate) fn finish(mut self, depth: Option<u32>) {
        self.function.depth = depth;
        if self.current.is_some() {
            self.end(Terminator::Return, self.function.span);
        }
        self.unit.program.functions[self.id.index()] = self.function;
    }

    /// The body of a function that computes the initial value of state.
    pub(crate) fn initial_value(&mut self, value: &tree::Expr, ty: &Ty) {
        let value_span = value.span;
        let value = self.expr_as(value, ty);
        if let Some(result) = self.function.result {
            self.assign(Place::local(result), Rvalue::Use(value.operand), value_span);
        }
    }

    fn declare_local(
        &mut self,
        name: &str,
        ty: compiler_mir::ir::TypeId,
        kind: LocalKind,
        span: Span,
    ) -> Local {
        self.function.locals.push(LocalDeclaration { name: name.to_owned(), ty, kind, span });
        Local(self.function.locals.len() as u32 - 1)
    }

    pub(crate) fn temp(&mut self, ty: &Ty, span: Span) -> Local {
        let ty = self.unit.type_id(ty);
        self.declare_local("", ty, LocalKind::Value, span)
    }

    fn bind(&mut self, binding: Binding) {
        self.unit.access.insert((self.id, binding.local), binding.access.clone());
        if let Some(scope) = self.scopes.last_mut() {
            scope.bindings.push(binding);
        }
    }

    fn lookup(&mut self, name: &str) -> Option<&mut Binding> {
        self.scopes
            .iter_mut()
            .rev()
            .find_map(|scope| scope.bindings.iter_mut().rev().find(|binding| binding.name == name))
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.unit.report(diagnostic);
    }

    /// Reports, and gives a value that fits everywhere.
    fn fail(&mut self, diagnostic: Diagnostic) -> Value {
        self.report(diagnostic);
        Value::error()
    }

    fn show(&self, ty: &Ty) -> String {
        self.unit.world.show(ty)
    }

    pub(crate) fn new_block(&mut self) -> BlockId {
        let span = self.function.span;
        self.function.blocks.push(Block {
            statements: Vec::new(),
            end: Terminator::Trap(Fault::Unreachable),
            end_span: span,
        });
        BlockId(self.function.blocks.len() as u32 - 1)
    }

    pub(crate) fn start(&mut self, block: BlockId) {
        self.current = Some(block);
    }

    pub(crate) fn push(&mut self, statement: Statement, span: Span) {
        if let Some(block) = self.current {
            self.function.blocks[block.index()].statements.push((statement, span));
        }
    }

    pub(crate) fn end(&mut self, end: Terminator, span: Span) {
        if let Some(block) = self.current.take() {
            let block = &mut self.function.blocks[block.index()];
            block.end = end;
            block.end_span = span;
        }
    }

    pub(crate) fn goto(&mut self, block: BlockId, span: Span) {
        self.end(Terminator::Goto(block), span);
    }

    pub(crate) fn assign(&mut self, place: Place, value: Rvalue, span: Span) {
        self.push(Statement::Assign(place, value), span);
    }

    /// Stores a value in a fresh temporary.
    pub(crate) fn keep(&mut self, ty: &Ty, value: Rvalue, span: Span) -> Local {
        let local = self.temp(ty, span);
        self.assign(Place::local(local), value, span);
        local
    }

    pub(super) fn local_constant(&self, name: &str) -> Option<Value> {
        for scope in self.scopes.iter().rev() {
            let constant = scope.constants.iter().rev().find(|(known, ..)| known == name);
            let variable = scope.bindings.iter().rposition(|binding| binding.name == name);
            match (constant, variable) {
                // Whichever stands later hides the other.
                (Some((_, value, before)), at) if at.is_none_or(|at| at < *before) => {
                    return Some(value.clone());
                }
                (_, Some(_)) => return None,
                _ => {}
            }
        }
        None
    }

    /// As `keep`, as an operand.
    pub(crate) fn compute(&mut self, ty: &Ty, value: Rvalue, span: Span) -> Operand {
        Operand::Copy(Place::local(self.keep(ty, value, span)))
    }

    pub(crate) fn int(&mut self, ty: &Ty, value: i128) -> Operand {
        let bits = match ty {
            Ty::Int { bits, .. } => *bits,
            _ => 64,
        };
        let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        let id = self.unit.type_id(ty);
        Operand::Constant(Constant::Int(value as u64 & mask, id))
    }

    pub(crate) fn binary(
        &mut self,
        ty: &Ty,
        op: BinaryOperator,
        left: Operand,
        right: Operand,
        span: Span,
    ) -> Operand {
        self.compute(ty, Rvalue::Binary(op, left, right), span)
    }

    /// Traps unless the condition holds.
    pub(crate) fn check(
        &mut self,
        op: BinaryOperator,
        left: Operand,
        right: Operand,
        fault: Fault,
        span: Span,
    ) {
        let holds = self.binary(&Ty::Bool, op, left, right, span);
        self.push(Statement::Check(holds, fault), span);
    }

    /// The value's place; a temporary if it has none.
    fn place_of(&mut self, value: &Value, span: Span) -> Place {
        match &value.operand {
            Operand::Copy(place) | Operand::Move(place) => place.clone(),
            Operand::Constant(_) => {
                let local = self.keep(&value.ty, Rvalue::Use(value.operand.clone()), span);
                Place::local(local)
            }
        }
    }

    /// Reads a value so that later statements cannot change it.
    fn freeze(&mut self, value: Value, span: Span) -> Value {
        match value.operand {
            Operand::Copy(place) => {
                let operand = self.compute(&value.ty, Rvalue::Use(Operand::Copy(place)), span);
                Value { operand, ty: value.ty }
            }
            _ => value,
        }
    }

    /// A linear value whose variant holds nothing has nothing left to consume.
    fn spent(&mut self, place: &Place, ty: &Ty, span: Span) {
        if let compiler_mir::ir::Base::Local(local) = place.base
            && self.unit.world.is_linear(ty)
            && !self.unit.borrowed.contains(&(self.id, local))
        {
            self.push(Statement::Zero(Place::local(local)), span);
        }
    }

    /// Reads by copy, or by move where the type is linear.
    fn read(&self, place: Place, ty: &Ty) -> Operand {
        if self.unit.world.is_linear(ty) { Operand::Move(place) } else { Operand::Copy(place) }
    }
}

impl Value {
    pub(crate) fn unit() -> Self {
        Self { operand: Operand::Constant(Constant::Unit), ty: Ty::Unit }
    }

    pub(crate) fn never() -> Self {
        Self { operand: Operand::Constant(Constant::Unit), ty: Ty::Never }
    }

    pub(crate) fn error() -> Self {
        Self { operand: Operand::Constant(Constant::Unit), ty: Ty::Error }
    }

    pub(crate) fn boolean(value: bool) -> Self {
        Self { operand: Operand::Constant(Constant::Bool(value)), ty: Ty::Bool }
    }

    pub(crate) fn of_local(local: Local, ty: Ty) -> Self {
        Self { operand: Operand::Copy(Place::local(local)), ty }
    }
}
