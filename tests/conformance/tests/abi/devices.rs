//! `sensors` and `actuators`.

use sci::guest::ErrorCode::{self, Busy, Closed, Expired, Invalid, Io, Malformed, NotFound, WouldBlock};
use serde_json::{Value, json};
use services_zrun::Devices as _;
use services_zrun::linux::{BackEnds, Description, Rack, Shape, SimulatedActuator, Sink, Wave};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use tests_conformance::guest::Argument::{Number, Result as Of, Text};
use tests_conformance::guest::Calls;

/// A time that passes when an actuator is told so.
struct Hand(Arc<AtomicU64>);

impl Sink for Hand {
    fn carry_out(&self, _: &str, _: u32, action: &Value) -> Result<Value, ErrorCode> {
        let milliseconds = action.as_u64().ok_or(Io)?;
        Ok(json!(self.0.fetch_add(milliseconds, Ordering::Relaxed) + milliseconds))
    }
}

/// An oven that warms up, a fridge that nobody has attached, a valve, and the hand of the clock.
pub(crate) fn rack() -> Rack {
    let time = Arc::new(AtomicU64::new(1000));
    let shown = Arc::clone(&time);
    let rack = Rack::new(Box::new(move || shown.load(Ordering::Relaxed)));
    rack.add_sensor(
        "oven",
        "temperature",
        Some(Box::new(Wave::new(Shape::Ramp, (0.0, 100.0), 1000, 100, 0))),
    );
    rack.add_sensor("fridge", "temperature", None);
    rack.add_actuator("valve", Arc::new(SimulatedActuator::default()));
    rack.add_actuator("hand", Arc::new(Hand(time)));
    rack
}

fn back_ends(rack: &Rack, stated: Option<Vec<String>>) -> BackEnds {
    BackEnds { devices: Some(Box::new(rack.for_space(1, stated))), ..BackEnds::default() }
}

/// So many milliseconds pass.
pub(crate) fn pass(calls: &mut Calls<'_>, milliseconds: &'static str, now: &str) {
    let hand = calls.granted("actuators.lock", &[Text(b"hand"), Number(60_000)]);
    calls.call("actuators.command", &[Of(hand), Text(milliseconds.as_bytes())], now.len() as i32);
}

fn reading(number: u64, time: u64, lost: u64, value: f64) -> String {
    json!({"lost": lost, "number": number, "sensor": "oven", "time": time, "type": "temperature", "value": value})
        .to_string()
}

fn reads(calls: &mut Calls<'_>, reading: &str) {
    calls.call("sensors.read", &[Text(b"oven")], reading.len() as i32);
    calls.takes(reading);
}

