// The Guest ABI, version 1: what a space imports from its host. Made by `space new` from the table
// that hosts serve; docs/guest-abi.md describes it in full.
// A result is 0 for success, below 0 an error code, above 0 bytes, a count or a handle. Where a
// result does not fit `out`, the call answers the bytes that it needs, more than the buffer has,
// and writes nothing. The host keeps no address past a call.
// A space imports only what it uses, and is refused by name where that was not granted.

/** Error codes. */
export namespace codes {
  // An argument is outside what the function accepts: an empty key or name, an unknown mode, a time
  // that is too long, a handle that was never given.
  export const INVALID: i32 = -1;
  // A pointer and its length leave the guest's memory.
  export const FAULT: i32 = -2;
  // Nothing is there under this key, name or id.
  export const NOT_FOUND: i32 = -3;
  // The capability is held, but not for this: no path leads there, or a blob is open the other way.
  export const DENIED: i32 = -4;
  // The function is in the table, but not in this host.
  export const UNSUPPORTED: i32 = -5;
  // A length is beyond its limit, or a value is too large for this function.
  export const TOO_LARGE: i32 = -6;
  // The space's quota is used up, or the storage is full.
  export const QUOTA: i32 = -7;
  // Another space holds it.
  export const BUSY: i32 = -8;
  // The other side is gone, or the handle was closed.
  export const CLOSED: i32 = -9;
  // Storage, a device or a service outside failed.
  export const IO: i32 = -10;
  // Nothing is waiting, or there is no room now.
  export const WOULD_BLOCK: i32 = -11;
  // The lease has ended.
  export const EXPIRED: i32 = -12;
  // Text is not UTF-8, or what should be JSON is not.
  export const MALFORMED: i32 = -13;
}

/** The name of an error code, `unknown` for what is none. */
export function errorName(code: i32): string {
  switch (code) {
    case -1: return "invalid";
    case -2: return "fault";
    case -3: return "not-found";
    case -4: return "denied";
    case -5: return "unsupported";
    case -6: return "too-large";
    case -7: return "quota";
    case -8: return "busy";
    case -9: return "closed";
    case -10: return "io";
    case -11: return "would-block";
    case -12: return "expired";
    case -13: return "malformed";
    default: return "unknown";
  }
}

/** Limits. */
export namespace limits {
  // Bytes of a message or an event.
  export const MESSAGE_BYTES_MAX: i32 = 65536;
  // Bytes of a value; what is larger is a blob.
  export const VALUE_BYTES_MAX: i32 = 65536;
  // Bytes of a key.
  export const KEY_BYTES_MAX: i32 = 512;
  // Bytes of a name: destination, agent, event, sensor, actuator, function.
  export const NAME_BYTES_MAX: i32 = 255;
  // Bytes of a log line.
  export const LOG_LINE_BYTES_MAX: i32 = 4096;
  // Bytes of a specification, of options, of an action.
  export const JSON_BYTES_MAX: i32 = 16384;
  // Bytes of what an agent or the intelligence cache is asked.
  export const INPUT_BYTES_MAX: i32 = 65536;
  // Bytes of a result that the host keeps.
  export const RESULT_BYTES_MAX: i32 = 1048576;
  // Bytes of a blob or of sound that one call takes or gives.
  export const CHUNK_BYTES_MAX: i32 = 65536;
  // Blobs that a space may have open.
  export const OPEN_BLOBS_MAX: i32 = 16;
  // Milliseconds of one `sys.sleep`.
  export const SLEEP_MILLISECONDS_MAX: i32 = 86400000;
  // Milliseconds for which an actuator is locked.
  export const LEASE_MILLISECONDS_MAX: i32 = 60000;
  // Buffers of one `fd_write`.
  export const WASI_IOVECS_MAX: i32 = 1024;
  // Subscriptions of one `poll_oneoff`.
  export const WASI_SUBSCRIPTIONS_MAX: i32 = 64;
}

// sys: Log, waiting, messages to oneself.

/**
 * Writes a line to the space's log.
 * Capability: `sys.log`.
 * `line` has at most 4096 bytes.
 */
export function sysLog(line: string): i32 {
  const lineText = String.UTF8.encode(line);
  return sysLogRaw(changetype<usize>(lineText), lineText.byteLength);
}

