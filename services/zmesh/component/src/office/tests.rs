//! What spaces may do with each other.

use super::*;
use crate::agency::Agents;
use crate::window::{Answer, Letter, Question, Seen, Way};
use services_zmesh::{Declaration, EventDeclaration, PathDeclaration, PathRules, Reason};
use services_zrun::remote::{Channel, Parts, Remote, exchange};
use services_zrun::{Format, Mail as _, MailError, Next, Shape, SimulatedSensor as Sensor, StoreError, Wave};

pub(super) const NOW: Time = Time { monotonic: 1, realtime: 1 };
const ALL: u64 = u64::MAX;

pub(super) fn office(grants: u64) -> Office {
    let path = |from: &str, to: &str, name: &str| PathDeclaration {
        from: from.into(),
        to: to.into(),
        name: name.into(),
        rules: PathRules::default(),
    };
    let devices: Vec<String> = ["oven", "valve"].map(String::from).into();
    let seat = |name: &str, is_interface| {
        // One of them states none.
        let devices = if name == "store" { Vec::new() } else { devices.clone() };
        Seat { name: name.into(), grants, is_interface, devices }
    };
    let declaration = Declaration {
        revision: 1,
        spaces: ["panel", "sensor", "store"].map(String::from).into(),
        paths: vec![path("sensor", "panel", "readings"), path("sensor", "store", "values")],
        events: vec![EventDeclaration { from: "sensor".into(), name: "hot".into() }],
    };
    let seats = vec![seat("panel", true), seat("sensor", false), seat("store", false)];
    let oven = Sensor {
        id: "oven".into(),
        kind: "heat".into(),
        wave: Wave::new(Shape::Ramp, (0.0, 1.0), 100, 10, 0),
    };
    let devices = Devices {
        sensors: vec![oven],
        actuators: vec!["valve".into()],
        sound: Some(Format { channels: 1, rate: 1000 }),
        ..Devices::default()
    };
    let agents = Agents::default();
    let configuration =
        Configuration { topology: "hello".into(), declaration, seats, devices, agents, runs: false };
    let mut office = Office::read(&configuration.to_bytes(), NOW).unwrap();
    for space in 0..3 {
        office.start(space, 1, NOW).unwrap().unwrap();
    }
    office
}

/// What a space's host does.
struct Line<'o>(&'o mut Office, usize);

impl Parts for Line<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.put(self.1, bytes).map_err(|TooLarge| StoreError::Full)
    }
    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, StoreError> {
        self.0.call(self.1, bytes, first, NOW).map_err(|TooLarge| StoreError::Full)
    }
    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, StoreError> {
        Ok(self.0.take(self.1, offset, bytes))
    }
}

impl Channel for Line<'_> {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        exchange(self, request)
    }
    fn monotonic(&mut self) -> u64 {
        0
    }
    fn sleep(&mut self, _: u64) -> bool {
        false
    }
    fn pause(&mut self) {}
}

fn space(office: &mut Office, number: usize) -> Remote<Line<'_>> {
    Remote::new(Line(office, number))
}

pub(super) fn ask(office: &mut Office, question: &Question) -> Answer {
    Answer::read(&office.answer(&question.to_bytes(), NOW)).unwrap()
}

