//! The graph's form in bytes: of the content, and of nothing else.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use common::{Random, judge_with, name, sample, show, topology};
use sci::digest::sha256;
use services_topology::capabilities::Capabilities;
use services_topology::check::{Application, Mode, check};
use services_topology::graph::Graph;
use services_topology::read;
use services_topology::violation::VIOLATIONS_MAX;

fn graph(text: &str) -> Graph {
    Graph::of(&topology(text), |_| Capabilities::NONE)
}

fn bytes(text: &str) -> String {
    String::from_utf8(graph(text).bytes()).expect("JSON is UTF-8")
}

#[test]
fn the_form_is_frozen() {
    insta::assert_snapshot!("hello-samoza", bytes(&sample("hello-samoza.yaml")));
    insta::assert_snapshot!("my-app", bytes(&sample("my-app.yaml")));
    insta::assert_snapshot!("everything", bytes(&sample("everything.yaml")));
    let graph = graph(&sample("my-app.yaml"));
    assert_eq!(graph.hash(), sha256(&graph.bytes()));
}

#[test]
fn the_form_is_json_in_its_canonical_order() {
    for file in ["hello-samoza.yaml", "my-app.yaml", "everything.yaml"] {
        let text = bytes(&sample(file));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        // Without its feature for order, that library sorts members.
        assert_eq!(value.to_string(), text, "{file}");
    }
}

#[test]
fn what_is_stated_at_its_default_is_not_there() {
    let head = "apiVersion: samoza/v1\nkind: Topology\nmetadata: {name: a}\n";
    let short = format!("{head}spaces: [{{name: s, type: DATA}}, {{name: t, type: UI}}]");
    let long = format!(
        "{head}spaces:\n  - name: s\n    type: DATA\n    path: /s\n    capabilities: []\n    build: s\n    placement: {{affinity: []}}\n    \
         restart: {{policy: on-failure, attempts: 5, window: 1m, backoff: 100ms, backoffMax: 10s}}\n  \
         - {{name: t, type: UI, mex: t.mex, placement: {{resources: {{}}}}}}\npaths: []\nagents: []\nx-more: 1\n"
    );
    assert_eq!(bytes(&short), bytes(&long));
}

#[test]
fn a_right_that_a_path_adds_may_be_stated_as_well() {
    let text = sample("my-app.yaml");
    let stated = text.replace("[sensors.subscribe, sys.log]", "[sys.log, net.emit_to, sensors.subscribe]");
    assert_ne!(text, stated);
    assert_eq!(bytes(&text), bytes(&stated));
}

#[test]
fn every_part_of_the_content_is_in_the_form() {
    let text = sample("everything.yaml");
    let same = bytes(&text);
    for (from, to) in [
        ("name: everything", "name: every-thing"),
        ("type: IO", "type: CALL"),
        ("sys.log, x-space.clock", "sys.log"),
        ("cpu: 0.25", "cpu: 0.26"),
        ("memory: 64MiB", "memory: 65MiB"),
        ("storage: 1048576", "storage: 1048577"),
        ("queue: 1024", "queue: 1025"),
        ("region: eu-west", "region: eu-east"),
        ("[temperature, camera/rgb]", "[temperature]"),
        ("displays: [wall]", "displays: [desk]"),
        ("location: hall-A", "location: hall-B"),
        ("affinity: [store]", "affinity: [weather]"),
        ("antiAffinity: [thinker]", "antiAffinity: [weather]"),
        ("policy: always", "policy: never"),
        ("attempts: 3", "attempts: 4"),
        ("window: 30s", "window: 31s"),
        ("backoff: 50ms", "backoff: 51ms"),
        ("backoffMax: 5s", "backoffMax: 6s"),
        ("path: /factory/line-1", "path: /factory/line-2"),
        ("{from: probe, to: thinker, name: ask}", "{from: probe, to: weather, name: ask}"),
        ("name: ask", "name: tell"),
        ("space: probe", "space: weather"),
        ("functions: [convert]", "functions: []"),
        ("Answer with its name", "Answer with its number"),
        ("https://models.example.com/v1", "https://models.example.com/v2"),
        ("model: small-1", "model: small-2"),
        ("secret:models", "secret:others"),
        ("timeout: 20s", "timeout: 21s"),
        ("retries: 1", "retries: 0"),
        ("requests: 1000", "requests: 1001"),
        ("tokens: 1000000", "tokens: 1000001"),
        ("cost: 2.50", "cost: 2.51"),
        ("input: 0.15", "input: 0.16"),
        ("output: 0.6", "output: 0.61"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from} is there");
        assert_ne!(bytes(&changed), same, "{from} -> {to}");
    }
    for (from, to) in [
        ("owner: someone@example.com", "owner: someone else"),
        ("description: Every key", "description: Each key"),
        ("x-team: blue", "x-team: red"),
        ("cost: 2.50", "cost: 2.5"),
        ("timeout: 20s", "timeout: 20000ms"),
        ("memory: 64MiB", "memory: 67108864"),
        ("build: probe", "build: elsewhere"),
        ("\"", "'"),
    ] {
        assert_eq!(bytes(&text.replace(from, to)), same, "{from} -> {to}");
    }
}

