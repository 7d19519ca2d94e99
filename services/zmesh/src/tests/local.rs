//! One host.

use super::{SECOND, a, at, declaration, outputs, path, reasons, running, taken};
use crate::*;
use sci::guest::ErrorCode;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

fn second(space: &str) -> Instance<'_> {
    Instance { space, number: 2 }
}

/// A mesh of one path `p` from `a` to `b` with these rules.
fn with(rules: PathRules) -> Mesh {
    let mut declared = declaration(&[]);
    declared.spaces = vec!["a".into(), "b".into()];
    declared.paths = vec![PathDeclaration { rules, ..path("a", "p", "b") }];
    running(&declared)
}

fn send(mesh: &mut Mesh, body: &[u8]) -> Result<Emitted, EmitError> {
    mesh.emit(a("a"), "p", body, at(0))
}

#[test]
fn messages_arrive_in_order_and_say_where_they_are_from() {
    let mut mesh = with(PathRules::default());
    for body in [b"1", b"2"] {
        send(&mut mesh, body).unwrap();
    }
    let ready = Output::Ready { space: "b".into(), instance: 1 };
    assert_eq!(outputs(&mut mesh), [ready], "said once");
    let message = mesh.take(a("b"), 10, at(5)).unwrap();
    assert_eq!(&*message.body, b"1");
    assert_eq!(message.info(), r#"{"from":"a#1","path":"p","id":"a#1.1","answers":null,"time":1000000}"#);
    assert_eq!(mesh.take(a("b"), 0, at(5)), Err(TakeError::Short { needed: 1 }), "nothing is consumed");
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"2");
    assert_eq!(mesh.take(a("b"), 10, at(5)), Err(TakeError::Empty));
    assert_eq!(mesh.take(a("a"), 10, at(5)), Err(TakeError::Empty), "nothing goes against a path");
}

#[test]
fn credit_returns_when_the_receiver_takes() {
    let mut mesh = with(PathRules { messages: 2, ..PathRules::default() });
    send(&mut mesh, b"1").unwrap();
    send(&mut mesh, b"2").unwrap();
    let refused = send(&mut mesh, b"3").unwrap_err();
    assert_eq!(refused.code(), ErrorCode::WouldBlock);
    assert_eq!(refused.to_string(), "`p` holds 2 messages, 2 bytes: wait until `b` takes some");
    outputs(&mut mesh);
    taken(&mut mesh, a("b"));
    assert_eq!(outputs(&mut mesh), [Output::Credit { space: "a".into(), instance: 1, path: "p".into() }]);
    send(&mut mesh, b"3").unwrap();
    assert_eq!(mesh.stats("a", "p").unwrap().messages.blocked, 1);
}

#[test]
fn bytes_are_bounded_too() {
    let mut mesh = with(PathRules { bytes: limits::MESSAGE_BYTES_MAX, ..PathRules::default() });
    let half = vec![0; limits::MESSAGE_BYTES_MAX as usize / 2];
    send(&mut mesh, &half).unwrap();
    send(&mut mesh, &half).unwrap();
    assert_eq!(send(&mut mesh, b"x").unwrap_err().code(), ErrorCode::WouldBlock);
    let whole = vec![0; limits::MESSAGE_BYTES_MAX as usize + 1];
    assert_eq!(send(&mut mesh, &whole).unwrap_err().code(), ErrorCode::TooLarge);
    assert_eq!(reasons(&mesh), [Reason::TooLarge]);
}

