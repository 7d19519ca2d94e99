//! Spaces, paths, placement.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use crate::check::{Found, Mode};
use crate::name::{Name, Namespace};
use crate::rules;
use crate::topology::{Path, Source, Space, Topology};
use crate::violation::Violation;

pub(super) fn check(topology: &Topology, mode: Mode, found: &mut Found<'_>) {
    found.unique(rules::DUPLICATE_SPACE, "the space", topology.spaces.iter().map(|space| &space.name), None);
    paths(&topology.paths, found);
    namespaces(&topology.spaces, found);
    for space in &topology.spaces {
        let name = &space.name.value;
        if let (true, Some(source)) = (mode.packaged, &space.source) {
            let key = match source.value {
                Source::Package(_) => "mex",
                Source::Folder(_) => "build",
            };
            let message = format!("`{key}:` inside a package");
            found.add(Violation::new(rules::SOURCE_IN_PACKAGE, &source.place, message).of(name));
        }
        near_and_far(space, found);
    }
}

fn paths(paths: &[Path], found: &mut Found<'_>) {
    let mut by_sender: BTreeMap<(&Name, &Name), &Path> = BTreeMap::new();
    for path in paths {
        let (name, from, to) = (&path.name.value, &path.from.value, &path.to.value);
        found.space(&path.from, &format!("the sender of path `{name}`"), None);
        found.space(&path.to, &format!("the receiver of path `{name}`"), None);
        if from == to {
            let message = format!("the path `{name}` leads from `{from}` to itself");
            found.add(Violation::new(rules::PATH_TO_ITSELF, &path.name.place, message).of(from));
        }
        if let Some(first) = by_sender.get(&(from, name)) {
            let message = format!("a second path `{name}`; the first is at {}", first.name.place);
            found.add(Violation::new(rules::DUPLICATE_PATH, &path.name.place, message).of(from));
        } else {
            by_sender.insert((from, name), path);
        }
    }
}

/// Sorted by segments, everything below a namespace follows it directly.
fn namespaces(spaces: &[Space], found: &mut Found<'_>) {
    let with = |space| Some((Space::effective_namespace(space)?, space));
    let mut by_segments: Vec<(Namespace, &Space)> = spaces.iter().filter_map(with).collect();
    by_segments.sort_by(|(a, _), (b, _)| a.as_str().split('/').cmp(b.as_str().split('/')));
    let mut root: Option<&(Namespace, &Space)> = None;
    for entry in &by_segments {
        let (namespace, space) = entry;
        let Some((above, holder)) = root.filter(|(above, _)| above.overlaps(namespace)) else {
            root = Some(entry);
            continue;
        };
        // A space that is there twice has a rule of its own.
        if holder.name.value != space.name.value {
            let message =
                format!("its namespace `{namespace}` overlaps `{above}` of `{}`", holder.name.value);
            let place = space.namespace.as_ref().map_or(space.place(), |namespace| &namespace.place);
            found.add(Violation::new(rules::OVERLAPPING_NAMESPACES, place, message).of(&space.name.value));
        }
    }
}

fn near_and_far(space: &Space, found: &mut Found<'_>) {
    let name = &space.name.value;
    let placement = &space.placement;
    for (key, others) in [("affinity", &placement.affinity), ("antiAffinity", &placement.anti_affinity)] {
        for other in others {
            found.space(other, &format!("one of `{key}:`"), Some(name));
            if other.value == *name {
                let message = format!("`{key}:` names the space itself");
                found.add(Violation::new(rules::AFFINITY_CONTRADICTS, &other.place, message).of(name));
            }
        }
    }
    let near: BTreeSet<&Name> = placement.affinity.iter().map(|near| &near.value).collect();
    let both = placement.anti_affinity.iter().filter(|far| far.value != *name && near.contains(&far.value));
    for other in both {
        let message = format!("it is to run with `{0}` and apart from `{0}`", other.value);
        found.add(Violation::new(rules::AFFINITY_CONTRADICTS, &other.place, message).of(name));
    }
}
