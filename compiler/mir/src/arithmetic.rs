//! What operators do to bits: the one definition that the interpreter runs and tests compare machine code with.

use crate::ir::{BinaryOperator as Op, Fault, Type};

/// Width and signedness of a scalar type.
#[derive(Clone, Copy)]
enum Scalar {
    Int { signed: bool, bits: u32 },
    F32,
    F64,
}

fn scalar(ty: Option<&Type>) -> Scalar {
    match ty {
        Some(Type::Int { signed, bits }) => Scalar::Int { signed: *signed, bits: u32::from(*bits) },
        Some(Type::Float { bits: 32 }) => Scalar::F32,
        Some(Type::Float { .. }) => Scalar::F64,
        Some(Type::Handle { .. }) => Scalar::Int { signed: false, bits: 64 },
        _ => Scalar::Int { signed: false, bits: 8 },
    }
}

fn extend(value: u64, signed: bool, bits: u32) -> i128 {
    let shift = 64 - bits;
    if signed { i128::from((value << shift) as i64 >> shift) } else { i128::from(value << shift >> shift) }
}

fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

fn fits(value: i128, signed: bool, bits: u32) -> bool {
    if signed {
        value >= -(1 << (bits - 1)) && value < 1 << (bits - 1)
    } else {
        value >= 0 && value < 1 << bits
    }
}

/// Arithmetic gives one NaN, whatever the operands' were: the machine's choice depends on their order.
fn bits_32(value: f32) -> u64 {
    if value.is_nan() { 0x7fc0_0000 } else { u64::from(value.to_bits()) }
}

fn bits_64(value: f64) -> u64 {
    if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() }
}

/// The result's bits and its size in bytes, or the fault.
pub fn binary(ty: Option<&Type>, op: Op, left: u64, right: u64) -> Result<(u64, usize), Fault> {
    match scalar(ty) {
        Scalar::Int { signed, bits } => int(op, left, right, signed, bits),
        Scalar::F32 => {
            let (a, b) = (f32::from_bits(left as u32), f32::from_bits(right as u32));
            Ok(float_result(
                op,
                f64::from(a),
                f64::from(b),
                || match op {
                    Op::Add => bits_32(a + b),
                    Op::Subtract => bits_32(a - b),
                    Op::Multiply => bits_32(a * b),
                    _ => bits_32(a / b),
                },
                4,
            ))
        }
        Scalar::F64 => {
            let (a, b) = (f64::from_bits(left), f64::from_bits(right));
            Ok(float_result(
                op,
                a,
                b,
                || match op {
                    Op::Add => bits_64(a + b),
                    Op::Subtract => bits_64(a - b),
                    Op::Multiply => bits_64(a * b),
                    _ => bits_64(a / b),
                },
                8,
            ))
        }
    }
}

#[allow(clippy::float_cmp, reason = "this defines the language's comparison")]
fn float_result(op: Op, a: f64, b: f64, arithmetic: impl FnOnce() -> u64, size: usize) -> (u64, usize) {
    let truth = |value: bool| (u64::from(value), 1);
    match op {
        Op::Equal => truth(a == b),
        Op::NotEqual => truth(a != b),
        Op::Less => truth(a < b),
        Op::LessEqual => truth(a <= b),
        Op::Greater => truth(a > b),
        Op::GreaterEqual => truth(a >= b),
        _ => (arithmetic(), size),
    }
}

fn int(op: Op, left: u64, right: u64, signed: bool, bits: u32) -> Result<(u64, usize), Fault> {
    let (a, b) = (extend(left, signed, bits), extend(right, signed, bits));
    let size = bits as usize / 8;
    let truth = |value: bool| Ok((u64::from(value), 1));
    let checked = |value: i128| {
        if fits(value, signed, bits) { Ok((value as u64 & mask(bits), size)) } else { Err(Fault::Overflow) }
    };
    let wrapped = |value: u64| Ok((value & mask(bits), size));
    match op {
        Op::Add => checked(a + b),
        Op::Subtract => checked(a - b),
        // Two large `u64` overflow even here.
        Op::Multiply => a.checked_mul(b).map_or(Err(Fault::Overflow), checked),
        Op::AddWrap => wrapped(left.wrapping_add(right)),
        Op::SubtractWrap => wrapped(left.wrapping_sub(right)),
        Op::MultiplyWrap => wrapped(left.wrapping_mul(right)),
        Op::Divide | Op::Remainder if b == 0 => Err(Fault::Division),
        Op::Divide => checked(a / b),
        Op::Remainder => wrapped((a % b) as u64),
        Op::And => wrapped(left & right),
        Op::Or => wrapped(left | right),
        Op::Xor => wrapped(left ^ right),
        // The amount is a `u32`, whatever the left side is.
        Op::ShiftLeft | Op::ShiftRight if right & 0xffff_ffff >= u64::from(bits) => Err(Fault::Overflow),
        Op::ShiftLeft => wrapped(left << (right & 0xffff_ffff)),
        Op::ShiftRight => wrapped((a >> (right & 0xffff_ffff)) as u64),
        Op::Equal => truth(a == b),
        Op::NotEqual => truth(a != b),
        Op::Less => truth(a < b),
        Op::LessEqual => truth(a <= b),
        Op::Greater => truth(a > b),
        Op::GreaterEqual => truth(a >= b),
    }
}

/// Converts bits between scalar types; `exact` traps where the value does not fit, else the low bits remain.
#[allow(clippy::cast_precision_loss, reason = "rounding is what the conversion says")]
pub fn convert(from: Option<&Type>, to: &Type, value: u64, exact: bool) -> Result<(u64, usize), Fault> {
    let target = scalar(Some(to));
    match (scalar(from), target) {
        (Scalar::Int { signed, bits }, Scalar::Int { signed: to_signed, bits: to_bits }) => {
            let number = extend(value, signed, bits);
            if exact && !fits(number, to_signed, to_bits) {
                return Err(Fault::Conversion);
            }
            Ok((number as u64 & mask(to_bits), to_bits as usize / 8))
        }
        (Scalar::Int { signed, bits }, Scalar::F32) => {
            Ok((u64::from((extend(value, signed, bits) as f32).to_bits()), 4))
        }
        (Scalar::Int { signed, bits }, Scalar::F64) => {
            Ok(((extend(value, signed, bits) as f64).to_bits(), 8))
        }
        (Scalar::F32, Scalar::Int { signed, bits }) => {
            to_int(f64::from(f32::from_bits(value as u32)), signed, bits)
        }
        (Scalar::F64, Scalar::Int { signed, bits }) => to_int(f64::from_bits(value), signed, bits),
        (Scalar::F32, Scalar::F64) => Ok((bits_64(f64::from(f32::from_bits(value as u32))), 8)),
        (Scalar::F64, Scalar::F32) => Ok((bits_32(f64::from_bits(value) as f32), 4)),
        (Scalar::F32, Scalar::F32) => Ok((value, 4)),
        (Scalar::F64, Scalar::F64) => Ok((value, 8)),
    }
}

fn to_int(value: f64, signed: bool, bits: u32) -> Result<(u64, usize), Fault> {
    let whole = value.trunc();
    if !whole.is_finite() || whole.abs() > 1e30 || !fits(whole as i128, signed, bits) {
        return Err(Fault::Conversion);
    }
    Ok((whole as i128 as u64 & mask(bits), bits as usize / 8))
}
