// Goes through the Guest Library: tests/guests/README.md.
#include "guest.h"

#define LARGE_BYTES 40000
#define BLOB_BYTES 200000
#define MESSAGE_BYTES 60000

#define TRY(call)                    \
    do {                             \
        int32_t tried = (call);      \
        if (tried < 0) return tried; \
    } while (0)

static guest_buffer line;
static guest_buffer first;

static void pattern(guest_buffer *into, uint32_t length) {
    guest_reserve(into, length);
    for (uint32_t at = 0; at < length; at++) into->bytes[at] = (char)(at * 7 + 3);
    into->length = length;
}

static uint32_t sum(const void *bytes, uint32_t length) {
    uint32_t total = 0;
    for (uint32_t at = 0; at < length; at++) total += ((const uint8_t *)bytes)[at];
    return total;
}

static void add_text(guest_text text) {
    guest_add_bytes(&line, text.bytes, text.length);
}

static void add_bool(int is) {
    guest_add(&line, is ? "true" : "false");
}

// "data: large has 40000 bytes, sum 1"
static void add_size(const guest_buffer *bytes) {
    guest_add_number(&line, bytes->length);
    guest_add(&line, " bytes, sum ");
    guest_add_number(&line, sum(bytes->bytes, bytes->length));
}

static void say(const char *label, const char *rest) {
    guest_add(&line, label);
    guest_add(&line, rest);
    guest_log_buffer(&line);
}

static void name(const char *label, int32_t result) {
    say(label, result < 0 ? space_error(result) : "no error");
}

static int32_t shows(const char *label, int32_t result, const guest_buffer *bytes) {
    if (result == SPACE_NOT_FOUND) {
        say(label, " is not there");
        return 0;
    }
    TRY(result);
    guest_add(&line, label);
    guest_add(&line, " is ");
    guest_add_bytes(&line, bytes->bytes, bytes->length);
    guest_log_buffer(&line);
    return 0;
}

static int32_t small(void) {
    guest_log("a line: ümläut, and \"quotes\"");
    for (int at = 0; at < 4095; at++) guest_add(&line, "k");
    say("", "üend");
    guest_add(&line, "z: ");
    add_bool(guest_has("data.put"));
    guest_add(&line, " ");
    add_bool(guest_has("data.forget"));
    guest_add(&line, " ");
    add_bool(z_version() >= 1);
    guest_log_buffer(&line);
    GUEST_FREED guest_buffer node = {0};
    TRY(guest_node(&node));
    guest_add(&line, "node: ");
    add_bool(node.length > 2 && node.bytes[0] == '{' && node.bytes[1] == '"');
    guest_log_buffer(&line);
    return 0;
}

static int32_t values(void) {
    GUEST_FREED guest_buffer bytes = {0};
    TRY(shows("data: note", guest_get("note", &bytes), &bytes));
    TRY(guest_put("note", "remembered", 10));
    TRY(shows("data: note", guest_get("note", &bytes), &bytes));
    pattern(&bytes, LARGE_BYTES);
    TRY(guest_put("large", bytes.bytes, bytes.length));
    GUEST_FREED guest_buffer large = {0};
    TRY(guest_get("large", &large));
    guest_add(&line, "data: large has ");
    add_size(&large);
    guest_log_buffer(&line);
    guest_add(&line, "data: deleted ");
    add_bool(guest_delete("large") == 1);
    guest_add(&line, " ");
    add_bool(guest_delete("large") == 1);
    guest_log_buffer(&line);
    name("data: an empty key: ", guest_put("", "x", 1));
    pattern(&bytes, 70000);
    name("data: too much: ", guest_put("note", bytes.bytes, bytes.length));
    for (uint32_t at = 0; at < 300; at++) {
        char key[] = "item/000";
        key[5] += at / 100;
        key[6] += at / 10 % 10;
        key[7] += at % 10;
        TRY(guest_put(key, "x", 1));
    }
    GUEST_FREED guest_buffer begun = {0};
    GUEST_FREED guest_buffer last = {0};
    guest_keys keys = {.prefix = "item/"};
    uint32_t count = 0;
    int32_t got;
    while ((got = guest_next_key(&keys)) > 0) {
        last.length = 0;
        guest_add_bytes(&last, keys.key.bytes, keys.key.length);
        if (!count++) guest_add_bytes(&begun, last.bytes, last.length);
    }
    TRY(got);
    guest_add(&line, "data: ");
    guest_add_number(&line, count);
    guest_add(&line, " keys, from ");
    guest_add_bytes(&line, begun.bytes, begun.length);
    guest_add(&line, " to ");
    guest_add_bytes(&line, last.bytes, last.length);
    guest_log_buffer(&line);
    return 0;
}

