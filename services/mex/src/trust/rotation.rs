//! Rotations: a publisher's key says which key follows it.

use crate::encoding::base64;
use crate::signature::{PublicKey, message, sound_key};
use crate::time::Moment;
use ed25519_dalek::{Signer as _, SigningKey};

/// What a rotation's message begins with.
pub const DOMAIN: &[u8] = b"samoza-mex-rotation-v1\0";

/// A statement of the old key: from `not_before` on, the new key takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Whose keys they are.
    pub publisher: String,
    /// The old key.
    pub from: PublicKey,
    /// The new key.
    pub to: PublicKey,
    /// From when on the new key is good, and the old one no longer.
    pub not_before: Moment,
    /// Until when the new key is good.
    pub not_after: Moment,
}

impl Rotation {
    /// What is signed, after the domain and hashed: one line for each field, as in a policy.
    pub fn text(&self) -> String {
        let Self { publisher, from, to, not_before, not_after } = self;
        let (from, to) = (base64(from), base64(to));
        format!(
            "publisher: {publisher}\nfrom: {from}\nto: {to}\nnotBefore: {not_before}\nnotAfter: {not_after}\n"
        )
    }

    /// Signs it with the old key's seed.
    pub fn sign(&self, seed: &[u8; 32]) -> [u8; 64] {
        SigningKey::from_bytes(seed).sign(&message(DOMAIN, &self.text())).to_bytes()
    }

    /// Whether a signature is the old key's over it.
    pub fn is_signed_by(&self, signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        sound_key(&self.from)
            .is_some_and(|key| key.verify_strict(&message(DOMAIN, &self.text()), &signature).is_ok())
    }
}
