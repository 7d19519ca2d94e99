//! The table of functions: the one place that names, types and describes what a guest may import.

use super::GuestCapability::{
    self, ActuatorsCommand, ActuatorsLock, ActuatorsRelease, AgentInvokeAf, AgentInvokeDf, AgentInvokeLlm,
    AudioCapture, AudioPlayback, DataDelete, DataList, DataRead, DataWrite, EventsRegisterRecognizer,
    EventsSubscribe, IcLookup, IcStore, NetEmitTo, NetRecvNext, NodeInfo, SensorsRead, SensorsSubscribe,
    SysLog, SysSleep, SysYield,
};
use super::signature::Role::{Bytes, Capacity, Flag, Handle, Length, Milliseconds, Mode, Out, Seconds, Text};
use super::signature::{Parameter, Signature, ValueType};
use crate::limits::guest::{
    CHUNK_BYTES_MAX, INPUT_BYTES_MAX, JSON_BYTES_MAX, KEY_BYTES_MAX, LEASE_MILLISECONDS_MAX,
    LOG_LINE_BYTES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX, SLEEP_MILLISECONDS_MAX, VALUE_BYTES_MAX,
};

/// One function of the Guest ABI.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its index in the table, for ever.
    pub number: u32,
    /// Import module.
    pub module: &'static str,
    /// Import name.
    pub item: &'static str,
    /// Its type, and what each parameter is for.
    pub signature: Signature,
    /// Capabilities of which its user holds at least one; empty where it needs none. Of the two of
    /// `data.blob_open` the mode says which.
    pub capabilities: &'static [GuestCapability],
    /// Whether hosts serve it; otherwise it answers `unsupported`.
    pub served: bool,
    /// What it does and what a result of 0 or more is.
    pub summary: &'static str,
}

impl Function {
    /// Whether a space with these capabilities may import it.
    pub fn allowed(&self, mask: u64) -> bool {
        self.capabilities.is_empty()
            || self.capabilities.iter().any(|capability| mask & capability.bit() != 0)
    }
}

/// Modes of `data.blob_open`.
pub mod blob_mode {
    /// Reads a blob from its beginning.
    pub const READ: u32 = 0;
    /// Writes a blob anew.
    pub const WRITE: u32 = 1;
}

/// Destination of `net.emit_to` that stands for the sender of the message being processed.
pub const SENDER: &str = "@sender";

/// Beginning of the path, in `net.message_info`, of an event; the event's name follows.
pub const EVENTS: &str = "@events/";

/// Sender, in `net.message_info`, of a message that a space put into its own queue.
pub const SELF: &str = "@self";

// Every value is an i32, times too: bindings need one type, JavaScript hosts no BigInt, and the limits of times lie
// far below what an i32 holds, so that a negative one is refused like any other beyond its limit.
macro_rules! functions {
    ($($number:literal $constant:ident $module:literal $item:literal ($($name:ident: $role:expr),*) [$($capability:ident),*] $served:ident $summary:literal;)+) => {
        /// Numbers of the functions.
        pub mod number { $(#[doc = $summary] pub const $constant: u32 = $number;)+ }
        /// Every function, in the order in which they were published.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            number: $number, module: $module, item: $item,
            signature: Signature {
                parameters: &[$(Parameter { name: stringify!($name), value_type: ValueType::I32, role: $role }),*],
                results: &[ValueType::I32],
            },
            capabilities: &[$($capability),*],
            served: functions!(@$served),
            summary: $summary,
        }),+];
    };
    (@served) => { true };
    (@known) => { false };
}

