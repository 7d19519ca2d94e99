// The Guest ABI, version 1: what a space imports from its host. Made by `space new` from the table
// that hosts serve; docs/guest-abi.md describes it in full.
// A result is 0 for success, below 0 an error code, above 0 bytes, a count or a handle. Where a
// result does not fit `out`, the call answers the bytes that it needs, more than the buffer has,
// and writes nothing. The host keeps no address past a call.
// A space imports only what it uses, and is refused by name where that was not granted.
#ifndef SPACE_H
#define SPACE_H

#include <stdint.h>

// Before a function that the host calls: SPACE_EXPORT(on_init) void on_init(void) { ... }
#define SPACE_EXPORT(name) __attribute__((export_name(#name)))
#define SPACE_IMPORT(module, name) __attribute__((import_module(#module), import_name(#name)))

#ifdef __cplusplus
extern "C" {
#endif

// Error codes.
enum {
    // An argument is outside what the function accepts: an empty key or name, an unknown mode, a
    // time that is too long, a handle that was never given.
    SPACE_INVALID = -1,
    // A pointer and its length leave the guest's memory.
    SPACE_FAULT = -2,
    // Nothing is there under this key, name or id.
    SPACE_NOT_FOUND = -3,
    // The capability is held, but not for this: no path leads there, or a blob is open the other
    // way.
    SPACE_DENIED = -4,
    // The function is in the table, but not in this host.
    SPACE_UNSUPPORTED = -5,
    // A length is beyond its limit, or a value is too large for this function.
    SPACE_TOO_LARGE = -6,
    // The space's quota is used up, or the storage is full.
    SPACE_QUOTA = -7,
    // Another space holds it.
    SPACE_BUSY = -8,
    // The other side is gone, or the handle was closed.
    SPACE_CLOSED = -9,
    // Storage, a device or a service outside failed.
    SPACE_IO = -10,
    // Nothing is waiting, or there is no room now.
    SPACE_WOULD_BLOCK = -11,
    // The lease has ended.
    SPACE_EXPIRED = -12,
    // Text is not UTF-8, or what should be JSON is not.
    SPACE_MALFORMED = -13,
};

// Limits.
enum {
    // Bytes of a message or an event.
    SPACE_MESSAGE_BYTES_MAX = 65536,
    // Bytes of a value; what is larger is a blob.
    SPACE_VALUE_BYTES_MAX = 65536,
    // Bytes of a key.
    SPACE_KEY_BYTES_MAX = 512,
    // Bytes of a name: destination, agent, event, sensor, actuator, function.
    SPACE_NAME_BYTES_MAX = 255,
    // Bytes of a log line.
    SPACE_LOG_LINE_BYTES_MAX = 4096,
    // Bytes of a specification, of options, of an action.
    SPACE_JSON_BYTES_MAX = 16384,
    // Bytes of what an agent or the intelligence cache is asked.
    SPACE_INPUT_BYTES_MAX = 65536,
    // Bytes of a result that the host keeps.
    SPACE_RESULT_BYTES_MAX = 1048576,
    // Bytes of a blob or of sound that one call takes or gives.
    SPACE_CHUNK_BYTES_MAX = 65536,
    // Blobs that a space may have open.
    SPACE_OPEN_BLOBS_MAX = 16,
    // Milliseconds of one `sys.sleep`.
    SPACE_SLEEP_MILLISECONDS_MAX = 86400000,
    // Milliseconds for which an actuator is locked.
    SPACE_LEASE_MILLISECONDS_MAX = 60000,
    // Buffers of one `fd_write`.
    SPACE_WASI_IOVECS_MAX = 1024,
    // Subscriptions of one `poll_oneoff`.
    SPACE_WASI_SUBSCRIPTIONS_MAX = 64,
};

// The name of an error code, `unknown` for what is none.
static inline const char *space_error(int32_t code) {
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

// sys: Log, waiting, messages to oneself.

// Writes a line to the space's log.
// Capability: `sys.log`.
// `line` has at most 4096 bytes.
SPACE_IMPORT(sys, log)
int32_t sys_log(const char *line, uint32_t line_len);

// Waits for so long.
// Capability: `sys.sleep`.
// `milliseconds` is at most 86400000.
SPACE_IMPORT(sys, sleep)
int32_t sys_sleep(uint32_t milliseconds);

// Lets others run.
// Capability: `sys.yield`.
SPACE_IMPORT(sys, yield)
int32_t sys_yield(void);

// Puts a message into the space's own queue.
// Capability: `net.emit_to`.
// `message` has at most 65536 bytes.
SPACE_IMPORT(sys, self_emit)
int32_t sys_self_emit(const void *message, uint32_t message_len);

// net: Messages along paths.

// Sends a message to a path, to a space that one path leads to, to one instance of it as
// `name#instance`, or to `@sender` while a message is processed.
// Capability: `net.emit_to`.
// `to` has at most 255 bytes, `message` has at most 65536 bytes.
SPACE_IMPORT(net, emit_to)
int32_t net_emit_to(const char *to, uint32_t to_len, const void *message, uint32_t message_len);

// Takes the next message out of the space's queue; answers its bytes, `would-block` where none
// waits.
// Capability: `net.recv_next`.
SPACE_IMPORT(net, recv_next)
int32_t net_recv_next(void *out, uint32_t cap);

// Writes where the message taken last comes from, as JSON: `from`, a name or `@self`; `path`; `id`
// and `answers`, the number of the message that it answers or null, both as text; `time` in
// milliseconds since 1970, 0 where nobody tells it; answers its bytes, `not-found` before the
// first.
// Capability: `net.recv_next`.
SPACE_IMPORT(net, message_info)
int32_t net_message_info(void *out, uint32_t cap);

// data: Values and blobs by key.

// Writes the value of a key; answers its bytes, `not-found` where there is none, `too-large` for a
// blob beyond a value's limit.
// Capability: `data.read`.
// `key` has at most 512 bytes.
SPACE_IMPORT(data, get)
int32_t data_get(const char *key, uint32_t key_len, void *out, uint32_t cap);

// Gives a key its value; on return it is durable.
// Capability: `data.write`.
// `key` has at most 512 bytes, `value` has at most 65536 bytes.
SPACE_IMPORT(data, put)
int32_t data_put(const char *key, uint32_t key_len, const void *value, uint32_t value_len);

// Removes a key and its value or blob; answers how many there were, 0 or 1.
// Capability: `data.delete`.
// `key` has at most 512 bytes.
SPACE_IMPORT(data, delete)
int32_t data_delete(const char *key, uint32_t key_len);

// Writes the keys that begin with the prefix and come after the other key, in byte order and as
// many as fit, each as its length in four bytes, little-endian, and its text; answers the bytes
// written, 0 after the last key, and more than `cap` where not even one key fits.
// Capability: `data.list`.
// `prefix` has at most 512 bytes, `after` has at most 512 bytes.
SPACE_IMPORT(data, list)
int32_t data_list(const char *prefix, uint32_t prefix_len, const char *after, uint32_t after_len, void *out, uint32_t cap);

// Opens a blob, mode 0 to read and 1 to write anew; answers a handle above 0, `not-found` where
// there is nothing to read, `quota` where too many are open.
// Capability: `data.read` or `data.write`.
// `key` has at most 512 bytes.
SPACE_IMPORT(data, blob_open)
int32_t data_blob_open(const char *key, uint32_t key_len, uint32_t mode);

// Writes the blob's next bytes, as many as fit; answers how many, 0 at its end; an empty buffer is
// `invalid`.
// Capability: `data.read`.
SPACE_IMPORT(data, blob_read)
int32_t data_blob_read(int32_t handle, void *out, uint32_t cap);

// Appends to the blob.
// Capability: `data.write`.
// `chunk` has at most 65536 bytes.
SPACE_IMPORT(data, blob_write)
int32_t data_blob_write(int32_t handle, const void *chunk, uint32_t chunk_len);

// Closes a blob; with 1 what was written appears whole and is durable on return, with 0 it is
// dropped.
// Capability: `data.read` or `data.write`.
SPACE_IMPORT(data, blob_close)
int32_t data_blob_close(int32_t handle, uint32_t commit);

// agent: Agents: deterministic functions, agentic functions, language models.

// Calls a deterministic function; answers the bytes of its result, which `mem.take` fetches.
// Capability: `agent.invoke_df`.
// `name` has at most 255 bytes, `input` has at most 65536 bytes.
SPACE_IMPORT(agent, invoke_df)
int32_t agent_invoke_df(const char *name, uint32_t name_len, const void *input, uint32_t input_len);

// Lets a model choose among registered functions and calls the one chosen; answers the bytes of its
// result, which `mem.take` fetches.
// Capability: `agent.invoke_af`.
// `name` has at most 255 bytes, `input` has at most 65536 bytes.
SPACE_IMPORT(agent, invoke_af)
int32_t agent_invoke_af(const char *name, uint32_t name_len, const void *input, uint32_t input_len);

// Asks a language model; answers the bytes of its answer, which `mem.take` fetches.
// Capability: `agent.invoke_llm`.
// `name` has at most 255 bytes, `input` has at most 65536 bytes.
SPACE_IMPORT(agent, invoke_llm)
int32_t agent_invoke_llm(const char *name, uint32_t name_len, const void *input, uint32_t input_len);

// events: Events that recognizers compute.

// Registers a recognizer, which emits this event of the space's, by its specification in JSON;
// another one for the event replaces it. `docs/devices.md` describes it.
// Capability: `events.register_recognizer`.
// `name` has at most 255 bytes, `spec` has at most 16384 bytes.
SPACE_IMPORT(events, register_recognizer)
int32_t events_register_recognizer(const char *name, uint32_t name_len, const char *spec, uint32_t spec_len);

// Asks for the events of a name; they arrive as messages whose path, in `net.message_info`, is
// `@events/` and the name. `not-found` where nothing emits them.
// Capability: `events.subscribe`.
// `name` has at most 255 bytes.
SPACE_IMPORT(events, subscribe)
int32_t events_subscribe(const char *name, uint32_t name_len);

// Emits an event that the space declares, to whoever asked for it; `denied` where the space does
// not declare it.
// Capability: `events.register_recognizer`.
// `name` has at most 255 bytes, `payload` has at most 65536 bytes.
SPACE_IMPORT(events, emit)
int32_t events_emit(const char *name, uint32_t name_len, const void *payload, uint32_t payload_len);

// ic: The intelligence cache: answers of models, to be found again.

// Looks an answer up; answers its bytes, which `mem.take` fetches, `not-found` where there is none.
// Capability: `ic.lookup`.
// `key` has at most 65536 bytes.
SPACE_IMPORT(ic, lookup)
int32_t ic_lookup(const char *key, uint32_t key_len);

// Stores an answer for so long; 0 is until the cache needs the room.
// Capability: `ic.store`.
// `key` has at most 65536 bytes, `value` has at most 65536 bytes.
SPACE_IMPORT(ic, store)
int32_t ic_store(const char *key, uint32_t key_len, const void *value, uint32_t value_len, uint32_t seconds);

// sensors: Inputs of any type; readings are JSON.

// Asks for readings of a sensor, with options in JSON, which may be empty; `docs/devices.md`
// describes them.
// Capability: `sensors.subscribe`.
// `id` has at most 255 bytes, `options` has at most 16384 bytes.
SPACE_IMPORT(sensors, subscribe)
int32_t sensors_subscribe(const char *id, uint32_t id_len, const char *options, uint32_t options_len);

// Takes the next reading of a sensor; answers its bytes of JSON, which `mem.take` fetches,
// `would-block` where none waits, `closed` where none will come. A space that has not subscribed
// gets the last one first.
// Capability: `sensors.read`.
// `id` has at most 255 bytes.
SPACE_IMPORT(sensors, read)
int32_t sensors_read(const char *id, uint32_t id_len);

// actuators: Outputs of any type; actions are JSON.

// Takes an actuator for so long; answers a lock above 0, `busy` where another space has it.
// Capability: `actuators.lock`.
// `id` has at most 255 bytes, `milliseconds` is at most 60000.
SPACE_IMPORT(actuators, lock)
int32_t actuators_lock(const char *id, uint32_t id_len, uint32_t milliseconds);

// Carries an action in JSON out; answers the bytes of its result, which `mem.take` fetches,
// `expired` where the lock is no longer the last one given, `closed` where it was given back.
// Capability: `actuators.command`.
// `action` has at most 16384 bytes.
SPACE_IMPORT(actuators, command)
int32_t actuators_command(int32_t lock, const char *action, uint32_t action_len);

// Gives an actuator back.
// Capability: `actuators.release`.
SPACE_IMPORT(actuators, release)
int32_t actuators_release(int32_t lock);

// audio: Sound as a stream of bytes.

// Writes sound that the microphone took, as much as fits; answers its bytes, `would-block` where
// there is none.
// Capability: `audio.capture`.
SPACE_IMPORT(audio, capture)
int32_t audio_capture(void *out, uint32_t cap);

// Gives sound to the speaker; answers how many bytes it took, `would-block` where it has no room.
// Capability: `audio.playback`.
// `chunk` has at most 65536 bytes.
SPACE_IMPORT(audio, playback)
int32_t audio_playback(const void *chunk, uint32_t chunk_len);

// node: The machine.

// Describes the machine that runs the space, as JSON; answers its bytes.
// Capability: `node.info`.
SPACE_IMPORT(node, info)
int32_t node_info(void *out, uint32_t cap);

// mem: Results that the host keeps.

// Writes the result that the host keeps and forgets it; answers its bytes, `not-found` where none
// is kept.
SPACE_IMPORT(mem, take)
int32_t mem_take(void *out, uint32_t cap);

// z: The ABI itself.

// Answers the version of this table that the host knows.
SPACE_IMPORT(z, version)
int32_t z_version(void);

// Answers 1 if the host serves the function of that name, such as `data.put`, and 0 if it does not.
// `name` has at most 255 bytes.
SPACE_IMPORT(z, has)
int32_t z_has(const char *name, uint32_t name_len);

#ifdef __cplusplus
}
#endif

#endif
