//! Hostile signatures, each with the rule that refuses it.

use crate::sample::{self, SEED, SOURCE, archive, borrowed, files, refused, sealed};
use ed25519_dalek::{Signer as _, SigningKey};
use sci::digest::sha256;
use services_mex::{Package, base64, from_base64, sign_package, write_package};

/// The trailer of a text, written here once more from the format's words.
fn trailer(text: &str, seed: &[u8; 32]) -> String {
    let key = SigningKey::from_bytes(seed);
    let message = [b"samoza-mex-v1\0".as_slice(), &sha256(text.as_bytes())].concat();
    written(&key.verifying_key().to_bytes(), &key.sign(&message).to_bytes())
}

fn written(key: &[u8; 32], signature: &[u8; 64]) -> String {
    let (key, signature) = (base64(key), base64(signature));
    format!("signature:\n  algorithm: ed25519\n  publicKey: {key}\n  signature: {signature}\n")
}

/// A text and its trailer, changed.
type Case = (&'static str, &'static str, fn(&str, &str) -> String);

/// The group's order, lowest byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Key and signature of a trailer.
fn parts(trailer: &str) -> ([u8; 32], [u8; 64]) {
    let value = |name: &str| trailer.rsplit_once(name).unwrap().1.lines().next().unwrap().to_owned();
    (from_base64(&value("publicKey: ")).unwrap(), from_base64(&value("signature: ")).unwrap())
}

/// The letter of Base64 with the lowest bit set, which padding requires to be zero.
fn with_stray_bit(text: &str, padding: &str) -> String {
    let at = text.find(padding).unwrap() - 1;
    let next = char::from(text.as_bytes()[at] + 1);
    format!("{}{next}{}", &text[..at], &text[at + 1..])
}

const CASES: &[Case] = &[
    ("a changed manifest", "signature-wrong", |text, end| text.replace("1.2.0", "1.3.0") + end),
    ("a changed comment", "signature-wrong", |text, end| text.replace("# What", "# who") + end),
    ("a newline more before it", "signature-wrong", |text, end| format!("{text}\n{end}")),
    ("a signature of another package", "signature-wrong", |text, _| {
        text.to_owned() + &trailer(&text.replace("my-app", "other"), &SEED)
    }),
    ("a signature without domain", "signature-wrong", |text, _| {
        let key = SigningKey::from_bytes(&SEED);
        text.to_owned()
            + &written(&key.verifying_key().to_bytes(), &key.sign(&sha256(text.as_bytes())).to_bytes())
    }),
    ("a signature of the text itself", "signature-wrong", |text, _| {
        let key = SigningKey::from_bytes(&SEED);
        text.to_owned() + &written(&key.verifying_key().to_bytes(), &key.sign(text.as_bytes()).to_bytes())
    }),
    ("another key as a hint", "signature-wrong", |text, end| {
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
        text.to_owned() + &written(&other, &parts(end).1)
    }),
    ("a scalar that is not reduced", "signature-wrong", |text, end| {
        let (key, mut signature) = parts(end);
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        text.to_owned() + &written(&key, &signature)
    }),
    ("a key of order one", "signature-key", |text, _| {
        let mut identity = [0; 64];
        identity[0] = 1;
        text.to_owned() + &written(identity[..32].try_into().unwrap(), &identity)
    }),
    ("a key of order two", "signature-key", |text, end| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (0xec, 0x7f);
        text.to_owned() + &written(&key, &parts(end).1)
    }),
    ("a key of order four", "signature-key", |text, end| text.to_owned() + &written(&[0; 32], &parts(end).1)),
    ("a key that is no point", "signature-key", |text, end| {
        let mut key = [0; 32];
        key[0] = 2;
        text.to_owned() + &written(&key, &parts(end).1)
    }),
    ("no algorithm at all", "signature-algorithm", |text, end| {
        text.to_owned() + &end.replace("ed25519", "none")
    }),
    ("another algorithm", "signature-algorithm", |text, end| {
        text.to_owned() + &end.replace("ed25519", "hmac256")
    }),
    ("an algorithm in capitals", "signature-algorithm", |text, end| {
        text.to_owned() + &end.replace("ed25519", "Ed25519")
    }),
    ("a key in Base64 with a stray bit", "signature-base64", |text, end| {
        text.to_owned() + &with_stray_bit(end, "=\n  signature: ")
    }),
    ("a signature in Base64 with a stray bit", "signature-base64", |text, end| {
        text.to_owned() + &with_stray_bit(end, "==\n")
    }),
    ("a key in Base64 for addresses", "signature-base64", |text, end| {
        let at = end.find("publicKey: ").unwrap() + 11;
        format!("{text}{}_{}", &end[..at], &end[at + 1..])
    }),
    ("Base64 without padding", "signature-trailer", |text, end| text.to_owned() + &end.replace("==\n", "\n")),
    ("a trailer in quotes", "signature-trailer", |text, end| {
        text.to_owned()
            + &end.replace("publicKey: ", "publicKey: \"").replace("\n  signature: ", "\"\n  signature: ")
    }),
    ("a trailer in another order", "signature-trailer", |text, end| {
        let lines: Vec<&str> = end.lines().collect();
        format!("{text}{}\n{}\n{}\n{}\n", lines[0], lines[2], lines[1], lines[3])
    }),
    ("a trailer with a comment", "signature-trailer", |text, end| {
        text.to_owned() + &end.replace("signature:\n", "signature: # here\n")
    }),
    ("a trailer in braces", "signature-trailer", |text, _| {
        format!("{text}signature: {{algorithm: ed25519}}\n")
    }),
    ("a trailer that says nothing", "signature-trailer", |text, _| format!("{text}signature:\n")),
    ("a trailer with a blank before its colon", "signature-trailer", |text, end| {
        text.to_owned() + &end.replacen("signature:", "signature :", 1)
    }),
    ("a trailer before the end", "signature-trailer", |text, end| format!("{end}{text}")),
    ("a key after the trailer", "signature-trailer", |text, end| format!("{text}{end}x-more: 1\n")),
    ("a comment after the trailer", "signature-trailer", |text, end| format!("{text}{end}# signed\n")),
    ("a newline after the trailer", "signature-trailer", |text, end| format!("{text}{end}\n")),
    ("two trailers", "signature-trailer", |text, end| format!("{text}{end}{end}")),
    ("a trailer over a trailer", "signature-trailer", |text, end| {
        let signed = format!("{text}{end}");
        signed.clone() + &trailer(&signed, &[8; 32])
    }),
    ("a signed package without hashes", "signature-without-integrity", |_, _| {
        SOURCE.to_owned() + &trailer(SOURCE, &SEED)
    }),
];

