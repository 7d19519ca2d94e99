//! Every rule is broken by something, and says where, what, and what to do.
#![cfg(feature = "yaml")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use common::{judge, judge_with, name, show};
use sci::guest::GuestCapability;
use services_topology::capabilities::Capabilities;
use services_topology::check::{Mode, SpaceFacts};
use services_topology::read;
use services_topology::rules::RULES;
use services_topology::violation::Violation;

const LOOSE: Mode = Mode { packaged: false, strict: false };
const PACKAGED: Mode = Mode { packaged: true, strict: false };
const STRICT: Mode = Mode { packaged: false, strict: true };

const HEAD: &str = "apiVersion: samoza/v1\nkind: Topology\nmetadata: {name: a}\n";
const SPACE: &str = "apiVersion: samoza/v1\nkind: Space\nmetadata: {name: s}\n";
const WORLD: &str = "apiVersion: samoza/v1\nkind: World\nmetadata: {name: w}\n";

/// Topologies below the usual head, and the rules they break, in the order of their places.
const TOPOLOGIES: &[(&str, Mode, &[&str])] = &[
    ("spaces: [{name: Store, type: DATA}]", LOOSE, &["malformed-name"]),
    ("spaces: [{name: s, type: DAT}]", LOOSE, &["unknown-word"]),
    ("spaces: [{type: UI}]", LOOSE, &["missing-key"]),
    ("spaces: [{name: s, type: UI, capabilites: []}]", LOOSE, &["unknown-key"]),
    ("spaces: [{name: s, type: UI, x-note: 1}]", LOOSE, &[]),
    ("spaces: [{name: s, type: DATA, capabilities: }]", LOOSE, &["wrong-type"]),
    (
        "spaces: [{name: s, type: DATA, capabilities: [data.raed, data.get, fly]}]",
        LOOSE,
        &["unknown-capability"; 3],
    ),
    (
        "spaces: [{name: s, type: DATA, capabilities: [data.read, data.read]}]",
        LOOSE,
        &["duplicate-capability"],
    ),
    ("spaces: [{name: s, type: DATA, path: metrics/}]", LOOSE, &["malformed-namespace"]),
    ("spaces: [{name: s, type: IO, path: /a}]", LOOSE, &["namespace-not-data"]),
    ("spaces: [{name: s, type: UI, mex: a.mex, build: a}]", LOOSE, &["two-sources"]),
    (
        "spaces: [{name: s, type: UI, mex: ../a.mex}, {name: t, type: UI, build: /etc}]",
        LOOSE,
        &["malformed-source"; 2],
    ),
    (
        "spaces: [{name: s, type: UI, mex: a.mex}, {name: t, type: UI, build: t}]",
        PACKAGED,
        &["source-in-package"; 2],
    ),
    ("spaces:\n  - name: s\n    type: UI\n  - name: s\n    type: IO\n", LOOSE, &["duplicate-space"]),
    ("spaces: [{name: s, type: UI}]\npaths: [{from: s, to: ghost, name: p}]", LOOSE, &["unknown-space"]),
    ("spaces: [{name: s, type: UI}]\npaths: [{from: s, to: s, name: p}]", LOOSE, &["path-to-itself"]),
    (
        "spaces: [{name: s, type: UI}, {name: t, type: IO}, {name: u, type: IO}]\npaths:\n  - {from: s, to: t, name: p}\n  \
         - {from: s, to: u, name: p}\n  - {from: t, to: u, name: p}\n",
        LOOSE,
        &["duplicate-path"],
    ),
    (
        "spaces:\n  - {name: a, type: DATA, path: /x}\n  - {name: b, type: DATA, path: /x-y}\n  \
         - {name: c, type: DATA, path: /x/y}\n  - {name: x, type: DATA}\n",
        LOOSE,
        &["overlapping-namespaces"; 2],
    ),
    ("spaces: [{name: s, type: UI, capabilities: [data.read]}]", LOOSE, &["capability-of-another-type"]),
    ("spaces: [{name: s, type: DATA, capabilities: [sensors.read]}]", LOOSE, &["capability-of-another-type"]),
    ("spaces: [{name: s, type: DATA, capabilities: [x-space.clock]}]", STRICT, &["extension-capability"]),
    ("spaces: [{name: s, type: DATA, capabilities: [x-space.clock]}]", LOOSE, &[]),
    (
        "spaces:\n  - name: s\n    type: IO\n    placement: {affinity: [s, t, u], antiAffinity: [t]}\n  - {name: t, type: IO}\n",
        LOOSE,
        &["affinity-contradicts", "unknown-space", "affinity-contradicts"],
    ),
    ("spaces: [{name: s, type: IO, placement: {location: Hall}}]", LOOSE, &["unknown-location"]),
    ("spaces: [{name: s, type: IO, placement: {location: a b}}]", LOOSE, &["malformed-location"]),
    ("spaces: [{name: s, type: IO, placement: {sensors: [a b]}}]", LOOSE, &["malformed-device-type"]),
    ("spaces: [{name: s, type: IO, placement: {resources: {memory: 64MB}}}]", LOOSE, &["malformed-size"]),
    ("spaces: [{name: s, type: IO, placement: {resources: {cpu: 0.0001}}}]", LOOSE, &["malformed-amount"]),
    ("spaces: [{name: s, type: IO, placement: {resources: {queue: 0}}}]", LOOSE, &["number-out-of-range"]),
    ("spaces: [{name: s, type: IO, restart: {backoff: 1}}]", LOOSE, &["wrong-type"]),
    ("spaces: [{name: s, type: IO, restart: {backoff: 1 second}}]", LOOSE, &["malformed-duration"]),
    ("spaces: [{name: s, type: IO, restart: {backoff: 1m}}]", LOOSE, &["restart-contradicts"]),
    ("spaces: []\nagents: [{name: f, kind: DF, space: g}]", LOOSE, &["unknown-space"]),
    ("spaces: [{name: g, type: UI}]\nagents: [{name: f, kind: DF, space: g}]", LOOSE, &["function-of-ui"]),
    (
        "spaces: [{name: g, type: IO}]\nagents:\n  - {name: f, kind: DF, space: g}\n  - {name: f, kind: DF, space: g}\n  \
         - {name: t, kind: AF, model: f, functions: [f, t, h]}\n",
        LOOSE,
        &["duplicate-agent", "agent-of-another-kind", "agent-of-another-kind", "unknown-agent"],
    ),
    (
        "spaces: []\nagents: [{name: m, kind: LLM, endpoint: https://k@h, model: x, key: sk-1234567, budget: {cost: 1}}]",
        LOOSE,
        &["malformed-url", "key-not-reference", "budget-without-price"],
    ),
    (
        "spaces: []\nagents: [{name: m, kind: LLM, endpoint: http://h, model: \"a\\u0007\"}]",
        LOOSE,
        &["malformed-text"],
    ),
    (
        "spaces: []\nagents: [{name: m, kind: LLM, endpoint: http://h, model: \"a\\u2028\"}]",
        LOOSE,
        &["malformed-text"],
    ),
    ("spaces: [&a {name: s, type: UI}, *a]", LOOSE, &["yaml-anchor"]),
    ("spaces: [{name: s, type: UI, capabilities: [on]}]", LOOSE, &["yaml-ambiguous-word"]),
];

