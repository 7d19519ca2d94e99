//! Hostile images, each with the exact error: what is wrong, and at which byte.
#![expect(clippy::ptr_arg, reason = "one type of function serves the changes of length, too")]

use crate::sample::{SEED, STACK, Sample, get32, put, put32, put64, table};
use sci::digest::{check_sections, image_digest};
use sci::error::{Error, ErrorKind};
use sci::header::{HEADER_BYTES, field};
use sci::image::Image;
use sci::layout::PAGE;
use sci::limits;
use sci::manifest::EntryKind;
use sci::section::{ENTRY_BYTES, SectionKind};
use sci::sign::{self, ENVELOPE_BYTES};
use sci::write::list_bytes;

/// Offset of the sample's manifest.
const MANIFEST: u64 = HEADER_BYTES + 11 * ENTRY_BYTES;
/// Place of the sample's section of an index in the file: one page each, and none for bss.
const fn page(index: u64) -> u64 {
    PAGE * (1 + index - if index > 4 { 1 } else { 0 })
}
/// Bytes of the unsigned sample.
const TOTAL: u64 = 11 * PAGE;
/// Where the signed sample's envelope begins.
const ENVELOPE: u64 = TOTAL;

type Change = fn(&mut Vec<u8>);
type ChangeSample = fn(&mut Sample);

