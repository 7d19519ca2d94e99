//! The world, and who stands where.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;

use sci::guest::SpaceType;

use crate::check::{Application, Found};
use crate::name::LocationId;
use crate::place::Place;
use crate::rules;
use crate::violation::Violation;
use crate::world::{Location, World};

pub(super) fn check(application: Application<'_>, found: &mut Found<'_>) {
    let locations = application.world.iter().flat_map(|world| &world.locations);
    let known: BTreeSet<&LocationId> = locations.map(|location| &location.id.value).collect();
    for space in &application.topology.spaces {
        let Some(wanted) = &space.placement.location else { continue };
        if !known.contains(&wanted.value) {
            let missing = if application.world.is_some() {
                "which the world does not have"
            } else {
                "and there is no world"
            };
            let message = format!("it is to stand at `{}`, {missing}", wanted.value);
            let violation = Violation::new(rules::UNKNOWN_LOCATION, &wanted.place, message);
            found.add(violation.of(&space.name.value));
        }
    }
    if let Some(world) = application.world {
        let ids = world.locations.iter().map(|location| &location.id);
        found.unique(rules::DUPLICATE_LOCATION, "the location", ids, None);
        world.locations.iter().for_each(|location| faces(location, found));
        routes(world, &known, found);
    }
}

fn faces(location: &Location, found: &mut Found<'_>) {
    let id = &location.id.value;
    let mut seen = BTreeSet::new();
    for face in &location.faces {
        let word = face.direction.value.word();
        if !seen.insert(face.direction.value) {
            let message = format!("`{id}` has a second face to the {word}");
            found.add(Violation::new(rules::DUPLICATE_FACE, &face.direction.place, message));
        }
        let shown = found.space(&face.ui, &format!("the face of `{id}` to the {word}"), None);
        if let Some(space) = shown.filter(|space| space.kind != SpaceType::Ui) {
            let (name, kind) = (&face.ui.value, space.kind.name());
            let message = format!("the face of `{id}` to the {word} is `{name}`, a {kind} space");
            found.add(Violation::new(rules::FACE_NOT_UI, &face.ui.place, message));
        }
    }
}

fn routes(world: &World, known: &BTreeSet<&LocationId>, found: &mut Found<'_>) {
    let mut seen: BTreeMap<(&LocationId, &LocationId), &Place> = BTreeMap::new();
    for route in &world.routes {
        for end in [&route.from, &route.to] {
            if !known.contains(&end.value) {
                let message = format!("a route ends at `{}`, which the world does not have", end.value);
                found.add(Violation::new(rules::UNKNOWN_LOCATION, &end.place, message));
            }
        }
        let (from, to) = (&route.from.value, &route.to.value);
        if from == to {
            let message = format!("a route leads from `{from}` to itself");
            found.add(Violation::new(rules::ROUTE_TO_ITSELF, &route.to.place, message));
        }
        if let Some(first) = seen.insert((from.min(to), from.max(to)), &route.from.place) {
            let message = format!("a second route between `{from}` and `{to}`; the first is at {first}");
            found.add(Violation::new(rules::DUPLICATE_ROUTE, &route.from.place, message));
        }
    }
}
