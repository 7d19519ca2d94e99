//! The manifest: what a package is, which spaces it has, and the hashes of its files.

use crate::MANIFEST;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::rule::{Findings, Refusal, Rule, of_yaml};
use crate::signature::{self, Trailer};
use crate::time::Moment;
use crate::tree::{moment, name, one_line, version};
use semver::Version;
use services_topology::name::Name;
use services_topology::read::API_VERSION;
use services_yaml::{Node, Place};
use std::collections::BTreeSet;

/// The file that describes the spaces and their paths.
pub const TOPOLOGY: &str = "topology.yaml";

/// A manifest whose text is right, and whose signature is, if it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Who says to have made it.
    pub publisher: String,
    /// When it was made, as it says.
    pub created: Moment,
    /// Its spaces, in the order of the text.
    pub spaces: Vec<String>,
    /// The hashes of its files; nothing if the package is unsealed.
    pub integrity: Option<Vec<FileHash>>,
    /// Its signature, which was verified with the key that it names.
    pub signature: Option<Trailer>,
}

/// A file that the manifest lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHash {
    /// The file's name.
    pub path: String,
    /// SHA-256 of its content, in hexadecimal.
    pub hash: String,
    /// Where it is listed.
    pub place: Place,
}

impl Manifest {
    /// Reads a manifest and verifies its signature.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<Refusal>> {
        let (prefix, trailer) = text_and_trailer(bytes)?;
        if let Some(trailer) = &trailer {
            trailer.verify(prefix).map_err(|refusal| vec![refusal])?;
        }
        let root = services_yaml::parse(prefix.as_bytes(), MANIFEST_BYTES_MAX as usize)
            .map_err(|error| vec![of_yaml(MANIFEST, &error)])?;
        let mut findings = Findings::new(MANIFEST);
        one_line(&root, &mut findings);
        let manifest = read(&root, &mut findings).map(|manifest| Self { signature: trailer, ..manifest });
        if manifest.as_ref().is_some_and(|manifest| trailer.is_some() && manifest.integrity.is_none()) {
            findings.refuse(Rule::SignatureWithoutIntegrity, Place::START, "`integrity` is missing");
        }
        findings.finish(manifest)
    }
}

/// The text that is read as YAML, and the trailer. The first is of a form in which no reader finds a `signature`
/// where another finds none.
pub(crate) fn text_and_trailer(bytes: &[u8]) -> Result<(&str, Option<Trailer>), Vec<Refusal>> {
    let refuse = |rule: Rule, place: Place, detail: String| Err(vec![rule.in_file(MANIFEST, place, detail)]);
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let lines = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            let place = Place { line: lines as u32, column: 1 };
            return refuse(Rule::ManifestCharacters, place, "the line is not UTF-8".to_owned());
        }
    };
    for (line, number) in text.split('\n').zip(1..) {
        if let Some((column, wrong)) =
            line.chars().zip(1..).find_map(|(letter, at)| is_wrong(letter).then_some((at, letter)))
        {
            let place = Place { line: number, column };
            return refuse(Rule::ManifestCharacters, place, format!("U+{:04X} is there", u32::from(wrong)));
        }
    }
    if !text.ends_with('\n') {
        let place = Place { line: text.split('\n').count() as u32, column: 1 };
        return refuse(Rule::ManifestNewline, place, "the last line does not end".to_owned());
    }
    let (prefix, trailer) = signature::split(text).map_err(|refusal| vec![refusal])?;
    for (line, number) in prefix.lines().zip(1..) {
        if !line.is_empty() && !line.starts_with([' ', '#']) && !begins_with_bare_key(line) {
            let place = Place { line: number, column: 1 };
            return refuse(Rule::ManifestColumn, place, "neither a key nor a comment is there".to_owned());
        }
    }
    Ok((prefix, trailer))
}

/// Controls, what YAML 1.1 takes for a line's end, and the byte order mark.
fn is_wrong(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn begins_with_bare_key(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, after)| {
        key.starts_with(|first: char| first.is_ascii_alphabetic())
            && key.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_-".contains(&letter))
            && (after.is_empty() || after.starts_with(' '))
    })
}