/// Changes of the signed sample's bytes that [`Image::verify`] refuses.
const FORMS: &[(&str, Change, ErrorKind, u64)] = &[
    ("an empty file", Vec::clear, ErrorKind::Truncated, 0),
    ("seven bytes", |bytes| bytes.truncate(7), ErrorKind::Truncated, 0),
    ("the magic alone", |bytes| bytes.truncate(8), ErrorKind::Truncated, field::VERSION),
    ("half a header", |bytes| bytes.truncate(64), ErrorKind::Truncated, 56),
    ("an ELF file", |bytes| put(bytes, 0, b"\x7fELF"), ErrorKind::Magic, 0),
    ("line ends converted", |bytes| put(bytes, 4, b"\n\x1a\n\n"), ErrorKind::Magic, 0),
    ("version 0", |bytes| put(bytes, field::VERSION, &[0]), ErrorKind::Version, field::VERSION),
    ("version 2", |bytes| put(bytes, field::VERSION, &[2]), ErrorKind::Version, field::VERSION),
    ("version 257", |bytes| put(bytes, field::VERSION, &[1, 1]), ErrorKind::Version, field::VERSION),
    ("no machine", |bytes| put(bytes, field::MACHINE, &[0]), ErrorKind::Machine, field::MACHINE),
    ("another machine", |bytes| put(bytes, field::MACHINE, &[2]), ErrorKind::Machine, field::MACHINE),
    ("kind 0", |bytes| put(bytes, field::KIND, &[0]), ErrorKind::Value, field::KIND),
    ("kind 4", |bytes| put(bytes, field::KIND, &[4]), ErrorKind::Value, field::KIND),
    ("form 2", |bytes| put(bytes, field::FORM, &[2]), ErrorKind::Value, field::FORM),
    ("a reserved byte after the form", |bytes| bytes[14] = 1, ErrorKind::Reserved, 14),
    ("the second one", |bytes| bytes[15] = 1, ErrorKind::Reserved, 15),
    ("the first reserved byte", |bytes| bytes[56] = 1, ErrorKind::Reserved, field::RESERVED),
    ("the last reserved byte", |bytes| bytes[127] = 0x80, ErrorKind::Reserved, 127),
    ("a CPU feature", |bytes| bytes[16] = 1, ErrorKind::Machine, field::FEATURES),
    ("the last CPU feature", |bytes| bytes[23] = 0x80, ErrorKind::Machine, field::FEATURES),
    ("a byte too few", |bytes| bytes.truncate(bytes.len() - 1), ErrorKind::Truncated, field::TOTAL),
    ("a byte too many", |bytes| bytes.push(0), ErrorKind::Truncated, field::TOTAL),
    ("a length beyond the limit", long, ErrorKind::Limit, field::TOTAL),
    ("a length of all ones", |bytes| put64(bytes, field::TOTAL, u64::MAX), ErrorKind::Limit, field::TOTAL),
    ("a table over the header", |bytes| put32(bytes, field::TABLE, 0), ErrorKind::Tiling, field::TABLE),
    ("a table behind a gap", |bytes| put32(bytes, field::TABLE, 136), ErrorKind::Tiling, field::TABLE),
    ("17 sections", |bytes| sections(bytes, 17), ErrorKind::Limit, field::SECTION_COUNT),
    ("sections without end", |bytes| sections(bytes, u32::MAX), ErrorKind::Limit, field::SECTION_COUNT),
    ("one section fewer", |bytes| sections(bytes, 10), ErrorKind::Tiling, field::MANIFEST),
    ("one section more", |bytes| sections(bytes, 12), ErrorKind::Tiling, field::MANIFEST),
    (
        "a manifest over the table",
        |bytes| add(bytes, field::MANIFEST, -8),
        ErrorKind::Tiling,
        field::MANIFEST,
    ),
    ("a manifest behind a gap", |bytes| add(bytes, field::MANIFEST, 8), ErrorKind::Tiling, field::MANIFEST),
    ("a manifest too long", long_manifest, ErrorKind::Limit, field::MANIFEST_BYTES),
    ("a manifest beyond the file", short_file, ErrorKind::Truncated, MANIFEST),
    ("no manifest", |bytes| put32(bytes, field::MANIFEST_BYTES, 0), ErrorKind::Manifest, MANIFEST),
    ("a manifest cut", |bytes| add(bytes, field::MANIFEST_BYTES, -1), ErrorKind::Manifest, MANIFEST),
    (
        "a manifest and a byte",
        |bytes| add(bytes, field::MANIFEST_BYTES, 1),
        ErrorKind::NotCanonical,
        MANIFEST,
    ),
    ("section kind 0", |bytes| put32(bytes, table(0), 0), ErrorKind::Value, table(0)),
    ("section kind 6", |bytes| put32(bytes, table(4), 6), ErrorKind::Value, table(4)),
    ("section kind 24", |bytes| put32(bytes, table(10), 24), ErrorKind::Value, table(10)),
    (
        "a reserved word of a section",
        |bytes| put32(bytes, table(2) + 4, 1),
        ErrorKind::Reserved,
        table(2) + 4,
    ),
    ("a kind twice", |bytes| put32(bytes, table(1), 1), ErrorKind::Tiling, table(1)),
    ("kinds out of order", |bytes| put32(bytes, table(0), 2), ErrorKind::Tiling, table(1)),
    ("a section over the header", |bytes| put32(bytes, table(0) + 8, 0), ErrorKind::Tiling, table(0) + 8),
    ("a section off its page", |bytes| add(bytes, table(0) + 8, 8), ErrorKind::Tiling, table(0) + 8),
    ("a section behind a gap", |bytes| add(bytes, table(1) + 8, 4096), ErrorKind::Tiling, table(1) + 8),
    ("two sections in one place", |bytes| add(bytes, table(1) + 8, -4096), ErrorKind::Tiling, table(1) + 8),
    ("a section without bytes", |bytes| put32(bytes, table(8) + 12, 0), ErrorKind::Value, table(8) + 12),
    ("a section into the next", |bytes| put32(bytes, table(0) + 12, 4097), ErrorKind::Tiling, table(1) + 8),
    (
        "a section beyond the file",
        |bytes| put32(bytes, table(10) + 12, 1 << 20),
        ErrorKind::Truncated,
        page(10),
    ),
    ("a section of 4 GiB", |bytes| put32(bytes, table(10) + 12, u32::MAX), ErrorKind::Truncated, page(10)),
    ("bss with an offset", |bytes| put32(bytes, table(4) + 8, 4096), ErrorKind::Tiling, table(4) + 8),
    ("bss with bytes", |bytes| put32(bytes, table(4) + 12, 1), ErrorKind::Tiling, table(4) + 8),
    ("padding after the manifest", |bytes| bytes[4095] = 1, ErrorKind::Padding, 4095),
    ("padding after text", |bytes| bytes[page(0) as usize + 64] = 1, ErrorKind::Padding, page(0) + 64),
    ("padding before the envelope", |bytes| bytes[TOTAL as usize - 1] = 9, ErrorKind::Padding, TOTAL - 1),
    ("text one byte shorter", |bytes| put32(bytes, table(0) + 12, 63), ErrorKind::Padding, page(0) + 63),
    (
        "an envelope over sections",
        |bytes| add(bytes, field::ENVELOPE, -4096),
        ErrorKind::Tiling,
        field::ENVELOPE,
    ),
    (
        "an envelope at the header",
        |bytes| put32(bytes, field::ENVELOPE, 0),
        ErrorKind::Tiling,
        field::ENVELOPE,
    ),
    (
        "half an envelope",
        |bytes| put32(bytes, field::ENVELOPE_BYTES, 64),
        ErrorKind::Value,
        field::ENVELOPE_BYTES,
    ),
    (
        "an envelope of no bytes",
        |bytes| put32(bytes, field::ENVELOPE_BYTES, 0),
        ErrorKind::Value,
        field::ENVELOPE_BYTES,
    ),
    ("an envelope cut off", cut_envelope, ErrorKind::Tiling, field::TOTAL),
    ("an envelope that no field names", hide_envelope, ErrorKind::Tiling, field::TOTAL),
    ("a page behind the envelope", append_page, ErrorKind::Tiling, field::TOTAL),
];

