//! Two hosts, frame by frame.

use super::{a, at, declaration, outputs, taken};
use crate::wire::{Carried, Frame, Part};
use crate::*;
use std::string::ToString;
use std::vec::Vec;

/// `a` on the host `left`, `b` on `right`, and the path `p` between them.
fn pair() -> (Mesh, Mesh) {
    let mut hosts = ["left", "right"].map(|host| {
        let mut mesh = Mesh::new("app", host, 7).unwrap();
        mesh.declare(&declaration(&[("a", "p", "b")]), at(0)).unwrap();
        mesh
    });
    let [left, right] = &mut hosts;
    left.peer_up("right", 7, at(0)).unwrap();
    right.peer_up("left", 7, at(0)).unwrap();
    left.start(a("a"), at(0)).unwrap();
    right.place(a("a"), "left", at(0)).unwrap();
    right.start(a("b"), at(0)).unwrap();
    left.place(a("b"), "right", at(0)).unwrap();
    hosts.into()
}

type Frames = Vec<(Subject, Vec<u8>)>;

fn frames(mesh: &mut Mesh) -> Frames {
    let published = |output| match output {
        Output::Publish { subject, frame } => Some((subject, frame)),
        _ => None,
    };
    outputs(mesh).into_iter().filter_map(published).collect()
}

fn give(mesh: &mut Mesh, frames: &[(Subject, Vec<u8>)]) {
    for (subject, frame) in frames {
        mesh.deliver(subject, frame, at(0)).unwrap();
    }
}

fn send(mesh: &mut Mesh, body: &[u8]) {
    mesh.emit(a("a"), "p", body, at(0)).unwrap();
}

#[test]
fn a_message_crosses_and_its_credit_returns() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    let out = frames(&mut left);
    assert_eq!(
        out.iter().map(|(subject, _)| subject.to_string()).collect::<Vec<_>>(),
        ["z.app.left.right.p"]
    );
    give(&mut right, &out);
    give(&mut left, &frames(&mut right));
    assert_eq!(
        left.paths.values().map(|path| path.messages.owned.used_messages).sum::<u32>(),
        1,
        "not taken yet"
    );
    assert_eq!(taken(&mut right, a("b")).unwrap(), b"1");
    give(&mut left, &frames(&mut right));
    let stats = left.stats("a", "p").unwrap().messages;
    assert_eq!((stats.sent, stats.queued), (1, 1), "it is in process");
    assert_eq!(left.paths.values().map(|path| path.messages.owned.used_messages).sum::<u32>(), 0);
    right.finish(a("b"), at(0)).unwrap();
    give(&mut left, &frames(&mut right));
    assert_eq!(left.stats("a", "p").unwrap().messages.queued, 0);
    assert_eq!((left.outgoing.len(), frames(&mut left).len()), (0, 0));
}

#[test]
fn answers_cross_back() {
    let (mut left, mut right) = pair();
    send(&mut left, b"?");
    give(&mut right, &frames(&mut left));
    let question = right.take(a("b"), 9, at(0)).unwrap().id;
    right.emit(a("b"), "@sender", b"!", at(0)).unwrap();
    give(&mut left, &frames(&mut right));
    let answer = left.take(a("a"), 9, at(0)).unwrap();
    assert_eq!((&*answer.body, answer.answers), (b"!".as_slice(), Some(question)));
}

#[test]
fn repeated_and_reordered_frames_are_one_message_each_in_order() {
    let (mut left, mut right) = pair();
    for body in [b"1", b"2", b"3"] {
        send(&mut left, body);
    }
    let out = frames(&mut left);
    for at_frame in [2, 0, 0, 2, 1, 0, 1, 2] {
        give(&mut right, &out[at_frame..=at_frame]);
    }
    let all: Vec<_> = core::iter::from_fn(|| taken(&mut right, a("b"))).collect();
    assert_eq!(all, [b"1", b"2", b"3"]);
    give(&mut right, &out);
    assert_eq!(taken(&mut right, a("b")), None, "done is done");
}