/// The code of a refusal.
pub(super) fn code(answer: Answer) -> String {
    match answer {
        Answer::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn look(office: &mut Office, counts: bool, shown: &[u32]) -> Seen {
    match ask(office, &Question::Look { counts, shown: shown.into() }) {
        Answer::Seen(seen) => seen,
        other => panic!("{other:?}"),
    }
}

/// What waits for the panel.
fn shown(office: &mut Office) -> Vec<Letter> {
    look(office, false, &[0]).messages.into_iter().map(|(_, letter)| letter).collect()
}

fn lines(office: &mut Office) -> Vec<String> {
    core::iter::from_fn(|| office.line()).collect()
}

pub(super) const PANEL: usize = 0;
const SENSOR: usize = 1;
pub(super) const STORE: usize = 2;

#[test]
fn messages_go_along_paths_and_wake_who_waits() {
    let mut office = office(ALL);
    assert_eq!((office.space_of_host(0), office.space_of_host(1)), (Some(SENSOR), Some(STORE)));
    assert_eq!(office.space_of_host(2), None);
    lines(&mut office);
    office.wait(STORE, NOW);
    assert_eq!(office.go_on(NOW), []);
    assert_eq!(space(&mut office, SENSOR).emit("store", &[7; 9000]), Ok(()));
    assert_eq!(office.go_on(NOW), [Called { space: STORE, has_work: true }]);
    assert_eq!(lines(&mut office), ["routed sensor -> store along `values`, the first of 9000 bytes"]);
    assert_eq!(space(&mut office, STORE).receive(4), Ok(Next::Larger(9000)));
    assert_eq!(space(&mut office, STORE).receive(9000), Ok(Next::Message(vec![7; 9000])));
    assert!(space(&mut office, STORE).info().unwrap().contains("\"from\":\"sensor#1\""));
    office.wait(STORE, NOW);
    assert_eq!((office.go_on(NOW), lines(&mut office)), (vec![], vec![]));
}

#[test]
fn a_space_has_begun_once_it_waits() {
    let mut office = office(ALL);
    assert_eq!(office.next_begun(), None);
    for space in [STORE, SENSOR, STORE] {
        office.wait(space, NOW);
    }
    assert_eq!([(); 3].map(|()| office.next_begun()), [Some(SENSOR), Some(STORE), None]);
    // Each instance begins anew.
    for instance in [2, 3] {
        office.stop(STORE, NOW);
        assert_eq!(office.start(STORE, instance, NOW), Some(Ok(())));
        assert_eq!(office.next_begun(), None);
        office.wait(STORE, NOW);
    }
    assert_eq!([(); 2].map(|()| office.next_begun()), [Some(STORE), None]);
}

#[test]
fn what_no_path_allows_is_refused_and_said_once() {
    let mut office = office(ALL);
    assert_eq!(
        lines(&mut office),
        ["path sensor -> panel along `readings`", "path sensor -> store along `values`"]
    );
    for _ in 0..3 {
        assert_eq!(space(&mut office, STORE).emit("sensor", b"hi"), Err(MailError::NoPath));
    }
    let said = lines(&mut office);
    assert!(
        matches!(&said[..], [line] if line.starts_with("refused store: a message to `sensor`")),
        "{said:?}"
    );
    for at in 0..1000 {
        let _ = space(&mut office, STORE).emit(&alloc::format!("nobody-{at}"), b"hi");
    }
    assert!(lines(&mut office).len() < SAID_MAX);
}

#[test]
fn a_capability_that_was_not_granted_is_missing_here_too() {
    let mut office = office(ALL & !Capability::NetEmitTo.bit());
    assert_eq!(space(&mut office, SENSOR).emit("store", b"hi"), Err(MailError::Failed));
    assert_eq!((office.go_on(NOW), office.mesh.waiting("store")), (vec![], 0));
}

#[test]
fn an_interface_keeps_the_latest() {
    let mut office = office(ALL);
    for at in 0..200_u8 {
        assert_eq!(space(&mut office, SENSOR).emit("panel", &[at]), Ok(()));
        office.go_on(NOW);
    }
    let kept: Vec<u8> = shown(&mut office).iter().map(|one| one.body[0]).collect();
    assert_eq!(kept, (200 - SHOWN_MAX as u8..200).collect::<Vec<u8>>());
    // Those that no page took are dead letters like others.
    assert_eq!(office.mesh.dead_letters().count(Reason::Unshown), 200 - SHOWN_MAX as u64);
    assert_eq!(lines(&mut office).iter().filter(|line| line.contains("no page that shows it")).count(), 1);
}

#[test]
fn large_messages_for_an_interface_are_fewer() {
    let mut office = office(ALL);
    for _ in 0..9 {
        assert_eq!(space(&mut office, SENSOR).emit("panel", &vec![0; 60_000]), Ok(()));
        office.go_on(NOW);
    }
    assert_eq!(shown(&mut office).len(), SHOWN_BYTES_MAX / 60_000);
}

#[test]
fn a_page_gets_and_sends_through_the_window() {
    let mut office = office(ALL);
    let send = |space, to: &str| Question::Send { space, to: to.into(), body: b"set".into() };
    // No path leads from the panel; and who is no user interface has a host that asks for it.
    assert_eq!(code(ask(&mut office, &send(0, "store"))), "denied");
    assert_eq!(code(ask(&mut office, &send(1, "store"))), "closed");
    assert_eq!(code(ask(&mut office, &send(9, "store"))), "closed");
    let watch = Question::Watch { from: "sensor".into(), path: "readings".into() };
    assert_eq!(ask(&mut office, &watch), Answer::Watching(1));
    let nowhere = Question::Watch { from: "sensor".into(), path: "none".into() };
    assert_eq!(code(ask(&mut office, &nowhere)), "not-found");
    assert_eq!(space(&mut office, SENSOR).emit("panel", b"21"), Ok(()));
    office.go_on(NOW);
    assert_eq!(look(&mut office, false, &[1, 7]).messages, [], "it is the panel's");
    let seen = look(&mut office, true, &[0]);
    assert!(seen.watched.is_empty(), "it was told with the first look");
    let [(0, letter)] = &seen.messages[..] else { panic!("{seen:?}") };
    assert_eq!((letter.from.as_str(), letter.body.as_slice()), ("sensor#1", &b"21"[..]));
    assert_eq!(letter.way, Way::Path("readings".into()));
    let counts = seen.counts.unwrap();
    assert_eq!(counts.spaces[0].instance, Some(1));
    assert_eq!((counts.paths[0].messages.sent, counts.paths[1].messages.sent), (1, 0));
    assert_eq!(ask(&mut office, &Question::Unwatch(1)), Answer::Done);
    let follow = Question::Follow { space: 0, event: "hot".into() };
    assert_eq!(ask(&mut office, &follow), Answer::Done);
    office.stop(0, NOW);
    assert_eq!(code(ask(&mut office, &follow)), "closed");
    assert_eq!(look(&mut office, true, &[]).counts.unwrap().spaces[0].instance, None);
    assert_eq!(code(Answer::read(&office.answer(b"\xff?", NOW)).unwrap()), "malformed");
}

#[test]
fn what_passes_is_told_to_who_watches() {
    let mut office = office(ALL);
    let watch = Question::Watch { from: "sensor".into(), path: "values".into() };
    ask(&mut office, &watch);
    assert_eq!(space(&mut office, SENSOR).emit("store", b"1"), Ok(()));
    let seen = look(&mut office, false, &[]);
    let [(1, passed)] = &seen.watched[..] else { panic!("{seen:?}") };
    assert_eq!((passed.missed, passed.letter.body.as_slice()), (0, &b"1"[..]));
}

#[test]
fn simulated_devices_are_shared_by_the_spaces_that_state_them() {
    use sci::guest::ErrorCode::{Busy, Closed, NotFound, WouldBlock};
    use services_zrun::{Audio as _, Devices as _};
    let mut office = office(ALL);
    let reading = space(&mut office, SENSOR).read("oven").unwrap();
    assert!(String::from_utf8(reading).unwrap().contains("\"number\":1"));
    assert_eq!(space(&mut office, SENSOR).read("oven"), Err(WouldBlock));
    assert_eq!(space(&mut office, STORE).read("oven"), Err(NotFound));
    let lock = space(&mut office, SENSOR).lock("valve", 1000).unwrap();
    assert_eq!(space(&mut office, PANEL).lock("valve", 1000), Err(Busy));
    let done = br#"{"actuator":"valve","done":1,"number":1}"#.to_vec();
    assert_eq!(space(&mut office, SENSOR).command(lock, "1"), Ok(done));
    assert_eq!(space(&mut office, SENSOR).playback(&[0; 4000]), Ok(2000));
    assert_eq!(space(&mut office, SENSOR).playback(&[0; 4000]), Err(WouldBlock));
    assert_eq!(space(&mut office, SENSOR).capture(64), Err(WouldBlock));
    // What a space had is free when it has ended, and its next start has sound of its own.
    office.stop(SENSOR, NOW);
    assert_eq!(space(&mut office, SENSOR).command(lock, "1"), Err(Closed));
    assert!(space(&mut office, PANEL).lock("valve", 1000).is_ok());
    office.start(SENSOR, 2, NOW).unwrap().unwrap();
    assert_eq!(space(&mut office, SENSOR).playback(&[0; 4000]), Ok(2000));
    let mut without = self::office(0);
    assert!(space(&mut without, SENSOR).read("oven").is_err(), "it was not granted");
}

#[test]
fn what_is_recognized_is_an_event_of_its_space_until_it_ends() {
    use sci::guest::ErrorCode::{Denied, Invalid, Malformed, NotFound};
    use services_zrun::Events as _;
    let at = |milliseconds: u64| Time {
        monotonic: milliseconds * 1_000_000,
        realtime: NOW.realtime + milliseconds * 1_000_000,
    };
    let mut office = office(ALL);
    let spec = r#"{"sensor":"oven","when":{"above":0.45}}"#;
    let mut sensor = space(&mut office, SENSOR);
    assert_eq!(sensor.register("hot", "{"), Err(Malformed));
    assert_eq!(sensor.register("Hot", spec), Err(Invalid));
    assert_eq!(sensor.register("cold", spec), Err(Denied));
    assert_eq!(sensor.register("hot", &spec.replace("oven", "fridge")), Err(NotFound));
    assert_eq!(sensor.register("hot", spec), Ok(()));
    assert_eq!(space(&mut office, STORE).register("hot", spec), Err(Denied), "it is the sensor's");
    assert_eq!(space(&mut office, STORE).follow("hot"), Ok(()));
    office.wait(STORE, NOW);
    assert_eq!(office.go_on(at(40)), []);
    assert_eq!(office.go_on(at(60)), [Called { space: STORE, has_work: true }], "nobody asked for a reading");
    let Ok(Next::Message(told)) = space(&mut office, STORE).receive(1000) else { panic!("an event") };
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains(r#""state":"begun""#) && told.contains(r#""value":0.5"#), "{told}");
    assert!(space(&mut office, STORE).info().unwrap().contains("@events/hot"));
    office.stop(SENSOR, at(60));
    office.wait(STORE, at(60));
    assert_eq!(office.go_on(at(160)), [], "its recognizers ended with it");
    let mut bare = self::office(ALL);
    bare.simulated = None;
    assert_eq!(space(&mut bare, SENSOR).register("hot", spec), Err(NotFound));
}

/// Says all of a reading, but uses up its fuel at the fourth one.
const KNOCK: &str = r#"(module (memory (export "memory") 1)
  (global $seen (mut i32) (i32.const 0))
  (func (export "room") (param i32) (result i32) (i32.const 1024))
  (func (export "on_reading") (param $at i32) (param $bytes i32) (result i64)
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (loop (br_if 0 (i32.eq (global.get $seen) (i32.const 4))))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $bytes)))))"#;

