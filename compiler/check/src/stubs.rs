//! What the compiler writes itself: a component's main function, which starts it and serves its exports.
//!
//! A message is decoded as if its sender were hostile: a method that does not exist, a range outside the
//! window, a tag that no variant has are answered with `malformed`, and the component goes on.

use crate::body::{Body, Value};
use crate::collect::message_scalar;
use crate::ty::{Ty, U32, U64};
use crate::unit::{ERR, OK, Unit};
use crate::world::{FunctionKind, MethodDef, ParameterDef};
use compiler_mir::ir::{
    Argument, BinaryOperator as Op, BlockId, Entry, EntryKind, FunctionId, Local, Operand, Place, Rvalue,
    Statement, Step, Terminator,
};
use compiler_syntax::span::Span;
use sci::layout::badge;
use sci::status::Status;

/// What the receive loop works on.
struct Inbox {
    badge: Local,
    method: Local,
    words: Vec<Local>,
    status: Local,
    answers: Vec<Local>,
    /// Answers the last message and waits for the next.
    answer: BlockId,
    /// Waits for the next message without answering.
    wait: BlockId,
    /// Answers `malformed`.
    malformed: BlockId,
}

/// Writes the main function of a component; gives it and the entries.
pub(crate) fn main(unit: &mut Unit<'_>, component: u32) -> (FunctionId, Vec<Entry>) {
    let def = &unit.world.components[component as usize];
    let (package, span) = (def.package, def.span);
    let mut entries = Vec::new();
    let start = unit.world.functions.iter().position(|function| {
        function.package == package && function.name == "start" && function.kind == FunctionKind::Plain
    });
    let start = start.map(|at| (at as u32, unit.function_id(at as u32)));
    if let Some((_, function)) = start {
        entries.push(Entry { name: "start".into(), function, kind: EntryKind::Start });
    }
    let mut methods = Vec::new();
    for (number, export) in def.exports.iter().enumerate() {
        let interface = &unit.world.interfaces[export.interface as usize];
        for (method, function) in export.functions.iter().enumerate() {
            let Some(function) = *function else { continue };
            let function_id = unit.function_id(function);
            let name = format!("{}.{}", export.name, interface.methods[method].name);
            entries.push(Entry {
                name,
                function: function_id,
                kind: EntryKind::Method(number as u32, method as u32),
            });
            methods.push((number, method, function_id));
        }
    }
    let mut interrupts = Vec::new();
    for (at, function) in unit.world.functions.iter().enumerate() {
        if let FunctionKind::Interrupt(bit) = function.kind
            && function.package == package
        {
            interrupts.push((bit, at as u32));
        }
    }
    let interrupts: Vec<(u32, FunctionId)> = interrupts
        .into_iter()
        .map(|(bit, at)| {
            let function = unit.function_id(at);
            let name = unit.world.functions[at as usize].name.clone();
            entries.push(Entry { name, function, kind: EntryKind::Interrupt(bit) });
            (bit, function)
        })
        .collect();
    let id = unit.reserve("main", span);
    let mut body = Body::new(unit, package, id, &Ty::Unit);
    if let Some((at, function)) = start {
        run_start(&mut body, at, function, span);
    }
    if !def.exports.is_empty() || !interrupts.is_empty() {
        serve(&mut body, component, &methods, &interrupts, span);
    }
    body.finish(None);
    (id, entries)
}

/// Calls `start`; an error it gives ends the component with the number of its variant, from 1, as the exit code.
fn run_start(body: &mut Body<'_, '_>, at: u32, function: FunctionId, span: Span) {
    let result = Unit::full_result(&body.unit.world.functions[at as usize]);
    let value = body.emit_call(function, Vec::new(), &result, span);
    let Ty::Result(..) = result else { return };
    let (Operand::Copy(place) | Operand::Move(place)) = value.operand else { return };
    let tag = body.compute(&U32, Rvalue::Tag(place.clone()), span);
    let (good, bad) = (body.new_block(), body.new_block());
    body.end(Terminator::Switch { value: tag, arms: vec![(u64::from(OK), good)], otherwise: bad }, span);
    body.start(bad);
    let tag = body.compute(&U32, Rvalue::Tag(place.then(Step::Payload(ERR, 0))), span);
    let wide = body.unit.type_id(&U64);
    let tag = body.compute(&U64, Rvalue::Truncate(tag, wide), span);
    let (own, exit, one) = (
        body.int(&U64, 0),
        body.int(&U64, i128::from(sci::syscall::thread_operation::EXIT)),
        body.int(&U64, 1),
    );
    let code = body.binary(&U64, Op::AddWrap, tag, one, span);
    body.system(sci::syscall::number::thread_control, vec![own, exit, code], None, span);
    body.end(Terminator::Return, span);
    body.start(good);
}

