//! The JSON Schemas say what the reader does: the same keys, the same words, the same grammars.
#![cfg(feature = "yaml")]

mod common;

use std::collections::BTreeSet;

use common::show;
use regex::Regex;
use sci::guest::{GuestCapability, SpaceType};
use serde_json::Value;
use services_topology::name::{Kind, LocationId, Name, Namespace};
use services_topology::violation::Violation;
use services_topology::{read, schema};

#[derive(Clone, Copy, PartialEq)]
enum File {
    Topology,
    Space,
    World,
}

impl File {
    fn schema(self) -> Value {
        let text = match self {
            Self::Topology => schema::TOPOLOGY,
            Self::Space => schema::SPACE,
            Self::World => schema::WORLD,
        };
        serde_json::from_str(text).expect("a schema is JSON")
    }

    fn read(self, text: &str) -> Vec<Violation> {
        let bytes = text.as_bytes();
        match self {
            Self::Topology => read::topology(bytes, "f").err(),
            Self::Space => read::space(bytes, "f").err(),
            Self::World => read::world(bytes, "f").err(),
        }
        .unwrap_or_default()
    }
}

/// An object of a format: where its schema is, a text around it, and each of its keys with a value.
struct Object {
    file: File,
    schema: &'static str,
    around: &'static str,
    fields: &'static [(&'static str, &'static str)],
    /// Keys that another schema of the same place has.
    others: &'static [&'static str],
}

const fn object(
    file: File,
    schema: &'static str,
    around: &'static str,
    fields: &'static [(&'static str, &'static str)],
) -> Object {
    Object { file, schema, around, fields, others: &[] }
}

/// The texts around an object, which stands for `@`.
const SPACES: &str = "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [@]}";
const PLACEMENT: &str = "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [{name: s, type: IO, placement: @}]}";
const RESOURCES: &str = "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [{name: s, type: IO, placement: {resources: @}}]}";
const RESTART: &str =
    "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [{name: s, type: IO, restart: @}]}";
const PATHS: &str = "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [], paths: [@]}";
const AGENTS: &str = "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [], agents: [@]}";
const BUDGET: &str = "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [], agents: [{name: m, kind: LLM, endpoint: http://h, model: x, price: {input: 1, output: 1}, budget: @}]}";
const PRICE: &str = "{apiVersion: samoza/v1, kind: Topology, metadata: {name: a}, spaces: [], agents: [{name: m, kind: LLM, endpoint: http://h, model: x, price: @}]}";
const SPACE: &str = "{apiVersion: samoza/v1, kind: Space, metadata: @, type: UI}";
const IO: &str = "{apiVersion: samoza/v1, kind: Space, metadata: {name: s}, type: IO, sensors: [@]}";
const WAVE: &str = "{apiVersion: samoza/v1, kind: Space, metadata: {name: s}, type: IO, sensors: [{id: a, type: t, x-simulated: @}]}";
const DATA: &str = "{apiVersion: samoza/v1, kind: Space, metadata: {name: s}, type: DATA, persistence: @}";
const CHAT: &str = "{apiVersion: samoza/v1, kind: Space, metadata: {name: s}, type: CHAT, model: @}";
const EMBEDDING: &str =
    "{apiVersion: samoza/v1, kind: Space, metadata: {name: s}, type: CHAT, model: m, embedding: @}";
const CALL: &str = "{apiVersion: samoza/v1, kind: Space, metadata: {name: s}, type: CALL, service: @}";
const LIMITS: &str = "{apiVersion: samoza/v1, kind: Space, metadata: {name: s}, type: CALL, service: {name: f, url: http://h, methods: [], limits: @}}";
const LOCATIONS: &str = "{apiVersion: samoza/v1, kind: World, metadata: {name: a}, locations: [@]}";
const BOUNDS: &str =
    "{apiVersion: samoza/v1, kind: World, metadata: {name: a}, locations: [{id: A, bounds: @}]}";
const FACES: &str =
    "{apiVersion: samoza/v1, kind: World, metadata: {name: a}, locations: [{id: A, faces: [@]}]}";
const ROUTES: &str = "{apiVersion: samoza/v1, kind: World, metadata: {name: a}, locations: [], routes: [@]}";

/// Keys of a model.
const MODEL: &[(&str, &str)] = &[
    ("endpoint", "http://h"),
    ("model", "x"),
    ("key", "secret:k"),
    ("timeout", "1s"),
    ("retries", "1"),
    ("budget", "{cost: 1}"),
    ("price", "{input: 1, output: 1}"),
];

