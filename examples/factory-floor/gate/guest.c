// The Guest Library: see guest.h.
#include "guest.h"

#ifdef __wasi__
#include <stdlib.h>
#endif

#define PAGE_BYTES 65536
#define BUFFER_BYTES_MIN 64

#ifdef __wasi__
static void *allocate(uint32_t bytes) {
    return malloc(bytes);
}

static void deallocate(void *memory, uint32_t bytes) {
    (void)bytes;
    free(memory);
}
#else
// Capacities are powers of two, and what is freed waits for the next buffer of its size.
static void *freed[32];
static char *fresh, *fresh_end;

static void *allocate(uint32_t bytes) {
    int size = __builtin_ctz(bytes);
    void *memory = freed[size];
    if (memory) {
        freed[size] = *(void **)memory;
        return memory;
    }
    if ((uint32_t)(fresh_end - fresh) < bytes) {
        uint32_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
        uint32_t before = __builtin_wasm_memory_grow(0, pages);
        if (before == (uint32_t)-1) return 0;
        fresh = (char *)(before * PAGE_BYTES);
        fresh_end = fresh + pages * PAGE_BYTES;
    }
    memory = fresh;
    fresh += bytes;
    return memory;
}

static void deallocate(void *memory, uint32_t bytes) {
    int size = __builtin_ctz(bytes);
    *(void **)memory = freed[size];
    freed[size] = memory;
}
#endif

void guest_free(guest_buffer *buffer) {
    if (buffer->capacity) deallocate(buffer->bytes, buffer->capacity);
    *buffer = (guest_buffer){0};
}

void guest_reserve(guest_buffer *buffer, uint32_t capacity) {
    if (capacity <= buffer->capacity) return;
    uint32_t room = BUFFER_BYTES_MIN;
    while (room && room < capacity) room *= 2;
    char *bytes = room ? allocate(room) : 0;
    if (!bytes) __builtin_trap();
    if (buffer->length) __builtin_memcpy(bytes, buffer->bytes, buffer->length);
    uint32_t length = buffer->length;
    guest_free(buffer);
    *buffer = (guest_buffer){bytes, length, room};
}

