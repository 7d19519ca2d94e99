//! Verdicts: what was found of a package, signed by whoever looked.
//!
//! A space is started with the verdict of its package, and a host refuses a start whose verdict does not hold.

use alloc::string::String;
use alloc::vec::Vec;
use sci::digest::sha256;
use sci::sign::{ENVELOPE_BYTES, Envelope, PublicKey};

/// Domain of a verdict's signature.
pub const DOMAIN: &[u8] = b"space-verdict-v1\0";
/// Bytes of a verifier's version.
pub const VERIFIER_BYTES_MAX: usize = sci::limits::NAME_BYTES_MAX as usize;
/// Bytes before the verifier's version: level, time, package, policy, length.
const HEAD_BYTES: usize = 1 + 8 + 32 + 32 + 1;

/// How far a package was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Archive, integrity, signature, well-formed modules.
    Structural,
    /// Imports, capabilities, references too.
    Semantic,
    /// It also ran without a violation.
    Runtime,
}

impl Level {
    const ALL: [Self; 3] = [Self::Structural, Self::Semantic, Self::Runtime];
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// SHA-256 of the package.
    pub package: [u8; 32],
    /// The level reached.
    pub level: Level,
    /// SHA-256 of the policy that it was judged by.
    pub policy: [u8; 32],
    /// Version of the verifier.
    pub verifier: String,
    /// When, in milliseconds since 1970.
    pub time: u64,
}

/// Why a verdict does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerdictError {
    /// The bytes are none.
    #[error("these bytes are no verdict")]
    Form,
    /// The verifier's version is too long.
    #[error("the verifier's version is longer than {VERIFIER_BYTES_MAX} bytes")]
    Verifier,
    /// The signature is wrong.
    #[error("the verdict's signature is wrong: verify the package again")]
    Signature,
    /// Nobody trusts the key.
    #[error(
        "the verdict was signed with a key that is not trusted here: verify the package again, or trust the key"
    )]
    Untrusted,
    /// It is about another package.
    #[error("the verdict is about another package: verify this one")]
    Package,
    /// Not enough was verified.
    #[error("the package was not verified far enough: verify its meaning, too")]
    Level,
}

impl Verdict {
    /// Its canonical bytes: what is signed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, VerdictError> {
        let length = u8::try_from(self.verifier.len()).map_err(|_| VerdictError::Verifier)?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.verifier.len());
        bytes.push(self.level as u8);
        bytes.extend_from_slice(&self.time.to_le_bytes());
        bytes.extend_from_slice(&self.package);
        bytes.extend_from_slice(&self.policy);
        bytes.push(length);
        bytes.extend_from_slice(self.verifier.as_bytes());
        Ok(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[level], rest) = bytes.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (&package, rest) = rest.split_first_chunk()?;
        let (&policy, rest) = rest.split_first_chunk()?;
        let (&[length], verifier) = rest.split_first_chunk()?;
        let verifier = core::str::from_utf8(verifier).ok()?;
        let level = *Level::ALL.get(usize::from(level))?;
        let time = u64::from_le_bytes(*time);
        (verifier.len() == usize::from(length)).then(|| Self {
            package,
            level,
            policy,
            verifier: verifier.into(),
            time,
        })
    }

    /// Signs it.
    pub fn sign(self, seed: &[u8; 32], development: bool) -> Result<SignedVerdict, VerdictError> {
        let envelope = sci::sign::sign(seed, development, DOMAIN, &sha256(&self.to_bytes()?));
        Ok(SignedVerdict { verdict: self, envelope: envelope.to_bytes() })
    }
}

/// A verdict and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVerdict {
    verdict: Verdict,
    envelope: [u8; ENVELOPE_BYTES as usize],
}

impl SignedVerdict {
    /// What it says, whoever said it.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Checks that a trusted key signed this about a package that was verified in meaning. A development key is
    /// trusted if it is among the keys: whoever demands a release lists none.
    pub fn check(&self, trusted: &[PublicKey], package: &[u8; 32]) -> Result<(), VerdictError> {
        let envelope = Envelope::read(&self.envelope, 0).map_err(|_| VerdictError::Form)?;
        if !trusted.contains(&envelope.key) {
            return Err(VerdictError::Untrusted);
        }
        let digest = sha256(&self.verdict.to_bytes()?);
        envelope.check(DOMAIN, &digest, 0).map_err(|_| VerdictError::Signature)?;
        if self.verdict.package != *package {
            return Err(VerdictError::Package);
        }
        if self.verdict.level < Level::Semantic { Err(VerdictError::Level) } else { Ok(()) }
    }

    /// The verdict's canonical bytes, then the signature's envelope.
    pub fn to_bytes(&self) -> Result<Vec<u8>, VerdictError> {
        let mut bytes = self.verdict.to_bytes()?;
        bytes.extend_from_slice(&self.envelope);
        Ok(bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote, and nothing else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VerdictError> {
        let (verdict, envelope) = bytes.split_last_chunk().ok_or(VerdictError::Form)?;
        Envelope::read(envelope, 0).map_err(|_| VerdictError::Form)?;
        let verdict = Verdict::from_bytes(verdict).ok_or(VerdictError::Form)?;
        Ok(Self { verdict, envelope: *envelope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    fn verdict(level: Level) -> Verdict {
        Verdict { package: [1; 32], level, policy: [2; 32], verifier: "0.1.0".into(), time: 42 }
    }

    #[test]
    fn it_holds_for_its_package_and_a_trusted_key_only() {
        let trusted = [sci::sign::public_key(&SEED)];
        let signed = verdict(Level::Semantic).sign(&SEED, true).unwrap();
        assert_eq!(signed.check(&trusted, &[1; 32]), Ok(()));
        assert_eq!(signed.check(&trusted, &[3; 32]), Err(VerdictError::Package));
        assert_eq!(signed.check(&[[0; 32]], &[1; 32]), Err(VerdictError::Untrusted));
        assert_eq!(signed.check(&[], &[1; 32]), Err(VerdictError::Untrusted));
        let low = verdict(Level::Structural).sign(&SEED, true).unwrap();
        assert_eq!(low.check(&trusted, &[1; 32]), Err(VerdictError::Level));
        let long = Verdict { verifier: "x".repeat(256), ..verdict(Level::Runtime) };
        assert_eq!(long.sign(&SEED, true), Err(VerdictError::Verifier));
    }

    #[test]
    fn any_changed_byte_is_refused() {
        let trusted = [sci::sign::public_key(&SEED)];
        let bytes = verdict(Level::Runtime).sign(&SEED, false).unwrap().to_bytes().unwrap();
        assert!(SignedVerdict::from_bytes(&bytes).unwrap().check(&trusted, &[1; 32]).is_ok());
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                let read = SignedVerdict::from_bytes(&bytes);
                assert!(
                    read.and_then(|read| read.check(&trusted, &[1; 32])).is_err(),
                    "byte {at}, bit {bit}"
                );
            }
            assert!(SignedVerdict::from_bytes(&bytes[..at]).is_err());
        }
        let image = sci::sign::sign(
            &SEED,
            false,
            sci::sign::IMAGE_DOMAIN,
            &sha256(&verdict(Level::Runtime).to_bytes().unwrap()),
        );
        let moved = SignedVerdict { verdict: verdict(Level::Runtime), envelope: image.to_bytes() };
        assert_eq!(moved.check(&trusted, &[1; 32]), Err(VerdictError::Signature));
    }
}
