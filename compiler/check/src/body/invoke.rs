//! Methods of capabilities: which one is meant, who serves it, and kernel calls.

use super::{Body, Value};
use crate::ty::{Ty, U64};
use crate::world::{Def, MethodDef, Mode, Served};
use compiler_mir::ir::{Authority, CapabilityId, Operand, Place, Rvalue, Statement};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, CallArgument, Expr};

impl Body<'_, '_> {
    /// A method of one of the component's capabilities.
    pub(super) fn slot_method(
        &mut self,
        slot: u32,
        name: &tree::Name,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        let world = self.unit.world;
        let Some(component) = self.own_component(span) else { return Value::error() };
        let interface = world.components[component as usize].capabilities[slot as usize].interface;
        let def = &world.interfaces[interface as usize];
        let reference = if def.by_message() {
            Rvalue::Capability(CapabilityId(slot))
        } else {
            Rvalue::Handle(CapabilityId(slot))
        };
        let Some(method) = def.method(name.as_str()) else { return self.unknown_method(interface, name) };
        // A view reaches the window through the reference even where the kernel serves the rest.
        let reference = if def.methods[method as usize].served == Served::View {
            Rvalue::Capability(CapabilityId(slot))
        } else {
            reference
        };
        let handle = self.compute(&U64, reference, span);
        let derives =
            matches!(def.methods[method as usize].served, Served::Kernel(sci::syscall::number::cap_mint, _));
        if derives {
            // A narrower capability over the same object carries the rights of this one.
            self.delegated(slot, span);
        }
        self.invoke(handle, interface, method, Some(CapabilityId(slot)), arguments, span)
    }

    /// A method of a handle that was passed or made at run time.
    pub(super) fn handle_method(
        &mut self,
        handle: Operand,
        interface: u32,
        mask: u64,
        name: &tree::Name,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        let def = &self.unit.world.interfaces[interface as usize];
        let Some(method) = def.method(name.as_str()) else { return self.unknown_method(interface, name) };
        if mask >> method & 1 == 0 {
            let has = def.names(mask);
            return self.fail(
                Diagnostic::error(
                    "rights-missing",
                    name.span,
                    format!("this handle does not carry the right to `{}`", name.as_str()),
                )
                .help(format!("it carries {has}; ask for more in the parameter's type")),
            );
        }
        if def.methods[method as usize].served == Served::View {
            return self.fail(crate::collect::unsupported(span, "a view of memory that is made at run time"));
        }
        self.invoke(handle, interface, method, None, arguments, span)
    }

    fn unknown_method(&mut self, interface: u32, name: &tree::Name) -> Value {
        let def = &self.unit.world.interfaces[interface as usize];
        let (shown, known) = (def.name.clone(), def.names(u64::MAX));
        self.fail(
            Diagnostic::error(
                "unknown-method",
                name.span,
                format!("`{shown}` has no method `{}`", name.as_str()),
            )
            .help(format!("its methods are {known}")),
        )
    }

    fn invoke(
        &mut self,
        handle: Operand,
        interface: u32,
        method: u32,
        capability: Option<CapabilityId>,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        let def = &self.unit.world.interfaces[interface as usize];
        let authority = Authority { capability, interface: def.name.clone(), method: method as u8 };
        let method_def = def.methods[method as usize].clone();
        let result = match &method_def.error {
            Some(error) => Ty::Result(Box::new(method_def.returns.clone()), Box::new(error.clone())),
            None => method_def.returns.clone(),
        };
        if method_def.parameters.len() != arguments.len() {
            self.used(&authority, span);
            let takes: Vec<String> =
                method_def.parameters.iter().map(|p| format!("{}: {}", p.name, self.show(&p.ty))).collect();
            let message = super::call::wrong_count(&method_def.name, takes.len(), arguments.len());
            self.report(
                Diagnostic::error("argument-count", span, message)
                    .help(format!("it takes ({})", takes.join(", "))),
            );
            return Value { ty: result, ..Value::error() };
        }
        for (parameter, argument) in method_def.parameters.iter().zip(arguments) {
            if (parameter.mode == Mode::Inout) != argument.inout {
                let (message, help) = if argument.inout {
                    ("this argument is only read and takes no `&`", "remove the `&`")
                } else {
                    ("this argument is changed by the call and needs `&`", "write `&` before it")
                };
                self.report(Diagnostic::error("argument-mode", argument.value.span, message).help(help));
            }
        }
        match method_def.served {
            Served::View => {
                self.used(&authority, span);
                let ty = Self::bytes_type();
                let operand = self.compute(&ty, Rvalue::Window(handle), span);
                Value { operand, ty }
            }
            Served::Kernel(call, operation) => {
                self.kernel_call(call, operation, handle, &method_def, arguments, authority, span)
            }
            Served::Message => self.message(handle, &method_def, method as u8, arguments, authority, span),
        }
    }

