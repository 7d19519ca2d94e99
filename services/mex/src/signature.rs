//! The signature: a trailer of fixed form at the end of a manifest, over the bytes before it.
//!
//! Signed is `samoza-mex-v1`, a zero byte and the SHA-256 of those bytes. Only they are read as YAML, so nothing
//! that is read is unsigned, and no reading decides what was signed.

use crate::MANIFEST;
use crate::encoding::{base64, from_base64};
use crate::rule::{Refusal, Rule};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sci::digest::sha256;

/// What the signature's message begins with.
pub const DOMAIN: &[u8] = b"samoza-mex-v1\0";

const KEY: &str = "signature";
const ALGORITHM: &str = "signature:\n  algorithm: ed25519\n";
const PUBLIC_KEY: &str = "  publicKey: ";
const PUBLIC_KEY_LETTERS: usize = 44;
const SIGNATURE: &str = "\n  signature: ";
const SIGNATURE_LETTERS: usize = 88;
const TRAILER_BYTES: usize =
    ALGORITHM.len() + PUBLIC_KEY.len() + PUBLIC_KEY_LETTERS + SIGNATURE.len() + SIGNATURE_LETTERS + 1;

/// A public key of Ed25519.
pub type PublicKey = [u8; 32];

/// Key and signature of a trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The key that is said to have signed: a hint, and trusted only if a policy lists it.
    pub key: PublicKey,
    /// The signature.
    pub signature: [u8; 64],
}

impl Trailer {
    /// Checks the signature over what stands before it.
    pub fn verify(&self, prefix: &str) -> Result<(), Refusal> {
        let refuse = |rule: Rule, detail: String| Err(rule.in_file(MANIFEST, end_of(prefix), detail));
        let Some(key) = sound_key(&self.key) else {
            return refuse(Rule::SignatureKey, format!("the key is {}", base64(&self.key)));
        };
        let signature = ed25519_dalek::Signature::from_bytes(&self.signature);
        match key.verify_strict(&message(DOMAIN, prefix), &signature) {
            Ok(()) => Ok(()),
            Err(_) => refuse(Rule::SignatureWrong, format!("the key is {}", base64(&self.key))),
        }
    }

    fn text(&self) -> String {
        let (key, signature) = (base64(&self.key), base64(&self.signature));
        format!("{ALGORITHM}{PUBLIC_KEY}{key}{SIGNATURE}{signature}\n")
    }
}

/// The key of these bytes, if it is one of which a signature says something.
pub(crate) fn sound_key(bytes: &PublicKey) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak())
}

/// What is signed: a domain, and the SHA-256 of a text.
pub(crate) fn message(domain: &[u8], text: &str) -> Vec<u8> {
    [domain, &sha256(text.as_bytes())].concat()
}

fn end_of(text: &str) -> services_yaml::Place {
    services_yaml::Place { line: text.lines().count() as u32 + 1, column: 1 }
}

/// Separates a manifest's text from its trailer, if it has one. The text ends in a newline.
pub(crate) fn split(text: &str) -> Result<(&str, Option<Trailer>), Refusal> {
    let mut begin = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix(KEY);
        if rest.is_some_and(|rest| {
            !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "_-".contains(next))
        }) {
            begin = Some(at);
            break;
        }
        at += line.len();
    }
    let Some(begin) = begin else {
        return Ok((text, None));
    };
    let (prefix, trailer) = text.split_at(begin);
    let refuse = |rule: Rule, detail: &str| Err(rule.in_file(MANIFEST, end_of(prefix), detail));
    if !trailer.starts_with(ALGORITHM) {
        let has_algorithm = trailer.len() > KEY.len() && trailer.starts_with("signature:\n  algorithm: ");
        let rule = if has_algorithm { Rule::SignatureAlgorithm } else { Rule::SignatureTrailer };
        return refuse(rule, "it does not begin with `algorithm: ed25519`");
    }
    if trailer.len() != TRAILER_BYTES {
        return refuse(
            Rule::SignatureTrailer,
            &format!("it has {} bytes, not {TRAILER_BYTES}", trailer.len()),
        );
    }
    let parts = trailer[ALGORITHM.len()..].strip_prefix(PUBLIC_KEY).and_then(|rest| {
        let (key, rest) = rest.split_at_checked(PUBLIC_KEY_LETTERS)?;
        Some((key, rest.strip_prefix(SIGNATURE)?.strip_suffix('\n')?))
    });
    let Some((key, signature)) = parts else {
        return refuse(Rule::SignatureTrailer, "key and signature do not stand where they belong");
    };
    match (from_base64(key), from_base64(signature)) {
        (Some(key), Some(signature)) => Ok((prefix, Some(Trailer { key, signature }))),
        (None, _) => refuse(Rule::SignatureBase64, "it is not so with the key"),
        (_, None) => refuse(Rule::SignatureBase64, "it is not so with the signature"),
    }
}

/// Signs a manifest's text, which ends in a newline: the text with its trailer.
pub(crate) fn sign(prefix: &str, seed: &[u8; 32]) -> String {
    let key = SigningKey::from_bytes(seed);
    let signature = key.sign(&message(DOMAIN, prefix)).to_bytes();
    let trailer = Trailer { key: key.verifying_key().to_bytes(), signature };
    format!("{prefix}{}", trailer.text())
}