#[test]
fn a_module_recognizes_when_time_passes_and_ends_alone() {
    use sci::guest::ErrorCode::{Denied, NotFound, Quota};
    use services_zrun::Events as _;
    let at = |milliseconds: u64| Time {
        monotonic: milliseconds * 1_000_000,
        realtime: NOW.realtime + milliseconds * 1_000_000,
    };
    let mut office = office(ALL);
    let package = [(String::from("knock"), wat::parse_str(KNOCK).unwrap())];
    office.simulated.as_mut().unwrap().add_modules(package.into(), 1);
    let spec = r#"{"sensor":"oven","module":"knock"}"#;
    assert_eq!(space(&mut office, SENSOR).register("hot", &spec.replace("knock", "ring")), Err(NotFound));
    assert_eq!(space(&mut office, STORE).register("hot", spec), Err(Denied), "it is the sensor's");
    assert_eq!(space(&mut office, SENSOR).register("hot", spec), Ok(()));
    assert_eq!(space(&mut office, SENSOR).register("hot", spec), Ok(()), "it replaces the other");
    office.members[SENSOR].events.push("cold".into());
    assert_eq!(space(&mut office, SENSOR).register("cold", spec), Err(Quota), "there is room for one");
    assert_eq!(space(&mut office, STORE).follow("hot"), Ok(()));
    while office.line().is_some() {}
    office.wait(STORE, NOW);
    assert_eq!(office.go_on(at(30)), [], "nobody looks but when time passes");
    office.pass(at(30));
    assert_eq!(office.go_on(at(30)), [Called { space: STORE, has_work: true }]);
    let Ok(Next::Message(told)) = space(&mut office, STORE).receive(1000) else { panic!("an event") };
    assert!(String::from_utf8(told).unwrap().starts_with(r#"{"lost":0,"number":2,"sensor":"oven""#));
    assert_eq!(office.line(), None);
    office.rest(at(30), at(36));
    office.pass(at(53));
    assert_eq!(office.line(), None, "it rests for three times as long as it took");
    office.rest(at(53), at(53));
    // Whoever is refused much takes nobody's last line.
    for number in 0..300 {
        assert!(space(&mut office, STORE).emit(&format!("nobody-{number}"), b"").is_err());
    }
    while office.line().is_some() {}
    office.pass(at(54));
    let says = "sensor: the recognizer `knock` of the event `hot` has ended, and emits nothing more: all fuel consumed";
    assert_eq!(office.line().as_deref(), Some(says));
    assert_eq!(space(&mut office, SENSOR).register("hot", spec), Ok(()), "it may begin again");
    office.stop(SENSOR, at(60));
    while !matches!(space(&mut office, STORE).receive(1000), Ok(Next::Nothing)) {}
    office.pass(at(100));
    assert_eq!(space(&mut office, STORE).receive(1000), Ok(Next::Nothing), "it ended with its space");
}

#[test]
fn a_function_is_a_message_to_its_space_and_its_answer_the_result() {
    use services_zrun::Kind;
    use services_zrun::remote::{later, reply_of};
    let names: Vec<String> = ["asker", "echo", "@nanokernel"].map(String::from).into();
    let seat =
        |name: &String| Seat { name: name.clone(), grants: ALL, is_interface: false, devices: Vec::new() };
    let path = PathDeclaration {
        from: END.into(),
        to: "echo".into(),
        name: "same".into(),
        rules: PathRules::default(),
    };
    let body = AgentBody::Function { space: Name::new("echo").unwrap() };
    let configuration = Configuration {
        topology: "calls".into(),
        declaration: Declaration {
            revision: 1,
            spaces: names.clone(),
            paths: vec![path],
            ..Declaration::default()
        },
        seats: names[..2].iter().map(seat).collect(),
        devices: Devices::default(),
        agents: Agents { agents: vec![("same".into(), body)], ..Agents::default() },
        runs: true,
    };
    let mut office = Office::new(configuration, NOW).unwrap();
    let calls = |mesh: &mut Mesh, agency: &mut Agency| {
        agency.begin(0, (Kind::Function, "same", b"20"), &mut sends(mesh, NOW), 0)
    };
    assert_eq!(calls(&mut office.mesh, &mut office.agency), later());
    office.wait(1, NOW);
    assert_eq!(office.go_on(NOW), [Called { space: 1, has_work: true }]);
    let mut echo = space(&mut office, 1);
    assert_eq!(echo.receive(9), Ok(Next::Message(b"20".to_vec())));
    assert!(echo.info().unwrap().contains("\"from\":\"@nanokernel#1\",\"path\":\"same\""));
    assert_eq!(echo.emit("@sender", b"21"), Ok(()));
    office.go_on(NOW);
    assert_eq!(office.agency.reply(0), reply_of(Ok(b"21".to_vec())));
}

#[test]
fn what_waits_is_bounded_whoever_sends_it() {
    let names: Vec<String> = (0..20).map(|at| format!("space-{at}")).collect();
    let seat =
        |name: &String| Seat { name: name.clone(), grants: ALL, is_interface: false, devices: Vec::new() };
    let configuration = Configuration {
        topology: "flood".into(),
        declaration: Declaration { revision: 1, spaces: names.clone(), ..Declaration::default() },
        seats: names.iter().map(seat).collect(),
        devices: Devices::default(),
        agents: Agents::default(),
        runs: false,
    };
    let mut office = Office::new(configuration, NOW).unwrap();
    for number in 0..names.len() {
        office.start(number, 1, NOW).unwrap().unwrap();
    }
    let mut taken = 0;
    for number in 0..names.len() {
        while space(&mut office, number).emit_self(&vec![0; 65_536]).is_ok() {
            taken += 65_536;
        }
    }
    assert!(taken <= HELD_BYTES_MAX && taken > HELD_BYTES_MAX - 65_536, "{taken}");
    // Who takes one makes room for another, whoever sends it.
    assert!(matches!(space(&mut office, 0).receive(65_536), Ok(Next::Message(_))));
    office.wait(0, NOW);
    assert_eq!(space(&mut office, 19).emit_self(&vec![0; 65_536]), Ok(()));
}

#[test]
fn who_is_to_end_is_told_when_it_waits() {
    let mut office = office(ALL);
    office.finish(STORE);
    assert_eq!(office.go_on(NOW), []);
    office.wait(STORE, NOW);
    assert_eq!(office.go_on(NOW), [Called { space: STORE, has_work: false }]);
    office.stop(STORE, NOW);
    assert_eq!(space(&mut office, SENSOR).emit("store", b"later"), Ok(()));
    assert_eq!(office.go_on(NOW), []);
    office.start(STORE, 2, NOW).unwrap().unwrap();
    office.wait(STORE, NOW);
    assert_eq!(office.go_on(NOW), [Called { space: STORE, has_work: true }], "it waited for it");
}

#[test]
fn what_is_no_configuration_is_refused() {
    assert!(Office::read(b"\xff\xff", NOW).is_err());
}