@external("sys", "log")
declare function sysLogRaw(line_ptr: usize, line_len: i32): i32;

/**
 * Waits for so long.
 * Capability: `sys.sleep`.
 * `milliseconds` is at most 86400000.
 */
export function sysSleep(milliseconds: u32): i32 {
  return sysSleepRaw(milliseconds);
}

@external("sys", "sleep")
declare function sysSleepRaw(milliseconds: u32): i32;

/**
 * Lets others run.
 * Capability: `sys.yield`.
 */
export function sysYield(): i32 {
  return sysYieldRaw();
}

@external("sys", "yield")
declare function sysYieldRaw(): i32;

/**
 * Puts a message into the space's own queue.
 * Capability: `net.emit_to`.
 * `message` has at most 65536 bytes.
 */
export function sysSelfEmit(message: Uint8Array): i32 {
  return sysSelfEmitRaw(message.dataStart, message.length);
}

@external("sys", "self_emit")
declare function sysSelfEmitRaw(message_ptr: usize, message_len: i32): i32;

// net: Messages along paths.

/**
 * Sends a message to a path, to a space that one path leads to, to one instance of it as
 * `name#instance`, or to `@sender` while a message is processed.
 * Capability: `net.emit_to`.
 * `to` has at most 255 bytes, `message` has at most 65536 bytes.
 */
export function netEmitTo(to: string, message: Uint8Array): i32 {
  const toText = String.UTF8.encode(to);
  return netEmitToRaw(changetype<usize>(toText), toText.byteLength, message.dataStart, message.length);
}

@external("net", "emit_to")
declare function netEmitToRaw(to_ptr: usize, to_len: i32, message_ptr: usize, message_len: i32): i32;

/**
 * Takes the next message out of the space's queue; answers its bytes, `would-block` where none
 * waits.
 * Capability: `net.recv_next`.
 */
export function netRecvNext(out: Uint8Array): i32 {
  return netRecvNextRaw(out.dataStart, out.length);
}

@external("net", "recv_next")
declare function netRecvNextRaw(out: usize, cap: i32): i32;

/**
 * Writes where the message taken last comes from, as JSON: `from`, a name or `@self`; `path`; `id`
 * and `answers`, the number of the message that it answers or null, both as text; `time` in
 * milliseconds since 1970, 0 where nobody tells it; answers its bytes, `not-found` before the
 * first.
 * Capability: `net.recv_next`.
 */
export function netMessageInfo(out: Uint8Array): i32 {
  return netMessageInfoRaw(out.dataStart, out.length);
}

@external("net", "message_info")
declare function netMessageInfoRaw(out: usize, cap: i32): i32;

// data: Values and blobs by key.

/**
 * Writes the value of a key; answers its bytes, `not-found` where there is none, `too-large` for a
 * blob beyond a value's limit.
 * Capability: `data.read`.
 * `key` has at most 512 bytes.
 */
export function dataGet(key: string, out: Uint8Array): i32 {
  const keyText = String.UTF8.encode(key);
  return dataGetRaw(changetype<usize>(keyText), keyText.byteLength, out.dataStart, out.length);
}

@external("data", "get")
declare function dataGetRaw(key_ptr: usize, key_len: i32, out: usize, cap: i32): i32;

/**
 * Gives a key its value; on return it is durable.
 * Capability: `data.write`.
 * `key` has at most 512 bytes, `value` has at most 65536 bytes.
 */
export function dataPut(key: string, value: Uint8Array): i32 {
  const keyText = String.UTF8.encode(key);
  return dataPutRaw(changetype<usize>(keyText), keyText.byteLength, value.dataStart, value.length);
}

@external("data", "put")
declare function dataPutRaw(key_ptr: usize, key_len: i32, value_ptr: usize, value_len: i32): i32;

/**
 * Removes a key and its value or blob; answers how many there were, 0 or 1.
 * Capability: `data.delete`.
 * `key` has at most 512 bytes.
 */
export function dataDelete(key: string): i32 {
  const keyText = String.UTF8.encode(key);
  return dataDeleteRaw(changetype<usize>(keyText), keyText.byteLength);
}

@external("data", "delete")
declare function dataDeleteRaw(key_ptr: usize, key_len: i32): i32;

