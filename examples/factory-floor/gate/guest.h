// The Guest Library: what a space does, in C's own terms, over the bindings in space.h. Names and keys are strings that
// end with a zero; a result below 0 is an error code, which space_error names; what a call gives lies in buffers that
// grow as they need it.
#ifndef GUEST_H
#define GUEST_H

#include "space.h"

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that grow. One that is all zero is empty: guest_buffer line = {0};
typedef struct {
    char *bytes;
    uint32_t length, capacity;
} guest_buffer;

// Some bytes of a buffer, or of anything. Nothing has no address.
typedef struct {
    const char *bytes;
    uint32_t length;
} guest_text;

// Before a buffer that is to be freed where its block ends: GUEST_FREED guest_buffer line = {0};
#define GUEST_FREED __attribute__((cleanup(guest_free)))
void guest_free(guest_buffer *buffer);
// Makes room for so many bytes; without memory it traps.
void guest_reserve(guest_buffer *buffer, uint32_t capacity);
// Append: a string, bytes, a number.
void guest_add(guest_buffer *buffer, const char *string);
void guest_add_bytes(guest_buffer *buffer, const void *bytes, uint32_t length);
void guest_add_number(guest_buffer *buffer, uint64_t number);

uint32_t guest_length(const char *string);
// Whether a text is this string.
int guest_is(guest_text text, const char *string);

// Writes to the log. What is longer than a line may be goes on in the next one.
void guest_log(const char *string);
void guest_log_bytes(const char *bytes, uint32_t length);
// Logs what is in a buffer, and empties it.
void guest_log_buffer(guest_buffer *buffer);

// What the machine says of itself, as JSON.
int32_t guest_node(guest_buffer *into);
// Whether the host serves a function of the ABI, such as "data.put".
int guest_has(const char *function);

// A message, and where it comes from. The texts lie in the message's own buffers until the next one is taken with it.
typedef struct {
    guest_buffer bytes, info;
    // The space that sent it, "@self" for this one; the path that it came by, empty from oneself.
    guest_text from, path;
    // Its id, and that of the message that it answers, empty for none.
    guest_text id, answers;
    // Milliseconds since 1970.
    uint64_t time;
} guest_message;

// Takes the next message; answers its bytes, SPACE_WOULD_BLOCK where none waits.
int32_t guest_next(guest_message *message);
// The name of the event that a message brings, or nothing.
guest_text guest_event(const guest_message *message);
// Answers the message that was taken last.
int32_t guest_answer(const void *bytes, uint32_t length);
// Sends a message to a path, or to a space that one path leads to.
int32_t guest_send(const char *to, const void *bytes, uint32_t length);
// Puts a message into the space's own queue.
int32_t guest_send_self(const void *bytes, uint32_t length);

// The value of a key; answers its bytes, SPACE_NOT_FOUND where there is none.
int32_t guest_get(const char *key, guest_buffer *into);
// Gives a key its value, which is durable on return.
int32_t guest_put(const char *key, const void *value, uint32_t length);
// Removes a key; answers 1 where there was one, 0 otherwise.
int32_t guest_delete(const char *key);

// The keys that begin with a prefix, in byte order: guest_keys keys = {.prefix = "a/"}; while (guest_next_key(&keys) > 0)
typedef struct {
    const char *prefix;
    // The key, which stays until the next call.
    guest_text key;
    guest_buffer page;
    uint32_t at;
} guest_keys;

// Answers 1 where there is a key, 0 after the last one; then the keys are freed.
int32_t guest_next_key(guest_keys *keys);
void guest_free_keys(guest_keys *keys);

// A blob that is written appears whole when it is committed, and not at all otherwise.
int32_t guest_create_blob(const char *key);
int32_t guest_write_blob(int32_t blob, const void *bytes, uint32_t length);
int32_t guest_commit_blob(int32_t blob);
// A blob that is read, from its beginning; SPACE_NOT_FOUND where there is none.
int32_t guest_open_blob(const char *key);
// Its next bytes, as many as fit; 0 at its end.
int32_t guest_read_blob(int32_t blob, void *out, uint32_t capacity);
// Before a blob that is to be closed, and dropped if it was written and not committed, where its block ends.
#define GUEST_CLOSED __attribute__((cleanup(guest_close_blob)))
void guest_close_blob(int32_t *blob);

// Calls a deterministic function, or a service; answers the bytes of its result.
int32_t guest_function(const char *name, const void *input, uint32_t length, guest_buffer *into);
// Lets a model choose among functions, and calls the one chosen.
int32_t guest_select(const char *name, const void *input, uint32_t length, guest_buffer *into);
// Asks a model.
int32_t guest_model(const char *name, const char *input, guest_buffer *into);
// Asks the cache, then a model, whose answer is kept for so many seconds if there is room.
int32_t guest_ask(const char *name, const char *input, uint32_t seconds, guest_buffer *into);
// Finds an answer in the intelligence cache; SPACE_NOT_FOUND where there is none.
int32_t guest_lookup(const char *key, guest_buffer *into);
// Keeps an answer for so many seconds; 0 is until the room is needed.
int32_t guest_store(const char *key, const void *value, uint32_t length, uint32_t seconds);

// What a sensor measured.
typedef struct {
    guest_buffer json;
    // Its number among the sensor's, from 1; milliseconds since 1970; how many found no room since the one before.
    uint64_t number, time, lost;
    // What the device says, as JSON; it lies in `json` until the next reading is taken with it.
    guest_text value;
} guest_reading;

// Asks for readings, with options in JSON, which may be empty.
int32_t guest_subscribe_sensor(const char *id, const char *options);
// The next reading; SPACE_WOULD_BLOCK where none waits, SPACE_CLOSED where none will come.
int32_t guest_read_sensor(const char *id, guest_reading *reading);

// Takes an actuator; answers the lock, which is its fence and grows from lock to lock.
int32_t guest_lock(const char *id, uint32_t milliseconds);
// Has an action in JSON carried out; its result, in JSON.
int32_t guest_command(int32_t lock, const char *action, guest_buffer *into);
// Before a lock that is to be released where its block ends: GUEST_RELEASED int32_t lock = guest_lock("gate", 1000);
#define GUEST_RELEASED __attribute__((cleanup(guest_release)))
void guest_release(int32_t *lock);

// Events arrive as messages: see guest_event.
int32_t guest_subscribe_event(const char *name);
int32_t guest_emit_event(const char *name, const void *payload, uint32_t length);
// Has the host emit an event by a specification in JSON.
int32_t guest_recognize(const char *name, const char *specification);

// A member of an object in JSON, as it stands there, or nothing; a text without its quotes; a number, 0 for what is none.
guest_text guest_member(guest_text object, const char *key);
guest_text guest_unquoted(guest_text value);
uint64_t guest_number(guest_text value);

#ifdef __cplusplus
}
#endif

#endif