#[test]
fn lost_frames_are_sent_again() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    assert_eq!(frames(&mut left).len(), 1);
    left.tick(at(limits::RETRY_NANOSECONDS - 1));
    assert_eq!(frames(&mut left).len(), 0);
    left.tick(at(limits::RETRY_NANOSECONDS));
    let again = frames(&mut left);
    give(&mut right, &again);
    let lost = frames(&mut right);
    assert_eq!((again.len(), lost.len()), (1, 1));
    // What says so was lost: asked again, the receiver says it again.
    left.tick(at(10 * limits::RETRY_NANOSECONDS));
    give(&mut right, &frames(&mut left));
    give(&mut left, &frames(&mut right));
    assert_eq!(taken(&mut right, a("b")).unwrap(), b"1");
    assert_eq!(taken(&mut right, a("b")), None);
}

#[test]
fn a_new_run_of_the_receivers_host_gets_what_was_not_done() {
    let (mut left, mut right) = pair();
    for body in [b"1", b"2", b"3"] {
        send(&mut left, body);
    }
    give(&mut right, &frames(&mut left));
    taken(&mut right, a("b"));
    taken(&mut right, a("b"));
    let old = frames(&mut right);
    give(&mut left, &old);
    let b = Instance { space: "b", number: 2 };
    let mut right = Mesh::new("app", "right", 8).unwrap();
    right.declare(&declaration(&[("a", "p", "b")]), at(0)).unwrap();
    right.peer_up("left", 7, at(0)).unwrap();
    right.start(b, at(0)).unwrap();
    right.place(a("a"), "left", at(0)).unwrap();
    left.peer_up("right", 8, at(0)).unwrap();
    assert_eq!(frames(&mut left).len(), 0, "where `b` is now is not known");
    left.place(b, "right", at(0)).unwrap();
    assert!(left.deliver(&old[0].0, &old[0].1, at(0)).is_err(), "what the old run said counts no more");
    give(&mut right, &frames(&mut left));
    let all: Vec<_> = core::iter::from_fn(|| taken(&mut right, b)).collect();
    assert_eq!(all, [b"2", b"3"]);
}

#[test]
fn a_receiver_that_moves_takes_its_messages_along() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    let before = frames(&mut left);
    give(&mut right, &before);
    right.stop(a("b"), After::Restart, at(0)).unwrap();
    let b = Instance { space: "b", number: 2 };
    right.place(b, "left", at(0)).unwrap();
    left.start(b, at(0)).unwrap();
    assert_eq!(taken(&mut left, b).unwrap(), b"1");
    left.finish(b, at(0)).unwrap();
    // And back: what was on its way to the stay before is not taken now.
    let b = Instance { space: "b", number: 3 };
    right.start(b, at(0)).unwrap();
    left.place(b, "right", at(0)).unwrap();
    assert_eq!(right.deliver(&before[0].0, &before[0].1, at(0)), Err(FrameError::NotHere("b".into())));
    assert_eq!(taken(&mut right, b), None);
}

#[test]
fn a_stay_elsewhere_that_nobody_told_of_shows_in_the_number() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    give(&mut right, &frames(&mut left));
    right.stop(a("b"), After::Restart, at(0)).unwrap();
    let b = Instance { space: "b", number: 2 };
    left.start(b, at(0)).unwrap();
    assert_eq!(taken(&mut left, b).unwrap(), b"1");
    left.finish(b, at(0)).unwrap();
    let b = Instance { space: "b", number: 3 };
    right.start(b, at(0)).unwrap();
    assert_eq!(taken(&mut right, b), None, "it was done on the other host");
    super::audit::audit(&right);
}