/**
 * Writes the keys that begin with the prefix and come after the other key, in byte order and as
 * many as fit, each as its length in four bytes, little-endian, and its text; answers the bytes
 * written, 0 after the last key, and more than `cap` where not even one key fits.
 * Capability: `data.list`.
 * `prefix` has at most 512 bytes, `after` has at most 512 bytes.
 */
export function dataList(prefix: string, after: string, out: Uint8Array): i32 {
  const prefixText = String.UTF8.encode(prefix);
  const afterText = String.UTF8.encode(after);
  return dataListRaw(changetype<usize>(prefixText), prefixText.byteLength, changetype<usize>(afterText), afterText.byteLength, out.dataStart, out.length);
}

@external("data", "list")
declare function dataListRaw(prefix_ptr: usize, prefix_len: i32, after_ptr: usize, after_len: i32, out: usize, cap: i32): i32;

/**
 * Opens a blob, mode 0 to read and 1 to write anew; answers a handle above 0, `not-found` where
 * there is nothing to read, `quota` where too many are open.
 * Capability: `data.read` or `data.write`.
 * `key` has at most 512 bytes.
 */
export function dataBlobOpen(key: string, mode: u32): i32 {
  const keyText = String.UTF8.encode(key);
  return dataBlobOpenRaw(changetype<usize>(keyText), keyText.byteLength, mode);
}

@external("data", "blob_open")
declare function dataBlobOpenRaw(key_ptr: usize, key_len: i32, mode: u32): i32;

/**
 * Writes the blob's next bytes, as many as fit; answers how many, 0 at its end; an empty buffer is
 * `invalid`.
 * Capability: `data.read`.
 */
export function dataBlobRead(handle: i32, out: Uint8Array): i32 {
  return dataBlobReadRaw(handle, out.dataStart, out.length);
}

@external("data", "blob_read")
declare function dataBlobReadRaw(handle: i32, out: usize, cap: i32): i32;

/**
 * Appends to the blob.
 * Capability: `data.write`.
 * `chunk` has at most 65536 bytes.
 */
export function dataBlobWrite(handle: i32, chunk: Uint8Array): i32 {
  return dataBlobWriteRaw(handle, chunk.dataStart, chunk.length);
}

@external("data", "blob_write")
declare function dataBlobWriteRaw(handle: i32, chunk_ptr: usize, chunk_len: i32): i32;

/**
 * Closes a blob; with 1 what was written appears whole and is durable on return, with 0 it is
 * dropped.
 * Capability: `data.read` or `data.write`.
 */
export function dataBlobClose(handle: i32, commit: u32): i32 {
  return dataBlobCloseRaw(handle, commit);
}

@external("data", "blob_close")
declare function dataBlobCloseRaw(handle: i32, commit: u32): i32;

// agent: Agents: deterministic functions, agentic functions, language models.

/**
 * Calls a deterministic function; answers the bytes of its result, which `mem.take` fetches.
 * Capability: `agent.invoke_df`.
 * `name` has at most 255 bytes, `input` has at most 65536 bytes.
 */
export function agentInvokeDf(name: string, input: Uint8Array): i32 {
  const nameText = String.UTF8.encode(name);
  return agentInvokeDfRaw(changetype<usize>(nameText), nameText.byteLength, input.dataStart, input.length);
}

@external("agent", "invoke_df")
declare function agentInvokeDfRaw(name_ptr: usize, name_len: i32, input_ptr: usize, input_len: i32): i32;

/**
 * Lets a model choose among registered functions and calls the one chosen; answers the bytes of its
 * result, which `mem.take` fetches.
 * Capability: `agent.invoke_af`.
 * `name` has at most 255 bytes, `input` has at most 65536 bytes.
 */
export function agentInvokeAf(name: string, input: Uint8Array): i32 {
  const nameText = String.UTF8.encode(name);
  return agentInvokeAfRaw(changetype<usize>(nameText), nameText.byteLength, input.dataStart, input.length);
}

@external("agent", "invoke_af")
declare function agentInvokeAfRaw(name_ptr: usize, name_len: i32, input_ptr: usize, input_len: i32): i32;

/**
 * Asks a language model; answers the bytes of its answer, which `mem.take` fetches.
 * Capability: `agent.invoke_llm`.
 * `name` has at most 255 bytes, `input` has at most 65536 bytes.
 */
