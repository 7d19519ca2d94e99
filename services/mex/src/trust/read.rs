//! A policy's text, read.

use super::{Allowed, Policy, Profile, Publisher, Rotation, Term};
use crate::encoding::{base64, from_base64};
use crate::rule::{Findings, Refusal, Rule, of_yaml};
use crate::signature::{PublicKey, sound_key};
use crate::time::Moment;
use crate::tree::{moment, name, version};
use sci::guest::GuestCapability;
use semver::Version;
use services_topology::read::API_VERSION;
use services_yaml::{BYTES_MAX, Fields, Node, Place, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What a policy's file is called, in refusals.
const FILE: &str = "trust.yaml";

impl Policy {
    /// Reads a policy; refuses it by every rule that it breaks.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<Refusal>> {
        let root = services_yaml::parse(bytes, BYTES_MAX).map_err(|error| vec![of_yaml(FILE, &error)])?;
        let mut findings = Findings::new(FILE);
        let policy = Reader { findings: &mut findings }.policy(&root);
        findings.finish(policy)
    }
}

struct Reader<'f> {
    findings: &'f mut Findings,
}

impl Reader<'_> {
    fn policy(&mut self, root: &Node) -> Option<Policy> {
        let mut fields = root.fields(&mut self.findings.shape)?;
        let profiles = [("release", Profile::Release), ("development", Profile::Development)];
        let api = self.required(&mut fields, "apiVersion");
        let api = api.and_then(|node| node.word(&[(API_VERSION, ())], &mut self.findings.shape));
        let kind = self.required(&mut fields, "kind");
        let kind = kind.and_then(|node| node.word(&[("TrustPolicy", ())], &mut self.findings.shape));
        let profile = self.required(&mut fields, "profile");
        let profile = profile.and_then(|node| node.word(&profiles, &mut self.findings.shape));
        let mut policy = Policy {
            profile: profile.unwrap_or(Profile::Release),
            publishers: BTreeMap::new(),
            keys: BTreeMap::new(),
            revoked: BTreeMap::new(),
            seen: BTreeMap::new(),
        };
        for item in self.items(fields.optional("publishers")) {
            self.publisher(item, &mut policy);
        }
        for item in self.items(fields.optional("rotations")) {
            self.rotation(item, &mut policy);
        }
        for item in self.items(fields.optional("revoked")) {
            self.revoked(item, &mut policy);
        }
        for item in self.items(fields.optional("seen")) {
            self.seen(item, &mut policy);
        }
        fields.finish(&mut self.findings.shape);
        let ((), ()) = (api?, kind?);
        Some(policy)
    }

    fn required<'n>(&mut self, fields: &mut Fields<'n>, key: &'static str) -> Option<&'n Node> {
        fields.required(key, &mut self.findings.shape)
    }

    fn items<'n>(&mut self, list: Option<&'n Node>) -> &'n [Node] {
        list.and_then(|list| list.list(&mut self.findings.shape)).unwrap_or_default()
    }

    fn refuse(&mut self, rule: Rule, place: Place, detail: String) {
        self.findings.refuse(rule, place, detail);
    }

    fn publisher(&mut self, node: &Node, policy: &mut Policy) -> Option<()> {
        let mut fields = node.fields(&mut self.findings.shape)?;
        let own = self.required(&mut fields, "name").and_then(|node| name(node, self.findings));
        let keys = self.required(&mut fields, "keys");
        let packages = self.required(&mut fields, "packages");
        let capabilities = self.required(&mut fields, "capabilities");
        let minimums = fields.optional("minimumVersions");
        fields.finish(&mut self.findings.shape);
        let own = own?;
        for item in self.items(keys) {
            self.key_of(item, &own, policy);
        }
        let packages = self.all_or(packages?, name);
        let capabilities = self.all_or(capabilities?, capability);
        let mut lowest = BTreeMap::new();
        for item in self.items(minimums) {
            let Some((package, version, place)) = self.package_version(item, None) else { continue };
            if lowest.insert(package.clone(), version).is_some() {
                self.refuse(Rule::PolicyVersionTwice, place, format!("`{package}` has one before"));
            }
        }
        let publisher = Publisher { packages: packages?, capabilities: capabilities?, minimums: lowest };
        if policy.publishers.insert(own.clone(), publisher).is_some() {
            self.refuse(Rule::PolicyPublisherTwice, node.place, format!("`{own}` is listed before"));
        }
        Some(())
    }

    /// The word `all`, or a list.
    fn all_or<T>(
        &mut self,
        node: &Node,
        read: impl Fn(&Node, &mut Findings) -> Option<T>,
    ) -> Option<Allowed<T>> {
        if matches!(node.value, Value::Scalar(_)) {
            return node.word(&[("all", ())], &mut self.findings.shape).map(|()| Allowed::All);
        }
        let mut list = Vec::new();
        for item in self.items(Some(node)) {
            list.extend(read(item, self.findings));
        }
        Some(Allowed::Only(list))
    }

    fn key_of(&mut self, node: &Node, publisher: &str, policy: &mut Policy) -> Option<()> {
        let mut fields = node.fields(&mut self.findings.shape)?;
        let key = self.key(&mut fields, "key");
        let (not_before, not_after) = self.window(&mut fields, node.place);
        fields.finish(&mut self.findings.shape);
        let publisher = publisher.to_owned();
        let term =
            Term { publisher, not_before: not_before?, not_after: not_after?, replaced: None, from: None };
        self.add_key(key?, term, node.place, policy);
        Some(())
    }

    fn add_key(&mut self, key: PublicKey, term: Term, place: Place, policy: &mut Policy) {
        match policy.keys.entry(key) {
            Entry::Vacant(free) => {
                free.insert(term);
            }
            Entry::Occupied(first) => {
                let detail = format!("{} is a key of `{}` already", base64(&key), first.get().publisher);
                self.refuse(Rule::PolicyKeyTwice, place, detail);
            }
        }
    }

    fn key(&mut self, fields: &mut Fields<'_>, field: &'static str) -> Option<PublicKey> {
        let node = self.required(fields, field)?;
        let key = self.base64(node)?;
        if sound_key(&key).is_none() {
            self.refuse(Rule::PolicyKey, node.place, format!("{} is no key", base64(&key)));
            return None;
        }
        Some(key)
    }

    fn base64<const N: usize>(&mut self, node: &Node) -> Option<[u8; N]> {
        let text = node.string(&mut self.findings.shape)?;
        let bytes = from_base64(text);
        if bytes.is_none() {
            self.refuse(Rule::PolicyBase64, node.place, format!("`{text}` is not, of {N} bytes"));
        }
        bytes
    }

    fn window(&mut self, fields: &mut Fields<'_>, place: Place) -> (Option<Moment>, Option<Moment>) {
        let not_before = self.required(fields, "notBefore").and_then(|node| moment(node, self.findings));
        let not_after = self.required(fields, "notAfter").and_then(|node| moment(node, self.findings));
        if let (Some(from), Some(to)) = (not_before, not_after)
            && from >= to
        {
            self.refuse(Rule::PolicyWindow, place, format!("it begins at {from} and ends at {to}"));
        }
        (not_before, not_after)
    }

    fn rotation(&mut self, node: &Node, policy: &mut Policy) -> Option<()> {
        let mut fields = node.fields(&mut self.findings.shape)?;
        let publisher = self.required(&mut fields, "publisher").and_then(|node| name(node, self.findings));
        let (from, to) = (self.key(&mut fields, "from"), self.key(&mut fields, "to"));
        let (not_before, not_after) = self.window(&mut fields, node.place);
        let signature = self.required(&mut fields, "signature").and_then(|node| self.base64(node));
        fields.finish(&mut self.findings.shape);
        let rotation = Rotation {
            publisher: publisher?,
            from: from?,
            to: to?,
            not_before: not_before?,
            not_after: not_after?,
        };
        if !rotation.is_signed_by(&signature?) {
            let detail = format!("the old key is {}", base64(&rotation.from));
            self.refuse(Rule::PolicyRotationSignature, node.place, detail);
            return None;
        }
        let Rotation { publisher, from, to, not_before, not_after } = rotation;
        let is_good = |term: &&mut Term| {
            term.publisher == publisher && (term.not_before..=term.not_after).contains(&not_before)
        };
        let Some(old) = policy.keys.get_mut(&from).filter(is_good) else {
            let detail = format!("`{publisher}` has no key {} at {not_before}", base64(&from));
            self.refuse(Rule::PolicyRotationOrigin, node.place, detail);
            return None;
        };
        if old.replaced.is_some() {
            self.refuse(
                Rule::PolicyRotationTwice,
                node.place,
                format!("{} is rotated before", base64(&from)),
            );
            return None;
        }
        old.replaced = Some(not_before);
        let term = Term { publisher, not_before, not_after, replaced: None, from: Some(from) };
        self.add_key(to, term, node.place, policy);
        Some(())
    }

    fn revoked(&mut self, node: &Node, policy: &mut Policy) -> Option<()> {
        let mut fields = node.fields(&mut self.findings.shape)?;
        let key = self.required(&mut fields, "key").and_then(|node| self.base64(node));
        let expires = self.required(&mut fields, "expires").and_then(|node| moment(node, self.findings));
        fields.finish(&mut self.findings.shape);
        let (key, expires): (PublicKey, Moment) = (key?, expires?);
        // After its end a revocation may be dropped; a key that is still good then would come back to life.
        let blocked = policy.keys.iter().filter(|(other, _)| policy.line_of(other).any(|one| *one == key));
        if let Some(last) = blocked.map(|(_, term)| term.not_after).max().filter(|last| *last >= expires) {
            let detail =
                format!("it ends at {expires}, the key or one that it put in place is good until {last}");
            self.refuse(Rule::PolicyRevocation, node.place, detail);
        }
        let longest = policy.revoked.entry(key).or_insert(expires);
        *longest = expires.max(*longest);
        Some(())
    }

    fn seen(&mut self, node: &Node, policy: &mut Policy) -> Option<()> {
        let mut publisher = None;
        let (package, version, place) = self.package_version(node, Some(&mut publisher))?;
        let key = (publisher?, package);
        if policy.seen.contains_key(&key) {
            self.refuse(Rule::PolicyVersionTwice, place, format!("`{}` has one before", key.1));
        }
        policy.seen.insert(key, version);
        Some(())
    }

    /// A package and a version, and the publisher where it is stated.
    fn package_version(
        &mut self,
        node: &Node,
        publisher: Option<&mut Option<String>>,
    ) -> Option<(String, Version, Place)> {
        let mut fields = node.fields(&mut self.findings.shape)?;
        if let Some(publisher) = publisher {
            *publisher = self.required(&mut fields, "publisher").and_then(|node| name(node, self.findings));
        }
        let package = self.required(&mut fields, "package").and_then(|node| name(node, self.findings));
        let version = self.required(&mut fields, "version").and_then(|node| version(node, self.findings));
        fields.finish(&mut self.findings.shape);
        Some((package?, version?, node.place))
    }
}

fn capability(node: &Node, findings: &mut Findings) -> Option<GuestCapability> {
    let text = node.string(&mut findings.shape)?;
    let capability = GuestCapability::by_name(text);
    if capability.is_none() {
        findings.refuse(Rule::PolicyCapability, node.place, format!("`{text}` is no capability"));
    }
    capability
}