fn add(bytes: &mut [u8], offset: u64, difference: i32) {
    let value = get32(bytes, offset).wrapping_add_signed(difference);
    put32(bytes, offset, value);
}

fn sections(bytes: &mut Vec<u8>, count: u32) {
    put32(bytes, field::SECTION_COUNT, count);
}

fn long(bytes: &mut Vec<u8>) {
    put64(bytes, field::TOTAL, limits::IMAGE_BYTES_MAX + 1);
}

fn long_manifest(bytes: &mut Vec<u8>) {
    put32(bytes, field::MANIFEST_BYTES, limits::MANIFEST_BYTES_MAX + 1);
}

fn set_total(bytes: &mut [u8]) {
    let total = bytes.len() as u64;
    put64(bytes, field::TOTAL, total);
}

fn short_file(bytes: &mut Vec<u8>) {
    bytes.truncate(MANIFEST as usize + 4);
    set_total(bytes);
}

fn cut_envelope(bytes: &mut Vec<u8>) {
    bytes.truncate(ENVELOPE as usize);
    set_total(bytes);
}

fn hide_envelope(bytes: &mut Vec<u8>) {
    put64(bytes, field::ENVELOPE, 0);
}

fn append_page(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len() + PAGE as usize, 0);
    set_total(bytes);
}

#[test]
fn forms() {
    let sound = Sample::component().signed();
    assert_eq!(sound.len() as u64, ENVELOPE + ENVELOPE_BYTES);
    for (name, change, kind, offset) in FORMS {
        let mut bytes = sound.clone();
        change(&mut bytes);
        assert_eq!(Image::verify(&bytes).err(), Some(Error::new(*kind, *offset)), "{name}");
    }
}

