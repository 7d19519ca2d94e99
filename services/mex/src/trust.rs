//! The trust policy: whose packages a machine runs. It is its owner's file; nothing in a package changes it.
//!
//! A signature says which key made it. Which keys are whose, since when and until when, and what their packages may
//! be, is for the policy to say. What it speaks against is refused under every profile: a revoked key, a key out of
//! its time, an older version. What it says nothing of is refused under a release policy, and runs under a
//! development policy, which tells what is missing.

mod read;
mod rotation;

use crate::MANIFEST;
use crate::encoding::base64;
use crate::manifest::Manifest;
use crate::rule::{Refusal, Rule};
use crate::signature::PublicKey;
use crate::time::Moment;
pub use rotation::{DOMAIN as ROTATION_DOMAIN, Rotation};
use sci::guest::GuestCapability;
use semver::Version;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What is done about packages that nobody vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// They are refused.
    Release,
    /// They run, and their standing says what is missing.
    Development,
}

/// A trust policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    profile: Profile,
    publishers: BTreeMap<String, Publisher>,
    keys: BTreeMap<PublicKey, Term>,
    /// When each revocation ends; no key is in use then.
    revoked: BTreeMap<PublicKey, Moment>,
    /// The highest version of each publisher's packages.
    seen: BTreeMap<(String, String), Version>,
}

/// What a publisher's packages may be.
#[derive(Clone, Debug, PartialEq)]
struct Publisher {
    packages: Allowed<String>,
    capabilities: Allowed<GuestCapability>,
    minimums: BTreeMap<String, Version>,
}

/// What of a kind is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed<T> {
    All,
    Only(Vec<T>),
}

impl<T: PartialEq> Allowed<T> {
    fn has(&self, one: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(one),
        }
    }
}

/// A key and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    publisher: String,
    not_before: Moment,
    not_after: Moment,
    /// When a rotation puts another key in its place.
    replaced: Option<Moment>,
    /// The key whose rotation put this one in its place.
    from: Option<PublicKey>,
}

/// How a package stands that may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A key of its publisher vouches for it.
    Trusted {
        /// The key.
        key: PublicKey,
        /// Whether its version is higher than any seen before: once it runs, [`Policy::see`] it.
        is_newest: bool,
    },
    /// It runs because the profile is development. Says why a release policy would refuse it.
    Development(Vec<Refusal>),
}

impl Policy {
    /// What is done about packages that nobody vouches for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The highest version of a package that was seen.
    pub fn seen(&self, publisher: &str, package: &str) -> Option<&Version> {
        self.seen.get(&(publisher.to_owned(), package.to_owned()))
    }

    /// Remembers a version of a package that is trusted and runs; a lower one than before changes nothing.
    pub fn see(&mut self, publisher: &str, package: &str, version: &Version) {
        let highest =
            self.seen.entry((publisher.to_owned(), package.to_owned())).or_insert_with(|| version.clone());
        if version.cmp_precedence(highest) == Ordering::Greater {
            highest.clone_from(version);
        }
    }

    /// Judges a package by its manifest, the capabilities that its topology grants, and the time.
    pub fn judge(
        &self,
        manifest: &Manifest,
        capabilities: &[GuestCapability],
        now: Moment,
    ) -> Result<Standing, Vec<Refusal>> {
        let mut missing = Vec::new();
        if manifest.integrity.is_none() {
            missing.push(refuse(Rule::TrustUnsealed, "`integrity` is missing"));
        }
        let key = manifest.signature.map(|trailer| trailer.key);
        let known = match key {
            None => {
                missing.push(refuse(Rule::TrustUnsigned, "`signature` is missing"));
                None
            }
            Some(key) => self.known(&key, &manifest.publisher, now, &mut missing).map_err(|no| vec![no])?,
        };
        if let (Some(key), Some(publisher)) = (key, known) {
            let refusals = self.exceeded(publisher, manifest, capabilities);
            if !refusals.is_empty() {
                return Err(refusals);
            }
            let seen = self.seen(&manifest.publisher, &manifest.name);
            let is_newest =
                seen.is_none_or(|seen| manifest.version.cmp_precedence(seen) == Ordering::Greater);
            return Ok(Standing::Trusted { key, is_newest });
        }
        match self.profile {
            Profile::Release => Err(missing),
            Profile::Development => Ok(Standing::Development(missing)),
        }
    }

