//! Values that manifest and policy share, read from a tree.

use crate::rule::{Findings, Rule};
use crate::time::Moment;
use semver::Version;
use services_topology::name::Name;
use services_yaml::{Node, Value};

/// Refuses values over several lines.
pub fn one_line(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Scalar(scalar) if scalar.multi_line => {
            findings.refuse(Rule::ManifestMultiLine, node.place, "the value goes on in the next line");
        }
        Value::Scalar(_) => {}
        Value::Sequence(items) => items.iter().for_each(|item| one_line(item, findings)),
        Value::Mapping(mapping) => mapping.entries.iter().for_each(|entry| one_line(&entry.value, findings)),
    }
}

/// Reads a value of a form of its own.
fn formed<T>(
    node: &Node,
    findings: &mut Findings,
    rule: Rule,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = node.string(&mut findings.shape)?;
    let value = read(text);
    if value.is_none() {
        findings.refuse(rule, node.place, format!("`{text}` is not of the form that is wanted"));
    }
    value
}

/// A name of a package, a publisher or a space.
pub fn name(node: &Node, findings: &mut Findings) -> Option<String> {
    formed(node, findings, Rule::ManifestName, |text| Name::new(text).map(|_| text.to_owned()))
}

/// A semantic version.
pub fn version(node: &Node, findings: &mut Findings) -> Option<Version> {
    formed(node, findings, Rule::ManifestVersion, |text| Version::parse(text).ok())
}

/// A moment of UTC.
pub fn moment(node: &Node, findings: &mut Findings) -> Option<Moment> {
    formed(node, findings, Rule::ManifestTime, Moment::parse)
}