pub const COUNT: usize = CASES.len();

/// The sample's manifest, signed.
pub fn signed() -> String {
    let text = sealed(SOURCE, &files());
    text.clone() + &trailer(&text, &SEED)
}

#[test]
fn hostile_signatures_are_refused_by_their_rule() {
    let text = sealed(SOURCE, &files());
    let end = trailer(&text, &SEED);
    let wrong = CASES.iter().filter_map(|(what, rule, change)| {
        refused(what, rule, &archive(change(&text, &end).as_bytes(), &files()))
    });
    sample::none(&wrong.collect::<Vec<_>>());
}

#[test]
fn a_signature_of_the_documented_form_is_accepted() {
    let text = sealed(SOURCE, &files());
    let bytes = archive((text.clone() + &trailer(&text, &SEED)).as_bytes(), &files());
    let key = SigningKey::from_bytes(&SEED).verifying_key().to_bytes();
    assert_eq!(Package::read(&bytes).unwrap().key(), Some(&key));
}

#[test]
fn signing_writes_the_documented_form() {
    let files = files();
    let bytes = write_package(SOURCE, &borrowed(&files), Some(&SEED)).unwrap();
    let package = Package::read(&bytes).unwrap();
    let manifest =
        String::from_utf8(package.archive().entry("manifest.yaml").unwrap().content().into_owned()).unwrap();
    let (text, _) = manifest.split_at(manifest.find("\nsignature:").unwrap() + 1);
    assert_eq!(manifest, text.to_owned() + &trailer(text, &SEED));
}

#[test]
fn a_package_is_signed_anew() {
    let files = files();
    let unsigned = write_package(SOURCE, &borrowed(&files), None).unwrap();
    let first = write_package(SOURCE, &borrowed(&files), Some(&SEED)).unwrap();
    let read = |bytes: &[u8], seed: &[u8; 32]| sign_package(&Package::read(bytes).unwrap(), seed).unwrap();
    let other = read(&first, &[8; 32]);
    assert_ne!(other, first);
    assert_eq!(read(&other, &SEED), first);
    assert_eq!(read(&unsigned, &SEED), first);
}

#[test]
fn an_unsealed_package_is_not_signed() {
    let bytes = archive(SOURCE.as_bytes(), &files());
    let refusals = sign_package(&Package::read(&bytes).unwrap(), &SEED).unwrap_err();
    assert_eq!(refusals[0].id(), "signature-without-integrity");
}