fn serve(
    body: &mut Body<'_, '_>,
    component: u32,
    methods: &[(usize, usize, FunctionId)],
    interrupts: &[(u32, FunctionId)],
    span: Span,
) {
    let u64s =
        |body: &mut Body<'_, '_>, count: usize| (0..count).map(|_| body.temp(&U64, span)).collect::<Vec<_>>();
    let inbox = Inbox {
        badge: body.temp(&U64, span),
        method: body.temp(&U64, span),
        words: u64s(body, sci::limits::MESSAGE_WORDS),
        status: body.temp(&U64, span),
        answers: u64s(body, sci::limits::MESSAGE_WORDS),
        answer: body.new_block(),
        wait: body.new_block(),
        malformed: body.new_block(),
    };
    let dispatch = body.new_block();
    body.goto(inbox.wait, span);
    for (block, answers) in [(inbox.wait, false), (inbox.answer, true)] {
        body.start(block);
        let reply = answers.then(|| {
            let words = inbox.answers.iter().map(|local| Operand::Copy(Place::local(*local))).collect();
            (Operand::Copy(Place::local(inbox.status)), words)
        });
        let places = |locals: &[Local]| locals.iter().map(|local| Place::local(*local)).collect();
        body.push(
            Statement::Receive {
                reply,
                badge: Place::local(inbox.badge),
                method: Place::local(inbox.method),
                words: places(&inbox.words),
            },
            span,
        );
        body.goto(dispatch, span);
    }
    body.start(inbox.malformed);
    answer_status(body, &inbox, Status::Malformed, span);

    body.start(dispatch);
    // What the last client got is not this one's.
    for answer in &inbox.answers {
        let zero = body.int(&U64, 0);
        body.assign(Place::local(*answer), Rvalue::Use(zero), span);
    }
    let shift = body.int(&U32, i128::from(badge::EXPORT_SHIFT));
    let export = body.binary(&U64, Op::ShiftRight, Operand::Copy(Place::local(inbox.badge)), shift, span);
    let mut arms = Vec::new();
    let exports = &body.unit.world.components[component as usize].exports;
    let served: Vec<(u32, u64)> = exports
        .iter()
        .enumerate()
        .map(|(number, export)| {
            let supervisor = body.unit.world.interfaces[export.interface as usize].name == "Supervisor";
            (export.interface, if supervisor { badge::EXPORT_SUPERVISOR } else { number as u64 })
        })
        .collect();
    let blocks: Vec<BlockId> = served.iter().map(|_| body.new_block()).collect();
    arms.extend(served.iter().zip(&blocks).map(|((_, number), block)| (*number, *block)));
    let notified = body.new_block();
    arms.push((badge::EXPORT_NOTIFICATION, notified));
    body.end(Terminator::Switch { value: export, arms, otherwise: inbox.malformed }, span);

    body.start(notified);
    notify(body, &inbox, interrupts, span);
    for (number, ((interface, _), block)) in served.iter().zip(blocks).enumerate() {
        body.start(block);
        let mask = body.int(&U64, i128::from(sci::layout::frame::METHOD_MASK));
        let method = body.binary(&U64, Op::And, Operand::Copy(Place::local(inbox.method)), mask, span);
        let own: Vec<(usize, FunctionId)> = methods
            .iter()
            .filter(|(export, ..)| *export == number)
            .map(|(_, method, function)| (*method, *function))
            .collect();
        let blocks: Vec<BlockId> = own.iter().map(|_| body.new_block()).collect();
        let arms = own.iter().zip(&blocks).map(|((method, _), block)| (*method as u64, *block)).collect();
        body.end(Terminator::Switch { value: method, arms, otherwise: inbox.malformed }, span);
        for ((method, function), block) in own.into_iter().zip(blocks) {
            body.start(block);
            let def = body.unit.world.interfaces[*interface as usize].methods[method].clone();
            carry_out(body, &inbox, &def, function, span);
        }
    }
}

