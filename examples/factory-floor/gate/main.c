// The gate: carries out what the console orders, if nobody else has the gate locked.
#include "space.h"

#define GATE "factory-gate"
// An order takes no longer.
#define LEASE_MILLISECONDS 2000
#define TEXT_MAX 128

static uint32_t put_text(char *to, uint32_t at, const char *text) {
    while (*text && at < TEXT_MAX) to[at++] = *text++;
    return at;
}

static uint32_t put_number(char *to, uint32_t at, uint32_t number) {
    char reversed[10];
    uint32_t length = 0;
    do {
        reversed[length++] = '0' + number % 10;
        number /= 10;
    } while (number);
    while (length && at < TEXT_MAX) to[at++] = reversed[--length];
    return at;
}

static int is_text(const char *text, uint32_t length, const char *wanted) {
    while (length && *wanted && *text == *wanted) text++, wanted++, length--;
    return !length && !*wanted;
}

// The position that was ordered, or nothing.
static const char *position(const char *order, uint32_t length) {
    if (is_text(order, length, "open")) return "open";
    if (is_text(order, length, "closed")) return "closed";
    return 0;
}

// Whether `space send` put the order there: then nobody waits for an answer.
static int is_own(void) {
    static char info[1024];
    static const char own[] = "\"from\":\"@self\"";
    int32_t length = net_message_info(info, sizeof info);
    for (int32_t at = 0; at + (int32_t)sizeof own - 1 <= length && length <= (int32_t)sizeof info; at++) {
        if (is_text(info + at, sizeof own - 1, own)) return 1;
    }
    return 0;
}

static int32_t answer(const char *text, uint32_t length) {
    if (is_own()) return 0;
    int32_t sent = net_emit_to("@sender", 7, text, length);
    // Whoever asked may be gone.
    return sent == SPACE_WOULD_BLOCK || sent == SPACE_CLOSED || sent == SPACE_DENIED ? 0 : sent;
}

static int32_t refuse(const char *why) {
    char text[TEXT_MAX];
    uint32_t at = put_text(text, 0, "{\"refused\":\"");
    at = put_text(text, at, why);
    at = put_text(text, at, "\"}");
    return answer(text, at);
}

static int32_t move(const char *to) {
    int32_t lock = actuators_lock(GATE, sizeof GATE - 1, LEASE_MILLISECONDS);
    if (lock == SPACE_BUSY) return refuse("locked by another");
    if (lock < 0) return lock;
    char text[TEXT_MAX];
    uint32_t at = put_text(text, 0, "{\"position\":\"");
    at = put_text(text, at, to);
    uint32_t end = put_text(text, at, "\"}");
    int32_t done = actuators_command(lock, text, end);
    // One that came too late was refused before the gate moved.
    if (done == SPACE_EXPIRED) return refuse("too late");
    if (done < 0) return done;
    int32_t released = actuators_release(lock);
    if (released < 0 && released != SPACE_EXPIRED) return released;
    at = put_text(text, at, "\",\"fence\":");
    at = put_number(text, at, lock);
    at = put_text(text, at, "}");
    sys_log(text, at);
    return answer(text, at);
}

SPACE_EXPORT(on_init) int32_t on_init(void) {
    return 0;
}

SPACE_EXPORT(on_process) int32_t on_process(void) {
    // As large as any message, so that none is left.
    static char order[SPACE_MESSAGE_BYTES_MAX];
    int32_t length = net_recv_next(order, sizeof order);
    if (length == SPACE_WOULD_BLOCK) return 0;
    if (length < 0) return length;
    const char *to = position(order, length);
    return to ? move(to) : refuse("no such position");
}

SPACE_EXPORT(on_close) int32_t on_close(void) {
    return 0;
}
