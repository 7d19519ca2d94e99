// %name%: a space in C.
#include "guest.h"

// With 1 the space counts its starts among its values. The module then imports `data.get` and `data.put`, so a run
// must grant them; README.md has the command.
#define KEEP_COUNT 0

static uint32_t messages;

// Logs a label and a number.
static void say(const char *label, uint32_t number) {
    GUEST_FREED guest_buffer line = {0};
    guest_add(&line, label);
    guest_add_number(&line, number);
    guest_log_buffer(&line);
}

static int32_t count_start(void) {
    GUEST_FREED guest_buffer kept = {0};
    int32_t got = guest_get("starts", &kept);
    if (got < 0 && got != SPACE_NOT_FOUND) return got;
    uint32_t starts = 0;
    if (got == sizeof starts) __builtin_memcpy(&starts, kept.bytes, sizeof starts);
    starts++;
    say("starts so far: ", starts);
    return guest_put("starts", &starts, sizeof starts);
}

// Once, before any message. An answer below 0 says that it failed.
SPACE_EXPORT(on_init) int32_t on_init(void) {
    guest_log("hello from %name%, a space in C");
    return KEEP_COUNT ? count_start() : 0;
}

// For each message; `guest_next` would fetch it.
SPACE_EXPORT(on_process) int32_t on_process(void) {
    messages++;
    return 0;
}

// Once, at the end.
SPACE_EXPORT(on_close) int32_t on_close(void) {
    say("messages: ", messages);
    return 0;
}