#[test]
fn what_was_done_before_a_stay_elsewhere_is_not_given_again() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    send(&mut left, b"2");
    give(&mut right, &frames(&mut left));
    assert_eq!(taken(&mut right, a("b")).unwrap(), b"1");
    assert_eq!(taken(&mut right, a("b")).unwrap(), b"2", "the first is done by that");
    // What tells of it is lost, and so is that instance 2 ran here, and not elsewhere.
    frames(&mut right);
    right.stop(a("b"), After::Restart, at(0)).unwrap();
    let b = Instance { space: "b", number: 3 };
    right.start(b, at(0)).unwrap();
    left.place(b, "right", at(0)).unwrap();
    left.tick(at(limits::RETRY_NANOSECONDS));
    give(&mut right, &frames(&mut left));
    give(&mut left, &frames(&mut right));
    left.tick(at(10 * limits::RETRY_NANOSECONDS));
    give(&mut right, &frames(&mut left));
    let all: Vec<_> = core::iter::from_fn(|| taken(&mut right, b)).collect();
    assert_eq!(all, [b"2"]);
    super::audit::audit(&right);
}

#[test]
fn another_path_of_the_same_name_is_another() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    let mut declared = declaration(&[("a", "p", "c")]);
    declared.spaces.push("b".into());
    right.declare(&declared, at(0)).unwrap();
    right.start(a("c"), at(0)).unwrap();
    let (subject, frame) = frames(&mut left).remove(0);
    assert!(matches!(right.deliver(&subject, &frame, at(0)), Err(FrameError::NoSuchPath { .. })));
    assert_eq!((taken(&mut right, a("c")), taken(&mut right, a("b"))), (None, None));
}

#[test]
fn a_path_that_is_declared_again_is_another() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    let out = frames(&mut left);
    give(&mut right, &out);
    assert_eq!(taken(&mut right, a("b")).unwrap(), b"1");
    let mut declared = declaration(&[("a", "p", "b")]);
    let path = declared.paths.pop().unwrap();
    declared.revision = 1;
    right.declare(&declared, at(0)).unwrap();
    (declared.revision, declared.paths) = (2, [path].into());
    right.declare(&declared, at(0)).unwrap();
    assert!(matches!(
        right.deliver(&out[0].0, &out[0].1, at(0)),
        Err(FrameError::OldRevision { since: 2, .. })
    ));
    declared.revision = 1;
    assert_eq!(right.declare(&declared, at(0)), Err(DeclareError::Older { revision: 1, newest: 2 }));
}

#[test]
fn what_nobody_declared_is_refused() {
    let (mut left, mut right) = pair();
    send(&mut left, b"1");
    let (subject, bytes) = frames(&mut left).remove(0);
    let mut refused = |subject: &Subject, bytes: &[u8]| right.deliver(subject, bytes, at(0)).unwrap_err();
    let with = |change: &dyn Fn(&mut Subject)| {
        let mut subject = subject.clone();
        change(&mut subject);
        subject
    };
    assert!(matches!(refused(&with(&|s| s.path = "q".into()), &bytes), FrameError::NoSuchPath { .. }));
    assert!(matches!(refused(&with(&|s| s.source = "other".into()), &bytes), FrameError::Stranger { .. }));
    assert!(matches!(refused(&with(&|s| s.destination = "left".into()), &bytes), FrameError::NotForUs(_)));
    assert!(matches!(refused(&with(&|s| s.topology = "pap".into()), &bytes), FrameError::NotForUs(_)));
    let carried = Carried {
        number: 1,
        first: 1,
        receiver: 1,
        id: (1, 1),
        answers: None,
        only: None,
        age: 0,
        time: 0,
        body: b"x",
    };
    let frame = |from: &str, carried| {
        Frame {
            incarnation: 7,
            revision: 0,
            from,
            to: "b",
            answers: false,
            stream: 1,
            part: Part::Message(carried),
        }
        .encode()
    };
    assert!(
        matches!(refused(&subject, &frame("b", carried)), FrameError::NoSuchPath { .. }),
        "against the path"
    );
    assert!(matches!(refused(&subject, &frame("x", carried)), FrameError::NoSuchPath { .. }));
    assert!(matches!(
        refused(&subject, &frame("a", Carried { first: 0, ..carried })),
        FrameError::Unreadable(_)
    ));
    assert!(matches!(
        refused(&subject, &frame("a", Carried { first: 2, ..carried })),
        FrameError::Unreadable(_)
    ));
    let large = std::vec![0; limits::MESSAGE_BYTES_MAX as usize + 1];
    let too_large = Carried { body: &large, ..carried };
    assert!(matches!(refused(&subject, &frame("a", too_large)), FrameError::Unreadable(_)));
    assert_eq!(right.waiting("b"), 0);
}

