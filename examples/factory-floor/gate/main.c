// The gate: carries out what the console orders, if nobody else has the gate locked.
#include "guest.h"

#define GATE "factory-gate"
// An order takes no longer.
#define LEASE_MILLISECONDS 2000

// What the gate is told to do for an order, or nothing.
static const char *action(guest_text order) {
    if (guest_is(order, "open")) return "{\"position\":\"open\"}";
    if (guest_is(order, "closed")) return "{\"position\":\"closed\"}";
    return 0;
}

static int32_t answer(const guest_message *order, const guest_buffer *text) {
    // What `space send` put there waits for no answer.
    if (guest_is(order->from, "@self")) return 0;
    int32_t sent = guest_answer(text->bytes, text->length);
    // Whoever asked may be gone.
    return sent == SPACE_WOULD_BLOCK || sent == SPACE_CLOSED || sent == SPACE_DENIED ? 0 : sent;
}

static int32_t refuse(const guest_message *order, const char *why) {
    GUEST_FREED guest_buffer text = {0};
    guest_add(&text, "{\"refused\":\"");
    guest_add(&text, why);
    guest_add(&text, "\"}");
    return answer(order, &text);
}

static int32_t move(const guest_message *order, const char *what) {
    int32_t lock = guest_lock(GATE, LEASE_MILLISECONDS);
    if (lock == SPACE_BUSY) return refuse(order, "locked by another");
    if (lock < 0) return lock;
    int32_t fence = lock;
    GUEST_FREED guest_buffer result = {0};
    int32_t done = guest_command(lock, what, &result);
    guest_release(&lock);
    // One that came too late was refused before the gate moved.
    if (done == SPACE_EXPIRED) return refuse(order, "too late");
    if (done < 0) return done;
    GUEST_FREED guest_buffer text = {0};
    guest_add_bytes(&text, what, guest_length(what) - 1);
    guest_add(&text, ",\"fence\":");
    guest_add_number(&text, fence);
    guest_add(&text, "}");
    guest_log_bytes(text.bytes, text.length);
    return answer(order, &text);
}

SPACE_EXPORT(on_init) int32_t on_init(void) {
    return 0;
}

SPACE_EXPORT(on_process) int32_t on_process(void) {
    static guest_message order;
    int32_t length = guest_next(&order);
    if (length == SPACE_WOULD_BLOCK) return 0;
    if (length < 0) return length;
    const char *what = action((guest_text){order.bytes.bytes, order.bytes.length});
    return what ? move(&order, what) : refuse(&order, "no such position");
}

SPACE_EXPORT(on_close) int32_t on_close(void) {
    return 0;
}
