//! Message words: what a method takes and gives, as 64-bit words and back.

use super::{Body, Value};
use crate::ty::{Ty, U32, U64};
use crate::unit::{ERR, OK};
use crate::world::MethodDef;
use compiler_mir::ir::{BinaryOperator as Op, Fault, Operand, Place, Rvalue, Statement, Step, Terminator};
use compiler_syntax::span::Span;

impl Body<'_, '_> {
    /// From status and words to the method's result.
    pub(super) fn decode(
        &mut self,
        status: Place,
        method: &MethodDef,
        results: &[Place],
        span: Span,
    ) -> Value {
        let returns = method.returns.clone();
        let own_error = method.error.clone().filter(|error| *error != Ty::Enum(self.unit.world.status_enum));
        let Some(error) = own_error else {
            let first = results.first().cloned();
            return self.answer(status, method.error.as_ref(), &returns, span, |body| match first {
                Some(word) => body.from_word(Operand::Copy(word), &returns, span),
                None => Value::unit(),
            });
        };
        let zero = self.int(&U64, 0);
        self.check(Op::Equal, Operand::Copy(status), zero.clone(), Fault::CallFailed, span);
        let ty = Ty::Result(Box::new(returns.clone()), Box::new(error.clone()));
        let result = self.temp(&ty, span);
        let (good, bad, join) = (self.new_block(), self.new_block(), self.new_block());
        let tag = Operand::Copy(results[0].clone());
        self.end(Terminator::Switch { value: tag.clone(), arms: vec![(0, good)], otherwise: bad }, span);
        self.start(good);
        self.push(Statement::SetTag(Place::local(result), OK), span);
        if returns != Ty::Unit
            && let Some(word) = results.get(1)
        {
            let value = self.from_word(Operand::Copy(word.clone()), &returns, span);
            self.assign(Place::local(result).then(Step::Payload(OK, 0)), Rvalue::Use(value.operand), span);
        }
        self.goto(join, span);
        self.start(bad);
        self.push(Statement::SetTag(Place::local(result), ERR), span);
        let one = self.int(&U64, 1);
        let number = self.binary(&U64, Op::SubtractWrap, tag, one, span);
        let place = Place::local(result).then(Step::Payload(ERR, 0));
        self.decode_error(number, &error, &place, &results[1..], span);
        self.goto(join, span);
        self.start(join);
        self.out(result, &ty)
    }

    pub(super) fn decode_error(
        &mut self,
        number: Operand,
        error: &Ty,
        place: &Place,
        words: &[Place],
        span: Span,
    ) {
        let Ty::Enum(at) = error else { return };
        let fields: Vec<Vec<Ty>> = self.unit.world.enums[*at as usize]
            .variants
            .iter()
            .map(|variant| variant.fields.iter().map(|(_, ty)| ty.clone()).collect())
            .collect();
        let join = self.new_block();
        let (blocks, unknown): (Vec<_>, _) =
            (fields.iter().map(|_| self.new_block()).collect(), self.new_block());
        let arms = blocks.iter().enumerate().map(|(tag, block)| (tag as u64, *block)).collect();
        self.end(Terminator::Switch { value: number, arms, otherwise: unknown }, span);
        self.start(unknown);
        self.trap(Fault::Message, span);
        for (tag, (fields, block)) in fields.iter().zip(blocks).enumerate() {
            self.start(block);
            self.push(Statement::SetTag(place.clone(), tag as u32), span);
            for (field, (ty, word)) in fields.iter().zip(words).enumerate() {
                let value = self.from_word(Operand::Copy(word.clone()), ty, span);
                let payload = place.then(Step::Payload(tag as u32, field as u32));
                self.assign(payload, Rvalue::Use(value.operand), span);
            }
            self.goto(join, span);
        }
        self.start(join);
    }

    /// A status becomes the error of a `! Status` method; otherwise only `ok` passes.
    pub(super) fn answer(
        &mut self,
        status: Place,
        error: Option<&Ty>,
        returns: &Ty,
        span: Span,
        value: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let zero = self.int(&U64, 0);
        let Some(error) = error else {
            self.check(Op::Equal, Operand::Copy(status), zero, Fault::CallFailed, span);
            return value(self);
        };
        let ty = Ty::Result(Box::new(returns.clone()), Box::new(error.clone()));
        let result = self.temp(&ty, span);
        let (good, bad, join) = (self.new_block(), self.new_block(), self.new_block());
        self.end(
            Terminator::Switch {
                value: Operand::Copy(status.clone()),
                arms: vec![(0, good)],
                otherwise: bad,
            },
            span,
        );
        self.start(good);
        let value = value(self);
        self.push(Statement::SetTag(Place::local(result), OK), span);
        if *returns != Ty::Unit {
            self.assign(Place::local(result).then(Step::Payload(OK, 0)), Rvalue::Use(value.operand), span);
        }
        self.goto(join, span);
        self.start(bad);
        self.push(Statement::SetTag(Place::local(result), ERR), span);
        let payload = Place::local(result).then(Step::Payload(ERR, 0));
        let decoded = self.from_word(Operand::Copy(status), error, span);
        self.assign(payload, Rvalue::Use(decoded.operand), span);
        self.goto(join, span);
        self.start(join);
        self.out(result, &ty)
    }

    /// A scalar as a message word.
    #[allow(clippy::wrong_self_convention, reason = "it emits the conversion")]
    pub(crate) fn to_word(&mut self, value: &Value, span: Span) -> Operand {
        let wide = self.unit.type_id(&U64);
        match &value.ty {
            Ty::Int { signed: false, bits: 64 } | Ty::Id(_) => value.operand.clone(),
            Ty::Enum(_) => {
                let place = self.place_of(value, span);
                let tag = self.compute(&U32, Rvalue::Tag(place), span);
                self.compute(&U64, Rvalue::Truncate(tag, wide), span)
            }
            Ty::Error | Ty::Never | Ty::Unit => self.int(&U64, 0),
            _ => self.compute(&U64, Rvalue::Truncate(value.operand.clone(), wide), span),
        }
    }

    /// A message word as a scalar; a word that no value has is a fault.
    #[allow(clippy::wrong_self_convention, reason = "it emits the conversion")]
    pub(crate) fn from_word(&mut self, word: Operand, ty: &Ty, span: Span) -> Value {
        let operand = match ty {
            Ty::Unit | Ty::Error | Ty::Never => return Value { ty: ty.clone(), ..Value::unit() },
            Ty::Int { signed: false, bits: 64 } | Ty::Id(_) => word,
            Ty::Bool => {
                let zero = self.int(&U64, 0);
                self.binary(&Ty::Bool, Op::NotEqual, word, zero, span)
            }
            Ty::Enum(at) => {
                let count = self.unit.world.enums[*at as usize].variants.len();
                let limit = self.int(&U64, count as i128);
                self.check(Op::Less, word.clone(), limit, Fault::Message, span);
                let narrow = self.unit.type_id(&U32);
                let tag = self.compute(&U32, Rvalue::Truncate(word, narrow), span);
                let local = self.temp(ty, span);
                self.push(Statement::SetTagFrom(Place::local(local), tag), span);
                Operand::Copy(Place::local(local))
            }
            other => {
                let id = self.unit.type_id(other);
                let operand = self.compute(other, Rvalue::Truncate(word, id), span);
                match (other, operand) {
                    (Ty::Handle(..), Operand::Copy(place)) => Operand::Move(place),
                    (_, operand) => operand,
                }
            }
        };
        Value { operand, ty: ty.clone() }
    }
}