/// Samples whose manifests have another encoding than the one they should have, or none.
const MANIFESTS: &[(&str, ChangeSample, ErrorKind)] = &[
    ("a padded integer", |sample| sample.mangle = Some(pad_first), ErrorKind::NotCanonical),
    ("a trailing byte", |sample| sample.mangle = Some(|manifest| manifest.push(0)), ErrorKind::NotCanonical),
    (
        "an integer that never ends",
        |sample| sample.mangle = Some(|manifest| manifest[..10].fill(0xff)),
        ErrorKind::Manifest,
    ),
    ("a name of 4 GiB", |sample| sample.mangle = Some(|bytes| put(bytes, 0, &HUGE)), ErrorKind::Manifest),
    ("a name that is not UTF-8", |sample| sample.mangle = Some(|bytes| bytes[1] = 0xff), ErrorKind::Manifest),
    ("a padded integer in a list", |sample| raw_entries(sample, pad_first), ErrorKind::NotCanonical),
    (
        "half an element",
        |sample| raw_entries(sample, |list| list.truncate(list.len() - 1)),
        ErrorKind::NotCanonical,
    ),
    (
        "a byte behind the last element",
        |sample| raw_entries(sample, |list| list.push(0)),
        ErrorKind::NotCanonical,
    ),
    ("an entry kind 4", |sample| raw_entries(sample, |list| list[0] = 4), ErrorKind::NotCanonical),
    (
        "a name in a list that is not UTF-8",
        |sample| raw_entries(sample, |list| list[2] = 0xff),
        ErrorKind::NotCanonical,
    ),
    ("a truth value of 2", |sample| sample.raw_required = Some(third_truth(sample)), ErrorKind::NotCanonical),
    ("entries out of order", |sample| sample.entries.swap(0, 1), ErrorKind::NotCanonical),
    ("methods out of order", |sample| sample.entries.swap(2, 3), ErrorKind::NotCanonical),
    ("an entry twice", |sample| sample.entries[3] = sample.entries[2], ErrorKind::NotCanonical),
    ("two starts", |sample| sample.entries[1].kind = EntryKind::Start, ErrorKind::NotCanonical),
    ("a log out of order", |sample| sample.replay = Some(vec![(1, 0), (0, 0)]), ErrorKind::NotCanonical),
    (
        "an entry of the log twice",
        |sample| sample.replay = Some(vec![(1, 0), (1, 0)]),
        ErrorKind::NotCanonical,
    ),
];

/// A length of `u32::MAX`.
const HUGE: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x0f];

/// Gives the first integer, below 128, a second byte that adds nothing.
fn pad_first(bytes: &mut Vec<u8>) {
    bytes[0] |= 0x80;
    bytes.insert(1, 0);
}

fn raw_entries(sample: &mut Sample, change: fn(&mut Vec<u8>)) {
    let mut list = list_bytes(&sample.entries);
    change(&mut list);
    sample.raw_entries = Some(list);
}

/// The required capabilities, where the first one's `message` is neither false nor true.
fn third_truth(sample: &Sample) -> Vec<u8> {
    let mut first = sample.required[0];
    let one = list_bytes(&[first]);
    first.message = !first.message;
    let other = list_bytes(&[first]);
    let at = one.iter().zip(&other).position(|(a, b)| a != b).expect("they differ in one byte");
    let mut list = list_bytes(&sample.required);
    list[at] = 2;
    list
}

#[test]
fn manifests() {
    for (name, change, kind) in MANIFESTS {
        let mut sample = Sample::component();
        change(&mut sample);
        let found = Image::verify(&sample.bytes()).err();
        assert_eq!(found, Some(Error::new(*kind, MANIFEST)), "{name}");
    }
}

/// A reserved field that is present, an absent tag that is neither, and an unknown variant, at each place that has one.
#[test]
fn tags() {
    let sample = Sample::component();
    let encoded = sample.with_manifest(|manifest| postcard::to_allocvec(manifest)).expect("it encodes");
    let places = sample.with_manifest(|manifest| {
        let length = |bytes: Result<Vec<u8>, postcard::Error>| bytes.expect("it encodes").len();
        let m = manifest;
        let lists = length(postcard::to_allocvec(&(
            m.identity, m.entries, m.required, m.exported, m.imports, m.exports,
        )));
        let schedule = lists + 1 + length(postcard::to_allocvec(&m.memory));
        let period = schedule + length(postcard::to_allocvec(&(m.schedule.class, m.schedule.priority)));
        let restart = schedule + length(postcard::to_allocvec(&m.schedule));
        let linear = lists
            + 1
            + length(postcard::to_allocvec(&(STACK, m.memory.stack_tag)))
            + length(postcard::to_allocvec(&(m.memory.state_bytes, m.memory.arena_bytes, 0u64)));
        vec![
            ("schemas", lists),
            ("linear memory", linear),
            ("class", schedule),
            ("period", period),
            ("budget", period + 1),
            ("deadline", period + 2),
            ("affinity", period + 3),
            ("passive", period + 4),
            ("fuel", period + 5),
            ("restart", restart),
            ("checkpoint", restart + 1),
            ("deterministic", restart + 2),
            ("migration", restart + 3),
            ("compute", restart + 4),
        ]
    });
    let variants = |name: &str| match name {
        "class" | "passive" | "checkpoint" => 2,
        "restart" | "deterministic" => 3,
        _ => 1,
    };
    for (name, at) in places {
        for tag in [variants(name), 7, 0x7f] {
            let mut bytes = sample.bytes();
            assert_eq!(bytes[MANIFEST as usize + at], encoded[at], "{name}");
            assert!(encoded[at] < variants(name), "{name}");
            bytes[MANIFEST as usize + at] = tag;
            let found = Image::verify(&bytes).err();
            assert_eq!(found, Some(Error::new(ErrorKind::Manifest, MANIFEST)), "{name}: {tag}");
        }
    }
}

