//! Events: who gets them, in which order, and what is missed.

use super::disk::Disk;
use super::{a, at, declaration, outputs, running, taken};
use crate::*;
use sci::guest::ErrorCode;
use std::vec;
use std::vec::Vec;

fn event(from: &str, name: &str) -> EventDeclaration {
    EventDeclaration { from: from.into(), name: name.into() }
}

fn declared() -> Declaration {
    let events = vec![event("a", "motion"), event("c", "motion"), event("a", "light")];
    Declaration { events, ..declaration(&[("a", "p", "b"), ("b", "q", "c")]) }
}

/// What the next message says of itself, where it is an event.
fn missed(mesh: &mut Mesh, by: Instance<'_>) -> Option<(Vec<u8>, u64)> {
    let message = mesh.take(by, usize::MAX, at(0)).ok()?;
    Some((message.body.to_vec(), message.event?.missed))
}

#[test]
fn events_go_to_all_who_asked_for_them() {
    let mut mesh = running(&declared());
    mesh.publish(a("a"), "motion", b"nobody asked", at(0)).unwrap();
    mesh.subscribe(a("b"), "motion", at(0)).unwrap();
    mesh.subscribe(a("b"), "motion", at(0)).unwrap();
    mesh.subscribe(a("c"), "motion", at(0)).unwrap();
    mesh.publish(a("a"), "motion", b"1", at(2_000_000)).unwrap();
    mesh.publish(a("a"), "light", b"2", at(2_000_000)).unwrap();
    mesh.publish(a("c"), "motion", b"3", at(2_000_000)).unwrap();
    let ready = |space: &str| Output::Ready { space: space.into(), instance: 1 };
    assert_eq!(outputs(&mut mesh), [ready("b"), ready("c")]);
    assert_eq!(mesh.waiting("b"), 2);
    let message = mesh.take(a("b"), 10, at(0)).unwrap();
    let info = r#"{"from":"a#1","path":"@events/motion","id":null,"answers":null,"time":1000002,"missed":0}"#;
    assert_eq!((&*message.body, message.info().as_str()), (b"1".as_slice(), info));
    assert_eq!(mesh.emit(a("b"), "@sender", b"!", at(0)), Err(EmitError::NothingInProcess));
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"3");
    assert_eq!(taken(&mut mesh, a("b")), None);
    let stats = mesh.event_stats("a", "motion").unwrap();
    assert_eq!(stats, EventStats { published: 2, queued: 2, dropped: 0 });
}

#[test]
fn only_what_is_declared_is_emitted_or_asked_for() {
    let mut mesh = running(&declared());
    let undeclared = mesh.publish(a("b"), "motion", b"", at(0)).unwrap_err();
    assert!(undeclared.is_violation());
    assert_eq!(undeclared.code(), ErrorCode::Denied);
    let text = "`a` emitted `smoke`, which is not among its `events:`; they are `light`, `motion`";
    assert_eq!(std::format!("{}", mesh.publish(a("a"), "smoke", b"", at(0)).unwrap_err()), text);
    let unknown = mesh.subscribe(a("b"), "smoke", at(0)).unwrap_err();
    assert_eq!((unknown.code(), unknown), (ErrorCode::NotFound, EventError::Unknown("smoke".into())));
    let large = vec![0; limits::MESSAGE_BYTES_MAX as usize + 1];
    assert_eq!(mesh.publish(a("a"), "motion", &large, at(0)).unwrap_err().code(), ErrorCode::TooLarge);
    let elsewhere = Instance { space: "a", number: 2 };
    assert_eq!(mesh.publish(elsewhere, "motion", b"", at(0)).unwrap_err().code(), ErrorCode::Closed);
    let refused = |events: Vec<EventDeclaration>| Declaration { events, ..declared() }.check().unwrap_err();
    assert!(matches!(refused(vec![event("d", "x")]), DeclareError::NoEmitter { .. }));
    assert!(matches!(refused(vec![event("a", "x"), event("a", "x")]), DeclareError::EventTwice { .. }));
    assert!(matches!(refused(vec![event("a", "X")]), DeclareError::Name { what: "event", .. }));
}

#[test]
fn messages_and_events_come_in_the_order_in_which_they_came() {
    let mut mesh = running(&declared());
    mesh.subscribe(a("b"), "motion", at(0)).unwrap();
    let say = |mesh: &mut Mesh, body: &str| match body.len() {
        1 => drop(mesh.emit(a("a"), "p", body.as_bytes(), at(0)).unwrap()),
        _ => mesh.publish(a("a"), "motion", body.as_bytes(), at(0)).unwrap(),
    };
    let order = ["e1", "m", "n", "e2", "e3", "o"];
    for body in order {
        say(&mut mesh, body);
    }
    assert_eq!(mesh.take(a("b"), 1, at(0)), Err(TakeError::Short { needed: 2 }));
    for body in order {
        assert_eq!(taken(&mut mesh, a("b")).unwrap(), body.as_bytes());
        super::audit::audit(&mesh);
    }
    // What was in process when an event was taken is done.
    say(&mut mesh, "x");
    say(&mut mesh, "e4");
    taken(&mut mesh, a("b"));
    taken(&mut mesh, a("b"));
    mesh.start(Instance { space: "b", number: 2 }, at(0)).unwrap();
    assert_eq!(mesh.waiting("b"), 0);
}