export function agentInvokeLlm(name: string, input: Uint8Array): i32 {
  const nameText = String.UTF8.encode(name);
  return agentInvokeLlmRaw(changetype<usize>(nameText), nameText.byteLength, input.dataStart, input.length);
}

@external("agent", "invoke_llm")
declare function agentInvokeLlmRaw(name_ptr: usize, name_len: i32, input_ptr: usize, input_len: i32): i32;

// events: Events that recognizers compute.

/**
 * Registers a recognizer, which emits this event of the space's, by its specification in JSON;
 * another one for the event replaces it. `docs/devices.md` describes it.
 * Capability: `events.register_recognizer`.
 * `name` has at most 255 bytes, `spec` has at most 16384 bytes.
 */
export function eventsRegisterRecognizer(name: string, spec: string): i32 {
  const nameText = String.UTF8.encode(name);
  const specText = String.UTF8.encode(spec);
  return eventsRegisterRecognizerRaw(changetype<usize>(nameText), nameText.byteLength, changetype<usize>(specText), specText.byteLength);
}

@external("events", "register_recognizer")
declare function eventsRegisterRecognizerRaw(name_ptr: usize, name_len: i32, spec_ptr: usize, spec_len: i32): i32;

/**
 * Asks for the events of a name; they arrive as messages whose path, in `net.message_info`, is
 * `@events/` and the name. `not-found` where nothing emits them.
 * Capability: `events.subscribe`.
 * `name` has at most 255 bytes.
 */
export function eventsSubscribe(name: string): i32 {
  const nameText = String.UTF8.encode(name);
  return eventsSubscribeRaw(changetype<usize>(nameText), nameText.byteLength);
}

@external("events", "subscribe")
declare function eventsSubscribeRaw(name_ptr: usize, name_len: i32): i32;

/**
 * Emits an event that the space declares, to whoever asked for it; `denied` where the space does
 * not declare it.
 * Capability: `events.register_recognizer`.
 * `name` has at most 255 bytes, `payload` has at most 65536 bytes.
 */
export function eventsEmit(name: string, payload: Uint8Array): i32 {
  const nameText = String.UTF8.encode(name);
  return eventsEmitRaw(changetype<usize>(nameText), nameText.byteLength, payload.dataStart, payload.length);
}

@external("events", "emit")
declare function eventsEmitRaw(name_ptr: usize, name_len: i32, payload_ptr: usize, payload_len: i32): i32;

// ic: The intelligence cache: answers of models, to be found again.

/**
 * Looks an answer up; answers its bytes, which `mem.take` fetches, `not-found` where there is none.
 * Capability: `ic.lookup`.
 * `key` has at most 65536 bytes.
 */
export function icLookup(key: string): i32 {
  const keyText = String.UTF8.encode(key);
  return icLookupRaw(changetype<usize>(keyText), keyText.byteLength);
}

@external("ic", "lookup")
declare function icLookupRaw(key_ptr: usize, key_len: i32): i32;

/**
 * Stores an answer for so long; 0 is until the cache needs the room.
 * Capability: `ic.store`.
 * `key` has at most 65536 bytes, `value` has at most 65536 bytes.
 */
export function icStore(key: string, value: Uint8Array, seconds: u32): i32 {
  const keyText = String.UTF8.encode(key);
  return icStoreRaw(changetype<usize>(keyText), keyText.byteLength, value.dataStart, value.length, seconds);
}

@external("ic", "store")
declare function icStoreRaw(key_ptr: usize, key_len: i32, value_ptr: usize, value_len: i32, seconds: u32): i32;

// sensors: Inputs of any type; readings are JSON.

/**
 * Asks for readings of a sensor, with options in JSON, which may be empty; `docs/devices.md`
 * describes them.
 * Capability: `sensors.subscribe`.
 * `id` has at most 255 bytes, `options` has at most 16384 bytes.
 */
export function sensorsSubscribe(id: string, options: string): i32 {
  const idText = String.UTF8.encode(id);
  const optionsText = String.UTF8.encode(options);
  return sensorsSubscribeRaw(changetype<usize>(idText), idText.byteLength, changetype<usize>(optionsText), optionsText.byteLength);
}

@external("sensors", "subscribe")
declare function sensorsSubscribeRaw(id_ptr: usize, id_len: i32, options_ptr: usize, options_len: i32): i32;

