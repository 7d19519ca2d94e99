//! What holds inside a mesh at any time.

use crate::flow::{FlowId, Source};
use crate::limits;
use crate::mesh::{Mesh, Place, Space};
use std::collections::{BTreeMap, BTreeSet};

/// Fails where one of the mesh's own rules does not hold.
pub(super) fn audit(mesh: &Mesh) {
    let mut held = 0;
    let mut waiting: BTreeMap<u32, BTreeMap<u64, (FlowId, Source)>> = BTreeMap::new();
    for (id, path) in &mesh.paths {
        for answers in [false, true] {
            let (flow_id, flow) = (FlowId { path: *id, answers }, path.flow(answers));
            let (_, receiver) = path.ends(answers);
            let space = &mesh.spaces[&receiver];
            assert!(space.inbound.contains(&flow_id));
            let owned = &flow.owned;
            let out = owned.queue.entries.iter().filter(|entry| entry.credit);
            assert_eq!(out.clone().count(), owned.used_messages as usize, "credit is conserved");
            assert_eq!(out.map(|entry| entry.body.len() as u64).sum::<u64>(), owned.used_bytes);
            assert!(owned.used_messages <= path.rules.messages);
            assert!(owned.used_bytes <= u64::from(path.rules.bytes));
            assert!(!owned.starved || owned.used_messages > 0, "nobody would tell the sender");
            let numbers = owned.queue.entries.iter().map(|entry| entry.number);
            assert!(numbers.clone().eq(owned.first()..=owned.last), "no gaps");
            let queues = flow.copies.iter().map(|(stream, copies)| {
                let numbers = copies.queue.entries.iter().map(|entry| entry.number);
                assert!(numbers.eq(copies.done + 1..copies.expected));
                assert!(copies.done <= copies.taken && copies.taken < copies.expected);
                let fresh = copies.queue.entries.iter().filter(|entry| entry.deliveries == 0).count();
                assert!(
                    fresh <= path.rules.messages as usize,
                    "a copy has no more room than its sender has credit"
                );
                (Source::Copy(stream.clone()), &copies.queue)
            });
            assert!(flow.copies.len() <= limits::STREAMS_MAX);
            for (source, queue) in [(Source::Owned, &owned.queue)].into_iter().chain(queues) {
                let bytes = queue.entries.iter().map(|entry| entry.body.len() as u64).sum::<u64>();
                assert_eq!(bytes, queue.bytes);
                let given = queue.entries.iter().skip(1).find(|entry| entry.deliveries > 0);
                assert!(given.is_none(), "only the first was given");
                held += bytes;
                assert!(queue.entries.iter().is_sorted_by(|a, b| a.arrival < b.arrival));
                let current = space.current.as_ref();
                let is_current = current.is_some_and(|at| at.flow == flow_id && at.source == source);
                assert_eq!(queue.in_process, is_current);
                assert!(!is_current || queue.entries[0].id == current.unwrap().id);
                if matches!(space.place, Place::Here(_)) {
                    let may_be_taken = queue
                        .entries
                        .iter()
                        .skip(usize::from(queue.in_process))
                        .map(|entry| (entry.arrival, (flow_id, source.clone())));
                    waiting.entry(receiver).or_default().extend(may_be_taken);
                } else {
                    assert!(
                        source == Source::Owned || queue.entries.is_empty(),
                        "copies are where the space is"
                    );
                }
            }
            let leads_away = matches!(space.place, Place::There(_));
            assert_eq!(mesh.outgoing.contains(&flow_id), leads_away && !owned.queue.entries.is_empty());
        }
    }
    for space in mesh.spaces.values() {
        let bytes = space.events.iter().map(|event| event.body.len() as u64).sum::<u64>();
        assert_eq!(bytes, space.event_bytes);
        assert!(bytes <= limits::EVENT_BYTES_MAX && space.events.len() <= limits::EVENTS_MAX);
        assert!(space.events.is_empty() || space.live.is_some(), "events are of an instance");
        held += bytes;
    }
    let asked = |(id, space): (&u32, &Space)| {
        space.subscriptions.iter().map(|name| (name.clone(), *id)).collect::<Vec<_>>()
    };
    let asked: BTreeSet<_> = mesh.spaces.iter().flat_map(asked).collect();
    let subscribers =
        mesh.subscribers.iter().flat_map(|(name, all)| all.iter().map(|id| (name.clone(), *id)));
    assert_eq!(subscribers.collect::<BTreeSet<_>>(), asked);
    assert_eq!(held, mesh.held_bytes);
    assert!(held <= limits::MESH_BYTES_MAX);
    for (id, space) in &mesh.spaces {
        assert_eq!(space.waiting, waiting.remove(id).unwrap_or_default(), "{}", space.name);
        assert!(space.answerable.len() <= limits::ANSWERABLE_MAX);
        assert_eq!(space.answerable.len(), space.answerable_order.len());
        let can_take = space.live.is_some() && !(space.waiting.is_empty() && space.events.is_empty());
        assert!(!can_take || space.told, "`{}` does not know that messages wait", space.name);
    }
    assert!(mesh.dead.iter().count() <= limits::DEAD_LETTERS_MAX);
}