#[test]
fn a_host_that_is_full_tells_when_it_is_not() {
    let spaces = 300;
    let rules = PathRules { messages: 16, ..PathRules::default() };
    let to = |at| PathDeclaration { rules, ..path("s0", &std::format!("p{at}"), &std::format!("s{at}")) };
    let declared = Declaration {
        revision: 0,
        spaces: (0..=spaces).map(|at| std::format!("s{at}")).collect(),
        paths: (1..=spaces).map(to).collect(),
        events: Vec::new(),
    };
    let mut mesh = running(&declared);
    let body = vec![0; limits::MESSAGE_BYTES_MAX as usize];
    let mut refused = None;
    'all: for at_path in 1..=spaces {
        for _ in 0..16 {
            if let Err(error) = mesh.emit(a("s0"), &std::format!("p{at_path}"), &body, at(0)) {
                refused = Some((at_path, error));
                break 'all;
            }
        }
    }
    let (at_path, error) = refused.expect("it is full at some time");
    assert_eq!((error.code(), error), (ErrorCode::Quota, EmitError::HostFull));
    outputs(&mut mesh);
    taken(&mut mesh, a("s1"));
    mesh.finish(a("s1"), at(0)).unwrap();
    let path = std::format!("p{at_path}").as_str().into();
    assert!(outputs(&mut mesh).contains(&Output::Credit { space: "s0".into(), instance: 1, path }));
    super::audit::audit(&mesh);
}

#[test]
fn a_path_may_drop_what_has_no_room() {
    let mut mesh = with(PathRules { messages: 1, when_full: WhenFull::Drop, ..PathRules::default() });
    assert!(matches!(send(&mut mesh, b"1"), Ok(Emitted::Accepted(_))));
    assert_eq!(send(&mut mesh, b"22"), Ok(Emitted::Dropped));
    let letter = mesh.dead_letters().iter().next().unwrap();
    assert_eq!((letter.reason, letter.bytes, letter.from.as_str()), (Reason::QueueFull, 2, "a#1"));
    assert_eq!(mesh.stats("a", "p").unwrap().messages.dropped, 1);
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"1");
}

