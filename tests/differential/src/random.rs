//! Numbers from a seed.

use crate::value::{Kind, SPARE, Value};

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below a bound, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend(self.number().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// A value; references are to one of so many exported functions.
    pub fn value(&mut self, kind: Kind, functions: u32) -> Value {
        match kind {
            Kind::I32 => Value::I32(self.word() as u32),
            Kind::I64 => Value::I64(self.word()),
            Kind::F32 => Value::F32(self.float_32()),
            Kind::F64 => Value::F64(self.float_64()),
            Kind::V128 => Value::V128(self.vector()),
            Kind::Function => Value::Function(match self.below(4) {
                0 => None,
                1 => Some(SPARE),
                _ if functions == 0 => None,
                _ => Some(self.below(u64::from(functions)) as u32),
            }),
            Kind::External => {
                let number = self.below(100) as u32;
                Value::External((!self.once_in(3)).then_some(number))
            }
        }
    }

    fn word(&mut self) -> u64 {
        let any = self.number();
        match self.below(6) {
            0 => any % 16,
            1 => (any % 16).wrapping_neg(),
            2 => any % 70_000,
            3 => {
                let edges = [i32::MIN as u64, i32::MAX as u64, i64::MIN as u64, i64::MAX as u64, 1 << 32];
                self.one_of(&edges).wrapping_add(any % 3).wrapping_sub(1)
            }
            4 => 1 << (any % 64),
            _ => any,
        }
    }

    fn float_32(&mut self) -> u32 {
        let any = self.number() as u32;
        match self.below(5) {
            0 => self.one_of(&EDGES).to_bits(),
            1 => (any as i32 as f32).to_bits(),
            2 => self.one_of(&[
                0x7fc0_0000,
                0xffc0_0000,
                0x7fa0_0001,
                0x7f80_0000,
                0xff80_0000,
                1,
                0x8000_0000,
            ]),
            3 => (self.word() as i64 as f32 / 4.0).to_bits(),
            _ => any,
        }
    }

    fn float_64(&mut self) -> u64 {
        let any = self.number();
        match self.below(5) {
            0 => f64::from(self.one_of(&EDGES)).to_bits(),
            1 => (any as i64 as f64).to_bits(),
            2 => self.one_of(&[
                0x7ff8 << 48,
                0xfff8 << 48,
                (0x7ff4 << 48) + 1,
                0x7ff0 << 48,
                0xfff0 << 48,
                1,
                1 << 63,
            ]),
            3 => (self.word() as i64 as f64 / 4.0).to_bits(),
            _ => any,
        }
    }

    fn vector(&mut self) -> u128 {
        let pair = |one: u64, two: u64| u128::from(one) | u128::from(two) << 64;
        match self.below(4) {
            0 => pair(self.float_64(), self.float_64()),
            1 => {
                let (one, two) = (self.float_32(), self.float_32());
                let low = u64::from(one) | u64::from(two) << 32;
                pair(low, u64::from(self.float_32()) | u64::from(one) << 32)
            }
            2 => pair(self.word(), self.word()),
            _ => pair(self.number(), self.number()),
        }
    }
}

const EDGES: [f32; 12] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2_147_483_648.0,
    -2_147_483_648.0,
    4_294_967_296.0,
    9_223_372_036_854_775_808.0,
    f32::MAX,
];

/// A number in which every bit of another one counts.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