/// A manifest may fill its limit, and not one byte more.
#[test]
fn manifest_limit() {
    let flags = |bytes: usize| {
        let mut sample = Sample::component();
        sample.provenance.flags = "f".repeat(bytes).leak();
        sample.bytes()
    };
    let room = limits::MANIFEST_BYTES_MAX - get32(&flags(1000), field::MANIFEST_BYTES) + 1000;
    assert_eq!(Image::verify(&flags(room as usize)).err(), None);
    let refused = Image::verify(&flags(room as usize + 1)).err();
    assert_eq!(refused, Some(Error::new(ErrorKind::Limit, field::MANIFEST_BYTES)));
}

/// Changes of the signed sample's bytes that [`Image::verify`] lets pass and hashes or signature refuse.
const SIGNATURES: &[(&str, Change, ErrorKind, u64)] = &[
    ("text changed", |bytes| bytes[page(0) as usize] ^= 1, ErrorKind::Hash, page(0)),
    ("rodata changed", |bytes| bytes[page(1) as usize + 17] ^= 1, ErrorKind::Hash, page(1)),
    ("data changed", |bytes| bytes[page(3) as usize] ^= 1, ErrorKind::Hash, page(3)),
    ("traps changed", |bytes| bytes[page(6) as usize] ^= 1, ErrorKind::Hash, page(6)),
    ("symbols changed", |bytes| bytes[page(7) as usize] ^= 1, ErrorKind::Hash, page(7)),
    ("debug changed", |bytes| bytes[page(8) as usize] ^= 1, ErrorKind::Hash, page(8)),
    ("source map changed", |bytes| bytes[page(9) as usize] ^= 1, ErrorKind::Hash, page(9)),
    ("sources changed", |bytes| bytes[page(10) as usize] ^= 1, ErrorKind::Hash, page(10)),
    ("no signature", |bytes| *bytes = Sample::component().bytes(), ErrorKind::Unsigned, 0),
    ("algorithm 0", |bytes| put32(bytes, ENVELOPE, 0), ErrorKind::Value, ENVELOPE),
    ("algorithm 2", |bytes| put32(bytes, ENVELOPE, 2), ErrorKind::Value, ENVELOPE),
    ("an unknown flag", |bytes| put32(bytes, ENVELOPE + 4, 3), ErrorKind::Reserved, ENVELOPE + 4),
    (
        "the last byte of the envelope",
        |bytes| *bytes.last_mut().expect("it has bytes") = 1,
        ErrorKind::Reserved,
        ENVELOPE + 127,
    ),
    ("the development flag cleared", |bytes| put32(bytes, ENVELOPE + 4, 0), ErrorKind::Signature, ENVELOPE),
    ("another key", other_key, ErrorKind::Signature, ENVELOPE),
    ("a key that is no point", |bytes| put(bytes, ENVELOPE + 8, &[2; 32]), ErrorKind::Signature, ENVELOPE),
    ("the identity as key and signature", small_order, ErrorKind::Signature, ENVELOPE),
    ("the first half changed", |bytes| bytes[ENVELOPE as usize + 40] ^= 1, ErrorKind::Signature, ENVELOPE),
    ("the second half changed", |bytes| bytes[ENVELOPE as usize + 72] ^= 1, ErrorKind::Signature, ENVELOPE),
    ("a second half that is not reduced", add_order, ErrorKind::Signature, ENVELOPE),
    ("no bytes for a signature", |bytes| put(bytes, ENVELOPE + 40, &[0; 64]), ErrorKind::Signature, ENVELOPE),
    ("the signature of a bundle", bundle_domain, ErrorKind::Signature, ENVELOPE),
    ("the signature of another image", other_image, ErrorKind::Signature, ENVELOPE),
    ("another version in the manifest", other_version, ErrorKind::Signature, ENVELOPE),
];

