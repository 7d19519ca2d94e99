//! Scalar arithmetic.

use crate::function::Function;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use wasmparser::Operator;

impl<'m> Function<'_, '_, 'm> {
    pub(crate) fn numeric(&mut self, operator: &Operator<'m>) -> bool {
        self.constant(operator)
            || self.comparison(operator)
            || self.integer(operator)
            || self.float(operator)
            || self.conversion(operator)
    }

    fn constant(&mut self, operator: &Operator<'m>) -> bool {
        let value = match operator {
            Operator::I32Const { value } => self.builder.ins().iconst(I32, i64::from(*value as u32)),
            Operator::I64Const { value } => self.builder.ins().iconst(I64, *value),
            Operator::F32Const { value } => self.builder.ins().f32const(f32::from_bits(value.bits())),
            Operator::F64Const { value } => self.builder.ins().f64const(f64::from_bits(value.bits())),
            _ => return false,
        };
        self.push(value);
        true
    }

    fn compare(&mut self, condition: IntCC) {
        let (left, right) = self.pop2();
        let value = self.builder.ins().icmp(condition, left, right);
        self.push_bool(value);
    }

    fn compare_floats(&mut self, condition: FloatCC) {
        let (left, right) = self.pop2();
        let value = self.builder.ins().fcmp(condition, left, right);
        self.push_bool(value);
    }

    pub(crate) fn push_bool(&mut self, value: Value) {
        let value = self.builder.ins().uextend(I32, value);
        self.push(value);
    }