/// Keys of a model, and more.
fn model(more: &[(&'static str, &'static str)]) -> &'static [(&'static str, &'static str)] {
    Vec::leak([more, MODEL].concat())
}

fn objects() -> Vec<Object> {
    [topology_objects(), space_objects(), world_objects()].into_iter().flatten().collect()
}

fn topology_objects() -> Vec<Object> {
    use File::Topology;
    vec![
        object(
            Topology,
            "",
            "@",
            &[
                ("apiVersion", "samoza/v1"),
                ("kind", "Topology"),
                ("metadata", "{name: a}"),
                ("spaces", "[]"),
                ("paths", "[]"),
                ("agents", "[]"),
            ],
        ),
        object(
            Topology,
            "/$defs/metadata",
            "{apiVersion: samoza/v1, kind: Topology, metadata: @, spaces: []}",
            &[("name", "a"), ("owner", "b"), ("description", "c")],
        ),
        Object {
            others: &["mex"],
            ..object(
                Topology,
                "/$defs/space",
                SPACES,
                &[
                    ("name", "s"),
                    ("type", "DATA"),
                    ("capabilities", "[]"),
                    ("path", "/a"),
                    ("build", "b"),
                    ("placement", "{}"),
                    ("restart", "{}"),
                ],
            )
        },
        object(Topology, "/$defs/path", PATHS, &[("from", "a"), ("to", "b"), ("name", "c")]),
        object(
            Topology,
            "/$defs/placement",
            PLACEMENT,
            &[
                ("resources", "{}"),
                ("region", "r"),
                ("sensors", "[]"),
                ("displays", "[]"),
                ("affinity", "[]"),
                ("antiAffinity", "[]"),
                ("location", "A"),
            ],
        ),
        object(
            Topology,
            "/$defs/resources",
            RESOURCES,
            &[("cpu", "1"), ("memory", "1KiB"), ("storage", "1"), ("queue", "1")],
        ),
        object(
            Topology,
            "/$defs/restart",
            RESTART,
            &[
                ("policy", "never"),
                ("attempts", "1"),
                ("window", "1s"),
                ("backoff", "1s"),
                ("backoffMax", "1s"),
            ],
        ),
        object(Topology, "/$defs/function", AGENTS, &[("name", "f"), ("kind", "DF"), ("space", "s")]),
        object(
            Topology,
            "/$defs/selector",
            AGENTS,
            &[("name", "f"), ("kind", "AF"), ("model", "m"), ("functions", "[]"), ("instructions", "i")],
        ),
        object(Topology, "/$defs/model", AGENTS, model(&[("name", "m"), ("kind", "LLM")])),
        object(Topology, "/$defs/budget", BUDGET, &[("requests", "1"), ("tokens", "1"), ("cost", "1")]),
        object(Topology, "/$defs/price", PRICE, &[("input", "1"), ("output", "1")]),
    ]
}

fn space_objects() -> Vec<Object> {
    use File::Space;
    vec![
        Object {
            others: &["actuators", "persistence", "model", "embedding", "service"],
            ..object(
                Space,
                "",
                "@",
                &[
                    ("apiVersion", "samoza/v1"),
                    ("kind", "Space"),
                    ("metadata", "{name: a}"),
                    ("type", "IO"),
                    ("capabilities", "[]"),
                    ("events", "[]"),
                    ("sensors", "[]"),
                ],
            )
        },
        object(Space, "/$defs/metadata", SPACE, &[("name", "a"), ("description", "c")]),
        object(
            Space,
            "/$defs/device",
            IO,
            &[
                ("id", "a"),
                ("type", "t"),
                ("description", "c"),
                ("x-simulated", "{shape: sine, range: [0, 1]}"),
            ],
        ),
        object(
            Space,
            "/$defs/wave",
            WAVE,
            &[("shape", "walk"), ("range", "[0, 1]"), ("period", "1s"), ("every", "1s"), ("seed", "1")],
        ),
        object(Space, "/$defs/persistence", DATA, &[("quota", "1KiB"), ("ephemeral", "true")]),
        object(Space, "/$defs/own-model", CHAT, model(&[("name", "m")])),
        object(Space, "/$defs/embedding-model", EMBEDDING, model(&[("x-similarity", "0.9")])),
        object(
            Space,
            "/$defs/service",
            CALL,
            &[
                ("name", "f"),
                ("url", "http://h"),
                ("methods", "[GET]"),
                ("headers", "{}"),
                ("key", "secret:k"),
                ("keyHeader", "h"),
                ("limits", "{}"),
            ],
        ),
        object(
            Space,
            "/$defs/limits",
            LIMITS,
            &[("request", "1"), ("response", "1"), ("timeout", "1s"), ("perMinute", "1")],
        ),
    ]
}

