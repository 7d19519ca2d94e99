// The sensor: a reading each tenth of a second. There is no thermometer; a wave and some noise stand for one.
#include "space.h"

#define PERIOD_MILLISECONDS 100
// Readings from one that is kept to the next.
#define KEPT_EVERY 10
// Readings of one wave.
#define WAVE 200

// Readings so far. A message to oneself carries the number of the reading that is due, so that one that was sent before
// a restart begins no second row of them.
static uint32_t count;
static uint32_t noise = 1;

static int32_t due(void) {
    return sys_self_emit(&count, sizeof count);
}

// Hundredths of a degree: between 18 and 24, and a little noise.
static uint32_t measure(void) {
    uint32_t phase = count % WAVE;
    uint32_t rise = (phase < WAVE / 2 ? phase : WAVE - phase) * 200 / WAVE;
    // From 0 to 100, slow at both ends.
    uint32_t wave = rise * rise * (300 - 2 * rise) / 10000;
    noise = noise * 1664525 + 1013904223;
    return 1800 + wave * 6 + (noise >> 27);
}

static uint32_t put_text(char *to, uint32_t at, const char *text) {
    while (*text) to[at++] = *text++;
    return at;
}

static uint32_t put_number(char *to, uint32_t at, uint32_t number, uint32_t digits) {
    char reversed[10];
    uint32_t length = 0;
    do {
        reversed[length++] = '0' + number % 10;
        number /= 10;
    } while (number || length < digits);
    while (length) to[at++] = reversed[--length];
    return at;
}

// Sends along a path. Where nobody takes what was sent before, this reading is left out.
static int32_t send(const char *path, uint32_t length, const char *message, uint32_t bytes) {
    int32_t sent = net_emit_to(path, length, message, bytes);
    return sent == SPACE_WOULD_BLOCK || sent == SPACE_CLOSED ? 0 : sent;
}

SPACE_EXPORT(on_init) int32_t on_init(void) {
    sys_log("ten readings a second", 21);
    return due();
}

SPACE_EXPORT(on_process) int32_t on_process(void) {
    uint32_t number;
    int32_t got = net_recv_next(&number, sizeof number);
    if (got != sizeof number || number != count) return 0;
    // A wait that was ended says that the space is to close.
    if (sys_sleep(PERIOD_MILLISECONDS) < 0) return 0;

    uint32_t hundredths = measure();
    char message[64];
    uint32_t at = put_text(message, 0, "{\"reading\":");
    at = put_number(message, at, count, 1);
    at = put_text(message, at, ",\"celsius\":");
    at = put_number(message, at, hundredths / 100, 1);
    at = put_text(message, at, ".");
    at = put_number(message, at, hundredths % 100, 2);
    at = put_text(message, at, "}");

    int32_t sent = send("readings", 8, message, at);
    if (sent >= 0 && count % KEPT_EVERY == 0) sent = send("values", 6, message, at);
    count++;
    return sent < 0 ? sent : due();
}

SPACE_EXPORT(on_close) int32_t on_close(void) {
    return 0;
}