fn other_key(bytes: &mut Vec<u8>) {
    put(bytes, ENVELOPE + 8, &sign::public_key(&[8; 32]));
}

/// Key and R of order one, S zero: without strictness this signs everything.
fn small_order(bytes: &mut Vec<u8>) {
    let mut identity = [0; 32];
    identity[0] = 1;
    put(bytes, ENVELOPE + 8, &identity);
    put(bytes, ENVELOPE + 40, &identity);
    put(bytes, ENVELOPE + 72, &[0; 32]);
}

/// Adds the group's order to S: the same signature in another encoding.
fn add_order(bytes: &mut Vec<u8>) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (at, digit) in ORDER.iter().enumerate() {
        let place = &mut bytes[ENVELOPE as usize + 72 + at];
        let sum = u16::from(*place) + u16::from(*digit) + carry;
        *place = sum as u8;
        carry = sum >> 8;
    }
}

fn bundle_domain(bytes: &mut Vec<u8>) {
    let digest = image_digest(&Image::verify(bytes).expect("it verifies"));
    put(bytes, ENVELOPE, &sign::sign(&SEED, true, sign::BUNDLE_DOMAIN, &digest).to_bytes());
}

fn other_image(bytes: &mut Vec<u8>) {
    let other = Sample::library().signed();
    put(bytes, ENVELOPE, &other[other.len() - ENVELOPE_BYTES as usize..]);
}

fn other_version(bytes: &mut Vec<u8>) {
    let at = bytes.windows(5).position(|window| window == b"0.1.0").expect("the version is there");
    bytes[at] = b'9';
}

#[test]
fn signatures() {
    let sound = Sample::component().signed();
    let envelope = sign::check_image(&Image::verify(&sound).expect("it verifies")).expect("it is signed");
    assert!(envelope.development && envelope.key == sign::public_key(&SEED));
    for (name, change, kind, offset) in SIGNATURES {
        let mut bytes = sound.clone();
        change(&mut bytes);
        let image = Image::verify(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(sign::check_image(&image).err(), Some(Error::new(*kind, *offset)), "{name}");
    }
}

/// What the loader carries out is hashed too, though no rule reads it.
#[test]
fn relocations_are_hashed() {
    let mut sample = Sample::component();
    state_true_hashes(&mut sample);
    sample.relocate(&[crate::sample::RELRO + 16]);
    let bytes = sample.bytes();
    let image = Image::verify(&bytes).expect("the rules hold");
    assert_eq!(check_sections(&image).err(), Some(Error::new(ErrorKind::Hash, page(5))));
}

fn state_true_hashes(sample: &mut Sample) {
    let with_bytes = sample.sections.iter().filter(|section| section.kind != SectionKind::Bss);
    let hash = |bytes: &[u8]| sci::digest::sha256(bytes);
    let stated = with_bytes.map(|section| sci::manifest::SectionHash {
        kind: section.kind as u32,
        sha256: hash(&section.bytes),
    });
    sample.hashes = Some(stated.collect());
}

/// The format promises at least 60 hostile files; the rules' and the bundles' come on top.
#[test]
fn enough() {
    assert!(FORMS.len() + MANIFESTS.len() + SIGNATURES.len() >= 60);
}