fn world_objects() -> Vec<Object> {
    use File::World;
    vec![
        object(
            World,
            "",
            "@",
            &[
                ("apiVersion", "samoza/v1"),
                ("kind", "World"),
                ("metadata", "{name: a}"),
                ("locations", "[]"),
                ("routes", "[]"),
            ],
        ),
        object(
            World,
            "/$defs/metadata",
            "{apiVersion: samoza/v1, kind: World, metadata: @, locations: []}",
            &[("name", "a"), ("description", "c")],
        ),
        object(
            World,
            "/$defs/location",
            LOCATIONS,
            &[("id", "A"), ("bounds", "{x: [0, 1], y: [0, 1]}"), ("faces", "[]")],
        ),
        object(World, "/$defs/bounds", BOUNDS, &[("x", "[0, 1]"), ("y", "[0, 1]"), ("z", "[0, 1]")]),
        object(World, "/$defs/face", FACES, &[("direction", "north"), ("ui", "u")]),
        object(World, "/$defs/route", ROUTES, &[("from", "A"), ("to", "B")]),
    ]
}

fn text(object: &Object, fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    object.around.replace('@', &format!("{{{}}}", fields.join(", ")))
}

/// What a list of words in a remedy has between its backticks.
fn words(remedy: &str) -> BTreeSet<String> {
    let list = remedy.split("; others").next().unwrap_or_default();
    list.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn only<'v>(found: &'v [Violation], id: &str, text: &str) -> &'v Violation {
    let list: Vec<&Violation> = found.iter().filter(|violation| violation.rule.id == id).collect();
    assert_eq!(list.len(), 1, "one {id} in {text}\n{}", show(found));
    list[0]
}

fn strings(value: &Value) -> BTreeSet<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
}

#[test]
fn objects_have_the_same_keys() {
    for object in objects() {
        let schema = object.file.schema();
        let schema = schema.pointer(object.schema).expect("there");
        assert_eq!(schema["additionalProperties"], Value::Bool(false), "{}", object.schema);
        assert!(schema["patternProperties"]["^x-"].is_object(), "{}", object.schema);

        let valid = text(&object, object.fields);
        assert_eq!(show(&object.file.read(&valid)), "", "{valid}");

        let unknown = text(&object, &[object.fields, &[("zzzzzzzzzzzzzzzz", "1")]].concat());
        let found = object.file.read(&unknown);
        let known = words(&only(&found, "unknown-key", &unknown).remedy);
        let properties = schema["properties"].as_object().expect("an object");
        assert_eq!(known, properties.keys().cloned().collect(), "{}", object.schema);
        let tried = object.fields.iter().map(|(key, _)| *key).chain(object.others.iter().copied());
        assert_eq!(known, tried.map(ToOwned::to_owned).collect(), "{}", object.schema);
        assert!(object.file.read(&unknown.replace("zzzzzzzz", "x-zzzzzz")).is_empty());
    }
}

#[test]
fn objects_require_the_same_keys() {
    for object in objects() {
        let schema = object.file.schema();
        let required = strings(&schema.pointer(object.schema).expect("there")["required"]);
        for (key, _) in object.fields {
            let rest: Vec<(&str, &str)> =
                object.fields.iter().filter(|(other, _)| other != key).copied().collect();
            let text = text(&object, &rest);
            let found = object.file.read(&text);
            let missing = found.iter().any(|violation| {
                violation.rule.id == "missing-key" && violation.message.contains(&format!("`{key}`"))
            });
            assert_eq!(missing, required.contains(*key), "{} {key}\n{}", object.schema, show(&found));
        }
    }
}

/// The words that a key's schema allows, through references and lists.
fn enumeration(root: &Value, schema: &Value) -> Option<BTreeSet<String>> {
    if let Some(reference) = schema["$ref"].as_str() {
        return enumeration(root, root.pointer(reference.trim_start_matches('#'))?);
    }
    if schema["items"].is_object() {
        return enumeration(root, &schema["items"]);
    }
    schema["enum"].is_array().then(|| strings(&schema["enum"]))
}