void guest_add_bytes(guest_buffer *buffer, const void *bytes, uint32_t length) {
    guest_reserve(buffer, buffer->length + length);
    if (length) __builtin_memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void guest_add(guest_buffer *buffer, const char *string) {
    guest_add_bytes(buffer, string, guest_length(string));
}

void guest_add_number(guest_buffer *buffer, uint64_t number) {
    char digits[20];
    uint32_t at = sizeof digits;
    do {
        digits[--at] = '0' + number % 10;
        number /= 10;
    } while (number);
    guest_add_bytes(buffer, digits + at, sizeof digits - at);
}

uint32_t guest_length(const char *string) {
    uint32_t length = 0;
    while (string[length]) length++;
    return length;
}

int guest_is(guest_text text, const char *string) {
    uint32_t at = 0;
    while (at < text.length && string[at] && text.bytes[at] == string[at]) at++;
    return at == text.length && !string[at];
}

void guest_log_bytes(const char *bytes, uint32_t length) {
    while (length > SPACE_LOG_LINE_BYTES_MAX) {
        uint32_t part = SPACE_LOG_LINE_BYTES_MAX;
        // Not in the midst of a character.
        while (part && (bytes[part] & 0xc0) == 0x80) part--;
        sys_log(bytes, part);
        bytes += part;
        length -= part;
    }
    sys_log(bytes, length);
}

void guest_log(const char *string) {
    guest_log_bytes(string, guest_length(string));
}

void guest_log_buffer(guest_buffer *buffer) {
    guest_log_bytes(buffer->bytes, buffer->length);
    buffer->length = 0;
}

// Whether a call that wrote to a buffer is to be made again, with more room.
static int is_short(int32_t needed, guest_buffer *buffer) {
    if (needed >= 0 && (uint32_t)needed > buffer->capacity) {
        guest_reserve(buffer, needed);
        return 1;
    }
    if (needed >= 0) buffer->length = needed;
    return 0;
}

// Calls until the result fits, with `into` for the buffer.
#define FILLED(into, call)                         \
    do {                                           \
        int32_t needed;                            \
        (into)->length = 0;                        \
        guest_reserve(into, 512);                  \
        do needed = (call);                        \
        while (is_short(needed, into));            \
        if (needed < 0) return needed;             \
    } while (0)

// The result that the host keeps, after a call that answered its bytes.
static int32_t taken(int32_t result, guest_buffer *into) {
    into->length = 0;
    if (result <= 0) return result;
    FILLED(into, mem_take(into->bytes, into->capacity));
    return into->length;
}

static guest_text all(const guest_buffer *buffer) {
    return (guest_text){buffer->bytes, buffer->length};
}

int32_t guest_node(guest_buffer *into) {
    FILLED(into, node_info(into->bytes, into->capacity));
    return into->length;
}

int guest_has(const char *function) {
    return z_has(function, guest_length(function)) == 1;
}

// An id, or nothing for null.
static guest_text id_of(guest_text value) {
    return guest_is(value, "null") ? (guest_text){0} : guest_unquoted(value);
}

int32_t guest_next(guest_message *message) {
    FILLED(&message->bytes, net_recv_next(message->bytes.bytes, message->bytes.capacity));
    FILLED(&message->info, net_message_info(message->info.bytes, message->info.capacity));
    guest_text info = all(&message->info);
    message->from = guest_unquoted(guest_member(info, "from"));
    message->path = guest_unquoted(guest_member(info, "path"));
    message->id = id_of(guest_member(info, "id"));
    message->answers = id_of(guest_member(info, "answers"));
    message->time = guest_number(guest_member(info, "time"));
    return message->bytes.length;
}

guest_text guest_event(const guest_message *message) {
    static const char mark[] = "@events/";
    const uint32_t length = sizeof mark - 1;
    if (message->path.length < length) return (guest_text){0};
    if (!guest_is((guest_text){message->path.bytes, length}, mark)) return (guest_text){0};
    return (guest_text){message->path.bytes + length, message->path.length - length};
}

int32_t guest_answer(const void *bytes, uint32_t length) {
    return guest_send("@sender", bytes, length);
}

int32_t guest_send(const char *to, const void *bytes, uint32_t length) {
    return net_emit_to(to, guest_length(to), bytes, length);
}

int32_t guest_send_self(const void *bytes, uint32_t length) {
    return sys_self_emit(bytes, length);
}

int32_t guest_get(const char *key, guest_buffer *into) {
    FILLED(into, data_get(key, guest_length(key), into->bytes, into->capacity));
    return into->length;
}

int32_t guest_put(const char *key, const void *value, uint32_t length) {
    return data_put(key, guest_length(key), value, length);
}

int32_t guest_delete(const char *key) {
    return data_delete(key, guest_length(key));
}

static int32_t turn(guest_keys *keys) {
    uint32_t length = guest_length(keys->prefix);
    // The last key lies in the page that is written over.
    GUEST_FREED guest_buffer last = {0};
    guest_add_bytes(&last, keys->key.bytes, keys->key.length);
    guest_buffer *page = &keys->page;
    FILLED(page, data_list(keys->prefix, length, last.bytes, last.length, page->bytes, page->capacity));
    keys->at = 0;
    return page->length;
}

int32_t guest_next_key(guest_keys *keys) {
    if (keys->at == keys->page.length) {
        int32_t turned = turn(keys);
        if (turned <= 0) {
            guest_free_keys(keys);
            return turned;
        }
    }
    const char *at = keys->page.bytes + keys->at;
    __builtin_memcpy(&keys->key.length, at, 4);
    keys->key.bytes = at + 4;
    keys->at += 4 + keys->key.length;
    return 1;
}

void guest_free_keys(guest_keys *keys) {
    guest_free(&keys->page);
    keys->at = 0;
    keys->key = (guest_text){0};
}

int32_t guest_create_blob(const char *key) {
    return data_blob_open(key, guest_length(key), 1);
}

int32_t guest_write_blob(int32_t blob, const void *bytes, uint32_t length) {
    const char *at = bytes;
    while (length) {
        uint32_t part = length < SPACE_CHUNK_BYTES_MAX ? length : SPACE_CHUNK_BYTES_MAX;
        int32_t written = data_blob_write(blob, at, part);
        if (written < 0) return written;
        at += part;
        length -= part;
    }
    return 0;
}

int32_t guest_commit_blob(int32_t blob) {
    return data_blob_close(blob, 1);
}

int32_t guest_open_blob(const char *key) {
    return data_blob_open(key, guest_length(key), 0);
}

int32_t guest_read_blob(int32_t blob, void *out, uint32_t capacity) {
    return data_blob_read(blob, out, capacity);
}

void guest_close_blob(int32_t *blob) {
    if (*blob > 0) data_blob_close(*blob, 0);
}

int32_t guest_function(const char *name, const void *input, uint32_t length, guest_buffer *into) {
    return taken(agent_invoke_df(name, guest_length(name), input, length), into);
}

int32_t guest_select(const char *name, const void *input, uint32_t length, guest_buffer *into) {
    return taken(agent_invoke_af(name, guest_length(name), input, length), into);
}

int32_t guest_model(const char *name, const char *input, guest_buffer *into) {
    return taken(agent_invoke_llm(name, guest_length(name), input, guest_length(input)), into);
}

int32_t guest_ask(const char *name, const char *input, uint32_t seconds, guest_buffer *into) {
    int32_t kept = guest_lookup(input, into);
    if (kept != SPACE_NOT_FOUND) return kept;
    int32_t length = guest_model(name, input, into);
    if (length >= 0) guest_store(input, into->bytes, length, seconds);
    return length;
}

int32_t guest_lookup(const char *key, guest_buffer *into) {
    return taken(ic_lookup(key, guest_length(key)), into);
}

int32_t guest_store(const char *key, const void *value, uint32_t length, uint32_t seconds) {
    return ic_store(key, guest_length(key), value, length, seconds);
}

int32_t guest_subscribe_sensor(const char *id, const char *options) {
    return sensors_subscribe(id, guest_length(id), options, guest_length(options));
}

int32_t guest_read_sensor(const char *id, guest_reading *reading) {
    int32_t length = taken(sensors_read(id, guest_length(id)), &reading->json);
    if (length < 0) return length;
    guest_text json = all(&reading->json);
    reading->number = guest_number(guest_member(json, "number"));
    reading->time = guest_number(guest_member(json, "time"));
    reading->lost = guest_number(guest_member(json, "lost"));
    reading->value = guest_member(json, "value");
    return length;
}

int32_t guest_lock(const char *id, uint32_t milliseconds) {
    return actuators_lock(id, guest_length(id), milliseconds);
}

int32_t guest_command(int32_t lock, const char *action, guest_buffer *into) {
    return taken(actuators_command(lock, action, guest_length(action)), into);
}

void guest_release(int32_t *lock) {
    if (*lock > 0) actuators_release(*lock);
}

int32_t guest_subscribe_event(const char *name) {
    return events_subscribe(name, guest_length(name));
}

int32_t guest_emit_event(const char *name, const void *payload, uint32_t length) {
    return events_emit(name, guest_length(name), payload, length);
}

int32_t guest_recognize(const char *name, const char *specification) {
    return events_register_recognizer(name, guest_length(name), specification, guest_length(specification));
}

static int is_space(char letter) {
    return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n';
}

static guest_text trimmed(const char *from, const char *end) {
    while (from < end && is_space(*from)) from++;
    while (from < end && is_space(end[-1])) end--;
    return (guest_text){from, end - from};
}

guest_text guest_member(guest_text object, const char *key) {
    const char *at = object.bytes, *end = object.bytes + object.length, *start = 0;
    for (int depth = 0; at < end; at++) {
        if (*at == '"') {
            const char *begin = at + 1;
            for (at = begin; at < end && *at != '"'; at++) at += *at == '\\';
            if (at >= end) break;
            const char *after = at + 1;
            while (after < end && is_space(*after)) after++;
            int is_key = depth == 1 && !start && after < end && *after == ':';
            if (is_key && guest_is((guest_text){begin, at - begin}, key)) {
                at = after;
                start = after + 1;
            }
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']' || *at == ',') {
            if (depth == 1 && start) return trimmed(start, at);
            if (*at != ',') depth--;
        }
    }
    return (guest_text){0};
}

guest_text guest_unquoted(guest_text value) {
    if (value.length < 2 || value.bytes[0] != '"') return value;
    return (guest_text){value.bytes + 1, value.length - 2};
}

uint64_t guest_number(guest_text value) {
    uint64_t number = 0;
    value = guest_unquoted(value);
    for (uint32_t at = 0; at < value.length; at++) {
        if (value.bytes[at] < '0' || value.bytes[at] > '9') return 0;
        number = number * 10 + (value.bytes[at] - '0');
    }
    return number;
}
