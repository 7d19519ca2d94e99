//! `data`.

use crate::Setting;
use crate::script::Argument::{Counted, Letters, Number, Of, Room, Text};
use crate::script::{Script, Slot};
use sci::guest::ErrorCode::{Closed, Denied, Invalid, NotFound, Quota, TooLarge};
use sci::limits::guest as limits;

const LARGE: u32 = limits::VALUE_BYTES_MAX;
const KEY: u32 = limits::KEY_BYTES_MAX;

pub fn data(script: &mut Script<'static>, setting: Setting) {
    values(script);
    keys(script);
    blobs(script);
    blobs_that_are_many(script);
    if !setting.is_together {
        // In a topology, whoever stores more than was granted is ended.
        full(script);
    }
}

fn values(script: &mut Script<'static>) {
    script.case("data.get", "nothing there", &[Text("a"), Room(64)], NotFound);
    script.case("data.put", "a value", &[Text("a"), Text("value")], 0);
    script.gives("data.get", "a value", &[Text("a")], "value");
    script.case("data.put", "another value", &[Text("a"), Text("other one")], 0);
    script.gives("data.get", "another value", &[Text("a")], "other one");
    script.case("data.put", "an empty value", &[Text("a"), Text("")], 0);
    script.case("data.get", "an empty value", &[Text("a"), Room(64)], 0);
    script.case("data.put", "a value at its limit", &[Text("a"), Letters(LARGE)], 0);
    script.case(
        "data.get",
        "a value at its limit, short",
        &[Text("a"), Room(LARGE - 1)],
        LARGE.cast_signed(),
    );
    script.case("data.get", "a value at its limit", &[Text("a"), Room(LARGE)], LARGE.cast_signed());
    script.case("data.put", "a key at its limit", &[Letters(KEY), Text("far")], 0);
    script.gives("data.get", "a key at its limit", &[Letters(KEY)], "far");
    script.case("data.delete", "a key at its limit", &[Letters(KEY)], 1);
    script.case("data.delete", "a value", &[Text("a")], 1);
    script.case("data.delete", "nothing there", &[Text("a")], 0);
    script.case("data.get", "what was deleted", &[Text("a"), Room(64)], NotFound);
    script.case("data.get", "an empty key", &[Text(""), Room(64)], Invalid);
    script.case("data.put", "an empty key", &[Text(""), Text("x")], Invalid);
    script.case("data.delete", "an empty key", &[Text("")], Invalid);
    script.case("data.blob_open", "an empty key", &[Text(""), Number(1)], Invalid);
}

fn keys(script: &mut Script<'static>) {
    let list = "data.list";
    let from = |prefix, after, room| [Text(prefix), Text(after), Room(room)];
    script.case(list, "nothing there", &from("", "", 64), 0);
    for key in ["b/2", "a", "b/1", "c", "b/10"] {
        script.call("data.put", &[Text(key), Text("x")]);
    }
    let all = "\u{1}\0\0\0a\u{3}\0\0\0b/1\u{4}\0\0\0b/10\u{3}\0\0\0b/2\u{1}\0\0\0c";
    script.case(list, "all keys", &from("", "", 400), all.len() as i32);
    script.shows(list, "all keys, in byte order", all);
    let some = "\u{3}\0\0\0b/1\u{4}\0\0\0b/10\u{3}\0\0\0b/2";
    script.case(list, "a prefix", &from("b/", "", 22), 22);
    script.shows(list, "a prefix, its keys", some);
    script.case(list, "as many as fit", &from("b/", "", 21), 15);
    script.shows(list, "as many as fit, in byte order", &some[..15]);
    script.case(list, "after a key", &from("b/", "b/1", 400), 15);
    script.case(list, "after a key that is not there", &from("b/", "b/11", 400), 7);
    script.case(list, "after the last key", &from("b/", "b/2", 400), 0);
    script.case(list, "after all keys", &from("", "c", 400), 0);
    script.case(list, "after a key before the prefix", &from("b/", "a", 400), 22);
    script.case(list, "a prefix that nothing has", &from("d", "", 400), 0);
    script.case(list, "short of room", &from("b/", "", 6), 7);
    script.case(list, "no room", &from("b/", "b/1", 0), 8);
    script.case(list, "a prefix at its limit", &[Letters(KEY), Text(""), Room(64)], 0);
    script.case(list, "a key at its limit", &[Text(""), Letters(KEY), Room(64)], 0);
    for key in ["a", "b/1", "b/10", "b/2", "c"] {
        script.call("data.delete", &[Text(key)]);
    }
}

fn opened(script: &mut Script<'static>, case: &str, key: &'static str, mode: i32) -> Slot {
    script.case("data.blob_open", case, &[Text(key), Number(mode)], crate::Expect::Above(0))
}

