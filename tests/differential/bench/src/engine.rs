//! What an engine is asked for here.

use std::fmt;
use std::str::FromStr;

/// Why something did not work: one sentence.
pub type Failure = String;

/// A program: rounds in, a checksum out.
pub type Run = Box<dyn FnMut(u32) -> Result<u64, Failure>>;

/// What is counted, other than programs' run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// The host calls a function that does nothing.
    CallIn,
    /// The host calls a function that adds one.
    CallInOne,
    /// The same, where the host learns the types at run time only.
    CallInDynamic,
    /// The guest calls a function of the host that adds one, by the host's cheapest way.
    CallOut,
    /// The same, where the host learns the types at run time only.
    CallOutDynamic,
    /// An instance is made, writes a page, and is dropped; its place is used again.
    Pooled,
    /// The same, in a new place.
    Cold,
    /// Bytes of an instance that has written a page and waits.
    Idle,
}

impl Figure {
    /// All of them; idle instances first, as a used process keeps pages at hand.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::CallIn,
        Self::CallInOne,
        Self::CallInDynamic,
        Self::CallOut,
        Self::CallOutDynamic,
        Self::Pooled,
        Self::Cold,
    ];

    /// How often it happens for one measurement.
    pub fn count(self) -> u32 {
        match self {
            Self::Pooled | Self::Cold => 1_000,
            Self::Idle => 200,
            _ => 1_000_000,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::CallIn => "call-in",
            Self::CallInOne => "call-in-one",
            Self::CallInDynamic => "call-in-dynamic",
            Self::CallOut => "call-out",
            Self::CallOutDynamic => "call-out-dynamic",
            Self::Pooled => "pooled",
            Self::Cold => "cold",
            Self::Idle => "idle",
        })
    }
}

impl FromStr for Figure {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|figure| figure.to_string() == name);
        found.ok_or_else(|| format!("there is no figure `{name}`"))
    }
}

/// An engine, in a process of its own: two would want the same signals.
pub trait Engine {
    /// Compiles a module to bytes that can be stored.
    fn compile(&mut self, module: &[u8]) -> Result<Vec<u8>, Failure>;
    /// Makes a program of a module that exports `run`.
    fn load(&mut self, module: &[u8]) -> Result<Run, Failure>;
    /// Measures: nanoseconds for all of `count`, or bytes for one.
    fn measure(&mut self, figure: Figure, count: u32) -> Result<u64, Failure>;
}

/// The guest of the figures: one page of memory, one segment, one import, as most small guests have.
const GUEST: &str = r#"(module
    (import "host" "one" (func $one (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 1024) "sixteen bytes...")
    (func (export "nothing"))
    (func (export "one") (param i32) (result i32)
        (i32.add (local.get 0) (i32.const 1)))
    (func (export "touch") (param i32) (result i32)
        (i32.store (i32.const 4096) (local.get 0))
        (i32.load8_u (i32.const 1024)))
    (func (export "out") (param $count i32) (result i32)
        (local $sum i32)
        (loop $next
            (local.set $sum (call $one (local.get $sum)))
            (br_if $next (i32.ne (local.get $sum) (local.get $count))))
        (local.get $sum)))"#;

/// The guest's module.
pub fn guest() -> Result<Vec<u8>, Failure> {
    wat::parse_str(GUEST).map_err(|error| error.to_string())
}

/// The first byte of the guest's segment.
pub const TOUCHED: i32 = b's' as i32;

/// Bytes of this process that nobody shares, with the page tables.
pub fn private_bytes() -> Result<u64, Failure> {
    let sum = |file: &str, names: &[&str]| {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let kilobytes = text.lines().filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            names.contains(&name).then(|| rest.trim().split(' ').next()?.parse::<u64>().ok())?
        });
        Ok::<u64, Failure>(kilobytes.sum::<u64>() * 1024)
    };
    Ok(sum("/proc/self/smaps_rollup", &["Private_Clean", "Private_Dirty"])?
        + sum("/proc/self/status", &["VmPTE"])?)
}
