// A machine of eight instructions, interpreted.
#include <stdint.h>

enum { ADD, XOR, SCALE, SHIFT, TAKE, MIX, SKIP, AGAIN };
static uint8_t program[] = {ADD, XOR, SCALE, SKIP, SHIFT, TAKE, XOR, SCALE, ADD, MIX, AGAIN};

uint64_t run(uint32_t n) {
    uint32_t at = 0, a = 1, b = 2, c = 0;
    for (uint32_t i = 0; i < n; i++) switch (program[at++]) {
        case ADD: a += b; break;
        case XOR: b ^= a; break;
        case SCALE: a = a * 3 + 1; break;
        case SHIFT: c += a >> 3; break;
        case TAKE: b -= c; break;
        case MIX: a ^= c << 2; break;
        case SKIP: at += b & 1; break;
        default: at = 0;
        }
    return (uint64_t)a << 32 | (b ^ c);
}
