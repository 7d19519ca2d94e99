//! `mem`, `node`, `z`, and what shows that a module is there.

use super::events;
use crate::script::Argument::{Letters, Number, Room, Text};
use crate::script::{Expect, Script};
use sci::guest::ErrorCode::{Invalid, NotFound};
use sci::guest::VERSIONS;
use sci::limits::guest as limits;

/// A few cases of a module that several types may use.
pub fn brief(script: &mut Script<'static>, module: &str) {
    match module {
        "sys" => {
            script.case("sys.log", "a line", &[Text("said by a space of any type")], 0);
            script.case("sys.sleep", "a moment", &[Number(1)], 0);
            script.case("sys.yield", "at once", &[], 0);
            script.case("sys.self_emit", "a message", &[Text("note")], 0);
        }
        "net" => {
            script.gives("net.recv_next", "the message that it is called for", &[], crate::text::GO);
            script.case("net.message_info", "of a message", &[Room(400)], Expect::Above(40));
            script.case("net.emit_to", "nothing to nobody", &[Text(""), Text("")], Invalid);
        }
        "mem" => {
            script.case("mem.take", "nothing kept", &[Room(64)], NotFound);
        }
        "node" => {
            script.case("node.info", "the machine", &[Room(4096)], Expect::Above(10));
        }
        "z" => {
            script.case("z.version", "the version", &[], VERSIONS.len() as i32);
            script.case("z.has", "a function", &[Text("z.has")], 1);
        }
        "events" => events::brief(script),
        _ => panic!("the module `{module}` is of one type"),
    }
}

pub fn mem(script: &mut Script<'static>) {
    script.case("mem.take", "nothing kept", &[Room(64)], NotFound);
    script.case("mem.take", "nothing kept, no room", &[Room(0)], NotFound);
}

pub fn node(script: &mut Script<'static>) {
    script.case("node.info", "no room", &[Room(0)], Expect::Above(10));
    script.case("node.info", "short of room", &[Room(1)], Expect::Above(10));
    script.case("node.info", "the machine", &[Room(4096)], Expect::Above(10));
    script.shows("node.info", "an object", "{\"");
}

pub fn z(script: &mut Script<'static>) {
    script.case("z.version", "the version", &[], VERSIONS.len() as i32);
    for name in ["", "z", "z.", "z.had", "Z.HAS", "z.has ", "env.launch"] {
        script.case("z.has", &format!("`{name}`, which is no function"), &[Text(name)], 0);
    }
    script.case("z.has", "a name at its limit", &[Letters(limits::NAME_BYTES_MAX)], 0);
}