static int32_t drop(void) {
    GUEST_CLOSED int32_t blob = guest_create_blob("dropped");
    TRY(blob);
    return guest_write_blob(blob, "x", 1);
}

static int32_t blobs(void) {
    GUEST_FREED guest_buffer bytes = {0};
    pattern(&bytes, BLOB_BYTES);
    int32_t written = guest_create_blob("blob");
    TRY(written);
    TRY(guest_write_blob(written, bytes.bytes, bytes.length));
    TRY(guest_commit_blob(written));
    GUEST_CLOSED int32_t blob = guest_open_blob("blob");
    TRY(blob);
    GUEST_FREED guest_buffer read = {0};
    static char part[8192];
    int32_t got;
    while ((got = guest_read_blob(blob, part, sizeof part)) > 0) guest_add_bytes(&read, part, got);
    TRY(got);
    guest_add(&line, "data: blob has ");
    add_size(&read);
    guest_log_buffer(&line);
    TRY(drop());
    guest_add(&line, "data: dropped is there: ");
    add_bool(guest_open_blob("dropped") != SPACE_NOT_FOUND);
    guest_log_buffer(&line);
    return 0;
}

static int32_t agents(void) {
    GUEST_FREED guest_buffer bytes = {0};
    TRY(shows("ic: answer", guest_lookup("what?", &bytes), &bytes));
    TRY(guest_store("what?", "a cache", 7, 60));
    TRY(shows("ic: answer", guest_lookup("what?", &bytes), &bytes));
    TRY(guest_function("large", "100000", 6, &bytes));
    guest_add(&line, "agent: large gives ");
    add_size(&bytes);
    guest_log_buffer(&line);
    const char *words[] = {"agent: triage gives ", "agent: model says ", "agent: asked ", "agent: asked again "};
    for (int at = 0; at < 4; at++) {
        TRY(at == 0   ? guest_select("triage", "Say 20.", 7, &bytes)
            : at == 1 ? guest_model("small", "Hello?", &bytes)
                      : guest_ask("small", "Who?", 60, &bytes));
        guest_add(&line, words[at]);
        guest_add_bytes(&line, bytes.bytes, bytes.length);
        guest_log_buffer(&line);
    }
    name("agent: nobody: ", guest_function("nobody", "", 0, &bytes));
    return 0;
}

static int32_t locked(int32_t *fence) {
    GUEST_RELEASED int32_t lock = guest_lock("valve", 60000);
    TRY(lock);
    GUEST_FREED guest_buffer result = {0};
    TRY(guest_command(lock, "{\"open\":true}", &result));
    guest_add(&line, "actuators: done ");
    add_text(guest_member((guest_text){result.bytes, result.length}, "done"));
    guest_log_buffer(&line);
    *fence = lock;
    return 0;
}

