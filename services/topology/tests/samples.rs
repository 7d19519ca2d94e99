//! What the source documents show is valid, unchanged.
#![cfg(feature = "yaml")]

mod common;

use std::collections::BTreeMap;

use common::{judge, judge_with, name, sample, show, topology};
use sci::guest::{GuestCapability, SpaceType};
use services_topology::capabilities::Capabilities;
use services_topology::check::{Mode, SpaceFacts};
use services_topology::graph::Graph;
use services_topology::read;
use services_topology::space::{ChatModel, Role};

const LOOSE: Mode = Mode { packaged: false, strict: true };
const PACKAGED: Mode = Mode { packaged: true, strict: true };

#[test]
fn both_topologies_of_the_sources_are_valid() {
    assert_eq!(show(&judge(&sample("hello-samoza.yaml"), LOOSE)), "");
    assert_eq!(show(&judge(&sample("my-app.yaml"), PACKAGED)), "");
    assert_eq!(show(&judge(&sample("my-app.yaml"), LOOSE)), "");
}

#[test]
fn the_list_of_spaces_of_the_sources_is_valid() {
    let head = "apiVersion: samoza/v1\nkind: Topology\nmetadata: {name: a}\n";
    let text = format!("{head}{}", sample("store-capabilities.yaml"));
    for mode in [LOOSE, PACKAGED] {
        assert_eq!(show(&judge(&text, mode)), "");
    }
}

#[test]
fn the_world_of_the_sources_is_valid_with_its_topology() {
    let found =
        judge_with(&sample("my-app.yaml"), Some(&sample("factory-floor.yaml")), &BTreeMap::new(), PACKAGED);
    assert_eq!(show(&found), "");
}

#[test]
fn paths_add_what_they_need_to_the_grants() {
    let graph = Graph::of(&topology(&sample("my-app.yaml")), |_| Capabilities::NONE);
    let grant = |space| graph.space(&name(space)).expect("there").grant.names();
    assert_eq!(grant("dashboard"), "`sys.log`, `net.emit_to`");
    assert_eq!(grant("store"), "`sys.log`, `net.recv_next`, `data.read`, `data.write`");
    assert_eq!(grant("camera"), "`sys.log`, `net.emit_to`, `sensors.subscribe`");
}

#[test]
fn capabilities_that_are_not_stated_are_those_of_the_space_s_package() {
    let topology = topology(&sample("hello-samoza.yaml"));
    let own = Capabilities::NONE.with(GuestCapability::DataRead);
    let graph = Graph::of(&topology, |space| if *space == name("store") { own } else { Capabilities::NONE });
    assert_eq!(graph.space(&name("store")).expect("there").grant.names(), "`net.recv_next`, `data.read`");

    // What the package grants covers what the code needs, in a loose topology only.
    let facts = SpaceFacts { needs: Some(own), inherited: own, ..SpaceFacts::default() };
    let spaces = BTreeMap::from([(name("store"), facts)]);
    let ids = |mode| {
        let found = judge_with(&sample("hello-samoza.yaml"), None, &spaces, mode);
        found.iter().map(|violation| violation.rule.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(LOOSE), [""; 0]);
    assert_eq!(ids(PACKAGED), ["source-in-package", "need-not-granted", "source-in-package"]);
}

/// What is known of the spaces of `everything.yaml`.
fn manifests() -> BTreeMap<services_topology::name::Name, SpaceFacts> {
    let names = ["panel", "probe", "store", "thinker", "weather"];
    let facts = names.map(|space| {
        let file = format!("space-{space}.yaml");
        let manifest =
            read::space(sample(&file).as_bytes(), &file).unwrap_or_else(|list| panic!("{}", show(&list)));
        (name(space), SpaceFacts { manifest: Some(manifest), ..SpaceFacts::default() })
    });
    facts.into_iter().collect()
}

#[test]
fn every_key_is_read() {
    let text = sample("everything.yaml");
    let world = sample("world.yaml");
    let mode = Mode::default();
    assert_eq!(show(&judge_with(&text, Some(&world), &manifests(), mode)), "");

    let topology = topology(&text);
    assert_eq!(topology.owner.as_deref(), Some("someone@example.com"));
    let probe = &topology.spaces[1];
    assert_eq!(probe.placement.resources.cpu_thousandths, Some(250));
    assert_eq!(probe.placement.resources.memory_bytes, Some(64 << 20));
    assert_eq!(probe.restart.backoff_most_milliseconds, 5_000);
    assert_eq!(topology.agents.len(), 3);
}

#[test]
fn sections_of_every_type_are_read() {
    let manifests = manifests();
    let role = |space| &manifests[&name(space)].manifest.as_ref().expect("there").role;
    assert_eq!(role("panel").kind(), SpaceType::Ui);
    let Role::Io(devices) = role("probe") else { panic!() };
    assert_eq!((devices.sensors.len(), devices.actuators.len()), (1, 1));
    let Role::Data(persistence) = role("store") else { panic!() };
    assert_eq!((persistence.quota_bytes, persistence.ephemeral), (Some(16 << 20), false));
    let Role::Chat(chat) = role("thinker") else { panic!() };
    assert!(matches!(&chat.model, ChatModel::Agent(agent) if agent.value == name("small")));
    assert!(chat.embedding.is_some());
    let Role::Call(services) = role("weather") else { panic!() };
    assert_eq!(services[0].limits.per_minute, 30);
    assert_eq!(services[0].headers[0].0.as_str(), "accept");
    assert_eq!(services[0].key.as_ref().map(|(_, header)| header.as_str()), Some("x-key"));

    let own = read::space(sample("space-thinker-own-model.yaml").as_bytes(), "space.yaml").expect("valid");
    assert!(
        matches!(own.role, Role::Chat(chat) if matches!(&chat.model, ChatModel::Own { name: own, .. } if own.value == name("local")))
    );
}

#[test]
fn what_code_needs_is_held_against_request_and_grant() {
    use GuestCapability as C;
    let set = |list: &[C]| list.iter().copied().collect::<Capabilities>();
    let ids = |needs: &[C]| {
        let mut spaces = manifests();
        spaces.get_mut(&name("probe")).expect("there").needs = Some(set(needs));
        let found =
            judge_with(&sample("everything.yaml"), Some(&sample("world.yaml")), &spaces, Mode::default());
        found.iter().map(|violation| violation.rule.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[C::SensorsRead, C::SysLog, C::NetEmitTo]), [""; 0], "requested, and added by a path");
    assert_eq!(ids(&[C::SensorsSubscribe]), ["need-not-requested"], "granted and not requested");
    assert_eq!(ids(&[C::NetRecvNext]), ["need-not-requested"], "no path leads there");
    assert_eq!(ids(&[C::DataRead]), ["capability-of-another-type"], "not to be had by its type");
}
