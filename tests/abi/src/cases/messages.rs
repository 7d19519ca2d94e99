//! `sys` and `net`.

use crate::Setting;
use crate::script::Argument::{Letters, Number, Room, Text};
use crate::script::{Expect, ROOM, Script};
use crate::text::GO;
use sci::guest::ErrorCode::{Closed, Denied, Invalid, NotFound, WouldBlock};
use sci::limits::guest as limits;

/// A line that is to be in the log.
pub const LINE: &str = "a line: ümläut, and \"quotes\"";

pub fn sys(script: &mut Script<'static>) {
    script.case("sys.log", "a line", &[Text(LINE)], 0);
    script.case("sys.log", "an empty line", &[Text("")], 0);
    script.case("sys.log", "a line at its limit", &[Letters(limits::LOG_LINE_BYTES_MAX)], 0);
    script.case("sys.sleep", "no time", &[Number(0)], 0);
    script.case("sys.sleep", "a moment", &[Number(1)], 0);
    script.case("sys.yield", "at once", &[], 0);
    script.case("sys.self_emit", "a message", &[Text("note")], 0);
    script.case("sys.self_emit", "an empty one", &[Text("")], 0);
    script.case("sys.self_emit", "one at its limit", &[Letters(limits::MESSAGE_BYTES_MAX)], 0);
    script.gives("net.recv_next", "a message to oneself", &[], "note");
    script.case("net.message_info", "of a message to oneself", &[Room(400)], Expect::Above(40));
    script.shows(
        "net.message_info",
        "the sender of a message to oneself",
        r#"{"from":"@self","path":"","id":""#,
    );
    script.case("net.recv_next", "an empty message", &[Room(9)], 0);
    let large = limits::MESSAGE_BYTES_MAX;
    script.case("net.recv_next", "a message at its limit, short", &[Room(large - 1)], large.cast_signed());
    script.case("net.recv_next", "a message at its limit", &[Room(large)], large.cast_signed());
    script.shows("net.recv_next", "a message at its limit, its end", vec![b'k'; 64]);
    script.until("sys.self_emit", "a queue that is full", &[Text("more")], WouldBlock, 5000);
    script.drain();
    script.case("sys.self_emit", "room again", &[Text("note")], 0);
    script.gives("net.recv_next", "the only one that is left", &[], "note");
    script.case("net.recv_next", "nothing is left", &[Room(64)], WouldBlock);
}

pub fn net(script: &mut Script<'static>, setting: Setting) {
    script.case("net.message_info", "before the first message", &[Room(400)], NotFound);
    script.case("net.emit_to", "an answer before the first message", &[Text("@sender"), Text("x")], Denied);
    script.gives("net.recv_next", "the message that it is called for", &[], GO);
    script.case("net.message_info", "no room", &[Room(0)], Expect::Above(40));
    script.case("net.message_info", "short of room", &[Room(40)], Expect::Above(40));
    script.case("net.message_info", "of a message", &[Room(400)], Expect::Above(40));
    let from = if setting.is_together {
        r#"{"from":"starter#"#
    } else {
        r#"{"from":"@self","path":"","id":"1","answers":null,"time":0}"#
    };
    script.shows("net.message_info", "where it comes from", from);
    script.case("net.emit_to", "an answer", &[Text("@sender"), Text("heard")], 0);
    if !setting.is_together {
        script.gives("net.recv_next", "an answer to oneself", &[], "heard");
        script.case("net.message_info", "of an answer to oneself", &[Room(400)], Expect::Above(40));
        let from = r#"{"from":"@self","path":"","id":"2","answers":"1","time":0}"#;
        script.shows("net.message_info", "what is answered", from);
    }
    script.case("net.recv_next", "nothing", &[Room(64)], WouldBlock);
    script.case("net.recv_next", "nothing, no room", &[Room(0)], WouldBlock);
    script.case("net.emit_to", "an answer to what is done", &[Text("@sender"), Text("x")], Denied);
    script.case("net.message_info", "of what is done", &[Room(400)], Expect::Above(40));
    script.case("net.emit_to", "no name", &[Text(""), Text("x")], Invalid);
    script.case("net.emit_to", "nobody", &[Text("nobody"), Text("x")], Denied);
    script.case("net.emit_to", "nobody's instance", &[Text("nobody#1"), Text("x")], Denied);
    // Where there are names of spaces, none is so long.
    let longest = if setting.is_together { Invalid } else { Denied };
    script.case("net.emit_to", "a name at its limit", &[Letters(limits::NAME_BYTES_MAX), Text("x")], longest);
    if setting.is_together {
        together(script);
    }
}

fn together(script: &mut Script<'static>) {
    script.case("net.emit_to", "along a path", &[Text("words"), Text("hello")], 0);
    script.awaits("net.recv_next", "an answer, no room", &[Room(0)], 5);
    script.gives("net.recv_next", "an answer", &[], "hello");
    script.case("net.message_info", "of an answer", &[Room(400)], Expect::Above(40));
    script.shows("net.message_info", "where an answer comes from", r#"{"from":"echo#"#);
    // The name of the instance is in the buffer, after `{"from":"`.
    let (at, bytes) = (Number(ROOM.cast_signed() + 9), Number("echo#5".len() as i32));
    script.case("net.emit_to", "an instance", &[at, bytes, Text("by name")], 0);
    script.awaits("net.recv_next", "the answer of an instance", &[Room(64)], 7);
    script.case("net.emit_to", "an empty message", &[Text("words"), Text("")], 0);
    script.awaits("net.recv_next", "an empty answer", &[Room(64)], 0);
    let large = limits::MESSAGE_BYTES_MAX;
    script.case("net.emit_to", "a message at its limit", &[Text("words"), Letters(large)], 0);
    script.awaits("net.recv_next", "an answer at its limit", &[Room(large)], large.cast_signed());
    script.case("net.emit_to", "a space that two paths lead to", &[Text("deaf"), Text("x")], Invalid);
    script.case("net.emit_to", "oneself", &[Text("io"), Text("x")], Invalid);
    script.case("net.emit_to", "no name of anything", &[Text("No Name"), Text("x")], Invalid);
    script.case("net.emit_to", "a space that no path leads to", &[Text("data"), Text("x")], Denied);
    script.case("net.emit_to", "a space", &[Text("echo"), Text("by name")], 0);
    script.awaits("net.recv_next", "the answer of a space", &[Room(64)], 7);
    script.case("net.emit_to", "an instance that does not run", &[Text("echo#99"), Text("x")], Closed);
    script.until("net.emit_to", "a path that is full", &[Text("full"), Letters(large)], WouldBlock, 5000);
}
