//! Tables: elements of a fixed number of places, named by generational ids.

use super::{Access, Body, Lvalue, Value};
use crate::ty::{Ty, U32, U64};
use crate::unit::{NONE, SOME, table};
use compiler_mir::ir::{
    BinaryOperator as Op, Fault, Local, Operand, Place, Rvalue, Statement, Step, Terminator,
};
use compiler_syntax::diagnostic::Diagnostic;
use compiler_syntax::span::Span;
use compiler_syntax::tree::{self, CallArgument, Expr};

impl Body<'_, '_> {
    /// `Table.empty()`
    pub(super) fn empty_table(&mut self, want: Option<&Ty>, span: Span) -> Value {
        if want.is_some_and(Ty::is_error) {
            return Value::error();
        }
        let Some(ty @ Ty::Table(..)) = want else {
            return self.fail(
                Diagnostic::error("table-type", span, "the type of this table is not clear")
                    .help("say the type: `var jobs: Table[Job, 16] = Table.empty()`"),
            );
        };
        let local = self.temp(ty, span);
        self.push(Statement::Zero(Place::local(local)), span);
        Value { operand: Operand::Copy(Place::local(local)), ty: ty.clone() }
    }

    /// `jobs[id]`
    pub(super) fn table_element(
        &mut self,
        base: &Lvalue,
        element: &Ty,
        count: u64,
        id: &Expr,
        span: Span,
    ) -> Option<Lvalue> {
        let id = self.expr_as(id, &Ty::Id(Box::new(element.clone())));
        if id.ty.is_error() {
            return None;
        }
        let index = self.live_index(&base.place, count, id.operand, span);
        let place = base.place.then(Step::Field(table::VALUES)).then(Step::Index(index));
        Some(Lvalue { place, ty: element.clone(), access: base.access.clone() })
    }

    /// `jobs.insert(job)`, `jobs.remove(id)`, `jobs.has(id)`
    pub(super) fn table_method(
        &mut self,
        base: &Lvalue,
        element: &Ty,
        count: u64,
        name: &tree::Name,
        arguments: &[CallArgument],
        span: Span,
    ) -> Value {
        let id_type = Ty::Id(Box::new(element.clone()));
        let [argument] = arguments else {
            return match name.as_str() {
                "insert" | "remove" | "has" => self.fail(Diagnostic::error(
                    "argument-count",
                    span,
                    format!("`{}` takes one argument", name.as_str()),
                )),
                _ => self.no_method(&base_type(element, count), name),
            };
        };
        match name.as_str() {
            "insert" => {
                self.table_writable(&base.access, span);
                let value = self.expr_as(&argument.value, element);
                let value = self.freeze(value, argument.value.span);
                self.insert(base, element, count, &value, span)
            }
            "remove" => {
                self.table_writable(&base.access, span);
                let id = self.expr_as(&argument.value, &id_type);
                let id = self.freeze(id, span);
                self.remove(base, element, count, &id, span)
            }
            "has" => {
                let id = self.expr_as(&argument.value, &id_type);
                let id = self.freeze(id, span);
                let found = self.temp(&Ty::Bool, span);
                let (_, generation, known) = self.find(base, count, &id, span);
                self.assign(Place::local(found), Rvalue::Use(known), span);
                let _ = generation;
                Value::of_local(found, Ty::Bool)
            }
            _ => self.no_method(&base_type(element, count), name),
        }
    }

    fn table_writable(&mut self, access: &Access, span: Span) {
        self.writable(access, span);
    }

    /// Index, wanted generation, and whether the id names a live element. A foreign index counts as gone.
    fn find(&mut self, base: &Lvalue, count: u64, id: &Value, span: Span) -> (Local, Operand, Operand) {
        let limit = self.int(&U64, i128::from(count));
        let mask = self.int(&U64, 0xffff_ffff);
        let index = self.keep(&U64, Rvalue::Binary(Op::And, id.operand.clone(), mask), span);
        let shift = self.int(&U32, 32);
        let high = self.binary(&U64, Op::ShiftRight, id.operand.clone(), shift, span);
        let narrow = self.unit.type_id(&U32);
        let generation = self.compute(&U32, Rvalue::Truncate(high, narrow), span);
        let known = self.temp(&Ty::Bool, span);
        let inside = self.binary(&Ty::Bool, Op::Less, Operand::Copy(Place::local(index)), limit, span);
        self.assign(Place::local(known), Rvalue::Use(inside), span);
        let (look, join) = (self.new_block(), self.new_block());
        let condition = Operand::Copy(Place::local(known));
        self.end(Terminator::Branch { condition: condition.clone(), then: look, otherwise: join }, span);
        self.start(look);
        let place = base.place.then(Step::Field(table::GENERATIONS)).then(Step::Index(index));
        let same = self.binary(&Ty::Bool, Op::Equal, Operand::Copy(place), generation.clone(), span);
        self.assign(Place::local(known), Rvalue::Use(same), span);
        self.goto(join, span);
        self.start(join);
        (index, generation, condition)
    }