/// A topology of random content, as lists of lines that may stand in any order.
struct Parts {
    spaces: Vec<Vec<String>>,
    paths: Vec<Vec<String>>,
    agents: Vec<Vec<String>>,
}

fn parts(random: &mut Random) -> Parts {
    let count = 1 + random.below(8);
    let kinds = ["UI", "IO", "DATA", "CHAT", "CALL"];
    let spaces: Vec<Vec<String>> = (0..count)
        .map(|at| {
            let kind = kinds[random.below(5)];
            let mut keys = vec![format!("name: s{at}"), format!("type: {kind}")];
            let legal = ["sys.log", "net.emit_to", "net.recv_next"];
            let some: Vec<&str> = legal.iter().copied().filter(|_| random.below(2) == 0).collect();
            if random.below(3) > 0 {
                keys.push(format!("capabilities: [{}]", some.join(", ")));
            }
            if kind == "DATA" && random.below(2) == 0 {
                keys.push(format!("path: /d/{at}"));
            }
            if random.below(2) == 0 {
                let others: Vec<String> =
                    (0..count).filter(|other| *other != at).map(|other| format!("s{other}")).collect();
                keys.push(format!(
                    "placement: {{affinity: [{}], resources: {{queue: {}}}}}",
                    others.join(", "),
                    1 + random.below(9)
                ));
            }
            if random.below(2) == 0 {
                keys.push(format!("restart: {{attempts: {}}}", 1 + random.below(9)));
            }
            keys
        })
        .collect();
    let mut paths = Vec::new();
    for from in 0..count {
        for to in (0..count).filter(|to| *to != from) {
            if random.below(3) == 0 {
                paths.push(vec![format!("from: s{from}"), format!("to: s{to}"), format!("name: p{to}")]);
            }
        }
    }
    let agents = (0..random.below(4)).map(|at| {
        vec![
            format!("name: a{at}"),
            "kind: LLM".into(),
            "endpoint: http://h".into(),
            format!("model: \"m {at}\\n\""),
        ]
    });
    Parts { spaces, paths, agents: agents.collect() }
}

/// The same content in another order and another layout.
fn write(parts: &Parts, random: &mut Random) -> String {
    let mut sections = vec![
        "apiVersion: samoza/v1\n".to_owned(),
        format!("kind: {}\n", ["Topology", "'Topology'", "\"Topology\""][random.below(3)]),
        ["metadata: {name: a}\n", "metadata:\n    name: a\n    # nobody\n    owner: me\n"][random.below(2)]
            .to_owned(),
    ];
    for (key, list) in [("spaces", &parts.spaces), ("paths", &parts.paths), ("agents", &parts.agents)] {
        let mut list = list.clone();
        random.shuffle(&mut list);
        let mut text = format!("{key}:{}\n", if list.is_empty() { " []" } else { "" });
        for mut keys in list {
            random.shuffle(&mut keys);
            if random.below(2) == 0 {
                let _ = writeln!(text, "  - {{ {} }}", keys.join(", "));
            } else {
                let _ =
                    writeln!(text, "  - {}{}", keys.join("\n    "), ["", " # said", "\n"][random.below(3)]);
            }
        }
        sections.push(text);
    }
    random.shuffle(&mut sections);
    sections.concat()
}

