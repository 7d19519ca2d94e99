//! Mutations of sound files. Nothing panics, and whatever is let through is what the format says: written again it
//! has the same bytes. `SPACE_FUZZ_EXECUTIONS` sets how many are tried, `SPACE_FUZZ_SEED` which.
//!
//! The reader cannot use memory in excess: without the feature `alloc` it has no allocator to ask.

use crate::hostile_bundle::module;
use crate::random::Random;
use crate::sample::Sample;
use sci::bundle::Bundle;
use sci::image::Image;
use sci::layout::PAGE;
use sci::section::SectionKind;
use tests_contract::{read_image, read_module};

/// Executions without the variable: some seconds of an unoptimised build.
const EXECUTIONS: u64 = if cfg!(debug_assertions) { 40_000 } else { 1_000_000 };
/// Values that bounds are made of.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    16,
    31,
    32,
    63,
    64,
    127,
    128,
    255,
    256,
    4095,
    4096,
    4097,
    16_384,
    65_535,
    65_536,
    0x3fff_b000,
    0x3fff_c000,
    0x4000_0000,
    0x7fff_ffff,
    0xffff_fffe,
    0xffff_ffff,
    1 << 32,
    1 << 63,
    u64::MAX - 7,
    u64::MAX,
];

/// A file of the corpus, and the ranges in which mutations strike.
struct Seed {
    bytes: Vec<u8>,
    ranges: Vec<(usize, usize)>,
    run: fn(&[u8]) -> bool,
}

fn corpus() -> Vec<Seed> {
    let image = |bytes: Vec<u8>| {
        let read = Image::verify(&bytes).expect("the corpus is sound");
        let mut ranges = vec![(0, read.head().len()); 3];
        let sections = read.sections().filter(|section| section.file_bytes > 0);
        ranges
            .extend(sections.map(|section| (section.file_offset as usize, section.file_bytes as usize + 8)));
        if !read.envelope().is_empty() {
            ranges.push((bytes.len() - read.envelope().len(), read.envelope().len()));
        }
        Seed { bytes, ranges, run: read_image }
    };
    let mut lean = Sample::component();
    for kind in [SectionKind::Traps, SectionKind::Symbols, SectionKind::Debug, SectionKind::Sources] {
        lean.remove(kind);
    }
    let module = module();
    let tables = PAGE as usize + Bundle::read(&module).expect("the corpus is sound").signed().len();
    let ranges = vec![(0, 200), (PAGE as usize, tables - PAGE as usize), (2 * PAGE as usize, 128)];
    vec![
        image(Sample::smallest().bytes()),
        image(Sample::smallest().signed()),
        image(lean.bytes()),
        image(Sample::library().bytes()),
        Seed { bytes: module, ranges, run: read_module },
    ]
}

/// Changes some bytes within the seed's ranges, and now and then the length; says which bytes are to be put back.
fn mutate(random: &mut Random, seed: &Seed, bytes: &mut Vec<u8>) -> (usize, usize) {
    let (start, len) = random.pick(&seed.ranges);
    let at = start + random.below(len as u64) as usize;
    let value = random.pick(EDGES).wrapping_add(random.pick(&[0, 0, 1, u64::MAX]));
    let width = match random.below(8) {
        0 => 8,
        1 | 2 => 4,
        _ => 1,
    };
    let end = (at + width).min(bytes.len());
    match random.below(12) {
        0..4 => bytes[at] ^= 1 << random.below(8),
        4..8 => bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]),
        8 => bytes[at] = bytes[at].wrapping_add(1),
        9 => bytes[at] = bytes[at].wrapping_sub(1),
        10 => {
            let from = start + random.below(len as u64) as usize;
            let count = (bytes.len() - from.max(at)).min(random.below(40) as usize);
            bytes.copy_within(from..from + count, at);
            return (at, count);
        }
        _ if random.one_in(8) => {
            bytes.truncate(at);
            if bytes.len() > 32 && random.one_in(2) {
                let total = bytes.len() as u64;
                bytes[24..32].copy_from_slice(&total.to_le_bytes());
            }
            return (0, 0);
        }
        _ => bytes[at] = random.next() as u8,
    }
    (at, end - at)
}

#[test]
fn mutations() {
    let wanted = std::env::var("SPACE_FUZZ_EXECUTIONS").ok().and_then(|text| text.parse().ok());
    let executions: u64 = wanted.unwrap_or(EXECUTIONS);
    let corpus = corpus();
    let seed = std::env::var("SPACE_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
    let mut random = Random(seed.unwrap_or(4));
    let mut passed = 0;
    let mut done = 0;
    while done < executions {
        let seed = &corpus[random.below(corpus.len() as u64) as usize];
        let mut bytes = seed.bytes.clone();
        assert!((seed.run)(&bytes), "the corpus is sound");
        // What a mutation changed is put back from the seed: copying whole files costs more than reading them.
        for _ in 0..500.min(executions - done) {
            let changes: Vec<(usize, usize)> =
                (0..=random.below(3)).map_while(|_| strike(&mut random, seed, &mut bytes)).collect();
            passed += u64::from((seed.run)(&bytes));
            done += 1;
            let is_whole = bytes.len() == seed.bytes.len();
            for (at, count) in changes.into_iter().filter(|_| is_whole) {
                bytes[at..at + count].copy_from_slice(&seed.bytes[at..at + count]);
            }
            if !is_whole {
                bytes.clone_from(&seed.bytes);
            } else {
                bytes[24..32].copy_from_slice(&seed.bytes[24..32]);
            }
        }
    }
    println!("{done} executions, {passed} let through");
    assert!(passed * 1000 > done, "mutations reach what lies behind the checks");
}

/// One mutation, unless the file was cut.
fn strike(random: &mut Random, seed: &Seed, bytes: &mut Vec<u8>) -> Option<(usize, usize)> {
    if bytes.len() != seed.bytes.len() {
        return None;
    }
    Some(mutate(random, seed, bytes))
}