/// Spaces below the usual head.
const SPACES: &[(&str, &[&str])] = &[
    ("type: IO", &["section-missing"]),
    ("type: DATA", &["section-missing"]),
    ("type: CHAT", &["section-missing"]),
    ("type: CALL", &["section-missing"]),
    ("type: UI", &[]),
    (
        "type: CHAT\nmodel: m\nembedding: {endpoint: http://h, model: x, x-similarity: 1.1}",
        &["malformed-amount"],
    ),
    ("type: UI\nsensors: []", &["section-of-another-type"]),
    ("type: DATA\npersistence: {}\nmodel: m", &["section-of-another-type"]),
    ("type: IO\nsensors: [{id: S, type: t}]", &["malformed-name"]),
    ("type: DATA\npersistence: {quota: lots}", &["malformed-size"]),
    ("type: CALL\nservice: {name: s, url: https://h, methods: [FETCH]}", &["unknown-word"]),
    (
        "type: CALL\nservice:\n  - name: s\n    url: https://h\n    methods: [GET]\n    headers: {Authorization: Bearer abc, a b: c, ok: fine, Ok: again}\n    keyHeader: a b\n",
        &["header-holds-key", "malformed-header", "malformed-header", "malformed-header"],
    ),
];

/// Worlds below the usual head, beside a topology with the UI space `panel` and the IO space `probe`.
const WORLDS: &[(&str, &[&str])] = &[
    ("locations: [{id: A, bounds: {x: [1, 0], y: [0]}}]", &["empty-bounds"; 2]),
    ("locations: [{id: A, bounds: {x: [0, .inf], y: [0, 1]}}]", &["empty-bounds", "wrong-type"]),
    ("locations: [{id: A}, {id: A}]", &["duplicate-location"]),
    (
        "locations:\n  - id: A\n    faces:\n      - {direction: north, ui: panel}\n      - {direction: north, ui: probe}\n      \
         - {direction: up, ui: panel}\n",
        &["unknown-word"],
    ),
    (
        "locations:\n  - id: A\n    faces:\n      - {direction: north, ui: panel}\n      - {direction: north, ui: probe}\n      \
         - {direction: east, ui: ghost}\n",
        &["duplicate-face", "face-not-ui", "unknown-space"],
    ),
    (
        "locations: [{id: A}, {id: B}]\nroutes:\n  - {from: A, to: B}\n  - {from: B, to: A}\n  - {from: A, to: A}\n  - {from: A, to: C}\n",
        &["duplicate-route", "route-to-itself", "unknown-location"],
    ),
];