fn notify(body: &mut Body<'_, '_>, inbox: &Inbox, interrupts: &[(u32, FunctionId)], span: Span) {
    for (bit, function) in interrupts {
        let mask = body.int(&U64, 1 << bit);
        let bits = body.binary(&U64, Op::And, Operand::Copy(Place::local(inbox.words[0])), mask, span);
        let (run, next) = (body.new_block(), body.new_block());
        body.end(Terminator::Switch { value: bits, arms: vec![(0, next)], otherwise: run }, span);
        body.start(run);
        body.emit_call(*function, Vec::new(), &Ty::Unit, span);
        body.goto(next, span);
        body.start(next);
    }
    body.goto(inbox.wait, span);
}

fn answer_status(body: &mut Body<'_, '_>, inbox: &Inbox, status: Status, span: Span) {
    let number = body.int(&U64, i128::from(status.number()));
    body.assign(Place::local(inbox.status), Rvalue::Use(number), span);
    body.goto(inbox.answer, span);
}

/// Goes on only if the condition holds; otherwise the sender gets `malformed`.
fn require(body: &mut Body<'_, '_>, inbox: &Inbox, op: Op, left: Operand, right: Operand, span: Span) {
    let condition = body.binary(&Ty::Bool, op, left, right, span);
    let good = body.new_block();
    body.end(Terminator::Branch { condition, then: good, otherwise: inbox.malformed }, span);
    body.start(good);
}

/// Decodes the arguments, calls the method, encodes the answer.
fn carry_out(body: &mut Body<'_, '_>, inbox: &Inbox, method: &MethodDef, function: FunctionId, span: Span) {
    let window = method.parameters.iter().any(|parameter| parameter.ty.is_view()).then(|| {
        let mask = body.int(&U64, i128::from(badge::CLIENT_MASK));
        let client = body.binary(&U64, Op::And, Operand::Copy(Place::local(inbox.badge)), mask, span);
        let limit = body.int(&U64, i128::from(sci::limits::CLIENTS_MAX));
        require(body, inbox, Op::Less, client.clone(), limit, span);
        body.keep(&Body::bytes_type(), Rvalue::ClientWindow(client), span)
    });
    let mut arguments = Vec::new();
    for (parameter, word) in method.parameters.iter().zip(&inbox.words) {
        let operand = match window {
            Some(window) if parameter.ty.is_view() => lent(body, inbox, window, *word, &parameter.ty, span),
            _ => scalar(body, inbox, *word, parameter, span),
        };
        arguments.push(if parameter.ty.is_scalar() {
            Argument::Value(operand)
        } else {
            Argument::Reference(Place::local(body.keep(&parameter.ty, Rvalue::Use(operand), span)))
        });
    }
    let result = match &method.error {
        Some(error) => Ty::Result(Box::new(method.returns.clone()), Box::new(error.clone())),
        None => method.returns.clone(),
    };
    let value = body.emit_call(function, arguments, &result, span);
    encode(body, inbox, method, value, span);
}

fn scalar(
    body: &mut Body<'_, '_>,
    inbox: &Inbox,
    word: Local,
    parameter: &ParameterDef,
    span: Span,
) -> Operand {
    let word = Operand::Copy(Place::local(word));
    if let Ty::Enum(at) = &parameter.ty {
        let count = body.unit.world.enums[*at as usize].variants.len();
        let limit = body.int(&U64, count as i128);
        require(body, inbox, Op::Less, word.clone(), limit, span);
    }
    debug_assert!(message_scalar(body.unit.world, &parameter.ty), "interfaces hold only scalars and views");
    let value = body.from_word(word.clone(), &parameter.ty, span);
    let narrow = match &parameter.ty {
        Ty::Int { bits, .. } => *bits < 64,
        ty => *ty == Ty::Bool,
    };
    if narrow {
        let whole = body.to_word(&value, span);
        require(body, inbox, Op::Equal, whole, word, span);
    }
    value.operand
}