fn read(root: &Node, findings: &mut Findings) -> Option<Manifest> {
    let mut fields = root.fields(&mut findings.shape)?;
    let api = fields.required("apiVersion", &mut findings.shape);
    let api = api.and_then(|node| node.word(&[(API_VERSION, ())], &mut findings.shape));
    let kind = fields.required("kind", &mut findings.shape);
    let kind = kind.and_then(|node| node.word(&[("MEX", ())], &mut findings.shape));
    let metadata = fields.required("metadata", &mut findings.shape).and_then(|node| metadata(node, findings));
    let spaces = fields.required("spec", &mut findings.shape).and_then(|node| spec(node, findings));
    let integrity = fields.optional("integrity").map(|node| integrity(node, findings));
    fields.finish(&mut findings.shape);
    let ((), ()) = (api?, kind?);
    let (name, version, publisher, created) = metadata?;
    let integrity = match integrity {
        Some(list) => Some(list?),
        None => None,
    };
    Some(Manifest { name, version, publisher, created, spaces: spaces?, integrity, signature: None })
}

fn metadata(node: &Node, findings: &mut Findings) -> Option<(String, Version, String, Moment)> {
    let mut fields = node.fields(&mut findings.shape)?;
    let own = fields.required("name", &mut findings.shape).and_then(|node| name(node, findings));
    let version = fields.required("version", &mut findings.shape).and_then(|node| version(node, findings));
    let publisher = fields.required("publisher", &mut findings.shape).and_then(|node| name(node, findings));
    let created = fields.required("created", &mut findings.shape).and_then(|node| moment(node, findings));
    fields.finish(&mut findings.shape);
    Some((own?, version?, publisher?, created?))
}

fn spec(node: &Node, findings: &mut Findings) -> Option<Vec<String>> {
    let mut fields = node.fields(&mut findings.shape)?;
    let topology = fields.required("topology", &mut findings.shape);
    let topology = topology.and_then(|node| node.word(&[(TOPOLOGY, ())], &mut findings.shape));
    let list = fields.required("spaces", &mut findings.shape);
    fields.finish(&mut findings.shape);
    let list = list?;
    let items = list.list(&mut findings.shape)?;
    if items.is_empty() {
        findings.refuse(Rule::ManifestNoSpaces, list.place, "the list is empty");
    }
    let (mut spaces, mut known) = (Vec::new(), BTreeSet::new());
    for item in items {
        let Some(text) = item.string(&mut findings.shape) else { continue };
        if Name::new(text).is_none() {
            findings.refuse(Rule::ManifestName, item.place, format!("`{text}` is no name"));
        } else if !known.insert(text) {
            findings.refuse(Rule::ManifestSpaceTwice, item.place, format!("`{text}` is listed before"));
        }
        spaces.push(text.to_owned());
    }
    topology.map(|()| spaces)
}

fn integrity(node: &Node, findings: &mut Findings) -> Option<Vec<FileHash>> {
    let mut fields = node.fields(&mut findings.shape)?;
    let algorithm = fields.required("algorithm", &mut findings.shape);
    let algorithm = algorithm.and_then(|node| node.word(&[("sha256", ())], &mut findings.shape));
    let list = fields.required("files", &mut findings.shape);
    fields.finish(&mut findings.shape);
    let mut files = Vec::new();
    for item in list?.list(&mut findings.shape)? {
        files.extend(file_hash(item, findings));
    }
    algorithm.map(|()| files)
}

fn file_hash(node: &Node, findings: &mut Findings) -> Option<FileHash> {
    let mut fields = node.fields(&mut findings.shape)?;
    let path = fields.required("path", &mut findings.shape);
    let path = path.and_then(|node| node.string(&mut findings.shape));
    let hash = fields.required("hash", &mut findings.shape);
    fields.finish(&mut findings.shape);
    let (path, hash) = (path?, hash?);
    // Digits alone would be a number to YAML; here they are digits.
    let text = match &hash.value {
        services_yaml::Value::Scalar(scalar) => scalar.text.as_str(),
        _ => hash.string(&mut findings.shape)?,
    };
    let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    if text.len() != 64 || !text.bytes().all(is_digit) {
        findings.refuse(Rule::IntegrityHash, hash.place, format!("that of `{path}` is `{text}`"));
        return None;
    }
    Some(FileHash { path: path.to_owned(), hash: text.to_owned(), place: node.place })
}