    /// A use of a right that no statement of its own carries out.
    fn used(&mut self, authority: &Authority, span: Span) {
        if let Some(slot) = authority.capability {
            self.unit.inline_uses.push((self.id, slot, authority.method, span));
        }
    }

    /// Emits a kernel call; gives the places of status and value.
    pub(crate) fn system(
        &mut self,
        call: u32,
        mut arguments: Vec<Operand>,
        authority: Option<Authority>,
        span: Span,
    ) -> (Place, Place) {
        let wanted = sci::syscall::CALLS[call as usize].arguments.len();
        while arguments.len() < wanted {
            arguments.push(self.int(&U64, 0));
        }
        let status = Place::local(self.temp(&U64, span));
        let value = Place::local(self.temp(&U64, span));
        let statement =
            Statement::System { call, arguments, status: status.clone(), value: value.clone(), authority };
        self.push(statement, span);
        (status, value)
    }

    fn kernel_call(
        &mut self,
        call: u32,
        operation: Option<u64>,
        handle: Operand,
        method: &MethodDef,
        arguments: &[CallArgument],
        authority: Authority,
        span: Span,
    ) -> Value {
        let wide = self.unit.type_id(&U64);
        let handle = self.compute(&U64, Rvalue::Truncate(handle, wide), span);
        let mut words = vec![handle];
        if let Some(operation) = operation {
            words.push(self.int(&U64, i128::from(operation)));
        }
        for (parameter, argument) in method.parameters.iter().zip(arguments) {
            let word = if parameter.any_handle {
                self.raw_handle(&argument.value)
            } else if matches!(parameter.ty, Ty::Handle(..)) {
                let handle = self.borrowed_handle(&argument.value, &parameter.ty);
                self.compute(&U64, Rvalue::Truncate(handle, wide), span)
            } else {
                let value = self.expr_as(&argument.value, &parameter.ty);
                self.to_word(&value, argument.value.span)
            };
            words.push(word);
        }
        let (status, value) = self.system(call, words, Some(authority), span);
        let returns = method.returns.clone();
        self.answer(status, method.error.as_ref(), &returns, span, |body| {
            let value = Operand::Copy(value);
            body.from_word(value, &returns, span)
        })
    }

    /// A handle that is lent to a call: a slot of the component, or a variable.
    pub(super) fn borrowed_handle(&mut self, expr: &Expr, want: &Ty) -> Operand {
        let Ty::Handle(interface, asked) = want else { return Value::error().operand };
        if let Some((Def::Capability(slot), rest)) = self.declared(expr)
            && rest.is_empty()
        {
            return self.borrowed_slot(slot, *interface, *asked, expr.span);
        }
        if let Some(diagnostic) = self.missing_in_package(expr) {
            self.report(diagnostic);
            return self.int(&U64, 0);
        }
        let Some(lvalue) = self.lvalue_or_temp(expr) else { return Value::error().operand };
        let value = Value { operand: Operand::Copy(lvalue.place), ty: lvalue.ty };
        self.coerce(value, want, expr.span).operand
    }

