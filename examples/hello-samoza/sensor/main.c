// The sensor: a reading each tenth of a second. There is no thermometer; a wave and some noise stand for one.
#include "guest.h"

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
    return guest_send_self(&count, sizeof count);
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

// Sends along a path. Where nobody takes what was sent before, this reading is left out.
static int32_t send(const char *path, const guest_buffer *reading) {
    int32_t sent = guest_send(path, reading->bytes, reading->length);
    return sent == SPACE_WOULD_BLOCK || sent == SPACE_CLOSED ? 0 : sent;
}

SPACE_EXPORT(on_init) int32_t on_init(void) {
    guest_log("ten readings a second");
    return due();
}

SPACE_EXPORT(on_process) int32_t on_process(void) {
    static guest_message message;
    int32_t got = guest_next(&message);
    if (got != sizeof count || *(uint32_t *)message.bytes.bytes != count) return 0;
    // A wait that was ended says that the space is to close.
    if (sys_sleep(PERIOD_MILLISECONDS) < 0) return 0;

    uint32_t hundredths = measure();
    GUEST_FREED guest_buffer reading = {0};
    guest_add(&reading, "{\"reading\":");
    guest_add_number(&reading, count);
    guest_add(&reading, ",\"celsius\":");
    guest_add_number(&reading, hundredths / 100);
    guest_add(&reading, hundredths % 100 < 10 ? ".0" : ".");
    guest_add_number(&reading, hundredths % 100);
    guest_add(&reading, "}");

    int32_t sent = send("readings", &reading);
    if (sent >= 0 && count % KEPT_EVERY == 0) sent = send("values", &reading);
    count++;
    return sent < 0 ? sent : due();
}

SPACE_EXPORT(on_close) int32_t on_close(void) {
    return 0;
}