/// Files whose head is another.
const HEADS: &[(&str, &[&str])] = &[
    (
        "apiVersion: samoza/v2\nkind: World\nmetadata: {name: a}\nspaces: []",
        &["wrong-api-version", "wrong-kind"],
    ),
    ("kind: Topology\nmetadata: {}\nspaces: {}", &["missing-key", "missing-key", "wrong-type"]),
    ("- a", &["wrong-type"]),
    ("", &["yaml-empty"]),
];

/// Every case: its text, what was found, what is to be found.
fn cases() -> Vec<(String, Vec<Violation>, &'static [&'static str])> {
    let mut all = Vec::new();
    for (rest, mode, wanted) in TOPOLOGIES {
        let text = format!("{HEAD}{rest}");
        all.push((text.clone(), judge(&text, *mode), *wanted));
    }
    for (rest, wanted) in SPACES {
        let text = format!("{SPACE}{rest}");
        let found = read::space(text.as_bytes(), "spaces/s/space.yaml").err().unwrap_or_default();
        all.push((text, found, *wanted));
    }
    for (rest, wanted) in WORLDS {
        let text = format!("{WORLD}{rest}");
        let topology = format!("{HEAD}spaces: [{{name: panel, type: UI}}, {{name: probe, type: IO}}]");
        let found = judge_with(&topology, Some(&text), &BTreeMap::new(), LOOSE);
        all.push((text, found, *wanted));
    }
    for (text, wanted) in HEADS {
        all.push(((*text).to_owned(), judge(text, LOOSE), *wanted));
    }
    all.extend(between_files());
    all
}