    fn borrowed_slot(&mut self, slot: u32, interface: u32, asked: u64, span: Span) -> Operand {
        let world = self.unit.world;
        let Some(component) = self.own_component(span) else { return Value::error().operand };
        let capability = &world.components[component as usize].capabilities[slot as usize];
        let def = &world.interfaces[interface as usize];
        if capability.interface != interface {
            let (has, wants) =
                (world.interfaces[capability.interface as usize].name.clone(), def.name.clone());
            return self
                .fail(Diagnostic::error(
                    "type-mismatch",
                    span,
                    format!("{wants} is wanted here, this is {has}"),
                ))
                .operand;
        }
        for method in 0..def.methods.len() as u32 {
            if asked >> method & 1 == 1 {
                self.unit.inline_uses.push((self.id, CapabilityId(slot), method as u8, span));
            }
        }
        let reference = if def.by_message() {
            Rvalue::Capability(CapabilityId(slot))
        } else {
            Rvalue::Handle(CapabilityId(slot))
        };
        let word = self.compute(&U64, reference, span);
        let ty = Ty::Handle(interface, asked);
        let id = self.unit.type_id(&ty);
        let lent = self.keep(&ty, Rvalue::Truncate(word, id), span);
        self.unit.borrowed.insert((self.id, lent));
        Operand::Copy(Place::local(lent))
    }

    /// The component whose capabilities and parameters the package's functions name. In another component they would
    /// name that one's, so a function that does is the component's alone.
    pub(super) fn own_component(&mut self, span: Span) -> Option<u32> {
        let world = self.unit.world;
        let component = world.packages[self.package as usize].component?;
        if self.package != self.unit.package {
            let owner = &world.components[component as usize].name;
            let message =
                format!("this belongs to the component {owner}; code of another component reaches it");
            self.report(
                Diagnostic::error("foreign-authority", span, message)
                    .help("give the function what it needs: `fn log(out: DebugConsole(write))`"),
            );
            return None;
        }
        Some(component)
    }

    /// Passing a capability on needs every right that it is declared with.
    fn delegated(&mut self, slot: u32, span: Span) {
        let world = self.unit.world;
        let Some(component) = self.own_component(span) else { return };
        let declared = world.components[component as usize].capabilities[slot as usize].declared;
        for method in (0..64).filter(|method| declared >> method & 1 == 1) {
            self.unit.inline_uses.push((self.id, CapabilityId(slot), method, span));
        }
    }

    /// The raw handle of any capability, for kernel calls that pass one on.
    fn raw_handle(&mut self, expr: &Expr) -> Operand {
        if let Some((Def::Capability(slot), rest)) = self.declared(expr)
            && rest.is_empty()
        {
            self.delegated(slot, expr.span);
            return self.compute(&U64, Rvalue::Handle(CapabilityId(slot)), expr.span);
        }
        if let Some(diagnostic) = self.missing_in_package(expr) {
            self.report(diagnostic);
            return self.int(&U64, 0);
        }
        let Some(lvalue) = self.lvalue_or_temp(expr) else { return self.int(&U64, 0) };
        let wide = self.unit.type_id(&U64);
        match lvalue.ty {
            Ty::Handle(interface, _) => {
                let handle =
                    self.compute(&U64, Rvalue::Truncate(Operand::Copy(lvalue.place), wide), expr.span);
                if self.unit.world.interfaces[interface as usize].by_message() {
                    self.compute(&U64, Rvalue::HandleOf(handle), expr.span)
                } else {
                    handle
                }
            }
            Ty::Error => self.int(&U64, 0),
            other => {
                let shown = self.show(&other);
                self.report(
                    Diagnostic::error(
                        "argument-type",
                        expr.span,
                        format!("a capability is wanted here, this is {shown}"),
                    )
                    .help("name a capability of the component or a variable that holds a handle"),
                );
                self.int(&U64, 0)
            }
        }
    }
}