    fn insert(&mut self, base: &Lvalue, element: &Ty, count: u64, value: &Value, span: Span) -> Value {
        let result_type = Ty::Optional(Box::new(Ty::Id(Box::new(element.clone()))));
        let result = self.temp(&result_type, span);
        let live = base.place.then(Step::Field(table::COUNT));
        if self.unit.world.is_linear(element) {
            // A handle cannot be dropped because there is no room.
            let all = self.int(&U32, i128::from(count));
            self.check(Op::Less, Operand::Copy(live.clone()), all, Fault::Capacity, span);
        }
        self.push(Statement::SetTag(Place::local(result), NONE), span);
        let done = self.new_block();
        let one = self.int(&U32, 1);
        self.counted(count, span, |body, at| {
            let place = base.place.then(Step::Field(table::GENERATIONS)).then(Step::Index(at));
            let odd = body.binary(&U32, Op::And, Operand::Copy(place.clone()), one.clone(), span);
            let (free, taken) = (body.new_block(), body.new_block());
            body.end(Terminator::Switch { value: odd, arms: vec![(0, free)], otherwise: taken }, span);
            body.start(free);
            body.assign(
                place.clone(),
                Rvalue::Binary(Op::AddWrap, Operand::Copy(place.clone()), one.clone()),
                span,
            );
            body.assign(
                live.clone(),
                Rvalue::Binary(Op::AddWrap, Operand::Copy(live.clone()), one.clone()),
                span,
            );
            let slot = base.place.then(Step::Field(table::VALUES)).then(Step::Index(at));
            body.assign(slot, Rvalue::Use(value.operand.clone()), span);
            let wide = body.unit.type_id(&U64);
            let generation = body.compute(&U64, Rvalue::Truncate(Operand::Copy(place), wide), span);
            let shift = body.int(&U32, 32);
            let high = body.binary(&U64, Op::ShiftLeft, generation, shift, span);
            let id = body.binary(&U64, Op::Or, high, Operand::Copy(Place::local(at)), span);
            body.push(Statement::SetTag(Place::local(result), SOME), span);
            body.assign(Place::local(result).then(Step::Payload(SOME, 0)), Rvalue::Use(id), span);
            body.goto(done, span);
            body.start(taken);
        });
        if self.unit.world.is_linear(element) {
            self.end(Terminator::Trap(Fault::Unreachable), span);
        } else {
            self.goto(done, span);
        }
        self.start(done);
        Value::of_local(result, result_type)
    }

    fn remove(&mut self, base: &Lvalue, element: &Ty, count: u64, id: &Value, span: Span) -> Value {
        let result_type = Ty::Optional(Box::new(element.clone()));
        let result = self.temp(&result_type, span);
        self.push(Statement::SetTag(Place::local(result), NONE), span);
        let (index, _, known) = self.find(base, count, id, span);
        let (take, done) = (self.new_block(), self.new_block());
        self.end(Terminator::Branch { condition: known, then: take, otherwise: done }, span);
        self.start(take);
        let one = self.int(&U32, 1);
        let generation = base.place.then(Step::Field(table::GENERATIONS)).then(Step::Index(index));
        let live = base.place.then(Step::Field(table::COUNT));
        let next = Rvalue::Binary(Op::AddWrap, Operand::Copy(generation.clone()), one.clone());
        self.assign(generation, next, span);
        self.assign(live.clone(), Rvalue::Binary(Op::SubtractWrap, Operand::Copy(live), one), span);
        let slot = base.place.then(Step::Field(table::VALUES)).then(Step::Index(index));
        self.push(Statement::SetTag(Place::local(result), SOME), span);
        let payload = Place::local(result).then(Step::Payload(SOME, 0));
        self.assign(payload, Rvalue::Use(Operand::Copy(slot)), span);
        self.goto(done, span);
        self.start(done);
        self.out(result, &result_type)
    }

    /// The id of the element at a place, as it is now.
    pub(super) fn id_at(&mut self, base: &Lvalue, at: Local, span: Span) -> Operand {
        let place = base.place.then(Step::Field(table::GENERATIONS)).then(Step::Index(at));
        let wide = self.unit.type_id(&U64);
        let generation = self.compute(&U64, Rvalue::Truncate(Operand::Copy(place), wide), span);
        let shift = self.int(&U32, 32);
        let high = self.binary(&U64, Op::ShiftLeft, generation, shift, span);
        self.binary(&U64, Op::Or, high, Operand::Copy(Place::local(at)), span)
    }
}

fn base_type(element: &Ty, count: u64) -> Ty {
    Ty::Table(Box::new(element.clone()), count)
}