/// What only topology, `space.yaml` and code together break.
fn between_files() -> Vec<(String, Vec<Violation>, &'static [&'static str])> {
    const TOPOLOGY: &str = "spaces: [{name: s, type: IO, capabilities: [sensors.read, sys.log]}]\n\
                            agents: [{name: df, kind: DF, space: s}]\n";
    let needs = [GuestCapability::SensorsRead, GuestCapability::SysSleep].into_iter().collect();
    let judged = |manifest: Option<&str>, needs: Option<Capabilities>| {
        let read = |text| read::space(format!("{SPACE}{text}").as_bytes(), "spaces/s/space.yaml");
        let manifest = manifest.map(|text| read(text).unwrap_or_else(|list| panic!("{}", show(&list))));
        let facts = SpaceFacts { manifest, needs, inherited: Capabilities::NONE };
        judge_with(&format!("{HEAD}{TOPOLOGY}"), None, &BTreeMap::from([(name("s"), facts)]), LOOSE)
    };
    let case = |manifest: &str, needs, wanted: &'static [&'static str]| {
        (manifest.to_owned(), judged(Some(manifest), needs), wanted)
    };
    vec![
        (String::new(), judged(None, Some(needs)), &["need-not-granted"]),
        case("type: IO\nsensors: []", Some(needs), &["need-not-granted"]),
        case("type: IO\nsensors: []\ncapabilities: [sensors.read]", Some(needs), &["need-not-requested"]),
        case(
            "type: IO\nsensors: []\ncapabilities: [sensors.read, sys.sleep]",
            Some(needs),
            &["request-not-granted"],
        ),
        case("type: DATA\npersistence: {}", None, &["space-differs"]),
        case("type: IO\nsensors: [{id: a, type: t}, {id: a, type: t}]", None, &["duplicate-device"]),
        case("type: IO\nsensors: []\nevents: [a, a]", None, &["duplicate-event"]),
        case("type: CHAT\nmodel: df", None, &["space-differs", "agent-of-another-kind"]),
        case(
            "type: CALL\nservice: {name: df, url: https://h, methods: [GET]}",
            None,
            &["space-differs", "duplicate-agent"],
        ),
    ]
}

#[test]
fn each_mistake_is_found_by_its_rule() {
    let mut wrong = Vec::new();
    for (text, found, wanted) in cases() {
        let ids: Vec<&str> = found.iter().map(|violation| violation.rule.id).collect();
        if ids != wanted {
            wrong.push(format!("{text}\n{}wanted {wanted:?}", show(&found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_rule_is_broken_by_some_case() {
    let broken: BTreeSet<&str> =
        cases().iter().flat_map(|(_, found, _)| found.iter().map(|violation| violation.rule.id)).collect();
    let whole: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| !broken.contains(id)).collect();
    assert_eq!(whole, [""; 0]);
}

#[test]
fn the_table_of_rules_is_well_formed() {
    let yaml = services_yaml::RULES.iter().map(|rule| (rule.id, rule.sentence, rule.remedy));
    let ours = RULES.iter().map(|rule| (rule.id, rule.sentence, rule.remedy));
    let all: Vec<_> = yaml.chain(ours).collect();
    let ids: BTreeSet<&str> = all.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids.len(), all.len(), "ids are unique, in both tables together");
    for (id, sentence, remedy) in all {
        let kebab = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(kebab && sentence.ends_with('.') && !remedy.is_empty() && !remedy.ends_with('.'), "{id}");
    }
}

#[test]
fn reports_say_where_what_and_what_to_do() {
    let mut shown = String::new();
    for (_, found, _) in cases() {
        let _ = write!(shown, "{}", show(&found));
    }
    insta::assert_snapshot!("reports", shown);
}

#[test]
fn a_key_that_was_written_out_is_not_repeated() {
    let shown: String = cases().iter().map(|(_, found, _)| show(found)).collect();
    assert!(shown.contains("key-not-reference") && !shown.contains("sk-1234567"));
}
