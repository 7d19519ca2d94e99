//! What stands for imports: the same in every engine, whatever the engine does.

use crate::random::{Random, mix};
use crate::value::{Kind, SPARE, Signature, Value};

/// Calls that an engine's guest has made to the host, as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log(pub u64);

impl Log {
    /// Notes a call, and gives its results.
    pub fn call(&mut self, function: u32, signature: &Signature, arguments: &[Value]) -> Vec<Value> {
        for argument in arguments {
            let word = match argument.settled() {
                Value::I32(bits) | Value::F32(bits) => u64::from(bits),
                Value::I64(bits) | Value::F64(bits) => bits,
                Value::V128(bits) => bits as u64 ^ (bits >> 64) as u64,
                Value::Function(one) | Value::External(one) => one.map_or(0, |one| u64::from(one) + 1),
            };
            self.0 = mix(self.0 ^ word);
        }
        self.0 = mix(self.0 ^ u64::from(function) << 32);
        let mut random = Random::new(self.0);
        signature.results.iter().map(|kind| random.value(*kind, 0)).collect()
    }
}

/// The type of the host's spare function.
pub fn spare() -> Signature {
    Signature { parameters: Vec::new(), results: vec![Kind::I32] }
}

/// An element that an imported table has at first.
pub fn element(kind: Kind, index: u32) -> Value {
    match kind {
        Kind::Function => Value::Function(index.is_multiple_of(3).then_some(SPARE)),
        _ => Value::External((!index.is_multiple_of(3)).then_some(index)),
    }
}

/// The value that an imported global has at first.
pub fn global(import: usize, kind: Kind) -> Value {
    // Small, so that where it is an offset of a segment, the segment often fits.
    match kind {
        Kind::I32 => Value::I32(import as u32 % 7),
        kind => Random::new(import as u64).value(kind, 0),
    }
}