#[test]
fn a_host_cannot_send_beyond_its_credit() {
    let (_, mut right) = pair();
    let subject = Subject::parse("z.app.left.right.p").unwrap();
    for number in 1..=u64::from(limits::PATH_MESSAGES) + 5 {
        let carried = Carried {
            number,
            first: 1,
            receiver: 1,
            id: (1, number),
            answers: None,
            only: None,
            age: 0,
            time: 0,
            body: b"x",
        };
        let frame = Frame {
            incarnation: 7,
            revision: 0,
            from: "a",
            to: "b",
            answers: false,
            stream: 1,
            part: Part::Message(carried),
        };
        let taken = right.deliver(&subject, &frame.encode(), at(0));
        let is_first_beyond = number == u64::from(limits::PATH_MESSAGES) + 1;
        assert_eq!(
            taken == Err(FrameError::NoRoom("left".into())),
            is_first_beyond,
            "later ones are out of order"
        );
        assert_eq!(right.waiting("b") as u64, number.min(u64::from(limits::PATH_MESSAGES)));
        super::audit::audit(&right);
    }
}

#[test]
fn a_host_cannot_claim_what_is_not_so() {
    let (mut left, _) = pair();
    send(&mut left, b"1");
    let path = left.spaces[&left.by_name["a"]].paths["p"];
    let subject = Subject::parse("z.app.right.left.p").unwrap();
    let progress = |of, stream, from, [accepted, taken, done]: [u64; 3]| {
        let part = Part::Progress { of, accepted, taken, done };
        Frame { incarnation: 7, revision: 0, from, to: "b", answers: false, stream, part }.encode()
    };
    for (frame, is_taken) in [
        (progress(6, path, "a", [1, 1, 1]), false),
        (progress(7, path + 9, "a", [1, 1, 1]), false),
        (progress(7, path, "b", [1, 1, 1]), false),
        (progress(7, path, "a", [0, 0, 0]), true),
    ] {
        assert_eq!(left.deliver(&subject, &frame, at(0)).is_ok(), is_taken);
        assert_eq!(left.stats("a", "p").unwrap().messages.queued, 1);
        super::audit::audit(&left);
    }
    left.deliver(&subject, &progress(7, path, "a", [u64::MAX; 3]), at(0)).unwrap();
    super::audit::audit(&left);
    assert_eq!(left.stats("a", "p").unwrap().messages.queued, 0);
}

#[test]
fn no_bytes_make_a_mesh_fail() {
    let (mut left, mut right) = pair();
    send(&mut left, b"some bytes");
    let (subject, whole) = frames(&mut left).remove(0);
    let mut random = super::random::Random::new(1);
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.below(4) {
            let at_byte = random.below(bytes.len() as u64) as usize;
            bytes[at_byte] = random.below(256) as u8;
        }
        bytes.truncate(random.below(2 * whole.len() as u64) as usize);
        right.deliver(&subject, &bytes, at(0)).ok();
    }
    super::audit::audit(&right);
    assert!(
        right.deliver(&subject, &[whole, [0].into()].concat(), at(0)).is_err(),
        "nothing follows a frame"
    );
}