fn blobs(script: &mut Script<'static>) {
    script.case("data.blob_open", "nothing to read", &[Text("blob"), Number(0)], NotFound);
    for mode in [2, -1] {
        script.case("data.blob_open", &format!("the mode {mode}"), &[Text("blob"), Number(mode)], Invalid);
    }
    let blob = opened(script, "to write", "blob", 1);
    script.case("data.blob_write", "a chunk", &[Of(blob), Text("begun and ")], 0);
    script.case("data.blob_write", "an empty chunk", &[Of(blob), Text("")], 0);
    script.case("data.blob_read", "what is written", &[Of(blob), Room(64)], Denied);
    script.case("data.get", "what is not closed", &[Text("blob"), Room(64)], NotFound);
    script.case("data.blob_write", "another chunk", &[Of(blob), Text("ended")], 0);
    script.case("data.blob_close", "neither 0 nor 1", &[Of(blob), Number(2)], Invalid);
    script.case("data.blob_close", "kept", &[Of(blob), Number(1)], 0);
    script.case("data.blob_close", "closed", &[Of(blob), Number(1)], Closed);
    script.case("data.blob_write", "closed", &[Of(blob), Text("x")], Closed);
    script.case("data.blob_read", "closed", &[Of(blob), Room(64)], Closed);
    script.gives("data.get", "a blob that is a value", &[Text("blob")], "begun and ended");

    let blob = opened(script, "to read", "blob", 0);
    script.case("data.blob_read", "an empty buffer", &[Of(blob), Room(0)], Invalid);
    script.case("data.blob_read", "as much as fits", &[Of(blob), Room(6)], 6);
    script.shows("data.blob_read", "as much as fits, its bytes", "begun ");
    script.case("data.blob_read", "the rest", &[Of(blob), Room(64)], 9);
    script.shows("data.blob_read", "the rest, its bytes", "and ended");
    script.case("data.blob_read", "its end", &[Of(blob), Room(64)], 0);
    script.case("data.blob_write", "what is read", &[Of(blob), Text("x")], Denied);
    script.case("data.put", "over what is read", &[Text("blob"), Text("value")], 0);
    script.case("data.blob_close", "what was read", &[Of(blob), Number(0)], 0);
    script.gives("data.get", "the value that replaced a blob", &[Text("blob")], "value");

    let blob = opened(script, "to write anew", "blob", 1);
    script.case("data.blob_write", "a chunk that is dropped", &[Of(blob), Text("other")], 0);
    script.case("data.blob_close", "dropped", &[Of(blob), Number(0)], 0);
    script.gives("data.get", "what was there before", &[Text("blob")], "value");

    let blob = opened(script, "one that becomes large", "blob", 1);
    script.case("data.blob_write", "a chunk at its limit", &[Of(blob), Letters(limits::CHUNK_BYTES_MAX)], 0);
    script.case("data.blob_write", "one byte more", &[Of(blob), Text("z")], 0);
    script.case("data.blob_close", "a large one", &[Of(blob), Number(1)], 0);
    script.case("data.get", "a blob beyond a value's limit", &[Text("blob"), Room(100_000)], TooLarge);
    let blob = opened(script, "a large one", "blob", 0);
    let chunk = limits::CHUNK_BYTES_MAX;
    script.case("data.blob_read", "a chunk at its limit", &[Of(blob), Room(chunk + 1)], chunk.cast_signed());
    script.case("data.blob_read", "one byte more", &[Of(blob), Room(64)], 1);
    script.shows("data.blob_read", "one byte more, the byte", "z");
    script.case("data.blob_close", "read, with 1", &[Of(blob), Number(1)], 0);
    script.case("data.delete", "a blob", &[Text("blob")], 1);
    script.case("data.blob_open", "deleted", &[Text("blob"), Number(0)], NotFound);
    for never in [0, 9999, -1] {
        let case = format!("{never}, which was never given");
        script.case("data.blob_read", &case, &[Number(never), Room(64)], Invalid);
        script.case("data.blob_write", &case, &[Number(never), Text("x")], Invalid);
        script.case("data.blob_close", &case, &[Number(never), Number(0)], Invalid);
    }
    let blob = script.case(
        "data.blob_open",
        "a key at its limit",
        &[Letters(KEY), Number(1)],
        crate::Expect::Above(0),
    );
    script.call("data.blob_close", &[Of(blob), Number(0)]);
}

fn blobs_that_are_many(script: &mut Script<'static>) {
    let open: Vec<Slot> = (1..=limits::OPEN_BLOBS_MAX)
        .map(|count| opened(script, &format!("{count} at once"), "many", 1))
        .collect();
    script.case("data.blob_open", "one more at once", &[Text("many"), Number(1)], Quota);
    for blob in open {
        script.call("data.blob_close", &[Of(blob), Number(0)]);
    }
    let blob = opened(script, "room again", "many", 1);
    script.call("data.blob_close", &[Of(blob), Number(0)]);
}

fn full(script: &mut Script<'static>) {
    let blob = opened(script, "one without an end", "large", 1);
    let chunk = Letters(limits::CHUNK_BYTES_MAX);
    script.until("data.blob_write", "more than a blob may have", &[Of(blob), chunk], Quota, 300);
    script.case("data.blob_close", "one that is too large, dropped", &[Of(blob), Number(0)], 0);
    script.until("data.put", "more than may be stored", &[Counted("full/0000"), Letters(LARGE)], Quota, 5000);
    let blob = opened(script, "one that has no room", "late", 1);
    script.call("data.blob_write", &[Of(blob), chunk]);
    script.case("data.blob_close", "no room", &[Of(blob), Number(1)], Quota);
    script.case("data.delete", "what was stored", &[Text("full/0000")], 1);
    script.case("data.put", "room again", &[Text("a"), Letters(LARGE)], 0);
}
