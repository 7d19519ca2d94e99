//! Signatures: Ed25519, strictly verified, over domain-separated digests.

use crate::bytes::{part, u32_at, zero};
use crate::error::{Error, ErrorKind};
use ed25519_dalek::{Signature, VerifyingKey};

/// Domain of an image's signature.
pub const IMAGE_DOMAIN: &[u8] = b"space-sci-v1\0";
/// Domain of a bundle's signature.
pub const BUNDLE_DOMAIN: &[u8] = b"space-bundle-v1\0";
/// Bytes of an envelope: algorithm `u32`, flags `u32`, key, signature, zero.
pub const ENVELOPE_BYTES: u64 = 128;
/// The only algorithm: Ed25519.
pub const ALGORITHM_ED25519: u32 = 1;
/// Envelope flag: the key is a development key.
pub const FLAG_DEVELOPMENT: u32 = 1;

/// A public key.
pub type PublicKey = [u8; 32];

/// An envelope whose form is right.
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    /// Whether it was made by a development key.
    pub development: bool,
    /// The key that it names: a hint, trusted only if the policy lists it.
    pub key: PublicKey,
    /// The signature.
    pub signature: [u8; 64],
}

impl Envelope {
    /// Reads an envelope; `offset` is its place in the file, for errors.
    pub fn read(bytes: &[u8], offset: u64) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Err(Error::new(ErrorKind::Unsigned, offset));
        }
        let at = |error: Error| Error::new(error.kind, offset + error.offset);
        if bytes.len() as u64 != ENVELOPE_BYTES {
            return Err(Error::new(ErrorKind::Value, offset));
        }
        if u32_at(bytes, 0).map_err(at)? != ALGORITHM_ED25519 {
            return Err(Error::new(ErrorKind::Value, offset));
        }
        let flags = u32_at(bytes, 4).map_err(at)?;
        if flags & !FLAG_DEVELOPMENT != 0 {
            return Err(Error::new(ErrorKind::Reserved, offset + 4));
        }
        zero(bytes, 104, ENVELOPE_BYTES - 104, ErrorKind::Reserved).map_err(at)?;
        let (mut key, mut signature) = ([0; 32], [0; 64]);
        key.copy_from_slice(part(bytes, 8, 32).map_err(at)?);
        signature.copy_from_slice(part(bytes, 40, 64).map_err(at)?);
        Ok(Self { development: flags & FLAG_DEVELOPMENT != 0, key, signature })
    }

    /// The bytes of an envelope.
    pub fn to_bytes(&self) -> [u8; ENVELOPE_BYTES as usize] {
        let mut bytes = [0; ENVELOPE_BYTES as usize];
        let (head, rest) = bytes.split_at_mut(8);
        let (key, rest) = rest.split_at_mut(32);
        let (signature, _) = rest.split_at_mut(64);
        let (algorithm, flags) = head.split_at_mut(4);
        algorithm.copy_from_slice(&ALGORITHM_ED25519.to_le_bytes());
        flags.copy_from_slice(&u32::from(self.development).to_le_bytes());
        key.copy_from_slice(&self.key);
        signature.copy_from_slice(&self.signature);
        bytes
    }

    /// Checks the signature over a digest in a domain.
    #[inline(never)]
    pub fn check(&self, domain: &[u8], digest: &[u8; 32], offset: u64) -> Result<(), Error> {
        let wrong = Error::new(ErrorKind::Signature, offset);
        let key = VerifyingKey::from_bytes(&self.key).map_err(|_| wrong)?;
        let message = message(domain, self.development, digest);
        key.verify_strict(&message.0, &Signature::from_bytes(&self.signature)).map_err(|_| wrong)
    }
}

/// What is signed: SHA-256 of domain, development flag and digest.
struct Message([u8; 32]);

fn message(domain: &[u8], development: bool, digest: &[u8; 32]) -> Message {
    let mut hasher = crate::digest::Hasher::new();
    hasher.update(domain);
    hasher.update(&[u8::from(development)]);
    hasher.update(digest);
    Message(hasher.finish())
}

/// Signs a digest in a domain.
#[cfg(feature = "write")]
pub fn sign(seed: &[u8; 32], development: bool, domain: &[u8], digest: &[u8; 32]) -> Envelope {
    use ed25519_dalek::Signer;
    let key = ed25519_dalek::SigningKey::from_bytes(seed);
    let signature = key.sign(&message(domain, development, digest).0).to_bytes();
    Envelope { development, key: key.verifying_key().to_bytes(), signature }
}

/// The public key of a secret seed.
#[cfg(feature = "write")]
pub fn public_key(seed: &[u8; 32]) -> PublicKey {
    ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// Checks hashes and signature of an image; gives the envelope, whose key the caller judges.
pub fn check_image(image: &crate::image::Image<'_>) -> Result<Envelope, Error> {
    crate::digest::check_sections(image)?;
    let offset = u64::from(image.header().envelope);
    let envelope = Envelope::read(image.envelope(), offset)?;
    envelope.check(IMAGE_DOMAIN, &crate::digest::image_digest(image), offset)?;
    Ok(envelope)
}
