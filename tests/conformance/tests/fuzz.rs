//! Mutations of modules, and bytes that never were any. Nothing panics, and what is let through is a sound image.
//! `SPACE_FUZZ_EXECUTIONS` sets how many are tried, `SPACE_FUZZ_SEED` which.

use tests_conformance::fuzz::{compile, translate};

/// Inputs without the variable.
const EXECUTIONS: u64 = 2_000;
/// Changes to one module at most.
const CHANGES: u64 = 3;
/// Values that limits and lengths are made of.
const EDGES: &[u8] = &[0x00, 0x01, 0x0b, 0x40, 0x7f, 0x80, 0xff];

/// Modules with something of everything; small, so that a change strikes what matters.
const TEXTS: &[&str] = &[
    r#"(module (import "sys" "log" (func $log (param i32 i32) (result i32)))
       (memory (export "memory") 1 4) (data (i32.const 8) "abc") (data $d "passive")
       (func (export "_start") (drop (call $log (i32.const 8) (i32.const 3)))
         (memory.init $d (i32.const 16) (i32.const 0) (i32.const 7)) (data.drop $d)
         (memory.fill (i32.const 32) (i32.const 1) (i32.const 9))
         (memory.copy (i32.const 64) (i32.const 8) (i32.const 3))
         (drop (memory.grow (i32.const 1)))))"#,
    r#"(module (type $t (func (param i32) (result i32))) (table $t 3 9 funcref) (elem (i32.const 1) $f $g)
       (func $f (type $t) (if (result i32) (local.get 0)
         (then (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))
         (else (i32.const 7))))
       (func $g (type $t) (return_call $f (local.get 0)))
       (func (export "f") (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 1)))
       (func (export "grow") (result i32) (table.grow $t (ref.func $f) (i32.const 2))))"#,
    r#"(module (global $g (mut i64) (i64.const -1)) (global f64 (f64.const 0.5))
       (func (export "g") (param f64 i64) (result i64 f64) (local v128 i32)
         (block $out (loop $again
           (global.set $g (i64.div_s (global.get $g) (local.get 1)))
           (br_table $out $again $out (i32.trunc_f64_s (local.get 0)))))
         (local.set 2 (i8x16.shuffle 0 1 2 3 4 5 6 7 24 25 26 27 28 29 30 31 (local.get 2) (v128.const i64x2 1 2)))
         (global.get $g) (f64.sqrt (f64x2.extract_lane 1 (local.get 2)))))"#,
    r#"(module (memory 1) (memory $two 1) (func $start (i32.store $two (i32.const 0) (i32.const 1)))
       (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0)))) (start $start)
       (export "deep" (func $deep)) (export "two" (memory $two)))"#,
];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % end as u64) as usize
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let texts = TEXTS.iter().map(|text| wat::parse_str(text).expect("the corpus is text"));
    texts.chain([include_bytes!("../lines/divide.wasm").to_vec()]).collect()
}

/// Changes a module behind its first eight bytes: a bit, a byte, a piece that is moved, left out or doubled, its end.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    const HEAD: usize = 8;
    if bytes.len() <= HEAD {
        return;
    }
    let at = HEAD + random.below(bytes.len() - HEAD);
    let end = (at + 1 + random.below(12)).min(bytes.len());
    match random.below(16) {
        0..5 => bytes[at] ^= 1 << random.below(8),
        5..10 => bytes[at] = EDGES[random.below(EDGES.len())],
        10..12 => bytes[at] = random.below(256) as u8,
        12 => {
            let piece: Vec<u8> = bytes[at..end].to_vec();
            let to = HEAD + random.below(bytes.len() - HEAD);
            bytes.splice(to..to, piece);
        }
        13 => drop(bytes.drain(at..end)),
        14 => {
            let other = HEAD + random.below(bytes.len() - HEAD);
            bytes.swap(at, other);
        }
        _ => bytes.truncate(at),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn any_bytes_are_refused_or_become_an_image() {
    let executions = number("SPACE_FUZZ_EXECUTIONS").unwrap_or(EXECUTIONS);
    let mut random = Random(number("SPACE_FUZZ_SEED").unwrap_or(1));
    let corpus = corpus();
    assert!(corpus.iter().all(|module| translate(module) && compile(module)), "the corpus is sound");
    let (mut translated, mut compiled) = (0, 0);
    for execution in 0..executions {
        let bytes = if execution % 16 == 0 {
            // Bytes that never were a module, half of them with its first words.
            let mut bytes = if execution % 32 == 0 { b"\0asm\x01\0\0\0".to_vec() } else { Vec::new() };
            bytes.extend((0..random.below(200)).map(|_| random.below(256) as u8).collect::<Vec<_>>());
            bytes
        } else {
            let mut bytes = corpus[random.below(corpus.len())].clone();
            (0..=random.below(CHANGES as usize)).for_each(|_| mutate(&mut random, &mut bytes));
            bytes
        };
        let is_translated = translate(&bytes);
        let is_compiled = compile(&bytes);
        assert!(is_translated || !is_compiled, "what is compiled was taken in");
        translated += u64::from(is_translated);
        compiled += u64::from(is_compiled);
    }
    println!("{executions} executions, {translated} taken in, {compiled} compiled");
    assert!(compiled * 20 > executions, "mutations reach what lies behind the checks");
}
