//! `events`.

use crate::Setting;
use crate::script::Argument::{Counted, Letters, Room, Text};
use crate::script::{Expect, Script};
use crate::setting::Host;
use sci::guest::ErrorCode::{Denied, Invalid, Malformed, NotFound, Quota, WouldBlock};
use sci::limits::guest as limits;

/// Holds never.
const COLD: &str = r#"{"sensor":"oven","when":{"below":-100}}"#;

pub fn events(script: &mut Script<'static>, setting: Setting) {
    script.case("events.emit", "nobody asked", &[Text("done"), Text("x")], 0);
    script.case("events.subscribe", "an event", &[Text("done")], 0);
    script.case("net.recv_next", "no event yet", &[Room(64)], WouldBlock);
    script.case("events.emit", "what somebody asked for", &[Text("done"), Text("well")], 0);
    script.awaits("net.recv_next", "an event, no room", &[Room(0)], 4);
    script.gives("net.recv_next", "an event", &[], "well");
    let info = r#"{"from":"io","path":"@events/done","id":"#;
    let from = if setting.is_together { r#"{"from":"io#"# } else { info };
    script.case("net.message_info", "of an event", &[Room(400)], Expect::Above(40));
    script.shows("net.message_info", "where an event comes from", from);
    script.case("events.emit", "an empty payload", &[Text("done"), Text("")], 0);
    script.awaits("net.recv_next", "an empty event", &[Room(64)], 0);
    let large = limits::MESSAGE_BYTES_MAX;
    script.case("events.emit", "a payload at its limit", &[Text("done"), Letters(large)], 0);
    script.awaits("net.recv_next", "an event at its limit", &[Room(large)], large.cast_signed());
    for name in ["", "No Name", "@done"] {
        let case = format!("`{name}`, which is no name");
        script.case("events.emit", &case, &[Text(name), Text("x")], Invalid);
        script.case("events.subscribe", &case, &[Text(name)], Invalid);
    }
    let longest = Letters(limits::NAME_BYTES_MAX);
    script.case("events.emit", "a name at its limit", &[longest, Text("x")], Invalid);
    script.case("events.subscribe", "a name at its limit", &[longest], Invalid);
    if setting.is_together {
        script.case("events.emit", "what is not declared", &[Text("rain"), Text("x")], Denied);
        script.case("events.subscribe", "what nothing emits", &[Text("rain")], NotFound);
    }
    recognizers(script, setting);
    if setting == Setting::new(Host::Linux, false) {
        script.until(
            "events.subscribe",
            "more events than a space may have",
            &[Counted("e0000")],
            Quota,
            100,
        );
    }
}

/// Of a space that declares none.
pub fn brief(script: &mut Script<'static>) {
    script.case("events.subscribe", "another space's event", &[Text("done")], 0);
    script.case("events.emit", "another space's event", &[Text("done"), Text("x")], Denied);
    let register = "events.register_recognizer";
    script.case(register, "another space's event", &[Text("hot"), Text(COLD)], Denied);
}

fn recognizers(script: &mut Script<'static>, setting: Setting) {
    let register = "events.register_recognizer";
    script.case("events.subscribe", "what is recognized", &[Text("hot")], 0);
    let always = r#"{"sensor":"oven","when":{"always":{}},"perMinute":1}"#;
    script.case(register, "each reading, once in a minute", &[Text("hot"), Text(always)], 0);
    script.awaits("net.recv_next", "what was recognized", &[Room(400)], Expect::Above(40));
    script.shows("net.recv_next", "what was recognized, its bytes", r#"{"event":"hot","#);
    script.case(register, "another one for the event", &[Text("hot"), Text(COLD)], 0);
    script.drain();
    for (case, spec) in [("no JSON", "{"), ("nothing", ""), ("other text", "hot")] {
        script.case(register, case, &[Text("hot"), Text(spec)], Malformed);
    }
    for (case, spec) in [
        ("no condition", r#"{"sensor":"oven"}"#),
        ("no sensor", r#"{"when":{"above":1}}"#),
        ("an unknown key", r#"{"sensor":"oven","when":{"above":1},"often":1}"#),
        ("no object", "[]"),
    ] {
        script.case(register, case, &[Text("hot"), Text(spec)], Invalid);
    }
    let cellar = r#"{"sensor":"cellar","when":{"above":1}}"#;
    script.case(register, "a sensor that is not there", &[Text("hot"), Text(cellar)], NotFound);
    let ring = r#"{"sensor":"oven","module":"ring"}"#;
    script.case(register, "a module that is not there", &[Text("hot"), Text(ring)], NotFound);
    script.case(register, "an empty name", &[Text(""), Text(COLD)], Invalid);
    script.case(register, "no name", &[Text("No Name"), Text(COLD)], Invalid);
    script.case(register, "a name at its limit", &[Letters(limits::NAME_BYTES_MAX), Text(COLD)], Invalid);
    script.case(
        register,
        "a specification at its limit",
        &[Text("hot"), Letters(limits::JSON_BYTES_MAX)],
        Malformed,
    );
    if setting.is_together {
        script.case(register, "an event that is not declared", &[Text("rain"), Text(COLD)], Denied);
    } else {
        script.until(
            register,
            "more recognizers than a space may have",
            &[Counted("e0000"), Text(COLD)],
            Quota,
            20,
        );
    }
}
