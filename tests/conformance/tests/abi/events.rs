//! `events`.

use crate::devices;
use sci::guest::ErrorCode::{Denied, Invalid, Malformed, NotFound, Quota, WouldBlock};
use sci::guest::GuestCapability;
use serde_json::{Value, json};
use services_zrun::Events as _;
use services_zrun::linux::{BackEnds, Exchange, Inbox, Rack, Replay};
use std::time::Instant;
use tests_conformance::guest::Argument::{Room, Text};
use tests_conformance::guest::Calls;
use tests_conformance::host::{grants, on_linux_with};
use tests_conformance::image::compile;

/// The events of a space named `probe`, which declares two and may recognize by one sensor.
pub(crate) fn back_ends(rack: &Rack) -> BackEnds {
    let inbox = Inbox::new(None);
    let exchange = Exchange::new(Some(rack.clone()), inbox.post());
    let declared = ["hot", "done"].map(str::to_owned).to_vec();
    let member = exchange.for_space(1, "probe", Some(declared), Some(vec!["oven".to_owned()]));
    BackEnds {
        events: Some(Box::new(member)),
        inbox: Some(inbox),
        devices: Some(Box::new(rack.for_space(1, None))),
        ..BackEnds::default()
    }
}

/// The next message is an event.
fn hears(calls: &mut Calls<'_>, event: &str, payload: &str, id: u32) {
    let bytes = payload.len() as i32;
    calls.call("net.recv_next", &[Room(1)], bytes);
    calls.call("net.recv_next", &[Room(4096)], bytes);
    calls.shows(payload);
    let info = format!(r#"{{"from":"probe","path":"@events/{event}","id":"{id}","answers":null,"time":0}}"#);
    calls.call("net.message_info", &[Room(4096)], info.len() as i32);
    calls.shows(&info);
}

#[test]
fn what_is_emitted_arrives_as_a_message() {
    let mut calls = Calls::default();
    calls.call("events.emit", &[Text(b"done"), Text(b"nobody asked")], 0);
    calls.call("events.subscribe", &[Text(b"done")], 0);
    calls.fails("net.recv_next", &[Room(64)], WouldBlock);
    calls.call("events.emit", &[Text(b"done"), Text(b"\x01two")], 0);
    calls.call("events.emit", &[Text(b"hot"), Text(b"")], 0);
    hears(&mut calls, "done", "\u{1}two", 1);
    calls.fails("net.recv_next", &[Room(64)], WouldBlock);
    calls.fails("events.emit", &[Text(b"rain"), Text(b"")], Denied);
    calls.fails("events.emit", &[Text(b"No Name"), Text(b"")], Invalid);
    calls.fails("events.subscribe", &[Text(b"rain")], NotFound);
    calls.fails("events.subscribe", &[Text(b"No Name")], Invalid);
    calls.hold_with(back_ends(&devices::rack()));
}

const HOT: &[u8] = br#"{"sensor":"oven","when":{"above":50},"hysteresis":10,"for":200,"end":true}"#;

#[test]
fn a_recognizer_watches_a_sensor() {
    let mut calls = Calls::default();
    calls.call("events.subscribe", &[Text(b"hot")], 0);
    calls.call("events.register_recognizer", &[Text(b"hot"), Text(HOT)], 0);
    devices::pass(&mut calls, "700", "1700");
    calls.fails("sensors.read", &[Text(b"fridge")], WouldBlock);
    calls.fails("net.recv_next", &[Room(64)], WouldBlock);
    devices::pass(&mut calls, "300", "2000");
    calls.fails("sensors.read", &[Text(b"fridge")], WouldBlock);
    let event = |state: &str, value: f64, time: u64| {
        json!({"event": "hot", "sensor": "oven", "state": state, "value": value, "time": time, "since": 1600, "lost": 0})
            .to_string()
    };
    hears(&mut calls, "hot", &event("begun", 80.0, 1800), 1);
    hears(&mut calls, "hot", &event("ended", 0.0, 2000), 2);
    calls.fails("net.recv_next", &[Room(64)], WouldBlock);
    let register = |spec| [Text(b"hot"), Text(spec)];
    calls.fails("events.register_recognizer", &register(b"{"), Malformed);
    calls.fails("events.register_recognizer", &register(b"{}"), Invalid);
    let fridge = br#"{"sensor":"fridge","when":{"above":50}}"#;
    calls.fails("events.register_recognizer", &register(fridge), NotFound);
    calls.fails("events.register_recognizer", &[Text(b"rain"), Text(HOT)], Denied);
    calls.fails("events.register_recognizer", &[Text(b"No Name"), Text(HOT)], Invalid);
    calls.hold_with(back_ends(&devices::rack()));
}

#[test]
fn a_space_registers_so_many_recognizers_and_asks_for_so_many_events() {
    let inbox = Inbox::new(None);
    let exchange = Exchange::new(Some(devices::rack()), inbox.post());
    let mut member = exchange.for_space(1, "probe", None, None);
    let spec = std::str::from_utf8(HOT).unwrap();
    for number in 0..16 {
        member.register(&format!("e{number}"), spec).unwrap();
    }
    for number in 0..64 {
        member.follow(&format!("e{number}")).unwrap();
    }
    let mut calls = Calls::default();
    calls.fails("events.register_recognizer", &[Text(b"hot"), Text(HOT)], Quota);
    calls.call("events.register_recognizer", &[Text(b"e1"), Text(HOT)], 0);
    calls.fails("events.subscribe", &[Text(b"hot")], Quota);
    calls.hold_with(BackEnds { events: Some(Box::new(member)), inbox: Some(inbox), ..BackEnds::default() });
}

/// Asks for an event, registers what it is recognized by, and logs each.
const WATCHER: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "events" "subscribe" (func $subscribe (param i32 i32) (result i32)))
  (import "events" "register_recognizer" (func $register (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "warm")
  (data (i32.const 16) "{\"sensor\":\"oven\",\"when\":{\"above\":50}}")
  (func (export "on_init") (result i32)
    (i32.or (call $subscribe (i32.const 0) (i32.const 4))
      (call $register (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 37))))
  (func (export "on_process")
    (drop (call $log (i32.const 1024) (call $next (i32.const 1024) (i32.const 4096))))))"#;

#[test]
fn a_space_is_called_for_each_event_until_no_more_come() {
    let start = Instant::now();
    let rack = Rack::new(Box::new(move || start.elapsed().as_millis() as u64));
    let readings = [10, 60, 70, 20, 80].iter().zip((200..).step_by(20));
    let readings: String =
        readings.map(|(value, at)| json!({"at": at, "value": value}).to_string() + "\n").collect();
    rack.add_sensor("oven", "temperature", Some(Box::new(Replay::read(&readings, None).unwrap())));
    let inbox = Inbox::new(Some(rack.clone()));
    let exchange = Exchange::new(Some(rack), inbox.post());
    let events: Box<dyn services_zrun::Events> = Box::new(exchange.for_space(1, "probe", None, None));
    let image = compile(&wat::parse_str(WATCHER).unwrap()).unwrap();
    let all = grants(&[
        GuestCapability::SysLog,
        GuestCapability::NetRecvNext,
        GuestCapability::EventsSubscribe,
        GuestCapability::EventsRegisterRecognizer,
    ]);
    let back_ends = BackEnds { events: Some(events), inbox: Some(inbox), ..BackEnds::default() };
    let (result, lines) = on_linux_with(&image, all, back_ends);
    result.unwrap();
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let values: Vec<&Value> = values.iter().map(|event| &event["value"]).collect();
    assert_eq!(values, [&json!(60.0), &json!(80.0)]);
}