/// The part of the window that a lease word names.
fn lent(body: &mut Body<'_, '_>, inbox: &Inbox, window: Local, lease: Local, ty: &Ty, span: Span) -> Operand {
    let lease = Operand::Copy(Place::local(lease));
    let (low, shift) = (body.int(&U64, 0xffff_ffff), body.int(&U32, 32));
    let offset = body.binary(&U64, Op::And, lease.clone(), low, span);
    let length = body.binary(&U64, Op::ShiftRight, lease, shift, span);
    let end = body.binary(&U64, Op::AddWrap, offset.clone(), length.clone(), span);
    let size = body.compute(&U64, Rvalue::Length(Place::local(window)), span);
    require(body, inbox, Op::LessEqual, end.clone(), size, span);
    let bytes = Body::bytes_type();
    let view = body.compute(&bytes, Rvalue::View(Place::local(window), offset, end), span);
    let Ty::Slice(element) = ty else { return view };
    let element = body.unit.type_id(element);
    let size = compiler_mir::layout::of(&body.unit.program, element).size;
    if size == 1 {
        return view;
    }
    let (size, zero) = (body.int(&U64, i128::from(size)), body.int(&U64, 0));
    let rest = body.binary(&U64, Op::Remainder, length, size, span);
    require(body, inbox, Op::Equal, rest, zero, span);
    let id = body.unit.type_id(ty);
    body.compute(ty, Rvalue::FromBytes(view, id), span)
}

fn encode(body: &mut Body<'_, '_>, inbox: &Inbox, method: &MethodDef, value: Value, span: Span) {
    let status_enum = Ty::Enum(body.unit.world.status_enum);
    let Some(error) = &method.error else {
        store(body, inbox, 0, &value, span);
        answer_status(body, inbox, Status::Ok, span);
        return;
    };
    let (Operand::Copy(place) | Operand::Move(place)) = value.operand else { return };
    let tag = body.compute(&U32, Rvalue::Tag(place.clone()), span);
    let (good, bad) = (body.new_block(), body.new_block());
    body.end(Terminator::Switch { value: tag, arms: vec![(u64::from(OK), good)], otherwise: bad }, span);
    let own = *error != status_enum;
    body.start(good);
    if own {
        let zero = body.int(&U64, 0);
        body.assign(Place::local(inbox.answers[0]), Rvalue::Use(zero), span);
    }
    if method.returns != Ty::Unit {
        let payload = Operand::Copy(place.then(Step::Payload(OK, 0)));
        store(body, inbox, usize::from(own), &Value { operand: payload, ty: method.returns.clone() }, span);
    }
    answer_status(body, inbox, Status::Ok, span);
    body.start(bad);
    let failed = place.then(Step::Payload(ERR, 0));
    let tag = body.compute(&U32, Rvalue::Tag(failed.clone()), span);
    let wide = body.unit.type_id(&U64);
    let number = body.compute(&U64, Rvalue::Truncate(tag.clone(), wide), span);
    if !own {
        body.assign(Place::local(inbox.status), Rvalue::Use(number), span);
        body.goto(inbox.answer, span);
        return;
    }
    let one = body.int(&U64, 1);
    let next = body.binary(&U64, Op::AddWrap, number, one, span);
    body.assign(Place::local(inbox.answers[0]), Rvalue::Use(next), span);
    encode_error(body, inbox, error, &failed, tag, span);
}

fn encode_error(body: &mut Body<'_, '_>, inbox: &Inbox, error: &Ty, place: &Place, tag: Operand, span: Span) {
    let Ty::Enum(at) = error else { return };
    let fields: Vec<Vec<Ty>> = body.unit.world.enums[*at as usize]
        .variants
        .iter()
        .map(|variant| variant.fields.iter().map(|(_, ty)| ty.clone()).collect())
        .collect();
    let done = body.new_block();
    let blocks: Vec<BlockId> = fields.iter().map(|_| body.new_block()).collect();
    let arms = blocks.iter().enumerate().map(|(tag, block)| (tag as u64, *block)).collect();
    body.end(Terminator::Switch { value: tag, arms, otherwise: done }, span);
    for (variant, (fields, block)) in fields.iter().zip(blocks).enumerate() {
        body.start(block);
        for (field, ty) in fields.iter().enumerate() {
            let payload = Operand::Copy(place.then(Step::Payload(variant as u32, field as u32)));
            store(body, inbox, 1 + field, &Value { operand: payload, ty: ty.clone() }, span);
        }
        body.goto(done, span);
    }
    body.start(done);
    answer_status(body, inbox, Status::Ok, span);
}

fn store(body: &mut Body<'_, '_>, inbox: &Inbox, word: usize, value: &Value, span: Span) {
    if matches!(value.ty, Ty::Unit | Ty::Error | Ty::Never) {
        return;
    }
    let operand = body.to_word(value, span);
    // An error with more fields than a message has words is refused where its interface is declared.
    if let Some(answer) = inbox.answers.get(word) {
        body.assign(Place::local(*answer), Rvalue::Use(operand), span);
    }
}