static int32_t devices(void) {
    static guest_reading reading;
    TRY(guest_subscribe_sensor("tape", "{\"queue\":8}"));
    while (1) {
        int32_t got = guest_read_sensor("tape", &reading);
        if (got == SPACE_WOULD_BLOCK) {
            TRY(sys_sleep(1));
        } else if (got < 0) {
            name("sensors: then ", got);
            break;
        } else {
            guest_add(&line, "sensors: ");
            guest_add_number(&line, reading.number);
            guest_add(&line, " of tape is ");
            add_text(reading.value);
            guest_log_buffer(&line);
        }
    }
    name("sensors: cellar: ", guest_read_sensor("cellar", &reading));
    int32_t fence = 0;
    TRY(locked(&fence));
    name("actuators: after its block: ", actuators_command(fence, "1", 1));
    name("actuators: gate: ", guest_lock("gate", 1));
    int32_t played = audio_playback("abcdefgh", 8);
    TRY(played);
    guest_add(&line, "audio: played ");
    guest_add_number(&line, played);
    guest_log_buffer(&line);
    char buffer[4] = {1, 1, 1, 1};
    int32_t heard;
    while ((heard = audio_capture(buffer, sizeof buffer)) == SPACE_WOULD_BLOCK) TRY(sys_sleep(1));
    TRY(heard);
    guest_add(&line, "audio: captured ");
    guest_add_number(&line, heard);
    guest_add(&line, ", sum ");
    guest_add_number(&line, sum(buffer, sizeof buffer));
    guest_log_buffer(&line);
    return 0;
}

static void said(const char *word, const guest_message *message, int is_answer) {
    guest_add(&line, "message: ");
    guest_add(&line, word);
    guest_add(&line, " from ");
    add_text(message->from);
    guest_add(&line, ", an answer: ");
    add_bool(is_answer);
    guest_log_buffer(&line);
}

static int32_t happened(guest_message *message, guest_text event) {
    guest_text bytes = {message->bytes.bytes, message->bytes.length};
    if (guest_is(event, "done")) {
        guest_add(&line, "event: done brings ");
        add_text(bytes);
        guest_log_buffer(&line);
        TRY(guest_subscribe_event("hot"));
        return guest_recognize("hot", "{\"sensor\":\"oven\",\"when\":{\"always\":{}},\"perMinute\":1}");
    }
    guest_add(&line, "event: ");
    add_text(event);
    guest_add(&line, " is ");
    add_text(guest_member(bytes, "state"));
    guest_log_buffer(&line);
    guest_add(&line, "message: none is left: ");
    add_bool(guest_next(message) == SPACE_WOULD_BLOCK);
    guest_log_buffer(&line);
    guest_log("end");
    return 0;
}

SPACE_EXPORT(on_init) int32_t on_init(void) {
    TRY(small());
    TRY(values());
    TRY(blobs());
    TRY(agents());
    TRY(devices());
    return guest_send_self("one", 3);
}

SPACE_EXPORT(on_process) int32_t on_process(void) {
    static guest_message message;
    int32_t got = guest_next(&message);
    if (got == SPACE_WOULD_BLOCK) return 0;
    TRY(got);
    guest_text event = guest_event(&message), bytes = {message.bytes.bytes, message.bytes.length};
    if (event.bytes) return happened(&message, event);
    if (guest_is(bytes, "one")) {
        said("one", &message, message.answers.length != 0);
        guest_add_bytes(&first, message.id.bytes, message.id.length);
        guest_add_bytes(&first, "", 1);
        return guest_answer("two", 3);
    }
    if (guest_is(bytes, "two")) {
        said("two", &message, guest_is(message.answers, first.bytes));
        GUEST_FREED guest_buffer large = {0};
        pattern(&large, MESSAGE_BYTES);
        return guest_send_self(large.bytes, large.length);
    }
    guest_add(&line, "message: ");
    add_size(&message.bytes);
    guest_log_buffer(&line);
    name("message: nobody: ", guest_send("nobody", "x", 1));
    TRY(guest_subscribe_event("done"));
    return guest_emit_event("done", "well", 4);
}

SPACE_EXPORT(on_close) int32_t on_close(void) {
    guest_log("closing");
    return 0;
}
