//! Assignments: operators, conversions, views.

use super::function::{Lowering, scalar_type, trusted};
use crate::{Symbol, trap_code};
use compiler_mir::ir::{
    BinaryOperator as Op, CapabilityId, Constant, Fault, Operand, Place, Rvalue, Type, TypeId, UnaryOperator,
};
use compiler_mir::layout;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F64, I32, I64};
use cranelift_codegen::ir::{self, InstBuilder, Value};
use sci::layout::start;

impl Lowering<'_, '_, '_> {
    pub(crate) fn assign(&mut self, place: &Place, value: &Rvalue) {
        match value {
            Rvalue::Use(operand) => self.copy(place, operand),
            Rvalue::Unary(operator, operand) => {
                let value = self.unary(*operator, operand);
                self.store_scalar(place, value);
            }
            Rvalue::Binary(operator, left, right) => {
                let value = self.binary(*operator, left, right);
                self.store_scalar(place, value);
            }
            Rvalue::Convert(operand, ty) => {
                let value = self.convert(operand, *ty, true);
                self.store_scalar(place, value);
            }
            Rvalue::Truncate(operand, ty) => {
                let value = self.convert(operand, *ty, false);
                self.store_scalar(place, value);
            }
            Rvalue::Tag(of) => {
                let address = self.address(of);
                let tag = self.builder.ins().load(I32, trusted(), address, 0);
                self.store_scalar(place, tag);
            }
            Rvalue::Length(of) => {
                let (_, length, _) = self.extent(of);
                self.store_scalar(place, length);
            }
            Rvalue::View(of, from, to) => {
                let (pointer, _, element) = self.extent(of);
                let (from, to) = (self.scalar(from), self.scalar(to));
                let offset = self.scaled(from, element);
                let pointer = self.builder.ins().iadd(pointer, offset);
                let length = self.builder.ins().isub(to, from);
                self.store_values(place, &[pointer, length]);
            }
            Rvalue::AsBytes(operand) => {
                let size = self.element_size_of(operand);
                let values = self.values(operand);
                let length = self.builder.ins().imul_imm_s(values[1], size as i64);
                self.store_values(place, &[values[0], length]);
            }
            Rvalue::FromBytes(operand, ty) => {
                let size = self.element_size(*ty);
                let values = self.values(operand);
                let size = self.builder.ins().iconst(I64, size as i64);
                let length = self.builder.ins().udiv(values[1], size);
                self.store_values(place, &[values[0], length]);
            }
            Rvalue::Capability(capability) => {
                let entry = self.capability_entry(*capability);
                self.store_scalar(place, entry);
            }
            Rvalue::Handle(capability) => {
                let entry = self.capability_entry(*capability);
                let handle = self.builder.ins().load(I64, trusted(), entry, start::ENTRY_HANDLE as i32);
                self.store_scalar(place, handle);
            }
            Rvalue::HandleOf(reference) => {
                let entry = self.scalar(reference);
                let handle = self.builder.ins().load(I64, trusted(), entry, start::ENTRY_HANDLE as i32);
                self.store_scalar(place, handle);
            }
            Rvalue::Window(reference) => {
                let entry = self.scalar(reference);
                let pointer = self.builder.ins().load(I64, trusted(), entry, start::ENTRY_WINDOW as i32);
                let length = self.builder.ins().load(I64, trusted(), entry, start::ENTRY_WINDOW_BYTES as i32);
                self.store_values(place, &[pointer, length]);
            }
            Rvalue::ClientWindow(client) => {
                let client = self.scalar(client);
                let page = self.symbol(Symbol::StartPage);
                let offset = self.builder.ins().imul_imm_s(client, start::CLIENT_WINDOW_BYTES as i64);
                let entry = self.builder.ins().iadd(page, offset);
                let at = start::CLIENT_WINDOWS as i32;
                let pointer = self.builder.ins().load(I64, trusted(), entry, at);
                let length = self.builder.ins().load(I64, trusted(), entry, at + 8);
                self.store_values(place, &[pointer, length]);
            }
            Rvalue::Parameter(index) => {
                let page = self.symbol(Symbol::StartPage);
                let at = start::PARAMETERS as i32 + 8 * *index as i32;
                let value = self.builder.ins().load(I64, trusted(), page, at);
                self.store_scalar(place, value);
            }
        }
    }

    /// The address of a capability's entry in the start page.
    fn capability_entry(&mut self, capability: CapabilityId) -> Value {
        let page = self.symbol(Symbol::StartPage);
        let at = start::CAPABILITIES + start::CAPABILITY_BYTES * u64::from(capability.0);
        self.builder.ins().iadd_imm_s(page, at as i64)
    }

    fn element_size(&self, slice: TypeId) -> u64 {
        match self.program.type_of(slice) {
            Type::Slice(element) => layout::of(self.program, *element).size.max(1),
            _ => 1,
        }
    }

    fn element_size_of(&self, operand: &Operand) -> u64 {
        self.operand_type(operand).map_or(1, |ty| match ty {
            Type::Slice(element) => layout::of(self.program, *element).size.max(1),
            _ => 1,
        })
    }

    fn operand_type(&self, operand: &Operand) -> Option<&Type> {
        let id = match operand {
            Operand::Copy(place) | Operand::Move(place) => self.program.place_type(self.function, place),
            Operand::Constant(Constant::Int(_, ty) | Constant::Float(_, ty) | Constant::Slice(_, _, ty)) => {
                *ty
            }
            Operand::Constant(Constant::Unit | Constant::Bool(_)) => return None,
        };
        Some(self.program.type_of(id))
    }

    fn is_signed(&self, operand: &Operand) -> bool {
        matches!(self.operand_type(operand), Some(Type::Int { signed: true, .. }))
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Operand) -> Value {
        let value = self.scalar(operand);
        let ty = self.builder.func.dfg.value_type(value);
        let is_int = matches!(self.operand_type(operand), Some(Type::Int { .. }));
        match operator {
            UnaryOperator::Not if is_int => self.builder.ins().bnot(value),
            UnaryOperator::Not => self.builder.ins().bxor_imm_u(value, 1),
            UnaryOperator::Negate if ty.is_float() => self.builder.ins().fneg(value),
            UnaryOperator::Negate => {
                let zero = self.builder.ins().iconst(ty, 0);
                let (result, overflow) = self.builder.ins().ssub_overflow(zero, value);
                self.builder.ins().trapnz(overflow, trap_code(Fault::Overflow));
                result
            }
        }
    }

    fn binary(&mut self, op: Op, left: &Operand, right: &Operand) -> Value {
        let signed = if matches!(left, Operand::Constant(_)) && !matches!(op, Op::ShiftLeft | Op::ShiftRight)
        {
            self.is_signed(right) || self.is_signed(left)
        } else {
            self.is_signed(left)
        };
        let (a, b) = (self.scalar(left), self.scalar(right));
        let ty = self.builder.func.dfg.value_type(a);
        if ty.is_float() {
            return self.float(op, a, b);
        }
        match op {
            Op::Add | Op::Subtract | Op::Multiply => self.checked(op, a, b, signed),
            Op::AddWrap => self.builder.ins().iadd(a, b),
            Op::SubtractWrap => self.builder.ins().isub(a, b),
            Op::MultiplyWrap => self.builder.ins().imul(a, b),
            Op::Divide | Op::Remainder => {
                self.builder.ins().trapz(b, trap_code(Fault::Division));
                self.divide(op, a, b, ty, signed)
            }
            Op::And => self.builder.ins().band(a, b),
            Op::Or => self.builder.ins().bor(a, b),
            Op::Xor => self.builder.ins().bxor(a, b),
            Op::ShiftLeft | Op::ShiftRight => {
                let fits = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, b, i64::from(ty.bits()));
                self.builder.ins().trapz(fits, trap_code(Fault::Overflow));
                match (op, signed) {
                    (Op::ShiftLeft, _) => self.builder.ins().ishl(a, b),
                    (_, true) => self.builder.ins().sshr(a, b),
                    (_, false) => self.builder.ins().ushr(a, b),
                }
            }
            _ => {
                let condition = int_condition(op, signed);
                self.builder.ins().icmp(condition, a, b)
            }
        }
    }

    fn checked(&mut self, op: Op, a: Value, b: Value, signed: bool) -> Value {
        let ins = self.builder.ins();
        let (result, overflow) = match (op, signed) {
            (Op::Add, true) => ins.sadd_overflow(a, b),
            (Op::Add, false) => ins.uadd_overflow(a, b),
            (Op::Subtract, true) => ins.ssub_overflow(a, b),
            (Op::Subtract, false) => ins.usub_overflow(a, b),
            (_, true) => ins.smul_overflow(a, b),
            (_, false) => ins.umul_overflow(a, b),
        };
        self.builder.ins().trapnz(overflow, trap_code(Fault::Overflow));
        result
    }

    fn divide(&mut self, op: Op, a: Value, b: Value, ty: ir::Type, signed: bool) -> Value {
        if !signed {
            return match op {
                Op::Divide => self.builder.ins().udiv(a, b),
                _ => self.builder.ins().urem(a, b),
            };
        }
        if op == Op::Remainder {
            return self.builder.ins().srem(a, b);
        }
        let least = self.builder.ins().iconst(ty, (i64::MIN >> (64 - ty.bits())) & mask(ty));
        let is_least = self.builder.ins().icmp(IntCC::Equal, a, least);
        let minus_one = self.builder.ins().iconst(ty, mask(ty));
        let by_minus_one = self.builder.ins().icmp(IntCC::Equal, b, minus_one);
        let both = self.builder.ins().band(is_least, by_minus_one);
        self.builder.ins().trapnz(both, trap_code(Fault::Overflow));
        self.builder.ins().sdiv(a, b)
    }

    fn float(&mut self, op: Op, a: Value, b: Value) -> Value {
        let ins = self.builder.ins();
        match op {
            Op::Add => ins.fadd(a, b),
            Op::Subtract => ins.fsub(a, b),
            Op::Multiply => ins.fmul(a, b),
            Op::Equal => ins.fcmp(FloatCC::Equal, a, b),
            Op::NotEqual => ins.fcmp(FloatCC::NotEqual, a, b),
            Op::Less => ins.fcmp(FloatCC::LessThan, a, b),
            Op::LessEqual => ins.fcmp(FloatCC::LessThanOrEqual, a, b),
            Op::Greater => ins.fcmp(FloatCC::GreaterThan, a, b),
            Op::GreaterEqual => ins.fcmp(FloatCC::GreaterThanOrEqual, a, b),
            _ => ins.fdiv(a, b),
        }
    }

    fn convert(&mut self, operand: &Operand, target: TypeId, exact: bool) -> Value {
        let value = self.scalar(operand);
        let from = self.builder.func.dfg.value_type(value);
        let signed = self.is_signed(operand);
        let to_type = self.program.type_of(target);
        let to = scalar_type(to_type).unwrap_or(I64);
        let to_signed = matches!(to_type, Type::Int { signed: true, .. });
        match (from.is_float(), to.is_float()) {
            (false, false) => {
                let wide = self.widen(value, from, signed);
                self.narrowed(wide, to, Fit { signed, to_signed, full: from.bits() == 64, exact })
            }
            (false, true) => {
                let wide = self.widen(value, from, signed);
                if signed {
                    self.builder.ins().fcvt_from_sint(to, wide)
                } else {
                    self.builder.ins().fcvt_from_uint(to, wide)
                }
            }
            (true, true) => match (from, to) {
                (F32, F64) => self.builder.ins().fpromote(F64, value),
                (F64, F32) => self.builder.ins().fdemote(F32, value),
                _ => value,
            },
            (true, false) => {
                if to == I64 && !to_signed {
                    return self.builder.ins().fcvt_to_uint(I64, value);
                }
                let wide = self.builder.ins().fcvt_to_sint(I64, value);
                self.narrowed(wide, to, Fit { signed: true, to_signed, full: true, exact: true })
            }
        }
    }

    fn widen(&mut self, value: Value, from: ir::Type, signed: bool) -> Value {
        match (from == I64, signed) {
            (true, _) => value,
            (false, true) => self.builder.ins().sextend(I64, value),
            (false, false) => self.builder.ins().uextend(I64, value),
        }
    }

    /// From 64 bits to an integer type, trapping if asked and the value does not fit.
    fn narrowed(&mut self, wide: Value, to: ir::Type, fit: Fit) -> Value {
        let Fit { signed, to_signed, full, exact } = fit;
        let narrow = if to == I64 { wide } else { self.builder.ins().ireduce(to, wide) };
        if !exact {
            return narrow;
        }
        // A value of one signedness whose top bit would mean something else in the other.
        if signed != to_signed && (full || signed) {
            let positive = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, wide, 0);
            self.builder.ins().trapz(positive, trap_code(Fault::Conversion));
        }
        if to != I64 {
            let back = self.widen(narrow, to, to_signed);
            let same = self.builder.ins().icmp(IntCC::Equal, back, wide);
            self.builder.ins().trapz(same, trap_code(Fault::Conversion));
        }
        narrow
    }
}

/// What a conversion between integers must watch.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "four independent properties of one conversion")]
struct Fit {
    /// The source is signed.
    signed: bool,
    /// The target is signed.
    to_signed: bool,
    /// The source has 64 bits.
    full: bool,
    /// A value that does not fit traps.
    exact: bool,
}

/// The bits of a type, all set.
fn mask(ty: ir::Type) -> i64 {
    (u64::MAX >> (64 - ty.bits())) as i64
}

fn int_condition(op: Op, signed: bool) -> IntCC {
    match (op, signed) {
        (Op::Equal, _) => IntCC::Equal,
        (Op::NotEqual, _) => IntCC::NotEqual,
        (Op::Less, true) => IntCC::SignedLessThan,
        (Op::Less, false) => IntCC::UnsignedLessThan,
        (Op::LessEqual, true) => IntCC::SignedLessThanOrEqual,
        (Op::LessEqual, false) => IntCC::UnsignedLessThanOrEqual,
        (Op::Greater, true) => IntCC::SignedGreaterThan,
        (Op::Greater, false) => IntCC::UnsignedGreaterThan,
        (_, true) => IntCC::SignedGreaterThanOrEqual,
        (_, false) => IntCC::UnsignedGreaterThanOrEqual,
    }
}