#[test]
fn what_no_page_shows_is_a_dead_letter_of_its_path() {
    let mut mesh = with(PathRules::default());
    send(&mut mesh, b"22").unwrap();
    let message = mesh.take(a("b"), 10, at(0)).unwrap();
    mesh.emit(a("b"), "@sender", b"answer", at(0)).unwrap();
    let answer = mesh.take(a("a"), 10, at(0)).unwrap();
    mesh.bury_unshown(&message, at(1));
    mesh.bury_unshown(&message, at(2));
    mesh.bury_unshown(&answer, at(3));
    let dead: Vec<_> =
        mesh.dead_letters().iter().map(|one| (one.from.as_str(), one.bytes, one.times)).collect();
    assert_eq!(dead, [("a#1", 2, 2), ("b#1", 6, 1)]);
    assert!(mesh.dead_letters().iter().all(|one| (one.to.as_str(), one.reason) == ("p", Reason::Unshown)));
    let stats = mesh.stats("a", "p").unwrap();
    assert_eq!((stats.messages.dropped, stats.answers.dropped), (2, 1));
    let told = outputs(&mut mesh).into_iter().filter_map(|output| match output {
        Output::Dead(letter) => Some(letter.times),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn answers_ride_back_to_who_asked() {
    let mut mesh = with(PathRules::default());
    let Ok(Emitted::Accepted(question)) = send(&mut mesh, b"question") else { panic!() };
    mesh.take(a("b"), 10, at(0)).unwrap();
    mesh.emit(a("b"), "@sender", b"answer", at(0)).unwrap();
    let answer = mesh.take(a("a"), 10, at(0)).unwrap();
    assert_eq!(
        (&*answer.body, &*answer.path, &answer.answers),
        (b"answer".as_slice(), "p", &Some(question.clone()))
    );
    // It may be asked back on the same path, and each side's answers are its own.
    mesh.emit(a("a"), "@sender", b"thanks", at(0)).unwrap();
    assert_eq!(mesh.take(a("b"), 10, at(0)).unwrap().answers, Some(answer.id));
    let stats = mesh.stats("a", "p").unwrap();
    assert_eq!((stats.messages.sent, stats.answers.sent), (2, 1));
    // And once more by its number, when another message is in process.
    mesh.answer(a("b"), &question, b"late answer", at(0)).unwrap();
}

#[test]
fn answers_have_an_end() {
    let mut mesh = with(PathRules::default());
    let Ok(Emitted::Accepted(question)) = send(&mut mesh, b"?") else { panic!() };
    let code = |result: Result<Emitted, EmitError>| result.unwrap_err().code();
    assert_eq!(code(mesh.answer(a("b"), &question, b"!", at(0))), ErrorCode::NotFound, "not taken yet");
    taken(&mut mesh, a("b"));
    assert_eq!(code(mesh.answer(a("a"), &question, b"!", at(0))), ErrorCode::NotFound, "not its to answer");
    for _ in 0..limits::ANSWERS_MAX {
        mesh.answer(a("b"), &question, b"!", at(0)).unwrap();
    }
    assert_eq!(code(mesh.answer(a("b"), &question, b"!", at(0))), ErrorCode::Quota);
    let Ok(Emitted::Accepted(question)) = send(&mut mesh, b"?") else { panic!() };
    taken(&mut mesh, a("b"));
    mesh.answer(a("b"), &question, b"!", at(u64::from(u32::MAX) * SECOND)).unwrap();
    let done = u64::from(u32::MAX) * SECOND;
    mesh.finish(a("b"), at(done)).unwrap();
    mesh.answer(a("b"), &question, b"!", at(done + limits::ANSWER_NANOSECONDS)).unwrap();
    let late = mesh.answer(a("b"), &question, b"!", at(done + limits::ANSWER_NANOSECONDS + 1));
    assert_eq!(code(late), ErrorCode::Expired);
}

#[test]
fn an_answer_is_for_the_instance_that_asked() {
    let mut mesh = with(PathRules::default());
    send(&mut mesh, b"1").unwrap();
    send(&mut mesh, b"2").unwrap();
    taken(&mut mesh, a("b"));
    mesh.emit(a("b"), "@sender", b"in time", at(0)).unwrap();
    mesh.stop(a("a"), After::Restart, at(0)).unwrap();
    mesh.start(second("a"), at(0)).unwrap();
    let refused = mesh.emit(a("b"), "@sender", b"too late", at(0)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Closed);
    assert_eq!(mesh.take(second("a"), 10, at(0)), Err(TakeError::Empty));
    assert_eq!(reasons(&mesh), [Reason::InstanceGone]);
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"2", "a message outlives its sender");
}

#[test]
fn what_was_in_process_is_given_again() {
    let mut mesh = with(PathRules { redeliveries: 1, ..PathRules::default() });
    send(&mut mesh, b"1").unwrap();
    send(&mut mesh, b"2").unwrap();
    send(&mut mesh, b"3").unwrap();
    taken(&mut mesh, a("b"));
    taken(&mut mesh, a("b"));
    mesh.stop(a("b"), After::Restart, at(0)).unwrap();
    mesh.start(second("b"), at(0)).unwrap();
    assert!(outputs(&mut mesh).contains(&Output::Ready { space: "b".into(), instance: 2 }));
    let again = mesh.take(second("b"), 10, at(0)).unwrap();
    assert_eq!((&*again.body, again.redelivered), (b"2".as_slice(), 1), "the first was done");
    mesh.start(Instance { space: "b", number: 3 }, at(0)).unwrap();
    assert_eq!(taken(&mut mesh, Instance { space: "b", number: 3 }).unwrap(), b"3");
    assert_eq!(reasons(&mesh), [Reason::Undeliverable]);
    assert_eq!(mesh.stats("a", "p").unwrap().messages.redelivered, 1);
}

#[test]
fn what_is_finished_is_not_given_again() {
    let mut mesh = with(PathRules::default());
    send(&mut mesh, b"1").unwrap();
    taken(&mut mesh, a("b"));
    mesh.finish(a("b"), at(0)).unwrap();
    mesh.start(second("b"), at(0)).unwrap();
    assert_eq!(taken(&mut mesh, second("b")), None);
}

#[test]
fn a_stopped_receiver_takes_nothing_with_it_unsaid() {
    let mut mesh = with(PathRules::default());
    send(&mut mesh, b"1").unwrap();
    send(&mut mesh, b"2").unwrap();
    taken(&mut mesh, a("b"));
    mesh.stop(a("b"), After::Nothing, at(0)).unwrap();
    assert_eq!(mesh.dead_letters().count(Reason::ReceiverStopped), 2);
    assert_eq!(send(&mut mesh, b"3").unwrap_err().code(), ErrorCode::Closed);
    mesh.start(second("b"), at(0)).unwrap();
    send(&mut mesh, b"4").unwrap();
    assert_eq!(taken(&mut mesh, second("b")).unwrap(), b"4");
}

#[test]
fn old_messages_die() {
    let mut mesh = with(PathRules { expires_after: Some(10), ..PathRules::default() });
    send(&mut mesh, b"1").unwrap();
    mesh.emit(a("a"), "p", b"2", at(5)).unwrap();
    mesh.tick(at(10));
    assert_eq!(mesh.waiting("b"), 2);
    mesh.tick(at(11));
    assert_eq!((mesh.waiting("b"), reasons(&mesh)), (1, vec![Reason::Expired]));
    assert_eq!(mesh.take(a("b"), 10, at(16)), Err(TakeError::Empty), "taking judges, too");
    assert_eq!(mesh.dead_letters().count(Reason::Expired), 2);
    // A clock that goes back makes nothing younger or older.
    mesh.emit(a("a"), "p", b"3", at(3)).unwrap();
    mesh.tick(at(26));
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"3");
}

#[test]
fn a_space_sends_to_itself_without_a_path() {
    let mut mesh = with(PathRules::default());
    mesh.self_emit(a("b"), b"me", at(0)).unwrap();
    let message = mesh.take(a("b"), 10, at(0)).unwrap();
    assert_eq!((&*message.body, &*message.id.space, &*message.path), (b"me".as_slice(), "b", "@self"));
    assert!(message.info().starts_with(r#"{"from":"@self","path":"","id":"b#"#), "{}", message.info());
    mesh.emit(a("b"), "@sender", b"again", at(0)).unwrap();
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"again");
}

#[test]
fn instances_are_new_each_time() {
    let mut mesh = with(PathRules::default());
    assert!(matches!(mesh.start(a("b"), at(0)), Err(DirectoryError::NotNew { newest: 1, .. })));
    mesh.start(Instance { space: "b", number: 5 }, at(0)).unwrap();
    assert!(matches!(mesh.take(a("b"), 1, at(0)), Err(TakeError::NotLive(_))));
    assert!(matches!(mesh.emit(a("b"), "p", b"", at(0)), Err(EmitError::NotLive(_))), "it is fenced off");
    assert!(mesh.start(Instance { space: "c", number: 9 }, at(0)).is_err());
    assert!(mesh.place(Instance { space: "b", number: 9 }, "here", at(0)).is_err());
}

#[test]
fn declaring_anew_keeps_what_stays() {
    let mut declared = declaration(&[("a", "p", "b"), ("a", "q", "b"), ("a", "r", "c")]);
    let mut mesh = running(&declared);
    for name in ["p", "q", "r"] {
        mesh.emit(a("a"), name, name.as_bytes(), at(0)).unwrap();
    }
    let tap = mesh.tap("a", "q").unwrap();
    declared.paths.retain(|path| path.name == "p");
    declared.spaces.retain(|space| space != "c");
    mesh.declare(&declared, at(0)).unwrap();
    super::audit::audit(&mesh);
    assert_eq!(mesh.dead_letters().count(Reason::NoSuchPath), 2);
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"p");
    assert_eq!(taken(&mut mesh, a("b")), None);
    assert_eq!(mesh.emit(a("a"), "c", b"", at(0)).unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!((mesh.observe(tap), mesh.stats("a", "q")), (None, None));
    // The path in process is removed: its message is a dead letter, and cannot be answered.
    mesh.emit(a("a"), "p", b"x", at(0)).unwrap();
    let message = mesh.take(a("b"), 10, at(0)).unwrap();
    declared.paths.clear();
    mesh.declare(&declared, at(0)).unwrap();
    super::audit::audit(&mesh);
    assert!(matches!(mesh.answer(a("b"), &message.id, b"", at(0)), Err(EmitError::UnknownMessage { .. })));
    assert_eq!(mesh.dead_letters().count(Reason::NoSuchPath), 4);
}

#[test]
fn wider_rules_give_credit() {
    let mut declared = declaration(&[("a", "p", "b")]);
    declared.paths[0].rules.messages = 1;
    let mut mesh = running(&declared);
    send(&mut mesh, b"1").unwrap();
    send(&mut mesh, b"2").unwrap_err();
    outputs(&mut mesh);
    declared.paths[0].rules.messages = 2;
    mesh.declare(&declared, at(0)).unwrap();
    assert!(matches!(outputs(&mut mesh)[..], [Output::Credit { .. }]));
    send(&mut mesh, b"2").unwrap();
    // Narrower ones take nothing back: what waits is taken first.
    declared.paths[0].rules.messages = 1;
    mesh.declare(&declared, at(0)).unwrap();
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"1");
    send(&mut mesh, b"3").unwrap_err();
    assert_eq!(taken(&mut mesh, a("b")).unwrap(), b"2");
    send(&mut mesh, b"3").unwrap();
}

#[test]
fn a_tap_never_slows_a_path() {
    let mut mesh = with(PathRules::default());
    let tap = mesh.tap("a", "p").unwrap();
    let passes = limits::TAP_MESSAGES_MAX + 5;
    for at_message in 0..passes {
        send(&mut mesh, at_message.to_string().as_bytes()).unwrap();
        assert!(taken(&mut mesh, a("b")).is_some());
    }
    let seen: Vec<Observed> = core::iter::from_fn(|| mesh.observe(tap)).collect();
    assert_eq!(seen.len(), limits::TAP_MESSAGES_MAX);
    assert!(seen.iter().all(|observed| observed.missed == 0 && !observed.is_answer));
    mesh.emit(a("b"), "@sender", b"answer", at(0)).unwrap();
    let observed = mesh.observe(tap).unwrap();
    assert_eq!(
        (observed.missed, observed.is_answer, &*observed.message.body),
        (5, true, b"answer".as_slice())
    );
    mesh.untap(tap);
    send(&mut mesh, b"x").unwrap();
    assert_eq!(mesh.observe(tap), None);
    assert_eq!(mesh.tap("a", "q"), Err(TapError::NoPath));
}

#[test]
fn a_path_tells_what_it_did() {
    let mut mesh = with(PathRules::default());
    send(&mut mesh, b"123").unwrap();
    send(&mut mesh, b"45").unwrap();
    mesh.take(a("b"), 10, at(1_000_000)).unwrap();
    let stats = mesh.stats("a", "p").unwrap().messages;
    assert_eq!((stats.sent, stats.sent_bytes, stats.taken, stats.taken_bytes), (2, 5, 1, 3));
    assert_eq!((stats.queued, stats.queued_bytes, stats.recent), (2, 5, 2));
    assert_eq!(LATENCY_NANOSECONDS.partition_point(|end| *end < 1_000_000), 5);
    assert_eq!((stats.latency[5], stats.latency.iter().sum::<u64>()), (1, 1));
}

#[test]
fn a_host_is_answered_and_no_space_can_name_it() {
    let mut declared = declaration(&[]);
    declared.spaces = vec!["@here".into(), "b".into()];
    declared.paths = vec![path("@here", "p", "b")];
    let mut mesh = running(&declared);
    mesh.emit(a("@here"), "p", b"x", at(0)).unwrap();
    let message = mesh.take(a("b"), 10, at(0)).unwrap();
    assert!(message.info().starts_with(r#"{"from":"@here#1","path":"p","#), "{}", message.info());
    for to in ["@here", "@here#1", "here"] {
        assert!(mesh.emit(a("b"), to, b"y", at(0)).is_err(), "{to}");
    }
    mesh.emit(a("b"), "@sender", b"y", at(0)).unwrap();
    let answer = mesh.take(a("@here"), 10, at(0)).unwrap();
    assert_eq!((&*answer.body, answer.answers), (b"y".as_slice(), Some(message.id)));
    for name in ["@", "@@b", "@Here", "b@"] {
        declared.spaces[0] = name.into();
        declared.paths.clear();
        assert!(matches!(declared.check(), Err(DeclareError::Name { what: "space", .. })), "{name}");
    }
}
