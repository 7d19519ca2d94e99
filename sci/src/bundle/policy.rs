//! The policy page: whom the machine's booter trusts. It is made where the machine is booted and signed by nobody.

use super::BUNDLE_VERSION;
use crate::bytes::{part, u32_at, zero};
use crate::error::{Error, ErrorKind};
use crate::layout::PAGE;
use crate::limits;
use crate::sign::{Envelope, PublicKey};

/// First eight bytes of the policy page.
pub const POLICY_MAGIC: [u8; 8] = *b"SPPOLICY";
/// Policy flag: development keys are accepted.
pub const POLICY_DEVELOPMENT: u32 = 1;
/// Bytes of a key entry: key, flags `u32`, reserved `u32`.
pub const POLICY_KEY_BYTES: u64 = 40;
/// Offset of a key entry's flags.
pub const KEY_FLAGS: u64 = 32;
/// Key flag: it is a development key.
pub const KEY_DEVELOPMENT: u32 = 1;

/// `[u8; 8]`: magic.
pub const MAGIC: u64 = 0;
/// `u32`: version.
pub const VERSION: u64 = 8;
/// `u32`: flags.
pub const FLAGS: u64 = 12;
/// `u32`: trusted keys.
pub const KEY_COUNT: u64 = 16;
/// Key entries.
pub const KEYS: u64 = 64;

/// A policy page whose form is right.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    page: &'a [u8],
    /// Whether development keys are accepted.
    pub development: bool,
    key_count: u32,
}

impl<'a> Policy<'a> {
    /// Reads the policy page at the beginning of a boot module.
    pub fn read(module: &'a [u8]) -> Result<Self, Error> {
        let page = part(module, 0, PAGE)?;
        if page.get(..8) != Some(&POLICY_MAGIC) {
            return Err(Error::new(ErrorKind::Magic, MAGIC));
        }
        if u32_at(page, VERSION)? != BUNDLE_VERSION {
            return Err(Error::new(ErrorKind::Version, VERSION));
        }
        let flags = u32_at(page, FLAGS)?;
        if flags & !POLICY_DEVELOPMENT != 0 {
            return Err(Error::new(ErrorKind::Reserved, FLAGS));
        }
        let key_count = u32_at(page, KEY_COUNT)?;
        if key_count > limits::POLICY_KEYS_MAX {
            return Err(Error::new(ErrorKind::Limit, KEY_COUNT));
        }
        zero(page, KEY_COUNT + 4, KEYS - KEY_COUNT - 4, ErrorKind::Reserved)?;
        let end = KEYS + u64::from(key_count) * POLICY_KEY_BYTES;
        zero(page, end, PAGE - end, ErrorKind::Padding)?;
        let policy = Self { page, development: flags & POLICY_DEVELOPMENT != 0, key_count };
        policy.check_keys()?;
        Ok(policy)
    }

    /// Each key stands once, so that none is both a release and a development key.
    fn check_keys(&self) -> Result<(), Error> {
        for index in 0..self.key_count {
            let at = KEYS + u64::from(index) * POLICY_KEY_BYTES;
            if u32_at(self.page, at + KEY_FLAGS)? & !KEY_DEVELOPMENT != 0 {
                return Err(Error::new(ErrorKind::Reserved, at + KEY_FLAGS));
            }
            zero(self.page, at + KEY_FLAGS + 4, POLICY_KEY_BYTES - KEY_FLAGS - 4, ErrorKind::Reserved)?;
            let key = part(self.page, at, KEY_FLAGS)?;
            if self.keys().take(index as usize).any(|(earlier, _)| earlier == key) {
                return Err(Error::new(ErrorKind::Value, at));
            }
        }
        Ok(())
    }

    /// Trusted keys, and whether each is a development key.
    pub fn keys(&self) -> impl Iterator<Item = (PublicKey, bool)> + use<'a> {
        let (page, count) = (self.page, self.key_count);
        (0..count).filter_map(move |index| {
            let at = KEYS + u64::from(index) * POLICY_KEY_BYTES;
            let mut key = [0; 32];
            key.copy_from_slice(part(page, at, KEY_FLAGS).ok()?);
            Some((key, u32_at(page, at + KEY_FLAGS).ok()? & KEY_DEVELOPMENT != 0))
        })
    }

    /// Whether an envelope's key is trusted under this policy.
    pub fn trusts(&self, envelope: &Envelope, offset: u64) -> Result<(), Error> {
        let Some((_, development)) = self.keys().find(|(key, _)| *key == envelope.key) else {
            return Err(Error::new(ErrorKind::Untrusted, offset));
        };
        if (development || envelope.development) && !self.development {
            return Err(Error::new(ErrorKind::DevelopmentKey, offset));
        }
        Ok(())
    }
}
