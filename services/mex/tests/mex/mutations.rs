//! Random changes of right archives: refused, or the same content.

use crate::forge::Forge;
use crate::sample::{SEED, SOURCE, borrowed, files};
use crate::trust;
use services_mex::trust::Policy;
use services_mex::{Archive, Manifest, Package, write_archive, write_package};

/// How many; `MEX_MUTATIONS` states another number.
const MUTATIONS: u64 = 20_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    let length = 1 + random.below(24);
    let range = at..(at + length).min(bytes.len());
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at] = [0, 0xff, 0x7f, 0x80, b'P', b'/', b'.'][random.below(7)],
        3 => drop(bytes.drain(range)),
        4 => {
            let part = bytes[range].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, part);
        }
        5 => {
            let part = bytes[range].to_vec();
            let to = random.below(bytes.len() - part.len() + 1);
            bytes[to..to + part.len()].copy_from_slice(&part);
        }
        6 => bytes.truncate(at),
        // A record's field becomes a number that matters.
        7 if at + 4 <= bytes.len() => {
            let numbers = [0, 1, u32::MAX, u32::MAX - 1, 1 << 31, 64 << 20, bytes.len() as u32];
            bytes[at..at + 4].copy_from_slice(&numbers[random.below(7)].to_le_bytes());
        }
        _ => {
            let records = [b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07", b"PK\x07\x08"];
            bytes.splice(at..at, *records[random.below(5)]);
        }
    }
}

fn content(archive: &Archive<'_>) -> Vec<(String, Vec<u8>)> {
    archive.entries().iter().map(|entry| (entry.name().to_owned(), entry.content().into_owned())).collect()
}

#[test]
fn mutations_are_refused_or_have_the_same_content() {
    let text = "a line of text that deflates well\n".repeat(40);
    let written: [(&str, &[u8]); 4] = [
        ("manifest.yaml", b"apiVersion: samoza/v1\nkind: MEX\n"),
        ("spaces/dashboard/index.html", text.as_bytes()),
        ("spaces/dashboard/assets/noise.bin", &[7, 3, 201, 44, 0, 19]),
        ("topology.yaml", b"kind: Topology\n"),
    ];
    let originals = [Forge::right().bytes(), write_archive(&written).unwrap()];
    let contents = originals.each_ref().map(|bytes| content(&Archive::read(bytes).unwrap()));
    let wanted =
        std::env::var("MEX_MUTATIONS").ok().and_then(|number| number.parse().ok()).unwrap_or(MUTATIONS);
    let mut accepted = 0;
    for seed in 0..wanted {
        let mut random = Random(seed);
        let which = random.below(2);
        let mut bytes = originals[which].clone();
        for _ in 0..=random.below(3) {
            if !bytes.is_empty() {
                mutate(&mut bytes, &mut random);
            }
        }
        if let Ok(archive) = Archive::read(&bytes) {
            accepted += 1;
            assert_eq!(content(&archive), contents[which], "seed {seed}");
        }
    }
    // Some changes change nothing; if all did, nothing was tested.
    assert!(accepted < wanted / 10, "{accepted} of {wanted} were accepted");
}

#[test]
fn mutations_of_a_signed_package_are_refused_or_have_the_same_content() {
    let original = write_package(SOURCE, &borrowed(&files()), Some(&SEED)).unwrap();
    let wanted = content(Package::read(&original).unwrap().archive());
    for seed in 0..2000 {
        let mut random = Random(seed);
        let mut bytes = original.clone();
        mutate(&mut bytes, &mut random);
        if let Ok(package) = Package::read(&bytes) {
            assert!(package.is_sealed() && package.key().is_some(), "seed {seed}");
            assert_eq!(content(package.archive()), wanted, "seed {seed}");
        }
    }
}

#[test]
fn mutations_of_a_signed_manifest_are_refused() {
    let bytes = write_package(SOURCE, &borrowed(&files()), Some(&SEED)).unwrap();
    let manifest = Package::read(&bytes).unwrap().archive().entries()[0].content().into_owned();
    for seed in 0..5000 {
        let mut changed = manifest.clone();
        mutate(&mut changed, &mut Random(seed));
        // Cut off where the trailer begins, it is an unsigned manifest.
        let is_signed = Manifest::read(&changed).is_ok_and(|manifest| manifest.signature.is_some());
        assert!(!is_signed || changed == manifest, "seed {seed}");
    }
}

/// Whatever a policy says, reading it ends; most changes are refused.
#[test]
fn mutations_of_a_policy_are_refused_or_read() {
    let text = trust::with_everything().into_bytes();
    let wanted = Policy::read(&text).unwrap();
    let (mut same, mut accepted) = (0, 0);
    for seed in 0..3000 {
        let mut changed = text.clone();
        mutate(&mut changed, &mut Random(seed));
        if let Ok(policy) = Policy::read(&changed) {
            accepted += 1;
            same += u32::from(policy == wanted);
        }
    }
    assert!(accepted < 1500 && same > 0, "{accepted} were accepted, {same} said the same");
}

#[test]
fn every_prefix_and_every_bit_is_refused_or_the_same() {
    let original = Forge::right().bytes();
    let wanted = content(&Archive::read(&original).unwrap());
    for length in 0..original.len() {
        assert!(Archive::read(&original[..length]).is_err(), "{length} bytes");
    }
    for bit in 0..original.len() * 8 {
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(archive) = Archive::read(&bytes) {
            assert_eq!(content(&archive), wanted, "bit {bit}");
        }
    }
}