    /// The publisher, if the key is one of its and may be used now; what is missing, if nobody knows the key.
    fn known(
        &self,
        key: &PublicKey,
        publisher: &str,
        now: Moment,
        missing: &mut Vec<Refusal>,
    ) -> Result<Option<&Publisher>, Refusal> {
        if let Some(revoked) = self.revoked_origin(key, now) {
            let detail = if revoked == key {
                format!("{} is", base64(key))
            } else {
                format!("{} was put in place by {}, which is", base64(key), base64(revoked))
            };
            return Err(refuse(Rule::TrustRevoked, detail));
        }
        let Some(term) = self.keys.get(key) else {
            let rule =
                if self.publishers.contains_key(publisher) { Rule::TrustKey } else { Rule::TrustPublisher };
            missing.push(refuse(rule, format!("`{publisher}` is not known to have {}", base64(key))));
            return Ok(None);
        };
        if term.publisher != publisher {
            let detail = format!("{} is a key of `{}`, not of `{publisher}`", base64(key), term.publisher);
            return Err(refuse(Rule::TrustKey, detail));
        }
        let out_of_time = |rule: Rule, word: &str, moment: Moment| {
            Err(refuse(rule, format!("it is {now}, and {} is good {word} {moment}", base64(key))))
        };
        if now < term.not_before {
            return out_of_time(Rule::TrustEarly, "from", term.not_before);
        }
        if let Some(replaced) = term.replaced.filter(|replaced| *replaced <= now) {
            return out_of_time(Rule::TrustRotated, "until it was rotated at", replaced);
        }
        if now > term.not_after {
            return out_of_time(Rule::TrustLate, "until", term.not_after);
        }
        Ok(self.publishers.get(publisher))
    }

    /// A key, and those before it whose rotations put it in place.
    fn line_of<'a>(&'a self, key: &'a PublicKey) -> impl Iterator<Item = &'a PublicKey> {
        std::iter::successors(Some(key), |key| self.keys.get(*key).and_then(|term| term.from.as_ref()))
    }

    /// The key itself or one before it that is revoked.
    fn revoked_origin<'a>(&'a self, key: &'a PublicKey, now: Moment) -> Option<&'a PublicKey> {
        self.line_of(key).find(|key| self.revoked.get(*key).is_some_and(|ends| now < *ends))
    }

    /// In what a package goes beyond what its publisher may.
    fn exceeded(
        &self,
        publisher: &Publisher,
        manifest: &Manifest,
        capabilities: &[GuestCapability],
    ) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let (name, version) = (&manifest.name, &manifest.version);
        if !publisher.packages.has(name) {
            refusals
                .push(refuse(Rule::TrustPackage, format!("`{name}` is none of `{}`", manifest.publisher)));
        }
        for capability in capabilities {
            if !publisher.capabilities.has(capability) {
                let detail = format!("`{}` is granted to a space", capability.name());
                refusals.push(refuse(Rule::TrustCapability, detail));
            }
        }
        let floors = [
            (Rule::TrustMinimum, publisher.minimums.get(name), "the lowest that is allowed"),
            (Rule::TrustRollback, self.seen(&manifest.publisher, name), "the highest that was seen"),
        ];
        for (rule, floor, what) in floors {
            if let Some(floor) = floor.filter(|floor| version.cmp_precedence(floor) == Ordering::Less) {
                refusals.push(refuse(rule, format!("it is version {version}, {what} is {floor}")));
            }
        }
        refusals
    }
}

fn refuse(rule: Rule, detail: impl Into<String>) -> Refusal {
    rule.in_file(MANIFEST, None, detail)
}
