// %name%: a space in C.
#include "space.h"

// With 1 the space counts its starts among its values. The module then imports `data.get` and `data.put`, so a run
// must grant them; README.md has the command.
#define KEEP_COUNT 0

static uint32_t messages;

static void say(const char *text) {
    uint32_t length = 0;
    while (text[length]) length++;
    sys_log(text, length);
}

// Writes the label and a number into a line and logs it.
static void say_number(const char *label, uint32_t number) {
    char line[64];
    char digits[10];
    uint32_t length = 0, count = 0;
    while (label[length]) {
        line[length] = label[length];
        length++;
    }
    do {
        digits[count++] = '0' + number % 10;
        number /= 10;
    } while (number);
    while (count) line[length++] = digits[--count];
    sys_log(line, length);
}

static int32_t count_start(void) {
    uint32_t starts = 0;
    int32_t got = data_get("starts", 6, &starts, sizeof starts);
    if (got < 0 && got != SPACE_NOT_FOUND) return got;
    starts++;
    say_number("starts so far: ", starts);
    return data_put("starts", 6, &starts, sizeof starts);
}

// Once, before any message. An answer below 0 says that it failed.
SPACE_EXPORT(on_init) int32_t on_init(void) {
    say("hello from %name%, a space in C");
    return KEEP_COUNT ? count_start() : 0;
}

// For each message; `net_recv_next` would fetch it.
SPACE_EXPORT(on_process) int32_t on_process(void) {
    messages++;
    return 0;
}

// Once, at the end.
SPACE_EXPORT(on_close) int32_t on_close(void) {
    say_number("messages: ", messages);
    return 0;
}
