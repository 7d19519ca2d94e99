//! Single values: names, texts, references, capabilities.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use sci::guest::GuestCapability;
use services_yaml::{Node, shown};

use crate::name::{Kind, LocationId, Name, Secret, Url};
use crate::place::Located;
use crate::read::Reader;
use crate::rules::{self, Rule};
use crate::violation::Violation;

/// Bytes of a text for people or models.
const TEXT_BYTES_MAX: usize = 4096;
/// What a reference to a secret begins with.
const SECRET: &str = "secret:";

impl Reader {
    /// A text with a grammar.
    fn text_of<T>(
        &mut self,
        node: &Node,
        make: impl FnOnce(&str) -> Option<T>,
        rule: Rule,
        what: &str,
    ) -> Option<Located<T>> {
        let text = node.string(&mut self.errors)?;
        let made = make(text);
        if made.is_none() {
            self.wrong(rule, node, format!("`{}` is not {what}", shown(text)));
        }
        made.map(|value| self.at(node, value))
    }

    pub(super) fn name(&mut self, node: &Node) -> Option<Located<Name>> {
        self.text_of(node, Name::new, rules::MALFORMED_NAME, "a name")
    }

    pub(super) fn location(&mut self, node: &Node) -> Option<Located<LocationId>> {
        self.text_of(node, LocationId::new, rules::MALFORMED_LOCATION, "the id of a location")
    }

    pub(super) fn kind(&mut self, node: &Node) -> Option<Located<Kind>> {
        self.text_of(node, Kind::new, rules::MALFORMED_KIND, "the type of a device")
    }

    pub(super) fn namespace(&mut self, node: &Node) -> Option<Located<crate::name::Namespace>> {
        self.text_of(node, crate::name::Namespace::new, rules::MALFORMED_NAMESPACE, "the root of a namespace")
    }

    /// Where requests go. What is there may hold a password: no report repeats it.
    pub(super) fn url(&mut self, node: &Node) -> Option<Url> {
        let url = Url::new(node.string(&mut self.errors)?);
        if url.is_none() {
            self.wrong(rules::MALFORMED_URL, node, "what is written here is no URL for requests");
        }
        url
    }

    /// A reference to a secret. What is there may be the secret itself: no report repeats it.
    pub(super) fn secret(&mut self, node: &Node) -> Option<Secret> {
        let text = node.string(&mut self.errors)?;
        let secret = text.strip_prefix(SECRET).and_then(Secret::new);
        if secret.is_none() {
            self.wrong(rules::KEY_NOT_REFERENCE, node, "what is written here is no reference to a secret");
        }
        secret
    }

    /// A text for people or models.
    pub(super) fn prose(&mut self, node: &Node) -> Option<String> {
        let good = |text: &str| {
            let plain = |letter: char| !letter.is_control() || letter == '\n' || letter == '\t';
            ((1..=TEXT_BYTES_MAX).contains(&text.len()) && text.chars().all(plain)).then(|| text.to_owned())
        };
        let text = node.string(&mut self.errors)?;
        let made = good(text);
        if made.is_none() {
            let message =
                format!("a text of {} bytes that is too long, empty, or has control characters", text.len());
            self.wrong(rules::MALFORMED_TEXT, node, message);
        }
        made
    }

    /// A file or folder beside the topology or below it.
    pub(super) fn relative(&mut self, node: &Node) -> Option<String> {
        let below = |text: &str| {
            let segment = |segment: &str| !segment.is_empty() && segment != "..";
            let plain = |letter: char| !letter.is_control() && letter != '\\' && letter != ':';
            let path = text.strip_suffix('/').unwrap_or(text);
            (path.split('/').all(segment) && text.chars().all(plain)).then(|| text.to_owned())
        };
        self.text_of(node, below, rules::MALFORMED_SOURCE, "a place beside the topology")
            .map(|text| text.value)
    }

    /// Each item of a list, as far as it can be read.
    pub(super) fn each<T>(
        &mut self,
        node: Option<&Node>,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Vec<T> {
        let items = node.and_then(|node| node.list(&mut self.errors)).unwrap_or_default();
        items.iter().filter_map(|item| read(self, item)).collect()
    }

    pub(super) fn capabilities(&mut self, node: &Node) -> Option<Vec<Located<GuestCapability>>> {
        node.list(&mut self.errors)?;
        let list = self.each(Some(node), Self::capability);
        let mut seen = BTreeSet::new();
        for capability in &list {
            if !seen.insert(capability.value) {
                let message = format!("`{}` is there twice", capability.value.name());
                self.list.push(Violation::new(rules::DUPLICATE_CAPABILITY, &capability.place, message));
            }
        }
        Some(list)
    }

    fn capability(&mut self, node: &Node) -> Option<Located<GuestCapability>> {
        let text = node.string(&mut self.errors)?;
        let found = GuestCapability::by_name(text);
        if found.is_none() {
            let message = format!("`{}` is no capability", shown(text));
            let violation = Violation::new(rules::UNKNOWN_CAPABILITY, &self.place(node.place), message);
            let names = GuestCapability::ALL.iter().map(|capability| capability.name());
            let near = services_yaml::nearest(text, names).map(|near| format!("did you mean `{near}`?"));
            let module = text.split('.').next().unwrap_or_default();
            let same: Vec<String> = GuestCapability::ALL
                .iter()
                .filter(|capability| capability.name().split('.').next() == Some(module))
                .map(|capability| format!("`{}`", capability.name()))
                .collect();
            let same = (!same.is_empty()).then(|| format!("of `{module}` there are {}", same.join(", ")));
            self.list.push(near.or(same).into_iter().fold(violation, Violation::remedy));
        }
        found.map(|capability| self.at(node, capability))
    }
}
