//! `sensors`, `actuators`, `audio`.

use crate::Setting;
use crate::script::Argument::{Letters, Number, Of, Room, Text};
use crate::script::{Expect, Script};
use crate::setting::Host;
use sci::guest::ErrorCode::{Busy, Closed, Expired, Invalid, Malformed, NotFound, WouldBlock};
use sci::limits::guest as limits;

/// The devices of a machine, as `docs/devices.md` says: an oven, a tape that ends, two actuators, and sound that nobody
/// makes or hears.
pub const DEVICES: &str = r#"{
  "sensors": [
    {"id": "oven", "type": "temperature",
     "simulated": {"shape": "ramp", "low": 0, "high": 100, "period": 1000, "every": 100, "seed": 1}},
    {"id": "tape", "type": "temperature", "replayed": {"file": "tape.jsonl"}}
  ],
  "actuators": [
    {"id": "valve", "type": "valve", "by": "simulated"},
    {"id": "crane", "type": "crane", "by": "simulated"}
  ],
  "sound": {"channels": 2, "rate": 100}
}"#;
/// The readings of the tape.
pub const TAPE: &str = "{\"at\":0,\"value\":1}\n{\"at\":1,\"value\":2}\n";

pub fn sensors(script: &mut Script<'static>, setting: Setting) {
    let (read, subscribe) = ("sensors.read", "sensors.subscribe");
    script.awaits(read, "without a subscription", &[Text("oven")], Expect::Above(60));
    script.case("mem.take", "a reading, no room", &[Room(0)], Expect::Above(60));
    script.case("mem.take", "a reading", &[Room(400)], Expect::Above(60));
    script.shows(read, "a reading", r#"{"lost":0,"number":"#);
    for (case, options) in [
        ("no options", ""),
        ("an empty object", "{}"),
        ("a queue", r#"{"queue":2}"#),
        ("all options", r#"{"queue":1024,"every":1}"#),
        ("the least queue", r#"{"queue":1,"every":0}"#),
    ] {
        script.case(subscribe, case, &[Text("oven"), Text(options)], 0);
    }
    script.awaits(read, "with a subscription", &[Text("oven")], Expect::Above(60));
    script.until(read, "none is left", &[Text("oven")], WouldBlock, 100);
    for (case, options) in [("no JSON", "{"), ("other text", "queue")] {
        script.case(subscribe, case, &[Text("oven"), Text(options)], Malformed);
    }
    for (case, options) in [
        ("no object", "[]"),
        ("no queue", r#"{"queue":0}"#),
        ("a queue that is too long", r#"{"queue":1025}"#),
        ("a time below 0", r#"{"every":-1}"#),
        ("an unknown key", r#"{"often":1}"#),
    ] {
        script.case(subscribe, case, &[Text("oven"), Text(options)], Invalid);
    }
    script.case(
        subscribe,
        "options at their limit",
        &[Text("oven"), Letters(limits::JSON_BYTES_MAX)],
        Malformed,
    );
    for (case, id, code) in [
        ("no id", Text(""), Invalid),
        ("a sensor that is not there", Text("cellar"), NotFound),
        ("an actuator", Text("valve"), NotFound),
        ("an id at its limit", Letters(limits::NAME_BYTES_MAX), NotFound),
    ] {
        script.case(read, case, &[id], code);
        script.case(subscribe, case, &[id, Text("")], code);
    }
    if setting.host == Host::Linux {
        script.awaits(read, "the last reading of a sensor that ends", &[Text("tape")], Expect::Above(60));
        script.until(read, "none will come", &[Text("tape")], Closed, 10);
    }
}

pub fn actuators(script: &mut Script<'static>, setting: Setting) {
    let (lock, command, release) = ("actuators.lock", "actuators.command", "actuators.release");
    let of = |id, milliseconds| [Text(id), Number(milliseconds)];
    let valve = script.case(lock, "an actuator", &of("valve", 60_000), Expect::Above(0));
    let done = r#"{"actuator":"valve","done":{"open":true},"number":1}"#;
    script.keeps(command, "an action", &[Of(valve), Text(r#"{"open":true}"#)], done);
    script.case(command, "no JSON", &[Of(valve), Text("open it")], Malformed);
    script.case(command, "nothing", &[Of(valve), Text("")], Malformed);
    script.case(command, "an action at its limit", &[Of(valve), Letters(limits::JSON_BYTES_MAX)], Malformed);
    let again = script.case(lock, "an actuator that one has", &of("valve", 60_000), Expect::Above(0));
    script.case(command, "a lock before the last one", &[Of(valve), Text("1")], Expired);
    script.case(release, "a lock before the last one", &[Of(valve)], Expired);
    script.case(release, "an actuator", &[Of(again)], 0);
    script.case(release, "what was given back", &[Of(again)], Closed);
    script.case(command, "what was given back", &[Of(again), Text("1")], Closed);
    let short = script.case(lock, "for the least time", &of("valve", 1), Expect::Above(0));
    script.call("sys.sleep", &[Number(20)]);
    script.case(command, "a time that is over", &[Of(short), Text("1")], Expired);
    script.case(release, "a time that is over", &[Of(short)], Expired);
    for never in [0, 9999, -1] {
        let case = format!("{never}, which was never given");
        script.case(command, &case, &[Number(never), Text("1")], Invalid);
        script.case(release, &case, &[Number(never)], Invalid);
    }
    script.case(lock, "for no time", &of("valve", 0), Invalid);
    script.case(lock, "no id", &of("", 1), Invalid);
    script.case(lock, "an actuator that is not there", &of("gate", 1), NotFound);
    script.case(lock, "a sensor", &of("oven", 1), NotFound);
    script.case(lock, "an id at its limit", &[Letters(limits::NAME_BYTES_MAX), Number(1)], NotFound);
    if setting.is_together {
        script.case(lock, "what another space has", &of("crane", 1), Busy);
    }
}

pub fn audio(script: &mut Script<'static>) {
    let (capture, playback) = ("audio.capture", "audio.playback");
    script.case(playback, "two samples of each channel", &[Text("abcdefgh")], 8);
    script.case(playback, "nothing", &[Text("")], 0);
    script.case(playback, "a part of a sample", &[Text("abc")], Invalid);
    let chunk = limits::CHUNK_BYTES_MAX;
    script.until(playback, "more than a second ahead", &[Letters(chunk)], WouldBlock, 1000);
    script.case(capture, "an empty buffer", &[Room(0)], Invalid);
    script.case(capture, "room for a part of a sample", &[Room(3)], Invalid);
    script.awaits(capture, "as much as fits", &[Room(4)], 4);
    script.shows(capture, "silence", [0; 4]);
    script.until(capture, "none is left", &[Room(chunk)], WouldBlock, 10_000);
    script.awaits(capture, "more room than a call gives", &[Room(chunk + 1)], Expect::Above(0));
}