/**
 * Takes the next reading of a sensor; answers its bytes of JSON, which `mem.take` fetches,
 * `would-block` where none waits, `closed` where none will come. A space that has not subscribed
 * gets the last one first.
 * Capability: `sensors.read`.
 * `id` has at most 255 bytes.
 */
export function sensorsRead(id: string): i32 {
  const idText = String.UTF8.encode(id);
  return sensorsReadRaw(changetype<usize>(idText), idText.byteLength);
}

@external("sensors", "read")
declare function sensorsReadRaw(id_ptr: usize, id_len: i32): i32;

// actuators: Outputs of any type; actions are JSON.

/**
 * Takes an actuator for so long; answers a lock above 0, `busy` where another space has it.
 * Capability: `actuators.lock`.
 * `id` has at most 255 bytes, `milliseconds` is at most 60000.
 */
export function actuatorsLock(id: string, milliseconds: u32): i32 {
  const idText = String.UTF8.encode(id);
  return actuatorsLockRaw(changetype<usize>(idText), idText.byteLength, milliseconds);
}

@external("actuators", "lock")
declare function actuatorsLockRaw(id_ptr: usize, id_len: i32, milliseconds: u32): i32;

/**
 * Carries an action in JSON out; answers the bytes of its result, which `mem.take` fetches,
 * `expired` where the lock is no longer the last one given, `closed` where it was given back.
 * Capability: `actuators.command`.
 * `action` has at most 16384 bytes.
 */
export function actuatorsCommand(lock: i32, action: string): i32 {
  const actionText = String.UTF8.encode(action);
  return actuatorsCommandRaw(lock, changetype<usize>(actionText), actionText.byteLength);
}

@external("actuators", "command")
declare function actuatorsCommandRaw(lock: i32, action_ptr: usize, action_len: i32): i32;

/**
 * Gives an actuator back.
 * Capability: `actuators.release`.
 */
export function actuatorsRelease(lock: i32): i32 {
  return actuatorsReleaseRaw(lock);
}

@external("actuators", "release")
declare function actuatorsReleaseRaw(lock: i32): i32;

// audio: Sound as a stream of bytes.

/**
 * Writes sound that the microphone took, as much as fits; answers its bytes, `would-block` where
 * there is none.
 * Capability: `audio.capture`.
 */
export function audioCapture(out: Uint8Array): i32 {
  return audioCaptureRaw(out.dataStart, out.length);
}

@external("audio", "capture")
declare function audioCaptureRaw(out: usize, cap: i32): i32;

/**
 * Gives sound to the speaker; answers how many bytes it took, `would-block` where it has no room.
 * Capability: `audio.playback`.
 * `chunk` has at most 65536 bytes.
 */
export function audioPlayback(chunk: Uint8Array): i32 {
  return audioPlaybackRaw(chunk.dataStart, chunk.length);
}

@external("audio", "playback")
declare function audioPlaybackRaw(chunk_ptr: usize, chunk_len: i32): i32;

// node: The machine.

/**
 * Describes the machine that runs the space, as JSON; answers its bytes.
 * Capability: `node.info`.
 */
export function nodeInfo(out: Uint8Array): i32 {
  return nodeInfoRaw(out.dataStart, out.length);
}

@external("node", "info")
declare function nodeInfoRaw(out: usize, cap: i32): i32;

// mem: Results that the host keeps.

/**
 * Writes the result that the host keeps and forgets it; answers its bytes, `not-found` where none
 * is kept.
 */
export function memTake(out: Uint8Array): i32 {
  return memTakeRaw(out.dataStart, out.length);
}

@external("mem", "take")
declare function memTakeRaw(out: usize, cap: i32): i32;

// z: The ABI itself.

/**
 * Answers the version of this table that the host knows.
 */
export function zVersion(): i32 {
  return zVersionRaw();
}

@external("z", "version")
declare function zVersionRaw(): i32;

/**
 * Answers 1 if the host serves the function of that name, such as `data.put`, and 0 if it does not.
 * `name` has at most 255 bytes.
 */
export function zHas(name: string): i32 {
  const nameText = String.UTF8.encode(name);
  return zHasRaw(changetype<usize>(nameText), nameText.byteLength);
}

@external("z", "has")
declare function zHasRaw(name_ptr: usize, name_len: i32): i32;
