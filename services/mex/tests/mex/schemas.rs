//! The JSON Schemas say what the readers read.

use crate::sample::{SOURCE, files, sealed};
use crate::{manifests, trust};
use regex::Regex;
use serde_json::{Map, Value as Json, json};
use services_mex::trust::Policy;
use services_mex::{Manifest, Refusal, schema};
use services_yaml::{Node, ScalarKind, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Rules that no schema can say: days of months, numbers beyond 64 bits, the bytes of a text, what is there twice
/// in parts, points of a curve, signatures.
const BEYOND: &[&str] = &[
    "integrity-twice",
    "manifest-characters",
    "manifest-column",
    "manifest-multi-line",
    "manifest-newline",
    "manifest-time",
    "manifest-version",
    "policy-base64",
    "policy-key",
    "policy-key-twice",
    "policy-publisher-twice",
    "policy-revocation",
    "policy-rotation-origin",
    "policy-rotation-signature",
    "policy-rotation-twice",
    "policy-version-twice",
    "policy-window",
    "signature-base64",
    "signature-key",
    "signature-trailer",
    "signature-wrong",
];

/// A schema, as far as these use the language; what else one says stops the test.
struct Schema {
    root: Json,
    patterns: RefCell<BTreeMap<String, Regex>>,
}

impl Schema {
    fn of(text: &str) -> Self {
        Self { root: serde_json::from_str(text).unwrap(), patterns: RefCell::default() }
    }

    fn accepts(&self, value: &Json) -> bool {
        self.holds(&self.root, value)
    }

    fn holds(&self, schema: &Json, value: &Json) -> bool {
        if *schema == Json::Bool(true) {
            return true;
        }
        let schema = schema.as_object().unwrap();
        schema.iter().all(|(keyword, says)| self.keyword(keyword, says, schema, value))
    }

    fn keyword(&self, keyword: &str, says: &Json, schema: &Map<String, Json>, value: &Json) -> bool {
        let (object, array) = (value.as_object(), value.as_array());
        let names = |list: &Json| -> Vec<String> { serde_json::from_value(list.clone()).unwrap() };
        let has = |key: &String| object.is_none_or(|object| object.contains_key(key));
        match keyword {
            "$schema" | "$defs" | "title" | "description" | "patternProperties" => true,
            "$ref" => {
                let name = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                self.holds(&self.root["$defs"][name], value)
            }
            "type" => match says.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                other => panic!("type {other}"),
            },
            "const" => value == says,
            "enum" => says.as_array().unwrap().contains(value),
            "pattern" => {
                let mut patterns = self.patterns.borrow_mut();
                let text = says.as_str().unwrap();
                let pattern = patterns.entry(text.to_owned()).or_insert_with(|| Regex::new(text).unwrap());
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "required" => names(says).iter().all(has),
            "dependentRequired" => says.as_object().unwrap().iter().all(|(key, needs)| {
                object.is_none_or(|object| !object.contains_key(key)) || names(needs).iter().all(has)
            }),
            "properties" => says.as_object().unwrap().iter().all(|(key, schema)| {
                object.and_then(|object| object.get(key)).is_none_or(|value| self.holds(schema, value))
            }),
            "additionalProperties" => {
                assert_eq!(*says, json!(false));
                assert_eq!(schema["patternProperties"], json!({"^x-": true}));
                let properties = schema["properties"].as_object().unwrap();
                let is_known = |key: &String| properties.contains_key(key) || key.starts_with("x-");
                object.is_none_or(|object| object.keys().all(is_known))
            }
            "items" => array.is_none_or(|items| items.iter().all(|item| self.holds(says, item))),
            "minItems" => array.is_none_or(|items| items.len() as u64 >= says.as_u64().unwrap()),
            "uniqueItems" => {
                assert_eq!(*says, json!(true));
                array.is_none_or(|items| (1..items.len()).all(|at| !items[..at].contains(&items[at])))
            }
            "oneOf" => says.as_array().unwrap().iter().filter(|one| self.holds(one, value)).count() == 1,
            other => panic!("the keyword {other}"),
        }
    }
}

/// A text as an editor sees it: its tree, if it is one.
fn tree(text: &str) -> Option<Json> {
    services_yaml::parse(text.as_bytes(), 1 << 20).ok().map(|root| json(&root))
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Sequence(items) => items.iter().map(json).collect(),
        Value::Mapping(mapping) => {
            let entries = mapping.entries.iter().map(|entry| (entry.key.text.clone(), json(&entry.value)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Null => Json::Null,
            ScalarKind::Bool(value) => json!(value),
            ScalarKind::Integer => json!(scalar.text.parse::<i64>().unwrap_or(i64::MAX)),
            ScalarKind::Float => json!(scalar.text.parse::<f64>().unwrap_or(0.5)),
            ScalarKind::String => json!(scalar.text),
        },
    }
}

/// A text changed line by line: without the line, and with other keys and values.
fn variations(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    for at in 0..lines.len() {
        let with = |line: &str| {
            let mut changed = lines.clone();
            changed[at] = line;
            changed.join("\n") + "\n"
        };
        all.push([&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n");
        if let Some((key, value)) = lines[at].split_once(':') {
            all.push(with(&format!("{key}s:{value}")));
            all.push(with(&lines[at].replacen(key.trim_start_matches([' ', '-']), "x-free", 1)));
            for value in
                ["", "true", "7", "0.5", "word", "Word", "\"\"", "all", "[]", "{}", "[a, a]", "1.0.0", "1.0"]
            {
                all.push(with(&format!("{key}: {value}")));
            }
        }
    }
    all
}

/// Says where reader and schema do not agree.
fn disagreement(text: &str, schema: &Schema, read: &Result<(), Vec<Refusal>>) -> Option<String> {
    let Some(tree) = tree(text) else { return read.is_ok().then(|| format!("no YAML, but read:\n{text}")) };
    let refused: BTreeSet<&str> = read.as_ref().err().into_iter().flatten().map(Refusal::id).collect();
    let is_beyond = !refused.is_empty() && refused.iter().all(|rule| BEYOND.contains(rule));
    let agrees = schema.accepts(&tree) == read.is_ok() || is_beyond;
    (!agrees).then(|| format!("the schema says {}, the reader {refused:?}:\n{text}", schema.accepts(&tree)))
}

fn check(texts: &[String], schema: &Schema, read: impl Fn(&str) -> Result<(), Vec<Refusal>>) {
    let (mut wrong, mut accepted, mut refused) = (Vec::new(), 0, 0);
    for text in texts {
        let result = read(text);
        if result.is_ok() {
            accepted += 1;
        } else {
            refused += 1;
        }
        wrong.extend(disagreement(text, schema, &result));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), texts.len(), wrong[0]);
    assert!(accepted > 10 && refused > 10, "{accepted} were accepted, {refused} refused");
}

#[test]
fn the_manifests_schema_says_what_its_reader_reads() {
    let short: String = sealed(SOURCE, &files()[..2].to_vec());
    let mut texts = variations(&short);
    texts.extend(manifests::all());
    let read = |text: &str| Manifest::read(text.as_bytes()).map(drop);
    check(&texts, &Schema::of(schema::MANIFEST), read);
}

#[test]
fn the_policys_schema_says_what_its_reader_reads() {
    let mut texts = variations(&trust::with_everything());
    texts.extend(trust::all());
    let read = |text: &str| Policy::read(text.as_bytes()).map(drop);
    check(&texts, &Schema::of(schema::TRUST), read);
}

#[test]
fn a_signed_manifest_is_one_of_the_schemas() {
    let signed = crate::signatures::signed();
    assert!(Manifest::read(signed.as_bytes()).is_ok());
    let schema = Schema::of(schema::MANIFEST);
    assert!(schema.accepts(&tree(&signed).unwrap()));
    assert!(!schema.accepts(&tree(&signed.replace("ed25519", "none")).unwrap()));
    let unsealed = signed.replace("integrity:", "x-integrity:");
    assert!(!schema.accepts(&tree(&unsealed).unwrap()));
}

/// The capabilities of the schema are those of the table.
#[test]
fn the_schemas_capabilities_are_the_guest_abis() {
    let schema: Json = serde_json::from_str(schema::TRUST).unwrap();
    let names: Vec<&str> =
        sci::guest::GuestCapability::ALL.iter().map(|capability| capability.name()).collect();
    assert_eq!(schema["$defs"]["capability"]["enum"], json!(names));
}