#[test]
fn keys_have_the_same_words() {
    let mut compared = 0;
    for object in objects() {
        let root = object.file.schema();
        let schema = root.pointer(object.schema).expect("there");
        for (key, value) in object.fields.iter().filter(|(key, _)| *key != "capabilities") {
            let Some(allowed) = enumeration(&root, &schema["properties"][*key]) else { continue };
            let wrong = if value.starts_with('[') { "[zzzzzzzzzz]" } else { "zzzzzzzzzz" };
            let fields: Vec<(&str, &str)> = object
                .fields
                .iter()
                .map(|(name, value)| (*name, if name == key { wrong } else { *value }))
                .collect();
            let text = text(&object, &fields);
            let found = object.file.read(&text);
            assert_eq!(words(&only(&found, "unknown-word", &text).remedy), allowed, "{key}");
            compared += 1;
        }
    }
    assert_eq!(compared, 6, "types twice, policies, methods, directions, shapes");
    let agents: BTreeSet<String> = ["function", "selector", "model"]
        .map(|kind| {
            File::Topology.schema()["$defs"][kind]["properties"]["kind"]["const"]
                .as_str()
                .expect("a word")
                .to_owned()
        })
        .into();
    let text = AGENTS.replace('@', "{name: a, kind: zzzzzzzz}");
    assert_eq!(words(&only(&File::Topology.read(&text), "unknown-word", &text).remedy), agents);
}

#[test]
fn capabilities_are_those_of_the_guest_abi() {
    let names: BTreeSet<String> =
        GuestCapability::ALL.iter().map(|capability| capability.name().to_owned()).collect();
    for file in [File::Topology, File::Space] {
        let schema = file.schema();
        assert_eq!(strings(&schema["$defs"]["capabilities"]["items"]["enum"]), names);
        assert_eq!(schema["$defs"]["capabilities"]["uniqueItems"], Value::Bool(true));
    }
}

#[test]
fn sections_belong_to_the_same_types() {
    let schema = File::Space.schema();
    let conditions = schema["allOf"].as_array().expect("a list");
    assert_eq!(conditions.len(), SpaceType::ALL.len());
    let sections = [
        ("sensors", "[]"),
        ("actuators", "[]"),
        ("persistence", "{}"),
        ("model", "m"),
        ("embedding", "{endpoint: http://h, model: x}"),
        ("service", "[]"),
    ];
    for (kind, condition) in SpaceType::ALL.iter().zip(conditions) {
        let kind = kind.name();
        assert_eq!(condition["if"]["properties"]["type"]["const"], kind);
        let head = format!("apiVersion: samoza/v1\nkind: Space\nmetadata: {{name: s}}\ntype: {kind}\n");
        let needs = condition["then"]["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        let needs: BTreeSet<String> = needs.iter().flat_map(|need| strings(&need["required"])).collect();
        let bare = File::Space.read(&head);
        assert_eq!(
            words(&bare.first().map(|missing| missing.remedy.replace(':', "")).unwrap_or_default()),
            needs,
            "{kind}"
        );
        for (section, value) in sections {
            let refused = File::Space.read(&format!("{head}{section}: {value}\n"));
            let refused = refused.iter().any(|violation| violation.rule.id == "section-of-another-type");
            let forbidden = condition["then"]["properties"][section] == Value::Bool(false);
            assert_eq!(refused, forbidden, "{kind} {section}");
        }
    }
}

#[test]
fn patterns_are_the_grammars() {
    let pattern = |at: &str| {
        let schema = File::Topology.schema();
        Regex::new(schema.pointer(at).and_then(Value::as_str).expect("a pattern"))
            .expect("a regular expression")
    };
    let (name, location) = (pattern("/$defs/name/pattern"), pattern("/$defs/location-id/pattern"));
    let (kind, path) =
        (pattern("/$defs/device-type/pattern"), pattern("/$defs/space/properties/path/pattern"));
    let long = "a".repeat(63);
    for text in [
        "",
        "a",
        "A",
        "a-b",
        "a_b",
        "1a",
        "-a",
        "a b",
        "a.b",
        "a/b",
        "/a",
        "/a/b",
        "/a/",
        "//",
        "/",
        "/.",
        "/..",
        "/.a",
        "/..a",
        "/a/./b",
        "/a/../b",
        "/...",
        "/a.b/c_d-e",
        "\u{e9}",
        "/\u{e9}",
        "a\n",
        "/a\n",
        &long,
        &format!("{long}a"),
    ] {
        assert_eq!(name.is_match(text), Name::new(text).is_some(), "name {text:?}");
        assert_eq!(location.is_match(text), LocationId::new(text).is_some(), "location {text:?}");
        assert_eq!(kind.is_match(text), Kind::new(text).is_some(), "kind {text:?}");
        assert_eq!(path.is_match(text), Namespace::new(text).is_some(), "path {text:?}");
    }
}