#[test]
fn who_is_slow_misses_some_and_is_told_how_many() {
    let mut mesh = running(&declared());
    mesh.subscribe(a("b"), "motion", at(0)).unwrap();
    for _ in 0..limits::EVENTS_MAX + 5 {
        mesh.publish(a("a"), "motion", b"x", at(0)).unwrap();
    }
    let stats = mesh.event_stats("a", "motion").unwrap();
    assert_eq!((stats.queued, stats.dropped), (limits::EVENTS_MAX as u64, 5));
    assert_eq!(missed(&mut mesh, a("b")), Some((b"x".to_vec(), 0)));
    mesh.publish(a("a"), "motion", b"y", at(0)).unwrap();
    for _ in 1..limits::EVENTS_MAX {
        assert_eq!(missed(&mut mesh, a("b")), Some((b"x".to_vec(), 0)));
    }
    assert_eq!(missed(&mut mesh, a("b")), Some((b"y".to_vec(), 5)));
    let large = vec![0; limits::MESSAGE_BYTES_MAX as usize];
    for _ in 0..20 {
        mesh.publish(a("a"), "motion", &large, at(0)).unwrap();
    }
    assert_eq!(mesh.waiting("b"), 16, "bytes are bounded, too");
    super::audit::audit(&mesh);
}

#[test]
fn a_subscription_ends_with_its_instance() {
    let mut mesh = running(&declared());
    mesh.subscribe(a("b"), "motion", at(0)).unwrap();
    mesh.publish(a("a"), "motion", b"1", at(0)).unwrap();
    let second = Instance { space: "b", number: 2 };
    mesh.start(second, at(0)).unwrap();
    mesh.publish(a("a"), "motion", b"2", at(0)).unwrap();
    assert_eq!(taken(&mut mesh, second), None);
    mesh.subscribe(second, "motion", at(0)).unwrap();
    let without = Declaration { events: vec![event("a", "light")], ..declared() };
    mesh.declare(&without, at(0)).unwrap();
    super::audit::audit(&mesh);
    assert!(mesh.publish(a("a"), "motion", b"3", at(0)).unwrap_err().is_violation());
    mesh.declare(&declared(), at(0)).unwrap();
    mesh.publish(a("a"), "motion", b"4", at(0)).unwrap();
    assert_eq!(taken(&mut mesh, second), None, "an event that is declared again is another");
    mesh.subscribe(second, "motion", at(0)).unwrap();
    mesh.publish(a("a"), "motion", b"5", at(0)).unwrap();
    mesh.declare(&declaration(&[("a", "p", "c")]), at(0)).unwrap();
    super::audit::audit(&mesh);
}

#[test]
fn events_reach_other_hosts_once_and_in_order() {
    let mut here = running(&declared());
    let mut there = Mesh::new("app", "there", 1).unwrap();
    there.declare(&declared(), at(0)).unwrap();
    let new = Instance { space: "b", number: 2 };
    there.start(new, at(0)).unwrap();
    here.peer_up("there", 1, at(0)).unwrap();
    here.place(new, "there", at(0)).unwrap();
    there.peer_up("here", 1, at(0)).unwrap();
    there.subscribe(new, "motion", at(0)).unwrap();
    let publish = |here: &mut Mesh, body: &[u8]| {
        here.publish(a("a"), "motion", body, at(0)).unwrap();
        match outputs(here).remove(0) {
            Output::Publish { subject, frame } => (subject, frame),
            other => panic!("{other:?}"),
        }
    };
    let frames: Vec<_> = [b"1", b"2", b"3", b"4"].map(|body| publish(&mut here, body)).into();
    let (subject, frame) = &frames[0];
    let unknown = there.deliver(subject, frame, at(0)).unwrap_err();
    assert!(matches!(unknown, FrameError::NotFrom { .. }), "it is not known to be there: {unknown}");
    there.place(a("a"), "here", at(0)).unwrap();
    for at_frame in [0, 0, 2, 1, 3, 2] {
        let (subject, frame) = &frames[at_frame];
        there.deliver(subject, frame, at(0)).unwrap();
    }
    let seen: Vec<_> = core::iter::from_fn(|| missed(&mut there, new)).collect();
    assert_eq!(seen, [(b"1".to_vec(), 0), (b"3".to_vec(), 1), (b"4".to_vec(), 0)]);
    super::audit::audit(&there);
}

#[test]
fn a_subscription_outlives_its_host_with_its_instance() {
    let mut mesh = running(&declared());
    let disk = Disk::new(1, 0, 0);
    mesh.keep_in(disk.boxed()).unwrap();
    mesh.subscribe(a("b"), "motion", at(0)).unwrap();
    mesh.subscribe(a("c"), "motion", at(0)).unwrap();
    mesh.emit(a("a"), "p", b"message", at(0)).unwrap();
    mesh.publish(a("a"), "motion", b"lost", at(0)).unwrap();
    taken(&mut mesh, a("b"));
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"lost");
    mesh.publish(a("a"), "motion", b"lost, too", at(0)).unwrap();
    drop(mesh);
    let running = [a("a"), a("b")];
    let recovery =
        Recovery { topology: "app", host: "here", tail: Tail::Short, running: &running, time: at(0) };
    let mut mesh = disk.recover(recovery);
    super::audit::audit(&mesh);
    assert_eq!(taken(&mut mesh, a("b")), None, "the message was done when the event was taken");
    mesh.publish(a("a"), "motion", b"next", at(0)).unwrap();
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"next");
    let second = Instance { space: "c", number: 2 };
    mesh.start(second, at(0)).unwrap();
    assert_eq!(taken(&mut mesh, second), None);
}
