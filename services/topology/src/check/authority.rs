//! What a space may do: need within request within grant, each within its type.

use alloc::format;
use alloc::vec::Vec;

use sci::guest::{GuestCapability, SpaceType};

use crate::capabilities::Capabilities;
use crate::check::{Application, Found, Mode};
use crate::place::{Located, Place};
use crate::rules::{self, Rule};
use crate::space::{ChatModel, Role, SpaceManifest};
use crate::topology::Space;
use crate::violation::Violation;

pub(super) fn check(application: Application<'_>, mode: Mode, found: &mut Found<'_>) {
    let added = application.topology.added_by_paths();
    for space in &application.topology.spaces {
        let name = &space.name.value;
        let added = added.get(name).copied().unwrap_or_default();
        let facts = application.spaces.get(name);
        let manifest = facts.and_then(|facts| facts.manifest.as_ref());
        let inherited = match facts {
            Some(facts) if !mode.packaged => facts.inherited,
            _ => Capabilities::NONE,
        };
        let grant = space.stated(inherited).union(added);
        let stated_request = manifest.and_then(|manifest| manifest.capabilities.as_ref());
        let request = stated_request.map_or(grant, |stated| {
            stated.iter().map(|capability| capability.value).collect::<Capabilities>().union(added)
        });
        for list in [space.capabilities.as_ref(), stated_request].into_iter().flatten() {
            legal(space, list, mode, found);
        }
        if let Some(list) = stated_request {
            exceeds(space, list, grant, found);
        }
        if let Some(needs) = facts.and_then(|facts| facts.needs) {
            let (rule, place) = match manifest {
                Some(manifest) if stated_request.is_some() => {
                    (rules::NEED_NOT_REQUESTED, &manifest.name.place)
                }
                _ => (rules::NEED_NOT_GRANTED, space.place()),
            };
            needed(space, place, (needs, request), rule, mode, found);
        }
        if let Some(manifest) = manifest {
            same_space(space, manifest, found);
            own_names(manifest, found);
        }
    }
}

/// Capabilities of the space's type only, and under strictness of `samoza/v1` only.
fn legal(space: &Space, list: &[Located<GuestCapability>], mode: Mode, found: &mut Found<'_>) {
    for capability in list {
        judge(space, capability.value, &capability.place, "has", mode, found);
    }
}

fn judge(
    space: &Space,
    capability: GuestCapability,
    place: &Place,
    verb: &str,
    mode: Mode,
    found: &mut Found<'_>,
) -> bool {
    let name = &space.name.value;
    let legal = Capabilities::of_type(space.kind).has(capability);
    if !legal {
        let holds = |kind: &&SpaceType| Capabilities::of_type(**kind).has(capability);
        let types: Vec<&str> = SpaceType::ALL.iter().filter(holds).map(|kind| kind.name()).collect();
        let (this, types) = (space.kind.name(), types.join(", "));
        let message = format!("it is of type {this} and {verb} `{}`, which needs {types}", capability.name());
        found.add(Violation::new(rules::CAPABILITY_OF_ANOTHER_TYPE, place, message).of(name));
    }
    if mode.strict && capability.is_extension() {
        let message = format!("it {verb} `{}`, which is not of `samoza/v1`", capability.name());
        found.add(Violation::new(rules::EXTENSION_CAPABILITY, place, message).of(name));
    }
    legal
}

/// What is requested beyond the grant, each where it is requested.
fn exceeds(space: &Space, list: &[Located<GuestCapability>], grant: Capabilities, found: &mut Found<'_>) {
    for capability in list.iter().filter(|capability| !grant.has(capability.value)) {
        let message =
            format!("it requests `{}`, which the topology does not grant it", capability.value.name());
        let violation = Violation::new(rules::REQUEST_NOT_GRANTED, &capability.place, message);
        found.add(violation.of(&space.name.value));
    }
}

/// What code needs beyond the request; `rule` says whose statement the request is.
fn needed(
    space: &Space,
    place: &Place,
    (needs, request): (Capabilities, Capabilities),
    rule: Rule,
    mode: Mode,
    found: &mut Found<'_>,
) {
    for capability in needs.iter() {
        if judge(space, capability, place, "imports what needs", mode, found) && !request.has(capability) {
            let whose = if rule == rules::NEED_NOT_REQUESTED {
                "its `space.yaml` does not request"
            } else {
                "the topology does not grant it"
            };
            let message = format!("its code needs `{}`, which {whose}", capability.name());
            found.add(Violation::new(rule, place, message).of(&space.name.value));
        }
    }
}

fn same_space(space: &Space, manifest: &SpaceManifest, found: &mut Found<'_>) {
    let name = &space.name.value;
    if manifest.name.value != *name {
        let message = format!("its `space.yaml` is that of `{}`", manifest.name.value);
        found.add(Violation::new(rules::SPACE_DIFFERS, &manifest.name.place, message).of(name));
    }
    let (said, kind) = (manifest.role.kind().name(), space.kind.name());
    if said != kind {
        let message = format!("its `space.yaml` says {said}, the topology says {kind}");
        found.add(Violation::new(rules::SPACE_DIFFERS, &manifest.kind_place, message).of(name));
    }
}

/// What a space declares under a name, it declares once; what it invokes by name is one agent.
fn own_names(manifest: &SpaceManifest, found: &mut Found<'_>) {
    let name = Some(&manifest.name.value);
    found.unique(rules::DUPLICATE_EVENT, "the event", manifest.events.iter(), name);
    match &manifest.role {
        Role::Io(devices) => {
            for (what, list) in [("the sensor", &devices.sensors), ("the actuator", &devices.actuators)] {
                found.unique(rules::DUPLICATE_DEVICE, what, list.iter().map(|device| &device.id), name);
            }
        }
        Role::Chat(chat) => {
            if let ChatModel::Own { name: own, .. } = &chat.model {
                shadows(own, manifest, found);
            }
        }
        Role::Call(services) => {
            let names = services.iter().map(|service| &service.name);
            found.unique(rules::DUPLICATE_AGENT, "the service", names, name);
            for service in services {
                shadows(&service.name, manifest, found);
            }
        }
        Role::Ui | Role::Data(_) => {}
    }
}

/// Refuses a name that an agent of the topology has.
fn shadows(own: &Located<crate::name::Name>, manifest: &SpaceManifest, found: &mut Found<'_>) {
    if let Some(agent) = found.index.agents.get(&own.value) {
        let message = format!("`{}` is an agent of the topology, too: at {}", own.value, agent.name.place);
        let violation = Violation::new(rules::DUPLICATE_AGENT, &own.place, message);
        found.add(violation.of(&manifest.name.value));
    }
}