    fn comparison(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::I32Eqz | Operator::I64Eqz => {
                let value = self.pop();
                let value = self.builder.ins().icmp_imm_s(IntCC::Equal, value, 0);
                self.push_bool(value);
            }
            Operator::I32Eq | Operator::I64Eq => self.compare(IntCC::Equal),
            Operator::I32Ne | Operator::I64Ne => self.compare(IntCC::NotEqual),
            Operator::I32LtS | Operator::I64LtS => self.compare(IntCC::SignedLessThan),
            Operator::I32LtU | Operator::I64LtU => self.compare(IntCC::UnsignedLessThan),
            Operator::I32GtS | Operator::I64GtS => self.compare(IntCC::SignedGreaterThan),
            Operator::I32GtU | Operator::I64GtU => self.compare(IntCC::UnsignedGreaterThan),
            Operator::I32LeS | Operator::I64LeS => self.compare(IntCC::SignedLessThanOrEqual),
            Operator::I32LeU | Operator::I64LeU => self.compare(IntCC::UnsignedLessThanOrEqual),
            Operator::I32GeS | Operator::I64GeS => self.compare(IntCC::SignedGreaterThanOrEqual),
            Operator::I32GeU | Operator::I64GeU => self.compare(IntCC::UnsignedGreaterThanOrEqual),
            Operator::F32Eq | Operator::F64Eq => self.compare_floats(FloatCC::Equal),
            Operator::F32Ne | Operator::F64Ne => self.compare_floats(FloatCC::NotEqual),
            Operator::F32Lt | Operator::F64Lt => self.compare_floats(FloatCC::LessThan),
            Operator::F32Gt | Operator::F64Gt => self.compare_floats(FloatCC::GreaterThan),
            Operator::F32Le | Operator::F64Le => self.compare_floats(FloatCC::LessThanOrEqual),
            Operator::F32Ge | Operator::F64Ge => self.compare_floats(FloatCC::GreaterThanOrEqual),
            _ => return false,
        }
        true
    }

    fn integer(&mut self, operator: &Operator<'m>) -> bool {
        if let Operator::I32Clz
        | Operator::I64Clz
        | Operator::I32Ctz
        | Operator::I64Ctz
        | Operator::I32Popcnt
        | Operator::I64Popcnt = operator
        {
            let value = self.pop();
            let ins = self.builder.ins();
            let value = match operator {
                Operator::I32Clz | Operator::I64Clz => ins.clz(value),
                Operator::I32Ctz | Operator::I64Ctz => ins.ctz(value),
                _ => ins.popcnt(value),
            };
            self.push(value);
            return true;
        }
        let of: fn(&mut Self, Value, Value) -> Value = match operator {
            Operator::I32Add | Operator::I64Add => |f, a, b| f.builder.ins().iadd(a, b),
            Operator::I32Sub | Operator::I64Sub => |f, a, b| f.builder.ins().isub(a, b),
            Operator::I32Mul | Operator::I64Mul => |f, a, b| f.builder.ins().imul(a, b),
            Operator::I32DivS | Operator::I64DivS => |f, a, b| f.builder.ins().sdiv(a, b),
            Operator::I32DivU | Operator::I64DivU => |f, a, b| f.builder.ins().udiv(a, b),
            Operator::I32RemS | Operator::I64RemS => |f, a, b| f.builder.ins().srem(a, b),
            Operator::I32RemU | Operator::I64RemU => |f, a, b| f.builder.ins().urem(a, b),
            Operator::I32And | Operator::I64And => |f, a, b| f.builder.ins().band(a, b),
            Operator::I32Or | Operator::I64Or => |f, a, b| f.builder.ins().bor(a, b),
            Operator::I32Xor | Operator::I64Xor => |f, a, b| f.builder.ins().bxor(a, b),
            Operator::I32Shl | Operator::I64Shl => |f, a, b| f.builder.ins().ishl(a, b),
            Operator::I32ShrS | Operator::I64ShrS => |f, a, b| f.builder.ins().sshr(a, b),
            Operator::I32ShrU | Operator::I64ShrU => |f, a, b| f.builder.ins().ushr(a, b),
            Operator::I32Rotl | Operator::I64Rotl => |f, a, b| f.builder.ins().rotl(a, b),
            Operator::I32Rotr | Operator::I64Rotr => |f, a, b| f.builder.ins().rotr(a, b),
            _ => return false,
        };
        self.binary(of);
        true
    }

    fn binary(&mut self, of: fn(&mut Self, Value, Value) -> Value) {
        let (left, right) = self.pop2();
        let value = of(self, left, right);
        self.push(value);
    }

    fn unary(&mut self, of: fn(&mut Self, Value) -> Value) {
        let value = self.pop();
        let value = of(self, value);
        self.push(value);
    }

    fn float(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::F32Abs | Operator::F64Abs => self.unary(|f, a| f.builder.ins().fabs(a)),
            Operator::F32Neg | Operator::F64Neg => self.unary(|f, a| f.builder.ins().fneg(a)),
            Operator::F32Ceil | Operator::F64Ceil => self.unary(|f, a| f.builder.ins().ceil(a)),
            Operator::F32Floor | Operator::F64Floor => self.unary(|f, a| f.builder.ins().floor(a)),
            Operator::F32Trunc | Operator::F64Trunc => self.unary(|f, a| f.builder.ins().trunc(a)),
            Operator::F32Nearest | Operator::F64Nearest => self.unary(|f, a| f.builder.ins().nearest(a)),
            Operator::F32Sqrt | Operator::F64Sqrt => self.unary(|f, a| f.builder.ins().sqrt(a)),
            Operator::F32Add | Operator::F64Add => self.binary(|f, a, b| f.builder.ins().fadd(a, b)),
            Operator::F32Sub | Operator::F64Sub => self.binary(|f, a, b| f.builder.ins().fsub(a, b)),
            Operator::F32Mul | Operator::F64Mul => self.binary(|f, a, b| f.builder.ins().fmul(a, b)),
            Operator::F32Div | Operator::F64Div => self.binary(|f, a, b| f.builder.ins().fdiv(a, b)),
            Operator::F32Min | Operator::F64Min => self.binary(|f, a, b| f.builder.ins().fmin(a, b)),
            Operator::F32Max | Operator::F64Max => self.binary(|f, a, b| f.builder.ins().fmax(a, b)),
            Operator::F32Copysign | Operator::F64Copysign => {
                self.binary(|f, a, b| f.builder.ins().fcopysign(a, b));
            }
            _ => return false,
        }
        true
    }

    fn conversion(&mut self, operator: &Operator<'m>) -> bool {
        match operator {
            Operator::I32WrapI64 => self.unary(|f, a| f.builder.ins().ireduce(I32, a)),
            Operator::I64ExtendI32S => self.unary(|f, a| f.builder.ins().sextend(I64, a)),
            Operator::I64ExtendI32U => self.unary(|f, a| f.builder.ins().uextend(I64, a)),
            Operator::I32Extend8S => self.extend(I8, I32),
            Operator::I32Extend16S => self.extend(I16, I32),
            Operator::I64Extend8S => self.extend(I8, I64),
            Operator::I64Extend16S => self.extend(I16, I64),
            Operator::I64Extend32S => self.extend(I32, I64),
            Operator::I32TruncF32S | Operator::I32TruncF64S => {
                self.unary(|f, a| f.builder.ins().fcvt_to_sint(I32, a));
            }
            Operator::I32TruncF32U | Operator::I32TruncF64U => {
                self.unary(|f, a| f.builder.ins().fcvt_to_uint(I32, a));
            }
            Operator::I64TruncF32S | Operator::I64TruncF64S => {
                self.unary(|f, a| f.builder.ins().fcvt_to_sint(I64, a));
            }
            Operator::I64TruncF32U | Operator::I64TruncF64U => {
                self.unary(|f, a| f.builder.ins().fcvt_to_uint(I64, a));
            }
            Operator::I32TruncSatF32S | Operator::I32TruncSatF64S => {
                self.unary(|f, a| f.builder.ins().fcvt_to_sint_sat(I32, a));
            }
            Operator::I32TruncSatF32U | Operator::I32TruncSatF64U => {
                self.unary(|f, a| f.builder.ins().fcvt_to_uint_sat(I32, a));
            }
            Operator::I64TruncSatF32S | Operator::I64TruncSatF64S => {
                self.unary(|f, a| f.builder.ins().fcvt_to_sint_sat(I64, a));
            }
            Operator::I64TruncSatF32U | Operator::I64TruncSatF64U => {
                self.unary(|f, a| f.builder.ins().fcvt_to_uint_sat(I64, a));
            }
            Operator::F32ConvertI32S | Operator::F32ConvertI64S => {
                self.unary(|f, a| f.builder.ins().fcvt_from_sint(F32, a));
            }
            Operator::F32ConvertI32U | Operator::F32ConvertI64U => {
                self.unary(|f, a| f.builder.ins().fcvt_from_uint(F32, a));
            }
            Operator::F64ConvertI32S | Operator::F64ConvertI64S => {
                self.unary(|f, a| f.builder.ins().fcvt_from_sint(F64, a));
            }
            Operator::F64ConvertI32U | Operator::F64ConvertI64U => {
                self.unary(|f, a| f.builder.ins().fcvt_from_uint(F64, a));
            }
            Operator::F32DemoteF64 => self.unary(|f, a| f.builder.ins().fdemote(F32, a)),
            Operator::F64PromoteF32 => self.unary(|f, a| f.builder.ins().fpromote(F64, a)),
            Operator::I32ReinterpretF32 => self.reinterpret(I32),
            Operator::I64ReinterpretF64 => self.reinterpret(I64),
            Operator::F32ReinterpretI32 => self.reinterpret(F32),
            Operator::F64ReinterpretI64 => self.reinterpret(F64),
            _ => return false,
        }
        true
    }

    /// Extends the sign of an operand's low bits.
    fn extend(&mut self, from: Type, to: Type) {
        let value = self.pop();
        let low = self.builder.ins().ireduce(from, value);
        let value = self.builder.ins().sextend(to, low);
        self.push(value);
    }

    fn reinterpret(&mut self, to: Type) {
        let value = self.pop();
        let value = self.builder.ins().bitcast(to, MemFlagsData::new(), value);
        self.push(value);
    }
}