#[test]
fn the_same_content_has_the_same_bytes_in_any_order_and_layout() {
    let mut random = Random(2026);
    let mut different = BTreeMap::new();
    for round in 0..300 {
        let parts = parts(&mut random);
        let (one, other) = (write(&parts, &mut random), write(&parts, &mut random));
        assert_eq!(bytes(&one), bytes(&other), "round {round}:\n{one}\n---\n{other}");
        different.insert(graph(&one).hash(), round);
    }
    assert!(different.len() > 290, "{} contents", different.len());
}

#[test]
fn a_graph_knows_its_neighbours() {
    let graph = graph(&sample("everything.yaml"));
    let to = |space| graph.outgoing(&name(space)).iter().map(|path| path.to.as_str()).collect::<Vec<_>>();
    assert_eq!(to("probe"), ["store", "thinker"]);
    assert_eq!(to("panel"), ["store"]);
    assert_eq!(to("store"), [""; 0]);
    assert!(graph.space(&name("store")).is_some() && graph.space(&name("ghost")).is_none());
}

#[test]
fn mutations_of_texts_are_read_or_refused() {
    let files =
        [("everything.yaml", 0), ("space-weather.yaml", 1), ("space-thinker.yaml", 1), ("world.yaml", 2)];
    let mut random = Random(5);
    let mut reports = 0;
    for round in 0..4_000 {
        let (file, kind) = files[round % files.len()];
        let mut bytes = sample(file).into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = b"{}[]:,-#\"' \n\\xA1~"[random.below(17)],
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(1)),
                _ => {
                    let end = (at + random.below(30)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = random.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        let found = match kind {
            0 => match read::topology(&bytes, "f") {
                Ok(topology) => {
                    let spaces = BTreeMap::new();
                    let all = Application { topology: &topology, world: None, spaces: &spaces };
                    let _ = Graph::of(&topology, |_| Capabilities::NONE).bytes();
                    check(all, Mode::default())
                }
                Err(list) => list,
            },
            1 => read::space(&bytes, "f").err().unwrap_or_default(),
            _ => read::world(&bytes, "f").err().unwrap_or_default(),
        };
        assert!(found.len() <= VIOLATIONS_MAX);
        reports += usize::from(!found.is_empty());
    }
    assert!((1_000..4_000).contains(&reports), "{reports} were refused");
}

#[test]
fn ten_thousand_spaces_are_validated() {
    let mut text = String::from("apiVersion: samoza/v1\nkind: Topology\nmetadata: {name: a}\nspaces:\n");
    for at in 0..10_000 {
        let _ = writeln!(text, "  - {{name: s{at}, type: DATA, capabilities: [data.read]}}");
    }
    text.push_str("paths:\n");
    for at in 1..10_000 {
        let _ = writeln!(text, "  - {{from: s{}, to: s{at}, name: next}}", at - 1);
    }
    assert_eq!(show(&judge_with(&text, None, &BTreeMap::new(), Mode { packaged: true, strict: true })), "");
    let looped = text.replace("from: s9998, to: s9999", "from: s9998, to: s9998");
    assert_eq!(judge_with(&looped, None, &BTreeMap::new(), Mode::default()).len(), 1);
}

#[test]
fn what_is_wrong_a_thousand_times_is_not_reported_a_thousand_times() {
    let mut text = String::from(
        "apiVersion: samoza/v1\nkind: Topology\nmetadata: {name: a}\nspaces: [{name: s, type: IO}]\npaths:\n",
    );
    for at in 0..1_000 {
        let _ = writeln!(text, "  - {{from: s, to: ghost{at}, name: p{at}}}");
    }
    assert_eq!(judge_with(&text, None, &BTreeMap::new(), Mode::default()).len(), VIOLATIONS_MAX);
    let unreadable = text.replace("name: p", "name: P");
    assert_eq!(judge_with(&unreadable, None, &BTreeMap::new(), Mode::default()).len(), VIOLATIONS_MAX);
}