functions! {
    0 SYS_LOG "sys" "log" (line_ptr: Text, line_len: Length(LOG_LINE_BYTES_MAX)) [SysLog] served "Writes a line to the space's log.";
    1 SYS_SLEEP "sys" "sleep" (milliseconds: Milliseconds(SLEEP_MILLISECONDS_MAX)) [SysSleep] served "Waits for so long.";
    2 SYS_YIELD "sys" "yield" () [SysYield] served "Lets others run.";
    3 SYS_SELF_EMIT "sys" "self_emit" (message_ptr: Bytes, message_len: Length(MESSAGE_BYTES_MAX)) [NetEmitTo] served "Puts a message into the space's own queue.";
    4 NET_EMIT_TO "net" "emit_to" (to_ptr: Text, to_len: Length(NAME_BYTES_MAX), message_ptr: Bytes, message_len: Length(MESSAGE_BYTES_MAX)) [NetEmitTo] served "Sends a message to a path, to a space that one path leads to, to one instance of it as `name#instance`, or to `@sender` while a message is processed.";
    5 NET_RECV_NEXT "net" "recv_next" (out: Out, cap: Capacity) [NetRecvNext] served "Takes the next message out of the space's queue; answers its bytes, `would-block` where none waits.";
    6 NET_MESSAGE_INFO "net" "message_info" (out: Out, cap: Capacity) [NetRecvNext] served "Writes where the message taken last comes from, as JSON: `from`, a name or `@self`; `path`; `id` and `answers`, the number of the message that it answers or null, both as text; `time` in milliseconds since 1970, 0 where nobody tells it; answers its bytes, `not-found` before the first.";
    7 DATA_GET "data" "get" (key_ptr: Text, key_len: Length(KEY_BYTES_MAX), out: Out, cap: Capacity) [DataRead] served "Writes the value of a key; answers its bytes, `not-found` where there is none, `too-large` for a blob beyond a value's limit.";
    8 DATA_PUT "data" "put" (key_ptr: Text, key_len: Length(KEY_BYTES_MAX), value_ptr: Bytes, value_len: Length(VALUE_BYTES_MAX)) [DataWrite] served "Gives a key its value; on return it is durable.";
    9 DATA_DELETE "data" "delete" (key_ptr: Text, key_len: Length(KEY_BYTES_MAX)) [DataDelete] served "Removes a key and its value or blob; answers how many there were, 0 or 1.";
    10 DATA_LIST "data" "list" (prefix_ptr: Text, prefix_len: Length(KEY_BYTES_MAX), after_ptr: Text, after_len: Length(KEY_BYTES_MAX), out: Out, cap: Capacity) [DataList] served "Writes the keys that begin with the prefix and come after the other key, in byte order and as many as fit, each as its length in four bytes, little-endian, and its text; answers the bytes written, 0 after the last key, and more than `cap` where not even one key fits.";
    11 DATA_BLOB_OPEN "data" "blob_open" (key_ptr: Text, key_len: Length(KEY_BYTES_MAX), mode: Mode) [DataRead, DataWrite] served "Opens a blob, mode 0 to read and 1 to write anew; answers a handle above 0, `not-found` where there is nothing to read, `quota` where too many are open.";
    12 DATA_BLOB_READ "data" "blob_read" (handle: Handle, out: Out, cap: Capacity) [DataRead] served "Writes the blob's next bytes, as many as fit; answers how many, 0 at its end; an empty buffer is `invalid`.";
    13 DATA_BLOB_WRITE "data" "blob_write" (handle: Handle, chunk_ptr: Bytes, chunk_len: Length(CHUNK_BYTES_MAX)) [DataWrite] served "Appends to the blob.";
    14 DATA_BLOB_CLOSE "data" "blob_close" (handle: Handle, commit: Flag) [DataRead, DataWrite] served "Closes a blob; with 1 what was written appears whole and is durable on return, with 0 it is dropped.";
    15 AGENT_INVOKE_DF "agent" "invoke_df" (name_ptr: Text, name_len: Length(NAME_BYTES_MAX), input_ptr: Bytes, input_len: Length(INPUT_BYTES_MAX)) [AgentInvokeDf] served "Calls a deterministic function; answers the bytes of its result, which `mem.take` fetches.";
    16 AGENT_INVOKE_AF "agent" "invoke_af" (name_ptr: Text, name_len: Length(NAME_BYTES_MAX), input_ptr: Bytes, input_len: Length(INPUT_BYTES_MAX)) [AgentInvokeAf] served "Lets a model choose among registered functions and calls the one chosen; answers the bytes of its result, which `mem.take` fetches.";
    17 AGENT_INVOKE_LLM "agent" "invoke_llm" (name_ptr: Text, name_len: Length(NAME_BYTES_MAX), input_ptr: Bytes, input_len: Length(INPUT_BYTES_MAX)) [AgentInvokeLlm] served "Asks a language model; answers the bytes of its answer, which `mem.take` fetches.";
    18 EVENTS_REGISTER_RECOGNIZER "events" "register_recognizer" (name_ptr: Text, name_len: Length(NAME_BYTES_MAX), spec_ptr: Text, spec_len: Length(JSON_BYTES_MAX)) [EventsRegisterRecognizer] served "Registers a recognizer, which emits this event of the space's, by its specification in JSON; another one for the event replaces it. `docs/devices.md` describes it.";
    19 EVENTS_SUBSCRIBE "events" "subscribe" (name_ptr: Text, name_len: Length(NAME_BYTES_MAX)) [EventsSubscribe] served "Asks for the events of a name; they arrive as messages whose path, in `net.message_info`, is `@events/` and the name. `not-found` where nothing emits them.";
    20 EVENTS_EMIT "events" "emit" (name_ptr: Text, name_len: Length(NAME_BYTES_MAX), payload_ptr: Bytes, payload_len: Length(MESSAGE_BYTES_MAX)) [EventsRegisterRecognizer] served "Emits an event that the space declares, to whoever asked for it; `denied` where the space does not declare it.";
    21 IC_LOOKUP "ic" "lookup" (key_ptr: Text, key_len: Length(INPUT_BYTES_MAX)) [IcLookup] served "Looks an answer up; answers its bytes, which `mem.take` fetches, `not-found` where there is none.";
    22 IC_STORE "ic" "store" (key_ptr: Text, key_len: Length(INPUT_BYTES_MAX), value_ptr: Bytes, value_len: Length(VALUE_BYTES_MAX), seconds: Seconds) [IcStore] served "Stores an answer for so long; 0 is until the cache needs the room.";
    23 SENSORS_SUBSCRIBE "sensors" "subscribe" (id_ptr: Text, id_len: Length(NAME_BYTES_MAX), options_ptr: Text, options_len: Length(JSON_BYTES_MAX)) [SensorsSubscribe] served "Asks for readings of a sensor, with options in JSON, which may be empty; `docs/devices.md` describes them.";
    24 SENSORS_READ "sensors" "read" (id_ptr: Text, id_len: Length(NAME_BYTES_MAX)) [SensorsRead] served "Takes the next reading of a sensor; answers its bytes of JSON, which `mem.take` fetches, `would-block` where none waits, `closed` where none will come. A space that has not subscribed gets the last one first.";
    25 ACTUATORS_LOCK "actuators" "lock" (id_ptr: Text, id_len: Length(NAME_BYTES_MAX), milliseconds: Milliseconds(LEASE_MILLISECONDS_MAX)) [ActuatorsLock] served "Takes an actuator for so long; answers a lock above 0, `busy` where another space has it.";
    26 ACTUATORS_COMMAND "actuators" "command" (lock: Handle, action_ptr: Text, action_len: Length(JSON_BYTES_MAX)) [ActuatorsCommand] served "Carries an action in JSON out; answers the bytes of its result, which `mem.take` fetches, `expired` where the lock is no longer the last one given, `closed` where it was given back.";
    27 ACTUATORS_RELEASE "actuators" "release" (lock: Handle) [ActuatorsRelease] served "Gives an actuator back.";
    28 AUDIO_CAPTURE "audio" "capture" (out: Out, cap: Capacity) [AudioCapture] served "Writes sound that the microphone took, as much as fits; answers its bytes, `would-block` where there is none.";
    29 AUDIO_PLAYBACK "audio" "playback" (chunk_ptr: Bytes, chunk_len: Length(CHUNK_BYTES_MAX)) [AudioPlayback] served "Gives sound to the speaker; answers how many bytes it took, `would-block` where it has no room.";
    30 NODE_INFO "node" "info" (out: Out, cap: Capacity) [NodeInfo] served "Describes the machine that runs the space, as JSON; answers its bytes.";
    31 MEM_TAKE "mem" "take" (out: Out, cap: Capacity) [] served "Writes the result that the host keeps and forgets it; answers its bytes, `not-found` where none is kept.";
    32 Z_VERSION "z" "version" () [] served "Answers the version of this table that the host knows.";
    33 Z_HAS "z" "has" (name_ptr: Text, name_len: Length(NAME_BYTES_MAX)) [] served "Answers 1 if the host serves the function of that name, such as `data.put`, and 0 if it does not.";
}

/// The function of a number, if the table has one.
pub fn by_number(number: u32) -> Option<&'static Function> {
    FUNCTIONS.get(number as usize)
}

/// The function of a name as `z.has` takes it, `module.item`, if the table has one.
pub fn by_name(name: &str) -> Option<&'static Function> {
    let (module, item) = name.split_once('.')?;
    FUNCTIONS.iter().find(|function| function.module == module && function.item == item)
}

const _: () = {
    let mut at = 0;
    while at < FUNCTIONS.len() {
        assert!(FUNCTIONS[at].number as usize == at, "numbers are indices");
        at += 1;
    }
};
