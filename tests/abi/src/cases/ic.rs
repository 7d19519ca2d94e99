//! `ic`.

use crate::Setting;
use crate::script::Argument::{Counted, Letters, Number, Text};
use crate::script::Script;
use sci::guest::ErrorCode::{Invalid, NotFound, Quota};
use sci::limits::guest as limits;

pub fn ic(script: &mut Script<'static>, _: Setting) {
    let (lookup, store) = ("ic.lookup", "ic.store");
    let key = Text("what is it?");
    script.case(lookup, "nothing there", &[key], NotFound);
    script.case(store, "until the room is needed", &[key, Text("a cache"), Number(0)], 0);
    script.keeps(lookup, "an answer", &[key], "a cache");
    script.case(store, "another answer, for a time", &[key, Text("another"), Number(3600)], 0);
    script.keeps(lookup, "another answer", &[key], "another");
    script.case(store, "an empty answer, as long as can be", &[key, Text(""), Number(i32::MAX)], 0);
    script.keeps(lookup, "an empty answer", &[key], "");
    script.case(lookup, "a part of a key", &[Text("what is")], NotFound);
    script.case(store, "for a second", &[Text("short"), Text("x"), Number(1)], 0);
    script.call("sys.sleep", &[Number(1100)]);
    script.case(lookup, "what was kept for a second", &[Text("short")], NotFound);
    script.case(store, "a time below 0", &[key, Text("x"), Number(-1)], Invalid);
    script.case(store, "an empty key", &[Text(""), Text("x"), Number(0)], Invalid);
    script.case(lookup, "an empty key", &[Text("")], Invalid);
    let longest = Letters(limits::INPUT_BYTES_MAX);
    script.case(
        store,
        "a key and an answer at their limits",
        &[longest, Letters(limits::VALUE_BYTES_MAX), Number(0)],
        0,
    );
    script.case(lookup, "a key at its limit", &[longest], limits::VALUE_BYTES_MAX.cast_signed());
    let many = [Counted("key 0000"), Letters(limits::VALUE_BYTES_MAX), Number(3600)];
    script.until(store, "more than may be kept for a time", &many, Quota, 5000);
    script.case(lookup, "what went for it", &[longest], NotFound);
    script.case(lookup, "what stayed", &[Text("key 0000")], limits::VALUE_BYTES_MAX.cast_signed());
}