#[test]
fn readings_wait_for_their_subscriber() {
    let mut calls = Calls::default();
    reads(&mut calls, &reading(1, 1000, 0, 0.0));
    calls.fails("sensors.read", &[Text(b"oven")], WouldBlock);
    calls.call("sensors.subscribe", &[Text(b"oven"), Text(br#"{"queue":2}"#)], 0);
    pass(&mut calls, "450", "1450");
    reads(&mut calls, &reading(4, 1300, 2, 30.0));
    reads(&mut calls, &reading(5, 1400, 0, 40.0));
    calls.fails("sensors.read", &[Text(b"oven")], WouldBlock);
    calls.call("sensors.subscribe", &[Text(b"fridge"), Text(b"")], 0);
    calls.fails("sensors.read", &[Text(b"fridge")], WouldBlock);
    for id in [b"cellar".as_slice(), b"valve"] {
        calls.fails("sensors.read", &[Text(id)], NotFound);
        calls.fails("sensors.subscribe", &[Text(id), Text(b"")], NotFound);
    }
    calls.fails("sensors.subscribe", &[Text(b"oven"), Text(b"{")], Malformed);
    calls.fails("sensors.subscribe", &[Text(b"oven"), Text(br#"{"queue":0}"#)], Invalid);
    calls.hold_with(back_ends(&rack(), None));
}

#[test]
fn a_space_sees_the_devices_that_it_states() {
    let mut calls = Calls::default();
    calls.fails("sensors.read", &[Text(b"oven")], NotFound);
    calls.fails("actuators.lock", &[Text(b"valve"), Number(1)], NotFound);
    calls.fails("sensors.read", &[Text(b"fridge")], WouldBlock);
    calls.hold_with(back_ends(&rack(), Some(vec!["fridge".to_owned()])));
}

#[test]
fn one_space_commands_an_actuator_while_its_lease_lasts() {
    let rack = rack();
    let mut other = rack.for_space(2, None);
    let busy = rack.clone();
    busy.add_actuator("crane", Arc::new(SimulatedActuator::default()));
    let first = other.lock("crane", 5000).unwrap();
    assert_eq!(first, 1);
    let mut calls = Calls::default();
    calls.fails("actuators.lock", &[Text(b"crane"), Number(100)], Busy);
    calls.fails("actuators.command", &[Number(1), Text(b"{}")], Expired);
    let valve = calls.call("actuators.lock", &[Text(b"valve"), Number(100)], 2);
    let done = json!({"actuator": "valve", "done": {"open": true}, "number": 1}).to_string();
    calls.call("actuators.command", &[Of(valve), Text(br#"{"open":true}"#)], done.len() as i32);
    calls.takes(&done);
    calls.fails("actuators.command", &[Of(valve), Text(b"open it")], Malformed);
    pass(&mut calls, "100", "1100");
    calls.fails("actuators.command", &[Of(valve), Text(b"{}")], Expired);
    calls.fails("actuators.release", &[Of(valve)], Expired);
    let again = calls.call("actuators.lock", &[Text(b"valve"), Number(60_000)], 4);
    calls.call("actuators.release", &[Of(again)], 0);
    calls.fails("actuators.release", &[Of(again)], Closed);
    calls.fails("actuators.command", &[Of(again), Text(b"{}")], Closed);
    for never in [0, 5, -1] {
        calls.fails("actuators.command", &[Number(never), Text(b"{}")], Invalid);
        calls.fails("actuators.release", &[Number(never)], Invalid);
    }
    calls.fails("actuators.lock", &[Text(b"oven"), Number(1)], NotFound);
    calls.fails("actuators.lock", &[Text(b"valve"), Number(0)], Invalid);
    let hand = calls.call("actuators.lock", &[Text(b"hand"), Number(100)], 5);
    calls.fails("actuators.command", &[Of(hand), Text(br#""later""#)], Io);
    pass(&mut calls, "5000", "6100");
    calls.granted("actuators.lock", &[Text(b"crane"), Number(100)]);
    calls.hold_with(back_ends(&rack, None));
    assert_eq!(other.command(first, "{}"), Err(Expired), "the space that had it before is fenced off");
    let free = other.lock("crane", 100);
    assert!(free.is_ok(), "what a space had is free when the space is gone");
}

#[test]
fn a_command_may_be_waited_for_elsewhere() {
    let mut space = rack().for_space(1, None);
    let hand = space.lock("hand", 1000).unwrap();
    let (sender, results) = mpsc::channel();
    let outcome = |lock: u32, action: &str| {
        let sender = sender.clone();
        space.start(lock, action, Box::new(move |result| drop(sender.send(result))));
        results.recv().unwrap()
    };
    assert_eq!(outcome(hand, "1"), Ok(b"1001".to_vec()));
    assert_eq!(outcome(hand, "now"), Err(Malformed));
    assert_eq!(outcome(hand + 1, "1"), Err(Invalid));
}

/// The other side of the socket.
struct Device {
    lines: BufReader<UnixStream>,
    stream: UnixStream,
}

impl Device {
    fn connect(path: &PathBuf) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        Self { lines: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stream, "{line}").unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }
}

const ATTACHED: &str = r#"{
    "socket": "SOCKET",
    "sensors": [{"id": "oven", "type": "temperature", "attached": {}}],
    "actuators": [{"id": "valve", "type": "valve", "by": "attached"}]
}"#;

#[test]
fn a_device_is_attached_by_a_socket() {
    let path = std::env::temp_dir().join(format!("space-devices-{}", std::process::id()));
    let text = ATTACHED.replace("SOCKET", path.to_str().unwrap());
    let description = Description::read(&text).unwrap();
    assert_eq!(description.sensors().collect::<Vec<_>>(), [("oven", "temperature")]);
    assert_eq!(description.actuators().collect::<Vec<_>>(), [("valve", "valve")]);
    let (rack, socket) = description.start(std::path::Path::new("/"), Box::new(|| 7)).unwrap();
    let mut calls = Calls::default();
    calls.fails("sensors.read", &[Text(b"oven")], WouldBlock);
    let valve = calls.call("actuators.lock", &[Text(b"valve"), Number(60_000)], 1);
    calls.fails("actuators.command", &[Of(valve), Text(b"{}")], Closed);
    calls.hold_with(back_ends(&rack, None));

    let mut device = Device::connect(&path);
    device.say(r#"{"attach":{"sensors":["oven"],"actuators":["valve"]}}"#);
    assert_eq!(device.hear(), json!({"attached": {}}));
    let large = json!({ "reading": { "sensor": "oven", "value": "x".repeat(16 << 10) } }).to_string();
    for (said, refused) in [
        (large.as_str(), "a reading has more than 16384 bytes"),
        (r#"{"attach":{"sensors":["cellar"]}}"#, "no sensor `cellar` is described as attached"),
        (r#"{"attach":{"sensors":["oven"]}}"#, "the sensor `oven` is attached already"),
        (
            r#"{"reading":{"sensor":"oven","value":1}}"#,
            "the sensor `oven` is not attached by this connection",
        ),
        ("hello", "the line is no message: expected value at line 1 column 1"),
    ] {
        let mut other = Device::connect(&path);
        other.say(said);
        assert_eq!(other.hear(), json!({"refused": refused}));
        assert_eq!(other.hear(), Value::Null, "the connection is closed");
    }
    device.say(r#"{"reading":{"sensor":"oven","value":180.5}}"#);
    device.say(r#"{"attach":{}}"#);
    assert_eq!(device.hear(), json!({"attached": {}}), "the reading has arrived");
    let device = thread::spawn(move || {
        let first = device.hear();
        device.say(r#"{"result":{"number":1,"value":{"angle":90}}}"#);
        let second = device.hear();
        device.say(r#"{"result":{"number":2,"error":"it is stuck"}}"#);
        let third = device.hear();
        drop(device);
        [first, second, third]
    });
    let mut calls = Calls::default();
    reads(&mut calls, &reading(1, 7, 0, 180.5));
    let valve = calls.call("actuators.lock", &[Text(b"valve"), Number(60_000)], 2);
    calls.call("actuators.command", &[Of(valve), Text(br#"{"open":true}"#)], 12);
    calls.takes(r#"{"angle":90}"#);
    calls.fails("actuators.command", &[Of(valve), Text(b"1")], Io);
    calls.fails("actuators.command", &[Of(valve), Text(b"2")], Io);
    calls.fails("actuators.command", &[Of(valve), Text(b"3")], Closed);
    calls.fails("sensors.read", &[Text(b"oven")], Closed);
    calls.hold_with(back_ends(&rack, None));
    let command = |number: u64, action: Value| json!({"command": {"number": number, "actuator": "valve", "fence": 2, "action": action}});
    let heard = device.join().unwrap();
    assert_eq!(heard, [command(1, json!({"open": true})), command(2, json!(1)), command(3, json!(2))]);
    drop(socket);
    assert!(!path.exists() && UnixStream::connect(&path).is_err());
}
